"""Before a deploy: what the code at hand would mean for the runs that are parked now. Writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

import msgspec

from sayso.engine._clock import Clock, SystemClock
from sayso.engine._graph import Workflow
from sayso.engine._people import Directory
from sayso.engine._policy import Policy
from sayso.engine._records import Attention, LoadedRun
from sayso.engine._values import VALUE_LIMIT, decode_dict
from sayso.engine.errors import StoreError
from sayso.engine.run import Approvals, CodeThreads, Halt, HaltKind, Surroundings, Visit, execute_visit
from sayso.engine.store import Ask, Asked, Park, Place, Reader, Resolution, VisitEnd

REPLAY_LIMIT = 10.0
"""Seconds after which a replay that reaches none of its questions is given up."""


_SAME = "names, edges and the node's own code are unchanged"


class Severity(StrEnum):
    """How bad a finding is: `BROKEN` runs would need attention, `CHANGED` ones may behave differently."""

    SAME = "same"
    CHANGED = "changed"
    BROKEN = "broken"


class Finding(msgspec.Struct, frozen=True):
    """Whether one parked run can continue with the present code."""

    run_id: str
    node_id: str
    severity: Severity
    text: str


async def check_parked(
    reader: Reader,
    workflow: Workflow,
    *,
    replay: bool = False,
    policies: Mapping[str, Policy] | None = None,
) -> list[Finding]:
    """Compare names, edges and code of a workflow with those that each parked run was started under.

    What a node asks may come from elsewhere, which only a replay sees. With `replay`, each run's visit is executed on a
    copy of its state, up to the first step or question that is not recorded: raw code before that does run.
    `policies` are those that questions name.
    """
    now = cast("dict[str, Any]", decode_dict(workflow.definition()))
    findings: list[Finding] = []
    for run_id, node_id, definition in await reader.parked(workflow.name):
        severity, text = _compare(cast("dict[str, Any]", decode_dict(definition)), now, node_id)
        if replay and severity is not Severity.BROKEN:
            loaded = await reader.load(run_id)
            if loaded is not None:
                severity, text = await _replay(loaded, workflow, policies or {})
        findings.append(Finding(run_id, node_id, severity, text))
    return findings


def _compare(was: dict[str, Any], now: dict[str, Any], node_id: str) -> tuple[Severity, str]:
    if node_id not in now:
        return Severity.BROKEN, f"node {node_id!r} is gone: the run would need attention"
    differences: list[str] = []
    if was.get(node_id, {}).get("code") != now[node_id]["code"]:
        differences.append(f"the code of node {node_id!r}, where it waits, has changed")
    if was.get(node_id, {}).get("edges") != now[node_id]["edges"]:
        differences.append(f"the edges of node {node_id!r} have changed")
    gone = sorted(set(was) - set(now))
    changed = sorted(other for other in set(was) & set(now) if other != node_id and was[other] != now[other])
    if gone:
        differences.append(f"gone: {', '.join(gone)}")
    if changed:
        differences.append(f"changed elsewhere: {', '.join(changed)}")
    return (Severity.CHANGED, "; ".join(differences)) if differences else (Severity.SAME, _SAME)


class _ReplayOver(StoreError):
    """Ends a replay at its first write, as a failing store would."""


class _Replay:  # the parameters are those of the calls it stands for
    """A store that refuses every write and notes what it would have been; and the visit's host."""

    value_limit = VALUE_LIMIT
    clock: Clock = SystemClock()

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self.around = Surroundings((), policies, Directory(), CodeThreads())  # nobody is asked here
        self.visit: Visit | None = None
        self.result: tuple[Severity, str] | None = None
        self.over = asyncio.Event()

    def note(self, severity: Severity, text: str) -> None:
        if self.result is None:
            self.result = (severity, text)
        self.over.set()
        if self.visit is not None:
            self.visit.halt(Halt(HaltKind.SUSPENDED))

    def _refuse(self, severity: Severity, text: str) -> asyncio.Future[Any]:
        self.note(severity, text)
        refused: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        refused.set_exception(_ReplayOver(text))
        refused.exception()  # nobody may be left to wait for it
        return refused

    def ask(self, place: Place, asks: list[Ask], park: Park | None) -> asyncio.Future[Asked | None]:
        changed = [repr(ask.name) for ask in asks if ask.known]
        new = [repr(ask.name) for ask in asks if not ask.known]
        if changed:
            return self._refuse(
                Severity.BROKEN,
                f"asks {', '.join(changed)} in other words: an answer to the card that is out would need attention",
            )
        return self._refuse(Severity.CHANGED, f"asks a new question: {', '.join(new)}")

    def park(self, place: Place, wish: Park) -> asyncio.Future[bool]:
        return self._refuse(Severity.SAME, "waits at the same question")

    def stir(self, place: Place) -> asyncio.Future[None]:
        return self._refuse(Severity.CHANGED, "does something before it waits")

    def withdraw(self, place: Place, request_id: str) -> asyncio.Future[Resolution | None]:
        return self._refuse(Severity.CHANGED, "withdraws its question by itself")

    def end_visit(self, place: Place, end: VisitEnd) -> asyncio.Future[str | None]:
        return self._refuse(Severity.CHANGED, "ends the visit")

    def next_attempt(
        self, place: Place, attempt: int, retry_at: datetime, error: str, traceback: str | None = None
    ) -> asyncio.Future[None]:
        return self._refuse(Severity.CHANGED, f"fails and is retried: {error}")

    def begin_step(self, place: Place, name: str, arguments: str) -> asyncio.Future[None]:
        return self._refuse(Severity.CHANGED, f"begins step {name!r}")

    def record_step(
        self, place: Place, name: str, arguments: str, result: str, begun_at: datetime | None = None
    ) -> asyncio.Future[None]:
        return self._refuse(Severity.CHANGED, f"runs step {name!r}")

    def on_parked(self) -> None:
        self.note(Severity.SAME, "waits at the same question")

    def on_deadline(self) -> None:
        """No question is ever stored here."""

    def on_step(self, name: str) -> None:
        self.note(Severity.CHANGED, f"comes to step {name!r}, which is not recorded")

    def is_closing(self) -> bool:
        return False


