"""The store in one SQLite file, written by one process at a time.

All handles on one file in one process share one `OpenFile`: the lock, the writer and the hub.
"""

from __future__ import annotations

from pathlib import Path

from sayso.engine._clock import Clock
from sayso.engine._values import VALUE_LIMIT
from sayso.engine.store._open_databases import share
from sayso.engine.store._store import StoreIn
from sayso.engine.store.sqlite._location import path_of
from sayso.engine.store.sqlite._open_file import OpenFile
from sayso.engine.store.sqlite._reader import SQLiteReader


class SQLiteStore(StoreIn[OpenFile, SQLiteReader]):
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
        super().__init__(value_limit, clock)
        self.path = self.beside = path_of(location)
        self.name = str(self.path)

    def is_there(self) -> bool:
        """Whether the file exists already."""
        return self.path.exists()

    def _share(self) -> OpenFile:
        return share(self.name, OpenFile, lambda: OpenFile(self.path, self._clock))

    def _make_reader(self) -> SQLiteReader:
        return SQLiteReader(self.path, self.is_gone, self._opened().files)
