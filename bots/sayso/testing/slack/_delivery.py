"""Bringing payloads to the bot: Socket Mode or signed requests, and what becomes of those that nobody acknowledges."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, cast
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from slack_events.validation import ValidationError, validate_payload

from sayso.testing.slack._state import APP, SlackState

ACKNOWLEDGE_WITHIN = timedelta(seconds=3)
RETRIES = (timedelta(0), timedelta(minutes=1), timedelta(minutes=5))
MOST_SOCKETS = 10

_PING_EVERY = 10.0


class Host(Protocol):
    """What delivery needs of the server."""

    problems: list[str]
    request_url: str | None
    signing_secret: str

    @property
    def url(self) -> str:
        """The server's root."""
        ...

    def now(self) -> datetime:
        """The server's clock."""
        ...

    def changed(self) -> None:
        """Tell who waits."""
        ...

    async def until(self, condition: Callable[[], bool], *, by: datetime | None = None) -> None:
        """Wait for a condition, or for an instant of the server's clock."""
        ...


@dataclass(slots=True)
class Envelope:
    """A payload on its way, by a `socket` in Socket Mode. `answer` is what came with the acknowledgement."""

    id: str
    kind: str
    payload: dict[str, Any]
    sent_at: datetime
    is_acknowledged: bool = False
    is_over: bool = False
    answer: dict[str, Any] | None = None
    acknowledged_at: datetime | None = None
    socket: web.WebSocketResponse | None = None


