"""The sockets that are served: how each is bound, and who is at the other end of the one beside the database."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Generator
from contextlib import closing, contextmanager

from sayso.bots.client import SocketPath

_CREDENTIALS = struct.Struct("3i")


@contextmanager
def bound_to(host: str, port: int) -> Generator[socket.socket]:
    """A socket bound to a TCP address while inside; with port 0, to one that is free. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # By its protocol asyncio knows it as TCP and sends at once (TCP_NODELAY); without, each answer waits 40 ms.
    with closing(socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.setblocking(False)  # noqa: FBT003 - the standard library's signature
        yield bound


@contextmanager
def bound_beside(place: SocketPath) -> Generator[socket.socket]:
    """A Unix socket that its user alone can open, from the first moment; it is removed on leaving.

    Whoever binds holds the store's lock: a socket that is there is a killed process's, and is replaced.
    """
    place.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if place.path.is_socket():
        place.path.unlink()
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as bound:
        before = os.umask(0o177)
        try:
            with place.short() as path:
                bound.bind(path)
        finally:
            os.umask(before)
        bound.setblocking(False)  # noqa: FBT003 - the standard library's signature
        try:
            yield bound
        finally:
            place.path.unlink(missing_ok=True)


def peer_of(connection: socket.socket) -> tuple[str, int]:
    """Who is at the other end: `("uid", <their user id>)`, as the kernel says (unix(7), SO_PEERCRED)."""
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return "uid", _CREDENTIALS.unpack(packed)[1]
