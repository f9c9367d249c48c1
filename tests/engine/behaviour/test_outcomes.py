"""What becomes of an attempt to answer: each kind of outcome, repeats, and what the trail keeps."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sayso.engine import (
    Fact,
    OutcomeKind,
    Runtime,
    SQLiteStore,
    Store,
    Workflow,
    WorkflowEngine,
    WorkflowStatus,
    node,
    request_input,
    step,
)
from tests.engine.support import ANA, BO, START, ManualClock, asking, names, say, waiting

pytestmark = pytest.mark.usefixtures("resident")


@pytest_asyncio.fixture
async def runtime(store: Store) -> AsyncIterator[Runtime]:
    async with Runtime(store, [Workflow("ask", asking(expires_after=timedelta(hours=1)))]) as opened:
        yield opened


@pytest_asyncio.fixture
async def request_asked(runtime: Runtime) -> dict[str, Any]:
    return waiting(await runtime.wait(await runtime.start("ask", run_id="the run")))


async def test_the_first_answer_resolves(runtime: Runtime, request_asked: dict[str, Any]) -> None:
    outcome = await say(runtime, request_asked, "yes")
    assert (outcome.kind, outcome.repeated, outcome.accepted) == (OutcomeKind.RESOLVED, False, True)
    assert outcome.reason == "Recorded. The workflow continues."


async def test_the_same_vote_of_the_same_person_under_a_new_key_is_a_duplicate(
    runtime: Runtime, request_asked: dict[str, Any]
) -> None:
    await say(runtime, request_asked, "yes", event_key="press 1")
    outcome = await say(runtime, request_asked, "yes", event_key="press 2")
    assert (outcome.kind, outcome.repeated, outcome.accepted) == (OutcomeKind.DUPLICATE, False, False)


@pytest.mark.parametrize(("person", "value"), [(BO, "yes"), (BO, "no"), (ANA, "no")])
async def test_any_other_answer_after_the_first_changes_nothing_and_says_who_was_first(
    runtime: Runtime, request_asked: dict[str, Any], person: str, value: str
) -> None:
    await say(runtime, request_asked, "yes", ANA)
    outcome = await say(runtime, request_asked, value, person)
    assert outcome.kind is OutcomeKind.ALREADY_ANSWERED
    assert "local:ana already answered this at 2026-03-02 12:00 UTC" in outcome.reason
    assert (await runtime.wait("the run")).shared == {"answer": "yes"}


async def test_a_repeated_event_key_returns_the_recorded_outcome(
    runtime: Runtime, request_asked: dict[str, Any]
) -> None:
    """A platform that delivers one press twice must hear the same twice."""
    first = await say(runtime, request_asked, "yes", event_key="press")
    again = await say(runtime, request_asked, "yes", event_key="press")
    assert (again.kind, again.reason, again.repeated) == (first.kind, first.reason, True)
    assert not first.repeated


async def test_an_event_key_never_lends_its_outcome_to_somebody_else(
    runtime: Runtime, request_asked: dict[str, Any]
) -> None:
    """Nobody may hear "recorded" for an answer that was not, nor take a key away from somebody in advance."""
    refused = await say(runtime, request_asked, "yes", "slack:T1:U1", via="slack:#x", event_key="press")
    resolved = await say(runtime, request_asked, "yes", ANA, event_key="press")
    late = await say(runtime, request_asked, "no", BO, event_key="press")
    kinds = [outcome.kind for outcome in (refused, resolved, late)]
    assert kinds == [OutcomeKind.NOT_ALLOWED, OutcomeKind.RESOLVED, OutcomeKind.ALREADY_ANSWERED]
    assert not any(outcome.repeated for outcome in (refused, resolved, late))


@pytest.mark.parametrize("changed", [{"value": "no"}, {"revision": 2}, {"comment": "not so"}])
async def test_another_answer_under_a_used_event_key_is_refused_out_loud(
    runtime: Runtime, request_asked: dict[str, Any], changed: dict[str, Any]
) -> None:
    """What was recorded for the first answer would be a lie about the second."""
    await say(runtime, request_asked, "yes", event_key="press")
    given = {**request_asked, "revision": changed.get("revision", request_asked["revision"])}
    comment = changed.get("comment")
    outcome = await say(runtime, given, changed.get("value", "yes"), event_key="press", comment=comment)
    assert (outcome.kind, outcome.repeated) == (OutcomeKind.INVALID, False)
    assert "a new key" in outcome.reason
    assert (await runtime.wait("the run")).shared == {"answer": "yes"}


async def test_a_repeated_event_key_returns_a_recorded_refusal_too(
    runtime: Runtime, request_asked: dict[str, Any]
) -> None:
    first = await say(runtime, request_asked, 7, event_key="press")
    again = await say(runtime, request_asked, 7, event_key="press")
    assert (first.kind, again.kind) == (OutcomeKind.INVALID, OutcomeKind.INVALID)
    assert again.repeated
    assert len(await runtime.pending()) == 1


async def test_the_same_event_key_twice_at_once_counts_once(
    runtime: Runtime, request_asked: dict[str, Any]
) -> None:
    outcomes = await asyncio.gather(
        *(say(runtime, request_asked, "yes", event_key="press") for _ in range(5))
    )
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.RESOLVED}
    assert [outcome.repeated for outcome in outcomes] == [False, True, True, True, True]


async def test_an_answer_after_the_deadline_is_expired(
    runtime: Runtime, clock: ManualClock, request_asked: dict[str, Any]
) -> None:
    clock.advance(timedelta(hours=1, seconds=2))
    outcome = await say(runtime, request_asked, "late")
    assert (outcome.kind, outcome.reason) == (
        OutcomeKind.EXPIRED,
        "This closed at 2026-03-02 13:00 UTC. Nothing changed.",
    )


async def test_an_answer_to_a_cancelled_run_is_cancelled(
    runtime: Runtime, request_asked: dict[str, Any]
) -> None:
    await runtime.cancel("the run", person=ANA)
    assert (await say(runtime, request_asked, "yes")).kind is OutcomeKind.CANCELLED


async def test_an_answer_to_another_revision_is_superseded(
    runtime: Runtime, request_asked: dict[str, Any]
) -> None:
    outcome = await say(runtime, {**request_asked, "revision": 2}, "yes")
    assert outcome.kind is OutcomeKind.SUPERSEDED
    assert "changed" in outcome.reason


async def test_an_answer_of_somebody_who_was_not_asked_is_not_allowed(
    runtime: Runtime, request_asked: dict[str, Any]
) -> None:
    assert (await say(runtime, request_asked, "yes", "slack:T1:U1", via="slack:#x")).kind is (
        OutcomeKind.NOT_ALLOWED
    )


async def test_somebody_who_was_not_asked_learns_nothing_of_the_state(
    runtime: Runtime, request_asked: dict[str, Any]
) -> None:
    await say(runtime, request_asked, "yes")
    outcome = await say(runtime, request_asked, "yes", "slack:T1:U1", via="slack:#x")
    assert outcome.kind is OutcomeKind.NOT_ALLOWED


async def test_an_answer_to_no_request_is_unknown(runtime: Runtime) -> None:
    outcome = await say(runtime, {"id": "f" * 32, "revision": 1}, "yes")
    assert (outcome.kind, outcome.reason) == (
        OutcomeKind.UNKNOWN,
        "Not found, or you don't have access.",
    )


@pytest.mark.parametrize("revision", [0, -1, 2**31, 2**63, 2**70])
async def test_a_revision_that_never_was_is_superseded_whatever_number_it_is(
    runtime: Runtime, request_asked: dict[str, Any], revision: int
) -> None:
    """Numbers of `ID@REV` and of requests over HTTP are whatever somebody types."""
    outcome = await say(runtime, {**request_asked, "revision": revision}, "yes", event_key="press")
    assert outcome.kind is OutcomeKind.SUPERSEDED


@pytest.mark.parametrize("given", ["", "x" * 5000, "\x00", "'; DROP TABLE runs; --"])
async def test_an_id_of_any_text_is_unknown(runtime: Runtime, given: str) -> None:
    outcome = await say(runtime, {"id": given, "revision": 1}, "yes", event_key="press")
    assert outcome.kind is OutcomeKind.UNKNOWN


async def test_repeated_refusals_are_counted_and_not_appended_to_the_trail(
    runtime: Runtime, store: Store, request_asked: dict[str, Any]
) -> None:
    for _ in range(3):
        await say(runtime, request_asked, "yes", "slack:T1:U1", via="slack:#x")
    rows = [row async for row in store.reader.audit("the run") if row.kind == "answer_refused"]
    assert [(row.person, row.via) for row in rows] == [("slack:T1:U1", "slack:#x")]


async def test_a_withdrawn_request_says_so(store: Store) -> None:
    @node
    async def leaves_one_open(shared: dict[str, Any]) -> None:
        asking_aside = asyncio.create_task(request_input(request_id="aside"))
        await step("let it be asked", lambda: None)
        shared["answer"] = await request_input(request_id="main")
        assert not asking_aside.done()

    async with WorkflowEngine(start=leaves_one_open, store=store) as engine:
        aside = waiting(await engine.run(), "aside")
        await engine.run({"main": "yes"})
        outcome = await say(engine, aside, "too late")
    assert (outcome.kind, outcome.reason) == (
        OutcomeKind.WITHDRAWN,
        "This was withdrawn at 2026-03-02 12:00 UTC.",
    )


async def test_cancelling_the_caller_does_not_take_its_answer_back(
    runtime: Runtime, request_asked: dict[str, Any]
) -> None:
    caller = asyncio.ensure_future(say(runtime, request_asked, "yes"))
    await asyncio.sleep(0)  # the answer has queued up
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert (await say(runtime, request_asked, "no", BO)).kind is OutcomeKind.ALREADY_ANSWERED
    assert (await runtime.wait("the run")).shared == {"answer": "yes"}


async def test_the_trail_keeps_who_answered_what_how_with_which_facts(
    runtime: Runtime, store: Store, request_asked: dict[str, Any]
) -> None:
    facts = [Fact("member of @sre", value=True, as_of=START)]
    await say(runtime, request_asked, "yes", event_key="press", comment="fine", facts=facts)
    rows = [row async for row in store.reader.audit("the run") if row.kind == "answer_accepted"]
    assert [(row.person, row.via, row.request_id) for row in rows] == [(ANA, "console", request_asked["id"])]
    payload = rows[0].payload
    assert isinstance(payload, dict)
    assert (payload["value"], payload["revision"], payload["comment"]) == ("yes", 1, "fine")
    assert "member of @sre" in str(payload["facts"])


class GatedClock(ManualClock):
    """Holds up the store's writer, which asks for the time once a commit, so that callers queue up behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()
        self.open.set()
        self.held = threading.Event()

    def now(self) -> datetime:
        if threading.current_thread() is not threading.main_thread() and not self.open.is_set():
            self.held.set()
            self.open.wait(30)
        return super().now()


