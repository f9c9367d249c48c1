"""What the suite needs of a platform: its local server, and people who use it. An author writes one `Driver`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Place:
    """A chat of several people. `entry` is what questions and `sayso.toml` call it (`telegram:-1001`); `id` is its id
    where that is not in the entry.
    """

    entry: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as somebody saw it once; a later edit changes the app, not this value. `labels` are those of its
    buttons, and of whatever else can be used in it, such as a list. `handle` is the driver's own: what it needs to
    press this very view later.
    """

    text: str
    labels: tuple[str, ...]
    handle: Any = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Typed:
    """An answer that is typed: a text, a number or a date."""

    text: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """Options by their labels: one from a list too long for buttons, or several of a question that takes several."""

    labels: tuple[str, ...]
    several: bool = True


@dataclass(frozen=True, slots=True)
class FilledIn:
    """A form, as texts by the titles of its fields, in their order."""

    fields: Mapping[str, str]


Given: TypeAlias = Typed | Chosen | FilledIn


class Sending(StrEnum):
    """What sayso does to a card on the platform."""

    SEND = "send"
    EDIT = "edit"


class Failure(StrEnum):
    """How a call fails."""

    SERVER_ERROR = "server_error"
    """Nothing was done, and the platform says that it failed."""

    RESET = "reset"
    """It was done, and the connection broke before the answer."""

    SILENCE = "silence"
    """It was done, and no answer comes."""


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `count` new messages in one place in any stretch of time this long, by the settings of the driver."""

    count: int
    per: timedelta


class Driver(Protocol):
    """One bot on one local server of a platform. People are named as sayso names them (`telegram:7`).

    What people are told in private after something that they did is returned as one text: whatever they alone see, be
    it a notice, a message or a window. None means that nobody acknowledged what they did.
    """

    @property
    def budget(self) -> Budget:
        """How fast a place may be written to."""
        ...

    @property
    def problems(self) -> Sequence[str]:
        """What a correct bot never does, in words; empty at the end of every suite."""
        ...

    # Before the service starts.

    async def add_person(self, name: str) -> str:
        """A new person whom the bot can write to; their id."""
        ...

    async def add_place(self, title: str, people: Sequence[str]) -> Place:
        """A new place with these people and the bot in it."""
        ...

    def settings(self, port: int) -> str:
        """The platform's sections for `sayso.toml`, with addresses of the local server, and the `budget`. The HTTP
        server of sayso listens on the port, for platforms that call it.
        """
        ...

    def environment(self) -> Mapping[str, str]:
        """The platform's secrets as variables, and whatever else the service's process needs to find it."""
        ...

    # While it runs.

    async def connected(self, url: str) -> None:
        """Return once what people do reaches the service, whose HTTP server is there."""
        ...

    async def disconnected(self) -> None:
        """Return once the platform knows that the service has ended."""
        ...

    @property
    def revision(self) -> int:
        """Counts what changes for anybody."""
        ...

    async def changed(self, revision: int) -> None:
        """Return once it is another."""
        ...

    # People.

    async def sees(self, person: str, place: Place) -> Sequence[Seen]:
        """All messages there, the oldest first, without those that they alone see."""
        ...

    async def press(self, person: str, message: Seen, label: str) -> str | None:
        """Press a button of a message as it was seen, though it may have changed since; what they are told."""
        ...

    async def answer(self, person: str, card: Seen, given: Given) -> str | None:
        """Answer a card that takes more than a press, by whatever the platform has for it; the last thing that they are
        told.
        """
        ...

    async def replay(self) -> None:
        """Deliver the latest press again, as a platform that lost the acknowledgement does."""
        ...

    # Whoever has the bot's credentials, and whoever has none.

    async def rewrite(self, message: Seen, text: str) -> None:
        """Edit a message of the bot from outside sayso: other words above the same buttons."""
        ...

    async def copy(self, message: Seen, place: Place) -> None:
        """Post a message with the same words and buttons in a place, from outside sayso."""
        ...

    async def forge(self, person: str, message: Seen, label: str) -> bool | None:
        """Send a press to the service without the platform's proof; returns whether it was accepted. None if the
        service fetches its updates itself, so that nothing can be sent to it.
        """
        ...

    # What goes wrong.

    def fail(self, sending: Sending, failure: Failure) -> None:
        """Have the next call of this kind fail."""
        ...

    async def shut(self, place: Place) -> None:
        """Have a place take nothing any more, as when the bot is thrown out: nothing that passes by itself."""
        ...

    async def reopen(self, place: Place) -> None:
        """Undo that."""
        ...

    def sent(self, place: Place) -> Sequence[datetime]:
        """When new messages reached the platform for a place, the oldest first."""
        ...
