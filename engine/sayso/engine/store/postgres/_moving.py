"""Moving a database from a file to PostgreSQL: every row, compared on both sides before it counts."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, LiteralString, NamedTuple

import msgspec
import psycopg
from psycopg import sql

from sayso.engine._clock import Clock, SystemClock
from sayso.engine._values import encode_sorted
from sayso.engine.errors import StoreUnreadable
from sayso.engine.store._anchors import anchor, head_of
from sayso.engine.store._servers import Moved
from sayso.engine.store._transaction import NO_HASH
from sayso.engine.store._upgrading import begin_trail
from sayso.engine.store.postgres._connection import translated
from sayso.engine.store.postgres._dialect import LONG_PATIENCE, SQL, PostgresConnection
from sayso.engine.store.postgres._location import name_of
from sayso.engine.store.postgres._transaction import PostgresTransaction
from sayso.engine.store.sqlite import FileLock, SQLiteTransaction, refuse_links

_OF_THE_SCHEMA = frozenset({"schema_version"})
_AT_ONCE = 1000


class _Table(NamedTuple):
    """A table, with its columns in their order and those that name a row."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


def move_store(database: Path, location: str, person: str, via: str, *, clock: Clock | None = None) -> Moved:
    """As `store.move_store` says."""
    refuse_links(database)
    if not database.is_file():
        raise StoreUnreadable(str(database), "there is no such file")
    lock = FileLock(database)
    lock.acquire()
    try:
        with (
            closing(SQLiteTransaction(database)) as source,
            closing(PostgresTransaction(location)) as target,
        ):
            now = clock or SystemClock()
            try:
                target.allow(LONG_PATIENCE)
                source.begin(now.now())
                begin_trail(source)
                anchor(source)
                source.commit()
                rows, head = _copy(source, target, database, name_of(location), (person, via), now)
                source.execute("PRAGMA journal_mode = delete")
            except sqlite3.Error as error:
                raise source.translated(error) from error
            except psycopg.Error as error:
                raise translated(error, name_of(location)) from error
        return Moved(rows, head, _rename(database))
    finally:
        lock.release()


def _copy(
    source: SQLiteTransaction,
    target: PostgresTransaction,
    database: Path,
    name: str,
    by: tuple[str, str],
    clock: Clock,
) -> tuple[dict[str, int], str]:
    """Copy all rows, unless that was done before; how many each table has, and the head of the file's trail."""
    tables = _tables(source.connection)
    head = head_of(source) or f"0:{NO_HASH}"
    if target.row("audit_head") is not None:
        return _copied_before(target.connection, tables, name, head), head
    connection = target.connection
    target.begin(clock.now())
    for table in tables:
        if table.name != "deleted_runs" and _count(connection, table):
            raise StoreUnreadable(name, f"it is not empty: there are rows in {table.name}")
    connection.raw.execute("DELETE FROM deleted_runs")
    for table in tables:
        _run(connection, "ALTER TABLE {} DISABLE TRIGGER USER", table)
        _copy_table(source.connection, connection, table, database)
        _run(connection, "ALTER TABLE {} ENABLE TRIGGER USER", table)
    _set_numbers(connection, tables)
    rows: dict[str, int] = {}
    for table in tables:
        rows[table.name], here = _digest(_rows_of_file(source.connection, table))
        if (rows[table.name], here) != _digest(_rows_of_postgres(connection, table)):
            raise StoreUnreadable(name, f"the rows of {table.name} are not what they are in {database.name}")
    target.audit("database_moved", {"file": database.name, "head": head}, person=by[0], via=by[1])
    target.commit()
    return rows, head


def _copied_before(
    connection: PostgresConnection, tables: Sequence[_Table], name: str, head: str
) -> dict[str, int]:
    """The rows that are there of a move that was committed, of the file as it still is."""
    said = connection.execute(SQL["database_moved_from"]).fetchall()
    if head not in [msgspec.json.decode(row[0])["head"] for row in said if row[0] is not None]:
        raise StoreUnreadable(name, "it is not empty: it has a trail of its own")
    return {table.name: _count(connection, table) for table in tables}


