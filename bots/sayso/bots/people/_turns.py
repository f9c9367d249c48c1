"""Turns: what one person does is decided in the order in which it came, and looked up meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Generic, TypeVar

Who = TypeVar("Who")

Turn = Callable[[], Awaitable[object]]
"""Waits until what came before is over."""


async def no_turn() -> None:
    """The turn of what waits for nothing."""


class Turns(Generic[Who]):
    """Gives turns out, by person."""

    def __init__(self) -> None:
        self._queues: dict[Who, list[asyncio.Event]] = {}

    @contextmanager
    def of(self, person: Who) -> Generator[Turn]:
        """Held from the arrival of something to its end, whether its turn was waited for or not."""
        queue = self._queues.setdefault(person, [])
        mine = asyncio.Event()
        queue.append(mine)
        queue[0].set()
        try:
            yield mine.wait
        finally:
            queue.remove(mine)
            if queue:
                queue[0].set()
            else:
                del self._queues[person]
