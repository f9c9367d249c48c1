"""What guards and reads the control APIs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from sayso.testing.platform._impossible import Impossible

Body = TypeVar("Body")
LOCAL_HOSTS = {"127.0.0.1", "localhost"}


async def read_json(request: web.Request, kind: type[Body]) -> Body:
    """A request's body as a value of this kind. Raises `msgspec.MsgspecError`."""
    return msgspec.json.decode(await request.read() or b"{}", type=kind)


def guarded(
    handler: Callable[[web.Request], Awaitable[Any]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler for this machine alone, and for JSON alone; what it returns goes out as JSON."""

    async def handle(request: web.Request) -> web.Response:
        if request.url.host not in LOCAL_HOSTS or (
            request.method == "POST" and request.content_type != "application/json"
        ):
            return _json({"error": "only this machine, and only JSON"}, 403)
        try:
            return _json(await handler(request), 200)
        except Impossible as error:
            return _json({"error": str(error)}, 409)
        except (msgspec.MsgspecError, ValueError) as error:
            return _json({"error": str(error)}, 400)

    return handle


def _json(value: Any, status: int) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
