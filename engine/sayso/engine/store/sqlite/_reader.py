"""SQLite's reader: read-only connections by aiosqlite, which never wait for the writer and never block it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sayso.engine.errors import StoreError, StoreUnreadable
from sayso.engine.store._reader import Reader
from sayso.engine.store._session import Session
from sayso.engine.store._upgrading import check_version
from sayso.engine.store.sqlite._connection import (
    SCHEMA,
    SQL,
    OpenedFiles,
    create_private,
    reader_uri,
    unusable,
)

if TYPE_CHECKING:
    import aiosqlite

T = TypeVar("T")


class SQLiteReader(Reader):
    """Reads a store's file. Raises `StoreReplaced` if the path no longer names the file that was opened: by the first
    read, or as `files` say.
    """

    def __init__(
        self,
        path: Path,
        is_gone: Callable[[str, str], bool] = lambda _workflow, _node: False,
        files: OpenedFiles | None = None,
    ) -> None:
        super().__init__(is_gone)
        self.path = path
        self._files = files
        self._connection: aiosqlite.Connection | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Close the connection; harmless when it is closed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def at_once(self, read: Callable[[Session], T]) -> T:
        """The result of a function on its own read-only connection, which sees the database as of one instant.

        It runs on a thread, and runs to its end there even if this is cancelled.
        """
        _ = await self._opened()  # which says what is wrong with the file, if anything is

        def work() -> T:
            with closing(
                sqlite3.connect(reader_uri(self.path), uri=True, isolation_level=None)
            ) as connection:
                connection.row_factory = sqlite3.Row
                connection.execute("BEGIN")
                return read(Session(connection, SQL))

        try:
            found = await asyncio.to_thread(work)
        except sqlite3.Error as error:
            raise StoreUnreadable(str(self.path), str(error)) from error
        _ = await self._opened()  # whether that connection, too, read this file
        return found

    async def backup(self, target: Path) -> None:
        """Copy the database as it is at one instant into a new file, while it is in use.

        Raises `StoreUnreadable` if the target exists, even as a dangling link, or cannot be written.
        """
        import aiosqlite  # noqa: PLC0415 - that only readers pay

        connection = await self._opened()
        try:
            await asyncio.to_thread(create_private, target)
            async with aiosqlite.connect(target) as copy:
                await connection.backup(copy)
        except FileExistsError as error:
            what = "it is a link" if await asyncio.to_thread(target.is_symlink) else "it exists already"
            raise StoreUnreadable(str(target), f"{what}; a backup never overwrites") from error
        except (sqlite3.Error, OSError) as error:
            raise unusable(target, error) from error

    async def _rows(self, query: str, parameters: dict[str, Any]) -> list[Any]:
        connection = self._connection
        if connection is None or self._files is None:
            connection = await self._opened()
        else:
            self._files.check()  # first: of what is there now, an error would say something else
        try:
            return list(await connection.execute_fetchall(SQL[query], parameters))
        except sqlite3.Error as error:
            raise StoreUnreadable(str(self.path), str(error)) from error

    async def _opened(self) -> aiosqlite.Connection:
        async with self._opening:
            if self._files is not None:
                self._files.check()
            if self._connection is None:
                self._connection = await self._open()
                self._files = self._files or OpenedFiles.at(self.path)
                self._files.check()
            return self._connection

    async def _open(self) -> aiosqlite.Connection:
        import aiosqlite  # noqa: PLC0415 - that only readers pay

        try:
            connection = await aiosqlite.connect(reader_uri(self.path), uri=True, isolation_level=None)
        except sqlite3.Error as error:
            is_there = await asyncio.to_thread(self.path.exists)
            reason = str(error) if is_there else "there is no such file yet"
            raise StoreUnreadable(str(self.path), reason) from error
        _stop_at_exit(connection)
        connection.row_factory = sqlite3.Row
        try:
            tables = {row[0] for row in await connection.execute_fetchall(SQL["tables"])}
            versions = (
                list(await connection.execute_fetchall(SQL["version"])) if "schema_version" in tables else []
            )
            found = check_version(str(self.path), tables, versions[0][0] if versions else None, SCHEMA)
            if found < SCHEMA:
                reason = f"it has the older schema {found}; a command that writes brings it up to date"
                raise StoreUnreadable(str(self.path), reason)
        except (sqlite3.Error, StoreError) as error:
            await connection.close()
            if isinstance(error, StoreError):
                raise
            raise StoreUnreadable(str(self.path), str(error)) from error
        return connection


def _stop_at_exit(connection: aiosqlite.Connection) -> None:
    """Let a script exit that forgot to close: aiosqlite's thread is no daemon and would be waited for."""

    def stop() -> None:
        threading.main_thread().join()
        connection.stop()  # pyright: ignore[reportUnknownMemberType]

    threading.Thread(target=stop, name="sayso reader's end", daemon=True).start()
