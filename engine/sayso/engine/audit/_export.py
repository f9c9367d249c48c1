"""Rows of the trail for export."""

from __future__ import annotations

from sayso.engine._records import AuditRow
from sayso.engine._values import Json, decode


def export_row(row: AuditRow) -> dict[str, Json]:
    """A row for export, with the instant in ISO 8601."""
    return {
        "sequence": row.sequence,
        "at": row.at.isoformat(),
        "kind": row.kind,
        "run_id": row.run_id,
        "request_id": row.request_id,
        "person": row.person,
        "via": row.via,
        "payload": row.payload,
        "payload_digest": row.payload_digest,
        "facts": None if row.facts is None else decode(row.facts),
        "hash": row.hash,
        "position": row.position,
    }
