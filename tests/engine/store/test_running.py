"""What carries a run forward: every such call, when it applies and when it must change nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from sayso.engine import (
    Attention,
    AttentionKind,
    RequestStatus,
    RunExists,
    SQLiteStore,
    Store,
    StoreUnreadable,
    WorkflowStatus,
)
from sayso.engine._records import LoadedRun
from sayso.engine.store import GRACE, Park, Place, VisitEnd
from tests.engine.store.situation import a_vote, an_ask, begin, count, put, question, rows
from tests.engine.support import START

ATTENTION = Attention(AttentionKind.STEP_UNFINISHED, "charge", "[]", "[]", "not known")


async def loaded(store: Store, run_id: str = "run") -> LoadedRun:
    found = await store.load(run_id)
    assert found is not None
    return found


async def status(store: Store) -> WorkflowStatus:
    return (await loaded(store)).run.status


def elsewhere(place: Place) -> Place:
    """The place of a visit that the run is not in."""
    return msgspec.structs.replace(place, visit=place.visit + 1)


async def test_a_started_run_is_stored_with_its_first_visit(store: Store) -> None:
    await begin(store, shared='{"a":1}', requested_by="local:bo")
    run = (await loaded(store)).run
    assert (run.status, run.visit, run.node_id) == (WorkflowStatus.RUNNING, 1, "ask")
    assert (run.entry, run.shared, run.requested_by) == ('{"a":1}', '{"a":1}', "local:bo")
    assert (run.attempt, run.first_attempt, run.retry_at) == (1, 1, None)


async def test_a_second_run_of_one_id_is_refused_and_leaves_the_first(store: Store) -> None:
    await begin(store, shared='{"a":1}')
    with pytest.raises(RunExists) as refused:
        await begin(store, shared='{"a":2}')
    assert refused.value.run_id == "run"
    assert (await loaded(store)).run.entry == '{"a":1}'


async def test_an_unknown_run_loads_as_none(store: Store) -> None:
    assert await store.load("nobody") is None
    assert await store.node_statuses("nobody") == {}


async def test_a_definition_is_stored_once(store: Store) -> None:
    first = await store.define("flow", '{"a":1}')
    assert await store.define("flow", '{"a":1}') == first
    assert await store.define("flow", '{"a":2}') != first


async def test_questions_are_stored_and_park_their_run(store: Store) -> None:
    place = await begin(store)
    asks = [an_ask("one"), an_ask("two", expires_after=timedelta(hours=1), default='"no"')]
    asked = await store.ask(place, asks, Park('{"shown":true}', 0))
    assert asked is not None
    assert asked.parked
    journal = await loaded(store)
    assert journal.requests == asked.records
    one, two = journal.requests
    assert (one.status, one.revision, one.deadline, one.text) == (
        RequestStatus.PENDING,
        1,
        None,
        question(),
    )
    assert (two.deadline, two.default) == (START + timedelta(hours=1), '"no"')
    assert (journal.run.status, journal.run.shared, journal.run.entry) == (
        WorkflowStatus.WAITING_FOR_INPUT,
        '{"shown":true}',
        "{}",
    )


async def test_destinations_get_a_delivery_and_people_do_not(store: Store, database: Path) -> None:
    await put(store, await begin(store), to=("slack:#releases", "local:ana", "web", "operator"))
    found = rows(
        database,
        "SELECT destination, revision_wanted, revision_shown FROM deliveries ORDER BY destination",
    )
    assert found == [("slack:#releases", 1, 0)]


async def test_asking_for_a_visit_that_the_run_has_left_stores_nothing(store: Store, database: Path) -> None:
    place = await begin(store)
    assert await store.ask(elsewhere(place), [an_ask()], None) is None
    await store.cancel("run", "local:bo", "console")
    assert await store.ask(place, [an_ask()], None) is None
    assert count(database, "requests") == 0


async def test_a_name_is_stored_once_a_visit(store: Store, database: Path) -> None:
    """The database itself refuses a second question of one name."""
    place = await begin(store)
    await put(store, place)
    with pytest.raises(StoreUnreadable, match=r"(?i)unique"):
        await store.ask(place, [an_ask()], None)
    assert count(database, "requests") == 1


async def test_a_changed_question_gets_a_new_revision_and_its_votes_are_void(
    store: Store, database: Path
) -> None:
    place = await begin(store)
    request_id = await put(store, place, to=("slack:#a",))
    asked = await store.ask(place, [an_ask(prompt="Really?", known_id=request_id)], Park(None, 0))
    assert asked is not None
    assert asked.records[0] is not None
    assert (asked.records[0].id, asked.records[0].revision) == (request_id, 2)
    assert asked.records[0].text == question("Really?")
    assert rows(database, "SELECT revision_wanted FROM deliveries") == [(2,)]
    assert count(database, "votes") == 0


async def test_a_question_that_was_answered_meanwhile_is_not_revised(store: Store) -> None:
    place = await begin(store)
    request_id = await put(store, place)
    await store.answer(a_vote(request_id))
    asked = await store.ask(place, [an_ask(prompt="Really?", known_id=request_id)], None)
    assert asked is not None
    assert asked.records == (None,)
    assert (await loaded(store)).requests[0].text == question()


async def test_a_run_parks_only_when_its_visit_has_seen_every_resolution(store: Store) -> None:
    """Otherwise an answer that came in between would wait for ever."""
    place = await begin(store)
    request_id = await put(store, place, park=False)
    await store.answer(a_vote(request_id))
    assert not await store.park(place, Park(None, 0))
    assert await status(store) is WorkflowStatus.RUNNING
    assert await store.park(place, Park('{"x":1}', 1))
    assert await status(store) is WorkflowStatus.WAITING_FOR_INPUT
    assert (await loaded(store)).run.shared == '{"x":1}'


async def test_a_park_of_another_visit_changes_nothing(store: Store) -> None:
    place = await begin(store)
    assert not await store.park(elsewhere(place), Park(None, 0))
    assert await status(store) is WorkflowStatus.RUNNING


async def test_a_parked_run_that_stirs_is_running_again(store: Store) -> None:
    place = await begin(store)
    await put(store, place)
    await store.stir(elsewhere(place))
    assert await status(store) is WorkflowStatus.WAITING_FOR_INPUT
    await store.stir(place)
    assert await status(store) is WorkflowStatus.RUNNING
    assert await store.runs_to_recover("flow") == ["run"]


async def test_a_node_withdraws_its_question(store: Store, database: Path) -> None:
    place = await begin(store)
    request_id = await put(store, place, to=("slack:#a",))
    assert await store.withdraw(place, request_id) is None
    assert (await loaded(store)).requests[0].status is RequestStatus.WITHDRAWN
    assert rows(database, "SELECT revision_wanted FROM deliveries") == [(2,)]


async def test_a_parked_run_whose_question_is_withdrawn_is_running_again(store: Store) -> None:
    """Killed before its visit ends, it would otherwise stay parked with nothing left that could wake it."""
    place = await begin(store)
    request_id = await put(store, place)
    await store.withdraw(place, request_id)
    assert await status(store) is WorkflowStatus.RUNNING
    assert await store.runs_to_recover("flow") == ["run"]


async def test_a_withdrawal_after_an_answer_returns_the_answer(store: Store) -> None:
    place = await begin(store)
    request_id = await put(store, place)
    await store.answer(a_vote(request_id, "no"))
    resolution = await store.withdraw(place, request_id)
    assert resolution is not None
    assert (resolution.status, resolution.answer) == (RequestStatus.ANSWERED, '"no"')


async def test_a_visit_ends_and_the_next_begins_with_its_state(store: Store) -> None:
    place = await begin(store)
    assert await store.end_visit(place, VisitEnd(WorkflowStatus.RUNNING, '{"a":2}', "publish"))
    run = (await loaded(store)).run
    assert (run.status, run.visit, run.node_id, run.entry) == (
        WorkflowStatus.RUNNING,
        2,
        "publish",
        '{"a":2}',
    )
    assert await store.node_statuses("run") == {"ask": "COMPLETED", "publish": "RUNNING"}


@pytest.mark.parametrize(
    ("ending", "error"), [(WorkflowStatus.COMPLETED, None), (WorkflowStatus.FAILED, "E: x")]
)
async def test_a_run_ends_once(store: Store, ending: WorkflowStatus, error: str | None) -> None:
    place = await begin(store)
    assert await store.end_visit(place, VisitEnd(ending, '{"done":1}', error=error))
    run = (await loaded(store)).run
    assert (run.status, run.shared, run.error, run.node_id) == (ending, '{"done":1}', error, None)
    assert not await store.end_visit(place, VisitEnd(WorkflowStatus.COMPLETED, "{}"))
    assert (await loaded(store)).run == run


async def test_the_end_of_a_visit_withdraws_what_is_open_when_told_to(store: Store) -> None:
    place = await begin(store)
    request_id = await put(store, place)
    await store.end_visit(place, VisitEnd(WorkflowStatus.COMPLETED, "{}", withdraw=True))
    request = await store.reader.request(request_id)
    assert request is not None
    assert request.status is RequestStatus.WITHDRAWN


async def test_the_end_of_another_visit_changes_nothing(store: Store) -> None:
    place = await begin(store)
    request_id = await put(store, place)
    end = VisitEnd(WorkflowStatus.COMPLETED, "{}", withdraw=True)
    assert not await store.end_visit(elsewhere(place), end)
    assert await status(store) is WorkflowStatus.WAITING_FOR_INPUT
    request = await store.reader.request(request_id)
    assert request is not None
    assert request.open


async def test_a_failed_attempt_is_recorded_with_the_instant_of_the_next(store: Store) -> None:
    place = await begin(store)
    await store.next_attempt(place, 2, START + timedelta(minutes=1), "E: once")
    run = (await loaded(store)).run
    assert (run.attempt, run.first_attempt, run.retry_at) == (2, 1, START + timedelta(minutes=1))


async def test_a_step_is_begun_and_recorded(store: Store) -> None:
    place = await begin(store)
    await store.begin_step(place, "charge", "[1]")
    assert [(s.name, s.arguments, s.result) for s in (await loaded(store)).steps] == [("charge", "[1]", None)]
    await store.record_step(place, "charge", "[1]", '"ok"')
    assert [(s.name, s.arguments, s.result) for s in (await loaded(store)).steps] == [
        ("charge", "[1]", '"ok"')
    ]


async def test_a_begun_step_cannot_begin_again(store: Store) -> None:
    """The database itself keeps a `once` step from starting twice."""
    place = await begin(store)
    await store.begin_step(place, "charge", "[]")
    with pytest.raises(StoreUnreadable, match=r"(?i)unique"):
        await store.begin_step(place, "charge", "[]")


async def test_a_held_run_keeps_what_the_operator_must_decide(store: Store) -> None:
    place = await begin(store)
    assert await store.hold(place, ATTENTION)
    run = (await loaded(store)).run
    assert (run.status, run.attention) == (WorkflowStatus.NEEDS_ATTENTION, ATTENTION)
    assert not await store.hold(place, replace(ATTENTION, name="other"))
    assert (await loaded(store)).run.attention == ATTENTION


async def test_a_hold_of_another_visit_changes_nothing(store: Store) -> None:
    place = await begin(store)
    assert not await store.hold(elsewhere(place), ATTENTION)
    assert await status(store) is WorkflowStatus.RUNNING


async def test_only_runs_in_the_middle_of_something_are_recovered(store: Store) -> None:
    await begin(store, "moving")
    await begin(store, "foreign", workflow="other")
    await put(store, await begin(store, "parked"))
    ended = await begin(store, "ended")
    await store.end_visit(ended, VisitEnd(WorkflowStatus.COMPLETED, "{}"))
    assert await store.runs_to_recover("flow") == ["moving"]


async def test_the_nodes_at_which_runs_stand_are_found(store: Store) -> None:
    for run_id, node_id in (("1", "b"), ("2", "a"), ("3", "b"), ("4", "c")):
        await put(store, await begin(store, run_id, node_id=node_id))
    await put(store, await begin(store, "5", node_id="d", workflow="other"))
    ended = await begin(store, "6", node_id="e")
    await store.end_visit(ended, VisitEnd(WorkflowStatus.COMPLETED, "{}"))
    assert await store.parked_nodes("flow") == ["a", "b", "c"]
    assert await store.parked_nodes("nobody's") == []


async def test_a_run_that_parks_again_with_the_state_of_its_beginning_shows_that(store: Store) -> None:
    """What it showed when it parked before must not stay; whoever parks says that it has parked before."""
    place = await begin(store, shared='{"a":1}')
    await put(store, place)
    await store.park(place, Park('{"a":2}', 0))
    assert (await loaded(store)).run.shared == '{"a":2}'
    await store.stir(place)
    await store.park(place, Park(None, 0, replayed=True))
    assert (await loaded(store)).run.shared == '{"a":1}'


async def test_the_next_deadline_is_that_of_an_open_question(store: Store) -> None:
    assert await store.next_due(None) is None
    one, two = await begin(store, "one"), await begin(store, "two")
    await put(store, one, expires_after=timedelta(hours=2))
    early = await put(store, two, expires_after=timedelta(hours=1))
    assert await store.next_due(None) == START + timedelta(hours=1) + GRACE
    assert await store.next_due("one") == START + timedelta(hours=2) + GRACE
    await store.answer(a_vote(early))
    assert await store.next_due(None) == START + timedelta(hours=2) + GRACE
    assert await store.next_due("two") is None


async def test_what_is_stored_is_there_after_the_file_was_opened_anew(database: Path) -> None:
    async with SQLiteStore(database) as first:
        request_id = await put(first, await begin(first, shared='{"a":[1,null,"x"]}'))
        before = await first.load("run")
    async with SQLiteStore(database) as second:
        assert await second.load("run") == before
        assert (await second.answer(a_vote(request_id))).accepted
