"""Rows of the database as records."""

from __future__ import annotations

from typing import Any

import msgspec

from sayso.engine._clock import from_microseconds
from sayso.engine._records import (
    Attention,
    AuditRow,
    RequestRecord,
    RequestStatus,
    RunRecord,
    RunSummary,
    StepRecord,
    WorkflowStatus,
)
from sayso.engine._values import decode
from sayso.engine.store._hub import Resolution

_attention = msgspec.json.Decoder(Attention)
_audience: msgspec.json.Decoder[tuple[str, ...]] = msgspec.json.Decoder(tuple[str, ...])


def read_audience(policy: str) -> tuple[str, ...]:
    """The audience of a stored policy."""
    return _audience.decode(policy)


def read_attention(text: str | None) -> Attention | None:
    """The stored form of what an operator must decide."""
    return None if text is None else _attention.decode(text)


def read_request(row: Any) -> RequestRecord:
    """A row of the requests' listings, whose columns are those of `RequestRecord`."""
    fields = list(row)
    fields[9] = read_audience(fields[9])
    fields[15] = RequestStatus(fields[15])
    for instant in (12, 13, 18):
        if fields[instant] is not None:
            fields[instant] = from_microseconds(fields[instant])
    return RequestRecord(*fields)


def read_resolution(row: Any) -> Resolution:
    """The end of a request."""
    request_id, status, answer, decided, resolved_at = row
    resolved = None if resolved_at is None else from_microseconds(resolved_at)
    return Resolution(request_id, RequestStatus(status), answer, decided, resolved)


def read_run(row: Any) -> RunRecord:
    """A run with its current visit; the columns are those of `RunRecord`."""
    fields = list(row)
    fields[3] = WorkflowStatus(fields[3])
    fields[9] = None if fields[9] is None else from_microseconds(fields[9])
    fields[13] = read_attention(fields[13])
    return RunRecord(*fields)


def read_step(row: Any) -> StepRecord:
    """A step."""
    return StepRecord(*row)


def read_summary(row: Any) -> RunSummary:
    """A run in a listing."""
    return RunSummary(
        run_id=row["run_id"],
        workflow=row["workflow"],
        status=WorkflowStatus(row["status"]),
        node_id=row["node_id"],
        visit=row["visit"],
        error=row["error"],
        attention=read_attention(row["attention"]),
        requested_by=row["requested_by"],
        created_at=from_microseconds(row["created_at"]),
        updated_at=from_microseconds(row["updated_at"]),
    )


def read_audit(row: Any) -> AuditRow:
    """A row of the audit trail."""
    return AuditRow(
        sequence=row["sequence"],
        at=from_microseconds(row["at"]),
        kind=row["kind"],
        run_id=row["run_id"],
        request_id=row["request_id"],
        person=row["person"],
        via=row["via"],
        payload=None if row["payload"] is None else decode(row["payload"]),
        payload_digest=row["payload_digest"],
        hash=row["hash"],
    )
