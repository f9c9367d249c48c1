"""The store in a PostgreSQL database, written by one process at a time."""

from __future__ import annotations

from sayso.engine._clock import Clock
from sayso.engine._values import VALUE_LIMIT
from sayso.engine.store._open_databases import OpenDatabase, share
from sayso.engine.store._store import StoreIn
from sayso.engine.store.postgres._connection import Backend, has_schema
from sayso.engine.store.postgres._location import beside, name_of
from sayso.engine.store.postgres._reader import PostgresReader
from sayso.engine.store.postgres._transaction import PostgresTransaction


class _Connections:
    """Makes the write connections of this process, each in the place of the one before."""

    def __init__(self, location: str) -> None:
        self._location = location
        self._last: Backend | None = None

    def __call__(self) -> PostgresTransaction:
        made = PostgresTransaction(self._location, self._last)
        self._last = made.backend
        return made


class OpenPostgres(OpenDatabase):
    """A PostgreSQL database that this process writes."""

    def __init__(self, name: str, location: str, clock: Clock) -> None:
        super().__init__(name, clock, _Connections(location))

    def forget(self) -> None:
        """In a forked child: the connection stays the parent's, who uses it."""


class PostgresStore(StoreIn[OpenPostgres, PostgresReader]):
    """A handle on one PostgreSQL database, or on one schema of it.

    `location` is a URL, `postgresql://user@host:port/database`, with whatever libpq takes. Raises `StoreInUse` while
    another process writes it, `SchemaTooNew`, `StoreUnreadable`. `value_limit` is the maximum size of each stored
    value, in bytes of JSON.
    """

    def __init__(self, location: str, *, clock: Clock | None = None, value_limit: int = VALUE_LIMIT) -> None:
        super().__init__(value_limit, clock)
        self.name, self.beside = name_of(location), beside(location)
        self._location = location

    def is_there(self) -> bool:
        """Whether the database is one of sayso's already."""
        return has_schema(self._location)

    def _share(self) -> OpenPostgres:
        return share(self.name, OpenPostgres, lambda: OpenPostgres(self.name, self._location, self._clock))

    def _make_reader(self) -> PostgresReader:
        return PostgresReader(self._location, self.is_gone)
