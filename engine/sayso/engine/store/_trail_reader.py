"""The audit trail, whole and as news."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from sayso.engine._clock import from_microseconds
from sayso.engine._records import (
    AuditRow,
)
from sayso.engine.store._rows import (
    read_audit,
    read_policy,
)
from sayso.engine.store._run_reader import RunReader

_AT_ONCE = 1000


class News(msgspec.Struct, frozen=True, gc=False):
    """A row of the trail without what is in it, and whom it concerns: `audiences` are those of its request, or of all
    requests of its run.
    """

    sequence: int
    at: datetime
    kind: str
    run_id: str | None
    request_id: str | None
    requested_by: str | None
    audiences: tuple[tuple[str, ...], ...]


class TrailReader(RunReader):
    """Reads the audit trail."""

    async def audit_head(self) -> int:
        """The number of the audit trail's last row, 0 if it is empty."""
        rows = await self._rows("audit_head", {})
        return int(rows[0]["sequence"]) if rows else 0

    async def head_of_store(self) -> str | None:
        """The last row of the store's own chain as `<sequence>:<hash>`, for noting it elsewhere; None without one."""
        rows = await self._rows("audit_head_of_store", {})
        return f"{rows[0]['sequence']}:{rows[0]['hash']}" if rows else None

    async def audit(self, run_id: str | None = None, *, after: int = 0) -> AsyncIterator[AuditRow]:
        """The audit trail in order, whole or of one run, after the row with that number."""
        query = "audit_page" if run_id is None else "audit_page_of_run"
        while rows := await self._rows(query, {"after": after, "limit": _AT_ONCE, "run_id": run_id}):
            for row in rows:
                yield read_audit(row)
            after = rows[-1]["sequence"]

    async def audit_tail(self, run_id: str, limit: int) -> list[AuditRow]:
        """The latest rows of the trail of one run, in order."""
        rows = await self._rows("audit_tail_of_run", {"run_id": run_id, "limit": limit})
        return [read_audit(row) for row in reversed(rows)]

    async def news(self, after: int, limit: int) -> list[News]:
        """What the trail tells of behind a row, no more than `limit` rows of it."""
        concerns: dict[str, tuple[tuple[str, ...], ...]] = {}
        found: list[News] = []
        for row in await self._rows("audit_news", {"after": after, "limit": limit}):
            run_id, policy = row["run_id"], row["policy"]
            audiences: tuple[tuple[str, ...], ...] = ()
            if policy is not None:
                audiences = (read_policy(policy).concerned,)
            elif row["request_id"] is None and run_id is not None:
                if run_id not in concerns:
                    concerns[run_id] = tuple(await self.run_concerns(run_id))
                audiences = concerns[run_id]
            found.append(
                News(
                    row["sequence"], from_microseconds(row["at"]), row["kind"], run_id, row["request_id"],
                    row["requested_by"], audiences,
                )
            )  # fmt: skip
        return found
