"""Rows of the database as records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from sayso.engine._clock import from_microseconds
from sayso.engine._policy import Policy
from sayso.engine._records import (
    ENDED,
    Approval,
    Attention,
    AuditRow,
    CardRecord,
    CastVote,
    Delivery,
    Kept,
    Notice,
    NoticeKind,
    Rendering,
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
_votes = msgspec.json.Decoder(tuple[CastVote, ...])
_open_votes = msgspec.json.Decoder(
    tuple[tuple[str, str, str, Any, int, str | None, tuple[str, ...], tuple[str, ...] | None, int, int], ...]
)
_audience: msgspec.json.Decoder[tuple[str, ...]] = msgspec.json.Decoder(tuple[str, ...])
_policy = msgspec.json.Decoder(Policy)


@lru_cache(maxsize=1024)
def read_policy(text: str) -> Policy:
    """A stored policy: one with stages as itself, any other as the list of those who are asked. Few differ, and all
    that are read of one text are one value.
    """
    return Policy(_audience.decode(text)) if text.startswith("[") else _policy.decode(text)


def policy_text(audience: tuple[str, ...], policy: Policy | None) -> str:
    """The form in which a policy is stored."""
    return msgspec.json.encode(audience if policy is None else policy).decode()


def read_attention(text: str | None) -> Attention | None:
    """The stored form of what an operator must decide."""
    return None if text is None else _attention.decode(text)


def read_request(row: Any) -> RequestRecord:
    """A row of the requests' listings, whose columns are those of `RequestRecord`."""
    fields = list(row)
    policy = read_policy(fields[9])
    fields[9] = policy.audience
    fields[15] = RequestStatus(fields[15])
    for instant in (12, 13, 18):
        if fields[instant] is not None:
            fields[instant] = from_microseconds(fields[instant])
    fields.append(policy if policy.stages else None)
    return RequestRecord(*fields)


REQUEST_COLUMNS = 20
"""How many columns a request has in the statements that read one with something else."""


def read_resolution(row: Any) -> Resolution:
    """The end of a request."""
    request_id, status, answer, decided, resolved_at, by = row
    resolved = None if resolved_at is None else from_microseconds(resolved_at)
    return Resolution(request_id, RequestStatus(status), answer, decided, resolved, by)


def read_run(row: Any) -> RunRecord:
    """A run with its current visit; the columns are those of `RunRecord`."""
    fields = list(row)
    fields[3] = WorkflowStatus(fields[3])
    fields[9] = None if fields[9] is None else from_microseconds(fields[9])
    fields[13] = read_attention(fields[13])
    return RunRecord(*fields)


def read_approvals(rows: Iterable[Any]) -> dict[str, Approval]:
    """A run's approvals, by the ids of their requests."""
    return {
        row["id"]: Approval(
            row["digest"], row["decided"], read_policy(row["policy"]).reusable, row["used_by"]
        )
        for row in rows
    }


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
        stops=row["stops"],
    )


def read_delivery(row: Any) -> Delivery:
    """A card's place; the columns are those of `Delivery`."""
    fields = list(row)
    for instant in (8, 10):
        if fields[instant] is not None:
            fields[instant] = from_microseconds(fields[instant])
    return Delivery(*fields)


def read_rendering(row: Any) -> Rendering:
    """A card as it was rendered once."""
    known = row["digest"] is not None
    kept = Kept(row["digest"], msgspec.json.decode(row["parts"], type=dict[str, str])) if known else None
    return Rendering(row["rendering"], row["destination"], row["message"], kept)


def read_card(row: Any, is_gone: Callable[[str, str], bool]) -> CardRecord:
    """What a card shows, still without the names of people."""
    request = read_request(tuple(row)[:REQUEST_COLUMNS])
    status = WorkflowStatus(row["run_status"])
    node = row["run_node"]
    gone = status not in ENDED and node is not None and is_gone(row["workflow"], node)
    return CardRecord(
        request=request,
        workflow=row["workflow"],
        run_status=status,
        run_node=node,
        run_ended_at=_instant(row["run_ended_at"]),
        held=not request.open and (gone or status is WorkflowStatus.NEEDS_ATTENTION),
        revised_at=_instant(row["revised_at"]),
        votes=read_open_votes(row["open_votes"])
        if request.decided is None
        else _votes.decode(request.decided),
        names={},
        follows=bool(row["follows"]),
    )


def read_open_votes(text: str | None) -> tuple[CastVote, ...]:
    """The current votes on a request, one a person, the first first. Where accounts were linked behind their votes, the
    later of two stands.
    """
    if text is None:
        return ()
    found: dict[str, tuple[int, CastVote]] = {}
    for account, person, via, value, at, comment, accounts, groups, alone, event in _open_votes.decode(text):
        vote = CastVote(
            person, via, value, from_microseconds(at), comment, account, accounts, groups or (), bool(alone)
        )
        if person not in found or found[person][0] < event:
            found[person] = (event, vote)
    return tuple(sorted((vote for _, vote in found.values()), key=lambda vote: (vote.at, vote.person)))


def people_of(card: CardRecord) -> list[str]:
    """Everybody whom a card may name."""
    request = card.request
    people = [
        *request.audience,
        *(vote.person for vote in card.votes),
        request.resolved_by,
        request.requested_by,
        *(() if request.policy is None else (*request.policy.released, *request.policy.break_glass)),
    ]
    return sorted({person for person in people if person is not None})


def _instant(stored: int | None) -> datetime | None:
    return None if stored is None else from_microseconds(stored)


def read_notice(row: Any) -> Notice:
    """A message beside the cards; the columns are those of `Notice`."""
    fields = list(row)
    fields[3] = NoticeKind(fields[3])
    fields[4] = decode(fields[4])
    fields[5] = from_microseconds(fields[5])
    return Notice(*fields)


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
        facts=row["facts"],
        hash=row["hash"],
    )
