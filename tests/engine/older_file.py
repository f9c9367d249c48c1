"""A database as an older sayso wrote it: its tables and its trail, with what the new file holds for them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sayso.engine.store import NO_HASH, chain_hash
from sayso.engine.store._queries import load_migrations

_TABLES = "SELECT name FROM {schema}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
_WITH_DIGESTS = frozenset({"run_pruned", "approval_used", "directory_changed", "evidence_begun"})
"""Kinds of rows that came with the digests."""

_WITH_CHAINS = frozenset({"anchored", "chains_begun"})
"""Kinds of rows that came with the runs' own chains."""

_NAMED = (
    ("events", "person"),
    ("votes", "person"),
    ("people", "person"),
    ("commands", "person"),
    ("accounts", "account"),
    ("credentials", "person"),
    ("requests", "requested_by"),
    ("requests", "resolved_by"),
    ("runs", "requested_by"),
)


def rewrite_as_before(database: Path, marker: str, *, respelled: bool = False) -> None:
    """Put a closed file back to the schema before the migration whose script contains a text; names on the web as
    people typed them then, if so wished.
    """
    scripts = list(load_migrations("sqlite").values())
    version = next(number for number, script in enumerate(scripts) if marker in script)
    older = database.with_suffix(".older")
    with closing(sqlite3.connect(older)) as connection:
        for script in scripts[:version]:
            connection.executescript(script)
        connection.execute("ATTACH ? AS newer", (str(database),))
        if "scopes" not in _columns(connection, "main", "credentials"):
            connection.execute("UPDATE newer.credentials SET expires_at = NULL WHERE kind = 'TOKEN'")
        for (table,) in connection.execute(_TABLES.format(schema="main")).fetchall():
            _copy(connection, table)
        for table, column in _NAMED if respelled else ():
            typed = f"'web:' || upper(substr({column}, 5, 1)) || substr({column}, 6)"
            connection.execute(f"UPDATE main.{table} SET {column} = {typed} WHERE {column} GLOB 'web:*'")  # noqa: S608 - ours
        columns = _columns(connection, "main", "audit")
        if "position" not in columns:
            _chain_anew(connection, sealed="facts" in columns, respelled=respelled)
        connection.execute("DELETE FROM schema_version")
        connection.execute("INSERT INTO schema_version VALUES (?)", (version,))
        connection.commit()
    for leftover in database.parent.glob(f"{database.name}-*"):
        leftover.unlink()
    older.replace(database)


def _copy(connection: sqlite3.Connection, table: str) -> None:
    newer = _columns(connection, "newer", table)
    # A table that triggers keep has its rows already.
    both = ", ".join(one for one in _columns(connection, "main", table) if one in newer)
    connection.execute(f"INSERT OR REPLACE INTO main.{table} ({both}) SELECT {both} FROM newer.{table}")  # noqa: S608 - ours


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    found = connection.execute(f"SELECT name FROM pragma_table_info('{table}', '{schema}')")  # noqa: S608 - ours
    return [str(name) for (name,) in found]


def _chain_anew(connection: sqlite3.Connection, *, sealed: bool, respelled: bool) -> None:
    """The trail as one chain, and as it was chained without digests where there were none."""
    columns = "at, kind, run_id, request_id, person, via"
    sealing = ", facts" if sealed else ""
    read = f"SELECT {columns}, payload_digest, payload{sealing} FROM main.audit ORDER BY sequence"  # noqa: S608 - ours
    found = connection.execute(read)
    later = _WITH_CHAINS if sealed else _WITH_CHAINS | _WITH_DIGESTS
    rows = [list(row) for row in found if row[1] not in later]
    connection.execute("DELETE FROM main.audit")
    previous = NO_HASH
    for sequence, row in enumerate(rows, start=1):
        own, (payload_digest, payload, *facts) = row[:6], row[6:]
        if respelled and own[4] is not None and own[4].startswith("web:"):
            own[4] = f"web:{own[4].removeprefix('web:').title()}"
        previous = chain_hash(previous, sequence, *own, payload_digest, *facts)
        values = (sequence, *own, payload_digest, payload, previous, *facts)
        connection.execute(
            f"INSERT INTO main.audit (sequence, {columns}, payload_digest, payload, hash{sealing})"  # noqa: S608 - ours
            f" VALUES ({', '.join('?' * len(values))})",
            values,
        )
