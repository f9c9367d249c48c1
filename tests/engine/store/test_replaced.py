"""The file that was opened is not what its path names any more: SQLite goes on in silence, and sayso does not."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sayso.engine import OutcomeKind, SQLiteReader, SQLiteStore, Store, StoreReplaced, verify_audit
from tests.engine.moved_file import move_away, move_back
from tests.engine.store.situation import a_run, a_vote, begin, is_stored, put

Act = Callable[[Path], object]


def delete(path: Path) -> None:
    path.unlink()


def replace_by_a_copy(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copyfile(path, copy)
    copy.replace(path)


def replace_by_a_link(path: Path) -> None:
    path.symlink_to(move_away(path))


def replace_by_a_folder(path: Path) -> None:
    move_away(path)
    path.mkdir()


ACTS = (delete, move_away, replace_by_a_copy, replace_by_a_link, replace_by_a_folder)
GONE: set[Act] = {delete, move_away}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(act=st.sampled_from(ACTS), ending=st.sampled_from(["", "-wal", "-shm"]), reads_first=st.booleans())
def test_nothing_is_acknowledged_or_read_once_a_file_is_gone_or_another(
    tmp_path_factory: pytest.TempPathFactory, act: Act, ending: str, *, reads_first: bool
) -> None:
    """Refused aloud, however the file went, and whichever of the three it was."""
    database = tmp_path_factory.mktemp("replaced") / "sayso.db"

    async def play() -> None:
        store = SQLiteStore(database)
        request_id = await put(store, await begin(store))
        if reads_first:
            assert len(await store.reader.pending()) == 1
        spoilt = database.with_name(database.name + ending)
        act(spoilt)
        attempts: list[Callable[[], Any]] = [
            lambda: store.answer(a_vote(request_id)),
            lambda: store.load("run"),
            store.reader.pending,
            lambda: verify_audit(store.reader),
            lambda: store.reader.backup(database.with_name("backup.db")),
        ]
        for attempt in attempts:
            with pytest.raises(StoreReplaced) as refused:
                await attempt()
            assert (refused.value.file, refused.value.gone) == (str(spoilt), act in GONE)
            assert str(refused.value).startswith("not recorded: ")
        await store.close()

    asyncio.run(play())


async def test_what_was_refused_meanwhile_is_nowhere_and_all_goes_on_once_the_file_is_back(
    store: Store, database: Path
) -> None:
    """Moved away by mistake, and moved back: nobody has to start anything again."""
    request_id = await put(store, await begin(store))
    run = await a_run(store, "lost")
    away = move_away(database)
    with pytest.raises(StoreReplaced):
        await store.answer(a_vote(request_id))
    with pytest.raises(StoreReplaced):
        await store.start(run)
    move_back(away)
    assert not await is_stored(store, "lost")
    assert (await store.answer(a_vote(request_id))).kind is OutcomeKind.RESOLVED
    assert (await verify_audit(store.reader)).problems == ()


async def test_a_reader_that_was_opened_first_does_not_go_on_reading_what_is_gone(database: Path) -> None:
    """Another process may read while a third replaces the file: an old answer is no better than a wrong one."""
    async with SQLiteStore(database) as store:
        await begin(store)
    async with SQLiteReader(database) as reader:
        assert len(await reader.runs()) == 1
        replace_by_a_copy(database)
        with pytest.raises(StoreReplaced, match=r"sayso\.db was replaced by another file while it was open"):
            await reader.runs()


async def test_a_file_that_was_replaced_while_nobody_had_it_is_the_file(database: Path) -> None:
    async with SQLiteStore(database) as store:
        await begin(store)
    replace_by_a_copy(database)
    async with SQLiteStore(database) as store:
        await begin(store, "next")
        assert len(await store.reader.runs()) == 2
