"""Groups as their members handle them: people come and go, get rights, open topics, upgrade the group."""

from __future__ import annotations

from typing import Protocol

from sayso.testing.platform import Impossible
from sayso.testing.telegram._state import PRESENT, Account, Chat, ChatKind, Member, Status
from sayso.testing.telegram._wire import user_json
from sayso.testing.telegram._world import World


class HasId(Protocol):
    """Anybody who can be in a group."""

    @property
    def id(self) -> int:
        """The account's id."""
        ...


class Group:
    """A basic group or a supergroup. After `upgrade` its `id` is the new one and `former_id` the old one."""

    def __init__(self, world: World, chat_id: int) -> None:
        self._world = world
        self.id = chat_id
        self.former_id: int | None = None

    @property
    def title(self) -> str:
        """The group's name."""
        return self._chat.title

    @property
    def members(self) -> list[int]:
        """The ids of all who are in it, the bot among them."""
        return [account_id for account_id, member in self._chat.members.items() if member.status in PRESENT]

    @property
    def _chat(self) -> Chat:
        return self._world.state.chats[self.id]

    def _creator(self) -> Account:
        for account_id, member in self._chat.members.items():
            if member.status is Status.CREATOR:
                return self._account(account_id)
        raise Impossible(self.title, "has no creator: add somebody first")

    def _account(self, account_id: int) -> Account:
        state = self._world.state
        return state.bot if account_id == state.bot.id else state.accounts[account_id]

    # --- members -----------------------------------------------------------------------------------

    async def add(self, *people: HasId) -> None:
        """Add people; the first one ever is the creator."""
        for person in people:
            first = not self._chat.members
            self._set(person.id, Status.CREATOR if first else Status.MEMBER)
            if not first:
                self._notice("new_chat_members", [user_json(self._account(person.id))])

    async def kick(self, person: HasId) -> None:
        """Remove somebody for good."""
        await self.remove(person.id, by=self._creator().id, kick=True)

    async def remove(self, account_id: int, *, by: int, kick: bool) -> None:
        """Somebody leaves (`by` is themselves) or is removed."""
        self._notice("left_chat_member", user_json(self._account(account_id)), by=by)
        self._set(account_id, Status.KICKED if kick else Status.LEFT, by=by)

    async def promote(self, person: HasId, *, anonymous: bool = False) -> None:
        """Make somebody an administrator; an anonymous one always writes as the group."""
        status = self._chat.status(person.id)
        new = status if status is Status.CREATOR else Status.ADMINISTRATOR
        self._set(person.id, new, anonymous=anonymous)

    async def demote(self, person: HasId) -> None:
        """Back to an ordinary member."""
        self._set(person.id, Status.MEMBER)

    # --- the bot -----------------------------------------------------------------------------------

    async def add_bot(self) -> None:
        """Add the bot."""
        self._set(self._world.state.bot.id, Status.MEMBER)
        self._notice("new_chat_members", [user_json(self._world.state.bot)])

    async def kick_bot(self) -> None:
        """Throw the bot out: it gets 403 from now on."""
        self._set(self._world.state.bot.id, Status.KICKED)

    async def promote_bot(self) -> None:
        """Make the bot an administrator, who sees every message."""
        self._set(self._world.state.bot.id, Status.ADMINISTRATOR)

    async def restrict_bot(self, *, may_write: bool = False) -> None:
        """Take from the bot the right to write, or give it back."""
        self._chat.bot_may_write = may_write
        self._world.changed()

    # --- topics and the upgrade --------------------------------------------------------------------

    async def open_topic(self, name: str) -> int:
        """Open a forum topic; the result is its `message_thread_id`."""
        chat = self._chat
        if not chat.is_forum:
            raise Impossible(self.title, "is not a forum")
        topic = chat.last_message_id + 1
        chat.topics[topic] = name
        created = {"forum_topic_created": {"name": name, "icon_color": 7322096}}
        self._world.notice(chat, self._creator().id, created, thread_id=topic)
        return topic

    async def close_topic(self, topic: int) -> None:
        """Close a forum topic: only administrators write there, no bot."""
        if topic not in self._chat.topics or topic in self._chat.closed_topics:
            raise Impossible(self.title, f"there is no open topic {topic}")
        self._chat.closed_topics.append(topic)
        self._world.notice(self._chat, self._creator().id, {"forum_topic_closed": {}}, thread_id=topic)

    async def reopen_topic(self, topic: int) -> None:
        """Open a closed topic again."""
        if topic not in self._chat.closed_topics:
            raise Impossible(self.title, f"topic {topic} is not closed")
        self._chat.closed_topics.remove(topic)
        self._world.notice(self._chat, self._creator().id, {"forum_topic_reopened": {}}, thread_id=topic)

    async def delete_topic(self, topic: int) -> None:
        """Delete a forum topic with its messages."""
        del self._chat.topics[topic]
        for message in list(self._world.state.messages.get(self.id, {}).values()):
            if message.thread_id == topic:
                self._world.delete(message)

    async def upgrade(self) -> None:
        """Turn the basic group into a supergroup with a new id (`migrate_to_chat_id`)."""
        if self._chat.kind is not ChatKind.GROUP:
            raise Impossible(self.title, "is a supergroup already")
        new = self._world.migrate(self._chat, by=self._creator())
        self.former_id, self.id = self.id, new.id

    def _set(
        self, account_id: int, status: Status, *, by: int | None = None, anonymous: bool = False
    ) -> None:
        actor = by if by is not None else (self._creator().id if self._chat.members else account_id)
        member = Member(status, is_anonymous=anonymous)
        self._world.set_member(self._chat, self._account(account_id), member, by=self._account(actor))

    def _notice(self, kind: str, body: object, *, by: int | None = None) -> None:
        self._world.notice(self._chat, by if by is not None else self._creator().id, {kind: body})
