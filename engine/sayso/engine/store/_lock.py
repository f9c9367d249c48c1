"""The operating system's lock that lets one process write a file at a time; kill -9 frees it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sayso.engine.errors import StoreInUse, StoreUnreadable


class FileLock:
    """A POSIX record lock on `<database>.lock`, which also names its holder. The file stays; only the lock matters.

    Record locks belong to the process: a forked child does not inherit them.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock or raise `StoreInUse` with the holder's process id."""
        path = self._database.with_name(self._database.name + ".lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            why = "is a link; remove it" if path.is_symlink() else f"cannot be opened: {error.strerror}"
            raise StoreUnreadable(str(self._database), f"{path.name} {why}") from error
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 20, 0).strip()
            os.close(descriptor)
            raise StoreInUse(str(self._database), int(holder) if holder.isdigit() else None) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
