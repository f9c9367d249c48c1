"""What the local Telegram remembers: plain values that can be written to a file and read back.

Messages are kept with all their versions, because an app may still show an old keyboard when it is pressed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sayso.testing.telegram._entities import Entity
from sayso.testing.telegram._markup import ForceReply

ANONYMOUS_ADMINISTRATOR = 1087968824  # GroupAnonymousBot, who speaks for administrators that hide
FIRST_UPDATE = 700_000_001


class ChatKind(StrEnum):
    """The kinds of chats that are played."""

    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"


class Status(StrEnum):
    """What somebody is in a chat, in the words of `ChatMember`."""

    CREATOR = "creator"
    ADMINISTRATOR = "administrator"
    MEMBER = "member"
    LEFT = "left"
    KICKED = "kicked"


class CallbackQueryMode(StrEnum):
    """Where presses come from, as `setMySettings` of Bot API 10.5 has it; with `AUTO` it is the same here as with
    `INLINE`.
    """

    DEFAULT = "default"
    AUTO = "auto"
    INLINE = "inline"


class QueryForm(StrEnum):
    """What a press brings of its message: all of it, only where it is, or a name that stands for it."""

    MESSAGE = "message"
    INACCESSIBLE = "inaccessible"
    INLINE = "inline"


PRESENT = (Status.CREATOR, Status.ADMINISTRATOR, Status.MEMBER)


@dataclass(frozen=True, slots=True)
class Account:
    """A person or the bot."""

    id: int
    first_name: str
    username: str | None = None
    language: str | None = None
    is_bot: bool = False
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody's place in a chat."""

    status: Status
    is_anonymous: bool = False


@dataclass(slots=True)
class Chat:
    """A private chat (its id is the person's), a basic group or a supergroup."""

    id: int
    kind: ChatKind
    title: str
    members: dict[int, Member]
    is_forum: bool = False
    topics: dict[int, str] = field(default_factory=dict[int, str])
    closed_topics: list[int] = field(default_factory=list[int])
    is_started: bool = True  # private chats: the person has pressed Start
    bot_may_write: bool = True  # groups: cleared when administrators restrict the bot
    migrated_to: int | None = None
    last_message_id: int = 0  # supergroups count their own messages

    def status(self, account_id: int) -> Status:
        """What the account is here; who never was here has left."""
        member = self.members.get(account_id)
        return member.status if member else Status.LEFT


@dataclass(frozen=True, slots=True)
class Content:
    """One version of what a message shows."""

    text: str
    entities: tuple[Entity, ...]
    keyboard: list[list[dict[str, Any]]] | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """A message with its versions, oldest first. `service` is set for notices such as "joined the group". It
    rang for those who were `notified`.
    """

    chat_id: int
    message_id: int
    sender_id: int
    date: datetime
    versions: tuple[Content, ...]
    sender_chat_id: int | None = None
    thread_id: int | None = None
    reply_to: int | None = None
    document: str | None = None
    forwarded_from: str | None = None
    service: dict[str, Any] | None = None
    force_reply: ForceReply | None = None
    reply_keyboard: list[list[str]] | None = None
    is_deleted: bool = False
    is_silent: bool = False
    notified: tuple[int, ...] = ()

    @property
    def shown(self) -> Content:
        """The newest version."""
        return self.versions[-1]


@dataclass(frozen=True, slots=True)
class PendingUpdate:
    """An update that the bot has not confirmed."""

    update_id: int
    kind: str
    body: dict[str, Any]
    queue: int
    created: datetime
    expires: datetime


@dataclass(slots=True)
class CallbackQuery:
    """A press, with what the bot answered."""

    id: str
    person_id: int
    chat_id: int
    message_id: int
    data: str
    pressed_at: datetime
    answered_at: datetime | None = None
    text: str | None = None
    show_alert: bool = False
    form: QueryForm = QueryForm.MESSAGE


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was uploaded."""

    file_id: str
    name: str
    media_type: str
    content: bytes
    is_photo: bool = False


@dataclass(slots=True)
class Webhook:
    """Where updates are pushed, and how the last push failed."""

    url: str
    secret_token: str | None = None
    max_connections: int = 40
    last_error_at: datetime | None = None
    last_error: str | None = None
    failures: int = 0


@dataclass(slots=True)
class TelegramState:
    """Everything."""

    bot: Account
    accounts: dict[int, Account] = field(default_factory=dict[int, Account])
    chats: dict[int, Chat] = field(default_factory=dict[int, Chat])
    messages: dict[int, dict[int, Message]] = field(default_factory=dict[int, dict[int, Message]])
    last_message_id: int = 0  # private chats and basic groups share one count
    updates: list[PendingUpdate] = field(default_factory=list[PendingUpdate])
    next_update_id: int = FIRST_UPDATE
    lost_updates: list[PendingUpdate] = field(default_factory=list[PendingUpdate])
    allowed_updates: list[str] = field(default_factory=list[str])
    callbacks: dict[str, CallbackQuery] = field(default_factory=dict[str, CallbackQuery])
    files: dict[str, StoredFile] = field(default_factory=dict[str, StoredFile])
    commands: dict[str, list[dict[str, str]]] = field(default_factory=dict[str, list[dict[str, str]]])
    menu_buttons: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    webhook: Webhook | None = None
