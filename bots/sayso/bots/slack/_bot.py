"""The Slack bot: payloads from sockets or signed requests, acknowledged once what they decide is committed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import re
import time
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from slack_bolt.adapter.starlette.async_handler import to_starlette_response
from slack_bolt.async_app import AsyncApp

from sayso.adapters.slack import REQUEST_PATH
from sayso.bots.answers import Answering
from sayso.bots.chats import Afterwards, Parts, Ready, Stopping
from sayso.bots.slack._api import make_api, secret_of
from sayso.bots.slack._check import check_slack
from sayso.bots.slack._guest import Guest
from sayso.bots.slack._handlers import Handlers
from sayso.bots.slack._listeners import Listeners
from sayso.bots.slack._membership import SlackMembership
from sayso.bots.slack._settings import SlackSettings
from sayso.bots.slack._sockets import Sockets
from sayso.bots.slack._surface import PLATFORM, SlackSurface
from sayso.bots.slack._token import TokenWatch
from sayso.bots.slack._troubles import Troubles
from sayso.bots.slack._workspaces import Workspaces

logger = logging.getLogger("sayso.slack")

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNED_WITHIN = 300
_RETRY = "x-slack-retry-"


class SlackConnection:
    """One app's bot; see `Connection`. As a `guest` it takes what a team's own app brings; else what is not its own is
    handed on to the app of `others`, where there is one. Raises `InvalidSettings` where a token is missing.
    """

    name = PLATFORM

    def __init__(self, parts: Parts, *, guest: Guest | None = None, others: AsyncApp | None = None) -> None:
        settings = parts.settings.needed_section(SlackSettings)
        self.settings: SlackSettings = settings
        self.parts = parts
        self.guest = guest
        self.others = others
        self.has_sockets = guest is None and settings.mode == "socket"
        self.api = make_api(settings, is_guest=guest is not None)
        self.workspaces = Workspaces(self.api, parts.store)
        self.surface = SlackSurface(self.workspaces, parts.store, parts.settings, settings)
        self.membership = SlackMembership(self.workspaces)

    def listen(self, answers: Answering) -> SlackListener:
        """What takes payloads. Raises `InvalidSettings` where the signing secret is missing."""
        return SlackListener(self, answers)

    async def close(self) -> None:
        """Let go of the connections."""
        await self.api.close()


class SlackListener:
    """Takes payloads; see `Listener`."""

    def __init__(self, connection: SlackConnection, answers: Answering) -> None:
        self._connection = connection
        self._settings = connection.settings
        self._parts = connection.parts
        self._api = connection.api
        self._workspaces = connection.workspaces
        self._afterwards = Afterwards(connection.surface.budget, logger, "slack message")
        handlers = Handlers(
            self._parts, answers, self._workspaces, connection.surface, self._afterwards, self._api
        )
        self._listeners = Listeners(handlers.handle, connection.others)
        self._sockets: Sockets | None = None
        self._stopping = Stopping()
        has_requests = connection.guest is None and self._settings.mode == "http"
        self.router = self._make_router() if has_requests else None

    async def run(self, ready: Ready) -> None:
        """Take payloads until `stop`."""
        troubles = Troubles(ready)
        if self._connection.has_sockets:
            troubles.of("sockets")("it is connecting")
        await self._api.open()
        async with self._afterwards:
            introduce = self._workspaces.introduce
            await self._stopping.until_it_works(introduce, "Slack", troubles.of("token"), logger)
            if self._stopping.is_set():
                return
            await self._complain_at_start()
            async with asyncio.TaskGroup() as group:
                watch = TokenWatch(self._workspaces, self._parts.store)
                group.create_task(watch.run(troubles.of("token"), self._stopping), name="slack token")
                await self._take(troubles)

    def stop(self) -> None:
        """Have `run` end once what is in flight is finished."""
        self._stopping.set()
        if self._sockets is not None:
            self._sockets.stop()

    async def _take(self, troubles: Troubles) -> None:
        if self._connection.has_sockets:
            troubles.of("token")(None)
            sockets = Sockets(self._listeners, self._api, self._settings.connections, troubles.of("sockets"))
            self._sockets = sockets
            if self._stopping.is_set():
                sockets.stop()
            await sockets.start_async()
        elif self._connection.guest is not None:
            async with self._connection.guest.serving(self._listeners.take):
                troubles.of("token")(None)
                await self._stopping.wait()
        else:
            troubles.of("token")(None)
            await self._stopping.wait()

    # The token.

    async def _complain_at_start(self) -> None:
        """Say what `sayso doctor` would say; nothing of it stops the start."""
        has_sockets = self._connection.has_sockets
        for finding in await check_slack(
            self._api, self._parts.settings, with_sockets=has_sockets, with_people=False
        ):
            if not finding.is_good:
                logger.warning("%s: %s. %s", finding.subject, finding.what, finding.remedy)

    # HTTP.

    def _make_router(self) -> APIRouter:
        router = APIRouter()
        secret = secret_of(self._settings.signing_secret, self._settings, "signing_secret")

        @router.post(REQUEST_PATH)
        async def take(request: Request) -> Response:
            body = await request.body()
            if _is_ssl_check(body):
                return Response(status_code=200)
            if not is_signed(secret, request.headers, body, time.time()):
                return Response(status_code=401)
            try:
                kind, payload = _read(body, request.headers.get("content-type", ""))
            except (ValueError, KeyError, RecursionError):
                return Response(status_code=400)
            if not self._afterwards.is_open and payload.get("type") != "url_verification":
                return Response(status_code=503)  # starting or stopping: Slack sends events again
            # Of the headers, which Slack does not sign, Bolt hears no more than a socket's envelope says.
            retry = {name: value for name, value in request.headers.items() if name.startswith(_RETRY)}
            return to_starlette_response(await self._listeners.take(kind, payload, retry))

        _ = take
        return router


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether Slack signed a request, within the last five minutes (docs.slack.dev: verifying requests from Slack).

    Whatever else may be in headers and body: then it did not.
    """
    timestamp = headers.get("x-slack-request-timestamp", "")
    if _TIMESTAMP.fullmatch(timestamp) is None or abs(now - int(timestamp)) > _SIGNED_WITHIN:
        return False
    signed = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    given = headers.get("x-slack-signature", "")
    return hmac.compare_digest(given.encode(), f"v0={signed.hexdigest()}".encode())


def _is_ssl_check(body: bytes) -> bool:
    """Whether Slack only looks at the certificate of a command's address. Nothing is done, so anybody may ask."""
    return b"ssl_check=1" in body.split(b"&")


def _read(body: bytes, content_type: str) -> tuple[str, dict[str, Any]]:
    """A request's body as a socket would have brought it. Raises `ValueError`, `KeyError`, `RecursionError`."""
    if content_type.startswith("application/json"):
        return "events_api", _object(body)
    fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    if "payload" in fields:
        return "interactive", _object(fields["payload"])
    _ = fields["command"]
    return "slash_commands", fields


def _object(text: str | bytes) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - as whatever else cannot be read
    return cast("dict[str, Any]", found)
