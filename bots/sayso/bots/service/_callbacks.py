"""Outgoing webhooks: whoever asked from outside is told how their request ended: programs as Standard Webhooks has it,
GitHub by a review of the deployment that it holds.

What is to be told is read from the store and not queued, so no crash loses it; it may be told twice, under one id.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from sayso.bots.github import Review, Undelivered
from sayso.bots.http import request_as_dict
from sayso.engine import ASK, DueCallback, RequestStatus
from sayso.engine.store import Change, Listener

if TYPE_CHECKING:
    import httpx

    from sayso.bots.chats import Ready
    from sayso.bots.github import GitHubApp
    from sayso.engine import RequestRecord, Store

logger = logging.getLogger("sayso.callbacks")

_AT_ONCE = 20
_TIMEOUT = 15.0  # seconds; the specification advises 15 to 30 (standardwebhooks.com, "Deliverability and reliability")
_SUCCESS, _REDIRECT, _GONE = 200, 300, 410

AGAIN_AFTER = tuple(
    timedelta(seconds=one) for one in (2, 10, 60, 300, 900, 1800, 3600, 7200, 14400, 21600, 32400)
)
"""How long after each failure it is tried again: about 23 hours in all."""

_TYPES = {RequestStatus.ANSWERED: "request.resolved"}


def sign(secret: str, id: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """The headers that prove who sends a message, of Standard Webhooks 1.0: an HMAC-SHA256 over id, second and body."""
    seconds = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, b".".join((id.encode(), seconds.encode(), body)), hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


class Callbacks:
    """Tells them, some at once, and again later where that fails; GitHub as the `app`, where there is one."""

    def __init__(self, store: Store, public_url: str | None, app: GitHubApp | None) -> None:
        self._store = store
        self._public_url = public_url
        self._app = app
        self._news = asyncio.Event()
        self._stopped = False

    def stop(self) -> None:
        """Have `run` end after what it is telling."""
        self._stopped = True
        self._news.set()

    async def run(self, ready: Ready) -> None:
        """Tell whoever is due until `stop`. Raises `StoreError`."""
        import httpx

        listener = Listener(asyncio.get_running_loop(), lambda _change: self._news.set(), _is_closed)
        self._store.hub.listen(listener, workflows=[ASK])
        try:
            # An address is taken as it stands: a redirect could lead to a host that no operator has allowed.
            async with httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False) as client:
                while not self._stopped:
                    self._news.clear()
                    due = await self._store.due_callbacks(_AT_ONCE)
                    ready(None)
                    async with asyncio.TaskGroup() as group:
                        for one in due:
                            group.create_task(self._tell(client, one))
                    if not due and not self._stopped:
                        await self._wait()
        finally:
            self._store.hub.ignore(listener, workflows=[ASK])

    async def _wait(self) -> None:
        """Return when something may be due."""
        again = await self._store.next_callback()
        left = None if again is None else (again - self._store.clock.now()).total_seconds()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._news.wait()

    async def _tell(self, client: httpx.AsyncClient, due: DueCallback) -> None:
        problem = await self._send(client, due)
        if problem is None:
            await self._store.callback_told(due.run_key)
            return
        words, is_over = problem
        over = is_over or due.attempts >= len(AGAIN_AFTER)
        again = None if over else AGAIN_AFTER[due.attempts]
        if again is None:
            logger.error(
                "webhook to %s for request %s failed, and will not be retried: %s",
                due.url,
                due.request_id,
                words,
            )
        elif not due.attempts:
            logger.warning(
                "webhook to %s for request %s failed, trying again: %s", due.url, due.request_id, words
            )
        await self._store.callback_failed(due.run_key, words, again)

    async def _send(self, client: httpx.AsyncClient, due: DueCallback) -> tuple[str, bool] | None:
        """Tell them: None once they have heard it, else why not, and whether that is final."""
        record = await self._store.reader.request(due.request_id)
        assert record is not None
        review = Review.kept(due.secret)
        if review is None:
            return await self._call(client, due, record)
        if self._app is None:
            return "github.app_id is not set", False
        try:
            decision = request_as_dict(record, self._public_url)["decision"]
            await self._app.send(client, due.url, review, decision)
        except Undelivered as error:
            return str(error), error.is_over
        return None

    async def _call(
        self, client: httpx.AsyncClient, due: DueCallback, record: RequestRecord
    ) -> tuple[str, bool] | None:
        """The same, by a program's webhook."""
        import httpx

        assert record.resolved_at is not None
        body = msgspec.json.encode(
            {
                "type": _TYPES.get(record.status, f"request.{record.status.lower()}"),
                "timestamp": record.resolved_at.isoformat(),
                "data": request_as_dict(record, self._public_url),
            }
        )
        headers = sign(due.secret, f"msg_{due.request_id}", self._store.clock.now(), body)
        try:
            response = await client.post(
                due.url, content=body, headers={**headers, "Content-Type": "application/json"}
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"{type(error).__name__}: {error}", False
        if _SUCCESS <= response.status_code < _REDIRECT:
            return None
        return f"it answered {response.status_code}", response.status_code == _GONE


def _is_closed(change: Change) -> bool:
    return change.resolved is not None or change.status in ("RUNNING", "CANCELLED")
