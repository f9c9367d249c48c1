"""A PostgreSQL database as an older sayso wrote it."""

from __future__ import annotations

from typing import Any

import psycopg

from sayso.engine.store import NO_HASH, chain_hash

_COLUMNS = b"at, kind, run_id, request_id, person, via, payload_digest, facts, payload"


def rewrite_as_one_chain(url: str) -> None:
    """Put a closed database back to schema 19, with the trail as one chain."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            b"SELECT "
            + _COLUMNS
            + b" FROM audit WHERE kind NOT IN ('anchored', 'chains_begun') ORDER BY sequence"
        ).fetchall()
        connection.execute("DELETE FROM audit")
        previous = NO_HASH
        for sequence, row in enumerate(found, start=1):
            previous = chain_hash(previous, sequence, *row[:-1])
            values: tuple[Any, ...] = (sequence, previous, *row)
            connection.execute(
                b"INSERT INTO audit (sequence, hash, " + _COLUMNS + b") VALUES (" + b"%s, " * 10 + b"%s)",
                values,
            )
        connection.execute("DROP INDEX audit_of_store, audit_positions")
        connection.execute("ALTER TABLE audit DROP COLUMN position")
        connection.execute("ALTER TABLE audit ALTER COLUMN sequence DROP IDENTITY")
        connection.execute("UPDATE schema_version SET version = 19")
