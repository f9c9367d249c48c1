"""How often starts in a row found a run in the middle of a visit: what counts, what sets it back, and what is held."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from sayso.engine import AttentionKind, SQLiteStore, Store, WorkflowStatus
from sayso.engine.store import Park, Place, VisitEnd
from tests.engine.older_file import rewrite_as_before
from tests.engine.store.situation import a_vote, begin, put
from tests.engine.support import BO, ManualClock

HOUR = timedelta(hours=1)


async def starts(store: Store, place: Place) -> int:
    """How many more starts it takes until the run is held."""
    for number in range(1, 10):
        if await store.count_start(place) is not None:
            return number
    raise AssertionError("it is never held")


async def stands(store: Store) -> Place:
    """Where the run stands now."""
    loaded = await store.load("run")
    assert loaded is not None
    run = loaded.run
    return Place(run.run_key, run.run_id, run.workflow, run.visit, str(run.node_id), 1)


async def test_a_run_is_held_at_the_third_start_in_a_row(store: Store) -> None:
    place = await begin(store)
    assert await starts(store, place) == 3
    run = await store.reader.run("run")
    assert run.status is WorkflowStatus.NEEDS_ATTENTION
    assert run.attention is not None
    assert (run.attention.kind, run.attention.name) == (AttentionKind.PROCESS_DIED, place.node_id)


async def ends_its_visit(store: Store, place: Place) -> None:
    assert await store.end_visit(place, VisitEnd(WorkflowStatus.RUNNING, "{}", "next"))


async def parks_and_goes_on(store: Store, place: Place) -> None:
    await store.answer(a_vote(await put(store, place)))


async def fails_and_is_retried(store: Store, place: Place) -> None:
    assert await store.end_visit(place, VisitEnd(WorkflowStatus.FAILED, "{}", error="E"))
    await store.retry("run", BO, "console", ask_again=False)


async def begins_another_attempt(store: Store, place: Place) -> None:
    await store.next_attempt(place, 2, store.clock.now() - HOUR, "E")


async def is_held_and_attended(store: Store, place: Place) -> None:
    assert await store.count_start(place) is not None
    await store.attend("run", "again", None, BO, "console")


SET_BACK: list[Callable[[Store, Place], Awaitable[None]]] = [
    ends_its_visit, parks_and_goes_on, fails_and_is_retried, begins_another_attempt, is_held_and_attended,
]  # fmt: skip


@pytest.mark.parametrize("event", SET_BACK)
async def test_what_the_process_survives_sets_the_count_back(
    store: Store, event: Callable[[Store, Place], Awaitable[None]]
) -> None:
    place = await begin(store)
    for _ in range(2):
        assert await store.count_start(place) is None
    await event(store, place)
    assert await starts(store, await stands(store)) == 3


async def test_a_stop_in_order_is_counted_by_no_start_and_breaks_the_row(store: Store) -> None:
    place = await begin(store)
    for _ in range(2):
        assert await store.count_start(place) is None
    await store.set_aside(["flow"])
    assert await store.count_start(place) is None
    assert await starts(store, place) == 3


async def test_a_stop_in_order_is_of_the_runs_that_were_driven(store: Store) -> None:
    one, other = await begin(store), await begin(store, "other", workflow="elsewhere")
    for place in (one, other):
        for _ in range(2):
            assert await store.count_start(place) is None
    await store.set_aside(["flow"], "other")
    await store.set_aside(["nothing"])
    assert await starts(store, one) == 1
    assert await starts(store, other) == 4


async def test_a_visit_that_waits_for_its_next_attempt_is_not_counted(
    store: Store, clock: ManualClock
) -> None:
    """The process died, and nothing of the run was at work."""
    place = await begin(store)
    await store.next_attempt(place, 2, clock.now() + HOUR, "E")
    for _ in range(5):
        assert await store.count_start(place) is None
    clock.advance(2 * HOUR)
    assert await starts(store, place) == 3


async def test_a_parked_run_is_never_counted(store: Store) -> None:
    place = await begin(store)
    await put(store, place)
    for _ in range(5):
        assert await store.count_start(place) is None
    assert (await store.reader.run("run")).status is WorkflowStatus.WAITING_FOR_INPUT


async def test_a_run_that_sayso_fails_at_is_held_wherever_it_stands(store: Store) -> None:
    request_id = await put(store, await begin(store))
    attention = await store.hold_run("run", "TypeError: no")
    assert attention is not None
    run = await store.reader.run("run")
    assert (run.status, run.attention) == (WorkflowStatus.NEEDS_ATTENTION, attention)
    assert (attention.kind, attention.reason) == (AttentionKind.SAYSO_FAILED, "TypeError: no")
    request = await store.reader.request(request_id)
    assert request is not None
    assert request.open, "nobody's question is lost by it"
    assert await store.hold_run("run", "again") is None
    assert await store.hold_run("nobody", "TypeError: no") is None


async def test_runs_of_a_database_from_before_begin_at_nothing(tmp_path: Path) -> None:
    database = tmp_path / "sayso.db"
    async with SQLiteStore(database) as store:
        place = await begin(store)
        await store.park(await begin(store, "parked"), Park(None, 0))
        assert await store.count_start(place) is None
    rewrite_as_before(database, "cut_off")
    async with SQLiteStore(database) as store:
        assert await store.runs_to_recover("flow") == ["run"]
        assert await starts(store, place) == 3
