"""Who belongs to a Telegram chat, and who administers it, asked at the press."""

from __future__ import annotations

from collections.abc import Sequence

from telegram import ChatMember, ChatMemberAdministrator, ChatMemberOwner, ChatMemberRestricted

from sayso.bots.chats import DeliveryProblem, Throttled, Undeliverable
from sayso.bots.people import CLOSED, LookUpFailed, LookUpThrottled, Members
from sayso.bots.telegram._api import Api
from sayso.bots.telegram._chats import Chats
from sayso.config import Destination

_PRESENT = frozenset({"creator", "administrator", "member"})


class TelegramMembership:
    """Looks every person up when they press: who has left may not answer a second later."""

    def __init__(self, api: Api, chats: Chats) -> None:
        self._api = api
        self._chats = chats

    async def why_not(self, destination: Destination, person: str) -> str | None:
        """None where a person belongs to the chat now; there is nothing more to say. Raises `LookUpFailed`."""
        user_id = person.rpartition(":")[2]
        try:
            found = await self._chats.follow(
                self._chats.id_of(destination), lambda chat: self._member(chat, int(user_id))
            )
        except Undeliverable as problem:
            if "user not found" in problem.reason.lower():
                return ""
            raise LookUpFailed(problem.reason) from problem
        except DeliveryProblem as problem:
            raise LookUpFailed(str(problem)) from problem
        is_in = found.status in _PRESENT or (isinstance(found, ChatMemberRestricted) and found.is_member)
        return None if is_in else ""

    async def _member(self, chat_id: int, user_id: int) -> ChatMember:
        with self._api.calling(chat_id) as bot:
            return await bot.get_chat_member(chat_id, user_id)

    async def settle(self, people: Sequence[str]) -> None:
        """Nothing: a person has one id in all of Telegram."""

    async def why_gone(self, person: str) -> str | None:
        """None where Telegram has the person's own chat with the bot still. Raises `LookUpFailed`."""
        user_id = int(person.rpartition(":")[2])
        try:
            with self._api.calling(user_id) as bot:
                chat = await bot.get_chat(user_id)
        except Undeliverable as problem:
            reason = problem.reason.lower()
            if "chat not found" in reason or "user is deactivated" in reason:
                return CLOSED
            raise LookUpFailed(problem.reason) from problem
        except DeliveryProblem as problem:
            raise LookUpFailed(str(problem)) from problem
        return None if chat.first_name else CLOSED  # a deleted account has no name any more

    async def members(self, group: str) -> Members:
        """The administrators of a group now, without bots; those who are anonymous hide. Raises `LookUpFailed`."""
        try:
            found = await self._chats.follow(int(group), self._administrators)
        except Throttled as problem:
            raise LookUpThrottled(problem.reason) from problem
        except DeliveryProblem as problem:
            raise LookUpFailed(str(problem)) from problem
        people = [one for one in found if not one.user.is_bot]
        hidden = frozenset(
            str(one.user.id)
            for one in people
            if isinstance(one, ChatMemberOwner | ChatMemberAdministrator) and one.is_anonymous
        )
        return Members(frozenset(str(one.user.id) for one in people) - hidden, hidden)

    async def _administrators(self, chat_id: int) -> tuple[ChatMember, ...]:
        with self._api.calling(chat_id) as bot:
            return await bot.get_chat_administrators(chat_id)
