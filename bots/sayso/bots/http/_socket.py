"""The Unix socket beside the database: where it is, how it is bound, and who is at its other end."""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_LONGEST = 107
"""Bytes of a socket's path (unix(7): sun_path has 108 with the final zero)."""

_CREDENTIALS = struct.Struct("3i")


def socket_path(database: Path) -> SocketPath:
    """The control socket of a database."""
    return SocketPath(database.with_name(database.name + ".sock"))


@dataclass(frozen=True, slots=True)
class SocketPath:
    """A path to bind or connect to, however long it is."""

    path: Path

    @contextmanager
    def short(self) -> Generator[str]:
        """The path, or while inside another name of it that is short enough: through a descriptor of its folder."""
        text = str(self.path)
        if len(os.fsencode(text)) <= _LONGEST:
            yield text
            return
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"/proc/self/fd/{folder}/{self.path.name}"
        finally:
            os.close(folder)

    def bind(self) -> socket.socket:
        """A listening socket that its user alone can open, from the first moment.

        Whoever binds holds the store's lock: a socket that is there is a killed process's, and is replaced.
        """
        if self.path.is_socket():
            self.path.unlink()
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            with self.short() as path:
                bound.bind(path)
        except BaseException:
            bound.close()
            raise
        finally:
            os.umask(before)
        bound.setblocking(False)  # noqa: FBT003 - the standard library's signature
        return bound

    def remove(self) -> None:
        """Remove the socket; harmless when it is not there."""
        self.path.unlink(missing_ok=True)

    @property
    def is_there(self) -> bool:
        """Whether there is a socket, whoever may listen on it."""
        try:
            return stat.S_ISSOCK(self.path.stat().st_mode)
        except OSError:
            return False


def peer_of(connection: socket.socket) -> tuple[str, int]:
    """Who is at the other end: `("uid", <their user id>)`, as the kernel says (unix(7), SO_PEERCRED)."""
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return "uid", _CREDENTIALS.unpack(packed)[1]
