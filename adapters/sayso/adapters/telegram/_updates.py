"""What an update says, as a value. Nothing that arrives raises: what cannot be read is `Unreadable` with the reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from sayso.adapters.telegram._data import CardButton, StepButton, decode
from sayso.engine import PersonId

ANONYMOUS_ADMINISTRATOR = 1087968824
"""The account @GroupAnonymousBot, which stands for administrators who hide (core.telegram.org/bots/api#message)."""

_COMMAND = re.compile(r"/([a-z_]{1,32})(?:@(\w+))?(?:\s+(.*))?", re.IGNORECASE | re.DOTALL)
_PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Chat:
    """Where something happened; `topic` is a forum topic's thread id."""

    id: int
    is_private: bool
    topic: int | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who did it. `person` is None for those who are nobody: bots, channels, and administrators who hide."""

    person: PersonId | None
    name: str
    user_id: int


@dataclass(frozen=True, slots=True)
class Pressed:
    """A press of a button; `button` is None for one that sayso did not make. `shown` is the text of its message where
    Telegram still has it, `label` that of the button.
    """

    query_id: str
    sender: Sender
    button: CardButton | StepButton | None
    chat: Chat | None
    message_id: int | None
    shown: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    """A message of a person's; `replies_to` is the message that it replies to, if that is one of the bot's."""

    sender: Sender
    chat: Chat
    message_id: int
    text: str
    replies_to: int | None


@dataclass(frozen=True, slots=True)
class Commanded:
    """A command; `addressee` is the bot that it names, if it names one."""

    sender: Sender
    chat: Chat
    message_id: int
    verb: str
    text: str
    addressee: str | None


@dataclass(frozen=True, slots=True)
class Migrated:
    """A group got another id."""

    old: int
    new: int


@dataclass(frozen=True, slots=True)
class StandingChanged:
    """The bot was let into a chat, or put out of it (blocked, by a person)."""

    chat: Chat
    is_in: bool


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that means nothing to sayso."""

    reason: str


Event: TypeAlias = Pressed | Typed | Commanded | Migrated | StandingChanged | Unreadable

_IN = frozenset({"member", "administrator", "creator", "restricted"})


def parse_update(update: object) -> Event:
    """What an update of the Bot API (core.telegram.org/bots/api#update) says."""
    if not isinstance(update, Mapping):
        return Unreadable("it is no object")
    fields = cast("Mapping[str, Any]", update)
    try:
        if "callback_query" in fields:
            return _press(fields["callback_query"])
        if "message" in fields:
            return _message(fields["message"])
        if "my_chat_member" in fields:
            changed = fields["my_chat_member"]
            return StandingChanged(_chat(changed), changed["new_chat_member"]["status"] in _IN)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Unreadable(f"{type(error).__name__}: {error}")
    return Unreadable("it is of a kind that sayso does not read")


def _press(query: Mapping[str, Any]) -> Event:
    message: Mapping[str, Any] | None = query.get("message")
    return Pressed(
        query_id=str(query["id"]),
        sender=_sender(query),
        button=decode(str(query.get("data", ""))),
        chat=None if message is None else _chat(message),
        message_id=None if message is None else int(message["message_id"]),
        shown=None if message is None else message.get("text"),
        label=None if message is None else _label(message, query.get("data")),
    )


def _label(message: Mapping[str, Any], data: object) -> str | None:
    """What the button with this data is called."""
    markup: dict[str, Any] = message.get("reply_markup") or {}
    rows: list[list[dict[str, Any]]] = markup.get("inline_keyboard") or []
    return next((one.get("text") for row in rows for one in row if one.get("callback_data") == data), None)


def _message(message: Mapping[str, Any]) -> Event:
    if "migrate_to_chat_id" in message:
        return Migrated(int(message["chat"]["id"]), int(message["migrate_to_chat_id"]))
    text = message.get("text")
    if not isinstance(text, str):
        return Unreadable("it is a message without text")
    sender, chat, message_id = _sender(message), _chat(message), int(message["message_id"])
    replied: Mapping[str, Any] | None = message.get("reply_to_message")
    replies_to = (
        int(replied["message_id"])
        if replied is not None and replied.get("from", {}).get("is_bot") is True
        else None
    )
    match = _COMMAND.fullmatch(text.strip())
    if match is not None and not (replies_to is not None and match[3] is None and match[2] is None):
        return Commanded(sender, chat, message_id, match[1].lower(), match[3] or "", match[2])
    return Typed(sender, chat, message_id, text, replies_to)


def _sender(fields: Mapping[str, Any]) -> Sender:
    user = fields["from"]
    user_id = int(user["id"])
    name = " ".join(part for part in (user.get("first_name"), user.get("last_name")) if part)
    hidden = user_id == ANONYMOUS_ADMINISTRATOR or "sender_chat" in fields or user.get("is_bot") is True
    return Sender(None if hidden else PersonId(f"telegram:{user_id}"), name, user_id)


def _chat(fields: Mapping[str, Any]) -> Chat:
    chat = fields["chat"]
    topic = fields.get("message_thread_id") if fields.get("is_topic_message") is True else None
    return Chat(int(chat["id"]), chat.get("type") == _PRIVATE, topic)
