"""The operator's calls: cancel, retry, attention, redaction, pruning."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sayso.engine import (
    ATTENTION_ACTIONS,
    Attention,
    AttentionKind,
    NotApplicable,
    RequestStatus,
    RunMovedOn,
    Store,
    UnknownRun,
    WorkflowStatus,
)
from sayso.engine.store import CommandKey, Place, VisitEnd
from tests.engine.store.situation import GatedClock, a_vote, begin, count, is_stored, put, question, rows
from tests.engine.support import ANA, BO, START

FAILED = VisitEnd(WorkflowStatus.FAILED, '{"a":1}', error="E: broken")
COMPLETED = VisitEnd(WorkflowStatus.COMPLETED, "{}")


async def status(store: Store, run_id: str = "run") -> WorkflowStatus:
    return (await store.reader.run(run_id)).status


async def test_a_cancelled_run_takes_its_open_questions_with_it(store: Store, database: Path) -> None:
    place = await begin(store, shared='{"a":1}')
    done, still_open = await put(store, place, "done"), await put(store, place, "open", to=("web",))
    await store.answer(a_vote(done))
    await store.cancel("run", BO, "console")
    run = await store.load("run")
    assert run is not None
    assert (run.run.status, run.run.node_id, run.run.shared) == (WorkflowStatus.CANCELLED, None, '{"a":1}')
    statuses = {record.id: record.status for record in run.requests}
    assert statuses == {done: RequestStatus.ANSWERED, still_open: RequestStatus.CANCELLED}
    assert await store.node_statuses("run") == {"ask": "CANCELLED"}
    assert rows(database, "SELECT person, via FROM audit WHERE kind = 'run_cancelled'") == [(BO, "console")]


@pytest.mark.parametrize("end", [FAILED, COMPLETED])
async def test_an_ended_run_cannot_be_cancelled(store: Store, end: VisitEnd) -> None:
    await store.end_visit(await begin(store), end)
    with pytest.raises(NotApplicable, match="ended already"):
        await store.cancel("run", BO, "console")
    assert await status(store) is end.status


async def test_operating_on_an_unknown_run_says_so(store: Store) -> None:
    with pytest.raises(UnknownRun):
        await store.cancel("nobody", BO, "console")
    with pytest.raises(UnknownRun):
        await store.retry("nobody", BO, "console", ask_again=False)
    with pytest.raises(UnknownRun):
        await store.attend("nobody", "accept", None, BO, "console")


async def test_a_retry_is_a_new_attempt_of_the_same_visit(store: Store) -> None:
    place = await begin(store, shared='{"a":0}')
    request_id = await put(store, place)
    await store.answer(a_vote(request_id))
    await store.record_step(place, "charge", "[]", "1")
    await store.next_attempt(place, 2, START, "E: once")
    await store.end_visit(place, FAILED)
    await store.retry("run", BO, "console", ask_again=False)
    found = await store.load("run")
    assert found is not None
    assert (found.run.status, found.run.visit, found.run.node_id) == (WorkflowStatus.RUNNING, 1, "ask")
    assert (found.run.attempt, found.run.first_attempt, found.run.error) == (3, 3, None)
    assert (found.run.entry, found.run.shared) == ('{"a":0}', '{"a":0}')
    assert [record.id for record in found.requests] == [request_id]
    assert [step.name for step in found.steps] == ["charge"]


async def test_a_retry_that_asks_again_is_a_new_visit_without_a_journal(store: Store) -> None:
    place = await begin(store, shared='{"a":0}')
    await store.answer(a_vote(await put(store, place)))
    await store.end_visit(place, FAILED)
    await store.retry("run", BO, "console", ask_again=True)
    found = await store.load("run")
    assert found is not None
    assert (found.run.visit, found.run.attempt, found.run.entry) == (2, 1, '{"a":0}')
    assert found.requests == ()


async def test_only_a_failed_run_can_be_retried(store: Store) -> None:
    await put(store, await begin(store))
    with pytest.raises(NotApplicable, match="only a failed run"):
        await store.retry("run", BO, "console", ask_again=False)
    assert await status(store) is WorkflowStatus.WAITING_FOR_INPUT


# Attention: what each decision makes of the journal.


async def held_step(store: Store, kind: AttentionKind) -> Place:
    """A run that is held for a step, of which it is known that it was started with [1]."""
    place = await begin(store)
    await store.begin_step(place, "charge", "[1]")
    await store.hold(place, Attention(kind, "charge", "[1]", "[2]"))
    return place


async def held_question(store: Store, kind: AttentionKind, now: str | None) -> str:
    """A run that is held for an answered question; the question's id."""
    place = await begin(store)
    request_id = await put(store, place, expires_after=timedelta(hours=1))
    await store.answer(a_vote(request_id))
    await store.hold(place, Attention(kind, "go", question(), now))
    return request_id


