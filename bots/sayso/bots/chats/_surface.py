"""Where a platform shows cards, and what it says when a card cannot be shown."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Generic, TypeAlias, TypeVar

from sayso.adapters.cards import Card, Message, Words, batch_title, nobody, notice_message, rest_text
from sayso.bots.chats._budget import Budget
from sayso.bots.chats._cards import NO_REST, Attachment, card_of, lacks_rest, rest_mark
from sayso.bots.chats._messages import Reference
from sayso.bots.chats._ringing import audible_at, mentions_at
from sayso.bots.chats._together import Part
from sayso.config import Destination, Settings, UnknownDestination
from sayso.engine import CardRecord, Delivery, Kept, Notice

logger = logging.getLogger("sayso.cards")

_FORMER = "Posted again below."
_COPY = "This is a copy of the card."

Shown = TypeVar("Shown")
"""A message as a platform's adapter draws it."""

Keep: TypeAlias = Callable[[Reference, "Kept | None"], Awaitable[None]]
"""Records a message as soon as the platform has answered: which it is, and what is kept of it, where that is said."""


Said: TypeAlias = Sequence[tuple[CardRecord, Notice]]
"""What a message in addition to the cards says: of one request, or the same of several that stand on one card."""


class DeliveryProblem(Exception):
    """Why a message could not be sent or edited; the kind says what to do next."""

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
    """The platform refuses the content of the message, and would refuse it again."""


class UnknownRefusal(DeliveryProblem):
    """The platform refused for an unknown reason: because of the message, the destination, or only for now."""


class MessageGone(DeliveryProblem):
    """The message was deleted on the platform."""

    def __init__(self) -> None:
        super().__init__("the message no longer exists")


class Unclear(DeliveryProblem):
    """Nobody knows whether it was done: a time-out, a broken connection, an error of the platform's own."""


