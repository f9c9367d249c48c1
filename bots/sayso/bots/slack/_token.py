"""Whether Slack still takes the token, looked at now and then; once it does, places that it refused are tried again."""

from __future__ import annotations

import logging

from sayso.bots.chats import DeliveryProblem, Ready, Stopping, Undeliverable
from sayso.bots.slack._api import is_about_token
from sayso.bots.slack._surface import PLATFORM
from sayso.bots.slack._workspaces import Workspaces
from sayso.engine import Store, StoreError

logger = logging.getLogger("sayso.slack")


class TokenWatch:
    """Looks every so many seconds, until the end is wanted."""

    def __init__(self, workspaces: Workspaces, store: Store, every: float = 60.0) -> None:
        self._workspaces = workspaces
        self._store = store
        self._every = every
        self._is_refused = False

    async def run(self, ready: Ready, stopping: Stopping) -> None:
        """`ready` hears when Slack refuses the token, and when it takes it again."""
        while not stopping.is_set():
            await stopping.pause(self._every)
            try:
                await self._workspaces.introduce()
                await self._take_up()
            except Undeliverable as problem:
                self._is_refused = True
                ready(str(problem))
                logger.error("Slack: %s", problem)  # noqa: TRY400 - the reason says it all
            except (DeliveryProblem, StoreError) as problem:
                logger.warning("Slack: %s", problem)
            else:
                if self._is_refused:
                    self._is_refused = False
                    ready(None)

    async def _take_up(self) -> None:
        dead = [one for one in await self._store.reader.dead_places() if is_about_token(one.reason)]
        places = [one.destination for one in dead if one.destination.startswith(f"{PLATFORM}:")]
        if places:
            logger.info("Slack accepts the token again: retrying %d destinations", len(places))
            await self._store.revive(places)
