"""Cards in Telegram chats: sent, edited, locked; and messages that are no cards."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import tzinfo

from sayso.adapters.cards import Card, Words, cut, person_name, rest_text
from sayso.adapters.telegram import (
    Stretch,
    TelegramMessage,
    as_html,
    in_zone,
    inert,
    message_link,
    render_card,
    render_copy,
    render_former,
)
from sayso.bots.chats import (
    Budget,
    DeliveryProblem,
    Keep,
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
from sayso.bots.telegram._api import Api
from sayso.bots.telegram._chats import PLATFORM, Chats
from sayso.bots.telegram._conversations import Conversations
from sayso.bots.telegram._messenger import Messenger, Outgoing
from sayso.config import Destination, Settings, UnknownDestination
from sayso.engine import CardRecord, Delivery, Kept, Notice, NoticeKind, SQLiteStore

logger = logging.getLogger("sayso.telegram")

_LARGEST_NOTICE = 3000


class TelegramSurface:
    """Where cards are shown in Telegram."""

    def __init__(
        self,
        messenger: Messenger,
        chats: Chats,
        store: SQLiteStore,
        settings: Settings,
        under_way: UnderWay,
    ) -> None:
        self._under_way = under_way
        self._messenger = messenger
        self._chats = chats
        self._store = store
        self._settings = settings

    @property
    def budget(self) -> Budget:
        """How fast Telegram may be written to."""
        return self._messenger.budget

    @property
    def platform(self) -> str:
        """The first part of its destinations."""
        return PLATFORM

    def keys(self, delivery: Delivery) -> tuple[str, ...]:
        """The budget keys of a card."""
        return self._messenger.keys(self._chats.id_of(self._destination(delivery.destination)))

    async def show(self, record: CardRecord, delivery: Delivery, rendering: int, keep: Keep) -> str:
        """Send the card or edit it, send what did not fit, and lock the message that it replaces."""
        destination = self._destination(delivery.destination)
        card = self._card(record, delivery, destination, rendering)
        zone = self._zone_of(destination)
        message = render_card(card, zone, self._store.clock.now())
        if delivery.reference is None:
            place = self._chats.id_of(destination)
            outgoing = Outgoing(message.text, topic=destination.topic, keyboard=message.keyboard)
            sent = await self._messenger.send(place, outgoing)
            reference, kept = sent.reference, sent.kept
        else:
            reference = Reference.decode(delivery.reference)
            kept = await self._edit(reference, message)
        await keep(reference, kept)
        if kept is None and card.open:
            raise Unclear("Telegram answered without the message that it keeps")
        if lacks_rest(card, message.rest, reference.rest):
            rest = replace(message, rest=rest_text(card, message.rest))
            await self._send_rest(destination, reference, rest)
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
        await self._messenger.wait(int(reference.chat))
        rendering = await self._store.begin_rendering(delivery.request_id, delivery.destination)
        if rendering is None:
            return  # pruned meanwhile
        with self._under_way.sending(delivery.request_id, rendering):
            card = self._card(record, delivery, destination, rendering)
            message = render_card(card, self._zone_of(destination), self._store.clock.now(), page)
            kept = await self._edit(reference, message)
            if kept is not None:
                await self._store.keep_rendering(
                    delivery.request_id, delivery.destination, rendering, reference.name, kept
                )

    async def lock(self, reference: Reference, message: TelegramMessage) -> None:
        """Show an extra message without buttons; what does not succeed is logged, for the next press finds it again."""
        try:
            await self._messenger.wait(int(reference.chat))
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
        return self._messenger.keys(self._chats.id_of(self._destination(notice.destination)))

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
        message_below = Outgoing(as_html(stretches), topic=place.topic, reply_to=reply_to)
        await self._messenger.send(chat_id, message_below)
        if is_reminder and notice.reference is not None:
            await self._store.replace_message(notice.request_id, notice.destination, notice.reference)

    async def tell(self, destination: str, lines: tuple[Words, ...]) -> None:
        """Send a plain message to a destination."""
        place = self._destination(destination)
        text = cut("\n".join(self.in_zone(line) for line in lines), _LARGEST_NOTICE)
        await self.say(self._chats.id_of(place), as_html([Stretch(inert(text))]), topic=place.topic)

    async def say(
        self, chat_id: int, text: str, *, topic: int | None = None, reply_to: int | None = None
    ) -> None:
        """Send a message that is no card, ahead of cards. `text` is HTML."""
        await self._messenger.wait(chat_id)
        await self._messenger.send(chat_id, Outgoing(text, topic=topic, reply_to=reply_to))

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

    async def _edit(self, reference: Reference, message: TelegramMessage) -> Kept | None:
        chat_id, message_id = int(reference.chat), int(reference.message)
        return await self._messenger.edit(chat_id, message_id, message.text, message.keyboard)

    async def _send_rest(
        self, destination: Destination, reference: Reference, message: TelegramMessage
    ) -> None:
        if message.rest_messages is None:
            rest = [Outgoing("The rest of the question.", topic=destination.topic, document=message.rest)]
        else:
            rest = [Outgoing(one, is_plain=True, topic=destination.topic) for one in message.rest_messages]
        for one in rest:
            await self._messenger.wait(int(reference.chat))
            await self._messenger.send_below(reference, one)


@dataclass(frozen=True, slots=True)
class Connected:
    """What a bot calls Telegram, and writes to it, by."""

    api: Api
    chats: Chats
    conversations: Conversations
    messenger: Messenger
    surface: TelegramSurface