class CardSurface(ABC, Generic[Shown]):
    """A platform that shows cards. Subclasses draw, send and edit messages; this class keeps the order of steps that
    holds on every platform. Methods that call the platform raise `DeliveryProblem`.
    """

    platform: str
    """The first part of its destinations: `slack`, `telegram`."""

    mentions_groups = False
    """Whether it can mention groups of its own; elsewhere their members are, by name."""

    draws_batches = False
    """Whether it draws several requests of a batch on one card, by `draw_batch`; elsewhere each has its own."""

    def __init__(self, settings: Settings, budget: Budget) -> None:
        self.settings = settings
        self.budget = budget

    # What is the platform's own.

    @abstractmethod
    def keys_of(self, chat: str, /) -> tuple[str, ...]:
        """The budget keys that a message in a chat costs."""

    @abstractmethod
    def draw(self, card: Card, place: Destination, /) -> tuple[Shown, str]:
        """A card as a message, and what of its question did not fit."""

    def draw_batch(self, cards: Sequence[Card], place: Destination, /) -> tuple[Shown, str]:
        """Several requests as one message, and what of their questions did not fit. Not called unless it
        `draws_batches`.
        """
        raise NotImplementedError

    @abstractmethod
    def draw_locked(self, card: Card, place: Destination | None, words: str, link: str | None, /) -> Shown:
        """A message without buttons that is not, or no longer, the card, as `words` say, with a link to the card; its
        destination, if it is known.
        """

    @abstractmethod
    async def post(self, place: Destination, message: Shown) -> tuple[Reference, Kept | None]:
        """Send a message. Returns its reference, and what the platform reports that it shows."""

    @abstractmethod
    async def edit(self, reference: Reference, message: Shown) -> Kept | None:
        """Change a message. Returns what the platform reports that it shows."""

    @abstractmethod
    async def tell(self, destination: str, lines: tuple[Words, ...]) -> None:
        """Send a plain message, for operators."""

    async def send_rest(
        self, place: Destination, reference: Reference, request_id: str, rest: str, /
    ) -> None:
        """Send what did not fit below a card. Not called if `draw` always fits everything in."""
        raise NotImplementedError

    def files_below(self, _card: Card, /) -> tuple[Attachment, ...]:
        """The pictures and files of a card that are sent below it, because the platform does not show them in it."""
        return ()

    async def send_files(
        self, place: Destination, reference: Reference, request_id: str, files: tuple[Attachment, ...], /
    ) -> None:
        """Send pictures and files below a card. Not called if there are none."""
        raise NotImplementedError

    async def link(self, _reference: Reference, /) -> str | None:
        """A link to a message, if the platform has links to messages."""
        return None

    def edit_keys(self, chat: str, /) -> tuple[str, ...]:
        """The budget keys that an edit in a chat costs."""
        return self.keys_of(chat)

    def chat_of(self, place: Destination) -> str:
        """The id of a destination's chat as it is now."""
        return place.chat_id

    async def send(self, said: Said) -> None:
        """Send a message in addition to the cards, below its card if there is one; nothing if it is no longer worth
        sending. Quiet ones are for platforms with threads; elsewhere only the card shows them.
        """
        message = self.message(said)
        if message is not None and not message.quiet:
            await self.tell(said[0][1].destination, message.lines)

    # What all have in common.

    def place(self, name: str) -> Destination:
        """Where that is. Raises `Undeliverable` for a destination that is not configured."""
        try:
            return self.settings.destination(name)
        except UnknownDestination as error:
            raise Undeliverable(str(error)) from error

    def keys(self, delivery: Delivery) -> tuple[str, ...]:
        """The budget keys that showing this costs. Raises `Undeliverable` as `place` does."""
        chat = self.chat_of(self.place(delivery.destination))
        return self.keys_of(chat) if delivery.reference is None else self.edit_keys(chat)

    def notice_keys(self, notice: Notice) -> tuple[str, ...]:
        """The budget keys that a message in addition to the cards costs. Raises `Undeliverable` as `place` does."""
        return self.keys_of(self.chat_of(self.place(notice.destination)))

    def card(self, record: CardRecord, delivery: Delivery, place: Destination, rendering: int) -> Card:
        """A request as its card at a place, with this number in its buttons."""
        notices = [delivery.notice] if delivery.notice is not None and record.request.open else []
        reader = f"{self.platform}:{place.chat_id}" if place.is_direct else None
        # What stood there before has rung: a message in its place comes in silence.
        is_repost = delivery.reference is None and delivery.told_revision > 0
        return card_of(
            record,
            self.settings,
            notices,
            reader,
            rendering,
            mentions=nobody
            if is_repost
            else mentions_at(record, self.settings, place, mentions_groups=self.mentions_groups),
            rings=place.ring != "never" and not is_repost,
        )

    def message(self, said: Said) -> Message | None:
        """A message in addition to the cards, in its present state; None if it is no longer worth sending. Raises
        `Undeliverable` as `place` does.
        """
        found = [one for record, notice in said if (one := self._message(record, notice)) is not None]
        if not found:
            return None
        lines = tuple(line for one in found for line in one.lines)
        return Message(lines, quiet=all(one.quiet for one in found), rings=any(one.rings for one in found))

    def _message(self, record: CardRecord, notice: Notice) -> Message | None:
        place, card = self.place(notice.destination), card_of(record, self.settings)
        audible = audible_at(record, self.settings, place, mentions_groups=self.mentions_groups)
        return notice_message(record, card, notice, self.settings.place_names, audible)

    async def show(self, parts: Sequence[Part], formers: Sequence[Reference], keep: Keep) -> str:
        """Send a card, or edit it if there is a reference, with these numbers in its buttons; send what did not fit,
        and lock the messages that it replaces. Returns its reference.

        Calls `keep` as soon as the platform has responded. If the response does not say what a card with buttons shows,
        that is `Unclear`.
        """
        delivery = parts[0].delivery
        place = self.place(delivery.destination)
        cards = [self.card(one.record, one.delivery, place, one.rendering) for one in parts]
        message, rest = self.draw(cards[0], place) if len(cards) == 1 else self.draw_batch(cards, place)
        if delivery.reference is None:
            reference, kept = await self.post(place, message)
        else:
            reference = Reference.decode(delivery.reference)
            kept = await self.edit(reference, message)
        await keep(reference, kept)
        if kept is None and any(card.open for card in cards):
            raise Unclear("the platform answered without the message that it keeps")
        reference = await self._show_below(place, cards, reference, rest, lambda one: keep(one, kept))
        for former in formers:
            await self._lock(former, self.draw_locked(batch_title(cards), place, _FORMER, None))
        return reference.encode()

    async def _show_below(
        self,
        place: Destination,
        cards: Sequence[Card],
        reference: Reference,
        rest: str,
        keep: Callable[[Reference], Awaitable[None]],
    ) -> Reference:
        """Send below a card what did not fit in it; the reference with the mark of that."""
        card = next((one for one in cards if one.revision > 1), cards[0])
        files = self.files_below(card) if len(cards) == 1 else ()
        mark = rest_mark(rest, files)
        if not lacks_rest(mark, reference.rest, is_open=any(one.open for one in cards)):
            return reference
        without_files = rest_mark(rest)
        if reference.rest != without_files and (rest or reference.rest != NO_REST):
            await self.send_rest(place, reference, card.id, rest_text(card, rest))
            if files:  # which may have to be tried again, without the rest
                reference = replace(reference, rest=without_files)
                await keep(reference)
        if files:
            await self.send_files(place, reference, card.id, files)
        return replace(reference, rest=mark)

    async def lock_copy(self, record: CardRecord, message: Reference, card: Reference | None) -> None:
        """Show a message that does not belong to a request without buttons, and where its card is, if there is one."""
        link = None if card is None else await self.link(card)
        await self._lock(message, self.draw_locked(card_of(record, self.settings), None, _COPY, link))

    async def _lock(self, reference: Reference, message: Shown) -> None:
        """Show a message without buttons; what does not succeed is logged, for the next press finds it again."""
        try:
            await self.budget.wait(self.edit_keys(reference.chat))
            await self.edit(reference, message)
        except DeliveryProblem as problem:
            logger.info("could not disable message %s:%s: %s", self.platform, reference.name, problem)
