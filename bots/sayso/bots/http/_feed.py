"""What happens, as it happens: the audit trail read once for all who follow it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import msgspec

from sayso.bots.http._callers import Caller
from sayso.engine import Store, StoreError
from sayso.engine.store import News

logger = logging.getLogger("sayso.http")

T = TypeVar("T")

_LONGEST_BACKLOG = 1000
_PACE = 0.002
"""Seconds a follower between two looks at the trail. What comes closer together is handed out together, so that many
open pages take a small share of the loop that takes answers.
"""
_BACK_OFF = 5.0
_MOST_LOOKED_AT = 500
"""Rows of the trail that one look takes, however few of them concern whoever looks."""

_CATCHING_UP = 0.02
"""Seconds between two looks of a stream that begins far behind."""


class Event(News, frozen=True, gc=True, dict=True):
    """One row of the trail, as it is told to those whom it concerns."""

    def as_dict(self) -> dict[str, Any]:
        """The event as JSON."""
        return {
            "sequence": self.sequence,
            "at": self.at.isoformat(),
            "kind": self.kind,
            "run_id": self.run_id,
            "request_id": self.request_id,
        }

    @cached_property
    def line(self) -> bytes:
        """The event as a stream of server-sent events carries it; made once for all who follow."""
        return b"id: %d\ndata: %s\n\n" % (self.sequence, msgspec.json.encode(self.as_dict()))

    def concerns(self, caller: Caller) -> bool:
        """Whether somebody may hear of it."""
        if caller.is_operator or caller.asked(self.requested_by):
            return True
        return any(caller.may_answer(audience) for audience in self.audiences)


@dataclass(frozen=True, slots=True)
class Read:
    """Some events, the row to go on behind, and whether that was the trail's end."""

    events: list[Event]
    last: int
    is_end: bool


class Follower:
    """Somebody's place in the feed. `lost` once they were too slow: they have to begin again where they were."""

    def __init__(self) -> None:
        self.events: deque[Event] = deque()
        self.news = asyncio.Event()
        self.lost = False

    async def next(self) -> Event | None:
        """The next event; None where the feed was closed or they were too slow."""
        while not self.events:
            if self.lost:
                return None
            self.news.clear()
            await self.news.wait()
        return self.events.popleft()


class Feed:
    """Reads every row once, while there are followers, and hands it to all of them. `run` works until it is cancelled,
    `close` ends every stream.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._followers: set[Follower] = set()
        self._last = 0
        self._news = asyncio.Event()
        self._closed = False

    async def run(self) -> None:
        """Work until cancelled. Commits are heard of only while somebody follows: each wakes the loop."""
        while True:
            await self._news.wait()
            listener = self._store.hub.listen_audit(asyncio.get_running_loop(), self._news.set)
            try:
                while self._followers:
                    await self._news.wait()
                    self._news.clear()
                    await self._read()
                    await asyncio.sleep(_PACE * len(self._followers))
            finally:
                self._store.hub.ignore_audit(listener)
            self._news.clear()

    async def _read(self) -> None:
        try:
            while events := await self._events(self._last, _MOST_LOOKED_AT):
                for event in events:
                    self._hand_out(event)
                self._last = events[-1].sequence
        except StoreError as error:
            logger.warning("cannot follow the audit trail: %s", error)
            await asyncio.sleep(_BACK_OFF)
            self._news.set()

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        for follower in self._followers:
            self._lose(follower)

    async def read(self, caller: Caller, after: int, limit: int) -> Read:
        """Up to `limit` events that concern somebody behind a row. It looks at a bounded number of rows."""
        events = await self._events(after, _MOST_LOOKED_AT)
        found: list[Event] = []
        last = after
        for event in events:
            if len(found) == limit:
                return Read(found, last, is_end=False)
            last = event.sequence
            if event.concerns(caller):
                found.append(event)
        return Read(found, last, is_end=len(events) < _MOST_LOOKED_AT)

    async def _events(self, after: int, limit: int) -> list[Event]:
        found = await self._store.reader.news(after, limit)
        return [Event(*msgspec.structs.astuple(one)) for one in found]

    async def stream(self, caller: Caller, after: int | None, idle: float) -> AsyncGenerator[list[Event]]:
        """All events that concern somebody, behind a row or from now on; an empty list where none came for `idle`
        seconds.

        Ends when the feed is closed, or when who reads it is too slow.
        """
        async with self._following() as follower:
            last = after or 0
            while after is not None and (events := await self._events(last, _MOST_LOOKED_AT)):
                last = events[-1].sequence
                if found := [one for one in events if one.concerns(caller)]:
                    yield found
                await asyncio.sleep(_CATCHING_UP)
            while True:
                try:
                    async with asyncio.timeout(idle):
                        news = await follower.next()
                except TimeoutError:
                    yield []
                    continue
                if news is None:
                    return
                together = [news, *follower.events]
                follower.events.clear()
                if found := [one for one in together if one.sequence > last and one.concerns(caller)]:
                    yield found

    async def wait_for(
        self,
        seconds: float,
        look: Callable[[], Awaitable[T]],
        is_done: Callable[[T], bool],
        concerns: Callable[[Event], bool],
    ) -> T:
        """Look, and again after each event that concerns it, until it is done or the time is over; what was seen."""
        if seconds <= 0:
            return await look()
        async with self._following() as follower:
            found = await look()
            try:
                async with asyncio.timeout(seconds):
                    while not is_done(found) and (event := await follower.next()) is not None:
                        if concerns(event):
                            found = await look()
            except TimeoutError:
                pass
            return found

    @asynccontextmanager
    async def _following(self) -> AsyncGenerator[Follower]:
        follower = Follower()
        head = await self._store.reader.audit_head()
        if not self._followers:
            self._last = head
        self._followers.add(follower)
        self._news.set()  # what was committed meanwhile
        if self._closed:
            self._lose(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)

    @staticmethod
    def _lose(follower: Follower) -> None:
        follower.lost = True
        follower.news.set()

    def _hand_out(self, event: Event) -> None:
        for follower in self._followers:
            if len(follower.events) >= _LONGEST_BACKLOG:
                self._lose(follower)
            else:
                follower.events.append(event)
                follower.news.set()
