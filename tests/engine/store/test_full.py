"""A full database: every caller of the commit is told, nothing of it is stored, and the store survives it.

SQLite is made to say so itself, by a limit on the live write connection.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import SQLiteReader, Store, StoreFull, verify_audit
from sayso.engine.store import Change, Listener
from tests.engine.store.live_connection import execute
from tests.engine.store.situation import GatedClock, a_run, a_vote, begin, count, put

LARGE = '{"text":"' + "x" * 20_000 + '"}'


async def limit(store: Store, *, pages: int | None) -> None:
    """Let the database grow by so many pages more; None is without limit."""
    used = (await execute(store, "PRAGMA page_count"))[0][0]
    await execute(store, f"PRAGMA max_page_count = {2**30 if pages is None else used + pages}")


async def test_a_full_disk_in_the_middle_of_a_batch_undoes_the_whole_commit(
    store: Store, clock: GatedClock, database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    request_id = await put(store, await begin(store, "asked"))
    heard: list[Change] = []
    store.hub.listen(Listener(asyncio.get_running_loop(), heard.append), workflows=["flow"])
    await limit(store, pages=20)
    before = {table: count(database, table) for table in ("runs", "audit", "events", "visits")}
    runs = [await a_run(store, str(number), shared=LARGE) for number in range(10)]
    async with clock.held(store):
        batch: list[asyncio.Future[Any]] = [store.answer(a_vote(request_id))]
        batch += [store.start(run) for run in runs]
        batch += [store.define("flow", "{}")]
    results = await asyncio.gather(*batch, return_exceptions=True)
    assert {type(result) for result in results} == {StoreFull}
    assert "Nothing was changed; free some space" in str(results[0])
    assert {table: count(database, table) for table in before} == before
    assert heard == []
    assert any("a commit of 12 transactions failed" in record.getMessage() for record in caplog.records)
    assert all(record.levelno == logging.ERROR for record in caplog.records)


async def test_a_store_that_was_full_works_when_there_is_space_again(store: Store, database: Path) -> None:
    request_id = await put(store, await begin(store, "asked"))
    await limit(store, pages=1)
    with pytest.raises(StoreFull) as full:
        await begin(store, "large", shared=LARGE)
    assert full.value.path == str(database)
    await limit(store, pages=None)
    await begin(store, "large", shared=LARGE)
    assert (await store.answer(a_vote(request_id))).accepted
    async with SQLiteReader(database) as reader:
        report = await verify_audit(reader)
    assert (report.rows, report.problems) == (4, ())


@pytest.mark.sqlite
async def test_reading_goes_on_while_the_disk_is_full(store: Store) -> None:
    request_id = await put(store, await begin(store, "asked"))
    await limit(store, pages=0)
    with pytest.raises(StoreFull):
        await begin(store, "large", shared=LARGE)
    assert [record.id for record in await store.reader.pending()] == [request_id]
