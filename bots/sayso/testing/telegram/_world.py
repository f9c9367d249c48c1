"""What happens in the chats, whoever caused it: messages appear, members change, groups move.

Everything that the bot is to learn becomes an update here, so the rules of what a bot sees (privacy mode, membership)
stand in one place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sayso.testing.telegram._limits import FloodGate, TelegramLimits
from sayso.testing.telegram._state import (
    ANONYMOUS_ADMINISTRATOR,
    PRESENT,
    Account,
    CallbackQuery,
    CallbackQueryMode,
    Chat,
    ChatKind,
    Content,
    Member,
    Message,
    QueryForm,
    Status,
    TelegramState,
)
from sayso.testing.telegram._updates import UpdateQueue
from sayso.testing.telegram._wire import (
    callback_json,
    chat_json,
    member_json,
    message_json,
    timestamp,
    user_json,
)

FIRST_GROUP = -4_000_000_001
FIRST_SUPERGROUP = -1_002_000_000_001


class World:
    """The state with the rules of how it changes. It knows no HTTP and no people's wishes."""

    def __init__(
        self,
        state: TelegramState,
        limits: TelegramLimits,
        now: Callable[[], datetime],
        changed: Callable[[], None],
        problem: Callable[[str], None],
        *,
        privacy_mode: bool,
    ) -> None:
        self.state = state
        self.limits = limits
        self.now = now
        self.changed = changed
        self.problem = problem
        self.privacy_mode = privacy_mode
        self.callback_query_mode = CallbackQueryMode.DEFAULT
        self.webhook_is_cut = False
        self.updates = UpdateQueue(state, limits, now, changed, problem)
        self.gate = FloodGate(limits, now)

    # --- messages ----------------------------------------------------------------------------------

    def post(self, chat: Chat, sender_id: int, content: Content, **fields: Any) -> Message:
        """A new message in the chat; the bot hears of it if it is somebody else's and the bot may see it."""
        message = Message(chat.id, self._next_message_id(chat), sender_id, content.at, (content,), **fields)
        self.state.messages.setdefault(chat.id, {})[message.message_id] = message
        self.changed()
        if sender_id != self.state.bot.id and self._bot_sees(chat, message):
            self.updates.put("message", message_json(self.state, message), queue=chat.id)
        return message

    def notice(self, chat: Chat, by: int, service: dict[str, Any], **fields: Any) -> Message:
        """A service message ("joined", "migrated"), which every bot in the chat sees."""
        return self.post(chat, by, Content("", (), None, self.now()), service=service, **fields)

    def revise(self, message: Message, content: Content) -> Message:
        """The message with a new version."""
        return self.keep(replace(message, versions=(*message.versions, content)))

    def rewrite(self, message: Message, content: Content) -> Message:
        """Somebody edits what they wrote; the bot hears of it if it may see the message."""
        edited = self.revise(message, content)
        chat = self.state.chats[message.chat_id]
        if self._bot_sees(chat, edited):
            self.updates.put("edited_message", message_json(self.state, edited), queue=chat.id)
        return edited

    def keep(self, message: Message) -> Message:
        """Put a changed message in the place of the old one."""
        self.state.messages[message.chat_id][message.message_id] = message
        self.changed()
        return message

    def delete(self, message: Message) -> None:
        """Gone for everybody; a press from a view that has not noticed yet still reaches the bot."""
        self.keep(replace(message, is_deleted=True))

    def message(self, chat_id: int, message_id: int) -> Message | None:
        """The message as it is now, unless it was deleted."""
        found = self.state.messages.get(chat_id, {}).get(message_id)
        return None if found is None or found.is_deleted else found

    def _next_message_id(self, chat: Chat) -> int:
        if chat.kind is ChatKind.SUPERGROUP:
            chat.last_message_id += 1
            return chat.last_message_id
        self.state.last_message_id += 1
        return self.state.last_message_id

    def _bot_sees(self, chat: Chat, message: Message) -> bool:
        if chat.kind is ChatKind.PRIVATE:
            return chat.status(self.state.bot.id) in PRESENT
        status = chat.status(self.state.bot.id)
        if status not in PRESENT:
            return False
        if message.service is not None or not self.privacy_mode or status is Status.ADMINISTRATOR:
            return True
        replied = self.message(chat.id, message.reply_to) if message.reply_to else None
        return self._is_command(message) or (replied is not None and replied.sender_id == self.state.bot.id)

    def _is_command(self, message: Message) -> bool:
        """A command for this bot or for any: `/pending`, `/pending@sayso_bot`, not `/pending@other_bot`."""
        if not any(entity.type == "bot_command" and entity.offset == 0 for entity in message.shown.entities):
            return False
        _, at, name = message.shown.text.split(maxsplit=1)[0].partition("@")
        return not at or name.lower() == str(self.state.bot.username).lower()

    # --- presses -----------------------------------------------------------------------------------

    def form_of_press(self, message: Message) -> QueryForm:
        """What a press on a message brings of it."""
        if self.callback_query_mode is not CallbackQueryMode.DEFAULT:
            return QueryForm.INLINE
        is_old = self.now() - message.date > self.limits.accessible_for
        return QueryForm.INACCESSIBLE if is_old else QueryForm.MESSAGE

    def press(self, query: CallbackQuery) -> None:
        """A press reaches the bot as a callback query; the same query may come again."""
        self.state.callbacks[query.id] = query
        body = callback_json(self.state, query)
        self.updates.put("callback_query", body, queue=query.person_id)

    # --- chats and members -------------------------------------------------------------------------

    def add_account(self, name: str, username: str | None, language: str | None) -> Account:
        """A new person."""
        next_id = max([5_000_000_000, *self.state.accounts]) + 1  # above 32 bits, like real new accounts
        account = self.state.accounts[next_id] = Account(next_id, name, username, language)
        self.changed()
        return account

    def private_chat(self, person_id: int) -> Chat | None:
        """The person's chat with the bot, if they ever opened it."""
        return self.state.chats.get(person_id)

    def start_private_chat(self, person_id: int) -> Chat:
        """The person's chat with the bot, opened if need be."""
        chat = self.state.chats.get(person_id)
        if chat is None:
            members = {person_id: Member(Status.MEMBER), self.state.bot.id: Member(Status.MEMBER)}
            chat = Chat(person_id, ChatKind.PRIVATE, "", members)
            self.state.chats[person_id] = chat
            self.changed()
        return chat

    def add_group(self, title: str, *, supergroup: bool, forum: bool) -> Chat:
        """A new group with nobody in it."""
        kind = ChatKind.SUPERGROUP if supergroup else ChatKind.GROUP
        first = FIRST_SUPERGROUP if supergroup else FIRST_GROUP
        taken = [chat.id for chat in self.state.chats.values() if chat.kind is kind]
        chat = Chat(min([first + 1, *taken]) - 1, kind, title, {}, is_forum=forum)
        self.state.chats[chat.id] = chat
        self.changed()
        return chat

    def set_member(self, chat: Chat, account: Account, member: Member, *, by: Account) -> None:
        """Somebody's place in a chat changes, and the bot hears of it: always of its own, else if it asked."""
        old = chat.members.get(account.id, Member(Status.LEFT))
        if old == member:
            return
        chat.members[account.id] = member
        self.changed()
        is_bot = account.id == self.state.bot.id
        bot_status = chat.status(self.state.bot.id)
        if not is_bot and bot_status is not Status.ADMINISTRATOR:
            return
        body = {
            "chat": chat_json(self.state, chat),
            "from": user_json(by),
            "date": timestamp(self.now()),
            "old_chat_member": member_json(account, old),
            "new_chat_member": member_json(account, member),
        }
        self.updates.put("my_chat_member" if is_bot else "chat_member", body, queue=chat.id)

    def migrate(self, chat: Chat, *, by: Account) -> Chat:
        """The group becomes a supergroup under a new id, and says so in both."""
        new = self.add_group(chat.title, supergroup=True, forum=False)
        new.members = dict(chat.members)
        self.notice(chat, by.id, {"migrate_to_chat_id": new.id})
        chat.migrated_to = new.id
        self.notice(new, ANONYMOUS_ADMINISTRATOR, {"migrate_from_chat_id": chat.id}, sender_chat_id=new.id)
        return new
