"""sayso in a team's own Bolt app: a middleware that takes what is sayso's, and leaves everything else to the app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse

from sayso.adapters.slack import is_own

Take = Callable[[str, dict[str, Any]], Awaitable[BoltResponse]]
_INTERACTIVE = "interactive"
_PATIENCE = 2.0
"""Seconds for which a press waits for sayso to begin; Slack waits three."""


class Guest:
    """Takes presses, searches and modals of sayso's cards out of an app's requests while somebody serves them.

    What it takes is committed before it is acknowledged, whatever the app does with its own. Where nobody serves, nor
    begins to within a moment, it takes them all the same and acknowledges none: Slack tells the person that it failed.
    """

    def __init__(self, app: AsyncApp) -> None:
        self._take: Take | None = None
        self._open = asyncio.Event()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

        async def take_own(
            body: dict[str, Any], next_: Callable[[], Awaitable[BoltResponse]]
        ) -> BoltResponse | None:
            if not is_own(_INTERACTIVE, body):
                return await next_()
            return await self._answer(body)

        cast("Any", app).use(take_own)  # typed in part

    @asynccontextmanager
    async def serving(self, take: Take) -> AsyncGenerator[None]:
        """Have what comes taken while inside; leaving waits for what is under way."""
        self._take = take
        self._open.set()
        try:
            yield
        finally:
            self._open.clear()
            self._take = None
            await self._idle.wait()

    async def _answer(self, body: dict[str, Any]) -> BoltResponse:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._open.wait()
        except TimeoutError:
            return BoltResponse(status=503)
        take = self._take
        if take is None:
            return BoltResponse(status=503)
        self._under_way += 1
        self._idle.clear()
        try:
            return await take(_INTERACTIVE, body)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()
