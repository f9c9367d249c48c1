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
    """A row of the requests' listing."""
    return RequestRecord(
        id=row["id"],
        name=row["name"],
        run_id=row["run_id"],
        node_id=row["node_id"],
        visit=row["visit"],
        attempt=row["attempt"],
        canonical=row["question"],
        digest=row["digest"],
        revision=row["revision"],
        audience=read_audience(row["policy"]),
        requested_by=row["requested_by"],
        note=row["note"],
        asked_at=from_microseconds(row["asked_at"]),
        deadline=None if row["deadline"] is None else from_microseconds(row["deadline"]),
        default=row["default_value"],
        status=RequestStatus(row["status"]),
        answer=row["answer"],
        decided=row["decided"],
        resolved_at=None if row["resolved_at"] is None else from_microseconds(row["resolved_at"]),
    )


def read_resolution(row: Any) -> Resolution:
    """The end of a request."""
    return Resolution(
        row["id"],
        RequestStatus(row["status"]),
        row["answer"],
        row["decided"],
        None if row["resolved_at"] is None else from_microseconds(row["resolved_at"]),
    )


def read_run(row: Any) -> RunRecord:
    """A run with its current visit."""
    return RunRecord(
        run_key=row["run_key"],
        run_id=row["run_id"],
        workflow=row["workflow"],
        status=WorkflowStatus(row["status"]),
        resolutions=row["resolutions"],
        visit=row["visit"],
        node_id=row["node_id"],
        attempt=row["attempt"],
        first_attempt=row["first_attempt"],
        retry_at=None if row["retry_at"] is None else from_microseconds(row["retry_at"]),
        entry=row["entry"],
        shared=row["shared"],
        error=row["error"],
        attention=read_attention(row["attention"]),
        requested_by=row["requested_by"],
    )


def read_step(row: Any) -> StepRecord:
    """A step."""
    return StepRecord(row["name"], row["arguments"], row["result"])


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
