"""The page's server: static files, each local platform's control API below its name, and a guide, if any."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

AddRoutes = Callable[[web.Application], None]


class ChatPage:
    """Serves the page on this machine while it is entered. `platforms` are, by name, what adds a control API's routes.
    `guide` adds those of a guide next to them: `GET /guide` says what it shows and whether its steps are
    done, `POST /guide/ACTION` does what its buttons say.

    Raises `OSError` for a port that is in use.
    """

    def __init__(
        self, platforms: Mapping[str, AddRoutes], *, port: int = 0, guide: AddRoutes | None = None
    ) -> None:
        self._platforms = platforms
        self._port = port
        self._guide = guide
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        for file in (files("sayso.testing.page") / "static").iterdir():
            app.router.add_get("/" if file.name == "page.html" else f"/{file.name}", _serving(file))
        app.router.add_get("/page.json", self._list)
        if self._guide is not None:
            self._guide(app)
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
        return web.json_response({"platforms": list(self._platforms), "guide": self._guide is not None})


def _serving(file: Traversable) -> Callable[[web.Request], Awaitable[web.Response]]:
    content, kind = file.read_bytes(), _TYPES[Path(file.name).suffix]

    async def serve(_request: web.Request) -> web.Response:
        return web.Response(body=content, content_type=kind, charset="utf-8", headers=_HEADERS)

    return serve
