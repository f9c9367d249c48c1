"""Listings and status: read-only connections by aiosqlite, which never wait for the writer and never block it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import aiosqlite

from sayso.engine._clock import to_microseconds
from sayso.engine._records import AuditRow, LoadedRun, RequestRecord, RunSummary, WorkflowStatus
from sayso.engine.errors import StoreError, StoreUnreadable, UnknownRun
from sayso.engine.store._connection import SCHEMA, check_version, create_private, reader_uri
from sayso.engine.store._queries import SQL
from sayso.engine.store._rows import read_audit, read_request, read_run, read_step, read_summary

_PAGE = 1000


class SQLiteReader:
    """Reads a store's file, also while another process writes it. Opened at the first read, kept until `close`.

    Each read is one statement and so sees everything that was acknowledged before it began. Raises
    `StoreUnreadable` where there is no database.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: aiosqlite.Connection | None = None
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; harmless when it is closed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def runs(
        self,
        *,
        status: WorkflowStatus | None = None,
        workflow: str | None = None,
        limit: int = 100,
    ) -> list[RunSummary]:
        """The newest runs first."""
        fields = {"status": status, "workflow": workflow, "run_id": None, "limit": limit}
        return [read_summary(row) for row in await self._rows("runs_list", fields)]

    async def run(self, run_id: str) -> RunSummary:
        """One run; raises `UnknownRun`."""
        rows = await self._rows("run_summary", {"run_id": run_id})
        if not rows:
            raise UnknownRun(run_id)
        return read_summary(rows[0])

    async def pending(self, run_id: str | None = None, limit: int = 1000) -> list[RequestRecord]:
        """The open requests, the oldest first; of one run where it is named."""
        return [
            read_request(row)
            for row in await self._rows("requests_pending", {"run_id": run_id, "limit": limit})
        ]

    async def request(self, request_id: str) -> RequestRecord | None:
        """One request by its own id."""
        rows = await self._rows("request_by_id", {"id": request_id})
        return read_request(rows[0]) if rows else None

    async def load(self, run_id: str) -> LoadedRun | None:
        """A run with the journal of its current visit; it may move on while it is read."""
        rows = await self._rows("run_load", {"run_id": run_id})
        if not rows:
            return None
        run = read_run(rows[0])
        where = {"run_key": run.run_key, "visit": run.visit}
        requests = tuple(read_request(row) for row in await self._rows("visit_requests", where))
        return LoadedRun(
            run, requests, tuple(read_step(row) for row in await self._rows("visit_steps", where))
        )

    async def parked(self, workflow: str) -> list[tuple[str, str, str]]:
        """Every parked run of a workflow: run id, node id, and the definition it parked under, as JSON."""
        rows = await self._rows("parked_runs", {"workflow": workflow})
        return [(row["run_id"], row["node_id"], row["definition"]) for row in rows]

    async def audit(self, run_id: str | None = None) -> AsyncIterator[AuditRow]:
        """The audit trail in its order, whole or of one run."""
        after = 0
        query = "audit_page" if run_id is None else "audit_page_of_run"
        while rows := await self._rows(query, {"after": after, "limit": _PAGE, "run_id": run_id}):
            for row in rows:
                yield read_audit(row)
            after = rows[-1]["sequence"]

    async def ended_before(self, before: datetime) -> int:
        """How many runs ended before an instant."""
        return int((await self._rows("prune_count", {"before": to_microseconds(before)}))[0]["runs"])

    async def backup(self, target: Path) -> None:
        """Copy the database as it is at one instant into a new file, while it is in use.

        Raises `StoreUnreadable` when the target exists or cannot be written.
        """
        if await asyncio.to_thread(target.exists):
            raise StoreUnreadable(str(target), "it exists already; a backup never overwrites")
        connection = await self._opened()
        try:
            await asyncio.to_thread(create_private, target)
            async with aiosqlite.connect(target) as copy:
                await connection.backup(copy)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnreadable(str(target), str(error)) from error

    async def _rows(self, query: str, parameters: dict[str, Any]) -> list[Any]:
        connection = await self._opened()
        try:
            return list(await connection.execute_fetchall(SQL[query], parameters))
        except sqlite3.Error as error:
            raise StoreUnreadable(str(self.path), str(error)) from error

    async def _opened(self) -> aiosqlite.Connection:
        async with self._opening:
            if self._connection is None:
                self._connection = await self._open()
            return self._connection

    async def _open(self) -> aiosqlite.Connection:
        if not await asyncio.to_thread(self.path.exists):
            raise StoreUnreadable(str(self.path), "there is no such file yet")
        try:
            connection = await aiosqlite.connect(reader_uri(self.path), uri=True, isolation_level=None)
        except sqlite3.Error as error:
            raise StoreUnreadable(str(self.path), str(error)) from error
        _stop_at_exit(connection)
        connection.row_factory = sqlite3.Row
        try:
            tables = {row[0] for row in await connection.execute_fetchall(SQL["tables"])}
            versions = (
                list(await connection.execute_fetchall(SQL["version"])) if "schema_version" in tables else []
            )
            found = check_version(self.path, tables, versions[0][0] if versions else None)
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
