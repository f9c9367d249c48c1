"""Who people are in Slack, and who belongs to a channel, asked at the press."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from sayso.bots.membership import LookUpFailed, LookUpThrottled, Members
from sayso.bots.outbox import DeliveryProblem, Throttled, Undeliverable
from sayso.bots.slack._api import Api
from sayso.config import Destination

LOOK_UP_WITHIN = 1.8
"""Seconds; Slack waits three for an acknowledgement, and the commit comes after the look-up."""

_NAME_WITHIN = 0.7
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Profile:
    """What Slack says of an account. A guest belongs to some channels alone, a stranger to another organisation."""

    name: str
    is_bot: bool
    is_gone: bool
    is_guest: bool
    is_stranger: bool

    @property
    def why_not(self) -> str | None:
        """Why `audience = "members"` does not mean them, or None: guests and strangers have to be named."""
        if self.is_bot or self.is_gone:
            return "Bots and accounts that were closed cannot answer."
        if self.is_stranger:
            return (
                "You belong to another organisation: an operator has to name you before you can answer here."
            )
        return "Guests answer only where an operator names them." if self.is_guest else None


class People:
    """Looks people up; what it remembers are names alone, never who may do what."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._names: dict[str, str] = {}

    async def name(self, user_id: str, handle: str) -> str:
        """What somebody is called; their handle where Slack does not say it soon."""
        if user_id not in self._names:
            try:
                async with asyncio.timeout(_NAME_WITHIN):
                    await self.profile(user_id)
            except (DeliveryProblem, TimeoutError):
                return handle
        return self._names[user_id]

    async def profile(self, user_id: str) -> Profile:
        """An account as Slack has it now. Raises `DeliveryProblem`."""
        user: dict[str, Any] = (await self._api.call("users_info", user=user_id))["user"]
        given: dict[str, Any] = user.get("profile") or {}
        name = given.get("display_name") or given.get("real_name") or user.get("real_name") or user["name"]
        self._names[user_id] = str(name)
        return Profile(
            name=str(name),
            is_bot=bool(user.get("is_bot")),
            is_gone=bool(user.get("deleted")),
            is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
            is_stranger=bool(user.get("is_stranger")),
        )


class SlackMembership:
    """Looks every person up when they press: who has left may not answer a second later."""

    def __init__(self, api: Api, people: People) -> None:
        self._api = api
        self._people = people

    async def why_not(self, destination: Destination, person: str) -> str | None:
        """None where a person belongs to the channel now and is no bot, guest or stranger. Raises `LookUpFailed`."""
        user_id = person.rpartition(":")[2]
        try:
            async with asyncio.timeout(LOOK_UP_WITHIN):
                profile = await self._people.profile(user_id)
                if profile.why_not is not None:
                    return profile.why_not
                return None if await self._is_in(destination.chat_id, user_id) else ""
        except Undeliverable as problem:
            if problem.reason.startswith("user_not_found"):
                return ""
            raise LookUpFailed(problem.reason) from problem
        except (DeliveryProblem, TimeoutError) as problem:
            raise LookUpFailed(str(problem) or "it took too long") from problem

    async def members(self, group: str) -> Members:
        """The members of a user group now. Raises `LookUpFailed`, also for a group that was disabled."""
        try:
            async with asyncio.timeout(LOOK_UP_WITHIN):
                found = await self._api.call("usergroups_users_list", usergroup=group)
        except Throttled as problem:
            raise LookUpThrottled(problem.reason) from problem
        except (DeliveryProblem, TimeoutError) as problem:
            raise LookUpFailed(str(problem) or "it took too long") from problem
        return Members(frozenset(str(user) for user in found["users"]))

    async def _is_in(self, channel: str, user_id: str) -> bool:
        cursor = ""
        while True:
            page = await self._api.call(
                "conversations_members",
                channel=channel,
                limit=_PAGE,
                **({"cursor": cursor} if cursor else {}),
            )
            if user_id in page["members"]:
                return True
            more: dict[str, Any] = page.get("response_metadata") or {}
            cursor = str(more.get("next_cursor") or "")
            if not cursor:
                return False
