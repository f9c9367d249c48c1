"""What an update says, as a value. Nothing that arrives raises: what cannot be read is `Unreadable` with the reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias, cast

from sayso.adapters.cards import utf16_length
from sayso.adapters.telegram._data import PREFIX, CardButton, StepButton, decode
from sayso.adapters.telegram._kept import is_marked, kept_message, stands
from sayso.adapters.telegram._text import MESSAGE_LIMIT
from sayso.engine import Kept, PersonId

ANONYMOUS_ADMINISTRATOR = 1087968824
"""The account @GroupAnonymousBot, which stands for administrators who hide (core.telegram.org/bots/api#message)."""

_COMMAND = re.compile(r"/([a-z_]{1,32})(?:@(\w+))?(?:\s+(.*))?", re.IGNORECASE | re.DOTALL)
_PRIVATE = "private"
_CONTENTS = frozenset(
    {
        "animation", "audio", "checklist", "contact", "dice", "document", "game", "location", "paid_media", "photo",
        "poll", "sticker", "story", "venue", "video", "video_note", "voice",
    }
)  # fmt: skip
"""What people send that is no text; what else has none tells of the chat itself."""


class Unfit(StrEnum):
    """Why a message is not taken as what somebody says, in the words that they hear."""

    FORWARDED = "Not taken: what was forwarded is not in your own words. Please write it yourself."
    CUT = (
        "Not taken: a text of 4096 characters may be a part of a longer one, which the app has split. Please start "
        "again from the card, with a shorter one."
    )
    NO_TEXT = "Not taken: only a text can be read here. Please write it."
    EDITED = "Not taken: editing a message changes nothing. The card shows what counts."


@dataclass(frozen=True, slots=True)
class Chat:
    """Where something happened; `topic` is a forum topic's thread id."""

    id: int
    is_private: bool
    topic: int | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who did it. `person` is None for those who are nobody: bots, channels, and administrators who hide. `language` is
    that of their app, as a tag.
    """

    person: PersonId | None
    name: str
    user_id: int
    language: str = ""


@dataclass(frozen=True, slots=True)
class Pressed:
    """A press of a button; `button` is None for one that sayso did not make. `kept` is what Telegram says that it keeps
    of its message: None where it does not say, as for messages that are hours old. `stands` is whether the message has
    this button, and no other with its data; `is_marked` whether its data says that it is sayso's, as it has said since
    there are others who use the same bot.
    """

    query_id: str
    sender: Sender
    button: CardButton | StepButton | None
    chat: Chat | None
    message_id: int | None
    kept: Kept | None = None
    stands: bool = False
    is_marked: bool = False


@dataclass(frozen=True, slots=True)
class Typed:
    """A message of a person's; `replies_to` is the message that it replies to, if that is one of the bot's, and
    `replied` what Telegram says that it keeps of that; `is_marked` is whether that has buttons of sayso's. With `unfit`
    it says nothing.
    """

    sender: Sender
    chat: Chat
    message_id: int
    text: str
    replies_to: int | None
    unfit: Unfit | None
    replied: Kept | None = None
    is_marked: bool = False


@dataclass(frozen=True, slots=True)
class Commanded:
    """A command: its `verb`, the `text` behind it, and the bot that it names as `addressee`, if it names one. `typed`
    is the message as it stands.
    """

    typed: Typed
    verb: str
    text: str
    addressee: str | None

    @property
    def sender(self) -> Sender:
        """Who wrote it."""
        return self.typed.sender

    @property
    def chat(self) -> Chat:
        """Where."""
        return self.typed.chat


@dataclass(frozen=True, slots=True)
class Migrated:
    """A group got another id."""

    old: int
    new: int


@dataclass(frozen=True, slots=True)
class StandingChanged:
    """The bot was let into a chat or a topic of it that was closed, or put out of it (blocked, by a person)."""

    chat: Chat
    is_in: bool


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that means nothing to sayso."""

    reason: str


Event: TypeAlias = Pressed | Typed | Commanded | Migrated | StandingChanged | Unreadable

_IN = frozenset({"member", "administrator", "creator", "restricted"})


def parse_update(update: object, bot_id: str) -> Event:
    """What an update of the Bot API (core.telegram.org/bots/api#update) says to the bot with this id."""
    if not isinstance(update, Mapping):
        return Unreadable("it is not an object")
    fields = cast("Mapping[str, Any]", update)
    try:
        if "callback_query" in fields:
            return _press(fields["callback_query"])
        if "message" in fields:
            return _message(fields["message"], bot_id)
        if "edited_message" in fields:
            return _message(fields["edited_message"], bot_id, edited=True)
        if "my_chat_member" in fields:
            changed = fields["my_chat_member"]
            return StandingChanged(_chat(changed), changed["new_chat_member"]["status"] in _IN)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Unreadable(f"{type(error).__name__}: {error}")
    return Unreadable("it is of a kind that sayso does not read")


def _press(query: Mapping[str, Any]) -> Event:
    message: Mapping[str, Any] | None = query.get("message")
    data = str(query.get("data", ""))
    return Pressed(
        query_id=str(query["id"]),
        sender=_sender(query),
        button=decode(data),
        chat=None if message is None else _chat(message),
        message_id=None if message is None else int(message["message_id"]),
        kept=kept_message(message),
        stands=message is not None and stands(message, data),
        is_marked=data.startswith(PREFIX),
    )


def _message(message: Mapping[str, Any], bot_id: str, *, edited: bool = False) -> Event:
    if "migrate_to_chat_id" in message:
        return Migrated(int(message["chat"]["id"]), int(message["migrate_to_chat_id"]))
    if "forum_topic_reopened" in message:
        return StandingChanged(_chat(message), is_in=True)
    text = message.get("text")
    if not isinstance(text, str):
        if edited or not _CONTENTS & message.keys():
            return Unreadable("it is a message without text")
        text = None
    replied: Mapping[str, Any] = message.get("reply_to_message") or {}
    is_reply = str(replied.get("from", {}).get("id")) == bot_id
    typed = Typed(
        _sender(message),
        _chat(message),
        int(message["message_id"]),
        text or "",
        int(replied["message_id"]) if is_reply else None,
        _unfit(message, text, edited=edited),
        kept_message(replied) if is_reply else None,
        is_reply and is_marked(replied),
    )
    match = _COMMAND.fullmatch(typed.text.strip())
    if match is not None and not (is_reply and match[3] is None and match[2] is None):
        return Commanded(typed, match[1].lower(), match[3] or "", match[2])
    return typed


def _unfit(message: Mapping[str, Any], text: str | None, *, edited: bool) -> Unfit | None:
    if edited:
        return Unfit.EDITED
    if "forward_origin" in message:
        return Unfit.FORWARDED
    if text is None:
        return Unfit.NO_TEXT
    return Unfit.CUT if utf16_length(text) >= MESSAGE_LIMIT else None


def _sender(fields: Mapping[str, Any]) -> Sender:
    user = fields["from"]
    user_id = int(user["id"])
    name = " ".join(part for part in (user.get("first_name"), user.get("last_name")) if part)
    hidden = user_id == ANONYMOUS_ADMINISTRATOR or "sender_chat" in fields or user.get("is_bot") is True
    return Sender(
        None if hidden else PersonId(f"telegram:{user_id}"),
        name,
        user_id,
        str(user.get("language_code") or ""),
    )


def _chat(fields: Mapping[str, Any]) -> Chat:
    chat = fields["chat"]
    topic = fields.get("message_thread_id") if fields.get("is_topic_message") is True else None
    return Chat(int(chat["id"]), chat.get("type") == _PRIVATE, topic)
