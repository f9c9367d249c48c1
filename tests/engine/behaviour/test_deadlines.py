"""Deadlines: stored at the first ask, judged by when the answer was received, carried out by the sweep."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from sayso.engine import (
    OutcomeKind,
    RequestExpired,
    RequestStatus,
    Runtime,
    Store,
    Workflow,
    WorkflowEngine,
    WorkflowStatus,
    node,
    request_input,
)
from tests.engine.support import START, ManualClock, names, say, waiting

pytestmark = pytest.mark.usefixtures("resident")

HOUR = timedelta(hours=1)
GRACE = timedelta(seconds=5)
SECOND = timedelta(seconds=1)


class Expiring:
    """A node that asks with a deadline of one hour, and tells when it goes on."""

    def __init__(self, **settings: Any) -> None:
        self.went_on = asyncio.Event()

        @node
        async def ask(shared: dict[str, Any]) -> None:
            shared["answer"] = await request_input(request_id="due", expires_after=HOUR, **settings)
            self.went_on.set()

        self.node = ask

    def hosted(self, store: Store) -> Runtime:
        return Runtime(store, [Workflow("ask", self.node)])


async def test_after_the_deadline_the_default_is_the_answer_recorded_as_expired_by_nobody(
    store: Store, clock: ManualClock
) -> None:
    expiring = Expiring(default="nobody answered")
    async with expiring.hosted(store) as runtime:
        request = waiting(await runtime.wait(run_id := await runtime.start("ask")))
        assert request["deadline"] == (START + HOUR).isoformat()
        clock.advance(HOUR + GRACE)
        await expiring.went_on.wait()
        assert (await runtime.wait(run_id)).shared == {"answer": "nobody answered"}
        assert (await say(runtime, request, "late")).kind is OutcomeKind.EXPIRED
    record = await store.reader.request(request["id"])
    assert record is not None
    assert (record.status, record.decided) == (RequestStatus.EXPIRED, None)
    rows = [row async for row in store.reader.audit(run_id) if row.kind == "request_expired"]
    assert [(row.person, row.payload) for row in rows] == [(None, {"default": "nobody answered"})]


@pytest.mark.parametrize("default", [None, "", {"a": [1.0]}])
async def test_any_fitting_value_can_be_the_default(store: Store, clock: ManualClock, default: Any) -> None:
    expiring = Expiring(default=default)
    async with WorkflowEngine(start=expiring.node, store=store) as engine:
        await engine.run()
        clock.advance(HOUR + GRACE)
        await expiring.went_on.wait()
        assert (await engine.run()).shared == {"answer": default}


async def test_without_a_default_request_expired_is_raised_at_the_await(
    store: Store, clock: ManualClock
) -> None:
    caught = asyncio.Event()

    @node
    async def ask(shared: dict[str, Any]) -> None:
        try:
            await request_input(request_id="due", expires_after=HOUR)
        except RequestExpired as error:
            shared["expired"] = [error.name, error.deadline]
            caught.set()

    async with WorkflowEngine(start=ask, store=store) as engine:
        await engine.run()
        clock.advance(HOUR + GRACE)
        await caught.wait()
        state = await engine.run()
    assert (state.workflow_status, state.shared) == (
        WorkflowStatus.COMPLETED,
        {"expired": ["due", (START + HOUR).isoformat()]},
    )


async def test_expiry_is_no_failure_to_retry(store: Store, clock: ManualClock) -> None:
    fell_back = asyncio.Event()
    attempts: list[int] = []

    @node(max_retries=5)
    async def ask(shared: dict[str, Any]) -> None:
        try:
            await request_input(request_id="due", expires_after=HOUR)
        except RequestExpired:
            attempts.append(1)
            fell_back.set()
            raise

    async with WorkflowEngine(start=ask, store=store) as engine:
        await engine.run()
        clock.advance(HOUR + GRACE)
        await fell_back.wait()
        state = await engine.run()
    assert state.workflow_status is WorkflowStatus.FAILED
    assert state.error is not None
    assert state.error.startswith("RequestExpired: request 'due' expired at 2026-03-02T13:00:00+00:00")
    assert len(attempts) == 1


async def test_the_sweep_acts_five_seconds_after_the_deadline(store: Store, clock: ManualClock) -> None:
    expiring = Expiring(default="none")
    async with expiring.hosted(store) as runtime:
        run_id = await runtime.start("ask")
        await runtime.wait(run_id)
        clock.advance(HOUR + GRACE - SECOND)
        assert await store.act_due(None) == 0
        assert (await runtime.wait(run_id)).workflow_status is WorkflowStatus.WAITING_FOR_INPUT
        clock.advance(SECOND)
        await expiring.went_on.wait()
        assert (await runtime.wait(run_id)).shared == {"answer": "none"}


@pytest.mark.parametrize(
    ("received_at", "kind"),
    [
        (START + HOUR - SECOND, OutcomeKind.RESOLVED),
        (START + HOUR, OutcomeKind.RESOLVED),
        (START + HOUR + SECOND, OutcomeKind.EXPIRED),
        (None, OutcomeKind.EXPIRED),
    ],
)
async def test_the_instant_that_counts_is_when_the_answer_was_received(
    store: Store, clock: ManualClock, received_at: datetime | None, kind: OutcomeKind
) -> None:
    """A look-up may take a while; the press was in time all the same."""
    async with Expiring(default="none").hosted(store) as runtime:
        request = waiting(await runtime.wait(await runtime.start("ask")))
        clock.advance(HOUR + GRACE - SECOND)
        outcome = await say(runtime, request, "in time?", received_at=received_at)
        assert outcome.kind is kind


async def test_once_the_sweep_has_committed_an_answer_received_in_time_is_too_late(
    store: Store, clock: ManualClock
) -> None:
    expiring = Expiring(default="none")
    async with expiring.hosted(store) as runtime:
        request = waiting(await runtime.wait(run_id := await runtime.start("ask")))
        clock.advance(HOUR + GRACE)
        await expiring.went_on.wait()
        outcome = await say(runtime, request, "was in time", received_at=START + SECOND)
        assert outcome.kind is OutcomeKind.EXPIRED
        assert (await runtime.wait(run_id)).shared == {"answer": "none"}


async def test_replay_never_extends_a_deadline(store: Store, clock: ManualClock) -> None:
    went_on = asyncio.Event()

    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["answers"] = await asyncio.gather(
            request_input(request_id="due", expires_after=HOUR, default="none"),
            request_input(request_id="other"),
        )
        went_on.set()

    async with WorkflowEngine(start=ask, store=store) as engine:
        deadline = waiting(await engine.run(), "due")["deadline"]
    clock.advance(HOUR / 2)
    async with WorkflowEngine(start=ask, store=store, run_id=engine.run_id) as again:
        state = await again.run({"other": "x"})
        assert names(state) == ["due"]
        assert waiting(state)["deadline"] == deadline == (START + HOUR).isoformat()
        clock.advance(HOUR / 2 + GRACE)
        await went_on.wait()
        assert (await again.run()).shared == {"answers": ["none", "x"]}


async def test_what_fell_due_while_nothing_ran_expires_at_the_next_start(
    store: Store, clock: ManualClock
) -> None:
    expiring = Expiring(default="none")
    async with expiring.hosted(store) as runtime:
        run_id = await runtime.start("ask")
        await runtime.wait(run_id)
    clock.advance(timedelta(days=3))
    async with expiring.hosted(store) as runtime:
        await expiring.went_on.wait()
        assert (await runtime.wait(run_id)).shared == {"answer": "none"}


async def test_a_handle_watches_the_deadlines_of_its_run(store: Store, clock: ManualClock) -> None:
    expiring = Expiring(default="none")
    async with WorkflowEngine(start=expiring.node, store=store) as engine:
        await engine.run()
    clock.advance(timedelta(days=3))
    async with WorkflowEngine(start=expiring.node, store=store, run_id=engine.run_id) as again:
        await again.run()
        await expiring.went_on.wait()
        assert (await again.run()).shared == {"answer": "none"}


async def test_deadlines_of_many_runs_are_kept_in_their_order(store: Store, clock: ManualClock) -> None:
    expired: asyncio.Queue[int] = asyncio.Queue()

    @node
    async def ask(shared: dict[str, Any]) -> None:
        await request_input(request_id="due", expires_after=timedelta(minutes=shared["minutes"]), default=0)
        expired.put_nowait(shared["minutes"])

    async with Runtime(store, [Workflow("ask", ask)]) as runtime:
        for minutes in (30, 10, 20):
            await runtime.wait(await runtime.start("ask", {"minutes": minutes}))
        for minutes in (10, 20, 30):
            clock.advance(timedelta(minutes=10))
            if minutes == 10:
                clock.advance(GRACE)
            assert await expired.get() == minutes


async def test_an_answer_in_time_makes_the_deadline_void(store: Store, clock: ManualClock) -> None:
    async with Expiring(default="none").hosted(store) as runtime:
        request = waiting(await runtime.wait(run_id := await runtime.start("ask")))
        await say(runtime, request, "in time")
        await runtime.wait(run_id)
        clock.advance(2 * HOUR)
        assert await store.act_due(None) == 0
        assert (await runtime.wait(run_id)).shared == {"answer": "in time"}
