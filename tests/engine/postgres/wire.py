"""What may happen to a connection between sayso and its server: replies that get lost, and silence."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_LARGEST = 65536


class Wire:
    """Passes everything on in both directions, until it is told otherwise; each connection has threads of its own."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._to = (parts.hostname or "", parts.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = parts._replace(
            netloc=f"{parts.username}@127.0.0.1:{self._listener.getsockname()[1]}"
        ).geturl()
        self._ours: list[socket.socket] = []
        self._theirs: list[socket.socket] = []
        self.cut_at: bytes | None = None
        """Once this has been passed on, the connection is cut before the reply comes through."""
        self.cut_before: bytes | None = None
        """The connection is cut before this is passed on."""
        self.is_silent_after_cut = False
        self._hears = threading.Event()
        self._hears.set()

    def go_silent(self) -> None:
        """From now on nothing comes through, and nobody is told so; new connections are taken."""
        self._hears.clear()

    def come_back(self) -> None:
        """Take new connections as before; those that were silent stay so, and the server's ends stay open."""
        self._hears.set()

    def leave_half(self, *, is_silent: bool = False) -> None:
        """Cut all connections to this side alone: the server does not hear of it."""
        self._hears.clear()
        _close(self._ours)
        if not is_silent:
            self._hears.set()

    @contextmanager
    def passing(self) -> Generator[None]:
        """Take connections while inside."""
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield
        finally:
            _close([self._listener, *self._ours, *self._theirs])

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._listener.accept()
                self._ours.append(ours)
                if self._hears.is_set():
                    theirs = socket.create_connection(self._to)
                    self._theirs.append(theirs)
                    drops = threading.Event()
                    for ends in ((ours, theirs, True), (theirs, ours, False)):
                        threading.Thread(target=self._pass_on, args=(*ends, drops), daemon=True).start()

    def _pass_on(
        self, source: socket.socket, target: socket.socket, is_asking: bool, drops: threading.Event
    ) -> None:
        with suppress(OSError):
            while data := source.recv(_LARGEST):
                if not self._hears.is_set():
                    return  # with both ends open
                if is_asking and self.cut_before is not None and self.cut_before in data:
                    self.cut_before = None
                    break
                if is_asking and self.cut_at is not None and self.cut_at in data:
                    self.cut_at = None
                    drops.set()
                elif not is_asking and drops.is_set():
                    if self.is_silent_after_cut:
                        self.go_silent()
                    _close([source, target])  # the server has done it; ours hears of its end alone
                    return
                target.sendall(data)
            if self._hears.is_set():
                _close([source, target])


def _close(ends: list[socket.socket]) -> None:
    for one in ends:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
