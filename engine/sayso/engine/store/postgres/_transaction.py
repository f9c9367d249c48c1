"""Transactions on the one write connection to PostgreSQL."""

from __future__ import annotations

import psycopg

from sayso.engine.store._transaction import Transaction
from sayso.engine.store.postgres._connection import connect_writer, translated
from sayso.engine.store.postgres._dialect import SQL, PostgresConnection
from sayso.engine.store.postgres._location import name_of


class PostgresTransaction(Transaction):
    """The write connection to a database. A statement that fails spoils its transaction, up to the last savepoint."""

    BEGIN = "BEGIN"
    connection: PostgresConnection

    def __init__(self, location: str) -> None:
        self._name = name_of(location)
        connection = connect_writer(location)
        try:
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

    def close(self) -> None:
        self.connection.close()

    def is_undone_by(self, error: Exception) -> bool:  # noqa: ARG002 - the connection knows
        return self.connection.is_lost or self.connection.is_idle

    def is_spoilt_by(self, error: Exception) -> bool:  # noqa: ARG002
        return self.connection.is_lost or self.connection.is_spoilt

    def translated(self, error: Exception) -> Exception:
        return translated(error, self._name)
