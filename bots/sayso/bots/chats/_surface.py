"""What the outbox needs of a platform, and what a platform says when a card cannot be shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol, TypeAlias

from sayso.adapters.cards import Words
from sayso.bots.chats._budget import Budget
from sayso.bots.chats._messages import Reference
from sayso.engine import CardRecord, Delivery, Kept, Notice

Keep: TypeAlias = Callable[[Reference, "Kept | None"], Awaitable[None]]
"""Records a message as soon as the platform has answered: which it is, and what is kept of it, where that is said."""


class DeliveryProblem(Exception):
    """Why a message could not be sent or edited; each kind says what follows."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Throttled(DeliveryProblem):
    """The platform wants us to wait, with messages under this budget key, or with all of them."""

    def __init__(self, retry_after: timedelta, key: str | None = None) -> None:
        self.retry_after = retry_after
        self.key = key
        super().__init__(f"throttled for {retry_after.total_seconds():g} s")


class Undeliverable(DeliveryProblem):
    """Nothing can be shown at this destination until somebody does something about it; the reason says what. Some of
    these refusals `may_pass` by themselves: a platform says them too while it moves a workspace or renews a token.
    """

    def __init__(self, reason: str, *, may_pass: bool = False) -> None:
        self.may_pass = may_pass
        super().__init__(reason)


class ContentRefused(DeliveryProblem):
    """The platform does not take a message that reads so; sent again as it is, it would be refused again."""


class UnknownRefusal(DeliveryProblem):
    """The platform says no, in words that sayso does not know: about the message, about the place, or for now."""


class MessageGone(DeliveryProblem):
    """The message was deleted on the platform."""

    def __init__(self) -> None:
        super().__init__("the message is not there any more")


class Unclear(DeliveryProblem):
    """Nobody knows whether it was done: a time-out, a broken connection, an error of the platform's own."""


class CardSurface(Protocol):
    """A platform on which cards are shown."""

    @property
    def platform(self) -> str:
        """The first part of its destinations: `slack`, `telegram`."""
        ...

    @property
    def budget(self) -> Budget:
        """How fast it may be written to."""
        ...

    def keys(self, delivery: Delivery) -> tuple[str, ...]:
        """The budget keys that showing this costs. Raises `Undeliverable` for a destination that is not configured."""
        ...

    async def show(self, record: CardRecord, delivery: Delivery, rendering: int, keep: Keep) -> str:
        """Send the card, or edit it where there is a reference, with this number in its buttons, and lock the one it
        replaces; its reference.

        Calls `keep` as soon as the platform has answered. An answer that does not say what is kept of a card with
        buttons is `Unclear`. Raises `DeliveryProblem`.
        """
        ...

    async def lock_copy(self, record: CardRecord, message: Reference, card: Reference | None) -> None:
        """Show a message that is none of a request's without buttons, and where its card is, if it stands."""
        ...

    def notice_keys(self, notice: Notice) -> tuple[str, ...]:
        """The budget keys that a message beside the cards costs. Raises `Undeliverable` as `keys` does."""
        ...

    async def send(self, record: CardRecord, notice: Notice) -> None:
        """Send a message beside the cards, below its card where there is one; nothing where it has nothing to say any
        more. Raises `DeliveryProblem`.
        """
        ...

    async def tell(self, destination: str, lines: tuple[Words, ...]) -> None:
        """Send a plain message, for operators. Raises `DeliveryProblem`."""
        ...