def _tables(connection: sqlite3.Connection) -> list[_Table]:
    """The tables, each behind those that it refers to."""
    names = [
        row["name"] for row in connection.execute("SELECT name FROM pragma_table_list WHERE type = 'table'")
    ]
    found: dict[str, _Table] = {}
    order: dict[str, set[str]] = {}
    for name in names:
        if name.startswith("sqlite_") or name in _OF_THE_SCHEMA:
            continue
        columns = connection.execute("SELECT name, pk FROM pragma_table_info(?)", (name,)).fetchall()
        key = sorted((row["pk"], row["name"]) for row in columns if row["pk"])
        found[name] = _Table(name, tuple(row["name"] for row in columns), tuple(one for _, one in key))
        refers = connection.execute('SELECT "table" FROM pragma_foreign_key_list(?)', (name,)).fetchall()
        order[name] = {row[0] for row in refers}
    return [found[name] for name in TopologicalSorter(order).static_order()]


def _copy_table(
    source: sqlite3.Connection, target: PostgresConnection, table: _Table, database: Path
) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), columns)
    with target.raw.cursor() as cursor, cursor.copy(statement) as copy:
        for row in _rows_of_file(source, table):
            if any(isinstance(value, str) and "\0" in value for value in row):
                raise StoreUnreadable(
                    str(database), f"a text in {table.name} holds NUL, which PostgreSQL does not store"
                )
            copy.write_row(row)


def _rows_of_file(connection: sqlite3.Connection, table: _Table) -> Iterator[Sequence[Any]]:
    columns, key = (", ".join(f'"{one}"' for one in names) for names in (table.columns, table.key))
    statement = f'SELECT {columns} FROM "{table.name}" ORDER BY {key}'  # noqa: S608 - names of our own schema
    return map(tuple, connection.execute(statement))


def _rows_of_postgres(connection: PostgresConnection, table: _Table) -> Iterator[Sequence[Any]]:
    statement = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(
        sql.SQL(", ").join(map(sql.Identifier, table.columns)),
        sql.Identifier(table.name),
        sql.SQL(", ").join(map(sql.Identifier, table.key)),
    )
    with connection.raw.cursor("moved") as cursor:
        cursor.itersize = _AT_ONCE
        yield from map(tuple, cursor.execute(statement))


def _digest(rows: Iterator[Sequence[Any]]) -> tuple[int, str]:
    number, digest = 0, hashlib.sha256()
    for row in rows:
        number += 1
        digest.update(encode_sorted([one.hex() if isinstance(one, bytes) else one for one in row]))
    return number, digest.hexdigest()


def _set_numbers(connection: PostgresConnection, tables: Sequence[_Table]) -> None:
    """New rows are numbered behind those that were copied."""
    for table in tables:
        if len(table.key) == 1:
            statement = sql.SQL("SELECT setval(pg_get_serial_sequence({}, {}), max({})) FROM {}").format(
                sql.Literal(table.name), sql.Literal(table.key[0]), sql.Identifier(table.key[0]),
                sql.Identifier(table.name),
            )  # fmt: skip
            is_numbered = connection.execute(
                "SELECT pg_get_serial_sequence(%(table)s, %(column)s) IS NOT NULL",
                {"table": table.name, "column": table.key[0]},
            ).fetchone()[0]
            if is_numbered:
                connection.raw.execute(statement)


def _count(connection: PostgresConnection, table: _Table) -> int:
    statement = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.name))
    row = connection.raw.execute(statement).fetchone()
    return 0 if row is None else int(row[0])


def _run(connection: PostgresConnection, statement: LiteralString, table: _Table) -> None:
    connection.raw.execute(sql.SQL(statement).format(sql.Identifier(table.name)))


def _rename(database: Path) -> Path:
    """Whoever starts a service on the file by its old name finds nothing there, and no question is open twice."""
    number, former = 1, database.with_name(f"{database.name}.moved")
    while former.exists():
        number, former = number + 1, database.with_name(f"{database.name}.moved-{number + 1}")
    return database.rename(former)
