"""Modals: opened at once, for a trigger lives three seconds, filled when it is known with what, and submitted as they
were filled.

Whoever has the bot's token can update a modal that is open. So a submission counts only in the state that Slack gave to
our last update, its `hash`; or in the one before, of which somebody may have sent it while we changed how many entries
a list has.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sayso.adapters.slack import EntriesChanged, PageTurned, StartSubmitted, Submitted, View, loading_view
from sayso.bots.chats import DeliveryProblem, Unclear, UnderWay
from sayso.bots.slack._telling import WAY_WITHIN
from sayso.bots.slack._workspaces import Workspace
from sayso.engine import Json, Store

logger = logging.getLogger("sayso.slack")

TRIGGER_LIVES = 3.0
"""Seconds in which a press can open a modal."""

_SURFACE = "slack"
_KEY = "view:"
_KEPT_FOR = timedelta(days=1)
"""How long an open modal can be sent."""


class Views:
    """Opens modals, and knows which of their states was ours. What it knows is stored: a restart refuses nobody."""

    def __init__(self, store: Store, workspace: Workspace, under_way: UnderWay) -> None:
        self._store = store
        self._api = workspace.api
        self._within = workspace.within
        self._under_way = under_way

    async def open(self, trigger_id: str) -> str:
        """Open a modal; its id. Raises `Expired`, `DeliveryProblem`."""
        opened = await self._api.call("views_open", trigger_id=trigger_id, view=loading_view())
        return str(opened["view"]["id"])

    async def show(self, view_id: str, view: View) -> bool:
        """Show this in a modal that is open; whether Slack says that it shows. A second try may do no harm. Raises
        `StoreError`.
        """
        return await self._show(view_id, view, (None, None))

    async def change(self, event: EntriesChanged, view: View) -> bool:
        """The same, of a modal that is as it was when somebody pressed: one that changed meanwhile stays."""
        return await self._show(event.view_id, view, (event.view_hash, None), before=event.view_hash)

    async def _show(
        self, view_id: str, view: View, only_ifs: Sequence[str | None], before: str | None = None
    ) -> bool:
        for only_if in only_ifs:  # behind an unclear answer nobody knows of which state it is
            try:
                async with asyncio.timeout(WAY_WITHIN):
                    await self._fill(view_id, view, only_if, before)
            except Unclear as problem:
                logger.warning("could not fill a modal: %s", problem)
            except (DeliveryProblem, TimeoutError) as problem:
                logger.warning("could not fill a modal: %s", str(problem) or "it took too long")
                return False
            else:
                return True
        return False

    async def _fill(self, view_id: str, view: View, only_if: str | None, before: str | None) -> None:
        with self._under_way.sending(self._subject(view_id), 0):
            answer = await self._api.call("views_update", view_id=view_id, view=view, hash=only_if)
            if "private_metadata" in view:  # something may come of it
                await self._store.forget_kept(_SURFACE, _KEY, self._store.clock.now() - _KEPT_FOR)
                states: list[Json] = [str(answer["view"]["hash"]), *([] if before is None else [before])]
                await self._store.keep(_SURFACE, f"{_KEY}{self._within(view_id)}", states)

    async def is_ours(self, event: Submitted | StartSubmitted, by: float) -> bool:
        """Whether a modal was sent as we filled it; nothing is waited for after that instant of the loop's clock.
        Raises `StoreError`.
        """
        return event.view_hash in await self._states(event.view_id, by)

    async def is_latest(self, event: PageTurned | EntriesChanged, by: float) -> bool:
        """Whether a modal is as we filled it last; the rest as in `is_ours`."""
        return event.view_hash in (await self._states(event.view_id, by))[:1]

    async def _states(self, view_id: str, by: float) -> list[str]:
        """The states of a modal in which something counts, the latest first."""
        await self._under_way.answered(self._subject(view_id), 0, by)
        kept = await self._store.kept(_SURFACE, f"{_KEY}{self._within(view_id)}")
        # Earlier versions kept one state.
        return list(map(str, kept)) if isinstance(kept, list) else [kept] if isinstance(kept, str) else []

    def _subject(self, view_id: str) -> str:
        return f"view {self._within(view_id)}"


def shown_instead(view: View) -> dict[str, Any]:
    """The acknowledgement of a modal that shows this in its place."""
    return {"response_action": "update", "view": view}
