"""Serving applications on the running loop, with a stop that drains."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from sayso.bots.http._socket import PeerProtocol, SocketPath

_PATIENCE = 5
"""Seconds that open requests get at the stop."""


class _Server(uvicorn.Server):
    """Uvicorn without signal handlers: the service has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals alone."""
        yield


class HttpServer:
    """Serves one application while it is entered: on a TCP address, or on a Unix socket with the peer's user id.

    `port` is known once it is entered. Raises `OSError` where the address cannot be had.
    """

    def __init__(
        self, app: ASGIApp, *, host: str = "", port: int = 0, path: SocketPath | None = None
    ) -> None:
        self._app = app
        self._address = (host, port)
        self._path = path
        self._group: asyncio.TaskGroup | None = None
        self._server: _Server | None = None
        self.port = port

    async def __aenter__(self) -> Self:
        bound = self._bind()
        config = uvicorn.Config(
            self._app,
            http="h11" if self._path is None else PeerProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # the peer is who it is: a header that anybody can send is no proof
            timeout_graceful_shutdown=_PATIENCE,
        )
        self._server = _Server(config)
        self._group = await asyncio.TaskGroup().__aenter__()
        self._group.create_task(self._server.serve(sockets=[bound]), name="http server")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        assert self._group is not None
        self._server.should_exit = True
        if isinstance(error, asyncio.CancelledError):
            self._server.force_exit = True
        await self._group.__aexit__(None, None, None)
        if self._path is not None:
            self._path.remove()

    def _bind(self) -> socket.socket:
        if self._path is not None:
            bound = self._path.bind()
        else:
            family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
            # By its protocol asyncio knows it as TCP and sends at once (TCP_NODELAY); without, each answer waits 40 ms.
            bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                bound.bind(self._address)
            except OSError:
                bound.close()
                raise
            self.port = bound.getsockname()[1]
        bound.listen(1024)  # from now on connections wait, also before the first turn of uvicorn's loop
        return bound
