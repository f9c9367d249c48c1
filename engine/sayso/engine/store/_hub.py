"""Who hears of what was committed, and on which event loop.

A listener is called with the changes of one commit, after the commit, on its own loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

import msgspec

from sayso.engine._records import RequestRecord, RequestStatus, WorkflowStatus


class Resolution(msgspec.Struct, frozen=True, gc=False):
    """The end of a request. `answer` and `decided` are JSON; `decided` are the votes that decided, `by` is who ended
    it; `break_glass` where it was approved alone, in an emergency, as listeners are told at its commit.
    """

    request_id: str
    status: RequestStatus
    answer: str | None = None
    decided: str | None = None
    resolved_at: datetime | None = None
    by: str | None = None
    break_glass: bool = False

    @classmethod
    def of(cls, record: RequestRecord) -> Resolution:
        """The end that a request has come to."""
        return cls(
            record.id, record.status, record.answer, record.decided, record.resolved_at, record.resolved_by
        )


class Change(msgspec.Struct, frozen=True, gc=False):
    """Something that was committed about a run, with its status behind the change.

    `resolutions` is the run's count with this change, where a request was resolved.
    """

    run_id: str
    workflow: str
    status: WorkflowStatus
    resolved: Resolution | None = None
    resolutions: int = 0


class Listener(msgspec.Struct, frozen=True, eq=False):
    """A callback and the loop on which it runs, for the changes that it `wants`. That is asked on the writer's thread:
    where it says no, the loop is not woken.
    """

    loop: asyncio.AbstractEventLoop
    callback: Callable[[Change], None]
    wants: Callable[[Change], bool] = lambda _change: True


class CommitListener(msgspec.Struct, frozen=True, eq=False):
    """Who wants to know that there is news to read, and on which loop."""

    loop: asyncio.AbstractEventLoop
    callback: Callable[[], None]


class RunDriver(Protocol):
    """What drives runs in this process; the layer above knows its type."""

    @property
    def alive(self) -> bool:
        """Whether its loop still runs it."""
        ...


class Hub:
    """The listeners of one store, of single runs and of whole workflows, and who drives what in this process.

    Safe to change from any thread, and read without a lock: tuples are replaced whole.
    """

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self.run_drivers: dict[str, RunDriver] = {}
        self.workflow_drivers: dict[str, RunDriver] = {}
        self.card_listeners: tuple[CommitListener, ...] = ()
        self.audit_listeners: tuple[CommitListener, ...] = ()
        self._of_runs: dict[str, tuple[Listener, ...]] = {}
        self._of_workflows: dict[str, tuple[Listener, ...]] = {}
        self._of_all: tuple[Listener, ...] = ()

    def listen_to_all(self, listener: Listener) -> None:
        """Have the listener called with what is committed from now on about any run."""
        with self._changing:
            self._of_all = (*self._of_all, listener)

    def ignore_all(self, listener: Listener) -> None:
        """Undo `listen_to_all`."""
        with self._changing:
            self._of_all = tuple(one for one in self._of_all if one is not listener)

    def listen(self, listener: Listener, *, run_id: str | None = None, workflows: Iterable[str] = ()) -> None:
        """Have the listener called with what is committed from now on."""
        with self._changing:
            if run_id is not None:
                self._of_runs[run_id] = (*self._of_runs.get(run_id, ()), listener)
            for workflow in workflows:
                self._of_workflows[workflow] = (*self._of_workflows.get(workflow, ()), listener)

    def ignore(self, listener: Listener, *, run_id: str | None = None, workflows: Iterable[str] = ()) -> None:
        """Undo `listen`; harmless where it is not known."""
        with self._changing:
            if run_id is not None:
                _remove(self._of_runs, run_id, listener)
            for workflow in workflows:
                _remove(self._of_workflows, workflow, listener)

    def listen_cards(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> CommitListener:
        """Have the callback called on its loop after each commit that gave cards news."""
        listener = CommitListener(loop, callback)
        with self._changing:
            self.card_listeners = (*self.card_listeners, listener)
        return listener

    def ignore_cards(self, listener: CommitListener) -> None:
        """Undo `listen_cards`; harmless where it is not known."""
        with self._changing:
            self.card_listeners = tuple(known for known in self.card_listeners if known is not listener)

    def listen_audit(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> CommitListener:
        """Have the callback called on its loop after each commit that lengthened the audit trail."""
        listener = CommitListener(loop, callback)
        with self._changing:
            self.audit_listeners = (*self.audit_listeners, listener)
        return listener

    def ignore_audit(self, listener: CommitListener) -> None:
        """Undo `listen_audit`; harmless where it is not known."""
        with self._changing:
            self.audit_listeners = tuple(known for known in self.audit_listeners if known is not listener)

    def drive(self, driver: RunDriver, *, run_id: str | None = None, workflows: Iterable[str] = ()) -> None:
        """A driver drives a run alone, or hosts workflows, from now on."""
        with self._changing:
            if run_id is not None:
                self.run_drivers[run_id] = driver
            self.workflow_drivers.update(dict.fromkeys(workflows, driver))

    def drop(self, driver: RunDriver) -> None:
        """Undo `drive`; harmless where another has taken over."""
        with self._changing:
            for drivers in (self.run_drivers, self.workflow_drivers):
                for key in [key for key, known in drivers.items() if known is driver]:
                    del drivers[key]

    def listeners(self, change: Change) -> tuple[Listener, ...]:
        """Whom a change concerns."""
        return (
            self._of_runs.get(change.run_id, ()) + self._of_workflows.get(change.workflow, ()) + self._of_all
        )

    def driver_of(self, run_id: str, workflow: str) -> RunDriver | None:
        """Who drives a run here: one that has it alone, else one that hosts its workflow."""
        for driver in (self.run_drivers.get(run_id), self.workflow_drivers.get(workflow)):
            if driver is not None and driver.alive:
                return driver
        return None


def _remove(table: dict[str, tuple[Listener, ...]], key: str, listener: Listener) -> None:
    left = tuple(known for known in table.get(key, ()) if known is not listener)
    if left:
        table[key] = left
    else:
        table.pop(key, None)
