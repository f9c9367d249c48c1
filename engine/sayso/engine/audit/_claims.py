"""What rows of the trail say in words about a request and its run, column by column. A name on the web is compared in
its one form: rows from before keep the spelling of then.

It is all there is to compare with for rows from before the trail kept digests; for the others it names the columns
that differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from sayso.engine._audience import canonical
from sayso.engine._clock import to_microseconds
from sayso.engine._outcomes import OutcomeKind
from sayso.engine._records import AttentionKind, AuditRow, RequestStatus, WorkflowStatus
from sayso.engine._values import Json, encode_sorted

Claims: TypeAlias = dict[str, Json]
"""By column, only those that are known. JSON is decoded."""

_AS_WRITTEN = ("name", "node_id", "question", "digest", "revision", "note")
_REVISED = ("question", "digest", "revision", "note", "policy")
_END = ("status", "answer", "resolved_at", "resolved_by")
_PEOPLE = ("requested_by", "resolved_by")
_DECIDING = frozenset({OutcomeKind.RESOLVED, OutcomeKind.HELD})
_OF_REQUESTS = frozenset({AttentionKind.QUESTION_CHANGED, AttentionKind.ANSWER_UNUSED})


def claim_of_request(row: AuditRow, known: Claims) -> Claims:
    """What is known of a request after one more of its rows. A redacted row leaves nothing to compare with."""
    said = row.payload if isinstance(row.payload, dict) else {}
    at = to_microseconds(row.at)
    match row.kind:
        case "requested":
            begun: Claims = {"requested_by": row.person, "asked_at": at, "resolved_at": None}
            return {
                **begun,
                "status": RequestStatus.PENDING,
                "answer": None,
                "resolved_by": None,
                **_asked(said),
            }
        case "request_changed":
            return {**_without(known, _REVISED), **_asked(said)}
        case "answer_accepted" | "answered_by_rule" | "answered_by_grant":
            return _answered(row, said, known)
        case "request_expired":
            end: Claims = {"status": RequestStatus.EXPIRED, "resolved_at": at, "resolved_by": None}
            default: Claims = {"answer": said["default"]} if "default" in said else {}
            return {**_without(known, _END), **end, **default}
        case "request_withdrawn":
            return {
                **_without(known, _END),
                "status": RequestStatus.WITHDRAWN,
                "resolved_at": at,
                "answer": None,
            }
        case "request_cancelled":
            ended: Claims = {"resolved_at": at, "resolved_by": row.person, "answer": None}
            return {**known, "status": RequestStatus.CANCELLED, **ended}
        case "request_escalated" | "request_reassigned":
            return _without(known, ("policy",))
        case _:
            return known


def claim_after_attention(row: AuditRow, known: Claims) -> Claims:
    """What is known of a request of a run after an operator decided about the run: less, where it was about it."""
    said = row.payload if isinstance(row.payload, dict) else {}
    attention = said.get("attention")
    if isinstance(attention, dict):
        is_of_request = attention.get("kind") in _OF_REQUESTS
        if not is_of_request or attention.get("name") != known.get("name", attention.get("name")):
            return known
    return _without(known, (*_REVISED, *_END))


def claim_of_run(row: AuditRow, known: Claims) -> Claims:
    """What is known of a run after one more of its rows."""
    said = row.payload if isinstance(row.payload, dict) else {}
    at = to_microseconds(row.at)
    match row.kind:
        case "run_started":
            begun: Claims = {"requested_by": row.person, "created_at": at, "ended_at": None}
            return {**begun, **({"workflow": said["workflow"]} if "workflow" in said else {})}
        case "run_ended":
            ended: Claims = {"ended_at": at, **({"status": said["status"]} if "status" in said else {})}
            return {**_without(known, ("status",)), **ended}
        case "run_cancelled":
            return {**known, "ended_at": at, "status": WorkflowStatus.CANCELLED}
        case "run_retried":
            return {**_without(known, ("status",)), "ended_at": None}
        case _:
            return known


def differing(claims: Claims, stored: Mapping[str, Json]) -> list[str]:
    """The columns in which what is stored is not what was said."""
    return sorted(
        column
        for column, said in claims.items()
        if column in stored and _comparable(column, said) != _comparable(column, stored[column])
    )


def _comparable(column: str, value: Json) -> bytes:
    return encode_sorted(canonical(value) if column in _PEOPLE and isinstance(value, str) else value)


def _asked(said: Mapping[str, Json]) -> Claims:
    found: Claims = {name: said[name] for name in _AS_WRITTEN if name in said}
    if "policy" in said or "to" in said:
        found["policy"] = said.get("policy", said.get("to"))
    return found


def _answered(row: AuditRow, said: Mapping[str, Json], known: Claims) -> Claims:
    if "outcome" not in said:
        return _without(known, _END)
    if said["outcome"] not in _DECIDING:
        return known
    decided = said.get("decided")
    answer = decided.get("value") if isinstance(decided, dict) else said.get("value")
    end: Claims = {"answer": answer, "resolved_at": to_microseconds(row.at)}
    return {**known, "status": RequestStatus.ANSWERED, "resolved_by": said.get("whose", row.person), **end}


def _without(known: Claims, columns: tuple[str, ...]) -> Claims:
    return {column: said for column, said in known.items() if column not in columns}
