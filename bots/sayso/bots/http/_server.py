"""Serving applications on the running loop: a bounded number of connections, none of which may take its time to ask,
and a stop that drains.

Connections are accepted here and not by asyncio, which takes any number of them, tries again thousands of times a
second when the process is out of file descriptors, and logs a traceback each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Generator
from types import TracebackType
from typing import Self

import h11
import uvicorn
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from sayso.bots.http._limits import ConnectionLimits, Connections
from sayso.bots.http._socket import peer_of

logger = logging.getLogger("sayso.http")

_PATIENCE = 5
"""Seconds that open requests get at the stop."""

_OUT_OF_DESCRIPTORS_FOR = 1.0
"""Seconds after which it is tried again to accept a connection, unless one has ended before."""

_TIMED_OUT = 408
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n"
)


class _Server(uvicorn.Server):
    """Uvicorn without signal handlers and without accepting, for the service has its own; and without its looks ten
    times a second whether something has ended: it is told.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stop = asyncio.Event()
        self._lost = asyncio.Event()

    def stop(self, *, at_once: bool) -> None:
        """Have it end: what is under way is finished, unless `at_once`."""
        self.should_exit, self.force_exit = True, at_once
        self._stop.set()

    def lost(self) -> None:
        """A connection has ended."""
        self._lost.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open nothing: `HttpServer` hands connections over."""
        del sockets
        self.servers = []
        self.started = True

    async def main_loop(self) -> None:
        """Until the stop, renew once a second the `Date` that answers carry."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what is idle, and give what is under way its time."""
        for one in sockets or ():
            one.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        try:
            await asyncio.wait_for(self._emptied(), 0 if self.force_exit else _PATIENCE)
        except TimeoutError:
            for task in list(self.server_state.tasks):
                task.cancel()

    async def _emptied(self) -> None:
        while self.server_state.connections:
            self._lost.clear()
            await self._lost.wait()
        while self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks)


class _Protocol(H11Protocol):
    """HTTP whose requests have to arrive in time. On a Unix socket, which has no `address`, the client is its user, as
    `peer_of` says.
    """

    def __init__(self, server: _Server, connections: Connections, address: str, within: float) -> None:
        super().__init__(server.config, server.server_state, {})
        self._server = server
        self._among = connections
        self._address = address
        self._within = within
        self._arriving: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by asyncio for each connection."""
        super().connection_made(transport)
        if not self._address:
            self.client = peer_of(transport.get_extra_info("socket"))
        self._among.opened(self, self._address)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio at its end."""
        self._stop_watching()
        self._among.closed(self)
        super().connection_lost(exc)
        self._server.lost()

    def handle_events(self) -> None:
        """Called with each piece that has come, and after each answer."""
        super().handle_events()
        self._watch()

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its client."""
        return self._is_arriving or self.transport.get_write_buffer_size() > 0

    def give_up(self) -> None:
        """Close it at once."""
        self._stop_watching()
        self.transport.abort()

    @property
    def _is_arriving(self) -> bool:
        """Whether a request has not come, or not completely: their side of the connection (h11's states)."""
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY)

    def _watch(self) -> None:
        """Give a request its time from its beginning to its end, however slowly it comes in between."""
        if not self._is_arriving or self.transport.is_closing():
            self._stop_watching()
        elif self._arriving is None:
            self._arriving = self.loop.call_later(self._within, self._too_late)

    def _stop_watching(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None

    def send_400_response(self, msg: str) -> None:
        """Called when what comes is no HTTP."""
        if self._may_answer():
            super().send_400_response(msg)
        else:
            self.transport.close()

    def _may_answer(self) -> bool:
        """Whether an answer can still be given in the application's place; what that one says then is not sent."""
        if self.conn.our_state is h11.SEND_RESPONSE:
            self.cycle.disconnected = True
        return self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE)

    def _too_late(self) -> None:
        logger.warning("connection closed: its request did not arrive within %g s", self._within)
        if self._may_answer():
            headers = [(b"connection", b"close"), (b"content-length", b"0")]
            answer = h11.Response(status_code=_TIMED_OUT, headers=headers, reason=STATUS_PHRASES[_TIMED_OUT])
            self.transport.write(
                (self.conn.send(answer) or b"") + (self.conn.send(h11.EndOfMessage()) or b"")
            )
        self._arriving = None
        self.transport.close()


class HttpServer:
    """Serves one application while it is entered, on a socket that is bound: to a TCP address, or to a path, where the
    client is its user.
    """

    def __init__(self, app: ASGIApp, limits: ConnectionLimits, bound: socket.socket) -> None:
        self._app = app
        self._limits = limits
        self._connections = Connections(limits)
        self._bound = bound
        self._group: asyncio.TaskGroup | None = None
        self._server: _Server | None = None
        self._accepting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._bound.listen(1024)  # from now on connections wait, also before the first turn of uvicorn's loop
        config = uvicorn.Config(
            _Attended(self._app),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # the peer is who it is: a header that anybody can send is no proof
        )
        config.load()
        self._server = _Server(config)
        self._group = await asyncio.TaskGroup().__aenter__()
        self._group.create_task(self._server.serve(sockets=[self._bound]), name="http server")
        self._accepting = self._group.create_task(
            self._accept(self._server, self._bound), name="http connections"
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        assert self._group is not None
        assert self._accepting is not None
        self._accepting.cancel()
        self._server.stop(at_once=isinstance(error, asyncio.CancelledError))
        await self._group.__aexit__(None, None, None)

    async def _accept(self, server: _Server, bound: socket.socket) -> None:
        """Take connections until it is cancelled. One that cannot be taken ends nothing."""
        while True:
            try:
                # Accepted by hand: a cancellation loses what a future has accepted.
                connection, found = bound.accept()
            except BlockingIOError:
                await _readable(bound)
                continue
            except ConnectionError:
                continue  # it ended before it was taken
            except OSError as error:
                logger.warning("cannot accept connections: %s", error.strerror)
                await asyncio.sleep(_OUT_OF_DESCRIPTORS_FOR)
                continue
            connection.setblocking(False)  # noqa: FBT003 - the standard library's signature
            address = str(found[0]) if bound.family is not socket.AF_UNIX else ""
            if not self._connections.make_room(address):
                logger.warning("connection refused: http.connections is reached")
                with contextlib.suppress(OSError):
                    connection.send(_BUSY)
                connection.close()
                continue
            await self._hand_over(server, connection, address)

    async def _hand_over(self, server: _Server, connection: socket.socket, address: str) -> None:
        within = self._limits.within.total_seconds()
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: _Protocol(server, self._connections, address, within), connection
            )
        except OSError as error:
            logger.info("connection ended at once: %s", error)
            connection.close()


async def _readable(bound: socket.socket) -> None:
    """Return when somebody connects."""
    loop = asyncio.get_running_loop()
    somebody = asyncio.Event()
    loop.add_reader(bound, somebody.set)
    try:
        await somebody.wait()
    finally:
        loop.remove_reader(bound)


class _Attended:
    """An application whose clients may leave in the middle of what they say: nobody is there then to hear of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(ClientDisconnect):
            await self._app(scope, receive, send)
