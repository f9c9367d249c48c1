"""The clock that every deadline and time stamp is read from; a store is given one when it is made."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol

_LONGEST_WAIT = timedelta(seconds=60)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """A source of time, for code that reads it or waits for an instant."""

    def now(self) -> datetime:
        """The present instant, aware."""
        ...

    async def wait_until(self, instant: datetime) -> None:
        """Return once `now()` has reached the instant; cancelling is harmless."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant in UTC."""
        return datetime.now(UTC)

    async def wait_until(self, instant: datetime) -> None:
        """Wait in stretches of at most a minute, because the machine's clock may be set or the machine sleep."""
        while (remaining := instant - self.now()) > timedelta(0):  # noqa: ASYNC110 - no event tells that time has come
            await asyncio.sleep(min(remaining, _LONGEST_WAIT).total_seconds())


def to_microseconds(instant: datetime) -> int:
    """The stored form of an instant: microseconds since 1970 in UTC."""
    return (instant - _EPOCH) // _MICROSECOND


def from_microseconds(stored: int) -> datetime:
    """The instant of its stored form."""
    return _EPOCH + timedelta(microseconds=stored)
