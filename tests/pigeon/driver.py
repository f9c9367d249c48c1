"""The loft as the conformance suite drives it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sayso.testing.conformance import (
    Budget,
    Chosen,
    Failure,
    FilledIn,
    Given,
    Place,
    Seen,
    Sending,
    Typed,
)
from tests.pigeon import loft as local
from tests.pigeon.loft import TOKEN, Loft, Message

REPLY = "Reply"
"""What is used in a message that takes replies."""


@dataclass
class PigeonDriver:
    """People in the places of a loft. `installed` is where the platform's package is installed."""

    loft: Loft
    installed: Path
    budget: Budget = field(default_factory=lambda: Budget(5, timedelta(seconds=1)))
    fetches_before: int = 0

    @property
    def problems(self) -> Sequence[str]:
        return self.loft.problems

    # Before the service starts.

    async def add_person(self, name: str) -> str:
        id = str(len(self.loft.people) + 1)
        self.loft.people[id] = name
        self.loft.places[id] = local.Place(name, [id])  # their own chat with the bot
        return f"pigeon:{id}"

    async def add_place(self, title: str, people: Sequence[str]) -> Place:
        self.loft.places[title.lower()] = local.Place(title, [_id(one) for one in people])
        return Place(f"pigeon:{title.lower()}")

    def settings(self, port: int) -> str:
        return f'[pigeon]\nurl = "{self.loft.url}"\nposts_per_second = {self.budget.count}'

    def environment(self) -> Mapping[str, str]:
        return {"SAYSO_PIGEON__TOKEN": TOKEN, "PYTHONPATH": str(self.installed)}

    # While it runs.

    async def connected(self, url: str) -> None:
        await self.loft.until(lambda: self.loft.fetches > self.fetches_before)

    async def disconnected(self) -> None:
        self.fetches_before = self.loft.fetches

    @property
    def revision(self) -> int:
        return self.loft.revision

    async def changed(self, revision: int) -> None:
        await self.loft.until(lambda: self.loft.revision != revision)

    # People.

    async def sees(self, person: str, place: Place) -> Sequence[Seen]:
        return [_seen(one) for one in self.loft.messages.values() if one.place == _id(place.entry)]

    async def press(self, person: str, message: Seen, label: str) -> str | None:
        shown: Message = message.handle
        return await self.loft.do(_id(person), shown, dict(shown.buttons)[label])

    async def answer(self, person: str, card: Seen, given: Given) -> str | None:
        match given:
            case Typed(text):
                return await self._reply(person, card, text)
            case Chosen(labels, several=True):
                return await self._reply(person, card, ", ".join(labels))
            case Chosen(labels):
                return await self.press(person, card, labels[0])
            case FilledIn(fields):
                values = {name.lower(): int(one) if one.isdecimal() else one for name, one in fields.items()}
                return await self._reply(person, card, json.dumps(values))

    async def _reply(self, person: str, card: Seen, text: str) -> str:
        assert card.handle.replies is not None
        return await self.loft.do(_id(person), card.handle, card.handle.replies, text)

    async def replay(self) -> None:
        await self.loft.deliver_again()

    # Whoever has the bot's token, and whoever has none.

    async def rewrite(self, message: Seen, text: str) -> None:
        self.loft.put(message.handle, {**_shown(message), "text": text})
        await self.loft.change()

    async def copy(self, message: Seen, place: Place) -> None:
        self.loft.add(_id(place.entry), _shown(message))
        await self.loft.change()

    async def forge(self, person: str, message: Seen, label: str) -> bool | None:
        return None  # the service fetches what it hears

    # What goes wrong.

    def fail(self, sending: Sending, failure: Failure) -> None:
        self.loft.failures.append((sending, failure))

    async def shut(self, place: Place) -> None:
        self.loft.places[_id(place.entry)].is_open = False

    async def reopen(self, place: Place) -> None:
        self.loft.places[_id(place.entry)].is_open = True

    def sent(self, place: Place) -> Sequence[datetime]:
        return self.loft.places[_id(place.entry)].sent


def _id(entry: str) -> str:
    return entry.removeprefix("pigeon:")


def _seen(message: Message) -> Seen:
    labels = [label for label, _ in message.buttons] + ([] if message.replies is None else [REPLY])
    return Seen(message.text, tuple(labels), message)


def _shown(message: Seen) -> dict[str, Any]:
    shown = message.handle.as_json()
    return {name: shown[name] for name in ("text", "buttons", "replies")}
