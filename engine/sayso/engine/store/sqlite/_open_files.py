"""The files that this process writes: each once, with what all handles on it share.

It is the only state that a module of the engine keeps.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from functools import partial
from pathlib import Path
from typing import TypeVar

from sayso.engine._clock import Clock, SystemClock
from sayso.engine.store._opened import Opened
from sayso.engine.store._transaction import TransactionFunction
from sayso.engine.store.sqlite._connection import connect_writer
from sayso.engine.store.sqlite._lock import FileLock
from sayso.engine.store.sqlite._writer import Writer

T = TypeVar("T")

_EXIT_TIMEOUT = 10.0


class OpenFile(Opened):
    """A file that this process writes."""

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__(clock)
        self.path = path
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

    def submit(self, function: TransactionFunction[T], *, reads: bool = False) -> asyncio.Future[T]:
        """Queue a transaction of the file's one writer."""
        return self.writer.submit(function, reads=reads)

    def close(self, timeout: float | None = None) -> None:
        """Commit what is queued and let go of the file."""
        try:
            self.writer.stop(timeout)
        finally:
            self._lock.release()

    def leave_to_parent(self) -> None:
        """In a forked child: neither the parent's lock nor its writer thread came along."""
        self.of_parent = True
        self._lock.forget()


_open_files: dict[str, OpenFile] = {}
"""By real path; a file that is being closed stands here until it is closed."""

_registry = threading.Condition()


def _close_all() -> None:
    for file in list(_open_files.values()):
        file.close(_EXIT_TIMEOUT)
    _open_files.clear()


atexit.register(_close_all)


def _forget_parents() -> None:
    for file in _open_files.values():
        file.leave_to_parent()
    _open_files.clear()
    _registry.release()


# Nobody forks while another thread is in the registry: the child would find its lock taken for ever.
os.register_at_fork(
    before=_registry.acquire, after_in_parent=_registry.release, after_in_child=_forget_parents
)


def share(path: Path, clock: Clock | None) -> OpenFile:
    """The file at a path, opened by the first handle on it. Raises `StoreInUse`, `StoreUnreadable` and its like.

    While the last handle of before still closes the file, this waits: of two writers at once, one would lose.
    """
    with _registry:
        while (file := _open_files.get(str(path))) is not None and file.users == 0:
            _registry.wait()
        if file is None:
            file = _open_files[str(path)] = OpenFile(path, clock or SystemClock())
        file.users += 1
        return file


def leave(file: OpenFile) -> None:
    """One handle fewer; the last one commits what is queued and closes the file."""
    with _registry:
        file.users -= 1
        if file.users > 0 or _open_files.get(str(file.path)) is not file:
            return
    try:
        file.close()
    finally:
        with _registry:
            if _open_files.get(str(file.path)) is file:  # else this is a child, which was forked meanwhile
                del _open_files[str(file.path)]
            _registry.notify_all()
