"""Socket Mode: connections that are made anew before the old ones end, each acknowledged by the socket it came by.

A handler of slack-bolt's, over connections of our own: its client can ask for ever with a ticket that was refused,
closes the old socket before it has a new one, and drops the acknowledgements in flight when it is closed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import time
from typing import Any, cast

import aiohttp
from slack_bolt.adapter.socket_mode.async_base_handler import AsyncBaseSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.adapter.socket_mode.internals import build_headers
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from sayso.bots.chats import (
    FIRST_BACK_OFF,
    LONGEST_BACK_OFF,
    DeliveryProblem,
    Stopping,
    pause_after,
    proxy_for,
)
from sayso.bots.slack._api import Api
from sayso.bots.slack._listeners import Listeners

logger = logging.getLogger("sayso.slack")

PING_EVERY = 10.0
"""Seconds; a connection whose other end is silent is noticed after one and a half times as long."""

_PATIENCE = 10.0
_NO_FAREWELL: Any = cast("Any", aiohttp.ClientWSTimeout)(ws_close=0.0)
"""Slack may leave the close frame unanswered, and aiohttp would wait ten seconds for it."""

_TROUBLE = (DeliveryProblem, aiohttp.ClientError, OSError, TimeoutError, ValueError)


class SocketEnded(DeliveryProblem):
    """The connection is over."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: a socket that ends sooner than `steady`, and brought nothing, counts as one that was refused. One that
    is less than `apart` older or younger than another is renewed after as long, so that Slack does not end both at
    once. An old one is read for `linger` beside the new one, unless Slack ends it.
    """

    steady: float = 1.0
    apart: float = 600.0
    linger: float = 30.0


class Line(AsyncBaseSocketModeClient):
    """One socket that was greeted."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.logger = logger
        self.socket = socket
        self.born = asyncio.get_running_loop().time()
        self.replaceable = asyncio.Event()
        """Set when another one is wanted instead: Slack said so, or this one ended."""
        self.useful = asyncio.Event()
        """Set when something came by it."""

    async def send_message(self, message: str) -> None:
        """Send an acknowledgement. What it tells is committed, so a connection that is gone changes nothing."""
        try:
            await self.socket.send_str(message)
        except (aiohttp.ClientError, OSError) as error:
            logger.warning("could not send an acknowledgement: %s; its result is recorded", error)


