"""Whether Telegram reaches the webhook. It says so itself, by what it could not deliver."""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import urlsplit

from sayso.bots.telegram._api import Api
from sayso.bots.telegram._chats import PLATFORM
from sayso.engine import Store

logger = logging.getLogger("sayso.telegram")

_TOLD_AFTER = 2
"""Looks in a row that find it failing before operators hear of it: one may fall into a restart."""


class WebhookWatch:
    """Looks at what Telegram says of one webhook. `alarm` is called when operators have to hear of it."""

    def __init__(self, api: Api, store: Store, url: str | None, alarm: Callable[[], None]) -> None:
        self._api = api
        self._store = store
        self._url = url
        self._alarm = alarm
        self._settled: object = None
        self._failures = 0

    async def look(self) -> str | None:
        """What is wrong; None where nothing is. Raises `DeliveryProblem` and `StoreError`.

        A date of an error is there for ever; it is an outage while updates wait, and where it is none that was over
        already (core.telegram.org/bots/api#webhookinfo).
        """
        with self._api.calling() as bot:
            info = await bot.get_webhook_info()
        date, waiting = info.last_error_date, info.pending_update_count
        error: str | None = None
        if _place(info.url) != _place(self._url):
            error = f"the webhook is set to {info.url or 'no address'}; restart sayso to set it again"
        elif waiting and date != self._settled:
            how_many = "1 update waits" if waiting == 1 else f"{waiting} updates wait"
            error = f"{info.last_error_message or 'no reason was given'} ({how_many})"
        else:
            self._settled = date
        if error is None:
            if self._failures:
                logger.warning("Telegram reaches the webhook again")
            self._failures = 0
            return None
        await self._note(error)
        return f"Telegram cannot reach the webhook: {error}"

    async def _note(self, error: str) -> None:
        self._failures += 1
        if self._failures == 1:
            logger.error("Telegram cannot reach the webhook: %s", error)
        if self._failures == _TOLD_AFTER:
            await self._store.report_webhook(PLATFORM, error)
            self._alarm()


def _place(url: str | None) -> tuple[str | None, str]:
    """Where an address leads, however it is written."""
    parts = urlsplit(url or "")
    return parts.hostname, parts.path
