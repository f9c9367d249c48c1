"""Who belongs to a Telegram chat, and who administers it, asked at the press."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
            found: dict[str, Any] = await self._chats.follow(
                self._chats.id_of(destination),
                lambda chat: self._api.call("getChatMember", chat_id=chat, user_id=int(user_id)),
            )
        except Undeliverable as problem:
            if "user not found" in problem.reason.lower():
                return ""
            raise LookUpFailed(problem.reason) from problem
        except DeliveryProblem as problem:
            raise LookUpFailed(str(problem)) from problem
        status = found["status"]
        is_in = status in _PRESENT or (status == "restricted" and found.get("is_member") is True)
        return None if is_in else ""

    async def settle(self, people: Sequence[str]) -> None:
        """Nothing: a person has one id in all of Telegram."""

    async def why_gone(self, person: str) -> str | None:
        """None where Telegram has the person's own chat with the bot still. Raises `LookUpFailed`."""
        try:
            chat = await self._api.call("getChat", chat_id=int(person.rpartition(":")[2]))
        except Undeliverable as problem:
            reason = problem.reason.lower()
            if "chat not found" in reason or "user is deactivated" in reason:
                return CLOSED
            raise LookUpFailed(problem.reason) from problem
        except DeliveryProblem as problem:
            raise LookUpFailed(str(problem)) from problem
        return None if chat.get("first_name") else CLOSED  # a deleted account has no name any more

    async def members(self, group: str) -> Members:
        """The administrators of a group now, without bots; those who are anonymous hide. Raises `LookUpFailed`."""
        try:
            found: list[dict[str, Any]] = await self._chats.follow(
                int(group), lambda chat: self._api.call("getChatAdministrators", chat_id=chat)
            )
        except Throttled as problem:
            raise LookUpThrottled(problem.reason) from problem
        except DeliveryProblem as problem:
            raise LookUpFailed(str(problem)) from problem
        people = [one for one in found if not one["user"]["is_bot"]]
        hidden = frozenset(str(one["user"]["id"]) for one in people if one.get("is_anonymous"))
        return Members(frozenset(str(one["user"]["id"]) for one in people) - hidden, hidden)
