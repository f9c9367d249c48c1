"""Opening a database file: for the writer with its pragmas and migrations, for readers read-only."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sayso.engine.errors import SchemaTooNew, StoreUnreadable
from sayso.engine.store._queries import SQL, load_migrations

SCHEMA = len(load_migrations())
"""The present schema."""

WRITER_PRAGMAS = {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"}
"""Pragmas of the write connection with the values that reading them back gives; `synchronous` 2 is FULL."""


def connect_writer(path: Path) -> sqlite3.Connection:
    """The one write connection, on the present schema. Only it ever checkpoints: SQLite before 3.51.3 can lose
    committed data when two connections do (sqlite.org/wal.html, "the WAL-reset bug").
    """
    try:
        connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    except sqlite3.Error as error:
        raise StoreUnreadable(str(path), str(error)) from error
    try:
        connection.row_factory = sqlite3.Row
        for pragma, value in WRITER_PRAGMAS.items():
            connection.execute(f"PRAGMA {pragma} = {value}")
        _migrate(connection, path)
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


def check_version(path: Path, tables: set[str], found: int | None) -> int:
    """The file's schema, 0 when it is empty; raises `StoreUnreadable` for a file that is not sayso's, and
    `SchemaTooNew` for one of a newer sayso.
    """
    if found is None:
        if tables:
            raise StoreUnreadable(str(path), "it is a database, but not one of sayso's")
        return 0
    if found > SCHEMA:
        raise SchemaTooNew(str(path), found, SCHEMA)
    return found


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    tables = {row["name"] for row in connection.execute(SQL["tables"])}
    row = connection.execute(SQL["version"]).fetchone() if "schema_version" in tables else None
    found = check_version(path, tables, None if row is None else row["version"])
    for version, script in enumerate(load_migrations(), start=1):
        if version > found:
            stamp = (
                "INSERT INTO schema_version VALUES (1);"
                if version == 1
                else f"UPDATE schema_version SET version = {version:d};"  # noqa: S608 - a number of ours
            )
            try:
                connection.executescript(f"BEGIN IMMEDIATE;\n{script}\n{stamp}\nCOMMIT;")
            except sqlite3.Error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
