"""PostgreSQL's reader: a connection of its own, used on threads, one statement at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

import psycopg

from sayso.engine.errors import StoreError
from sayso.engine.store._reader import Reader
from sayso.engine.store._session import Session
from sayso.engine.store.postgres._connection import connect_reader, translated
from sayso.engine.store.postgres._dialect import LONG_PATIENCE, SQL, PostgresConnection, ReadingSession
from sayso.engine.store.postgres._location import name_of

T = TypeVar("T")


class PostgresReader(Reader):
    """Reads a database. A lost connection is replaced, and what was to be read is read again: that changes nothing."""

    def __init__(
        self, location: str, is_gone: Callable[[str, str], bool] = lambda _workflow, _node: False
    ) -> None:
        super().__init__(is_gone)
        self._location = location
        self._connection: PostgresConnection | None = None
        self._failure: tuple[float, StoreError] | None = None
        # Of its own: code of workflows may fill the loop's.
        self._thread = ThreadPoolExecutor(1, f"sayso reader {name_of(location)}")

    async def close(self) -> None:
        """Close the connection, also if this is cancelled; harmless when it is closed."""
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, self._close))

    async def at_once(self, read: Callable[[Session], T]) -> T:
        """The result of a function on its own read-only connection, which sees the database as of one instant.

        It runs on a thread, and runs to its end there even if this is cancelled.
        """

        def work() -> T:
            with closing(connect_reader(self._location)) as connection:
                try:
                    connection.allow(LONG_PATIENCE)
                    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    return read(ReadingSession(connection))
                except psycopg.Error as error:
                    raise translated(error, name_of(self._location)) from error

        return await asyncio.to_thread(work)

    async def _rows(self, query: str, parameters: dict[str, Any]) -> list[Any]:
        read = partial(self._read, SQL[query], parameters, time.monotonic())
        return await asyncio.get_running_loop().run_in_executor(self._thread, read)

    def _read(self, statement: str, parameters: dict[str, Any], asked: float) -> list[Any]:
        if self._connection is not None:
            try:
                return self._connection.execute(statement, parameters).fetchall()
            except psycopg.Error as error:
                if not self._connection.is_lost:
                    raise translated(error, name_of(self._location)) from error
        self._connection = self._connect(asked)
        try:
            return self._connection.execute(statement, parameters).fetchall()
        except psycopg.Error as error:
            raise translated(error, name_of(self._location)) from error

    def _connect(self, asked: float) -> PostgresConnection:
        """A new connection. What was asked before one could not be had is told so too, instead of waiting as long for
        each other's.
        """
        if self._failure is not None and asked < self._failure[0]:
            raise self._failure[1]
        try:
            return connect_reader(self._location)
        except StoreError as error:
            self._failure = time.monotonic(), error
            raise

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
