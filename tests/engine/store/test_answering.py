"""Answers and deadlines: every outcome, what it stores, and what it must leave alone."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import (
    AnswerRefused,
    Attention,
    AttentionKind,
    Fact,
    Outcome,
    OutcomeKind,
    RequestRecord,
    RequestStatus,
    Store,
    WorkflowStatus,
)
from sayso.engine.store import GRACE, Change, Listener, Park, VisitEnd
from tests.engine.store.situation import GatedClock, a_vote, an_ask, begin, count, put, rows
from tests.engine.support import ANA, BO, START

HOUR = timedelta(hours=1)


async def request_of(store: Store, request_id: str) -> RequestRecord:
    found = await store.reader.request(request_id)
    assert found is not None
    return found


async def status(store: Store, run_id: str = "run") -> WorkflowStatus:
    return (await store.reader.run(run_id)).status


async def test_an_answer_resolves_its_question_and_the_run_can_go_on(store: Store, database: Path) -> None:
    request_id = await put(store, await begin(store), to=("operator", "slack:#a"))
    outcome = await store.answer(a_vote(request_id, "no", comment="too late"))
    assert outcome == Outcome(OutcomeKind.RESOLVED, "Recorded. The workflow continues.")
    request = await request_of(store, request_id)
    assert (request.status, request.answer, request.resolved_at) == (RequestStatus.ANSWERED, '"no"', START)
    assert request.decided is not None
    assert '"comment":"too late"' in request.decided
    assert await status(store) is WorkflowStatus.RUNNING
    assert rows(database, "SELECT revision_wanted FROM deliveries") == [(2,)]
    found = rows(database, "SELECT person, via, value, outcome FROM events")
    assert found == [(ANA, "console", '"no"', "resolved")]


async def test_an_answer_before_its_run_has_parked_is_seen_by_the_park(store: Store) -> None:
    place = await begin(store)
    request_id = await put(store, place, park=False)
    assert (await store.answer(a_vote(request_id))).kind is OutcomeKind.RESOLVED
    assert not await store.park(place, Park(None, 0))


@pytest.mark.parametrize(
    ("attempt", "kind"),
    [
        ({"request_id": "0" * 32}, OutcomeKind.UNKNOWN),
        ({"via": "slack:#random"}, OutcomeKind.NOT_ALLOWED),
        ({"revision": 2}, OutcomeKind.SUPERSEDED),
        ({"revision": 0}, OutcomeKind.SUPERSEDED),
        ({"value": "maybe"}, OutcomeKind.INVALID),
        ({"value": True}, OutcomeKind.INVALID),
    ],
)
async def test_a_refused_answer_leaves_the_question_open(
    store: Store, attempt: dict[str, Any], kind: OutcomeKind
) -> None:
    request_id = await put(store, await begin(store))
    before = await request_of(store, request_id)
    given: dict[str, Any] = {"request_id": request_id, **attempt}
    assert (await store.answer(a_vote(**given))).kind is kind
    assert await request_of(store, request_id) == before
    assert await status(store) is WorkflowStatus.WAITING_FOR_INPUT
    assert (await store.answer(a_vote(request_id))).kind is OutcomeKind.RESOLVED


async def test_nobody_may_answer_what_was_asked_of_nobody(store: Store) -> None:
    request_id = await put(store, await begin(store), to=())
    outcome = await store.answer(a_vote(request_id, via="code"))
    assert outcome.kind is OutcomeKind.NOT_ALLOWED
    assert "nobody" in outcome.reason


async def test_a_second_answer_is_told_who_was_first(store: Store) -> None:
    request_id = await put(store, await begin(store))
    await store.answer(a_vote(request_id))
    again = await store.answer(a_vote(request_id))
    late = await store.answer(a_vote(request_id, "no", BO))
    own_other = await store.answer(a_vote(request_id, "no"))
    assert again.kind is OutcomeKind.DUPLICATE
    assert late.kind is OutcomeKind.ALREADY_ANSWERED
    assert own_other.kind is OutcomeKind.ALREADY_ANSWERED
    assert "local:ana already answered this at 2026-03-02 12:00 UTC" in late.reason
    assert (await request_of(store, request_id)).answer == '"yes"'


async def test_answers_to_closed_questions_hear_how_they_closed(store: Store) -> None:
    place = await begin(store)
    withdrawn = await put(store, place, "withdrawn")
    cancelled = await put(store, place, "cancelled")
    await store.withdraw(place, withdrawn)
    await store.cancel("run", BO, "console")
    assert (await store.answer(a_vote(withdrawn))).kind is OutcomeKind.WITHDRAWN
    assert (await store.answer(a_vote(cancelled))).kind is OutcomeKind.CANCELLED


async def test_a_repeated_event_key_returns_what_was_recorded_for_it(store: Store, database: Path) -> None:
    """A platform delivers one press twice; the second delivery must not find "already answered"."""
    request_id = await put(store, await begin(store))
    first = await store.answer(a_vote(request_id, event_key="press-1"))
    again = await store.answer(a_vote(request_id, event_key="press-1"))
    assert (again.kind, again.reason, again.repeated) == (first.kind, first.reason, True)
    assert count(database, "events") == 1
    assert (await request_of(store, request_id)).answer == '"yes"'


async def test_an_event_key_belongs_to_one_person_on_one_request(store: Store, database: Path) -> None:
    """The key of another question, or of somebody else, says nothing about this answer."""
    place = await begin(store)
    one, other = await put(store, place, "one"), await put(store, place, "other")
    attempts = [(one, ANA), (other, ANA), (one, BO)]
    outcomes = [await store.answer(a_vote(id_, "yes", who, event_key="press-1")) for id_, who in attempts]
    assert [outcome.repeated for outcome in outcomes] == [False, False, False]
    assert [outcome.kind for outcome in outcomes] == [
        OutcomeKind.RESOLVED,
        OutcomeKind.RESOLVED,
        OutcomeKind.ALREADY_ANSWERED,
    ]
    assert (await request_of(store, other)).answer == '"yes"'
    assert count(database, "events") == 3


async def test_another_answer_under_a_used_key_is_refused_and_counted(store: Store, database: Path) -> None:
    request_id = await put(store, await begin(store))
    await store.answer(a_vote(request_id, "maybe", event_key="press-1"))
    again = await store.answer(a_vote(request_id, "yes", event_key="press-1"))
    assert (again.kind, again.repeated) == (OutcomeKind.INVALID, False)
    assert "a new key" in again.reason
    assert (await request_of(store, request_id)).open
    assert rows(database, "SELECT outcome, count FROM refusals") == [("invalid", 2)]


async def test_the_repetition_of_a_refused_event_hears_the_refusal_again(store: Store) -> None:
    request_id = await put(store, await begin(store))
    first = await store.answer(a_vote(request_id, "maybe", event_key="press-1"))
    again = await store.answer(a_vote(request_id, "maybe", event_key="press-1"))
    assert first.kind is OutcomeKind.INVALID
    assert (again.kind, again.reason, again.repeated) == (first.kind, first.reason, True)
    assert (await request_of(store, request_id)).open


async def test_an_answer_while_an_operator_is_needed_is_recorded_and_held(store: Store) -> None:
    place = await begin(store)
    request_id = await put(store, place)
    await store.hold(place, Attention(AttentionKind.STEP_UNFINISHED, "charge", "[]", "[]"))
    outcome = await store.answer(a_vote(request_id))
    assert outcome.kind is OutcomeKind.HELD
    assert (await request_of(store, request_id)).status is RequestStatus.ANSWERED
    assert await status(store) is WorkflowStatus.NEEDS_ATTENTION


async def test_an_answer_is_held_while_the_loaded_code_lacks_its_node(store: Store) -> None:
    one, two = await put(store, await begin(store, "1")), await put(store, await begin(store, "2"))
    store.set_nodes("flow", ["publish"])
    assert (await store.answer(a_vote(one))).kind is OutcomeKind.HELD
    store.set_nodes("flow", None)
    assert (await store.answer(a_vote(two))).kind is OutcomeKind.RESOLVED


async def test_facts_stand_in_the_audit_trail_with_their_age(store: Store, database: Path) -> None:
    request_id = await put(store, await begin(store))
    await store.answer(a_vote(request_id, facts=(Fact("member of @sre", value=True, as_of=START),)))
    (payload,) = rows(database, "SELECT payload FROM audit WHERE kind = 'answer_accepted'")[0]
    assert '"facts":[["member of @sre",true,"2026-03-02T12:00:00Z"]]' in payload


async def test_several_answers_are_taken_together(store: Store) -> None:
    place = await begin(store)
    ids = [await put(store, place, name) for name in ("one", "two")]
    outcomes = await store.answer_all([("one", a_vote(ids[0])), ("two", a_vote(ids[1], "no"))])
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.RESOLVED] * 2


async def test_several_answers_are_taken_or_none(store: Store, database: Path) -> None:
    place = await begin(store)
    ids = [await put(store, place, name) for name in ("one", "two")]
    audited = count(database, "audit")
    with pytest.raises(AnswerRefused) as refused:
        await store.answer_all([("one", a_vote(ids[0])), ("two", a_vote(ids[1], "maybe"))])
    assert (refused.value.key, refused.value.outcome.kind) == ("two", OutcomeKind.INVALID)
    assert (await request_of(store, ids[0])).open
    assert count(database, "events") == 0
    assert count(database, "audit") == audited


async def test_what_was_announced_for_a_refused_set_is_not_heard(store: Store) -> None:
    """The first answer of the set resolved its question before the second undid it."""
    place = await begin(store)
    ids = [await put(store, place, name) for name in ("one", "two")]
    heard: list[Change] = []
    store.hub.listen(Listener(asyncio.get_running_loop(), heard.append), run_id="run")
    with pytest.raises(AnswerRefused):
        await store.answer_all([("one", a_vote(ids[0])), ("two", a_vote(ids[1], "maybe"))])
    await store.answer(a_vote(ids[1]))
    assert [change.resolved.request_id for change in heard if change.resolved] == [ids[1]]


# Deadlines.


async def test_nothing_expires_before_the_grace_is_over(store: Store, clock: GatedClock) -> None:
    request_id = await put(store, await begin(store), expires_after=HOUR)
    clock.advance(HOUR + GRACE - timedelta(microseconds=1))
    assert await store.act_due(None) == 0
    clock.advance(timedelta(microseconds=1))
    assert await store.act_due(None) == 1
    assert (await request_of(store, request_id)).status is RequestStatus.EXPIRED
    assert await store.act_due(None) == 0


@pytest.mark.parametrize("default", [None, '"no"'])
async def test_an_expired_question_has_its_default_and_nobody_who_answered(
    store: Store, clock: GatedClock, database: Path, default: str | None
) -> None:
    request_id = await put(store, await begin(store), expires_after=HOUR, default=default)
    clock.advance(2 * HOUR)
    await store.act_due(None)
    request = await request_of(store, request_id)
    assert (request.status, request.answer, request.decided) == (RequestStatus.EXPIRED, default, None)
    assert await status(store) is WorkflowStatus.RUNNING
    assert rows(database, "SELECT person FROM audit WHERE kind = 'request_expired'") == [(None,)]
    assert (await store.answer(a_vote(request_id))).kind is OutcomeKind.EXPIRED


async def test_what_counts_for_the_deadline_is_when_the_answer_was_received(
    store: Store, clock: GatedClock
) -> None:
    deadline = START + HOUR
    place = await begin(store)
    late = await put(store, place, "late", expires_after=HOUR)
    in_time = await put(store, place, "in time", expires_after=HOUR)
    unsaid = await put(store, place, "unsaid", expires_after=HOUR)
    clock.advance(HOUR + timedelta(seconds=2))
    after = deadline + timedelta(microseconds=1)
    assert (await store.answer(a_vote(late, received_at=after))).kind is OutcomeKind.EXPIRED
    assert (await store.answer(a_vote(unsaid))).kind is OutcomeKind.EXPIRED
    assert (await store.answer(a_vote(in_time, received_at=deadline))).kind is OutcomeKind.RESOLVED


async def test_only_the_questions_of_the_named_run_expire(store: Store, clock: GatedClock) -> None:
    ids = [await put(store, await begin(store, run_id), expires_after=HOUR) for run_id in ("1", "2")]
    clock.advance(2 * HOUR)
    assert await store.act_due("1") == 1
    assert [(await request_of(store, id_)).open for id_ in ids] == [False, True]


async def test_an_expiry_of_a_run_that_needs_attention_leaves_it_so(store: Store, clock: GatedClock) -> None:
    place = await begin(store)
    await put(store, place, expires_after=HOUR)
    await store.hold(place, Attention(AttentionKind.STEP_UNFINISHED, "charge", "[]", "[]"))
    clock.advance(2 * HOUR)
    assert await store.act_due(None) == 1
    assert await status(store) is WorkflowStatus.NEEDS_ATTENTION


async def test_a_question_of_an_ended_visit_stays_answerable_without_moving_the_run(
    store: Store,
) -> None:
    """Nothing but the visit's end closes questions; should one stay open, its answer must not wake an ended run."""
    place = await begin(store)
    request_id = await put(store, place)
    await store.end_visit(place, VisitEnd(WorkflowStatus.COMPLETED, "{}"))
    assert (await store.answer(a_vote(request_id))).accepted
    assert await status(store) is WorkflowStatus.COMPLETED


async def test_more_questions_than_one_sweep_takes_expire_in_several(store: Store, clock: GatedClock) -> None:
    place = await begin(store)
    asks = [an_ask(str(number), expires_after=HOUR) for number in range(300)]
    await store.ask(place, asks, None)
    clock.advance(2 * HOUR)
    taken = [await store.act_due(None), await store.act_due(None), await store.act_due(None)]
    assert taken == [256, 44, 0]
