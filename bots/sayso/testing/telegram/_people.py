"""People with the Telegram app in their hands: they press what they see, type, reply, block, and look."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import uuid4

from sayso.testing.platform import Impossible
from sayso.testing.telegram._groups import Group
from sayso.testing.telegram._state import (
    ANONYMOUS_ADMINISTRATOR,
    PRESENT,
    Account,
    CallbackQuery,
    Chat,
    ChatKind,
    Content,
    Member,
    Message,
    QueryForm,
    Status,
    StoredFile,
)
from sayso.testing.telegram._text import typed_text
from sayso.testing.telegram._view import PressResult, SeenMessage, seen_message
from sayso.testing.telegram._world import World


class Until(Protocol):
    """Waits until a condition holds, or until an instant on the server's clock."""

    async def __call__(self, condition: Callable[[], bool], *, by: datetime | None = None) -> None:
        """Return when one of them is so."""
        ...


@dataclass(frozen=True, slots=True)
class Press:
    """A press that is on its way; `result` waits for what the person sees."""

    query_id: str
    _world: World
    _until: Until

    async def result(self) -> PressResult:
        """Wait until the bot acknowledges, or until the server's clock says that the app has timed out."""
        query = self._world.state.callbacks[self.query_id]
        window = self._world.limits.answer_window

        await self._until(lambda: query.answered_at is not None, by=query.pressed_at + window)
        if query.answered_at is None:
            return PressResult(is_acknowledged=False, text=None, is_alert=False, took=window)
        return PressResult(
            is_acknowledged=True,
            text=query.text,
            is_alert=query.show_alert,
            took=query.answered_at - query.pressed_at,
        )


