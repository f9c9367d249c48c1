"""A database as an older sayso wrote it: its tables, with what the new file holds for them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sayso.engine.store._queries import load_migrations

_TABLES = "SELECT name FROM {schema}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"


def rewrite_as_before(database: Path, marker: str) -> None:
    """Put a closed file back to the schema before the migration whose script contains a text."""
    scripts = load_migrations()
    version = next(number for number, script in enumerate(scripts) if marker in script)
    older = database.with_suffix(".older")
    with closing(sqlite3.connect(older)) as connection:
        for script in scripts[:version]:
            connection.executescript(script)
        connection.execute("ATTACH ? AS newer", (str(database),))
        for (table,) in connection.execute(_TABLES.format(schema="main")).fetchall():
            _copy(connection, table)
        connection.execute("DELETE FROM schema_version")
        connection.execute("INSERT INTO schema_version VALUES (?)", (version,))
        connection.commit()
    for leftover in database.parent.glob(f"{database.name}-*"):
        leftover.unlink()
    older.replace(database)


def _copy(connection: sqlite3.Connection, table: str) -> None:
    def columns(schema: str) -> list[str]:
        found = connection.execute(f"SELECT name FROM pragma_table_info('{table}', '{schema}')")  # noqa: S608 - ours
        return [str(name) for (name,) in found]

    both = ", ".join(one for one in columns("main") if one in columns("newer"))
    connection.execute(f"INSERT INTO main.{table} ({both}) SELECT {both} FROM newer.{table}")  # noqa: S608 - ours
