"""A backup in the place of a database: checked, at one instant, and with nothing of the former one replayed into it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from sayso.engine import (
    AuditReport,
    OutcomeKind,
    SchemaTooNew,
    SQLiteReader,
    SQLiteStore,
    StoreInUse,
    StoreUnreadable,
    restore_backup,
    verify_audit,
)
from tests.engine.older_file import rewrite_as_before
from tests.engine.store.other_process import NOBODY
from tests.engine.store.situation import a_vote, begin, count, put, rows
from tests.engine.store.test_file import digest, overwrite
from tests.engine.store.test_processes import heard, running
from tests.engine.support import ANA

RESTORED = "SELECT person, via, payload FROM audit WHERE kind = 'database_restored'"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups" / "copy.db"


@pytest.fixture
def request_id(database: Path, backup: Path) -> str:
    """A question that is open in the backup, and answered in the database, which was closed well."""

    async def play() -> str:
        async with SQLiteStore(database) as store:
            asked = await put(store, await begin(store))
            await store.reader.backup(backup)
            await store.answer(a_vote(asked))
            await begin(store, "since")
        return asked

    return asyncio.run(play())


def restored(database: Path, backup: Path) -> Path | None:
    return restore_backup(database, backup, ANA, "console").former


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def verified(database: Path, head: str | None = None) -> AuditReport:
    async def verify() -> AuditReport:
        async with SQLiteReader(database) as reader:
            return await verify_audit(reader, head)

    return asyncio.run(verify())


async def copied(database: Path, backup: Path) -> None:
    async with SQLiteReader(database) as reader:
        await reader.backup(backup)


def answered(database: Path, request_id: str) -> OutcomeKind:
    async def answer() -> OutcomeKind:
        async with SQLiteStore(database) as store:
            return (await store.answer(a_vote(request_id))).kind

    return asyncio.run(answer())


def test_what_was_backed_up_is_there_again_and_what_came_since_is_kept_aside(
    database: Path, backup: Path, request_id: str
) -> None:
    before, copied = verified(database).head, digests(backup.parent)
    done = restore_backup(database, backup, ANA, "console")
    assert done.former == database.with_name("sayso.db.before-restore-1")
    assert done.former_head == before
    assert done.former is not None
    assert (count(database, "runs"), count(done.former, "runs")) == (1, 2)
    assert rows(done.former, "SELECT status FROM requests") == [("ANSWERED",)]
    assert digests(backup.parent) == copied, (
        "reading a backup changes nothing of it, and makes nothing beside it"
    )
    assert rows(database, RESTORED) == [(ANA, "console", f'{{"backup":"copy.db","former_head":"{before}"}}')]
    assert verified(database).head == done.head
    assert verified(database).problems == ()
    assert verified(database, before).found == 1, "what the head that was noted names is cut off"
    assert answered(database, request_id) is OutcomeKind.RESOLVED


def answered_and_killed(database: Path, backup: Path) -> str:
    """A question that is open in the backup, and answered in the database, by a process that was killed: what it
    acknowledged is in the log alone.
    """
    with running("hold", database) as process:
        request_id = str(heard(process))
        asyncio.run(copied(database, backup))
        assert process.stdin is not None
        process.stdin.write("answer\n")
        process.stdin.flush()
        assert heard(process) == OutcomeKind.RESOLVED
        process.kill()
        process.wait()
    assert database.with_name("sayso.db-wal").stat().st_size > 0
    return request_id


def test_the_log_of_a_killed_process_is_not_replayed_into_the_backup(database: Path, backup: Path) -> None:
    """Copied over the file by hand, the backup would be what it replaced, and the trail would verify."""
    request_id = answered_and_killed(database, backup)
    former = restored(database, backup)
    assert former is not None
    assert rows(former, "SELECT status FROM requests") == [("ANSWERED",)]
    assert rows(database, "SELECT id, status FROM requests") == [(request_id, "PENDING")]
    assert verified(database).problems == ()


def test_it_is_for_its_user_alone_with_nothing_left_beside_it(
    database: Path, backup: Path, request_id: str
) -> None:
    del request_id
    backup.chmod(0o644)
    former = restored(database, backup)
    assert sorted(path.name for path in database.parent.iterdir() if path.is_file()) == [
        "sayso.db", "sayso.db.before-restore-1", "sayso.db.lock",
    ]  # fmt: skip
    assert former is not None
    assert {stat.S_IMODE(path.stat().st_mode) for path in (database, former)} == {0o600}
    assert restored(database, backup) == database.with_name("sayso.db.before-restore-2")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_whoever_owned_the_database_owns_the_restored_one(
    database: Path, backup: Path, request_id: str
) -> None:
    """Restored by root, it would be of no use to the service."""
    del request_id
    os.chown(database, NOBODY, NOBODY)
    restored(database, backup)
    assert (database.stat().st_uid, database.stat().st_gid) == (NOBODY, NOBODY)


def test_a_database_that_is_gone_is_restored_without_its_log(
    database: Path, backup: Path, request_id: str
) -> None:
    for path in (database, *database.parent.glob("sayso.db-*")):
        path.unlink()
    database.with_name("sayso.db-wal").write_bytes(b"of another database")
    assert restored(database, backup) is None
    assert rows(database, "SELECT id, status FROM requests") == [(request_id, "PENDING")]


@pytest.mark.parametrize("content", [b"", b"no database, but a text of some length\n" * 300])
def test_a_damaged_database_is_kept_as_it_is(
    database: Path, backup: Path, request_id: str, content: bytes
) -> None:
    overwrite(database, content)
    former = restored(database, backup)
    assert former is not None
    assert digest(former) == hashlib.sha256(content).hexdigest()
    assert rows(database, "SELECT id, status FROM requests") == [(request_id, "PENDING")]
    assert verified(database).problems == ()


def test_a_backup_of_an_earlier_schema_is_brought_up_to_date(
    database: Path, backup: Path, request_id: str
) -> None:
    rewrite_as_before(backup, "ADD COLUMN facts TEXT")
    restored(database, backup)
    assert verified(database).problems == ()
    assert answered(database, request_id) is OutcomeKind.RESOLVED


def test_a_backup_with_a_log_of_its_own_is_restored_with_it(database: Path, backup: Path) -> None:
    """Such as a folder that was copied while nothing ran, after a kill."""
    with running("hold", backup) as process:
        request_id = heard(process)
        process.kill()
        process.wait()
    restored(database, backup)
    assert rows(database, "SELECT id FROM requests") == [(request_id,)]


def test_open_cards_are_due_again_and_others_are_not(database: Path, backup: Path) -> None:
    """Chats show what came since the backup, such as a decision that is no more."""

    async def play() -> None:
        async with SQLiteStore(database) as store:
            place = await begin(store)
            await put(store, place, "open", park=False, to=(ANA, "slack:#sre"))
            done = await put(store, place, "done", to=(ANA, "slack:#sre"))
            await store.answer(a_vote(done))
            await store.reader.backup(backup)

    asyncio.run(play())
    wanted = "SELECT q.name, d.revision_wanted FROM deliveries d JOIN requests q USING (request_key) ORDER BY q.name"
    before = dict(rows(backup, wanted))
    restored(database, backup)
    assert dict(rows(database, wanted)) == {**before, "open": before["open"] + 1}


def not_there(backup: Path, database: Path) -> None:
    del database
    backup.unlink()


def a_folder(backup: Path, database: Path) -> None:
    not_there(backup, database)
    backup.mkdir()


def a_text(backup: Path, database: Path) -> None:
    del database
    backup.write_bytes(b"no database, but a text of some length\n" * 300)


def empty(backup: Path, database: Path) -> None:
    del database
    backup.write_bytes(b"")


def cut_off(backup: Path, database: Path) -> None:
    del database
    os.truncate(backup, backup.stat().st_size // 2)


def spoilt(backup: Path, database: Path) -> None:
    """A table's page that holds nothing any more."""
    del database
    page = rows(backup, "SELECT rootpage FROM sqlite_schema WHERE name = 'requests'")[0][0]
    with backup.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)


