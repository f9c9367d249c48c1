"""Checking the audit trail: whether what it says is what was written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from sayso.engine._clock import to_microseconds
from sayso.engine._outcomes import OutcomeKind
from sayso.engine._records import AuditRow
from sayso.engine._values import Json, digest, encode_sorted
from sayso.engine.store import NO_HASH, chain_hash


@dataclass(frozen=True, slots=True)
class AuditProblem:
    """A row of the trail that is not as it was written, and why."""

    sequence: int
    reason: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a check found. `head` is `<sequence>:<hash>` of the last row, to be kept elsewhere."""

    rows: int
    redacted: int
    head: str
    problems: tuple[AuditProblem, ...]


async def verify_audit(
    rows: AsyncIterator[AuditRow], head: str | None = None, answers: Iterable[tuple[str, Json]] = ()
) -> AuditReport:
    """Check the whole trail: changed, removed and inserted rows are found, and `answers` of requests (their ids, and
    what they were answered with as of before the rows are read) that no row accepted.

    Rows missing at the end, and a chain that was written anew, show only against a `head` noted before.
    """
    decided: dict[str, list[Json]] = {}
    previous, sequence, redacted = NO_HASH, 0, 0
    problems: list[AuditProblem] = []
    kept = None if head is None else _read_head(head)
    head_seen = kept is None
    async for row in rows:
        if row.sequence != sequence + 1:
            problems.append(
                AuditProblem(row.sequence, f"rows {sequence + 1} to {row.sequence - 1} are missing")
            )
        expected = chain_hash(
            previous,
            row.sequence,
            to_microseconds(row.at),
            row.kind,
            row.run_id,
            row.request_id,
            row.person,
            row.via,
            row.payload_digest,
        )
        if row.hash != expected:
            problems.append(
                AuditProblem(row.sequence, "the row or the one before it was changed, inserted or removed")
            )
        if row.payload is None:
            redacted += 1
        elif digest(encode_sorted(row.payload)) != row.payload_digest:
            problems.append(AuditProblem(row.sequence, "its payload was changed"))
        if kept is not None and row.sequence == kept[0]:
            head_seen = True
            if row.hash != kept[1]:
                problems.append(
                    AuditProblem(row.sequence, "its hash is not that of the head given: written anew")
                )
        if row.kind == "answer_accepted" and row.request_id is not None:
            decided.setdefault(row.request_id, []).append(row.payload)
        previous, sequence = row.hash, row.sequence
    problems += [
        AuditProblem(0, f"request {request_id} was answered in the database, and no row has that answer")
        for request_id, answer in answers
        if not any(_decides(payload, answer) for payload in decided.get(request_id, ()))
    ]
    if not head_seen and kept is not None:
        problems.append(
            AuditProblem(kept[0], f"the trail ends at row {sequence}, before the head given: cut off")
        )
    return AuditReport(sequence, redacted, f"{sequence}:{previous}", tuple(problems))


def _decides(payload: Json, answer: Json) -> bool:
    """Whether an accepted answer could have decided so: it did, its votes did, or its payload is redacted."""
    if not isinstance(payload, dict):
        return True
    decided = payload.get("decided")
    if isinstance(decided, dict):
        return decided.get("value") == answer
    return payload.get("outcome") in _DECIDING and payload.get("value") == answer


_DECIDING = (OutcomeKind.RESOLVED, OutcomeKind.HELD)


def _read_head(head: str) -> tuple[int, str]:
    number, _, chained = head.partition(":")
    if not number.isdecimal() or len(chained) != len(NO_HASH):
        raise ValueError(f"{head!r} is no head; `sayso audit verify` prints one as <sequence>:<hash>")
    return int(number), chained


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
        "hash": row.hash,
    }
