"""The seam that every chat platform comes through: one object, which packages name by an entry point of the group
`sayso.platforms`, and two stages.

First a platform is built into a connection: where its cards are shown, and who belongs to its chats. Only when those
of all platforms are known can anybody answer, so what answers is put together then, and handed to each connection as
it begins to listen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sayso.bots.chats._findings import Finding
from sayso.bots.chats._lifetime import Ready
from sayso.bots.chats._messages import UnderWay
from sayso.bots.chats._surface import CardSurface
from sayso.bots.people import Membership
from sayso.config import PlatformSettings, Settings
from sayso.engine import Store

if TYPE_CHECKING:
    from fastapi import APIRouter

Answers_contra = TypeVar("Answers_contra", contravariant=True)
"""What answers: `sayso.bots.answers.Answering`, which this room does not know."""


class PlatformCounts(Protocol):
    """Counts what a platform sees."""

    def payload_unreadable(self, platform: str) -> None:
        """What somebody did could not be read."""
        ...

    def card_forged(self, platform: str) -> None:
        """A button was pressed in a message that shows something else than was sent."""
        ...

    def alarm(self) -> None:
        """There is something to tell operators; it is committed."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a platform's connection is built from."""

    settings: Settings
    store: Store
    metrics: PlatformCounts
    under_way: UnderWay


class Platform(PlatformSettings, Protocol[Answers_contra]):
    """An installed chat platform: how its people and places are named, how it is configured, and how it is started.
    Import in `build` and `check` what only a configured platform needs.
    """

    def build(self, parts: Parts) -> Connection[Answers_contra]:
        """Its connection, from its table in `parts.settings`. It makes no call yet. Raises `InvalidSettings` if
        something is missing, and `MissingExtra`.
        """
        ...

    async def check(self, settings: Settings) -> list[Finding]:
        """The findings of `sayso doctor`, each with what to do. It calls the platform, and changes nothing there.
        Raises as `build` does.
        """
        ...


class Listener(Protocol):
    """Takes what people do on a platform."""

    @property
    def router(self) -> APIRouter | None:
        """Its webhooks, in the mode that has some."""
        ...

    async def run(self, ready: Ready) -> None:
        """Take events until `stop`, and finish those in progress. `ready` is called with what is wrong, None if nothing
        is.

        May raise any error: it is logged, and `run` is called again after a while.
        """
        ...

    def stop(self) -> None:
        """Make `run` end. Stopping twice is harmless."""
        ...


class Connection(Protocol[Answers_contra]):
    """A platform's account, connected: cards can be sent, and people looked up."""

    @property
    def name(self) -> str:
        """`slack`, `telegram`: the first part of its people and places."""
        ...

    @property
    def surface(self) -> CardSurface[Any]:
        """Where cards are shown."""
        ...

    @property
    def membership(self) -> Membership:
        """Who belongs to its chats."""
        ...

    def listen(self, answers: Answers_contra) -> Listener:
        """What takes events and hands them to `answers`. Called once."""
        ...

    async def close(self) -> None:
        """Close the connections that cards are sent by. Called once its listener has ended."""
        ...
