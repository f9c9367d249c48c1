"""Cards in Telegram chats: sent, edited, locked; and messages that are no cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from sayso.adapters.cards import Card, Words, cut, utf16_length
from sayso.adapters.console import visible_line
from sayso.adapters.telegram import (
    CAPTION_LIMIT,
    Stretch,
    TelegramMessage,
    as_html,
    fitted,
    in_zone,
    inert,
    message_link,
    render_batch,
    render_card,
    render_locked,
    replied,
    rest_file,
    rest_messages,
    what_opens,
    worded,
)
from sayso.bots.chats import (
    Attachment,
    CardSurface,
    ContentRefused,
    Reference,
    Said,
    UnderWay,
    UnknownRefusal,
    attachments,
    card_of,
)
from sayso.bots.telegram._api import Api
from sayso.bots.telegram._chats import PLATFORM, Chats
from sayso.bots.telegram._conversations import Conversations
from sayso.bots.telegram._messenger import Messenger, Outgoing, Upload
from sayso.config import Destination, Settings
from sayso.engine import CardRecord, Delivery, Kept, NoticeKind, Store, StoredImage

_LARGEST_NOTICE = 3000


class TelegramSurface(CardSurface[TelegramMessage]):
    """Where cards are shown in Telegram."""

    platform = PLATFORM
    draws_batches = True

    def __init__(
        self,
        messenger: Messenger,
        chats: Chats,
        store: Store,
        settings: Settings,
        under_way: UnderWay,
    ) -> None:
        super().__init__(settings, messenger.budget)
        self._under_way = under_way
        self._messenger = messenger
        self._chats = chats
        self._store = store

    def chat_of(self, place: Destination) -> str:
        """See `CardSurface`."""
        return str(self._chats.id_of(place))

    def keys_of(self, chat: str, /) -> tuple[str, ...]:
        """See `CardSurface`."""
        return self._messenger.keys(int(chat))

    def draw(self, card: Card, place: Destination, /) -> tuple[TelegramMessage, str]:
        """See `CardSurface`."""
        message = render_card(card, self._zone_of(place), self._store.clock.now())
        return message, message.rest

    def draw_batch(self, cards: Sequence[Card], place: Destination, /) -> tuple[TelegramMessage, str]:
        """See `CardSurface`."""
        message = render_batch(cards, self._zone_of(place), self._store.clock.now())
        return message, message.rest

    def draw_locked(
        self, card: Card, place: Destination | None, words: str, link: str | None, /
    ) -> TelegramMessage:
        """See `CardSurface`."""
        return render_locked(card, self._zone_of(place), self._store.clock.now(), words, link)

    async def post(self, place: Destination, message: TelegramMessage) -> tuple[Reference, Kept | None]:
        """See `CardSurface`."""
        outgoing = Outgoing(
            message.text, topic=place.topic, keyboard=message.keyboard, is_silent=message.is_silent
        )
        sent = await self._messenger.send(self._chats.id_of(place), outgoing)
        return sent.reference, sent.kept

    async def edit(self, reference: Reference, message: TelegramMessage) -> Kept | None:
        """See `CardSurface`."""
        chat_id, message_id = int(reference.chat), int(reference.message)
        return await self._messenger.edit(chat_id, message_id, message.text, message.keyboard)

    async def send_rest(
        self, place: Destination, reference: Reference, _request_id: str, rest: str, /
    ) -> None:
        """As replies to the card, or as a document."""
        for one in _text_messages(rest, "The rest of the question"):
            await self._send_below(place, reference, one)

    def files_below(self, card: Card, /) -> tuple[Attachment, ...]:
        """All of them: a message of Telegram's has text, or one picture or file."""
        return attachments(card)

    async def send_files(
        self, place: Destination, reference: Reference, request_id: str, files: tuple[Attachment, ...], /
    ) -> None:
        """As replies to the card. A picture that Telegram takes for none goes as a file."""
        for one in await self._file_messages(request_id, files):
            try:
                await self._send_below(place, reference, one)
            except (ContentRefused, UnknownRefusal):
                await self._send_below(place, reference, _as_document(one))

    async def opened(self, record: CardRecord) -> tuple[str, list[Outgoing]]:
        """What the button above a card's answers opens, and its messages: all of the request with its pictures and
        files, or the one detail of which the card shows only the beginning.
        """
        card = card_of(record, self.settings)
        found = what_opens(card)
        files = attachments(card) if found.is_request else ()
        texts = _text_messages(found.text, f"The {found.name.lower()}")
        return found.name, [*texts, *await self._file_messages(card.id, files)]

    async def send_in_private(self, user_id: int, message: Outgoing) -> None:
        """Send what somebody has just asked for to their own chat with the bot, silently. Raises `DeliveryProblem`."""
        message = replace(message, is_silent=True)
        await self._messenger.wait(user_id)
        try:
            await self._messenger.send(user_id, message)
        except (ContentRefused, UnknownRefusal):
            if message.file is None or not message.file.is_photo:
                raise
            await self._messenger.send(user_id, _as_document(message))

    async def _file_messages(self, request_id: str, files: Sequence[Attachment]) -> list[Outgoing]:
        """The messages of a request's pictures and files, without those whose bytes were redacted."""
        found = [(one, await self._store.reader.file(request_id, one.sha256)) for one in files]
        return [_file_message(one, content) for one, content in found if content is not None]

    async def _send_below(self, place: Destination, reference: Reference, message: Outgoing) -> None:
        await self._messenger.wait(int(reference.chat))
        await self._messenger.send_below(reference, replace(message, topic=place.topic, is_silent=True))

    async def link(self, reference: Reference, /) -> str | None:
        """Telegram has links to messages of its large groups."""
        return message_link(reference.chat, reference.message)

    async def turn_page(self, record: CardRecord, delivery: Delivery, page: int) -> None:
        """Show another page of a card's options. Raises `DeliveryProblem`."""
        if delivery.reference is None:
            return
        reference, destination = Reference.decode(delivery.reference), self.place(delivery.destination)
        await self._messenger.wait(int(reference.chat))
        rendering = await self._store.begin_rendering(delivery.request_id, delivery.destination)
        if rendering is None:
            return  # pruned meanwhile
        with self._under_way.sending(delivery.request_id, rendering):
            card = self.card(record, delivery, destination, rendering)
            message = render_card(card, self._zone_of(destination), self._store.clock.now(), page)
            kept = await self.edit(reference, message)
            if kept is not None:
                await self._store.keep_rendering(
                    delivery.request_id, delivery.destination, rendering, reference.name, kept
                )

    async def send(self, said: Said) -> None:
        """Send it as a reply to the card. Single votes show in the card alone: Telegram has no threads for them.

        Below a reminder the card is posted anew: of messages that are hours old Telegram does not say any more what
        they show, and a press there could not be compared.
        """
        message, notice = self.message(said), said[0][1]
        if message is None or message.quiet:
            return
        place = self.place(notice.destination)
        zone = self._zone_of(place)
        words: Words = tuple(part for line in message.lines for part in ("\n", *line))[1:]
        stretches = fitted(list(worded(words, zone, self._store.clock.now())), _LARGEST_NOTICE)
        card = None if notice.reference is None else Reference.decode(notice.reference)
        chat_id = self._chats.id_of(place) if card is None else int(card.chat)
        is_reminder = notice.kind is NoticeKind.REMINDER
        is_below = card is not None and not is_reminder and not self._chats.has_moved(chat_id)
        reply_to = int(card.message) if card is not None and is_below else None
        message_below = Outgoing(
            as_html(stretches), topic=place.topic, reply_to=reply_to, is_silent=not message.rings
        )
        await self._messenger.send(chat_id, message_below)
        for _, one in said if is_reminder else ():
            if one.reference is not None:
                await self._store.replace_message(one.request_id, one.destination, one.reference)

    async def tell(self, destination: str, lines: tuple[Words, ...]) -> None:
        """Send a plain message to a destination."""
        place = self.place(destination)
        text = cut("\n".join(self.in_zone(line) for line in lines), _LARGEST_NOTICE)
        await self.say(self._chats.id_of(place), as_html([Stretch(inert(text))]), topic=place.topic)

    async def say(
        self,
        chat_id: int,
        text: str,
        *,
        topic: int | None = None,
        reply_to: int | None = None,
        is_silent: bool = False,
    ) -> None:
        """Send a message that is no card, ahead of cards. `text` is HTML."""
        await self._messenger.wait(chat_id)
        await self._messenger.send(
            chat_id, Outgoing(text, topic=topic, reply_to=reply_to, is_silent=is_silent)
        )

    def in_zone(self, words: Words, user_id: int | None = None) -> str:
        """Words with their instants in the time zone of whoever reads them, or else in everybody's."""
        return in_zone(words, self._zone_for(user_id), self._store.clock.now())

    def reply(self, words: Words, user_id: int | None, room: int) -> list[Stretch]:
        """The same as a message, as much as there is room for, in which sayso's own commands act."""
        return fitted(list(replied(words, self._zone_for(user_id), self._store.clock.now())), room)

    def _zone_for(self, user_id: int | None) -> tzinfo:
        return self.settings.zone if user_id is None else self.settings.zone_of(f"{PLATFORM}:{user_id}")

    def _zone_of(self, place: Destination | None) -> tzinfo:
        """The time zone of whoever reads a chat: in a person's own chat, theirs where the directory knows it."""
        if place is None or not place.is_direct:
            return self.settings.zone
        return self.settings.zone_of(f"{PLATFORM}:{place.chat_id}")


def _text_messages(text: str, title: str) -> list[Outgoing]:
    """Long plain text as messages, or as a file below its title."""
    texts = rest_messages(text)
    if texts is None:
        return [Outgoing(f"{title}.", file=Upload("request.txt", rest_file(text)))]
    return [Outgoing(one, is_plain=True) for one in texts]


def _as_document(message: Outgoing) -> Outgoing:
    """The same with its picture as a file."""
    assert message.file is not None
    return replace(message, file=replace(message.file, is_photo=False))


def _file_message(attachment: Attachment, content: bytes) -> Outgoing:
    is_photo = isinstance(attachment, StoredImage) and attachment.media_type != "image/gif"
    words = attachment.alt if isinstance(attachment, StoredImage) else attachment.name
    caption = cut(inert(visible_line(words)), CAPTION_LIMIT, utf16_length)
    return Outgoing(caption, file=Upload(attachment.name, content, is_photo))


@dataclass(frozen=True, slots=True)
class Connected:
    """What a bot calls Telegram, and writes to it, by."""

    api: Api
    chats: Chats
    conversations: Conversations
    messenger: Messenger
    surface: TelegramSurface
