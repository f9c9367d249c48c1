"""What every reader stands on: rows of named statements, each of one instant."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sayso.engine.store._session import Session

T = TypeVar("T")

PAGE = 25
"""How many requests are read at once: a question may have half a megabyte."""

BEHIND_ALL = 2**62
LAST = "\U0010ffff"
"""What sorts behind everything that goes on behind a prefix."""

_MOST_BEGINNING = 20


class Reads(ABC):
    """Reads rows. `is_gone` says whether the loaded code of a workflow lacks a node: answers there are shown as
    held.
    """

    def __init__(self, is_gone: Callable[[str, str], bool]) -> None:
        self._is_gone = is_gone

    @abstractmethod
    async def at_once(self, read: Callable[[Session], T]) -> T:
        """The result of a function on a read-only session of its own, which sees the database as of one instant.

        It runs on a thread, and runs to its end there even if this is cancelled.
        """

    @abstractmethod
    async def _rows(self, query: str, parameters: dict[str, Any]) -> list[Any]: ...

    async def _beginning(self, name: str, beginning: str) -> Sequence[Any]:
        fields = {"beginning": beginning, "upto": beginning + LAST, "limit": _MOST_BEGINNING}
        rows = list(await self._rows(name, fields))
        return rows[:1] if rows and rows[0][0] == beginning else rows
