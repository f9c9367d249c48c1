"""Who belongs to a channel or a group in Slack, asked at the press."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sayso.bots.chats import DeliveryProblem, Throttled
from sayso.bots.people import CLOSED, LookUpFailed, LookUpThrottled, Members, both
from sayso.bots.slack._api import Api
from sayso.bots.slack._workspaces import Workspaces
from sayso.config import Destination

_PAGE = 1000


class SlackMembership:
    """Looks every person up when they press: who has left may not answer a second later."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    async def why_not(self, destination: Destination, person: str) -> str | None:
        """None where a person belongs to the channel now and is no bot, guest or stranger. Raises `LookUpFailed`."""
        user_id = person.rpartition(":")[2]
        try:
            workspace = await self._workspaces.remembered()
            profile, is_in = await both(
                workspace.people.profile(user_id), _is_in(workspace.api, destination.chat_id, user_id)
            )
        except DeliveryProblem as problem:
            if str(problem).startswith("user_not_found"):
                return ""
            raise LookUpFailed(str(problem)) from problem
        if profile.why_not is not None:
            return profile.why_not
        return None if is_in else ""

    async def settle(self, people: Sequence[str]) -> None:
        """Have those who are written in another form than today's be known for who they are. Raises `LookUpFailed`."""
        theirs = [one for one in people if one.startswith("slack:")]
        try:
            if theirs:
                workspace = self._workspaces.known or await self._workspaces.remembered()
                await workspace.people.settle(theirs)
        except DeliveryProblem as problem:
            raise LookUpFailed(str(problem)) from problem

    async def why_gone(self, person: str) -> str | None:
        """None where Slack has the account and it was not deactivated. Raises `LookUpFailed`."""
        try:
            workspace = await self._workspaces.remembered()
            profile = await workspace.people.profile(person.rpartition(":")[2])
        except DeliveryProblem as problem:
            if str(problem).startswith("user_not_found"):
                return CLOSED
            raise LookUpFailed(str(problem)) from problem
        return CLOSED if profile.is_gone or profile.is_bot else None

    async def members(self, group: str) -> Members:
        """The members of a user group now. Raises `LookUpFailed`, also for a group that was disabled."""
        try:
            workspace = await self._workspaces.remembered()
            found = await workspace.api.call("usergroups_users_list", usergroup=group)
        except Throttled as problem:
            raise LookUpThrottled(problem.reason) from problem
        except DeliveryProblem as problem:
            raise LookUpFailed(str(problem)) from problem
        return Members(frozenset(str(user) for user in found["users"]))


async def _is_in(api: Api, channel: str, user_id: str) -> bool:
    cursor = ""
    while True:
        page = await api.call(
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
