"""The server's clock and its news: time that a test can move, and a way to wait for the next change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta


class LocalClock:
    """Real time plus what a test has added. `freeze` stops it; from then on only `advance` moves it."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._offset = timedelta(0)
        self._frozen_at: datetime | None = None

    def now(self) -> datetime:
        """The instant on this clock, in UTC."""
        return (self._frozen_at or datetime.now(UTC)) + self._offset

    def advance(self, by: timedelta) -> None:
        """Move the clock forward, and wake everything that waits for a time."""
        self._offset += by
        self._changed()

    def freeze(self) -> None:
        """Stop the clock where it is."""
        self._frozen_at = self._frozen_at or datetime.now(UTC)

    def real_seconds_until(self, moment: datetime) -> float | None:
        """How long to wait for an instant if nobody moves the clock; `None`: forever."""
        return None if self._frozen_at else max((moment - self.now()).total_seconds(), 0.0)


class News:
    """Wakes everybody who waits for a change."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def tell(self) -> None:
        """Something has changed."""
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self, seconds: float | None = None) -> None:
        """Return after the next change, or after the given real seconds."""
        # Not wait_for, which on 3.11 swallows a cancellation that comes together with the change.
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._next.wait()
