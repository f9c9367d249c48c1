"""The store in one SQLite file: its lock, its one writer, its readers, and what of it no other database knows."""

from sayso.engine.store.sqlite._reader import SQLiteReader
from sayso.engine.store.sqlite._restoring import Restored, restore_backup
from sayso.engine.store.sqlite._store import SQLiteStore

__all__ = ["Restored", "SQLiteReader", "SQLiteStore", "restore_backup"]