def of_something_else(backup: Path, database: Path) -> None:
    not_there(backup, database)
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
        connection.commit()


def of_a_newer_sayso(backup: Path, database: Path) -> None:
    del database
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("UPDATE schema_version SET version = version + 1")
        connection.commit()


def without_what_others_belong_to(backup: Path, database: Path) -> None:
    del database
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("DELETE FROM runs")
        connection.commit()


def the_database_itself(backup: Path, database: Path) -> None:
    not_there(backup, database)
    backup.symlink_to(database)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (not_there, "there is no such file"),
        (a_folder, "there is no such file"),
        (a_text, "file is not a database"),
        (empty, "it is empty"),
        (cut_off, "malformed|damaged"),
        (spoilt, "malformed|damaged"),
        (of_something_else, "not one of sayso's"),
        (of_a_newer_sayso, "has schema"),
        (without_what_others_belong_to, "rows are missing"),
        (the_database_itself, "it is the database itself"),
    ],
)
def test_a_backup_that_cannot_be_used_is_refused_and_changes_nothing(
    database: Path, backup: Path, request_id: str, spoil: Callable[[Path, Path], None], says: str
) -> None:
    del request_id
    spoil(backup, database)
    before = digests(database.parent)
    with pytest.raises((StoreUnreadable, SchemaTooNew), match=says) as refused:
        restored(database, backup)
    assert str(backup) in str(refused.value)
    assert digests(database.parent) == before


