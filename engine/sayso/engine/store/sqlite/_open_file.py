"""A file that this process writes: its lock, and what its writer has opened."""

from __future__ import annotations

from pathlib import Path

from sayso.engine._clock import Clock
from sayso.engine.store._open_databases import OpenDatabase
from sayso.engine.store.sqlite._connection import OpenedFiles
from sayso.engine.store.sqlite._lock import FileLock
from sayso.engine.store.sqlite._transaction import SQLiteTransaction


class OpenFile(OpenDatabase):
    """A file that this process writes. `files` are what it was opened as."""

    files: OpenedFiles

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._lock = FileLock(path)
        self._lock.acquire()
        try:
            super().__init__(str(path), clock, self._connect)
        except BaseException:
            self._lock.release()
            raise

    def close(self, timeout: float | None = None) -> None:
        """Commit what is queued and let go of the file."""
        try:
            super().close(timeout)
        finally:
            self._lock.release()

    def forget(self) -> None:
        """In a forked child: the lock stays the parent's."""
        self._lock.forget()

    def _connect(self) -> SQLiteTransaction:
        transaction = SQLiteTransaction(self._path)
        self.files = transaction.files
        return transaction
