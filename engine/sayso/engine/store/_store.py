"""The store: what is kept, in whole transactions, whatever database keeps it."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Self

from sayso.engine.store._roles import (
    AccountStore,
    AnswerStore,
    AskStore,
    CardStore,
    CredentialStore,
    NoteStore,
    RunStore,
)


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