async def test_two_answers_in_one_commit_are_decided_in_their_order(database: Path) -> None:
    clock = GatedClock()
    async with (
        SQLiteStore(database, clock=clock) as store,
        Runtime(store, [Workflow("ask", asking())]) as runtime,
    ):
        runs = [await runtime.start("ask") for _ in range(2)]
        requests = [waiting(await runtime.wait(run_id)) for run_id in runs]
        clock.open.clear()
        holding = asyncio.ensure_future(store.load(runs[0]))
        await asyncio.to_thread(clock.held.wait, 30)
        attempts = [
            asyncio.ensure_future(say(runtime, requests[0], "first", ANA)),
            asyncio.ensure_future(say(runtime, requests[0], "second", BO)),
            asyncio.ensure_future(say(runtime, requests[1], "other", BO)),
        ]
        await asyncio.sleep(0)  # all three have queued up behind the writer
        clock.open.set()
        await holding
        outcomes = [(await attempt).kind for attempt in attempts]
        assert outcomes == [OutcomeKind.RESOLVED, OutcomeKind.ALREADY_ANSWERED, OutcomeKind.RESOLVED]
        assert [(await runtime.wait(run_id)).shared["answer"] for run_id in runs] == ["first", "other"]


async def test_two_answers_of_one_run_in_one_commit_both_reach_it(database: Path) -> None:
    @node
    async def both(shared: dict[str, Any]) -> None:
        shared["answers"] = await asyncio.gather(request_input(request_id="a"), request_input(request_id="b"))

    clock = GatedClock()
    async with (
        SQLiteStore(database, clock=clock) as store,
        Runtime(store, [Workflow("both", both)]) as runtime,
    ):
        state = await runtime.wait(run_id := await runtime.start("both"))
        assert names(state) == ["a", "b"]
        clock.open.clear()
        holding = asyncio.ensure_future(store.load(run_id))
        await asyncio.to_thread(clock.held.wait, 30)
        answers = [asyncio.ensure_future(say(runtime, waiting(state, name), name)) for name in ("b", "a")]
        await asyncio.sleep(0)
        clock.open.set()
        await holding
        assert [(await answer).kind for answer in answers] == [OutcomeKind.RESOLVED] * 2
        state = await runtime.wait(run_id)
    assert (state.workflow_status, state.shared) == (WorkflowStatus.COMPLETED, {"answers": ["a", "b"]})
