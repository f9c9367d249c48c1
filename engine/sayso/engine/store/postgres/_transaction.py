"""Transactions on the one write connection to PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import psycopg
from psycopg import errors

from sayso.engine.store._transaction import Transaction
from sayso.engine.store.postgres._connection import Backend, connect_writer, translated
from sayso.engine.store.postgres._dialect import SQL, PostgresConnection
from sayso.engine.store.postgres._location import name_of

_UNDOES_ALL = (errors.QueryCanceled, errors.LockNotAvailable, errors.DiskFull)
"""Statements that ran out of time or space: done again one by one, each would take as long before it failed."""


class PostgresTransaction(Transaction):
    """The write connection to a database. A statement that fails spoils its transaction, up to the last savepoint."""

    connection: PostgresConnection

    def __init__(self, location: str, replaced: Backend | None = None) -> None:
        self._name, self._number = name_of(location), ""
        connection = connect_writer(location, replaced)
        try:
            self.backend: Backend = tuple(connection.execute(SQL["backend"]).fetchall()[0])
            super().__init__(connection, SQL)
        except psycopg.Error as error:
            connection.close()
            raise self.translated(error) from error

    @property
    def is_open(self) -> bool:
        return not self.connection.is_idle

    @property
    def is_lost(self) -> bool:
        return self.connection.is_lost

    def open(self) -> None:
        self._number = self.connection.begin()

    def execute(self, statement: str) -> None:
        self.connection.run_script(statement)

    def has_committed(self, lost: Transaction) -> bool:
        """What the server says of the transaction; one that it never had is of another server, which lost it."""
        assert isinstance(lost, PostgresTransaction)
        try:
            return bool(self.row("transaction_status", (lost._number,))[0] == "committed")  # noqa: SLF001 - its own kind
        except errors.InvalidParameterValue:
            return False

    def close(self) -> None:
        self.connection.close()

    def allow(self, patience: timedelta) -> None:
        """Let each statement take so long."""
        self.connection.allow(patience)

    def is_undone_by(self, error: Exception) -> bool:
        return isinstance(error, _UNDOES_ALL) or self.connection.is_lost or self.connection.is_idle

    def is_spoilt_by(self, error: Exception) -> bool:  # noqa: ARG002
        return self.connection.is_lost or self.connection.is_spoilt

    def translated(self, error: Exception) -> Exception:
        return translated(error, self._name)
