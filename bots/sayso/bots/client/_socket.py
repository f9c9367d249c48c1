"""The Unix socket beside the database: where the service listens, and others call it."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_LONGEST = 107
"""Bytes of a socket's path (unix(7): sun_path has 108 with the final zero)."""


def socket_path(beside: Path) -> SocketPath:
    """The control socket of a database whose things begin so."""
    return SocketPath(beside.with_name(beside.name + ".sock"))


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

    @property
    def is_there(self) -> bool:
        """Whether there is a socket, even if nothing listens on it."""
        try:
            return stat.S_ISSOCK(self.path.stat().st_mode)
        except OSError:
            return False
