"""How a message of ours is named, and which of them the platform has not answered for yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from sayso.bots.chats._cards import NO_REST


@dataclass(frozen=True, slots=True)
class Reference:
    """A card's message by the platform's ids; `rest` is the mark of what was sent below it."""

    chat: str
    message: str
    rest: str = NO_REST

    @property
    def name(self) -> str:
        """The name of the message, without what is below it."""
        return f"{self.chat}/{self.message}"

    def encode(self) -> str:
        """The reference as the store keeps it."""
        return f"{self.chat}/{self.message}/{self.rest}"

    @classmethod
    def decode(cls, text: str) -> Self:
        """The reference of a text that `encode` made."""
        chat, message, rest = text.split("/")
        return cls(chat, message, rest)

    @classmethod
    def named(cls, name: str) -> Self:
        """The reference of a message's `name`."""
        chat, message = name.split("/")
        return cls(chat, message)


class UnderWay:
    """Sends and edits that the platform has not confirmed yet: people can press in a message before sayso knows that it
    exists, and such a press is judged once it does.
    """

    def __init__(self) -> None:
        self._events: dict[tuple[str, int], asyncio.Event] = {}

    @contextmanager
    def sending(self, subject: str, number: int) -> Generator[Callable[[], None]]:
        """Held while a rendering of a subject is on its way; what it gives is called once its answer is kept."""
        event = self._events[subject, number] = asyncio.Event()
        try:
            yield event.set
        finally:
            event.set()
            del self._events[subject, number]

    def is_sending(self, subject: str, number: int) -> bool:
        """Whether something more is to be expected of a rendering."""
        return (subject, number) in self._events

    async def answered(self, subject: str, number: int, by: float) -> bool:
        """Wait until nothing more is to be expected of a rendering, at most until an instant of the loop's clock.
        Whether that is so now.
        """
        event = self._events.get((subject, number))
        if event is not None:
            try:
                async with asyncio.timeout_at(by):
                    await event.wait()
            except TimeoutError:
                return False
        return True
