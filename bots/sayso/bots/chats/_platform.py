"""A chat platform, as the service runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sayso.bots.chats._lifetime import Ready
from sayso.bots.chats._surface import CardSurface
from sayso.bots.people import Membership

if TYPE_CHECKING:
    from fastapi import APIRouter


class Platform(Protocol):
    """A chat platform's bot, as the service runs it."""

    @property
    def name(self) -> str:
        """`slack`, `telegram`."""
        ...

    @property
    def surface(self) -> CardSurface:
        """Where cards are shown."""
        ...

    @property
    def membership(self) -> Membership:
        """Who belongs to its chats."""
        ...

    @property
    def router(self) -> APIRouter | None:
        """Its webhooks, in the mode that has some."""
        ...

    async def run(self, ready: Ready) -> None:
        """Take events until `stop`, and finish those in flight. `ready` hears what is wrong, None when nothing is.

        May raise whatever goes wrong: it is logged, and the platform is run again after a while.
        """
        ...

    def stop(self) -> None:
        """Have `run` end. Stopping twice is harmless."""
        ...

    async def close(self) -> None:
        """Let go of the connections that cards are sent by."""
        ...
