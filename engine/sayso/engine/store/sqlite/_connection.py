"""Opening a database file: for the writer with its pragmas and migrations, for readers read-only."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Self

import msgspec

from sayso.engine.errors import StoreReplaced, StoreUnreadable
from sayso.engine.store._queries import load_migrations, load_statements, schema_of
from sayso.engine.store._upgrading import check_version

SQL = load_statements("sqlite")

SCHEMA = schema_of("sqlite")
"""The present schema."""

WRITER_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "2",  # FULL: what is acknowledged survives a power cut
    "foreign_keys": "1",
    "cache_size": "-4000",  # in KiB
    "wal_autocheckpoint": "4000",  # in pages of 4 KiB: hot pages are copied once for many commits
}
"""Pragmas of the write connection with the values that reading them back gives."""


BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite creates beside a database; it would follow links there."""

_OPENED = ("", "-wal", "-shm")
"""The files that every connection keeps open."""


def create_private(path: Path) -> None:
    """Create a file that only its user can read. SQLite gives `-wal` and `-shm` its rights.

    A file that is there is never opened, so `FileExistsError`: to close it again would take every lock that SQLite has
    on it in this process (sqlite.org/howtocorrupt.html, "Posix advisory locks canceled by a separate thread"), and the
    next program that closes it would delete the write-ahead log under us. No link is followed. Raises `OSError`.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))


class OpenedFiles(msgspec.Struct, frozen=True):
    """Which files were opened at a path: SQLite goes on with deleted ones in silence, and what it acknowledges is lost.

    `known` are the name, device and inode of each.
    """

    path: str
    known: tuple[tuple[str, int, int], ...]

    @classmethod
    def at(cls, path: Path) -> Self:
        """The files that a connection has just opened there."""
        known: list[tuple[str, int, int]] = []
        for name in (f"{path}{ending}" for ending in _OPENED):
            with suppress(FileNotFoundError):
                found = os.lstat(name)
                known.append((name, found.st_dev, found.st_ino))
        return cls(str(path), tuple(known))

    def check(self) -> None:
        """Raise `StoreReplaced` where one of them was deleted, moved or replaced. Takes microseconds."""
        for name, device, inode in self.known:
            try:
                found = os.lstat(name)
            except OSError as error:
                raise StoreReplaced(self.path, name, gone=True) from error
            if found.st_ino != inode or found.st_dev != device:
                raise StoreReplaced(self.path, name, gone=False)


def unusable(path: Path, error: sqlite3.Error | OSError) -> StoreUnreadable:
    """The database cannot be opened or written, in words."""
    if isinstance(error, FileNotFoundError) and not path.parent.is_dir():
        return StoreUnreadable(
            str(path), f"there is no folder {path.parent}", "Create it, or check the path."
        )
    return StoreUnreadable(str(path), getattr(error, "strerror", None) or str(error))


def refuse_links(path: Path) -> None:
    """Raise `StoreUnreadable` where the database, or a file that SQLite would create next to it, is a link."""
    for name in (f"{path.name}{ending}" for ending in ("", *BESIDE)):
        if path.with_name(name).is_symlink():
            raise StoreUnreadable(str(path), f"{name} is a link; remove it")


def connect_writer(path: Path) -> sqlite3.Connection:
    """The one write connection, on the present schema. Only it ever checkpoints: SQLite before 3.51.3 can lose
    committed data when two connections do (sqlite.org/wal.html, "the WAL-reset bug").
    """
    refuse_links(path)
    try:
        with suppress(FileExistsError):
            create_private(path)
        connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    except (sqlite3.Error, OSError) as error:
        raise unusable(path, error) from error
    try:
        connection.row_factory = sqlite3.Row
        found = _schema(connection, path)  # first: journal_mode is kept in the file, which may not be ours
        for pragma, value in WRITER_PRAGMAS.items():
            connection.execute(f"PRAGMA {pragma} = {value}")
        _migrate(connection, found)
    except sqlite3.Error as error:
        connection.close()
        raise StoreUnreadable(str(path), str(error)) from error
    except BaseException:
        connection.close()
        raise
    return connection


def reader_uri(path: Path) -> str:
    """The URI of a read-only connection, which never writes, locks out the writer, or checkpoints."""
    return f"{path.absolute().as_uri()}?mode=ro"


def _schema(connection: sqlite3.Connection, path: Path) -> int:
    tables = {row["name"] for row in connection.execute(SQL["tables"])}
    row = connection.execute(SQL["version"]).fetchone() if "schema_version" in tables else None
    return check_version(str(path), tables, None if row is None else row["version"], SCHEMA)


def _migrate(connection: sqlite3.Connection, found: int) -> None:
    if found == 0:
        _run(connection, _whole_schema())
        return
    for version, script in load_migrations("sqlite").items():
        if version > found:
            stamp = f"UPDATE schema_version SET version = {version:d};"  # noqa: S608 - a number of ours
            _run(connection, f"BEGIN IMMEDIATE;\n{script}\n{stamp}\nCOMMIT;")


def _run(connection: sqlite3.Connection, script: str) -> None:
    try:
        connection.executescript(script)
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@cache
def _whole_schema() -> str:
    """One transaction that makes of an empty file what all migrations make of it, several times as fast."""
    with closing(sqlite3.connect(":memory:")) as migrated:
        for script in load_migrations("sqlite").values():
            migrated.executescript(script)
        migrated.execute("INSERT INTO schema_version VALUES (?)", (SCHEMA,))
        return "\n".join(migrated.iterdump())
