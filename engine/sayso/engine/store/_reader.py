"""The reader: all that is read of a store outside of its transactions, by role, whatever database keeps it."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

from sayso.engine.store._card_reader import CardReader
from sayso.engine.store._request_reader import RequestReader
from sayso.engine.store._trail_reader import TrailReader


class Reader(RequestReader, CardReader, TrailReader):
    """Reads a store, also while other processes write it. Opened at the first read, kept until `close`.

    A read sees everything that was acknowledged before it began; each is one statement, or one for each thing read.
    Raises `StoreUnreadable` if there is no database.
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    @abstractmethod
    async def close(self) -> None:
        """Close what was opened; harmless when it is closed."""
