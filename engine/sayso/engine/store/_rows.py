"""Rows of the database as records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from sayso.engine._clock import from_microseconds
from sayso.engine._grants import GrantRecord
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
    NodeStatus,
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
from sayso.engine._values import decode, decode_dict
from sayso.engine._visits import StepSummary, VisitSummary
from sayso.engine.store._commands import Before
from sayso.engine.store._hub import Resolution

T = TypeVar("T", bound=msgspec.Struct)

_attention = msgspec.json.Decoder(Attention)
_votes = msgspec.json.Decoder(tuple[CastVote, ...])
_grants: msgspec.json.Decoder[list[list[str | int | None]]] = msgspec.json.Decoder(
    list[list[str | int | None]]
)


class _OpenVote(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A vote as `votes_current` and its like collect it; its fields stand in their order there."""

    account: str
    person: str
    via: str
    value: Any
    received_at: int
    comment: str | None
    accounts: tuple[str, ...]
    groups: tuple[str, ...] | None
    break_glass: int
    event: int


_open_votes = msgspec.json.Decoder(tuple[_OpenVote, ...])
_audience: msgspec.json.Decoder[tuple[str, ...]] = msgspec.json.Decoder(tuple[str, ...])
_policy = msgspec.json.Decoder(Policy)


class _Drawn(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A card as it was drawn once, as `before_answer` collects it; its fields stand in their order there."""

    number: int
    destination: str
    message: str | None
    digest: str | None
    parts: dict[str, str] | None


_drawn = msgspec.json.Decoder(_Drawn)


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
    """A request, from a row that has something else beside it or not."""
    policy = read_policy(row["policy"])
    return RequestRecord(
        id=row["id"],
        name=row["name"],
        run_id=row["run_id"],
        node_id=row["node_id"],
        visit=row["visit"],
        attempt=row["attempt"],
        text=row["question"],
        digest=row["digest"],
        revision=row["revision"],
        audience=policy.audience,
        requested_by=row["requested_by"],
        note=row["note"],
        asked_at=from_microseconds(row["asked_at"]),
        deadline=_instant(row["deadline"]),
        default=row["default_value"],
        status=RequestStatus(row["status"]),
        answer=row["answer"],
        decided=row["decided"],
        resolved_at=_instant(row["resolved_at"]),
        resolved_by=row["resolved_by"],
        policy=policy if policy.stages else None,
        reject_reasons=tuple(policy.reject_reasons),
    )


def read_resolution(row: Any) -> Resolution:
    """The end of a request."""
    return Resolution(
        request_id=row["id"],
        status=RequestStatus(row["status"]),
        answer=row["answer"],
        decided=row["decided"],
        resolved_at=_instant(row["resolved_at"]),
        by=row["resolved_by"],
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
        retry_at=_instant(row["retry_at"]),
        entry=row["entry"],
        shared=row["shared"],
        error=row["error"],
        attention=read_attention(row["attention"]),
        requested_by=row["requested_by"],
        stops=row["stops"],
    )


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
    return StepRecord(name=row["name"], arguments=row["arguments"], result=row["result"])


def _of_row(kind: type[T], row: Any, /, **read: Any) -> T:
    """A record whose fields are the columns of their names, but for those that were `read` from what is stored."""
    return kind(**{name: row[name] for name in kind.__struct_fields__ if name not in read}, **read)


def read_summary(row: Any) -> RunSummary:
    """A run in a listing."""
    return _of_row(
        RunSummary,
        row,
        status=WorkflowStatus(row["status"]),
        attention=read_attention(row["attention"]),
        created_at=from_microseconds(row["created_at"]),
        updated_at=from_microseconds(row["updated_at"]),
    )


def read_visit(row: Any) -> VisitSummary:
    """A visit in a listing."""
    instants = {"begun_at": from_microseconds(row["begun_at"]), "ended_at": _instant(row["ended_at"])}
    return _of_row(VisitSummary, row, status=NodeStatus(row["status"]), **instants)


def read_step_summary(row: Any) -> StepSummary:
    """A step in a listing."""
    return _of_row(
        StepSummary, row, begun_at=from_microseconds(row["begun_at"]), ended_at=_instant(row["ended_at"])
    )


def read_delivery(row: Any) -> Delivery:
    """A card's place."""
    instants = {name: _instant(row[name]) for name in ("next_attempt", "dead_since")}
    return _of_row(Delivery, row, request_id=row["id"], **instants)


def read_card(row: Any, is_gone: Callable[[str, str], bool]) -> CardRecord:
    """What a card shows, still without the names of people."""
    request = read_request(row)
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
        grants=read_grants(row["grants"]),
    )


