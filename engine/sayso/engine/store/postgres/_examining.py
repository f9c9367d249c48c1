"""What `sayso doctor` wants to know of a server; nothing is changed."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import psycopg

from sayso.engine.store._servers import Server
from sayso.engine.store.postgres._connection import connect, schema_at, translated
from sayso.engine.store.postgres._dialect import SQL
from sayso.engine.store.postgres._location import name_of


def examine(location: str) -> Server:
    """The server as it is now. Raises `StoreUnreadable` where it cannot be reached or has somebody else's tables."""
    name = name_of(location)
    with closing(connect(location)) as connection:
        try:
            sent = datetime.now(UTC)
            row = connection.execute(SQL["server"]).fetchone()
            ours = sent + (datetime.now(UTC) - sent) / 2
            standbys = connection.execute(SQL["standbys"]).fetchall()
            return Server(
                name,
                str(connection.raw.info.parameter_status("server_version")),
                row["now"] - ours,
                schema_at(connection, name) > 0,
                bool(row["may_create"]),
                {str(one["name"]): one["sync_state"] in ("sync", "quorum") for one in standbys},
            )
        except psycopg.Error as error:
            raise translated(error, name) from error