async def _replay(
    loaded: LoadedRun, workflow: Workflow, policies: Mapping[str, Policy]
) -> tuple[Severity, str]:
    run = loaded.run
    replay = _Replay(policies)
    place = Place(run.run_key, run.run_id, run.workflow, run.visit, str(run.node_id), 0)
    visit = Visit(
        replay,
        place,
        run.entry,
        resolutions=run.resolutions,
        requested_by=run.requested_by,
        host=replay,
        approvals=Approvals(loaded.approvals),
    )
    visit.take_journal(loaded)
    replay.visit = visit
    try:
        async with asyncio.timeout(REPLAY_LIMIT), asyncio.TaskGroup() as group:
            visit.task = group.create_task(_execute(replay, workflow, visit))
            await replay.over.wait()
    except TimeoutError:
        return Severity.CHANGED, f"reached none of its questions within {REPLAY_LIMIT:.0f} s"
    assert replay.result is not None
    return replay.result


async def _execute(replay: _Replay, workflow: Workflow, visit: Visit) -> None:
    try:
        end = await execute_visit(replay, workflow, visit)
    except asyncio.CancelledError:
        if visit.halted is None or visit.halted.attention is None:
            return
        end = None
    finally:
        visit.release()
    replay.note(*_verdict(visit, end))


def _verdict(visit: Visit, end: VisitEnd | None) -> tuple[Severity, str]:
    attention = None if visit.halted is None else visit.halted.attention
    if attention is not None:
        return _held(attention)
    if end is None:
        return Severity.CHANGED, "stops"
    if end.error is not None:
        return Severity.BROKEN, f"fails: {end.error}"
    unasked = ", ".join(repr(record.name) for record in visit.open_requests)
    return Severity.CHANGED, f"ends without asking {unasked}, which would be withdrawn"


def _held(attention: Attention) -> tuple[Severity, str]:
    return Severity.BROKEN, f"would need attention: {attention.kind} {attention.name!r}"
