"""Updates are confirmed once they are committed, each is committed once, and each person's in their order."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.adapters.telegram import Event, Typed
from sayso.bots.people import Arrival
from sayso.bots.telegram._intake import Intake
from sayso.engine import StoreError, StoreUnreadable, SystemClock


@dataclass
class Wanted:
    """What becomes of one update: so often it cannot be stored; it takes until the next fetch but so many to look
    somebody up, and so many to carry it out.
    """

    person: int
    failures: int = 0
    looks: int = 0
    fetches: int = 0


def update(number: int, person: int) -> dict[str, Any]:
    """A text that somebody wrote to the bot."""
    sender = {"id": person, "is_bot": False, "first_name": "Ana"}
    chat = {"id": person, "type": "private", "first_name": "Ana"}
    message = {"message_id": number, "date": 1, "chat": chat, "from": sender, "text": str(number)}
    return {"update_id": number, "message": message}


@dataclass
class Telegram:
    """The updates that Telegram keeps: those that a fetch's offset has not confirmed."""

    wanted: list[Wanted]
    committed: list[int] = field(default_factory=list[int])
    confirmed: int = 0
    fetched: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, event: Event, arrival: Arrival) -> None:
        assert isinstance(event, Typed)
        number = int(event.text)
        one = self.wanted[number]
        await self.wait(one.looks)
        await arrival.turn()
        await self.wait(one.fetches)
        if one.failures:
            one.failures -= 1
            raise StoreUnreadable("sayso.db", "the disk is full")
        self.committed.append(number)

    async def wait(self, fetches: int) -> None:
        until = self.fetched + fetches
        while self.fetched < until:
            await self.news.wait()

    def fetch(self, offset: int | None) -> list[dict[str, Any]]:
        self.confirmed = max(self.confirmed, offset or 0)
        assert set(range(self.confirmed)) <= set(self.committed), (
            "something was confirmed that is not committed"
        )
        self.fetched += 1
        self.news.set()
        self.news.clear()
        return [update(number, one.person) for number, one in enumerate(self.wanted)][self.confirmed :]


UPDATES = st.lists(st.builds(Wanted, st.integers(1, 3), *[st.integers(0, 2)] * 3), max_size=8)


@given(UPDATES)
async def test_whatever_takes_long_or_cannot_be_stored_nothing_is_lost_or_taken_twice(
    wanted: list[Wanted],
) -> None:
    telegram = Telegram(wanted)
    async with Intake(telegram.handle, SystemClock(), moment=0.0) as intake:
        while len(telegram.committed) < len(wanted):
            with suppress(StoreError):
                await intake.take(telegram.fetch(intake.offset))
    assert telegram.fetch(intake.offset) == [], "what was committed last is confirmed, also at a stop"
    assert sorted(telegram.committed) == list(range(len(wanted)))
    for person in (1, 2, 3):
        own = [number for number in telegram.committed if wanted[number].person == person]
        assert own == sorted(own)


async def test_what_cannot_be_stored_is_said_and_comes_again() -> None:
    telegram = Telegram([Wanted(1), Wanted(2, failures=1), Wanted(2)])
    async with Intake(telegram.handle, SystemClock()) as intake:
        with pytest.raises(StoreUnreadable):
            await intake.take(telegram.fetch(None))
        assert telegram.committed == [0], "what is behind it waits for it"
        assert intake.offset == 1
        await intake.take(telegram.fetch(None))
        assert intake.offset == 3
    assert telegram.committed == [0, 1, 2]
