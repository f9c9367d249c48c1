"""A database that moves from a file to PostgreSQL: nothing is lost, doubled or changed, whatever interrupts it."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sayso.engine import SQLiteStore, StoreInUse, StoreUnreadable, move_store, open_store, verify_audit
from tests.engine.store.situation import a_vote, begin, put
from tests.engine.store.story import told
from tests.engine.support import ANA
from tests.postgres import Cluster

MOVE = """
import os, sys
from pathlib import Path
from sayso.engine import move_store
if sys.argv[3]:
    import signal
    from sayso.engine.store.postgres._transaction import PostgresTransaction
    def die(self): os.kill(os.getpid(), signal.SIGKILL)
    if sys.argv[3] == "before":
        PostgresTransaction.commit = die
    else:
        Path.rename = lambda self, target: die(self)
print(move_store(Path(sys.argv[1]), sys.argv[2], "local:ana", "console").head)
"""


@pytest.fixture
def url(postgres: Cluster) -> Iterator[str]:
    with postgres.database(is_empty=True) as made:
        yield made


def moved(database: Path, url: str, dies: str = "") -> int:
    """Move in a process of its own, which is killed before the commit or before the file is renamed; its exit code."""
    return subprocess.run([sys.executable, "-c", MOVE, database, url, dies], check=False).returncode


async def test_all_of_it_is_there_and_goes_on(database: Path, url: str) -> None:
    await told(database)
    async with SQLiteStore(database) as store:
        waiting = [one.id for one in await store.reader.pending()]
        head = await store.reader.audit_head()
    found = move_store(database, url, ANA, "console")
    assert (sum(found.rows.values()) > head > 20, found.former) == (
        True,
        database.with_name("sayso.db.moved"),
    )
    async with open_store(url) as store:
        assert [one.id for one in await store.reader.pending()] == waiting
        report = await verify_audit(store.reader, found.head)
        assert (report.problems, report.rows) == ((), head + 1)
        assert report.since_anchor == 0
        request_id = await put(store, await begin(store, "new"))
        assert (await store.answer(a_vote(request_id))).accepted
        assert (await verify_audit(store.reader)).problems == ()
    async with SQLiteStore(found.former) as store:
        assert await store.reader.head_of_store() == found.head


def is_there(database: Path) -> bool:
    return database.exists()


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_a_move_that_was_killed_is_done_again(database: Path, url: str, dies: str) -> None:
    await told(database)
    assert moved(database, url, dies) == -signal.SIGKILL
    assert is_there(database)
    assert moved(database, url) == 0
    assert not is_there(database)
    async with open_store(url) as store:
        assert (await verify_audit(store.reader)).problems == ()


async def test_what_is_in_use_or_not_empty_is_refused_and_left_as_it_is(
    database: Path, url: str, postgres: Cluster
) -> None:
    async with SQLiteStore(database) as store:
        await begin(store)
        with pytest.raises(StoreInUse):
            move_store(database, url, ANA, "console")
    async with open_store(url) as store:
        await begin(store, "other")
    with pytest.raises(StoreUnreadable, match="it is not empty"):
        move_store(database, url, ANA, "console")
    assert is_there(database)
    with pytest.raises(StoreUnreadable, match="there is no such file"):
        move_store(database.with_name("nothing.db"), url, ANA, "console")


async def test_a_text_that_postgresql_cannot_keep_is_refused(database: Path, url: str) -> None:
    async with SQLiteStore(database) as store:
        await begin(store)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("INSERT INTO people VALUES ('slack:T:U', ?, 0, '')", ("a\0b",))
        connection.commit()
    with pytest.raises(StoreUnreadable, match="a text in people holds NUL"):
        move_store(database, url, ANA, "console")
    assert is_there(database)
    async with open_store(url) as store:
        assert await store.reader.audit_head() == 0