class Delivery:
    """The bot's sockets, or its address."""

    def __init__(self, host: Host, state: Callable[[], SlackState]) -> None:
        self._host = host
        self._state = state
        self._tickets: set[str] = set()
        self._sockets: list[web.WebSocketResponse] = []
        self._leaving: list[web.WebSocketResponse] = []
        self._without_since: datetime | None = None
        self._without = timedelta(0)
        self._waiting: dict[str, Envelope] = {}
        self._turn = 0
        self._number = 0
        self.handshakes_to_refuse = 0
        self.farewells: list[str] = []
        self.answers_closes = True
        self.lost_events: list[dict[str, Any]] = []
        self.late: list[str] = []

    @property
    def connections(self) -> int:
        """How many sockets are open."""
        return len(self._sockets)

    @property
    def without_sockets(self) -> timedelta:
        """For how long no socket was open, since the first one was."""
        since = self._without_since
        return self._without if since is None else self._without + (self._host.now() - since)

    # --- sockets -----------------------------------------------------------------------------------

    def new_ticket(self) -> str:
        """The address of one new socket; it works once."""
        self._number += 1
        ticket = f"ticket-{self._number}"
        self._tickets.add(ticket)
        return f"{self._host.url.replace('http', 'ws', 1)}/socket/{ticket}"

    async def serve_socket(self, request: web.Request) -> web.StreamResponse:
        """One connection, from `hello` to its end."""
        ticket = request.match_info["ticket"]
        if self.handshakes_to_refuse > 0:
            self.handshakes_to_refuse -= 1
            self._tickets.discard(ticket)
            return web.Response(status=503)
        if ticket not in self._tickets:
            self._host.problems.append("a socket's ticket was used a second time, or was not made here")
            return web.Response(status=403)
        self._tickets.discard(ticket)
        if len(self._sockets) >= MOST_SOCKETS:
            return web.Response(status=429)
        socket = web.WebSocketResponse(heartbeat=_PING_EVERY, autoclose=False)
        await socket.prepare(request)
        count = len(self._sockets) + 1
        await socket.send_json(
            {"type": "hello", "num_connections": count, "connection_info": {"app_id": APP}, "debug_info": {}}
        )
        self._sockets.append(socket)
        if self._without_since is not None:
            self._without += self._host.now() - self._without_since
            self._without_since = None
        if self.farewells:
            await self._say_farewell(socket, self.farewells.pop(0), still_delivers=False)
        self._host.changed()
        try:
            async for message in socket:
                self._take(message, socket)
        finally:
            self._forget(socket)
            self._host.changed()
        if not self.answers_closes:
            await asyncio.Event().wait()  # until the server stops: the client gives up first
        return socket

    async def disconnect(self, reason: str, *, still_delivers: bool) -> None:
        """Ask for every connection to be replaced. After a `warning`, or where it still delivers, the old ones work
        until the bot closes them.
        """
        for socket in list(self._sockets):
            await self._say_farewell(socket, reason, still_delivers=still_delivers)
        self._host.changed()

    async def _say_farewell(
        self, socket: web.WebSocketResponse, reason: str, *, still_delivers: bool
    ) -> None:
        await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})
        self._leaving.append(socket)
        if reason != "warning" and not still_delivers:
            self._forget(socket)

    async def hang_up(self) -> None:
        """Close every connection that was asked to be replaced."""
        leaving, self._leaving = self._leaving, []
        for socket in leaving:
            self._forget(socket)
            await socket.close()
        self._host.changed()

    def _forget(self, socket: web.WebSocketResponse) -> None:
        """Deliver nothing by a connection any more."""
        if socket in self._sockets:
            self._sockets.remove(socket)
            if not self._sockets:
                self._without_since = self._host.now()

    def drop(self) -> None:
        """Tear every connection down."""
        for socket in list(self._sockets):
            self._forget(socket)
            transport = getattr(getattr(socket, "_req", None), "transport", None)
            if transport is not None:
                transport.abort()
        self._host.changed()

    def _take(self, message: aiohttp.WSMessage, socket: web.WebSocketResponse) -> None:
        try:
            given = json.loads(message.data)
        except (TypeError, ValueError):
            self._host.problems.append(f"a socket brought {message.data!r}")
            return
        envelope = self._waiting.get(given.get("envelope_id"))
        if envelope is None or set(given) - {"envelope_id", "payload"}:
            self._host.problems.append(f"an acknowledgement of nothing: {given}")
            return
        if envelope.socket is not socket:
            self._host.problems.append(f"{envelope.kind} was acknowledged by another socket than it came by")
        self._acknowledge(envelope, given.get("payload"))

    def _acknowledge(self, envelope: Envelope, answer: Any) -> None:
        if envelope.is_acknowledged:
            self._host.problems.append(f"{envelope.kind} was acknowledged twice")
        if envelope.is_over:
            self.late.append(envelope.kind)
            return
        envelope.is_acknowledged = True
        envelope.acknowledged_at = self._host.now()
        envelope.answer = cast("dict[str, Any]", answer) or None
        self._host.changed()

    # --- payloads ----------------------------------------------------------------------------------

    async def deliver(
        self, kind: str, payload: dict[str, Any], attempt: int = 0, *, is_odd: bool = False
    ) -> Envelope:
        """Bring one payload, and wait for its acknowledgement: three seconds at most. An odd one is not checked."""
        if not is_odd:
            self._check(kind, payload)
        self._number += 1
        envelope = Envelope(f"envelope-{self._number}", kind, payload, self._host.now())
        self._waiting[envelope.id] = envelope
        by = envelope.sent_at + ACKNOWLEDGE_WITHIN
        if self._host.request_url is not None:
            await self._request(envelope, self._host.request_url, attempt, by)
        elif await self._send(envelope, attempt):
            await self._host.until(lambda: envelope.is_acknowledged, by=by)
        envelope.is_over = True
        return envelope

    async def deliver_event(self, payload: dict[str, Any]) -> None:
        """Bring an event until it is acknowledged, at most four times; it waits for a connection."""
        for attempt, wait in enumerate((timedelta(0), *RETRIES)):
            if wait:
                due = self._host.now() + wait
                await self._host.until(lambda: False, by=due)
            await self._host.until(lambda: self._host.request_url is not None or bool(self._sockets))
            if (await self.deliver("events_api", payload, attempt)).is_acknowledged:
                break
        else:
            self.lost_events.append(payload)
        if payload in self._state().events:
            self._state().events.remove(payload)
        self._host.changed()

    async def _send(self, envelope: Envelope, attempt: int) -> bool:
        """Send to one of the sockets, in turn; whether there is any."""
        if not self._sockets:
            return False
        self._turn += 1
        socket = envelope.socket = self._sockets[self._turn % len(self._sockets)]
        sent: dict[str, Any] = {
            "envelope_id": envelope.id,
            "type": envelope.kind,
            "payload": envelope.payload,
            "accepts_response_payload": envelope.kind != "events_api",
        }
        if envelope.kind == "events_api":
            sent |= {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
        with suppress(ConnectionError, RuntimeError):  # lost on the way, as it happens
            await socket.send_json(sent)
        return True

    async def _request(self, envelope: Envelope, address: str, attempt: int, by: datetime) -> None:
        body, content_type = _encoded(envelope.kind, envelope.payload)
        headers = {"Content-Type": content_type, **self.signature(body)}
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": "http_timeout"}
        async with asyncio.TaskGroup() as request_group:
            request = request_group.create_task(self._post(envelope, address, body, headers))
            await self._host.until(lambda: envelope.is_acknowledged or request.done(), by=by)
            request.cancel()

    async def _post(self, envelope: Envelope, address: str, body: bytes, headers: dict[str, str]) -> None:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(address, data=body, headers=headers) as response,
            ):
                text = await response.text()
                if response.status == web.HTTPOk.status_code:
                    is_words = envelope.kind == "slash_commands" and response.content_type == "text/plain"
                    answer = {"text": text} if is_words else json.loads(text or "null")
                    self._acknowledge(envelope, answer if text else None)
        except (aiohttp.ClientError, ValueError, OSError):
            pass  # nobody is there
        self._host.changed()

    def signature(self, body: bytes, at: datetime | None = None) -> dict[str, str]:
        """The headers that show a request is Slack's."""
        timestamp = str(int((at or self._host.now()).timestamp()))
        signed = b"v0:" + timestamp.encode() + b":" + body
        digest = hmac.new(self._host.signing_secret.encode(), signed, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}

    def _check(self, kind: str, payload: dict[str, Any]) -> None:
        """What the server itself sends is as Slack describes it; else the server is wrong."""
        name = {"events_api": payload.get("event", {}).get("type"), "slash_commands": "slash_command"}.get(
            kind, payload.get("type")
        )
        try:
            validate_payload(str(name), None, payload["event"] if kind == "events_api" else payload)
        except ValidationError as error:
            self._host.problems.append(f"the server sent a wrong {name}: {error}")


def event_payload(
    event: dict[str, Any], number: int, now: datetime, team: str, enterprise: str | None = None
) -> dict[str, Any]:
    """An event as the Events API wraps it."""
    return {
        **({} if enterprise is None else {"enterprise_id": enterprise}),
        "token": "local",
        "team_id": team,
        "api_app_id": APP,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev0LOCAL{number:04d}",
        "event_time": int(now.timestamp()),
        "authorizations": [],
        "is_ext_shared_channel": False,
    }


def _encoded(kind: str, payload: dict[str, Any]) -> tuple[bytes, str]:
    form = "application/x-www-form-urlencoded"
    match kind:
        case "events_api":
            return json.dumps(payload).encode(), "application/json"
        case "interactive":
            return urlencode({"payload": json.dumps(payload)}).encode(), form
        case _:
            return urlencode(payload).encode(), form


class Deliver(Protocol):
    """`Delivery.deliver`, as people use it."""

    def __call__(self, kind: str, payload: dict[str, Any], *, is_odd: bool = False) -> Awaitable[Envelope]:
        """Bring one payload, and wait for its acknowledgement."""
        ...
