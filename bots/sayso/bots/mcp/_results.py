"""What tools return, with what an agent has to do next in words: `approved` alone is a yes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from sayso.client import Request

Status: TypeAlias = Literal[
    "approved", "rejected", "answered", "waiting", "decided", "used", "expired", "withdrawn", "cancelled",
    "refused", "unreachable",
]  # fmt: skip

FAILURES: frozenset[Status] = frozenset({"refused", "unreachable"})
"""Results that a client shows as errors."""

MESSAGES: Mapping[Status, str] = {
    "approved": "Approved, for one run. Run it now, once, exactly as asked. This approval is now used: to run it "
    "again, or anything else, ask again.",
    "rejected": "Rejected. Do not run it.",
    "answered": "Answered; see `value`. An answer is not an approval.",
    "waiting": "Not answered yet, so not approved. Do not run it. Call `wait` with this request to keep waiting, or "
    "`withdraw` if you no longer need it.",
    "decided": "People approved, but this result is not the approval: do not run it. Call `wait` with this request; it "
    "returns `approved` once.",
    "used": "This approval has been used already, so it allows nothing more: do not run it. If you did not get the "
    "result `approved`, find out whether it ran, and ask again with a new key.",
    "expired": "Nobody answered in time, so it is not approved. Do not run it.",
    "withdrawn": "Withdrawn, so not approved. Do not run it.",
    "cancelled": "Cancelled, so not approved. Do not run it.",
    "refused": "Refused, so nothing is approved.",
    "unreachable": "The sayso service did not answer, so nothing is approved.",
}


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request. Only the status `approved` is a yes."""

    status: Status
    request: str | None
    by: tuple[str, ...] = ()
    comment: str | None = None
    question: str | None = None
    value: Any = None
    key: str | None = None
    url: str | None = None
    message: str


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """An open request in a list."""

    request: str
    question: str | None
    kind: Literal["approval", "input"]
    asked_at: str
    url: str | None


class List(msgspec.Struct, frozen=True, kw_only=True):
    """The open requests of the caller."""

    requests: tuple[Listed, ...]


def result_of(request: Request, status: Status | None = None, *, key: str | None = None) -> Result:
    """A request as it stands; a yes of people only as `decided`, unless `status` says what it has become."""
    found = status or _status_of(request)
    decision = request.decision
    return Result(
        status=found,
        request=request.id,
        by=() if decision is None else decision.by,
        comment=None if decision is None else decision.comment,
        question=request.prompt,
        value=decision.value if decision is not None and found == "answered" else None,
        key=key,
        url=request.url,
        message=MESSAGES[found],
    )


def failure(
    status: Literal["refused", "unreachable"], why: str, *, request: str | None = None, key: str | None = None
) -> Result:
    """What went wrong, and how to find out what became of the question."""
    if status == "refused":
        advice = ""
    elif request is not None:
        advice = " Call `wait` with this request later."
    elif key is not None:
        advice = f' It may have been asked: repeat the same call with key "{key}" to find it.'
    else:
        advice = " Try again later."
    return Result(
        status=status, request=request, key=key, message=f"{MESSAGES[status]} {_sentence(why)}{advice}"
    )


def _sentence(why: str) -> str:
    return f"Reason: {why}" if why.endswith(".") else f"Reason: {why}."


def listed(request: Request) -> Listed:
    """An open request as lists show it."""
    return Listed(
        request=request.id,
        question=request.prompt,
        kind=request.kind,
        asked_at=request.asked_at.isoformat(),
        url=request.url,
    )


def _status_of(request: Request) -> Status:
    if request.decision is None:
        return "waiting"
    outcome = request.decision.outcome
    return "decided" if outcome == "approved" else outcome
