"""Which database a location means, and how it is named without its password."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from sayso.engine._values import digest
from sayso.engine.errors import StoreUnreadable

_PORT = "5432"


def name_of(location: str) -> str:
    """The location as people may see it. Raises `StoreUnreadable` where it is no URL of PostgreSQL's."""
    try:
        given = conninfo_to_dict(location)
    except psycopg.ProgrammingError:  # whose words may hold a piece of a password
        raise StoreUnreadable(
            f"{location.partition('://')[0]}://…",
            "this is not a URL of a PostgreSQL database",
            "Write postgresql://user@host:port/database, with special characters as %XX.",
        ) from None
    user = f"{given['user']}@" if given.get("user") else ""
    host, port = str(given.get("host") or "localhost"), str(given.get("port") or _PORT)
    options = f"?options={quote(str(given['options']))}" if given.get("options") else ""  # such as a schema
    return f"postgresql://{user}{host}:{port}/{given.get('dbname') or given.get('user') or ''}{options}"


def beside(location: str) -> Path:
    """Where what belongs to a database stands on this machine: among its user's state, named by a digest."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "sayso" / f"postgresql-{digest(name_of(location))[:12]}"
