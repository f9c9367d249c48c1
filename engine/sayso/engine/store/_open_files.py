"""The files that this process writes: each once, with what all handles on it share.

It is the only state that a module of the engine keeps.
"""

from __future__ import annotations

import atexit
import os
import threading
from functools import partial
from pathlib import Path

from sayso.engine._clock import Clock, SystemClock
from sayso.engine.store._connection import connect_writer
from sayso.engine.store._hub import Hub
from sayso.engine.store._lock import FileLock
from sayso.engine.store._writer import Writer

_EXIT_TIMEOUT = 10.0


class OpenFile:
    """A file that this process writes, with everything that its handles share."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.clock = clock
        self.hub = Hub()
        self.nodes: dict[str, frozenset[str]] = {}
        self.users = 0
        self.of_parent = False
        self._lock = FileLock(path)
        self._lock.acquire()
        self.writer = Writer(str(path), partial(connect_writer, path), clock, self.hub)
        try:
            self.writer.start()
        except BaseException:
            self._lock.release()
            raise

    def is_gone(self, workflow: str, node_id: str) -> bool:
        """Whether the code of this workflow is loaded here and lacks the node."""
        nodes = self.nodes.get(workflow)
        return nodes is not None and node_id not in nodes

    def close(self, timeout: float | None = None) -> None:
        """Commit what is queued and let go of the file."""
        self.writer.stop(timeout)
        self._lock.release()


_open_files: dict[str, OpenFile] = {}
_open_files_lock = threading.Lock()


def _close_all() -> None:
    for file in _open_files.values():
        file.close(_EXIT_TIMEOUT)
    _open_files.clear()


atexit.register(_close_all)


def _forget_parents() -> None:
    """In a forked child: neither the parent's lock nor its writer thread came along."""
    for file in _open_files.values():
        file.of_parent = True
    _open_files.clear()


os.register_at_fork(after_in_child=_forget_parents)


def share(path: Path, clock: Clock | None) -> OpenFile:
    """The file at a path, opened by the first handle on it. Raises `StoreInUse`, `StoreUnreadable` and its like."""
    with _open_files_lock:
        file = _open_files.get(str(path))
        if file is None:
            file = _open_files[str(path)] = OpenFile(path, clock or SystemClock())
        file.users += 1
        return file


def leave(file: OpenFile) -> None:
    """One handle fewer; the last one commits what is queued and closes the file."""
    with _open_files_lock:
        file.users -= 1
        if file.users > 0 or _open_files.get(str(file.path)) is not file:
            return
        del _open_files[str(file.path)]
    file.close()
