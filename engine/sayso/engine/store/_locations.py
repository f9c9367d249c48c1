"""Which database a location means: so far, always a file of SQLite's."""

from __future__ import annotations

from pathlib import Path

from sayso.engine._clock import Clock
from sayso.engine._values import VALUE_LIMIT
from sayso.engine.store._reader import Reader
from sayso.engine.store._store import Store
from sayso.engine.store.sqlite import SQLiteReader, SQLiteStore


def open_store(
    location: str | Path | None = None, *, clock: Clock | None = None, value_limit: int = VALUE_LIMIT
) -> Store:
    """The store at a location: a path or `sqlite:///path`; without one, what `SAYSO_DATABASE` says, else `sayso.db` in
    the working directory. It is opened at its first use. Raises `StoreUnreadable` for a URL of another kind.
    """
    return SQLiteStore(location, clock=clock, value_limit=value_limit)


def store_of(given: Store | str | Path | None) -> Store:
    """The store that an argument means: itself, or a new one at a location, which its maker closes."""
    return open_store(given) if given is None or isinstance(given, str | Path) else given


def open_reader(location: str | Path | None) -> Reader:
    """A reader of the database at a location, as `open_store` knows them; it is opened at the first read."""
    return SQLiteReader(SQLiteStore(location).path)
