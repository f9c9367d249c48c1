"""A driver: runs on one event loop, under one task group. The handle and the runtime both drive through it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from sayso.engine._audience import parse_audience
from sayso.engine._graph import Workflow
from sayso.engine._people import Directory
from sayso.engine._policy import Policy
from sayso.engine._records import WorkflowStatus
from sayso.engine.errors import RunExists, StoreError
from sayso.engine.run._ground import Ground
from sayso.engine.run._host import Surroundings
from sayso.engine.run._live import LiveRun
from sayso.engine.run._threads import CodeThreads
from sayso.engine.store import Change, Listener, NewRun, Store

logger = logging.getLogger("sayso.engine")

T = TypeVar("T")

_FIRST_BACK_OFF = timedelta(seconds=1)
_LONGEST_BACK_OFF = timedelta(minutes=1)


class _Stopped(Exception):
    """Ends a driver's task group from within."""


class Driver:
    """Drives runs of some workflows, or one run alone, on the loop that `main` runs on.

    `resident` bounds how many parked runs stay in memory as coroutines; None is without bound. The others are loaded
    when their answer comes.
    """

    def __init__(
        self,
        store: Store,
        workflows: Mapping[str, Workflow],
        *,
        resident: int | None,
        run_id: str | None = None,
        audiences: Mapping[str, tuple[str, ...]] | None = None,
        policies: Mapping[str, Policy] | None = None,
        directory: Directory | None = None,
        threads: CodeThreads | None = None,
    ) -> None:
        self.store = store
        self._ground = Ground(store)
        self.workflows = workflows
        self.loop = asyncio.get_running_loop()
        self.live: dict[str, LiveRun] = {}
        known, asked, code = audiences or {}, dict(policies or {}), threads or CodeThreads()
        self._around = {
            name: Surroundings(known.get(name, parse_audience(None)), asked, directory or Directory(), code)
            for name in workflows
        }
        self._run_id = run_id
        self._resident = resident
        self._parked: OrderedDict[str, LiveRun] = OrderedDict()
        self._listener = Listener(self.loop, self._hear)
        self._ready = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    async def main(self) -> None:
        """Drive until `stop` or cancellation, then set every run aside; each continues from what is stored."""
        try:
            async with asyncio.TaskGroup() as group:
                self._ground.begin(group)
                self._start_listening()
                self.watch_deadlines()
                self._ready.set()
                await self._ground.stopped.wait()
                raise _Stopped  # noqa: TRY301 - has the group cancel its tasks
        except* _Stopped:
            pass
        finally:
            self._ground.stopped.set()
            await self._set_aside()
            self._stop_listening()
            for live in self.live.values():
                live.leave()
            self.live.clear()
            self._parked.clear()

    async def _set_aside(self) -> None:
        """What stands in the middle of a visit was stopped in order: the next start does not count it as cut off."""
        if not self.store.is_open:
            return  # it was closed before its driver, which is not worth opening it again
        try:
            await self.store.set_aside(tuple(self.workflows), self._run_id)
        except StoreError as error:
            logger.warning("the next start will treat cleanly stopped runs as interrupted: %s", error)

    def _start_listening(self) -> None:
        hub = self.store.hub
        for name, workflow in self.workflows.items():
            self.store.set_nodes(name, workflow.nodes)
        if self._run_id is not None:
            hub.drive(self, run_id=self._run_id)
            hub.listen(self._listener, run_id=self._run_id)
        else:
            hub.drive(self, workflows=self.workflows)
            hub.listen(self._listener, workflows=self.workflows)

    def _stop_listening(self) -> None:
        hub = self.store.hub
        workflows = () if self._run_id is not None else tuple(self.workflows)
        hub.ignore(self._listener, run_id=self._run_id, workflows=workflows)
        hub.drop(self)

    async def ready(self) -> None:
        """Return once `main` is told what is committed."""
        await self._ready.wait()

    def stop(self) -> None:
        """Have `main` end. Stopping twice is harmless."""
        self._ground.stopped.set()

    @property
    def alive(self) -> bool:
        """Whether runs are driven here."""
        return not self.loop.is_closed() and not self._ground.is_closing()

    async def on_loop(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await work on the driver's loop, from whichever loop this is."""
        if asyncio.get_running_loop() is self.loop:
            return await work()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self.loop))

    async def new_run(self, run_id: str, workflow: Workflow, shared: str) -> NewRun:
        """A run to be started for nobody, of a workflow as its code is now; `shared` is JSON."""
        key = await self._ground.definition_key(workflow)
        return NewRun(run_id, workflow.name, key, workflow.start.id, shared, None)

    async def start(self, new: NewRun) -> None:
        """Store a run of a workflow as its code is now, and execute its first visit. Raises `RunExists`, `RightLapsed`,
        `StoreError`.
        """
        key = await self._ground.definition_key(self.workflows[new.workflow])
        if new.run_id in self.live:
            raise RunExists(new.run_id)
        started = msgspec.structs.replace(new, definition_key=key)
        await self.get(new.run_id, new.workflow, auto=True).start(started)

    def around(self, workflow: str) -> Surroundings:
        """What the questions of a workflow find."""
        return self._around[workflow]

    def take_up(self, run_id: str, workflow: str) -> None:
        """Drive a stored run on, unless somebody in this process does."""
        if not self._is_driven_by_handle(run_id):
            self.get(run_id, workflow, auto=True).go()

    def recover(self, run_id: str, workflow: str) -> None:
        """As `take_up`, for a run that a start found in the middle of a visit."""
        if not self._is_driven_by_handle(run_id):
            live = self.get(run_id, workflow, auto=True)
            live.found()
            live.go()

    def _is_driven_by_handle(self, run_id: str) -> bool:
        other = self.store.hub.run_drivers.get(run_id)
        return other is not None and other.alive

    def get(self, run_id: str, workflow: str, *, auto: bool) -> LiveRun:
        """The run in memory, from now on if it was not."""
        live = self.live.get(run_id)
        if live is None:
            live = self.live[run_id] = LiveRun(
                self._ground, self, run_id, self.workflows[workflow], self._around[workflow], auto=auto
            )
        return live

    async def at_rest(self, run_id: str) -> None:
        """Wait until a run rests that moves in memory here; it may move elsewhere, or be about to."""
        live = self.live.get(run_id)
        if live is not None:
            await live.rest(lambda: False)

    # What live runs tell and ask.

    def on_parked(self, live: LiveRun) -> None:
        """A run parked: it stays resident while there is room, and the one that was parked longest gives way."""
        if self._resident is None:
            return
        self._parked[live.run_id] = live
        self._parked.move_to_end(live.run_id)
        while len(self._parked) > self._resident:
            _, oldest = self._parked.popitem(last=False)
            oldest.evict()

    def on_moving(self, live: LiveRun) -> None:
        """A parked run was woken."""
        self._parked.pop(live.run_id, None)

    def on_rest(self, live: LiveRun) -> None:
        """A run stands still without a coroutine; it is forgotten unless a handle holds it."""
        self._parked.pop(live.run_id, None)
        if not live.held_by:
            self.live.pop(live.run_id, None)

    def on_stalled(self, live: LiveRun) -> None:
        """The store failed under a run: a runtime tries again, a handle's next call does."""
        if self._run_id is None and not self._ground.is_closing():
            self._ground.carry_out(self._try_again(live), f"{live.run_id} stalled")

    async def _try_again(self, live: LiveRun) -> None:
        back_off = _FIRST_BACK_OFF
        while True:
            await self.store.clock.wait_until(self.store.clock.now() + back_off)
            live = self.live.setdefault(live.run_id, live)
            live.go()
            await live.rest(lambda: False)
            if live.failure is None:
                return
            back_off = min(back_off * 2, _LONGEST_BACK_OFF)

    # What was committed.

    def _hear(self, change: Change) -> None:
        if self._ground.is_closing():
            return
        live = self.live.get(change.run_id)
        if live is not None:
            live.hear(change)
        elif change.status is WorkflowStatus.RUNNING and self._run_id is None:
            self.take_up(change.run_id, change.workflow)

    # Deadlines.

    def watch_deadlines(self) -> None:
        """Look again for what is due next; the watch exists only while there is something."""
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self._ground.spawn(self._act_when_due(), "deadlines")

    async def _act_when_due(self) -> None:
        clock = self.store.clock
        while True:
            try:
                due = await self.store.next_due(self._run_id)
                if due is None:
                    return
                await clock.wait_until(due)
                await self.store.act_due(self._run_id)
            except StoreError as error:
                logger.error("cannot check deadlines: %s", error)  # noqa: TRY400 - the reason says it all
                await clock.wait_until(clock.now() + _LONGEST_BACK_OFF)
            except Exception:
                logger.exception("internal error while handling due work; retrying in a minute")
                await clock.wait_until(clock.now() + _LONGEST_BACK_OFF)


def resident_limit(given: int | None, default: int | None) -> int | None:
    """How many parked runs may stay in memory: as given, else what `SAYSO_RESIDENT` says, else the default; None is
    without bound. Raises `ValueError` for anything else than a number from 0 on.
    """
    if given is None:
        text = os.environ.get("SAYSO_RESIDENT")
        if not text:
            return default
        if not text.isdecimal():
            raise ValueError(f"SAYSO_RESIDENT={text!r} must be a whole number, 0 or more")
        return int(text)
    if given < 0:
        raise ValueError(f"resident={given} must be 0 or more")
    return given