@pytest.mark.parametrize(
    ("kind", "action", "result", "steps"),
    [
        (AttentionKind.STEP_UNFINISHED, "done", "7", [("charge", "[2]", "7")]),
        (AttentionKind.STEP_UNFINISHED, "again", None, []),
        (AttentionKind.STEP_CHANGED, "done", "7", [("charge", "[2]", "7")]),
        (AttentionKind.STEP_CHANGED, "again", None, []),
        (AttentionKind.STEP_CHANGED, "accept", None, [("charge", "[2]", None)]),
    ],
)
async def test_a_decision_about_a_step(
    store: Store,
    kind: AttentionKind,
    action: str,
    result: str | None,
    steps: list[tuple[str, str, str | None]],
) -> None:
    await held_step(store, kind)
    await store.attend("run", action, result, BO, "console")
    found = await store.load("run")
    assert found is not None
    assert (found.run.status, found.run.attention) == (WorkflowStatus.RUNNING, None)
    assert [(step.name, step.arguments, step.result) for step in found.steps] == steps


async def test_a_changed_question_is_asked_again(store: Store, database: Path) -> None:
    request_id = await held_question(store, AttentionKind.QUESTION_CHANGED, question("Really?"))
    await store.attend("run", "reask", None, BO, "console")
    request = await store.reader.request(request_id)
    assert request is not None
    assert (request.status, request.revision, request.answer) == (RequestStatus.PENDING, 2, None)
    assert (request.text, request.deadline) == (question("Really?"), None)
    assert count(database, "votes") == 0
    assert (await store.answer(a_vote(request_id, revision=2))).accepted


async def test_the_answer_of_a_changed_question_is_accepted(store: Store) -> None:
    request_id = await held_question(store, AttentionKind.QUESTION_CHANGED, question("Really?"))
    await store.attend("run", "accept", None, BO, "console")
    request = await store.reader.request(request_id)
    assert request is not None
    assert (request.status, request.revision, request.answer) == (RequestStatus.ANSWERED, 1, '"yes"')
    assert request.text == question("Really?")


async def test_an_unused_answer_is_dropped_or_its_question_opened(store: Store) -> None:
    request_id = await held_question(store, AttentionKind.ANSWER_UNUSED, None)
    await store.attend("run", "accept", None, BO, "console")
    request = await store.reader.request(request_id)
    assert request is not None
    assert (request.attempt, request.status) == (-1, RequestStatus.ANSWERED)


@pytest.mark.parametrize("kind", [kind for kind in AttentionKind if kind is not AttentionKind.NODE_GONE])
async def test_only_the_actions_of_its_kind_apply(store: Store, kind: AttentionKind) -> None:
    if kind in (AttentionKind.STEP_UNFINISHED, AttentionKind.STEP_CHANGED):
        await held_step(store, kind)
    else:
        await held_question(store, kind, question("Really?"))
    before = await store.load("run")
    every = {action for actions in ATTENTION_ACTIONS.values() for action in actions} | {"dance"}
    for action in sorted(every - set(ATTENTION_ACTIONS[kind])):
        with pytest.raises(NotApplicable, match="choose one of"):
            await store.attend("run", action, "1" if action == "done" else None, BO, "console")
    assert await store.load("run") == before


