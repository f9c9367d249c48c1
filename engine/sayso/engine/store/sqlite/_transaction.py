"""Transactions on SQLite's one write connection."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from sayso.engine.store._transaction import Transaction
from sayso.engine.store.sqlite._connection import SQL


class SQLiteTransaction(Transaction):
    """The write connection with the state that its transactions share."""

    connection: sqlite3.Connection

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection, SQL)

    def begin(self, instant: datetime) -> None:
        """Open a transaction of SQLite's at this instant."""
        self.connection.execute("BEGIN IMMEDIATE")
        super().begin(instant)
