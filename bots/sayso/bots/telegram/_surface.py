"""Cards in Telegram chats: sent, edited, locked; and messages that are no cards."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta, tzinfo
from typing import Any

from sayso.adapters.cards import Card, Words, cut, person_name, rest_text
from sayso.adapters.telegram import (
    Stretch,
    TelegramMessage,
    as_html,
    in_zone,
    inert,
    kept_message,
    message_link,
    render_card,
    render_copy,
    render_former,
)
from sayso.bots.chats import (
    Budget,
    DeliveryProblem,
    Keep,
    MessageGone,
    Rate,
    Reference,
    Unclear,
    Undeliverable,
    UnderWay,
    accounts_of,
    card_of,
    lacks_rest,
    message_of,
    rest_mark,
)
from sayso.bots.telegram._api import Api, Moved
from sayso.bots.telegram._chats import PLATFORM, Chats
from sayso.bots.telegram._settings import TelegramSettings
from sayso.config import Destination, Settings, UnknownDestination
from sayso.engine import CardRecord, Delivery, Notice, NoticeKind, SQLiteStore

logger = logging.getLogger("sayso.telegram")

_LARGEST_NOTICE = 3000
_MARGIN = 1.05
"""Requests sent in time may arrive closer together than they were sent."""


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
        self,
        api: Api,
        chats: Chats,
        store: SQLiteStore,
        settings: Settings,
        telegram: TelegramSettings,
        under_way: UnderWay,
    ) -> None:
        self._under_way = under_way
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

    async def show(self, record: CardRecord, delivery: Delivery, rendering: int, keep: Keep) -> str:
        """Send the card or edit it, send what did not fit, and lock the message that it replaces."""
        destination = self._destination(delivery.destination)
        card = self._card(record, delivery, destination, rendering)
        zone = self._zone_of(destination)
        message = render_card(card, zone, self._store.clock.now())
        if delivery.reference is None:
            answer = await self._send(destination, message)
            reference = Reference(str(answer["chat"]["id"]), str(answer["message_id"]))
        else:
            reference = Reference.decode(delivery.reference)
            answer = await self._edit(reference, message)
        kept = kept_message(answer)
        await keep(reference, kept)
        if kept is None and card.open:
            raise Unclear("Telegram answered without the message that it keeps")
        if lacks_rest(card, message.rest, reference.rest):
            rest = replace(message, rest=rest_text(card, message.rest))
            try:
                await self._send_rest(destination, reference, rest)
            except Moved as moved:
                raise await self._gone(moved, int(reference.chat)) from moved
            reference = replace(reference, rest=rest_mark(message.rest))
        if delivery.former is not None:
            former = render_former(card, zone, self._store.clock.now())
            await self.lock(Reference.decode(delivery.former), former)
        return reference.encode()

    async def turn_page(self, record: CardRecord, delivery: Delivery, page: int) -> None:
        """Show another page of a card's options. Raises `DeliveryProblem`."""
        if delivery.reference is None:
            return
        reference, destination = Reference.decode(delivery.reference), self._destination(delivery.destination)
        await self.budget.wait(self._keys(int(reference.chat)))
        rendering = await self._store.begin_rendering(delivery.request_id, delivery.destination)
        if rendering is None:
            return  # pruned meanwhile
        with self._under_way.sending(delivery.request_id, rendering):
            card = self._card(record, delivery, destination, rendering)
            message = render_card(card, self._zone_of(destination), self._store.clock.now(), page)
            kept = kept_message(await self._edit(reference, message))
            if kept is not None:
                await self._store.keep_rendering(
                    delivery.request_id, delivery.destination, rendering, reference.name, kept
                )

    async def lock(self, reference: Reference, message: TelegramMessage) -> None:
        """Show an extra message without buttons; what does not succeed is logged, for the next press finds it again."""
        try:
            await self.budget.wait(self._keys(int(reference.chat)))
            await self._edit(reference, message)
        except DeliveryProblem as problem:
            logger.info("message %s could not be locked: %s", reference.encode(), problem)

    async def lock_copy(self, record: CardRecord, message: Reference, card: Reference | None) -> None:
        """Lock a message that is none of a card's, which became known when it was pressed; it links to the card where
        Telegram has links to messages.
        """
        link = None if card is None else message_link(card.chat, card.message)
        shown = card_of(record, self._settings)
        await self.lock(message, render_copy(shown, self._settings.zone, self._store.clock.now(), link))

    def notice_keys(self, notice: Notice) -> tuple[str, ...]:
        """The budget keys of a message beside the cards."""
        return self._keys(self._chats.id_of(self._destination(notice.destination)))

    async def send(self, record: CardRecord, notice: Notice) -> None:
        """Send it as a reply to the card. Single votes show in the card alone: Telegram has no threads for them.

        Below a reminder the card is posted anew: of messages that are hours old Telegram does not say any more what
        they show, and a press there could not be compared.
        """
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
        chat_id = self._chats.id_of(place) if card is None else int(card.chat)
        is_reminder = notice.kind is NoticeKind.REMINDER
        is_below = card is not None and not is_reminder and not self._chats.has_moved(chat_id)
        reply_to = int(card.message) if card is not None and is_below else None
        await self.say_now(chat_id, as_html(stretches), topic=place.topic, reply_to=reply_to)
        if is_reminder and notice.reference is not None:
            await self._store.replace_message(notice.request_id, notice.destination, notice.reference)

    async def tell(self, destination: str, lines: tuple[Words, ...]) -> None:
        """Send a plain message to a destination."""
        place = self._destination(destination)
        text = cut("\n".join(self.in_zone(line) for line in lines), _LARGEST_NOTICE)
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
        reply = None if reply_to is None else {"message_id": reply_to, "allow_sending_without_reply": True}
        sent = await self._chats.follow(
            chat_id,
            lambda chat: self._api.call(
                "sendMessage",
                chat_id=chat,
                text=text,
                parse_mode="HTML",
                message_thread_id=topic,
                reply_parameters=reply,
                reply_markup=markup,
                link_preview_options={"is_disabled": True},
            ),
        )
        return int(sent["message_id"])

    def in_zone(self, words: Words, user_id: int | None = None) -> str:
        """Words with their instants in the time zone of whoever reads them, or else in everybody's."""
        zone = self._settings.zone if user_id is None else self._settings.zone_of(f"{PLATFORM}:{user_id}")
        return in_zone(words, zone, self._store.clock.now())

    def _card(self, record: CardRecord, delivery: Delivery, destination: Destination, rendering: int) -> Card:
        notices = [delivery.notice] if delivery.notice is not None and record.request.open else []
        reader = f"{PLATFORM}:{destination.chat_id}" if destination.is_direct else None
        return card_of(record, self._settings, notices, reader, rendering)

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

    async def _send(self, destination: Destination, message: TelegramMessage) -> Any:
        return await self._chats.follow(
            self._chats.id_of(destination),
            lambda chat: self._post(chat, message.text, destination.topic, message.keyboard),
        )

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

    async def _edit(self, reference: Reference, message: TelegramMessage) -> Any:
        chat_id = int(reference.chat)
        if self._chats.has_moved(chat_id):
            raise MessageGone  # messages of before a group's upgrade stay where nobody looks
        try:
            return await self._api.call(
                "editMessageText",
                chat_id=chat_id,
                message_id=int(reference.message),
                text=message.text,
                parse_mode="HTML",
                reply_markup={"inline_keyboard": message.keyboard},
                link_preview_options={"is_disabled": True},
            )
        except Moved as moved:
            raise await self._gone(moved, chat_id) from moved

    async def _gone(self, moved: Moved, chat_id: int) -> MessageGone:
        """A card stands where nobody looks any more: its group was upgraded."""
        await self._chats.move(chat_id, moved.chat_id)
        return MessageGone()

    async def _send_rest(
        self, destination: Destination, reference: Reference, message: TelegramMessage
    ) -> None:
        texts, chat_id = message.rest_messages, int(reference.chat)
        reply = {"message_id": int(reference.message), "allow_sending_without_reply": True}
        for text in texts or ():
            await self.budget.wait(self._keys(chat_id))
            await self._api.call(
                "sendMessage",
                chat_id=chat_id,
                text=text,
                message_thread_id=destination.topic,
                reply_parameters=reply,
                link_preview_options={"is_disabled": True},
            )
        if texts is None:
            await self.budget.wait(self._keys(chat_id))
            await self._send_document(destination, chat_id, message.rest, json.dumps(reply))

    async def _send_document(self, destination: Destination, chat_id: int, text: str, reply: str) -> None:
        from telegram import InputFile

        await self._api.call(
            "sendDocument",
            patience=60.0,
            chat_id=chat_id,
            document=InputFile(text.encode(), filename="rest.txt"),
            caption="The rest of the question.",
            message_thread_id=destination.topic,
            reply_parameters=reply,
        )