async def test_a_result_goes_with_done_and_only_with_it(store: Store) -> None:
    await held_step(store, AttentionKind.STEP_UNFINISHED)
    with pytest.raises(NotApplicable, match="a result can be given only with done"):
        await store.attend("run", "done", None, BO, "console")
    with pytest.raises(NotApplicable, match="a result can be given only with done"):
        await store.attend("run", "again", "1", BO, "console")
    assert await status(store) is WorkflowStatus.NEEDS_ATTENTION


async def test_a_question_that_is_open_cannot_be_asked_again(store: Store) -> None:
    """Whatever the run is held for, an operator's mistake is an answer to the operator, not a crash."""
    place = await begin(store)
    request_id = await put(store, place)
    await store.hold(place, Attention(AttentionKind.QUESTION_CHANGED, "go", question(), question("Really?")))
    with pytest.raises(NotApplicable):
        await store.attend("run", "reask", None, BO, "console")
    request = await store.reader.request(request_id)
    assert request is not None
    assert (request.revision, request.open) == (1, True)
    assert await status(store) is WorkflowStatus.NEEDS_ATTENTION


async def test_a_question_that_is_not_stored_cannot_be_asked_again(store: Store) -> None:
    place = await begin(store)
    await store.hold(
        place, Attention(AttentionKind.QUESTION_CHANGED, "gone", question(), question("Really?"))
    )
    with pytest.raises(NotApplicable, match="no answer to replace"):
        await store.attend("run", "reask", None, BO, "console")


async def test_a_run_that_waits_for_no_decision_takes_none_but_cancel(store: Store) -> None:
    await begin(store)
    with pytest.raises(NotApplicable, match="needs no decision"):
        await store.attend("run", "accept", None, BO, "console")
    await store.attend("run", "cancel", None, BO, "console")
    assert await status(store) is WorkflowStatus.CANCELLED
    with pytest.raises(NotApplicable):
        await store.attend("run", "cancel", None, BO, "console")


# What an operator saw.


async def test_a_second_click_decides_nothing_that_came_after_the_first(store: Store) -> None:
    """The first click lets a test's question stand; the run is then held for production's, which nobody has read."""
    place = await begin(store)
    for name in ("a-test", "b-prod"):
        await store.answer(a_vote(await put(store, place, name, park=False)))
    changed = AttentionKind.QUESTION_CHANGED
    await store.hold(place, Attention(changed, "a-test", question(), question("Test?")))
    seen = (await store.reader.run("run")).stops
    await store.attend("run", "accept", None, BO, "web", seen=seen)
    await store.hold(place, Attention(changed, "b-prod", question(), question("Production?")))
    with pytest.raises(
        RunMovedOn, match="moved on since you looked: it is held for question_changed 'b-prod'"
    ):
        await store.attend("run", "accept", None, BO, "web", seen=seen)
    run = await store.reader.run("run")
    assert (run.attention is not None and run.attention.name, run.stops) == ("b-prod", seen + 1)
    await store.attend("run", "accept", None, BO, "web", seen=run.stops)


async def test_a_result_is_recorded_for_the_step_it_was_typed_for(store: Store) -> None:
    place = await held_step(store, AttentionKind.STEP_UNFINISHED)
    seen = (await store.reader.run("run")).stops
    await store.attend("run", "done", "7", BO, "web", seen=seen)
    await store.begin_step(place, "email", "[]")
    await store.hold(place, Attention(AttentionKind.STEP_UNFINISHED, "email", "[]", "[]"))
    with pytest.raises(RunMovedOn):
        await store.attend("run", "done", "7", BO, "web", seen=seen)
    found = await store.load("run")
    assert found is not None
    assert {step.name: step.result for step in found.steps} == {"charge": "7", "email": None}