class Sockets(AsyncBaseSocketModeHandler):
    """`count` connections, from `start_async` until `stop`. `report` hears of a problem, or None once one works."""

    def __init__(
        self,
        listeners: Listeners,
        api: Api,
        count: int,
        report: Callable[[str | None], None],
        pace: Pace = Pace(),
    ) -> None:
        self.app = listeners.app
        self._listeners = listeners
        self._api = api
        self._count = count
        self._report = report
        self._pace = pace
        self._stopping = Stopping()
        self._opening = asyncio.Lock()
        self._back_off = FIRST_BACK_OFF
        self._not_before = 0.0
        self._born: dict[int, float] = {}
        self._reading: dict[Line, asyncio.Timeout] = {}
        self._connecting: set[asyncio.Timeout] = set()

    async def start_async(self) -> None:
        """Keep the connections until `stop`."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._count):
                group.create_task(self._keep(group, number), name=f"slack socket {number + 1}")

    def stop(self) -> None:
        """Take nothing more; `start_async` ends once what is in flight has been acknowledged."""
        self._stopping.set()
        for wait in (*self._connecting, *self._reading.values()):
            wait.reschedule(0)

    async def close_async(self) -> None:
        """The same as `stop`, by Bolt's name for it."""
        self.stop()

    # Connections.

    async def _keep(self, group: asyncio.TaskGroup, number: int) -> None:
        """Have one connection, and open the next one before it is let go."""
        old: Line | None = None
        while (line := await self._open()) is not None:
            group.create_task(self._serve(line), name=f"slack socket {number + 1}")
            if old is not None:
                self._let_go(old)
            old = line
            self._born[number] = line.born
            try:
                async with asyncio.timeout(self._life(number)):
                    await line.replaceable.wait()
            except TimeoutError:
                logger.info("renewing a connection, because another one is as old")

    def _life(self, number: int) -> float | None:
        """After how many seconds a connection is renewed; None: when Slack asks for it."""
        others = [born for other, born in self._born.items() if other != number]
        is_apart = all(abs(self._born[number] - born) >= self._pace.apart for born in others)
        return None if is_apart else self._pace.apart

    def _let_go(self, old: Line) -> None:
        """Read an old connection to its end where Slack ends it: something may have come right behind the farewell."""
        reading = self._reading.get(old)
        if reading is not None:
            linger = self._pace.linger if old.replaceable.is_set() else 0.0
            reading.reschedule(asyncio.get_running_loop().time() + linger)

    async def _open(self) -> Line | None:
        """A connection that was greeted; None at the stop. One is opened at a time, and after a failure none before the
        pause is over: all of them have one budget.
        """
        async with self._opening:
            while not self._stopping.is_set():
                wait = self._not_before - asyncio.get_running_loop().time()
                if wait > 0:
                    await self._stopping.pause(wait)
                    continue
                try:
                    return await self._connect()
                except _TROUBLE as problem:
                    if not self._stopping.is_set():
                        self._failed(problem)
        return None

    async def _connect(self) -> Line:
        async with asyncio.timeout(_PATIENCE) as patience:
            self._connecting.add(patience)
            try:
                # A ticket opens one socket, so every try takes a new one.
                address = await self._api.new_socket_address()
                socket = await self._api.session.ws_connect(
                    address, heartbeat=PING_EVERY, timeout=_NO_FAREWELL, proxy=proxy_for(address)
                )
                try:
                    await _greeted(socket)
                except BaseException:
                    await socket.close()
                    raise
            finally:
                self._connecting.discard(patience)
        self._report(None)
        return Line(socket)

    def _failed(self, problem: Exception) -> None:
        """Have nothing opened for a while; longer each time, until a connection has lived."""
        now = asyncio.get_running_loop().time()
        if now < self._not_before:
            return  # another one failed for the same reason
        reason = str(problem) or "time-out"
        pause = pause_after(problem, self._back_off)
        if not self._reading:
            self._report(f"there is no connection: {reason}")
        logger.warning("Slack: %s; reconnecting in %g s", reason, pause)
        self._not_before = now + pause
        self._back_off = min(self._back_off * 2, LONGEST_BACK_OFF)

    # What comes.

    async def _serve(self, line: Line) -> None:
        """Take envelopes until the connection ends or is let go, and acknowledge what is in flight."""
        async with line.socket, asyncio.TaskGroup() as in_flight_group:
            await self._receive(line, in_flight_group)

    async def _receive(self, line: Line, in_flight_group: asyncio.TaskGroup) -> None:
        """Within a task group, nothing may be raised."""
        try:
            async with asyncio.timeout(None) as reading:
                self._reading[line] = reading
                while not self._stopping.is_set():
                    message = await _next(line.socket)
                    if message.get("type") == "disconnect":
                        self._replace(line, str(message.get("reason")))
                    elif "envelope_id" in message:
                        line.useful.set()
                        in_flight_group.create_task(
                            self.handle(line, _request(message)), name="slack envelope"
                        )
        except TimeoutError:
            pass  # let go, or the stop
        except _TROUBLE as error:
            self._replace(line, str(error) or type(error).__name__)
        finally:
            del self._reading[line]
            line.replaceable.set()

    def _replace(self, line: Line, reason: str) -> None:
        """Have another connection opened: Slack asks for it, or this one is over."""
        if line.replaceable.is_set():
            return
        line.replaceable.set()
        logger.info("reconnecting: %s", reason)
        if reason == "link_disabled":
            self._failed(SocketEnded("Socket Mode is off in the app's settings; turn it on"))
        elif line.useful.is_set() or asyncio.get_running_loop().time() - line.born >= self._pace.steady:
            self._back_off = FIRST_BACK_OFF
        else:
            self._failed(SocketEnded(f"a connection ended right after it started: {reason}"))

    async def handle(self, client: AsyncBaseSocketModeClient, req: SocketModeRequest) -> None:
        """Have an envelope handled, and acknowledge it by the connection that it came by."""
        began = time()
        response = await self._listeners.take(req.type, cast("Any", req).payload, build_headers(req))
        await send_async_response(client, req, response, began)


def _request(message: dict[str, Any]) -> SocketModeRequest:
    payload = message.get("payload")
    return SocketModeRequest(
        type=str(message.get("type")),
        envelope_id=str(message["envelope_id"]),
        payload=cast("dict[str, Any]", payload) if isinstance(payload, dict) else {},
        retry_attempt=message.get("retry_attempt"),
        retry_reason=message.get("retry_reason"),
    )


async def _greeted(socket: aiohttp.ClientWebSocketResponse) -> None:
    message = await _next(socket)
    if message.get("type") != "hello":
        raise SocketEnded(f"Slack began with {message.get('type')!r}")


async def _next(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    message = await socket.receive()
    if message.type is not aiohttp.WSMsgType.TEXT:
        raise SocketEnded("the connection was closed")
    found: dict[str, Any] = message.json()
    return found
