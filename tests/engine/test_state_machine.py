"""The state machines: every pair of a status and an event, held against the real store.

What the tables list changes as listed; what they do not list changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import pytest

from sayso.engine import (
    Attention,
    AttentionKind,
    NotApplicable,
    RequestStatus,
    Store,
    WorkflowStatus,
)
from sayso.engine._records import REQUEST_TRANSITIONS, RUN_TRANSITIONS
from sayso.engine.store import Park, Place, VisitEnd
from tests.engine.store.situation import a_vote, an_ask, begin, put, question
from tests.engine.support import BO, ManualClock

HOUR = timedelta(hours=1)
HELD = Attention(AttentionKind.QUESTION_CHANGED, "go", question(), question("Really?"))
UNUSED = Attention(AttentionKind.ANSWER_UNUSED, "go", question())


@dataclass(frozen=True)
class Situation:
    """A run with one question, which every event is about."""

    store: Store
    clock: ManualClock
    place: Place
    request_id: str

    async def run_status(self) -> WorkflowStatus:
        return (await self.store.reader.run("run")).status

    async def request_status(self) -> RequestStatus:
        request = await self.store.reader.request(self.request_id)
        assert request is not None
        return request.status

    async def resolutions(self) -> int:
        loaded = await self.store.load("run")
        assert loaded is not None
        return loaded.run.resolutions

    # Events of runs. Each is one call that may or may not apply.

    async def parked(self) -> None:
        await self.store.park(self.place, Park(None, await self.resolutions()))

    async def request_resolved(self) -> None:
        await self.store.answer(a_vote(self.request_id))

    async def stirred(self) -> None:
        await self.store.stir(self.place)

    async def request_withdrawn(self) -> None:
        await self.store.withdraw(self.place, self.request_id)

    async def moved_on(self) -> None:
        await self.store.end_visit(self.place, VisitEnd(WorkflowStatus.RUNNING, "{}", "next"))

    async def finished(self) -> None:
        await self.store.end_visit(self.place, VisitEnd(WorkflowStatus.COMPLETED, "{}"))

    async def failed(self) -> None:
        await self.store.end_visit(self.place, VisitEnd(WorkflowStatus.FAILED, "{}", error="E: x"))

    async def held(self) -> None:
        await self.store.hold(self.place, UNUSED)

    async def attended(self) -> None:
        await self.store.attend("run", "accept", None, BO, "console")

    async def cancelled(self) -> None:
        await self.store.cancel("run", BO, "console")

    async def retried(self) -> None:
        await self.store.retry("run", BO, "console", ask_again=False)

    # Events of requests.

    async def answered(self) -> None:
        await self.store.answer(a_vote(self.request_id))

    async def expired(self) -> None:
        self.clock.advance(2 * HOUR)
        await self.store.act_due(None)

    async def withdrawn(self) -> None:
        await self.store.withdraw(self.place, self.request_id)

    async def asked_again(self) -> None:
        await self.store.hold(self.place, HELD)
        await self.store.attend("run", "reask", None, BO, "console")


RUN_EVENTS: dict[str, Callable[[Situation], Awaitable[None]]] = {
    "parked": Situation.parked,
    "request_resolved": Situation.request_resolved,
    "stirred": Situation.stirred,
    "request_withdrawn": Situation.request_withdrawn,
    "moved_on": Situation.moved_on,
    "finished": Situation.finished,
    "failed": Situation.failed,
    "held": Situation.held,
    "attended": Situation.attended,
    "cancelled": Situation.cancelled,
    "retried": Situation.retried,
}

REQUEST_EVENTS: dict[str, Callable[[Situation], Awaitable[None]]] = {
    "answered": Situation.answered,
    "expired": Situation.expired,
    "withdrawn": Situation.withdrawn,
    "cancelled": Situation.cancelled,
    "asked_again": Situation.asked_again,
}

WAYS_TO_RUN_STATUS: dict[WorkflowStatus, tuple[str, ...]] = {
    WorkflowStatus.RUNNING: (),
    WorkflowStatus.WAITING_FOR_INPUT: ("parked",),
    WorkflowStatus.COMPLETED: ("finished",),
    WorkflowStatus.FAILED: ("failed",),
    WorkflowStatus.CANCELLED: ("cancelled",),
    WorkflowStatus.NEEDS_ATTENTION: ("held",),
}

WAYS_TO_REQUEST_STATUS: dict[RequestStatus, tuple[str, ...]] = {
    RequestStatus.PENDING: (),
    RequestStatus.ANSWERED: ("answered",),
    RequestStatus.EXPIRED: ("expired",),
    RequestStatus.WITHDRAWN: ("withdrawn",),
    RequestStatus.CANCELLED: ("cancelled",),
}


async def situation(store: Store, clock: ManualClock) -> Situation:
    place = await begin(store)
    return Situation(store, clock, place, await put(store, place, park=False, expires_after=HOUR))


@pytest.mark.parametrize("event", RUN_EVENTS)
@pytest.mark.parametrize("status", WorkflowStatus)
async def test_every_event_of_a_run_does_what_the_table_says(
    store: Store, clock: ManualClock, status: WorkflowStatus, event: str
) -> None:
    run = await situation(store, clock)
    for way in WAYS_TO_RUN_STATUS[status]:
        await RUN_EVENTS[way](run)
    assert await run.run_status() is status
    with suppress(NotApplicable):
        await RUN_EVENTS[event](run)
    assert await run.run_status() is RUN_TRANSITIONS.get((status, event), status)


@pytest.mark.parametrize("event", REQUEST_EVENTS)
@pytest.mark.parametrize("status", RequestStatus)
async def test_every_event_of_a_request_does_what_the_table_says(
    store: Store, clock: ManualClock, status: RequestStatus, event: str
) -> None:
    request = await situation(store, clock)
    for way in WAYS_TO_REQUEST_STATUS[status]:
        await REQUEST_EVENTS[way](request)
    assert await request.request_status() is status
    with suppress(NotApplicable):
        await REQUEST_EVENTS[event](request)
    assert await request.request_status() is REQUEST_TRANSITIONS.get((status, event), status)


def test_the_tables_name_no_event_that_is_not_tested() -> None:
    assert {event for _, event in RUN_TRANSITIONS} == set(RUN_EVENTS)
    assert {event for _, event in REQUEST_TRANSITIONS} == set(REQUEST_EVENTS)


@pytest.mark.parametrize("status", WorkflowStatus)
async def test_an_event_of_a_visit_that_the_run_has_left_changes_nothing(
    store: Store, clock: ManualClock, status: WorkflowStatus
) -> None:
    """Whatever an old coroutine still does, its run has gone on without it."""
    run = await situation(store, clock)
    await run.moved_on()
    current = Situation(store, clock, Place(run.place.run_key, "run", "flow", 2, "next", 1), run.request_id)
    for way in WAYS_TO_RUN_STATUS[status]:
        await RUN_EVENTS[way](current)
    before = await store.load("run")
    for event in ("parked", "stirred", "moved_on", "finished", "failed", "held"):
        await RUN_EVENTS[event](run)
    assert await store.ask(run.place, [an_ask("late")], None) is None
    assert await store.load("run") == before
