"""The one way to write to Telegram: in a chat's turn, within its budget, where its group is now.

What is sent or edited comes back as what Telegram says that it keeps. What a message says is for who sends it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeAlias

from telegram import (
    Bot,
    ForceReply,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    Message,
    ReplyParameters,
)
from telegram.constants import ParseMode

from sayso.adapters.telegram import Keyboard, kept_message
from sayso.bots.chats import Budget, MessageGone, Rate, Reference
from sayso.bots.telegram._api import Api, Moved, NotModified
from sayso.bots.telegram._chats import Chats
from sayso.bots.telegram._conversations import Conversations
from sayso.bots.telegram._settings import TelegramSettings
from sayso.engine import Kept

_MARGIN = 1.05
"""Requests sent in time may arrive closer together than they were sent."""

_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_FILE_WITHIN = 60.0
_MOST_REMEMBERED = 10_000


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


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to be sent; one that `is_photo` is shown, where Telegram takes it for a picture."""

    name: str
    content: bytes
    is_photo: bool = False


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent: HTML, or with `is_plain` as it reads. A `file` stands above it; `reply` asks for a reply,
    where there are no buttons. A message that `is_silent` comes without a sound.
    """

    text: str
    is_plain: bool = False
    topic: int | None = None
    reply_to: int | None = None
    keyboard: Keyboard = field(default_factory=list[list[dict[str, Any]]])
    reply: ForceReply | None = None
    file: Upload | None = None
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as Telegram has taken it: where, and what it keeps of it, where it says."""

    chat_id: int
    message_id: int
    kept: Kept | None

    @property
    def reference(self) -> Reference:
        """By what a card is known."""
        return Reference(str(self.chat_id), str(self.message_id))


Keeping: TypeAlias = Callable[[Sent], Awaitable[None]]
"""Keeps what a message asks. A quick reply to it waits until it is kept."""


class Messenger:
    """Sends and edits. Nothing here waits for a chat's budget but `wait`: the outbox has waited for what it shows."""

    def __init__(
        self, api: Api, chats: Chats, conversations: Conversations, settings: TelegramSettings
    ) -> None:
        self._api = api
        self._chats = chats
        self._conversations = conversations
        self._sent: OrderedDict[tuple[int, int], None] = OrderedDict()
        self.budget = Budget(telegram_rates(settings))

    def has_sent(self, chat_id: int, message_id: int) -> bool:
        """Whether a message is of the latest that were sent since the start."""
        return (chat_id, message_id) in self._sent

    def keys(self, chat_id: int) -> tuple[str, ...]:
        """The budget keys of a message to a chat."""
        return (f"chat:{chat_id}", "all")

    async def wait(self, chat_id: int) -> None:
        """Wait for room in a chat's budget, ahead of cards."""
        await self.budget.wait(self.keys(chat_id))

    async def send(self, chat_id: int, message: Outgoing, keeping: Keeping | None = None) -> Sent:
        """Send a message, to where the group is now, and keep what it asks. Raises `DeliveryProblem`, and what
        `keeping` raises. Sent twice it stands there twice.
        """
        return await self._chats.follow(chat_id, lambda chat: self._send(chat, message, keeping))

    async def send_below(self, card: Reference, message: Outgoing) -> None:
        """Send what belongs to a card, as a reply to it. Raises `DeliveryProblem`: `MessageGone` where the card stands
        in a group of before its upgrade.
        """
        chat_id, below = int(card.chat), replace(message, reply_to=int(card.message))
        async with self._of(chat_id):
            await self._send(chat_id, below, None)

    async def edit(self, chat_id: int, message_id: int, text: str, keyboard: Keyboard) -> Kept | None:
        """Have a message say this; what Telegram keeps of it, None where it said so already. Raises `DeliveryProblem`:
        `MessageGone` for one of before its group's upgrade, too.
        """
        async with self._of(chat_id):
            with suppress(NotModified), self._api.calling(chat_id) as bot:
                answer = await bot.edit_message_text(
                    text,
                    chat_id,
                    message_id,
                    parse_mode=ParseMode.HTML,
                    reply_markup=_markup(keyboard),
                    link_preview_options=_NO_PREVIEW,
                )
                return _kept(answer) if isinstance(answer, Message) else None
        return None

    async def lock(self, chat_id: int, message_id: int) -> None:
        """Take a message's buttons away. Raises `DeliveryProblem`."""
        async with self._of(chat_id):
            with suppress(NotModified), self._api.calling(chat_id) as bot:
                await bot.edit_message_reply_markup(chat_id, message_id)

    @asynccontextmanager
    async def _of(self, chat_id: int) -> AsyncGenerator[None]:
        """What is done to messages of a chat: those of before a group's upgrade stay where nobody looks."""
        if self._chats.has_moved(chat_id):
            raise MessageGone
        try:
            yield
        except Moved as moved:
            await self._chats.move(chat_id, moved.chat_id)
            raise MessageGone from moved

    async def _send(self, chat_id: int, message: Outgoing, keeping: Keeping | None) -> Sent:
        has_order = chat_id > 0 or keeping is not None
        async with self._conversations.sending(chat_id) if has_order else nullcontext():
            with self._api.calling(chat_id) as bot:
                answer = await _post(bot, chat_id, message)
            sent = Sent(answer.chat.id, answer.message_id, _kept(answer))
            self._remember(sent)
            if keeping is not None:
                await keeping(sent)
        return sent

    def _remember(self, sent: Sent) -> None:
        self._sent[sent.chat_id, sent.message_id] = None
        if len(self._sent) > _MOST_REMEMBERED:
            self._sent.popitem(last=False)


async def _post(bot: Bot, chat_id: int, message: Outgoing) -> Message:
    reply = None
    if message.reply_to is not None:
        reply = ReplyParameters(message.reply_to, allow_sending_without_reply=True)
    if message.file is not None:
        send = bot.send_photo if message.file.is_photo else bot.send_document
        return await send(
            chat_id,
            InputFile(message.file.content, filename=message.file.name),
            caption=message.text,
            disable_notification=message.is_silent,
            message_thread_id=message.topic,
            reply_parameters=reply,
            read_timeout=_FILE_WITHIN,
        )
    return await bot.send_message(
        chat_id,
        message.text,
        disable_notification=message.is_silent,
        parse_mode=None if message.is_plain else ParseMode.HTML,
        message_thread_id=message.topic,
        reply_parameters=reply,
        reply_markup=message.reply or _markup(message.keyboard),
        link_preview_options=_NO_PREVIEW,
    )


def _markup(keyboard: Keyboard) -> InlineKeyboardMarkup | None:
    """None for no buttons: an edit without any takes away those that are there."""
    return InlineKeyboardMarkup.de_json({"inline_keyboard": keyboard}) if keyboard else None


def _kept(answer: Message) -> Kept | None:
    return kept_message(answer.to_dict())
