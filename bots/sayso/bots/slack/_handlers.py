"""Whose handler takes a payload: that of the workspace that it comes from. What comes from another one is refused, for
its channels, people and messages may have the ids of ours.
"""

from __future__ import annotations

import logging
from typing import Any

from sayso.adapters.slack import (
    ChannelReturned,
    Commanded,
    EntriesChanged,
    HomeOpened,
    Ignored,
    PageTurned,
    Pressed,
    Searched,
    StartPicked,
    StartSubmitted,
    Submitted,
    Unreadable,
    parse_event,
    read_origin,
    render_words,
    words_view,
)
from sayso.bots.answers import Answering
from sayso.bots.chats import REPLIES_LIVE, Afterwards, Parts
from sayso.bots.slack._api import Api
from sayso.bots.slack._handler import Answer, Handler
from sayso.bots.slack._surface import SlackSurface
from sayso.bots.slack._telling import ephemeral
from sayso.bots.slack._views import shown_instead
from sayso.bots.slack._workspaces import Workspace, Workspaces

logger = logging.getLogger("sayso.slack")

_NOT_HERE = "Nothing was counted: sayso isn't set up for this workspace. Ask the person who installed it."


class NotInstalled(Exception):
    """A payload of another workspace, whose person cannot be told but by Slack, which says that it failed."""


class Handlers:
    """The handlers by workspace, each made when the first payload comes. `api` is the app's, for response addresses."""

    def __init__(
        self,
        parts: Parts,
        answering: Answering,
        workspaces: Workspaces,
        surface: SlackSurface,
        afterwards: Afterwards,
        api: Api,
    ) -> None:
        self._parts = parts
        self._answering = answering
        self._workspaces = workspaces
        self._surface = surface
        self._afterwards = afterwards
        self._api = api
        self._handlers: dict[str, tuple[Workspace, Handler]] = {}

    async def handle(self, kind: str, payload: dict[str, Any]) -> Answer | None:
        """See `Handler.handle`. Raises `NotInstalled`, and as `Workspaces.of`."""
        origin = read_origin(payload)
        workspace = await self._workspaces.of(origin)
        if workspace is not None:
            return await self._of(workspace).handle(kind, payload)
        named = ", ".join([*origin.teams, *origin.enterprises]) or "no workspace"
        logger.error("refused a payload of %s: the token is for another workspace", named)
        return self._refuse(kind, payload)

    def _of(self, workspace: Workspace) -> Handler:
        known = self._handlers.get(workspace.team)
        if known is not None and known[0] is workspace:
            return known[1]
        handler = Handler(self._parts, self._answering, workspace, self._surface, self._afterwards)
        self._handlers[workspace.team] = workspace, handler
        return handler

    def _refuse(self, kind: str, payload: dict[str, Any]) -> Answer | None:
        """Tell who did it, without a token for where they are: in the acknowledgement, or by the response address."""
        words = render_words(((_NOT_HERE,),))
        match parse_event(kind, payload):
            case Commanded():
                return ephemeral(words)
            case Submitted() | StartSubmitted() | Unreadable(is_modal=True):
                return shown_instead(words_view(((_NOT_HERE,),)))
            case Searched():
                return {"options": []}
            case (
                StartPicked() | PageTurned() | EntriesChanged() | HomeOpened() | ChannelReturned() | Ignored()
            ):
                return None
            case Pressed(response_url=address) | Unreadable(response_url=address):
                if address is None:
                    raise NotInstalled
                told = {**ephemeral(words), "replace_original": False}
                send = self._afterwards.patiently(lambda: self._api.respond(address, told), REPLIES_LIVE)
                self._afterwards.spawn(send)
                return None