def test_a_database_of_something_else_is_not_replaced(database: Path, backup: Path, request_id: str) -> None:
    del request_id
    of_something_else(database, database)
    before = digests(database.parent)
    with pytest.raises(StoreUnreadable, match="not one of sayso's"):
        restored(database, backup)
    assert digests(database.parent) == before


async def test_it_is_refused_while_a_process_writes_this_one_included(
    database: Path, backup: Path, request_id: str
) -> None:
    with running("hold", database) as process:
        heard(process)
        with pytest.raises(StoreInUse) as refused:
            restored(database, backup)
        assert refused.value.process_id == process.pid
        process.communicate(timeout=20)
    async with SQLiteStore(database):
        with pytest.raises(StoreInUse):
            restored(database, backup)
    assert rows(database, "SELECT id, status FROM requests WHERE name = 'go'")[0] == (request_id, "ANSWERED")


def test_it_is_refused_while_another_program_has_the_database_open(
    database: Path, backup: Path, request_id: str
) -> None:
    """It would delete the log of the restored database, by its name, when it closes."""
    del request_id
    with running("read", database) as process:
        heard(process)
        before = digests(database.parent)
        with pytest.raises(StoreInUse):
            restored(database, backup)
        assert digests(database.parent) == before
        process.communicate(timeout=20)
    assert restored(database, backup) is not None


@pytest.mark.slow
def test_killed_anywhere_it_leaves_either_database_whole(
    database: Path, backup: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Killed before each call that touches a file: what is there then is the former, with all of it, or the backup."""
    request_id, before = answered_and_killed(database, backup), tmp_path_factory.mktemp("before")
    for file in database.parent.glob("sayso.db*"):
        shutil.copyfile(file, before / file.name)
    seen: list[str] = []
    with running("restore", database, str(backup)) as process:
        assert process.stdin is not None
        while (code := heard(process)) != 0:
            assert code == -signal.SIGKILL
            assert verified(database).problems == ()
            ((found, status),) = rows(database, "SELECT id, status FROM requests")
            assert found == request_id
            seen.append(status)
            for file in database.parent.glob("sayso.db*"):
                file.unlink()
            for file in before.iterdir():
                shutil.copyfile(file, database.with_name(file.name))
            process.stdin.write("on\n")
            process.stdin.flush()
    assert set(seen) == {"ANSWERED", "PENDING"}
    assert seen == sorted(seen), "once the backup is there, it stays"
    assert len(seen) > 15
