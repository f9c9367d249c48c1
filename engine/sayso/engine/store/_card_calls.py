"""What showing cards asks of a store: what came of sending and editing them. What is due, the reader tells."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

from sayso.engine._records import Delivery, Kept, Notice, RequestRecord
from sayso.engine.store import _cards, _notices
from sayso.engine.store._transaction import Transaction

P = ParamSpec("P")
T = TypeVar("T")


class CardCalls(ABC):
    """The part of a store's calls that is about cards and the messages beside them."""

    @abstractmethod
    def _submit(
        self, function: Callable[Concatenate[Transaction, P], T], *arguments: P.args, **named: P.kwargs
    ) -> asyncio.Future[T]:
        """Have a transaction function run by the writer."""

    def begin_delivery(self, delivery: Delivery) -> asyncio.Future[int | None]:
        """Count an attempt to send or edit a card, before it is made; the number of what it renders, None where the
        request was pruned.
        """
        return self._submit(_cards.begin, delivery)

    def begin_rendering(self, request_id: str, destination: str) -> asyncio.Future[int | None]:
        """The number of a rendering that is no attempt to show what is wanted, such as another page of options."""
        return self._submit(_cards.begin_rendering, request_id, destination)

    def keep_rendering(
        self, request_id: str, destination: str, rendering: int, message: str, kept: Kept
    ) -> asyncio.Future[None]:
        """Record what the platform says that it keeps of a message under this number."""
        return self._submit(_cards.keep_rendering, request_id, destination, rendering, message, kept)

    def refer_delivery(
        self, delivery: Delivery, reference: str, rendering: int, message: str, kept: Kept | None
    ) -> asyncio.Future[None]:
        """Record that a card's message exists and what the platform keeps of it, before everything that belongs to it
        is sent.
        """
        return self._submit(_cards.refer, delivery, reference, rendering, message, kept)

    def end_delivery(
        self,
        delivery: Delivery,
        reference: str | None,
        quiet_until: datetime,
        request: RequestRecord | None = None,
    ) -> asyncio.Future[None]:
        """Record that the place shows what was wanted when the delivery was read; small news wait until then.

        `request` is what the card that was sent asks, for the audit trail.
        """
        return self._submit(_cards.shown, delivery, reference, quiet_until, request)

    def fail_delivery(self, delivery: Delivery, error: str, next_attempt: datetime) -> asyncio.Future[None]:
        """Record that a card could not be shown, or that nobody knows, and when it is tried again."""
        return self._submit(_cards.failed, delivery, error, next_attempt)

    def forget_message(self, delivery: Delivery) -> asyncio.Future[None]:
        """Record that a card's message is not there any more."""
        return self._submit(_cards.gone, delivery)

    def refuse_delivery(self, delivery: Delivery, error: str) -> asyncio.Future[bool]:
        """Record that the platform takes no card that reads so; whether this is news."""
        return self._submit(_cards.refused, delivery, error)

    def bury(self, destination: str, error: str, *, is_news: bool = True) -> asyncio.Future[bool]:
        """Give a destination up; whether the trail has it as news, as is wanted unless it is given up already."""
        return self._submit(_cards.bury, destination, error, is_news=is_news)

    def end_notice(self, notice: Notice) -> asyncio.Future[None]:
        """Record that a message beside the cards was sent, or never can be."""
        return self._submit(_notices.sent, notice)

    def fail_notice(self, notice: Notice, next_attempt: datetime) -> asyncio.Future[None]:
        """Record that a message was not sent and when it is tried again."""
        return self._submit(_notices.failed, notice, next_attempt)

    def revive(self, destinations: Sequence[str] | None = None) -> asyncio.Future[int]:
        """Try given-up destinations again, all where none is named; the number of cards that wait there."""
        return self._submit(_cards.revive, destinations)

    def post_anew(self, platform: str, notice: str) -> asyncio.Future[int]:
        """Have the open cards on a platform sent as new messages with a line; the number of cards."""
        return self._submit(_cards.post_anew, platform, notice)

    def move_chat(
        self, surface: str, key: str, chat: int, destinations: Sequence[str], notice: str
    ) -> asyncio.Future[bool]:
        """Remember for good, under a surface's own key, that a chat is another one now, and have the open cards of its
        destinations posted there with a line; whether it was not known.
        """
        return self._submit(_cards.move_chat, surface, key, chat, tuple(destinations), notice)

    def report_webhook(self, platform: str, error: str) -> asyncio.Future[None]:
        """Have the operators hear that a platform cannot reach the service."""
        return self._submit(_cards.report_webhook, platform, error)

    def redraw(self, request_id: str, destination: str) -> asyncio.Future[None]:
        """Have the open card at a place edited, whatever it shows."""
        return self._submit(_cards.redraw, request_id, destination)

    def replace_message(self, request_id: str, destination: str, reference: str) -> asyncio.Future[None]:
        """Have a new message take the place of this one, if it is still the card's."""
        return self._submit(_cards.replace_message, request_id, destination, reference)

    def close_later(self, request_id: str, destination: str, message: str) -> asyncio.Future[None]:
        """Have a message that is none of ours locked once the card itself stands."""
        return self._submit(_cards.close_later, request_id, destination, message)

    def report_mismatch(
        self, request_id: str, destination: str | None, person: str, place: str, parts: Sequence[str]
    ) -> asyncio.Future[bool]:
        """Record that a message with buttons of a request shows something else than was sent, once for each of its
        cards (all of them where none is named); whether this is news.
        """
        return self._submit(_cards.report_mismatch, request_id, destination, person, place, parts)
