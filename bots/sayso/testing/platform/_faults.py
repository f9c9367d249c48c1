"""Faults on demand: what a network and a busy platform do to a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from aiohttp import web


class FaultKind(StrEnum):
    """What goes wrong. "After" means that the call took effect: the risk of sending twice."""

    SERVER_ERROR = "server_error"  # 500, no effect
    BAD_GATEWAY = "bad_gateway"  # 502 with a page of HTML instead of JSON, no effect
    FORBIDDEN = "forbidden"  # 403 with a line of text instead of JSON, as proxies say it, no effect
    BAD_GATEWAY_AFTER = "bad_gateway_after"  # took effect, and answers with that page
    TOO_MANY_REQUESTS = "too_many_requests"  # 429, no effect
    HANG = "hang"  # no effect, and no answer ever
    HANG_AFTER = "hang_after"  # took effect, and no answer ever
    RESET = "reset"  # no effect, the connection is torn down
    RESET_AFTER = "reset_after"  # took effect, the connection is torn down
    SERVER_ERROR_AFTER = "server_error_after"  # took effect, and says 500
    REFUSED = "refused"  # the platform says no in words of its own, no effect
    SLOW = "slow"  # takes effect, and the body dribbles in over `delay` of real time


AFTER = {
    FaultKind.HANG_AFTER,
    FaultKind.RESET_AFTER,
    FaultKind.SERVER_ERROR_AFTER,
    FaultKind.BAD_GATEWAY_AFTER,
    FaultKind.SLOW,
}

SILENT = {FaultKind.HANG, FaultKind.HANG_AFTER, FaultKind.RESET, FaultKind.RESET_AFTER}


@dataclass(slots=True)
class Fault:
    """A fault for the next `times` calls of `method` (any, if `None`); `error` is what a refusal says."""

    kind: FaultKind
    method: str | None = None
    times: int = 1
    retry_after: int = 30
    delay: timedelta = timedelta(seconds=1)
    error: str = ""


class FaultPlan:
    """The faults that are still to come, in the order in which they were asked for."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._faults: list[Fault] = []

    @property
    def remaining(self) -> int:
        """How many calls will still fail."""
        return sum(fault.times for fault in self._faults)

    def add(self, fault: Fault) -> None:
        """Plan a fault."""
        self._faults.append(fault)

    def take(self, method: str) -> Fault | None:
        """The fault that meets this call, which is then used up by one."""
        for fault in self._faults:
            if fault.method is None or fault.method.lower() == method.lower():
                fault.times -= 1
                if not fault.times:
                    self._faults.remove(fault)
                self._changed()
                return fault
        return None


class Hold:
    """Calls of one method that get no answer until `release`; a caller that times out first has called for nothing."""

    def __init__(self, method: str, changed: Callable[[], None]) -> None:
        self.method = method
        self._changed = changed
        self._released = asyncio.Event()
        self._waiting: list[web.Request] = []

    @property
    def waiting(self) -> int:
        """How many callers wait at this moment."""
        return sum(not is_gone(request) for request in self._waiting)

    def release(self) -> None:
        """Answer those who wait still, and from now on everybody at once."""
        self._released.set()
        self._changed()

    async def keep(self, request: web.Request) -> bool:
        """Wait for the release. Whether the caller is still connected."""
        if self._released.is_set():
            return True
        self._waiting.append(request)
        self._changed()
        try:
            await self._released.wait()
        finally:
            self._waiting.remove(request)
        return not is_gone(request)


def is_gone(request: web.Request) -> bool:
    """Whether the caller has hung up, or died."""
    return request.transport is None or request.transport.is_closing()


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the bot. `status` is `None` when the connection was torn down or left hanging.

    `parameters` are as sent; `error` is the description of a refusal; `fault` the fault that met it.
    """

    method: str
    parameters: dict[str, Any]
    received_at: datetime
    answered_at: datetime
    status: int | None
    error: str | None
    fault: FaultKind | None


async def deliver(
    request: web.Request, response: web.Response | None, fault: Fault | None
) -> web.StreamResponse:
    """Answer a call as its fault wants it, or as it is."""
    match fault.kind if fault else None:
        case FaultKind.HANG | FaultKind.HANG_AFTER:
            await asyncio.Event().wait()  # until the server stops: the client gives up first
        case FaultKind.RESET | FaultKind.RESET_AFTER:
            if request.transport is not None:
                request.transport.abort()
        case FaultKind.BAD_GATEWAY | FaultKind.BAD_GATEWAY_AFTER:
            return web.Response(
                status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html"
            )
        case FaultKind.FORBIDDEN:
            return web.Response(status=403, text="Access denied by policy")
        case FaultKind.SLOW if response is not None and fault is not None:
            return await _dribble(request, response, fault.delay)
        case _:
            pass
    return response or web.Response()


async def _dribble(request: web.Request, response: web.Response, delay: timedelta) -> web.StreamResponse:
    body = response.body if isinstance(response.body, bytes) else b""
    stream = web.StreamResponse(status=response.status, headers={"Content-Type": "application/json"})
    stream.content_length = len(body)
    await stream.prepare(request)
    for begin in range(0, len(body), max(len(body) // 10, 1)):
        await stream.write(body[begin : begin + max(len(body) // 10, 1)])
        await asyncio.sleep(delay.total_seconds() / 10)
    return stream
