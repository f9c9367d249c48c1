"""The store: what is kept, in whole transactions, whatever database keeps it."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Generic, Self, TypeVar

from sayso.engine._clock import Clock, SystemClock
from sayso.engine.store._open_databases import OpenDatabase, leave
from sayso.engine.store._reader import Reader
from sayso.engine.store._roles import (
    AccountStore,
    AnswerStore,
    AskStore,
    CardStore,
    CredentialStore,
    NoteStore,
    RunStore,
)

D = TypeVar("D", bound=OpenDatabase)
R = TypeVar("R", bound=Reader)


class Store(RunStore, AnswerStore, AskStore, AccountStore, CredentialStore, CardStore, NoteStore):
    """A handle on one database, which is created and brought up to date at the first use. Handles of one process share
    their state and the first one's clock. `name` says in errors which it is; what belongs to it on this machine,
    such as its service's socket, has a name that begins with `beside`.
    """

    name: str
    beside: Path

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    @abstractmethod
    def is_there(self) -> bool:
        """Whether the database exists already. Blocks for milliseconds; raises `StoreError` where it cannot be told."""

    def open(self) -> None:
        """Open it now rather than at the first use; blocks for milliseconds. Harmless if it is open already."""
        self._opened()

    @abstractmethod
    async def close(self) -> None:
        """Close this handle. The last handle in the process commits what is queued and closes it, even if this is
        cancelled.
        """


class StoreIn(Store, Generic[D, R]):
    """A store in a database of one kind, which the handles of this process share, with its kind of reader."""

    def __init__(self, value_limit: int, clock: Clock | None) -> None:
        super().__init__(value_limit)
        self._clock = clock or SystemClock()
        self._database: D | None = None
        self._reader: R | None = None

    @abstractmethod
    def _share(self) -> D:
        """The database as this process shares it, one user more."""

    @abstractmethod
    def _make_reader(self) -> R:
        """A reader of the database."""

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

    @property
    def is_open(self) -> bool:
        """Whether this handle holds the database."""
        return self._database is not None

    @property
    def reader(self) -> R:
        """Listings and status, by connections of its own."""
        self._opened()
        if self._reader is None:
            self._reader = self._make_reader()
        return self._reader

    def _opened(self) -> D:
        self._leave_to_parent()
        if self._database is None:
            self._database = self._share()
        return self._database

    def _leave_to_parent(self) -> None:
        """In a forked child: what was open before is the parent's, whose threads did not come along."""
        if self._database is not None and self._database.of_parent:
            self._database = self._reader = None
