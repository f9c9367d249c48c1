"""Putting a backup in the place of a database: checked, at one instant, and with nothing of the former beside it.

A file that is copied over another gets what the former's write-ahead log still holds replayed into it. Here the former
is made one whole file first, so that whenever this is cut off, the path names either of the two as it should be.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path

import msgspec

from sayso.engine._clock import Clock, SystemClock
from sayso.engine.errors import StoreInUse, StoreUnreadable
from sayso.engine.store._anchors import anchor, head_of
from sayso.engine.store._upgrading import begin_trail, check_version
from sayso.engine.store.sqlite._connection import (
    BESIDE,
    SCHEMA,
    SQL,
    create_private,
    reader_uri,
    refuse_links,
    unusable,
)
from sayso.engine.store.sqlite._lock import FileLock
from sayso.engine.store.sqlite._transaction import SQLiteTransaction


class Restored(msgspec.Struct, frozen=True):
    """What a restore did: where the previous database is kept, if there was one, and the heads of both audit trails as
    `SEQUENCE:HASH`; that of the previous one is None if it has none or cannot be read.
    """

    former: Path | None
    former_head: str | None
    head: str


def restore_backup(
    database: Path, backup: Path, person: str, via: str, *, clock: Clock | None = None
) -> Restored:
    """Replace a database by a backup. Nobody may have the database open, including this process.

    The backup is copied, checked, and brought up to the present schema; its trail gets a row that says so, and its open
    cards are due again. The previous database is kept under another name. Raises `StoreInUse`, and `StoreUnreadable` or
    `SchemaTooNew` if the backup cannot be used; then nothing is changed.
    """
    refuse_links(database)
    lock = FileLock(database)
    lock.acquire()
    new = database.with_name(f"{database.name}.restoring")
    try:
        with _translated(backup):
            _copy(backup, new, database)
        with _translated(database):
            former_head = _settle(database)
            said = {"backup": backup.name, "former_head": former_head}
            head = _note(new, said, person, via, clock or SystemClock())
            return Restored(_replace(database, new), former_head, head)
    finally:
        _remove(new)
        lock.release()


@contextmanager
def _translated(path: Path) -> Generator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise unusable(path, error) from error


def _copy(backup: Path, new: Path, database: Path) -> None:
    """Copy a backup, with what a log beside it holds, and refuse what is none."""
    if not backup.is_file():
        raise StoreUnreadable(str(backup), "there is no such file")
    if database.exists() and backup.samefile(database):
        raise StoreUnreadable(str(backup), "it is the database itself")
    _remove(new)
    create_private(new)
    # Alone, it is read as it is; SQLite would make a log beside it, also where nobody may write.
    is_alone = not any(backup.with_name(backup.name + ending).exists() for ending in BESIDE)
    uri = reader_uri(backup) + ("&immutable=1" if is_alone else "")
    with (
        closing(sqlite3.connect(uri, uri=True)) as source,
        closing(sqlite3.connect(new, isolation_level=None)) as copy,
    ):
        source.backup(copy)
        if check_version(str(backup), *_tables_and_version(copy), SCHEMA) == 0:
            raise StoreUnreadable(str(backup), "it is empty")
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise StoreUnreadable(str(backup), f"it is damaged: {found}")
        if copy.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise StoreUnreadable(str(backup), "it is damaged: rows are missing that others belong to")


def _tables_and_version(connection: sqlite3.Connection) -> tuple[set[str], int | None]:
    tables = {str(name) for (name,) in connection.execute(SQL["tables"])}
    row = connection.execute(SQL["version"]).fetchone() if "schema_version" in tables else None
    return tables, None if row is None else int(row[0])


def _settle(database: Path) -> str | None:
    """Make the former database one file, as far as SQLite can read it; nobody else may have it open. The head of its
    trail.
    """
    if not database.exists():
        return None
    uri = f"{database.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)) as connection:
        try:
            tables, version = _tables_and_version(connection)
            if tables and version is None:
                raise StoreUnreadable(str(database), "it is a database, but not one of sayso's")
            row = connection.execute(SQL["audit_head"]).fetchone() if "audit" in tables else None
            # Only whoever has it alone can leave the write-ahead log, and nothing is left in it then.
            mode = connection.execute("PRAGMA journal_mode = delete").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise StoreInUse(str(database), None) from error
            raise
        except sqlite3.DatabaseError:  # no database, or a damaged one: the reason to restore it
            return None
    if mode != "delete":
        raise StoreInUse(str(database), None)
    return None if row is None else f"{row[0]}:{row[1]}"


def _note(new: Path, said: dict[str, str | None], person: str, via: str, clock: Clock) -> str:
    """Bring the copy up to date, and have its trail say that it was restored; the head of that."""
    with closing(SQLiteTransaction(new)) as tx:
        tx.begin(clock.now())
        begin_trail(tx)
        anchor(tx)
        tx.mark_cards("deliveries_mark_open", ())
        tx.audit("database_restored", said, person=person, via=via)
        tx.commit()
        tx.execute("PRAGMA journal_mode = delete")
        head = head_of(tx)
    assert head is not None  # of the row that it got just now
    return head


def _replace(database: Path, new: Path) -> Path | None:
    """Keep the former database under another name, and put the new one in its place."""
    kept = None
    if database.exists():
        if os.geteuid() == 0:  # who may read it stays the same
            owner = database.stat()
            os.chown(new, owner.st_uid, owner.st_gid)
        kept = _keep(database)
    for ending in BESIDE:  # nothing of the former is left in them, but of a damaged one
        beside = database.with_name(database.name + ending)
        with suppress(FileNotFoundError):
            if kept is None or ending == "-shm":
                beside.unlink()
            else:
                beside.rename(kept.with_name(kept.name + ending))
    new.replace(database)
    _sync_folder(database.parent)
    return kept


def _keep(database: Path) -> Path:
    for number in count(1):
        kept = database.with_name(f"{database.name}.before-restore-{number}")
        try:
            os.link(database, kept)
        except FileExistsError:
            if not os.path.samestat(kept.lstat(), database.lstat()):  # else by a restore that was cut off
                continue
        return kept
    raise AssertionError


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(new: Path) -> None:
    for ending in ("", *BESIDE):
        new.with_name(new.name + ending).unlink(missing_ok=True)
