"""Who belongs to a Telegram chat, asked at the press."""

from __future__ import annotations

import asyncio

from sayso.bots.desk import LookUpFailed
from sayso.bots.outbox import DeliveryProblem, Undeliverable
from sayso.bots.telegram._api import Api
from sayso.bots.telegram._chats import Chats
from sayso.config import Destination

_WITHIN = 5.0
_PRESENT = frozenset({"creator", "administrator", "member"})


class TelegramMembership:
    """Looks every person up when they press: who has left may not answer a second later."""

    def __init__(self, api: Api, chats: Chats) -> None:
        self._api = api
        self._chats = chats

    async def is_member(self, destination: Destination, person: str) -> bool:
        """Whether a person belongs to the chat now. Raises `LookUpFailed`."""
        user_id = person.rpartition(":")[2]
        try:
            async with asyncio.timeout(_WITHIN):
                found = await self._api.call(
                    "getChatMember",
                    chat_id=self._chats.id_of(destination),
                    user_id=int(user_id),
                )
        except Undeliverable as problem:
            if "user not found" in problem.reason.lower():
                return False
            raise LookUpFailed(problem.reason) from problem
        except (DeliveryProblem, TimeoutError) as problem:
            raise LookUpFailed(str(problem) or "it took too long") from problem
        status = found["status"]
        return status in _PRESENT or (status == "restricted" and found.get("is_member") is True)
