"""Requests in every state and of every input type, as the store would hand them to an adapter."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sayso.engine import (
    CardRecord,
    CastVote,
    Json,
    Policy,
    Question,
    RequestRecord,
    RequestStatus,
    RuleName,
    Stage,
    Unchecked,
    WorkflowStatus,
)

AT = datetime(2026, 11, 24, 12, 3, tzinfo=UTC)
NOW = AT + timedelta(minutes=1)
ID = "0123456789abcdef0123456789abcdef"
PLACES = {"slack:#sre": "#sre", "telegram:-1001": "SRE"}
SCHEMA: dict[str, Json] = {
    "type": "object",
    "required": ["name", "seats"],
    "properties": {
        "name": {"type": "string", "title": "Name", "description": "As on the badge."},
        "seats": {"type": "integer", "title": "Seats"},
        "starts": {"type": "string", "format": "date", "title": "Starts"},
        "remote": {"type": "boolean", "title": "Remote"},
        "plan": {"enum": ["basic", "team"], "title": "Plan"},
    },
}
QUESTIONS = {
    "select": Question("Release 4.2.0?", ["approve", "reject"], "select", None, {"Change": "14 commits"}),
    "multiselect": Question("Which tools?", ["laptop", "phone", "desk"], "multiselect", None, None),
    "confirm": Question("Delete the staging database?", None, "confirm", None, None),
    "text": Question("What is it about?", None, "text", None, None),
    "number": Question("How many seats?", None, "number", None, None),
    "date": Question("From when on?", None, "date", None, None),
    "form": Question("Who is coming?", None, "form", SCHEMA, None),
}
ANSWERS: dict[str, Json] = {
    "select": "approve",
    "multiselect": ["laptop", "desk"],
    "confirm": True,
    "text": "green tea",
    "number": 40,
    "date": "2026-12-31",
    "form": {"name": "Cho", "seats": 2},
}


def pending(question: Question, **changes: Any) -> CardRecord:
    """An open request."""
    request = RequestRecord(
        id=ID, name="publish", run_id="8f3a00000000", node_id="gate", visit=1, attempt=1,
        text=question.text(), digest="", revision=1, audience=("slack:#sre", "telegram:-1001"),
        requested_by="local:ana", note=None, asked_at=AT - timedelta(minutes=5), deadline=AT + timedelta(hours=5),
        default=None, status=RequestStatus.PENDING,
    )  # fmt: skip
    record = CardRecord(
        request=request, workflow="release", run_status=WorkflowStatus.WAITING_FOR_INPUT, run_node="gate",
        run_ended_at=None, held=False, revised_at=None, votes=(),
        names={"telegram:7": "Bo"},
    )  # fmt: skip
    return msgspec.structs.replace(record, **changes)


def with_request(record: CardRecord, **changes: Any) -> CardRecord:
    """The same with another request."""
    return msgspec.structs.replace(record, request=msgspec.structs.replace(record.request, **changes))


def answered(question: Question, value: Json, **changes: Any) -> CardRecord:
    """Answered by Bo, and the run goes on."""
    vote = CastVote("telegram:7", "telegram:-1001", value, AT, changes.pop("comment", None))
    record = pending(
        question,
        run_status=WorkflowStatus.RUNNING,
        run_node="publish",
        votes=(vote,),
    )
    record = with_request(
        record,
        status=RequestStatus.ANSWERED,
        answer=json.dumps(value),
        resolved_at=AT,
        resolved_by="telegram:7",
    )
    return msgspec.structs.replace(record, **changes)


def closed(
    status: RequestStatus, *, answer: Json = None, by: str | None = None, **changes: Any
) -> CardRecord:
    """Ended without anybody's answer."""
    text = None if answer is None else json.dumps(answer)
    record = pending(QUESTIONS["select"], **changes)
    return with_request(record, status=status, answer=text, resolved_at=AT, resolved_by=by)


TEAM = Policy(
    stages=[Stage(["person:ana", "group:sre"], need=2)],
    audience=("person:ana", "group:sre", "slack:#sre", "person:lead"),
    escalate_after=timedelta(hours=1),
    escalate_to=["person:lead"],
    escalates_at=AT,
    break_glass=["person:cho"],
)
"""Two of a person and a group, and a lead since it escalated."""

RULED = CastVote(
    "rule:tools/2", "rule", "approve", AT, "It only reads", rule=RuleName("tools", "0123456789ab", 2, "ana")
)

ALONE = CastVote("person:cho", "web", "approve", AT, "site down", "web:cho", break_glass=True)


def states() -> dict[str, CardRecord]:
    """One card in every state that it can have."""
    gate = QUESTIONS["select"]
    end = AT + timedelta(minutes=1)
    running = {"run_status": WorkflowStatus.RUNNING, "run_node": "publish"}
    return {
        "pending": pending(gate),
        "counted": with_request(
            pending(gate, votes=(CastVote("telegram:7", "telegram:-1001", "approve", AT),)),
            policy=Policy(stages=[Stage(["slack:#sre", "telegram:-1001"], need=2), Stage(["web:cho"], name="lead")]),
        ),
        "escalated": with_request(
            pending(gate, votes=(CastVote("telegram:7", "web", "approve", AT, groups=("group:sre",)),)),
            policy=TEAM, audience=TEAM.audience,
        ),
        "break-glass": with_request(
            answered(gate, "approve", votes=(ALONE,)), policy=TEAM, audience=TEAM.audience,
        ),
        "ruled": answered(gate, "approve", votes=(RULED,)),
        "unchecked": with_request(
            pending(gate),
            policy=Policy(stages=[Stage(["slack:#sre"])], unchecked=Unchecked(2, "there is no 'environment'")),
        ),
        "withdrawn-by-its-requester": closed(RequestStatus.WITHDRAWN, by="local:ana", **running),
        "changed": with_request(pending(gate, revised_at=AT), revision=2),
        "running": answered(gate, "approve"),
        "rejected": answered(gate, "reject", comment="not on a Friday"),
        "done": answered(gate, "approve", run_status=WorkflowStatus.COMPLETED, run_ended_at=end),
        "failed": answered(
            gate, "approve", run_status=WorkflowStatus.FAILED, run_ended_at=end
        ),
        "held": answered(gate, "approve", held=True),
        "cancelled-later": answered(gate, "approve", run_status=WorkflowStatus.CANCELLED, run_ended_at=end),
        "expired": closed(RequestStatus.EXPIRED, **running),
        "expired-with-default": closed(RequestStatus.EXPIRED, answer="reject", **running),
        "withdrawn": closed(RequestStatus.WITHDRAWN, **running),
        "cancelled": closed(
            RequestStatus.CANCELLED, run_status=WorkflowStatus.CANCELLED, run_ended_at=AT, by="local:ana"
        ),
    }  # fmt: skip
