"""Which database a location means."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sayso.engine._clock import Clock
from sayso.engine._values import VALUE_LIMIT
from sayso.engine.errors import StoreUnreadable
from sayso.engine.store._reader import Reader
from sayso.engine.store._servers import Moved, Server
from sayso.engine.store._store import Store
from sayso.engine.store.sqlite import SQLiteReader, SQLiteStore, path_of

if TYPE_CHECKING:
    from types import ModuleType

POSTGRES = ("postgresql://", "postgres://")
"""How a location of a PostgreSQL database begins."""


def open_store(
    location: str | Path | None = None, *, clock: Clock | None = None, value_limit: int = VALUE_LIMIT
) -> Store:
    """The store at a location: a path, `sqlite:///path` or `postgresql://user@host:port/database`; without one, what
    `SAYSO_DATABASE` says, else `sayso.db` in the working directory. It is opened at its first use. Raises
    `StoreUnreadable` for a URL of another kind, or where the extra `postgres` is not installed.
    """
    url = postgres_url(location)
    if url is None:
        return SQLiteStore(location, clock=clock, value_limit=value_limit)
    store: Store = _postgres(url).PostgresStore(url, clock=clock, value_limit=value_limit)
    return store


def store_of(given: Store | str | Path | None) -> Store:
    """The store that an argument means: itself, or a new one at a location, which its maker closes."""
    return open_store(given) if given is None or isinstance(given, str | Path) else given


def open_reader(location: str | Path | None) -> Reader:
    """A reader of the database at a location, as `open_store` knows them; it is opened at the first read."""
    url = postgres_url(location)
    if url is None:
        return SQLiteReader(path_of(location))
    reader: Reader = _postgres(url).PostgresReader(url)
    return reader


def examine_server(location: str | Path | None) -> Server | None:
    """The server of a PostgreSQL database as it is now; None where a location is a file. Raises `StoreUnreadable`."""
    url = postgres_url(location)
    if url is None:
        return None
    server: Server = _postgres(url).examine(url)
    return server


def move_store(database: Path, location: str, person: str, via: str, *, clock: Clock | None = None) -> Moved:
    """Copy a file's database into an empty one of PostgreSQL's, compare all of it there, and rename the file.

    Nobody may have the file open. All is one transaction: a move that was cut off is done again, and one that was
    committed only renames the file. The trail of the copy gets a row that says where it came from. Raises
    `StoreInUse`, and `StoreUnreadable` where either cannot be used or the copy would differ; then nothing is changed.
    """
    url = postgres_url(location)
    if url is None:
        raise StoreUnreadable(location, "this is not a URL of a PostgreSQL database, postgresql://…")
    moved: Moved = _postgres(url).move_store(database, url, person, via, clock=clock)
    return moved


def postgres_url(location: str | Path | None) -> str | None:
    """The URL of a PostgreSQL database, where a location is one."""
    given = os.environ.get("SAYSO_DATABASE") if location is None else location
    return given if isinstance(given, str) and given.startswith(POSTGRES) else None


def _postgres(url: str) -> ModuleType:
    try:
        from sayso.engine.store import postgres  # noqa: PLC0415 - only where it is used: psycopg is an extra
    except ImportError as error:
        reason = f"the extra is missing; run: pip install 'sayso[postgres]' ({error})"
        raise StoreUnreadable(f"{url.partition('://')[0]}://…", reason) from error
    return postgres
