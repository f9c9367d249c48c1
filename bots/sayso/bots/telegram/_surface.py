"""Cards in Telegram chats: sent, edited, locked; and messages that are no cards."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta, tzinfo
from typing import Any, Self

from sayso.adapters.cards import Words, cut, person_name, rest_text
from sayso.adapters.telegram import (
    Stretch,
    TelegramMessage,
    as_html,
    in_zone,
    inert,
    render_card,
    render_copy,
    render_former,
)
from sayso.bots.cards import NO_REST, accounts_of, card_of, lacks_rest, message_of, rest_mark
from sayso.bots.outbox import Budget, DeliveryProblem, Keep, MessageGone, Rate, Undeliverable
from sayso.bots.telegram._api import Api, Moved
from sayso.bots.telegram._chats import PLATFORM, Chats
from sayso.config import Destination, Settings, TelegramSettings, UnknownDestination
from sayso.engine import CardRecord, Delivery, Notice, SQLiteStore

logger = logging.getLogger("sayso.telegram")

_LARGEST_NOTICE = 3000
_MARGIN = 1.05
"""Requests sent in time may arrive closer together than they were sent."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A card's message; `rest` is the mark of what was sent below it."""

    chat_id: int
    message_id: int
    rest: str = NO_REST

    def encode(self) -> str:
        """The reference as the store keeps it."""
        return f"{self.chat_id}/{self.message_id}/{self.rest}"

    @classmethod
    def decode(cls, text: str) -> Self:
        """The reference of a text that `encode` made."""
        chat_id, message_id, rest = text.split("/")
        return cls(int(chat_id), int(message_id), rest)


def telegram_rates(settings: TelegramSettings) -> Callable[[str], Sequence[Rate]]:
    """What Telegram allows (core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this), by key."""
    second = timedelta(seconds=_MARGIN)
    chat = [Rate(1, second / settings.chat_per_second)]
    group = [*chat, Rate(settings.group_per_minute, timedelta(minutes=_MARGIN))]
    overall = [Rate(settings.all_per_second, second)]

    def rates(key: str) -> Sequence[Rate]:
        if key == "all":
            return overall
        return group if key.startswith("chat:-") else chat

    return rates


