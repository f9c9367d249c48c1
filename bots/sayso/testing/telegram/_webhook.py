"""How updates reach the bot: the methods that choose between polling and pushing, and the pushing itself.

Behaviour of tdlib/telegram-bot-api (`WebhookActor.cpp`): updates of one chat or person come in order and one at a time,
those of others at the same time; anything but 2xx is tried again, at once first, then after 2, 4, 8, ... seconds (or
after `Retry-After`), until the update expires.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from sayso.testing.telegram._refusals import bad_request
from sayso.testing.telegram._state import PendingUpdate, Webhook
from sayso.testing.telegram._wire import timestamp
from sayso.testing.telegram._world import World

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
PORTS = {80, 88, 443, 8443}
LONGEST_DELAY = timedelta(seconds=60)
LONGEST_RETRY_AFTER = 3600
PATIENCE = aiohttp.ClientTimeout(total=20)

Parameters = dict[str, Any]


class WebhookMethods:
    """`getUpdates`, `setWebhook`, `deleteWebhook`, `getWebhookInfo`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._state = world.state

    async def get_updates(self, given: Parameters) -> list[Parameters]:
        """A long poll; `allowed_updates` stays as it was when it is not given."""
        self._allow(given)
        return await self._world.updates.poll(
            given.get("offset", 0), given.get("limit", 100), given.get("timeout", 0)
        )

    def set_webhook(self, given: Parameters) -> bool:
        """Push updates from now on; a waiting poll ends with 409. An empty URL deletes the webhook."""
        if not given["url"]:
            return self.delete_webhook(given)
        _check_url(given["url"])
        self._allow(given)
        if given.get("drop_pending_updates"):
            self._world.updates.clear()
        self._state.webhook = Webhook(
            given["url"], given.get("secret_token"), given.get("max_connections", 40)
        )
        self._world.updates.end_poll("terminated by setWebhook request")
        self._world.changed()
        return True

    def delete_webhook(self, given: Parameters) -> bool:
        """Back to polling."""
        if given.get("drop_pending_updates"):
            self._world.updates.clear()
        self._state.webhook = None
        self._world.changed()
        return True

    def get_webhook_info(self, _given: Parameters) -> Parameters:
        """How the webhook does; `url` is empty when there is none."""
        hook = self._state.webhook
        info: Parameters = {
            "url": hook.url if hook else "",
            "has_custom_certificate": False,
            "pending_update_count": len(self._world.updates.pending()),
        }
        if hook is not None:
            info["max_connections"] = hook.max_connections
            if hook.last_error_at is not None:
                info |= {
                    "last_error_date": timestamp(hook.last_error_at),
                    "last_error_message": hook.last_error,
                }
        return info | (
            {"allowed_updates": self._state.allowed_updates} if self._state.allowed_updates else {}
        )

    def _allow(self, given: Parameters) -> None:
        if "allowed_updates" in given:
            self._state.allowed_updates = given["allowed_updates"]


def _check_url(url: str) -> None:
    """HTTPS on Telegram's ports; on this machine plain HTTP on any port, as a server in `--local` mode allows."""
    parts = urlsplit(url)
    if parts.hostname in {"127.0.0.1", "localhost"} and parts.scheme in {"http", "https"}:
        return
    if parts.scheme != "https":
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if (parts.port or 443) not in PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")


class WebhookSender:
    """Pushes updates while a webhook is set. `run` belongs into the server's TaskGroup and ends by cancellation.

    `news` waits for the next change of the state or of the clock, at most until an instant on it.
    """

    def __init__(self, world: World, news: Callable[[datetime | None], Awaitable[None]]) -> None:
        self._world = world
        self._news = news
        self._busy: dict[int, int] = {}  # the update that is on its way, by queue
        self._failures: dict[
            int, tuple[int, datetime]
        ] = {}  # how often an update failed, and when it is next due

    async def run(self) -> None:
        """Push for ever."""
        async with aiohttp.ClientSession(timeout=PATIENCE) as session, asyncio.TaskGroup() as push_group:
            while True:
                for update in self._due():
                    self._busy[update.queue] = update.update_id
                    push_group.create_task(self._push(session, update))
                await self._news(self._next_due())

    def _due(self) -> list[PendingUpdate]:
        hook = self._world.state.webhook
        if hook is None:
            return []
        found: list[PendingUpdate] = []
        seen = set(self._busy)
        for update in self._world.updates.pending():
            _, due = self._failures.get(update.update_id, (0, update.created))
            if update.queue not in seen and due <= self._world.now():
                found.append(update)
            seen.add(update.queue)
        return found[: hook.max_connections - len(self._busy)]

    def _next_due(self) -> datetime | None:
        waiting = {update.update_id for update in self._world.state.updates}
        now = self._world.now()
        dues = [due for update_id, (_, due) in self._failures.items() if update_id in waiting and due > now]
        return min(dues, default=None)

    async def _push(self, session: aiohttp.ClientSession, update: PendingUpdate) -> None:
        hook = self._world.state.webhook
        if hook is None:
            del self._busy[update.queue]
            return
        headers = {SECRET_HEADER: hook.secret_token} if hook.secret_token else {}
        body = {"update_id": update.update_id, update.kind: update.body}
        retry_after = 0
        try:
            if self._world.webhook_is_cut:
                raise TimeoutError  # noqa: TRY301 - what a push meets that never arrives
            async with session.post(hook.url, json=body, headers=headers, allow_redirects=False) as response:
                answer = await response.read()
                status, reason = response.status, response.reason
                retry_after = _seconds(response.headers.get("Retry-After", ""))
            error = None if 200 <= status <= 299 else f"Wrong response from the webhook: {status} {reason}"  # noqa: PLR2004
            if error is None and re.search(rb'"method"\s*:', answer):
                self._world.problem(
                    "a webhook answered with a method call, which the local server does not play"
                )
        except (aiohttp.ClientError, TimeoutError) as failure:
            error = f"Connection failed: {type(failure).__name__}"
        del self._busy[update.queue]
        self._settle(hook, update, error, retry_after)

    def _settle(self, hook: Webhook, update: PendingUpdate, error: str | None, retry_after: int) -> None:
        if error is None:
            self._failures.pop(update.update_id, None)
            self._world.updates.confirm(update.update_id)
            return
        failures, _ = self._failures.get(update.update_id, (0, update.created))
        delay = timedelta(seconds=min(retry_after, LONGEST_RETRY_AFTER))
        if not retry_after and failures:
            delay = min(timedelta(seconds=2**failures), LONGEST_DELAY)
        self._failures[update.update_id] = (failures + 1, self._world.now() + delay)
        hook.last_error_at, hook.last_error = self._world.now(), error
        hook.failures += 1
        self._world.changed()


def _seconds(header: str) -> int:
    return int(header) if header.isdecimal() else 0
