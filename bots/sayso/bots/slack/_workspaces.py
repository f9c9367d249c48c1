"""The workspaces in which the app is installed, by their team, each with what belongs to it alone: two of them may have
the same ids for channels, people and messages.

Today there is one, whose token stands in the settings. What a payload is about is found by the team that it names.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sayso.adapters.slack import Origin
from sayso.bots.chats import DeliveryProblem, MessageGone, Unclear
from sayso.bots.slack._api import Api
from sayso.bots.slack._people import Installation, People
from sayso.engine import Store

_SURFACE, _INSTALLATION = "slack", "installation"
_BY_TEAM = ("home:", "view:")
"""How the keys begin of what is kept for each team; the team follows."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """One installation of the app. `direct` are the channels of direct messages by user id, once they were opened."""

    installation: Installation
    api: Api
    people: People
    direct: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def team(self) -> str:
        """Its id, or the enterprise's in an org-wide install."""
        return self.installation.team

    def within(self, id_: str) -> str:
        """An id of this workspace as it is stored, so that no other's is taken for it."""
        return f"{self.team}:{id_}"

    async def channel(self, user_id: str) -> str:
        """The channel of somebody's direct messages, opened by the first who asks. Raises `DeliveryProblem`."""
        if user_id not in self.direct:
            opened = await self.api.call("conversations_open", users=user_id)
            self.direct[user_id] = str(opened["channel"]["id"])
        return self.direct[user_id]


class Workspaces:
    """Which workspaces there are. That of the token in the settings is known once Slack has said it."""

    def __init__(self, api: Api, store: Store) -> None:
        self._api = api
        self._store = store
        self._installed: dict[str, Workspace] = {}
        self._is_confirmed = False
        self._asking = asyncio.Lock()

    async def introduce(self) -> Workspace:
        """Ask Slack whose the token is. Where that has changed, nobody is known any more. Raises `DeliveryProblem`,
        `StoreError`.
        """
        async with self._asking:
            return await self._ask()

    async def own(self) -> Workspace:
        """That of the token. Raises `DeliveryProblem` where Slack has not said yet whose it is, and `StoreError`."""
        async with self._asking:
            return next(iter(self._installed.values())) if self._is_confirmed else await self._ask()

    @property
    def known(self) -> Workspace | None:
        """That of the token, as it was when Slack last answered; None where nobody has asked yet."""
        return next(iter(self._installed.values()), None)

    async def remembered(self) -> Workspace:
        """That of the token, as it was when Slack last answered where it does not: nobody who was known then has to
        wait for it. Raises as `own`.
        """
        async with self._asking:
            if not self._installed:
                try:
                    return await self._ask()
                except DeliveryProblem:
                    last = await self._last()
                    if last is None:
                        raise
                    return await self._install(last)
            return next(iter(self._installed.values()))

    async def of(self, origin: Origin) -> Workspace | None:
        """That which a payload comes from: by its team, or else by its enterprise, in which ids are unique. None where
        it comes from another one. Raises as `own`.
        """
        installed = list(self._installed.values()) or [await self.remembered()]
        by_team = (one for team in origin.teams for one in installed if one.team == team)
        by_enterprise = (one for one in installed if one.installation.enterprise in origin.enterprises)
        return next(by_team, None) or next(by_enterprise, None)

    async def at(self, chat: str) -> tuple[Workspace, str]:
        """The workspace and the channel of a stored `Workspace.within`. Raises `MessageGone` where the app is not there
        any more, `Unclear` for what was read before it was known where it belongs, and as `own`.
        """
        own = await self.own()
        team, colon, channel = chat.rpartition(":")
        if not colon:
            raise Unclear("it was read before Slack said to which workspace it belongs")
        if team != own.team:
            raise MessageGone
        return own, channel

    def chat(self, user_id: str) -> str:
        """The channel of somebody's direct messages where it was opened, else their id."""
        return next(
            (one.direct[user_id] for one in self._installed.values() if user_id in one.direct), user_id
        )

    async def _ask(self) -> Workspace:
        installation = Installation.read(await self._api.call("auth_test"))
        workspace = await self._install(installation)
        if not self._is_confirmed:
            if await self._last() != installation:
                await self._store.keep(_SURFACE, _INSTALLATION, [installation.team, installation.enterprise])
            self._is_confirmed = True
        return workspace

    async def _install(self, installation: Installation) -> Workspace:
        known = self._installed.get(installation.team)
        if known is not None and known.installation == installation:
            return known
        last = await self._last() or installation
        await self._store.adopt(_SURFACE, last.team, _BY_TEAM)
        workspace = Workspace(installation, self._api, People(self._api, self._store, installation))
        self._is_confirmed = False
        self._installed = {workspace.team: workspace}
        return workspace

    async def _last(self) -> Installation | None:
        """What the token belonged to when Slack last said it."""
        kept = await self._store.kept(_SURFACE, _INSTALLATION)
        if not isinstance(kept, list):
            return None
        return Installation(str(kept[0]), None if kept[1] is None else str(kept[1]))