class TelegramSurface:
    """Where cards are shown in Telegram."""

    def __init__(
        self, api: Api, chats: Chats, store: SQLiteStore, settings: Settings, telegram: TelegramSettings
    ) -> None:
        self._api = api
        self._chats = chats
        self._store = store
        self._settings = settings
        self.budget = Budget(telegram_rates(telegram))

    @property
    def platform(self) -> str:
        """The first part of its destinations."""
        return PLATFORM

    def keys(self, delivery: Delivery) -> tuple[str, ...]:
        """The budget keys of a card."""
        return self._keys(self._chats.id_of(self._destination(delivery.destination)))

    async def show(self, record: CardRecord, delivery: Delivery, keep: Keep) -> str:
        """Send the card or edit it, send what did not fit, and lock the message that it replaces."""
        destination = self._destination(delivery.destination)
        notices = [delivery.notice] if delivery.notice is not None and record.request.open else []
        reader = f"{PLATFORM}:{destination.chat_id}" if destination.is_direct else None
        card = card_of(record, self._settings, notices, reader)
        zone = self._zone_of(destination)
        message = render_card(card, zone, self._store.clock.now())
        if delivery.reference is None:
            reference = await self._send(destination, message)
            await keep(reference.encode())
        else:
            reference = Reference.decode(delivery.reference)
            await self._edit(reference, message)
        if lacks_rest(card, message.rest, reference.rest):
            rest = replace(message, rest=rest_text(card, message.rest))
            await self._send_rest(destination, reference, rest)
            reference = replace(reference, rest=rest_mark(message.rest))
        if delivery.former is not None:
            former = render_former(card, zone, self._store.clock.now())
            await self.lock(Reference.decode(delivery.former), former)
        return reference.encode()

    async def lock(self, reference: Reference, message: TelegramMessage) -> None:
        """Show an extra message without buttons; what does not succeed is logged, for the next press finds it again."""
        try:
            await self.budget.wait(self._keys(reference.chat_id))
            await self._edit(reference, message)
        except DeliveryProblem as problem:
            logger.info("message %s could not be locked: %s", reference.encode(), problem)

    async def lock_copy(self, record: CardRecord, reference: Reference) -> None:
        """Lock a second message of a card, which became known when it was pressed."""
        card = card_of(record, self._settings)
        await self.lock(reference, render_copy(card, self._settings.zone, self._store.clock.now()))

    def notice_keys(self, notice: Notice) -> tuple[str, ...]:
        """The budget keys of a message beside the cards."""
        return self._keys(self._chats.id_of(self._destination(notice.destination)))

    async def send(self, record: CardRecord, notice: Notice) -> None:
        """Send it as a reply to the card. Single votes show in the card alone: Telegram has no threads for them."""
        message = message_of(record, notice, self._settings)
        if message is None or message.quiet:
            return
        place = self._destination(notice.destination)
        text = "\n".join(self._in_zone_of(line, place) for line in message.lines)
        stretches = [Stretch(inert(cut(text, _LARGEST_NOTICE)))]
        for user in accounts_of(message.mentions, self._settings, PLATFORM):
            name = person_name(f"{PLATFORM}:{user}", record.names)
            stretches += [Stretch(" "), Stretch(inert(name), link=f"tg://user?id={user}")]
        card = None if notice.reference is None else Reference.decode(notice.reference)
        chat_id = self._chats.id_of(place) if card is None else card.chat_id
        reply_to = None if card is None else card.message_id
        await self.say_now(chat_id, as_html(stretches), topic=place.topic, reply_to=reply_to)

    async def tell(self, destination: str, lines: tuple[Words, ...]) -> None:
        """Send a plain message to a destination."""
        place = self._destination(destination)
        text = "\n".join(self.in_zone(line) for line in lines)
        await self.say(self._chats.id_of(place), as_html([Stretch(inert(text))]), topic=place.topic)

    async def say(
        self,
        chat_id: int,
        text: str,
        *,
        topic: int | None = None,
        reply_to: int | None = None,
        markup: dict[str, Any] | None = None,
    ) -> int:
        """Send a message that is no card, ahead of cards; its id. `text` is HTML."""
        await self.wait(chat_id)
        return await self.say_now(chat_id, text, topic=topic, reply_to=reply_to, markup=markup)

    async def wait(self, chat_id: int) -> None:
        """Wait for room in a chat's budget, ahead of cards."""
        await self.budget.wait(self._keys(chat_id))

    async def say_now(
        self,
        chat_id: int,
        text: str,
        *,
        topic: int | None = None,
        reply_to: int | None = None,
        markup: dict[str, Any] | None = None,
    ) -> int:
        """The same behind `wait`."""
        sent = await self._api.call(
            "sendMessage",
            chat_id=chat_id,
            text=text,
            parse_mode="HTML",
            message_thread_id=topic,
            reply_parameters=None
            if reply_to is None
            else {"message_id": reply_to, "allow_sending_without_reply": True},
            reply_markup=markup,
            link_preview_options={"is_disabled": True},
        )
        return int(sent["message_id"])

    def in_zone(self, words: Words, user_id: int | None = None) -> str:
        """Words with their instants in the time zone of whoever reads them, or else in everybody's."""
        zone = self._settings.zone if user_id is None else self._settings.zone_of(f"{PLATFORM}:{user_id}")
        return in_zone(words, zone, self._store.clock.now())

    def _in_zone_of(self, words: Words, place: Destination) -> str:
        return in_zone(words, self._zone_of(place), self._store.clock.now())

    def _zone_of(self, place: Destination) -> tzinfo:
        """The time zone of whoever reads a chat: in a person's own chat, theirs where the directory knows it."""
        return (
            self._settings.zone_of(f"{PLATFORM}:{place.chat_id}") if place.is_direct else self._settings.zone
        )

    def _destination(self, name: str) -> Destination:
        try:
            return self._settings.destination(name)
        except UnknownDestination as error:
            raise Undeliverable(str(error)) from error

    def _keys(self, chat_id: int) -> tuple[str, ...]:
        return (f"chat:{chat_id}", "all")

    async def _send(self, destination: Destination, message: TelegramMessage) -> Reference:
        chat_id = self._chats.id_of(destination)
        try:
            sent = await self._post(chat_id, message.text, destination.topic, message.keyboard)
        except Moved as moved:
            await self._chats.move(chat_id, moved.chat_id)
            chat_id = moved.chat_id
            sent = await self._post(chat_id, message.text, destination.topic, message.keyboard)
        return Reference(chat_id, int(sent["message_id"]))

    async def _post(self, chat_id: int, text: str, topic: int | None, keyboard: Any) -> Any:
        return await self._api.call(
            "sendMessage",
            chat_id=chat_id,
            text=text,
            parse_mode="HTML",
            message_thread_id=topic,
            reply_markup={"inline_keyboard": keyboard} if keyboard else None,
            link_preview_options={"is_disabled": True},
        )

    async def _edit(self, reference: Reference, message: TelegramMessage) -> None:
        if self._chats.has_moved(reference.chat_id):
            raise MessageGone  # messages of before a group's upgrade stay where nobody looks
        try:
            await self._api.call(
                "editMessageText",
                chat_id=reference.chat_id,
                message_id=reference.message_id,
                text=message.text,
                parse_mode="HTML",
                reply_markup={"inline_keyboard": message.keyboard},
                link_preview_options={"is_disabled": True},
            )
        except Moved as moved:
            await self._chats.move(reference.chat_id, moved.chat_id)
            raise MessageGone from moved

    async def _send_rest(
        self, destination: Destination, reference: Reference, message: TelegramMessage
    ) -> None:
        texts = message.rest_messages
        reply = {"message_id": reference.message_id, "allow_sending_without_reply": True}
        for text in texts or ():
            await self.budget.wait(self._keys(reference.chat_id))
            await self._api.call(
                "sendMessage",
                chat_id=reference.chat_id,
                text=text,
                message_thread_id=destination.topic,
                reply_parameters=reply,
                link_preview_options={"is_disabled": True},
            )
        if texts is None:
            await self.budget.wait(self._keys(reference.chat_id))
            await self._send_document(destination, reference, message.rest, json.dumps(reply))

    async def _send_document(
        self, destination: Destination, reference: Reference, text: str, reply: str
    ) -> None:
        from telegram import InputFile

        await self._api.call(
            "sendDocument",
            patience=60.0,
            chat_id=reference.chat_id,
            document=InputFile(text.encode(), filename="rest.txt"),
            caption="The rest of the question.",
            message_thread_id=destination.topic,
            reply_parameters=reply,
        )
