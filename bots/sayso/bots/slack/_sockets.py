"""Socket Mode: several connections, each of which is made anew when it ends; what is in flight is finished first.

Our own and not the library's: its client can ask for ever with a ticket that was refused, closes the old socket before
it has a new one, and drops the acknowledgements in flight when it is closed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from sayso.bots.chats import FIRST_BACK_OFF, LONGEST_BACK_OFF, DeliveryProblem, Stopping
from sayso.bots.slack._api import Api

logger = logging.getLogger("sayso.slack")

Handle = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any] | None]]
"""Takes an envelope's type and payload; what goes back with the acknowledgement. Raises where there shall be none."""

PING_EVERY = 10.0
"""Seconds; a connection whose other end is silent is noticed after one and a half times as long."""

_PATIENCE = 10.0


class SocketEnded(DeliveryProblem):
    """The connection is over."""


class Sockets:
    """`count` connections, until `stop`. `report` hears of a problem, or None once a connection works."""

    def __init__(self, api: Api, count: int, handle: Handle, report: Callable[[str | None], None]) -> None:
        self._api = api
        self._count = count
        self._handle = handle
        self._report = report
        self._stopping = Stopping()
        self._receiving: set[asyncio.Timeout] = set()

    async def run(self) -> None:
        """Keep the connections until `stop`."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._count):
                group.create_task(self._keep_connected(), name=f"slack socket {number + 1}")

    def stop(self) -> None:
        """Take nothing more; `run` ends once what is in flight has been acknowledged."""
        self._stopping.set()
        for receiving in self._receiving:
            receiving.reschedule(0)

    @property
    def connected(self) -> int:
        """How many connections work now."""
        return len(self._receiving)

    async def _keep_connected(self) -> None:
        back_off = FIRST_BACK_OFF
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(_PATIENCE):
                    # A ticket opens one socket, so every try takes a new one.
                    socket = await self._api.session.ws_connect(
                        await self._api.new_socket_address(), heartbeat=PING_EVERY
                    )
                async with socket:
                    await self._greeted(socket)
                    back_off = FIRST_BACK_OFF
                    await self._serve(socket)
            except (DeliveryProblem, aiohttp.ClientError, OSError, TimeoutError) as problem:
                if self._stopping.is_set():
                    return
                reason = str(problem) or "time-out"
                if not self._receiving:
                    self._report(f"there is no connection: {reason}")
                logger.warning("Slack: %s; a connection is made again in %g s", reason, back_off)
                await self._stopping.pause(back_off)
                back_off = min(back_off * 2, LONGEST_BACK_OFF)

    async def _greeted(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        message = await _next(socket, _PATIENCE)
        if message.get("type") != "hello":
            raise SocketEnded(f"Slack began with {message.get('type')!r}")
        self._report(None)

    async def _serve(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Take envelopes until the connection ends, Slack asks for a new one, or the stop comes."""
        async with asyncio.TaskGroup() as in_flight_group:
            problem = await self._receive(socket, in_flight_group)
        if problem is not None:
            raise problem

    async def _receive(
        self, socket: aiohttp.ClientWebSocketResponse, in_flight_group: asyncio.TaskGroup
    ) -> DeliveryProblem | None:
        """Why nothing more comes; None where that is as it should be. Within a task group, nothing may be raised."""
        try:
            async with asyncio.timeout(None) as receiving:
                self._receiving.add(receiving)
                try:
                    while not self._stopping.is_set():
                        message = await _next(socket, None)
                        if message.get("type") == "disconnect":
                            return self._disconnected(str(message.get("reason")))
                        if "envelope_id" in message:
                            in_flight_group.create_task(self._take(socket, message), name="slack envelope")
                finally:
                    self._receiving.discard(receiving)
        except TimeoutError:
            pass  # the stop
        except (DeliveryProblem, aiohttp.ClientError, OSError, ValueError) as error:
            return SocketEnded(str(error) or type(error).__name__)
        return None

    def _disconnected(self, reason: str) -> DeliveryProblem | None:
        if reason == "link_disabled":
            return SocketEnded("Socket Mode is switched off in the app's settings; switch it on")
        logger.info("Slack asks for a new connection: %s", reason)
        return None

    async def _take(self, socket: aiohttp.ClientWebSocketResponse, envelope: dict[str, Any]) -> None:
        try:
            answer = await self._handle(str(envelope.get("type")), envelope.get("payload") or {})
        except Exception:
            # Without an acknowledgement the person sees that it failed, and an event comes again.
            logger.exception("envelope %s was not handled", envelope["envelope_id"])
            return
        acknowledgement: dict[str, Any] = {"envelope_id": envelope["envelope_id"]}
        if answer is not None:
            acknowledgement["payload"] = answer
        try:
            await socket.send_json(acknowledgement)
        except (aiohttp.ClientError, OSError) as error:
            logger.warning("an acknowledgement was not sent: %s; what it told is committed", error)


async def _next(socket: aiohttp.ClientWebSocketResponse, patience: float | None) -> dict[str, Any]:
    message = await socket.receive(timeout=patience)
    if message.type is not aiohttp.WSMsgType.TEXT:
        raise SocketEnded("the connection was closed")
    found: dict[str, Any] = message.json()
    return found
