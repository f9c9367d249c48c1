"""Transactions on SQLite's one write connection."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sayso.engine.errors import StoreError, StoreFull, StoreUnreadable
from sayso.engine.store._transaction import Transaction
from sayso.engine.store.sqlite._connection import SQL, OpenedFiles, connect_writer

_UNDOES_ALL = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_READONLY,
    }
)
"""Primary result codes after which the whole transaction is rolled back: sqlite.org/lang_transaction.html, "Response To
Errors Within A Transaction"."""


class SQLiteTransaction(Transaction):
    """The write connection of a file. `files` are what it writes into; nothing is committed while its path names
    others.
    """

    connection: sqlite3.Connection

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__(connect_writer(path), SQL)
        self.files = OpenedFiles.at(path)

    @property
    def is_open(self) -> bool:
        return self.connection.in_transaction

    def open(self) -> None:
        self.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self.files.check()
        super().commit()

    def close(self) -> None:
        self.connection.close()

    def is_undone_by(self, error: Exception) -> bool:
        fatal = isinstance(error, sqlite3.Error) and _primary_code(error) in _UNDOES_ALL
        return fatal or not self.connection.in_transaction

    def is_spoilt_by(self, error: Exception) -> bool:
        return self.is_undone_by(error)

    def translated(self, error: Exception) -> Exception:
        if isinstance(error, StoreError) or not isinstance(error, sqlite3.Error):
            return error
        if _primary_code(error) == sqlite3.SQLITE_FULL:
            translated: StoreError = StoreFull(str(self._path))
        else:
            translated = StoreUnreadable(str(self._path), str(error))
        translated.__cause__ = error
        return translated


def _primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
