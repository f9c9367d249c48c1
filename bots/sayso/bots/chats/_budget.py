"""How fast a platform may be written to: sliding windows by key, with room booked in the order of asking."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` messages in any stretch of time this long."""

    count: int
    per: timedelta


class Budget:
    """What may be sent when. `rates` are those of a key, such as `chat:C1`; a key without any is free.

    A message costs one under each of its keys. Room is booked ahead: a caller that waits has the next free instant, and
    later ones get later instants. `now` is a monotonic clock in seconds.
    """

    def __init__(
        self, rates: Callable[[str], Sequence[Rate]], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._rates = rates
        self._now = now
        self._booked: dict[str, deque[float]] = {}
        self._blocked: dict[str | None, float] = {}

    def delay(self, keys: Iterable[str]) -> float:
        """How many seconds it takes until a message with these keys may be sent; 0.0 if it may be sent now."""
        return max(0.0, self._free_at(tuple(keys)) - self._now())

    def book(self, keys: Iterable[str]) -> float:
        """Take the next free room, and say in how many seconds it comes."""
        wanted = tuple(keys)
        at = self._free_at(wanted)
        for key in wanted:
            self._booked.setdefault(key, deque()).append(at)
            self._forget_old(key)
        return max(0.0, at - self._now())

    async def wait(self, keys: Iterable[str]) -> None:
        """Book, and return when the room has come. For what a person waits for: cards give way to it."""
        delay = self.book(keys)
        if delay > 0:
            await asyncio.sleep(delay)

    def block(self, key: str | None, duration: timedelta) -> None:
        """Send nothing with a key for a while, or nothing at all: the platform said so."""
        until = self._now() + duration.total_seconds()
        self._blocked[key] = max(until, self._blocked.get(key, 0.0))

    def _free_at(self, keys: tuple[str, ...]) -> float:
        at = max(self._now(), self._blocked.get(None, 0.0))
        for key in keys:
            at = max(at, self._blocked.get(key, 0.0))
            booked = self._booked.get(key, ())
            for rate in self._rates(key):
                if len(booked) >= rate.count:
                    at = max(at, booked[-rate.count] + rate.per.total_seconds())
        return at

    def _forget_old(self, key: str) -> None:
        booked = self._booked[key]
        largest = max((rate.count for rate in self._rates(key)), default=0)
        while len(booked) > largest:
            booked.popleft()
