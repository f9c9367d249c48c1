"""The operating system's lock that lets one process write a file at a time; kill -9 frees it."""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from pathlib import Path

from sayso.engine.errors import StoreInUse, StoreUnreadable
from sayso.engine.store.sqlite._connection import unusable


class FileLock:
    """A lock on `<database>.lock`, which also names its holder. The file stays; only the lock matters.

    It belongs to the open file and not to the process: closing the same file elsewhere in the process does not give it
    up, and a second one is refused there as well. A forked child inherits it, and has to `forget` it.
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
            if not path.parent.is_dir():
                raise unusable(self._database, error) from error
            why = "is a link; remove it" if path.is_symlink() else f"cannot be opened: {error.strerror}"
            raise StoreUnreadable(str(self._database), f"{path.name} {why}") from error
        try:
            _lock(descriptor)
        except (BlockingIOError, PermissionError) as error:  # EAGAIN or EACCES: somebody has it
            holder = os.pread(descriptor, 20, 0).strip()
            os.close(descriptor)
            raise StoreInUse(str(self._database), int(holder) if holder.isdigit() else None) from error
        except OSError as error:
            os.close(descriptor)
            reason = f"{path.name} cannot be locked: {error.strerror}"
            raise StoreUnreadable(str(self._database), reason) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back, also where a child has inherited it; harmless when it is not held."""
        if self._descriptor is not None:
            _unlock(self._descriptor)
        self.forget()

    def forget(self) -> None:
        """In a forked child: close what it inherited; the parent keeps the lock."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


if sys.platform == "linux":
    # `struct flock` of fcntl(2): the type, the whence, the start, the length (0: to the end), and no process.
    # Such a lock keeps out the record locks of programs, ours of before among them, and is kept out by them.
    def _flock(kind: int) -> bytes:
        return struct.pack("hhqqi0q", kind, os.SEEK_SET, 0, 0, 0)

    def _lock(descriptor: int) -> None:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _flock(fcntl.F_WRLCK))

    def _unlock(descriptor: int) -> None:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _flock(fcntl.F_UNLCK))

else:
    # Elsewhere flock(2) belongs to the open file.
    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
