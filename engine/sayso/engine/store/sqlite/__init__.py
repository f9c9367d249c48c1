"""The store in one SQLite file: its lock, its one writer, its readers, and what of it no other database knows."""

from sayso.engine.store.sqlite._connection import refuse_links
from sayso.engine.store.sqlite._location import path_of
from sayso.engine.store.sqlite._lock import FileLock
from sayso.engine.store.sqlite._reader import SQLiteReader
from sayso.engine.store.sqlite._restoring import Restored, restore_backup
from sayso.engine.store.sqlite._store import SQLiteStore
from sayso.engine.store.sqlite._transaction import SQLiteTransaction

__all__ = [
    "FileLock",
    "Restored",
    "SQLiteReader",
    "SQLiteStore",
    "SQLiteTransaction",
    "path_of",
    "refuse_links",
    "restore_backup",
]
