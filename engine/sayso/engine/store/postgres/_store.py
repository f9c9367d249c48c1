"""The store in a PostgreSQL database, written by one process at a time."""

from __future__ import annotations

from functools import partial

from sayso.engine._clock import Clock, SystemClock
from sayso.engine._values import VALUE_LIMIT
from sayso.engine.store._open_databases import OpenDatabase, leave, share
from sayso.engine.store._store import Store
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


class PostgresStore(Store):
    """A handle on one PostgreSQL database, or on one schema of it.

    `location` is a URL, `postgresql://user@host:port/database`, with whatever libpq takes. Raises `StoreInUse` while
    another process writes it, `SchemaTooNew`, `StoreUnreadable`. `value_limit` is the maximum size of each stored
    value, in bytes of JSON.
    """

    def __init__(self, location: str, *, clock: Clock | None = None, value_limit: int = VALUE_LIMIT) -> None:
        super().__init__(value_limit)
        self.name, self.beside = name_of(location), beside(location)
        self._location = location
        self._clock = clock
        self._database: OpenPostgres | None = None
        self._reader: PostgresReader | None = None

    async def close(self) -> None:
        """Release the database. The last handle in the process commits what is queued and closes it, even if this is
        cancelled.
        """
        self._leave_to_parent()
        reader, self._reader = self._reader, None
        try:
            if reader is not None:
                await reader.close()
        finally:
            database, self._database = self._database, None
            if database is not None:
                leave(database)

    def is_there(self) -> bool:
        """Whether the database is one of sayso's already."""
        return has_schema(self._location)

    @property
    def is_open(self) -> bool:
        """Whether this handle holds the database."""
        return self._database is not None

    @property
    def reader(self) -> PostgresReader:
        """Listings and status, by a connection of its own."""
        self._opened()
        if self._reader is None:
            self._reader = PostgresReader(self._location, self.is_gone)
        return self._reader

    def _opened(self) -> OpenPostgres:
        self._leave_to_parent()
        if self._database is None:
            make = partial(OpenPostgres, self.name, self._location, self._clock or SystemClock())
            self._database = share(self.name, OpenPostgres, make)
        return self._database

    def _leave_to_parent(self) -> None:
        """In a forked child: what was open before is the parent's, whose threads did not come along."""
        if self._database is not None and self._database.of_parent:
            self._database = self._reader = None
