"""What a person sees in the app: plain values, without ids of buttons or markup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sayso.testing.telegram._entities import FormattedText
from sayso.testing.telegram._state import ANONYMOUS_ADMINISTRATOR, Message, TelegramState


@dataclass(frozen=True, slots=True)
class SeenButton:
    """One button. `style` is "danger", "success", "primary" or `None`; `url` is set on links."""

    label: str
    style: str | None
    url: str | None
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class SeenEntity:
    """A formatted stretch of a message, with the words that it covers. `target` is a link's address, a user's id, or
    a time as it is linked in Markdown; `offset` where it begins in UTF-16 units, `language` that of code.
    """

    type: str
    words: str
    target: str | None
    offset: int = field(default=0, compare=False)
    language: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SeenDocument:
    """A file of a message; a picture where it `is_photo`."""

    name: str
    content: bytes
    is_photo: bool = False


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """A message as it looked when it was looked at: a later edit changes the app, not this value.

    `version` counts edits from 1. `asks_reply` says that the app has opened a reply to this message for the person.
    `notice` is the kind of a service message ("new_chat_members"), else `None`; `subjects` are the people whom it is
    about. A message that `is_silent` came without a sound; `notified` are the ids of those for whom it rang, muted or
    not.
    """

    chat_id: int
    message_id: int
    sender: str
    text: str
    entities: tuple[SeenEntity, ...]
    keyboard: tuple[tuple[SeenButton, ...], ...]
    date: datetime
    version: int
    thread_id: int | None
    topic: str | None
    reply_to: int | None
    document: SeenDocument | None
    asks_reply: bool
    placeholder: str | None
    notice: str | None
    subjects: tuple[str, ...] = ()
    is_silent: bool = False
    notified: tuple[int, ...] = ()

    @property
    def labels(self) -> list[list[str]]:
        """The labels of the buttons, row by row."""
        return [[button.label for button in row] for row in self.keyboard]


@dataclass(frozen=True, slots=True)
class PressResult:
    """What the person saw after a press. Without an acknowledgement the button spins until it times out."""

    is_acknowledged: bool
    text: str | None
    is_alert: bool
    took: timedelta


def seen_message(state: TelegramState, message: Message, viewer: int) -> SeenMessage:
    """The message as this person sees it now."""
    shown = message.shown
    force = message.force_reply
    file = state.files[message.document] if message.document else None
    return SeenMessage(
        chat_id=message.chat_id,
        message_id=message.message_id,
        sender=_name(state, message),
        text=shown.text,
        entities=_entities(message),
        keyboard=tuple(tuple(_button(button) for button in row) for row in shown.keyboard or []),
        date=message.date,
        version=len(message.versions),
        thread_id=message.thread_id,
        topic=state.chats[message.chat_id].topics.get(message.thread_id) if message.thread_id else None,
        reply_to=message.reply_to,
        document=SeenDocument(file.name, file.content, file.is_photo) if file else None,
        asks_reply=_asks(state, message, viewer),
        placeholder=force.placeholder if force else None,
        notice=next(iter(message.service)) if message.service else None,
        subjects=_subjects(message.service or {}),
        is_silent=message.is_silent,
        notified=message.notified,
    )


def _subjects(service: Mapping[str, Any]) -> tuple[str, ...]:
    """The first names of the accounts that a service message is about."""
    bodies: list[Any] = list(service.values())
    about: list[Any] = []
    for body in bodies:
        about += body if isinstance(body, list) else [body]
    people = [cast("dict[str, Any]", one) for one in about if isinstance(one, dict)]
    return tuple(str(one["first_name"]) for one in people if "first_name" in one)


def _name(state: TelegramState, message: Message) -> str:
    if message.sender_id == state.bot.id:
        return state.bot.first_name
    if message.sender_id == ANONYMOUS_ADMINISTRATOR:
        return state.chats[message.chat_id].title
    return state.accounts[message.sender_id].first_name


def _entities(message: Message) -> tuple[SeenEntity, ...]:
    formatted = FormattedText(message.shown.text, message.shown.entities)
    return tuple(
        SeenEntity(
            entity.type,
            formatted.covered(entity),
            _target(entity.extra),
            entity.offset,
            entity.extra.get("language"),
        )
        for entity in formatted.entities
    )


def _target(extra: dict[str, Any]) -> str | None:
    if "user" in extra:
        return str(extra["user"]["id"])
    if "unix_time" in extra:
        return f"tg://time?unix={extra['unix_time']}&format={extra.get('date_time_format', '')}"
    return extra.get("url")


def _button(button: dict[str, Any]) -> SeenButton:
    return SeenButton(button["text"], button.get("style"), button.get("url"), "disabled" in button)


def _asks(state: TelegramState, message: Message, viewer: int) -> bool:
    """Whether the reply is still open: shown to this person, and nothing said since."""
    if message.force_reply is None or (
        message.force_reply.selective and not _addresses(state, message, viewer)
    ):
        return False
    later = state.messages[message.chat_id].values()
    return not any(other.sender_id == viewer and other.message_id > message.message_id for other in later)


def _addresses(state: TelegramState, message: Message, viewer: int) -> bool:
    replied = state.messages[message.chat_id].get(message.reply_to) if message.reply_to else None
    if replied is not None and replied.sender_id == viewer:
        return True
    username = state.accounts[viewer].username
    return any(
        entity.target == str(viewer) or (username and entity.words.lower() == f"@{username}".lower())
        for entity in _entities(message)
    )
