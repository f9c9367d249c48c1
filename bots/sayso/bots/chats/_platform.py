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
from sayso.engine import SQLiteStore

if TYPE_CHECKING:
    from fastapi import APIRouter

Answers_contra = TypeVar("Answers_contra", contravariant=True)
"""What answers: `sayso.bots.answers.Answering`, which this room does not know."""


class PlatformCounts(Protocol):
    """Who counts what a platform sees."""

    def payload_unreadable(self, platform: str) -> None:
        """What somebody did could not be read."""
        ...

    def card_forged(self, platform: str) -> None:
        """A button was pressed in a message that shows something else than was sent."""
        ...

    def alarm(self) -> None:
        """Operators have something to hear, which is committed."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a platform's connection is built from."""

    settings: Settings
    store: SQLiteStore
    metrics: PlatformCounts
    under_way: UnderWay


class Platform(PlatformSettings, Protocol[Answers_contra]):
    """A chat platform, installed: how its people and places are written, how it is set up, and how it is begun. What
    only a configured platform needs is imported in `build` and `check`.
    """

    def build(self, parts: Parts) -> Connection[Answers_contra]:
        """Its connection, by its table in `parts.settings`, which there is. It calls nobody yet. Raises
        `InvalidSettings` where something is missing, and `MissingExtra`.
        """
        ...

    async def check(self, settings: Settings) -> list[Finding]:
        """What `sayso doctor` finds of it, with what to do; it asks the platform, and changes nothing there. Raises as
        `build` does.
        """
        ...


class Listener(Protocol):
    """Takes what people do on a platform."""

    @property
    def router(self) -> APIRouter | None:
        """Its webhooks, in the mode that has some."""
        ...

    async def run(self, ready: Ready) -> None:
        """Take events until `stop`, and finish those in flight. `ready` hears what is wrong, None when nothing is.

        May raise whatever goes wrong: it is logged, and run again after a while.
        """
        ...

    def stop(self) -> None:
        """Have `run` end. Stopping twice is harmless."""
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
        """Let go of the connections that cards are sent by. Called once its listener has ended."""
        ...
