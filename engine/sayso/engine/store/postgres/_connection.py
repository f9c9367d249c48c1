"""Opening a database: for the writer with its lock and migrations, for readers as it is."""

from __future__ import annotations

from contextlib import closing
from typing import TypeAlias

import psycopg
from psycopg import errors

from sayso.engine.errors import StoreError, StoreFull, StoreInUse, StoreUnreadable
from sayso.engine.store._queries import load_migrations
from sayso.engine.store._upgrading import check_version
from sayso.engine.store.postgres._dialect import LONG_PATIENCE, PATIENCE, SCHEMA, SQL, PostgresConnection
from sayso.engine.store.postgres._location import name_of

ADVICE = "Check the URL and the server; `sayso doctor` does."

OLDEST_SERVER = 150000
"""PostgreSQL 15, as `server_version` of libpq counts."""

_LOCKED_WITHIN = "5s"
"""A process that was killed has its connection closed by its system; PostgreSQL notices within milliseconds. Nobody
else writes these tables, so waiting any longer for a lock on a row means that somebody keeps it.
"""

_SETTINGS = """
SET timezone = 'UTC';
SET default_transaction_isolation = 'read committed';
SET tcp_keepalives_idle = 10;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3;
SET tcp_user_timeout = 25000
"""
"""Also what has PostgreSQL notice within half a minute that a whole machine is gone, whose lock would stay."""


Backend: TypeAlias = "tuple[int, str]"
"""A connection as the server knows it: its process there, and since when."""


def connect(location: str) -> PostgresConnection:
    """A connection. Raises `StoreUnreadable` where there is none to be had, or the server is too old."""
    name = name_of(location)
    try:
        connection = PostgresConnection(location)
    except psycopg.Error as error:
        raise StoreUnreadable(name, f"the server cannot be reached: {_first_line(error)}", ADVICE) from error
    version = connection.raw.info.server_version
    if version < OLDEST_SERVER:
        connection.close()
        oldest = OLDEST_SERVER // 10000
        raise StoreUnreadable(
            name, f"it is PostgreSQL {version // 10000}; sayso needs PostgreSQL {oldest} or newer", ADVICE
        )
    try:
        connection.run_script(_SETTINGS)
        connection.allow(PATIENCE)
    except psycopg.Error as error:
        connection.close()
        raise translated(error, name) from error
    return connection


def connect_writer(location: str, replaced: Backend | None = None) -> PostgresConnection:
    """The one write connection, on the present schema. It holds the lock that lets one process write: without the
    connection it is gone, and so is whatever was not committed. A connection that this one replaces is ended on the
    server, which may not have noticed that it was lost.
    """
    connection = connect(location)
    try:
        _refuse_standby(connection, name_of(location))
        if replaced is not None:
            connection.execute(SQL["end_backend"], replaced)
        _lock(connection, name_of(location))
        connection.allow(LONG_PATIENCE)
        _migrate(connection, name_of(location))
        connection.allow(PATIENCE)
    except psycopg.Error as error:
        connection.close()
        raise translated(error, name_of(location)) from error
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(location: str) -> PostgresConnection:
    """A connection that changes nothing. Raises `StoreUnreadable` where there is no database of this schema."""
    connection = connect(location)
    try:
        connection.run_script("SET default_transaction_read_only = on")
        found = schema_at(connection, name_of(location))
        if found < SCHEMA:
            reason = (
                f"it has the older schema {found}; a command that writes brings it up to date"
                if found
                else "there is no sayso database there yet"
            )
            raise StoreUnreadable(name_of(location), reason, ADVICE)
    except psycopg.Error as error:
        connection.close()
        raise translated(error, name_of(location)) from error
    except StoreError:
        connection.close()
        raise
    return connection


def has_schema(location: str) -> bool:
    """Whether there is a database of sayso's."""
    with closing(connect(location)) as connection:
        try:
            return schema_at(connection, name_of(location)) > 0
        except psycopg.Error as error:
            raise translated(error, name_of(location)) from error


def translated(error: Exception, name: str) -> Exception:
    """The store's own error for what PostgreSQL raised; anything else is itself."""
    if not isinstance(error, psycopg.Error):
        return error
    is_full = isinstance(error, errors.DiskFull)
    translated = StoreFull(name) if is_full else StoreUnreadable(name, _first_line(error), ADVICE)
    translated.__cause__ = error
    return translated


def _first_line(error: psycopg.Error) -> str:
    said = str(error.diag.message_primary or error).strip()
    return said.splitlines()[0] if said else type(error).__name__


def _lock(connection: PostgresConnection, name: str) -> None:
    connection.run_script(f"SET lock_timeout = '{_LOCKED_WITHIN}'")
    try:
        connection.execute(SQL["lock"])
    except errors.LockNotAvailable as error:
        raise StoreInUse(name, None) from error


def _refuse_standby(connection: PostgresConnection, name: str) -> None:
    """A standby takes connections, and would keep this one when another server takes the changes."""
    if connection.execute("SHOW transaction_read_only").fetchone()[0] == "on":
        raise StoreUnreadable(
            name, "the server takes no changes: it is a standby, or set to read-only", ADVICE
        )


def schema_at(connection: PostgresConnection, name: str) -> int:
    """The schema that is there, 0 where there is none. Raises `StoreUnreadable`, `SchemaTooNew`."""
    tables = {str(row["name"]) for row in connection.execute(SQL["tables"])}
    row = connection.execute(SQL["version"]).fetchone() if "schema_version" in tables else None
    return check_version(name, tables, None if row is None else int(row["version"]), SCHEMA)


def _migrate(connection: PostgresConnection, name: str) -> None:
    found = schema_at(connection, name)
    for version, script in load_migrations("postgres").items():
        if version > found:
            first = "INSERT INTO schema_version VALUES (0);" if found == 0 else ""
            connection.run_script(
                f"BEGIN;\n{script}\n{first}\nUPDATE schema_version SET version = {version:d};\nCOMMIT"
            )
            found = version
