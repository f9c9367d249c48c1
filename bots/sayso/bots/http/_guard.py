"""What every response carries, and which requests are not even looked at: names of other hosts, bodies without end."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sayso.bots.http._problems import Problem
from sayso.engine import FILE_LIMIT

LARGEST_BODY = 2 * 1024 * 1024
_UPLOADS = "/api/v1/files"
_OPEN_TO_ALL_NAMES = frozenset({"/healthz", "/readyz", "/metrics"})
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_RAW_HEADERS = tuple((name.lower().encode(), value.encode()) for name, value in _HEADERS.items())
"""As ASGI carries them: bytes, names in small letters (asgi.readthedocs.io, "HTTP Connection Scope")."""


class Guard:
    """Stands in front of an application. `hosts` are the names that the service is called by, without ports; paths in
    `open_paths` are called under any name (webhooks, which prove themselves otherwise).

    The check of the name keeps pages out that a browser loads from a name of their own which resolves to this machine.
    """

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str], open_paths: Sequence[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._open_paths = _OPEN_TO_ALL_NAMES | frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._problem(scope, headers)
        if problem is not None:
            await problem.response()(scope, receive, _dressed(send))
            return
        dressed = _dressed(send)
        if scope["method"] == "HEAD":
            scope, dressed = {**scope, "method": "GET"}, _headers_alone(dressed)
        taken, largest = 0, _largest(scope)

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > largest:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(_too_large(largest)))
            return message

        await self._app(scope, counted, dressed)

    def _problem(self, scope: Scope, headers: Headers) -> Problem | None:
        if scope["path"] not in self._open_paths and _host(headers.get("host", "")) not in self._hosts:
            return Problem(
                HTTPStatus.MISDIRECTED_REQUEST,
                "UnknownHost",
                "Unknown host name. Set http.public_url in sayso.toml to the name of this service.",
            )
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > _largest(scope):
            return _too_large(_largest(scope))
        return None


def _host(given: str) -> str:
    """The name in a Host header, without its port."""
    name, separator, port = given.rpartition(":")
    return (name if separator and port.isdigit() else given).strip("[]").lower()


def _largest(scope: Scope) -> int:
    """The bytes that a body may have: a file is sent as it is."""
    return FILE_LIMIT if scope["method"] == "PUT" and scope["path"] == _UPLOADS else LARGEST_BODY


def _too_large(largest: int) -> Problem:
    words = f"The request body is larger than {largest:,} bytes. Nothing was changed."
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "TooLarge", words)


def _headers_alone(send: Send) -> Send:
    """What a HEAD request gets of a GET's answer (RFC 9110, 9.3.2); of one that goes on for ever, too."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return sent


def _dressed(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = message.get("headers", [])
            named = {name for name, _ in own}
            message["headers"] = [*own, *(header for header in _RAW_HEADERS if header[0] not in named)]
        await send(message)

    return sent
