"""What came to its end: found by what it is, page by page, the newest first."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sayso.engine import SQLiteStore, Store
from sayso.engine.store import Sought
from tests.engine.store.situation import a_vote, begin, put
from tests.engine.support import ANA, BO, ManualClock


async def found(store: Store, sought: Sought) -> list[str]:
    return [one.id async for _, one in store.reader.closed(sought) if one is not None]


async def test_it_is_found_by_text_workflow_outcome_date_and_people(tmp_path: Path) -> None:
    clock = ManualClock()
    async with SQLiteStore(tmp_path / "sayso.db", clock=clock) as store:
        first = await put(store, await begin(store, "one"), requested_by=BO)
        second = await put(store, await begin(store, "two"))
        still_open = await put(store, await begin(store, "three"))
        await store.answer(a_vote(first, person=ANA))
        clock.advance(timedelta(days=1))
        await store.answer(a_vote(second, person=BO))
        assert await found(store, Sought()) == [second, first]
        assert await found(store, Sought(since=clock.now())) == [second]
        assert await found(store, Sought(people=(ANA,), voted=True)) == [first]
        assert await found(store, Sought(people=(BO,), mine=True)) == [first]
        assert await found(store, Sought(text="gO?")) == [second, first]
        assert await found(store, Sought(text="two")) == [second]
        assert await found(store, Sought(text="%")) == []
        assert await found(store, Sought(workflow="another")) == []
        assert await found(store, Sought(outcome="ANSWERED")) == [second, first]
        assert await found(store, Sought(outcome="EXPIRED")) == []
        assert still_open not in await found(store, Sought())


async def test_a_page_begins_behind_its_place_and_passes_over_what_is_not_sought(tmp_path: Path) -> None:
    async with SQLiteStore(tmp_path / "sayso.db", clock=ManualClock()) as store:
        ids = [await put(store, await begin(store, f"run-{number}")) for number in range(4)]
        for one in ids:
            await store.answer(a_vote(one))
        places = [place async for place, _ in store.reader.closed(Sought())]
        behind = store.reader.closed(Sought(text="run-1"), before=places[0])
        assert [None if one is None else one.id async for _, one in behind] == [None, ids[1], None]