async def test_held_again_for_the_very_same_is_another_stop(store: Store) -> None:
    """A step that was cut off twice may have happened twice: 'again' was said about the first time."""
    place = await held_step(store, AttentionKind.STEP_UNFINISHED)
    await store.attend("run", "again", None, BO, "web", seen=1)
    await store.begin_step(place, "charge", "[1]")
    await store.hold(place, Attention(AttentionKind.STEP_UNFINISHED, "charge", "[1]", "[2]"))
    with pytest.raises(RunMovedOn):
        await store.attend("run", "again", None, BO, "web", seen=1)


async def test_a_double_click_on_try_again_is_one_retry(store: Store) -> None:
    place = await begin(store)
    await store.end_visit(place, FAILED)
    await store.retry("run", BO, "web", ask_again=False, seen=1)
    await store.end_visit(place, FAILED)
    with pytest.raises(RunMovedOn, match=r"it failed: E: broken\. Nothing was done\. Look again"):
        await store.retry("run", BO, "web", ask_again=False, seen=1)
    assert await status(store) is WorkflowStatus.FAILED
    await store.retry("run", BO, "web", ask_again=False, seen=2)


async def test_a_decision_that_is_repeated_under_its_key_is_not_refused_for_what_came_after(
    store: Store,
) -> None:
    key = CommandKey(BO, "k", "retry of stop 1")
    place = await begin(store)
    await store.end_visit(place, FAILED)
    await store.retry("run", BO, "web", key, ask_again=False, seen=1)
    await store.end_visit(place, FAILED)
    await store.retry("run", BO, "web", key, ask_again=False, seen=1)
    assert (await store.reader.run("run")).stops == 2
    refused = CommandKey(BO, "l", "retry of stop 1, again")
    for _ in range(2):
        with pytest.raises(RunMovedOn):
            await store.retry("run", BO, "web", refused, ask_again=False, seen=1)


# Redaction and pruning.


async def test_redaction_removes_the_payloads_of_one_run(store: Store, database: Path) -> None:
    for run_id in ("secret", "other"):
        await store.answer(a_vote(await put(store, await begin(store, run_id))))
    assert await store.redact("secret", BO, "console") == 3
    left = rows(
        database, "SELECT run_id, kind FROM audit WHERE payload IS NOT NULL AND run_id <> 'other' ORDER BY 1"
    )
    assert left == [("secret", "redacted")]
    assert await store.redact("nobody", BO, "console") == 0


async def test_pruning_deletes_old_ended_runs_with_all_that_belongs_to_them(
    store: Store, clock: GatedClock, database: Path
) -> None:
    place = await begin(store, "old")
    request_id = await put(store, place, to=("operator", "web"))
    await store.answer(a_vote(request_id, "maybe"))
    await store.answer(a_vote(request_id))
    await store.record_step(place, "charge", "[]", "1")
    await store.end_visit(place, COMPLETED)
    await put(store, await begin(store, "parked"))
    clock.advance(timedelta(days=2))
    await store.end_visit(await begin(store, "young"), COMPLETED)
    assert await store.prune(START + timedelta(days=1), ANA, "console") == 1
    assert [await is_stored(store, run_id) for run_id in ("old", "parked", "young")] == [False, True, True]
    for table, left in (("visits", 2), ("requests", 1), ("steps", 0), ("events", 0), ("votes", 0)):
        assert count(database, table) == left, table
    assert count(database, "refusals") == count(database, "deliveries") == 0
    assert rows(database, "SELECT count(*) FROM audit WHERE run_id = 'old'")[0][0] > 0


async def test_pruning_is_bounded_a_transaction_and_prunes_all(
    store: Store, clock: GatedClock, database: Path
) -> None:
    places = [await begin(store, str(number)) for number in range(501)]
    for place in places:
        await store.end_visit(place, COMPLETED)
    clock.advance(timedelta(days=1))
    assert await store.prune(START + timedelta(hours=1), ANA, "console") == 501
    assert count(database, "runs") == 0
    payloads = [payload for (payload,) in rows(database, "SELECT payload FROM audit WHERE kind = 'pruned'")]
    assert [
        ('"runs":500' in payload, '"runs":1,' in payload or '"runs":1}' in payload) for payload in payloads
    ]
    assert len(payloads) == 2