def read_grants(text: str | None) -> tuple[GrantRecord, ...]:
    """The grants that were made with a request, the first first, as a card's row collects them."""
    if text is None or text == "[]":
        return ()
    names = GrantRecord.__struct_fields__
    found = [read_grant(dict(zip(names, one, strict=True))) for one in _grants.decode(text)]
    return tuple(sorted(found, key=lambda one: one.made_at))


def read_grant(row: Any) -> GrantRecord:
    """A grant."""
    made_at, expires_at = from_microseconds(row["made_at"]), from_microseconds(row["expires_at"])
    revoked_at = _instant(row["revoked_at"])
    return _of_row(GrantRecord, row, made_at=made_at, expires_at=expires_at, revoked_at=revoked_at)


def read_before(row: Any, person: str, is_gone: Callable[[str, str], bool]) -> Before:
    """What there is before somebody's answer."""
    rendering = None
    if row["drawn"] is not None:
        drawn = _drawn.decode(row["drawn"])
        kept = None if drawn.digest is None else Kept(drawn.digest, drawn.parts or {})
        rendering = Rendering(drawn.number, drawn.destination, drawn.message, kept)
    return Before(read_card(row, is_gone), ids_with(_audience.decode(row["ids"]), person), rendering)


def ids_with(found: Iterable[str], account: str) -> tuple[str, ...]:
    """All ids of a person, of whom this is one."""
    return tuple(dict.fromkeys([*found, account]))


def read_open_votes(text: str | None) -> tuple[CastVote, ...]:
    """The current votes on a request, one a person, the first first. Where accounts were linked behind their votes, the
    later of two stands.
    """
    if text is None:
        return ()
    latest: dict[str, _OpenVote] = {}
    for one in _open_votes.decode(text):
        known = latest.get(one.person)
        if known is None or known.event < one.event:
            latest[one.person] = one
    votes = [
        CastVote(
            person=one.person,
            via=one.via,
            value=one.value,
            at=from_microseconds(one.received_at),
            comment=one.comment,
            account=one.account,
            accounts=one.accounts,
            groups=one.groups or (),
            break_glass=bool(one.break_glass),
        )
        for one in latest.values()
    ]
    return tuple(sorted(votes, key=lambda vote: (vote.at, vote.person)))


def people_of(card: CardRecord) -> list[str]:
    """Everybody whom a card may name."""
    request = card.request
    people = [
        *request.audience,
        *(vote.person for vote in card.votes),
        *(vote.grant.granted_by for vote in card.votes if vote.grant is not None),
        *(one.revoked_by for one in card.grants),
        request.resolved_by,
        request.requested_by,
        *(() if request.policy is None else (*request.policy.released, *request.policy.break_glass)),
    ]
    return sorted({person for person in people if person is not None})


def _instant(stored: int | None) -> datetime | None:
    return None if stored is None else from_microseconds(stored)


def read_notice(row: Any) -> Notice:
    """A message beside the cards."""
    return _of_row(
        Notice,
        row,
        request_id=row["id"],
        kind=NoticeKind(row["kind"]),
        payload=decode_dict(row["payload"]),
        at=from_microseconds(row["at"]),
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
        facts=row["facts"],
        hash=row["hash"],
        position=row["position"],
    )
