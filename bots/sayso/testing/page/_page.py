"""The page's server: three files, and each local platform's control API below its name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from types import TracebackType
from typing import Self

from aiohttp import web

_FILES = {
    "/": ("page.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

AddRoutes = Callable[[web.Application], None]


class ChatPage:
    """Serves the page on this machine while it is entered. `platforms` are, by name, what adds a control API's routes.

    Raises `OSError` where the port cannot be had.
    """

    def __init__(self, platforms: Mapping[str, AddRoutes], *, port: int = 0) -> None:
        self._platforms = platforms
        self._port = port
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        for path, (name, kind) in _FILES.items():
            app.router.add_get(path, _file(name, kind))
        app.router.add_get("/platforms", self._list)
        for name, add_routes in self._platforms.items():
            below = web.Application()
            add_routes(below)
            app.add_subapp(f"/{name}", below)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self._port}"

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self._platforms))


def _file(name: str, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    content = (files("sayso.testing.page") / "static" / name).read_bytes()

    async def serve(_request: web.Request) -> web.Response:
        return web.Response(body=content, content_type=kind, charset="utf-8", headers=_HEADERS)

    return serve
