"""The store in one SQLite file, written by one process at a time.

All handles on one file in one process share one `OpenFile`: the lock, the writer and the hub.
"""

from __future__ import annotations

from pathlib import Path

from sayso.engine._clock import Clock, SystemClock
from sayso.engine._values import VALUE_LIMIT
from sayso.engine.store._open_databases import leave, share
from sayso.engine.store._store import Store
from sayso.engine.store.sqlite._location import path_of
from sayso.engine.store.sqlite._open_file import OpenFile
from sayso.engine.store.sqlite._reader import SQLiteReader


class SQLiteStore(Store):
    """A handle on one database file.

    `location` is a path or `sqlite:///path`; without one it is what `SAYSO_DATABASE` says, else `sayso.db` in the
    working directory. Raises `StoreInUse` while another process writes the file, `SchemaTooNew`, `StoreUnreadable`,
    `StoreFull`. `value_limit` is the maximum size of each stored value, in bytes of JSON.
    """

    def __init__(
        self,
        location: str | Path | None = None,
        *,
        clock: Clock | None = None,
        value_limit: int = VALUE_LIMIT,
    ) -> None:
        super().__init__(value_limit)
        self.path = self.beside = path_of(location)
        self.name = str(self.path)
        self._clock = clock
        self._file: OpenFile | None = None
        self._reader: SQLiteReader | None = None

    async def close(self) -> None:
        """Release the file. The last handle in the process commits what is queued and closes it, even if this is
        cancelled.
        """
        self._leave_to_parent()
        reader, self._reader = self._reader, None
        try:
            if reader is not None:
                await reader.close()
        finally:
            file, self._file = self._file, None
            if file is not None:
                leave(file)

    def is_there(self) -> bool:
        """Whether the file exists already."""
        return self.path.exists()

    @property
    def is_open(self) -> bool:
        """Whether this handle holds the file."""
        return self._file is not None

    @property
    def reader(self) -> SQLiteReader:
        """Listings and status, by connections of their own."""
        files = self._opened().files
        if self._reader is None:
            self._reader = SQLiteReader(self.path, self.is_gone, files)
        return self._reader

    def _opened(self) -> OpenFile:
        self._leave_to_parent()
        if self._file is None:
            path, clock = self.path, self._clock or SystemClock()
            self._file = share(str(path), OpenFile, lambda: OpenFile(path, clock))
        return self._file

    def _leave_to_parent(self) -> None:
        """In a forked child: what was open before is the parent's, whose threads did not come along."""
        if self._file is not None and self._file.of_parent:
            self._file = self._reader = None