class Person:
    """One account. `chat` arguments are a `Group`, or `None` for the person's own chat with the bot."""

    def __init__(self, world: World, account_id: int, until: Until) -> None:
        self._world = world
        self._until = until
        self.id = account_id

    @property
    def name(self) -> str:
        """The name that others see."""
        return self._account.first_name

    @property
    def username(self) -> str | None:
        """The name after the `@`, if the person has one."""
        return self._account.username

    @property
    def has_private_chat(self) -> bool:
        """Whether the person ever opened the bot."""
        return self._world.private_chat(self.id) is not None

    @property
    def _account(self) -> Account:
        return self._world.state.accounts[self.id]

    # --- looking -----------------------------------------------------------------------------------

    async def sees(self, chat: Group | None = None) -> list[SeenMessage]:
        """All messages of the chat, oldest first, as they are now."""
        place = self._place(chat, must_be_in=True)
        messages = self._world.state.messages.get(place.id, {}).values()
        return [seen_message(self._world.state, m, self.id) for m in messages if not m.is_deleted]

    async def last(self, chat: Group | None = None) -> SeenMessage:
        """The newest message of the chat."""
        if messages := await self.sees(chat):
            return messages[-1]
        raise Impossible(self.name, "the chat is empty")

    async def now(self, message: SeenMessage) -> SeenMessage:
        """The same message as it looks now."""
        return seen_message(self._world.state, self._current(message), self.id)

    # --- pressing ----------------------------------------------------------------------------------

    async def press(
        self,
        message: SeenMessage,
        label: str | None = None,
        *,
        position: int | None = None,
        old_view: bool = False,
        inaccessible: bool = False,
    ) -> PressResult:
        """Press a button and wait for what comes back; see `tap`."""
        press = await self.tap(
            message, label, position=position, old_view=old_view, inaccessible=inaccessible
        )
        return await press.result()

    async def tap(
        self,
        message: SeenMessage,
        label: str | None = None,
        *,
        position: int | None = None,
        old_view: bool = False,
        inaccessible: bool = False,
    ) -> Press:
        """Press the button with this label, or the one at this place (from 0, row by row), and wait for nothing.

        With `old_view` the keyboard is the one in `message`, even if the bot has edited or deleted it since: an app
        that was offline shows it still. `inaccessible` plays a message so old that the bot gets no content with it, as
        happens by itself after a while (`TelegramLimits.accessible_for`).
        """
        stored = self._world.state.messages[message.chat_id][message.message_id]
        self._require_present(self._world.state.chats[stored.chat_id])
        version = stored.versions[message.version - 1] if old_view else self._current(message).shown
        button = self._button(version, label, position)
        if "callback_data" not in button:
            raise Impossible(
                self.name, f"{button['text']!r} opens a link or is disabled; use follow() for links"
            )
        query = CallbackQuery(
            str(uuid4().int % 2**63),
            self.id,
            stored.chat_id,
            stored.message_id,
            button["callback_data"],
            self._world.now(),
            form=QueryForm.INACCESSIBLE if inaccessible else self._world.form_of_press(stored),
        )
        self._world.press(query)
        return Press(query.id, self._world, self._until)

    async def press_again(self, press: Press) -> None:
        """Deliver the identical callback query again, as a platform that lost the confirmation would send it."""
        self._world.press(self._world.state.callbacks[press.query_id])

    async def follow(self, message: SeenMessage, label: str) -> str:
        """Open a link button. A deep link to the bot (`?start=`) starts it with its payload. Returns the address."""
        button = self._button(self._current(message).shown, label, None)
        if "url" not in button:
            raise Impossible(self.name, f"{label!r} is not a link")
        url = str(button["url"])
        bot = self._world.state.bot.username
        if match := re.fullmatch(rf"(?:https://t\.me/{bot}\?|tg://resolve\?domain={bot}&)start=(.*)", url):
            await self.start(match[1])
        return url

    def _button(self, version: Content, label: str | None, position: int | None) -> Mapping[str, Any]:
        buttons = [button for row in version.keyboard or [] for button in row]
        labels = [button["text"] for button in buttons]
        if position is not None:
            if position >= len(buttons) or label not in (None, labels[position]):
                raise Impossible(self.name, f"there is no button {label or ''!r} at {position} of {labels}")
            return buttons[position]
        found = [button for button in buttons if button["text"] == label]
        if len(found) != 1:
            raise Impossible(self.name, f"{len(found)} buttons say {label!r}; there are {labels}")
        return found[0]

    def _current(self, message: SeenMessage) -> Message:
        found = self._world.message(message.chat_id, message.message_id)
        if found is None:
            raise Impossible(self.name, f"message {message.message_id} was deleted")
        return found

    # --- writing -----------------------------------------------------------------------------------

    async def say(
        self, chat: Group | None, text: str, *, topic: int | None = None, anonymous: bool = False
    ) -> SeenMessage:
        """Send a message; `topic` is a forum topic's id, `anonymous` hides an administrator behind the group."""
        return self._write(self._place(chat, must_be_in=True), text, topic, None, anonymous=anonymous)

    async def command(self, chat: Group | None, text: str, *, topic: int | None = None) -> SeenMessage:
        """Send a command such as `/pending`."""
        if not text.startswith("/"):
            raise Impossible(self.name, f"{text!r} is not a command")
        return await self.say(chat, text, topic=topic)

    async def reply(
        self, message: SeenMessage, text: str, *, anonymous: bool = False, file: bytes | None = None
    ) -> SeenMessage:
        """Reply to a message; with a file the text is its caption, and may be empty."""
        replied = self._current(message)
        chat = self._world.state.chats[replied.chat_id]
        self._require_present(chat)
        return self._write(chat, text, replied.thread_id, replied.message_id, anonymous=anonymous, file=file)

    async def forward(self, chat: Group | None, text: str, *, author: str) -> SeenMessage:
        """Forward what somebody else wrote elsewhere."""
        place = self._place(chat, must_be_in=True)
        return self._write(place, text, None, None, anonymous=False, author=author)

    async def edit(self, message: SeenMessage, text: str) -> SeenMessage:
        """Change the text of a message of one's own."""
        old = self._current(message)
        if old.sender_id != self.id:
            raise Impossible(self.name, "it is somebody else's message")
        formatted = typed_text(text)
        content = replace(old.shown, text=formatted.text, entities=formatted.entities, at=self._world.now())
        return seen_message(self._world.state, self._world.rewrite(old, content), self.id)

    def _write(
        self,
        chat: Chat,
        text: str,
        topic: int | None,
        reply_to: int | None,
        *,
        anonymous: bool,
        file: bytes | None = None,
        author: str | None = None,
    ) -> SeenMessage:
        if chat.migrated_to is not None:
            raise Impossible(self.name, "the group was upgraded; nobody can write in the old one")
        if topic is not None and topic not in chat.topics:
            raise Impossible(self.name, f"there is no topic {topic}")
        administers = chat.status(self.id) in {Status.CREATOR, Status.ADMINISTRATOR}
        if topic in chat.closed_topics and not administers:
            raise Impossible(self.name, f"topic {topic} is closed")
        if chat.kind is ChatKind.PRIVATE and chat.status(self._world.state.bot.id) not in PRESENT:
            raise Impossible(self.name, "the bot is blocked; unblock it first")
        formatted = typed_text(text)
        if not formatted.text and file is None:
            raise Impossible(self.name, "the app sends no empty message")
        content = Content(formatted.text, formatted.entities, None, self._world.now())
        hidden = anonymous or chat.members[self.id].is_anonymous
        if hidden and not administers:
            raise Impossible(self.name, "only administrators can hide")
        message = self._world.post(
            chat,
            ANONYMOUS_ADMINISTRATOR if hidden else self.id,
            content,
            sender_chat_id=chat.id if hidden else None,
            thread_id=topic,
            reply_to=reply_to,
            document=None if file is None else self._attached(file),
            forwarded_from=author,
        )
        return seen_message(self._world.state, message, self.id)

    def _attached(self, content: bytes) -> str:
        files = self._world.state.files
        file = StoredFile(f"file{len(files) + 1}", "attached", "application/octet-stream", content)
        files[file.file_id] = file
        return file.file_id

    # --- the bot as a contact ----------------------------------------------------------------------

    async def start(self, payload: str | None = None) -> SeenMessage:
        """Press Start, or open a deep link with a payload; a blocked bot is unblocked by it."""
        if payload is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", payload):
            raise Impossible(self.name, f"{payload!r} is not a start payload: 1-64 of A-Z a-z 0-9 _ -")
        chat = self._world.start_private_chat(self.id)
        await self.unblock()
        return self._write(chat, f"/start {payload}" if payload else "/start", None, None, anonymous=False)

    async def block(self) -> None:
        """Block the bot: it may not write any more."""
        self._set_bot(Status.KICKED)

    async def unblock(self) -> None:
        """Let the bot write again."""
        self._set_bot(Status.MEMBER)

    async def delete_account(self) -> None:
        """Leave Telegram: the bot gets 403 "user is deactivated"."""
        self._world.state.accounts[self.id] = replace(self._account, is_deleted=True)
        self._world.changed()

    async def leave(self, group: Group) -> None:
        """Leave a group."""
        await group.remove(self.id, by=self.id, kick=False)

    def _set_bot(self, status: Status) -> None:
        chat = self._place(None, must_be_in=False)
        self._world.set_member(chat, self._world.state.bot, Member(status), by=self._account)

    # --- places ------------------------------------------------------------------------------------

    def _place(self, chat: Group | None, *, must_be_in: bool) -> Chat:
        if chat is not None:
            found = self._world.state.chats[chat.id]
            if must_be_in:
                self._require_present(found)
            return found
        private = self._world.private_chat(self.id)
        if private is None:
            raise Impossible(self.name, "has no chat with the bot yet; start() opens one")
        return private

    def _require_present(self, chat: Chat) -> None:
        if chat.status(self.id) not in PRESENT:
            raise Impossible(self.name, f"is not in {chat.title!r}")
