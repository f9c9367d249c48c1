"""What shares a commit, what is undone alone, and what an acknowledgement means."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import (
    Outcome,
    OutcomeKind,
    RequestStatus,
    RunExists,
    SQLiteStore,
    Store,
    WorkflowStatus,
)
from sayso.engine.store import Change, Listener, Place
from tests.engine.store.situation import GatedClock, a_run, a_vote, begin, count, is_stored, put, rows
from tests.engine.support import ANA, BO


async def test_what_has_queued_up_shares_one_commit(store: Store, clock: GatedClock) -> None:
    runs = [await a_run(store, str(number)) for number in range(64)]
    async with clock.held(store):
        before = clock.commits
        started = [store.start(run) for run in runs]
    places = await asyncio.gather(*started)
    assert clock.commits - before == 1
    assert len({place.run_key for place in places}) == 64


async def test_of_two_answers_in_one_commit_one_counts(
    store: Store, clock: GatedClock, database: Path
) -> None:
    request_id = await put(store, await begin(store))
    async with clock.held(store):
        before = clock.commits
        first = store.answer(a_vote(request_id, "yes", ANA))
        second = store.answer(a_vote(request_id, "no", BO))
    assert (await first).kind is OutcomeKind.RESOLVED
    assert (await second).kind is OutcomeKind.ALREADY_ANSWERED
    assert clock.commits - before == 1
    assert rows(database, "SELECT answer, resolved_by FROM requests") == [('"yes"', ANA)]
    assert rows(database, "SELECT resolutions FROM runs") == [(1,)]


async def test_one_vote_twice_in_one_commit_is_a_duplicate(store: Store, clock: GatedClock) -> None:
    request_id = await put(store, await begin(store))
    async with clock.held(store):
        votes = [store.answer(a_vote(request_id)) for _ in range(2)]
    kinds = [outcome.kind for outcome in await asyncio.gather(*votes)]
    assert kinds == [OutcomeKind.RESOLVED, OutcomeKind.DUPLICATE]


async def test_one_event_twice_in_one_commit_is_one_event(
    store: Store, clock: GatedClock, database: Path
) -> None:
    request_id = await put(store, await begin(store))
    async with clock.held(store):
        presses = [store.answer(a_vote(request_id, event_key="press")) for _ in range(2)]
    first, second = await asyncio.gather(*presses)
    assert (first.kind, first.repeated) == (OutcomeKind.RESOLVED, False)
    assert (second.kind, second.reason, second.repeated) == (first.kind, first.reason, True)
    assert count(database, "events") == 1


async def test_answers_to_two_questions_of_one_run_in_one_commit_both_count(
    store: Store, clock: GatedClock
) -> None:
    place = await begin(store)
    ids = [await put(store, place, name) for name in ("one", "two")]
    heard: list[Change] = []
    store.hub.listen(Listener(asyncio.get_running_loop(), heard.append), run_id="run")
    async with clock.held(store):
        answers = [store.answer(a_vote(id_)) for id_ in ids]
    assert [outcome.accepted for outcome in await asyncio.gather(*answers)] == [True, True]
    assert [(change.resolved.request_id, change.resolutions) for change in heard if change.resolved] == [
        (ids[0], 1),
        (ids[1], 2),
    ]


async def test_one_poisoned_transaction_among_64_is_undone_alone(
    store: Store, clock: GatedClock, database: Path
) -> None:
    """The poisoned one has written an audit row and announced itself before it fails."""
    await begin(store, "taken")
    place = await begin(store, "place")
    await store.begin_step(place, "charge", "[]")
    runs = [await a_run(store, str(number)) for number in range(62)]
    taken = await a_run(store, "taken")
    async with clock.held(store):
        before = clock.commits
        good: list[asyncio.Future[Any]] = [store.start(run) for run in runs[:31]]
        bad: list[asyncio.Future[Any]] = [store.begin_step(place, "charge", "[]"), store.start(taken)]
        good += [store.start(run) for run in runs[31:]]
    results = await asyncio.gather(*good, *bad, return_exceptions=True)
    assert clock.commits - before == 1
    assert [type(result) for result in results if isinstance(result, Exception)][1] is RunExists
    assert len([result for result in results if isinstance(result, Exception)]) == 2
    assert count(database, "runs") == 64
    sequences = rows(database, "SELECT sequence FROM audit ORDER BY sequence")
    assert sequences == [(number,) for number in range(1, 65)]


async def test_the_answer_of_a_cancelled_caller_still_counts(store: Store, clock: GatedClock) -> None:
    request_id = await put(store, await begin(store))

    async def impatient() -> Outcome:
        return await store.answer(a_vote(request_id))

    async with clock.held(store):
        caller = asyncio.create_task(impatient())
        await asyncio.sleep(0)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
    assert (await store.answer(a_vote(request_id, "no", BO))).kind is OutcomeKind.ALREADY_ANSWERED


async def test_answers_come_from_several_loops_at_once(store: Store, database: Path) -> None:
    """Each surface has its loop; every caller hears on its own, and exactly one answer a question counts."""
    ids = [await put(store, await begin(store, str(number))) for number in range(20)]
    outcomes: dict[str, list[Outcome]] = {}

    async def answer_all(person: str) -> list[Outcome]:
        return list(await asyncio.gather(*(store.answer(a_vote(id_, "yes", person)) for id_ in ids)))

    def surface(person: str) -> None:
        outcomes[person] = asyncio.run(answer_all(person))

    threads = [threading.Thread(target=surface, args=(f"local:{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in threads))
    assert len(outcomes) == 4
    for number in range(20):
        kinds = sorted(given[number].kind for given in outcomes.values())
        assert kinds == [OutcomeKind.ALREADY_ANSWERED] * 3 + [OutcomeKind.RESOLVED]
    assert rows(database, "SELECT count(*) FROM requests WHERE status = 'ANSWERED'") == [(20,)]


async def test_the_result_for_a_loop_that_is_gone_does_not_hold_up_others(
    store: Store, clock: GatedClock
) -> None:
    async def queue() -> list[asyncio.Future[Place]]:
        return [store.start(gone)]

    gone, of_mine = await a_run(store, "gone"), await a_run(store, "mine")
    async with clock.held(store):
        await asyncio.to_thread(asyncio.run, queue())
        mine = store.start(of_mine)
    assert (await mine).run_id == "mine"
    assert await is_stored(store, "gone")


async def test_changes_are_heard_before_the_acknowledgement(store: Store) -> None:
    """Whoever goes on after an acknowledgement finds that every listener has heard of it."""
    heard: list[WorkflowStatus] = []
    listener = Listener(asyncio.get_running_loop(), lambda change: heard.append(change.status))
    store.hub.listen(listener, workflows=["flow"])
    request_id = await put(store, await begin(store))
    await store.answer(a_vote(request_id))
    assert heard == [WorkflowStatus.RUNNING, WorkflowStatus.WAITING_FOR_INPUT, WorkflowStatus.RUNNING]
    store.hub.ignore(listener, workflows=["flow"])
    await begin(store, "other")
    assert len(heard) == 3


async def test_a_listener_hears_only_of_what_it_wants(store: Store) -> None:
    """Each hop wakes a loop that may have better things to do."""
    heard: list[WorkflowStatus] = []
    listener = Listener(
        asyncio.get_running_loop(),
        lambda change: heard.append(change.status),
        lambda change: change.status is WorkflowStatus.WAITING_FOR_INPUT,
    )
    store.hub.listen(listener, workflows=["flow"])
    await store.answer(a_vote(await put(store, await begin(store))))
    assert heard == [WorkflowStatus.WAITING_FOR_INPUT]


async def test_a_reader_that_begins_after_an_acknowledgement_sees_it(store: Store) -> None:
    place = await begin(store)
    for number in range(50):
        request_id = await put(store, place, str(number), park=False)
        await store.answer(a_vote(request_id))
        request = await store.reader.request(request_id)
        assert request is not None
        assert request.status is RequestStatus.ANSWERED


async def test_what_is_queued_when_the_store_closes_is_committed(database: Path) -> None:
    store = SQLiteStore(database)
    runs = [await a_run(store, str(number)) for number in range(300)]
    started = [store.start(run) for run in runs]
    await store.close()
    await asyncio.gather(*started)
    assert count(database, "runs") == 300


async def test_a_closed_store_opens_again_at_the_next_use(database: Path) -> None:
    store = SQLiteStore(database)
    await begin(store)
    await store.close()
    await store.close()
    assert await is_stored(store, "run")
    await store.close()


async def test_a_handle_outlives_another_on_the_same_file(database: Path) -> None:
    first, second = SQLiteStore(database), SQLiteStore(f"sqlite:///{database}")
    first.open()
    second.open()
    assert first.hub is second.hub
    await first.close()
    await begin(second)
    await second.close()
    assert count(database, "runs") == 1
