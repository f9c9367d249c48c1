"""The transactions that end requests: answers, and deadlines that have passed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec

from sayso.engine._clock import from_microseconds, to_microseconds
from sayso.engine._outcomes import Outcome, OutcomeKind
from sayso.engine._policy import CODE, Policy, Vote, evaluate
from sayso.engine._questions import InvalidAnswer, question_from_canonical
from sayso.engine._records import RequestStatus, WorkflowStatus
from sayso.engine._values import Json, decode
from sayso.engine.errors import AnswerRefused
from sayso.engine.store._commands import AnswerAttempt
from sayso.engine.store._hub import Resolution
from sayso.engine.store._rows import read_audience
from sayso.engine.store._transaction import Transaction

GRACE = timedelta(seconds=5)
"""How long after a deadline the sweep waits, so that an answer received in time can still be looked up."""

LARGEST_SWEEP = 256
"""How many requests one transaction expires at most."""

IsGone = Callable[[str, str], bool]
"""Whether the loaded code of a workflow lacks a node: (workflow, node id)."""

_CLOSED = {
    RequestStatus.EXPIRED: (OutcomeKind.EXPIRED, "This closed at {when}. Your answer changed nothing."),
    RequestStatus.CANCELLED: (OutcomeKind.CANCELLED, "This was cancelled with its run at {when}."),
    RequestStatus.WITHDRAWN: (OutcomeKind.WITHDRAWN, "This was withdrawn at {when}."),
}


def answer(tx: Transaction, attempt: AnswerAttempt, is_gone: IsGone) -> Outcome:
    """Take an answer, or refuse it: the one place where a request is answered."""
    if attempt.event_key is not None:
        recorded = tx.row("event_recorded", {"event_key": attempt.event_key})
        if recorded is not None:
            return Outcome(OutcomeKind(recorded["outcome"]), recorded["reason"], repeated=True)
    request = tx.row("request_for_answer", {"id": attempt.request_id})
    if request is None:
        return _refuse(
            tx, attempt, None, OutcomeKind.UNKNOWN, "sayso does not know this question (any more)."
        )
    votes = _current_votes(tx, request["request_key"]) if request["events"] else []
    received = to_microseconds(attempt.received_at) if attempt.received_at is not None else tx.now
    vote = Vote(
        attempt.person,
        attempt.via,
        attempt.value,
        from_microseconds(received),
        attempt.comment,
        attempt.facts,
    )
    others = [known for known in votes if known.person != attempt.person]
    verdict = evaluate(Policy(read_audience(request["policy"])), [*others, vote], tx.instant)
    if attempt.person in verdict.refused:
        return _refuse(tx, attempt, request, OutcomeKind.NOT_ALLOWED, verdict.refused[attempt.person])
    refusal = _refusal(attempt, request, votes, received)
    if refusal is not None:
        return _refuse(tx, attempt, request, *refusal)
    event = _record_event(tx, attempt, request, received, is_gone, decided=verdict.decided)
    tx.run(
        "vote_upsert", {"request_key": request["request_key"], "person": attempt.person, "event": event[0]}
    )
    tx.run("deliveries_mark", {"request_key": request["request_key"]})
    if verdict.decided:
        counted = [known for known in [*others, vote] if known.person not in verdict.refused]
        _resolve(tx, attempt, request, verdict.value, counted)
    return event[1]


def answer_all(tx: Transaction, attempts: list[tuple[str, AnswerAttempt]], is_gone: IsGone) -> list[Outcome]:
    """Take several answers or none: raises `AnswerRefused` for the first that is refused, by its key."""
    outcomes: list[Outcome] = []
    for key, attempt in attempts:
        outcome = answer(tx, attempt, is_gone)
        if not outcome.accepted:
            raise AnswerRefused(key, outcome)
        outcomes.append(outcome)
    return outcomes


def _current_votes(tx: Transaction, request_key: int) -> list[Vote]:
    return [
        Vote(
            row["person"],
            row["via"],
            decode(row["value"]),
            from_microseconds(row["received_at"]),
            row["comment"],
        )
        for row in tx.rows("votes_current", {"request_key": request_key})
    ]


def _refusal(
    attempt: AnswerAttempt, request: Any, votes: list[Vote], received: int
) -> tuple[OutcomeKind, str] | None:
    """Why an allowed person's answer cannot count, or None."""
    status = RequestStatus(request["status"])
    if status is RequestStatus.ANSWERED:
        return _already_answered(attempt, request)
    if status in _CLOSED:
        kind, words = _CLOSED[status]
        return kind, words.format(when=_clock_time(request["resolved_at"]))
    if attempt.revision != request["revision"]:
        return OutcomeKind.SUPERSEDED, "The question has changed since. Please read it again."
    if request["deadline"] is not None and received > request["deadline"]:
        return (
            OutcomeKind.EXPIRED,
            f"This closed at {_clock_time(request['deadline'])}. Your answer changed nothing.",
        )
    if any(known.person == attempt.person and known.value == attempt.value for known in votes):
        return OutcomeKind.DUPLICATE, "You have already answered this so."
    try:
        question = question_from_canonical(request["question"])
        question.check_answer(attempt.value)
    except InvalidAnswer as error:
        return OutcomeKind.INVALID, str(error)
    if question.input_type == "text" and attempt.via != CODE and not isinstance(attempt.value, str):
        return OutcomeKind.INVALID, "This asks for a text. Please send one."
    return None


def _already_answered(attempt: AnswerAttempt, request: Any) -> tuple[OutcomeKind, str]:
    if request["resolved_by"] == attempt.person and decode(request["answer"]) == attempt.value:
        return OutcomeKind.DUPLICATE, "You have already answered this so."
    when = _clock_time(request["resolved_at"])
    return OutcomeKind.ALREADY_ANSWERED, (
        f"Already answered by {request['resolved_by']} at {when}. Your answer changed nothing."
    )


def _clock_time(stored: int) -> str:
    return f"{from_microseconds(stored):%Y-%m-%d %H:%M} UTC"


def _record_event(
    tx: Transaction, attempt: AnswerAttempt, request: Any, received: int, is_gone: IsGone, *, decided: bool
) -> tuple[int, Outcome]:
    held = request["run_status"] == WorkflowStatus.NEEDS_ATTENTION or is_gone(
        request["workflow"], request["node_id"]
    )
    if not decided:
        outcome = Outcome(OutcomeKind.COUNTED, "Your answer counts.")
    elif held:
        outcome = Outcome(
            OutcomeKind.HELD,
            "Recorded, but held: the workflow cannot go on as it is. An operator must look at it.",
        )
    else:
        outcome = Outcome(OutcomeKind.RESOLVED, "Recorded. The run goes on.")
    event = _insert_event(tx, attempt, request, received, outcome)
    payload: dict[str, object] = {
        "value": attempt.value,
        "revision": attempt.revision,
        "digest": request["digest"],
        "outcome": outcome.kind,
        "comment": attempt.comment,
    }
    if attempt.facts:
        payload["facts"] = [[fact.name, fact.value, fact.as_of] for fact in attempt.facts]
    _audit(tx, "answer_accepted", payload, attempt, request)
    return event, outcome


def _insert_event(
    tx: Transaction, attempt: AnswerAttempt, request: Any, received: int, outcome: Outcome
) -> int:
    event = int(request["events"]) + 1
    tx.run(
        "event_insert",
        (
            request["request_key"],
            event,
            attempt.event_key,
            attempt.revision,
            attempt.person,
            attempt.via,
            msgspec.json.encode(attempt.value).decode(),
            attempt.comment,
            received,
            tx.now,
            outcome.kind,
            outcome.reason,
        ),
    )
    return event


def _audit(
    tx: Transaction, kind: str, payload: dict[str, object], attempt: AnswerAttempt, request: Any
) -> None:
    tx.audit(
        kind,
        payload,
        run_id=request["run_id"],
        request_id=attempt.request_id,
        person=attempt.person,
        via=attempt.via,
    )


def _resolve(tx: Transaction, attempt: AnswerAttempt, request: Any, value: Json, counted: list[Vote]) -> None:
    text = msgspec.json.encode(value).decode()
    decided = msgspec.json.encode(
        [
            {"person": v.person, "via": v.via, "value": v.value, "at": v.at.isoformat(), "comment": v.comment}
            for v in counted
        ]
    ).decode()
    cursor = tx.run(
        "request_answer",
        {
            "request_key": request["request_key"],
            "revision": request["revision"],
            "answer": text,
            "decided": decided,
            "person": attempt.person,
            "now": tx.now,
        },
    )
    assert cursor.rowcount == 1, "the request was pending when this transaction read it"
    resolution = Resolution(attempt.request_id, RequestStatus.ANSWERED, text, decided, tx.instant)
    _resolve_run(tx, request, resolution)


def _resolve_run(tx: Transaction, request: Any, resolution: Resolution) -> None:
    status = WorkflowStatus(request["run_status"])
    if status is WorkflowStatus.WAITING_FOR_INPUT:
        status = WorkflowStatus.RUNNING
    resolutions = request["resolutions"] + 1
    fields = {"run_key": request["run_key"], "status": status, "resolutions": resolutions, "now": tx.now}
    tx.run("run_resolve", fields)
    tx.announce(request["run_id"], request["workflow"], status, resolution, resolutions)


def _refuse(tx: Transaction, attempt: AnswerAttempt, request: Any, kind: OutcomeKind, reason: str) -> Outcome:
    """Record a refusal: with its key, so that a repeat hears the same; in the audit trail once a person and kind."""
    outcome = Outcome(kind, reason)
    if request is None:
        return outcome
    if attempt.event_key is not None:
        received = to_microseconds(attempt.received_at) if attempt.received_at is not None else tx.now
        _insert_event(tx, attempt, request, received, outcome)
    fields = {
        "request_key": request["request_key"],
        "person": attempt.person,
        "outcome": kind,
        "now": tx.now,
    }
    if tx.row("refusal_count", fields)["count"] == 1:
        payload: dict[str, object] = {
            "value": attempt.value,
            "revision": attempt.revision,
            "outcome": kind,
            "reason": reason,
        }
        _audit(tx, "answer_refused", payload, attempt, request)
    return outcome


def expire_due(tx: Transaction, run_id: str | None) -> int:
    """Expire what has been due for longer than the grace, of one run or of all, a bounded number at a time; the number
    of requests expired.
    """
    expired = 0
    due = {"until": to_microseconds(tx.instant - GRACE), "run_id": run_id}
    while expired < LARGEST_SWEEP and (request := tx.row("request_due", due)) is not None:
        expired += 1
        fields = {"request_key": request["request_key"], "now": tx.now}
        answer_text = tx.row("request_expire", fields)["answer"]
        tx.run("deliveries_mark", fields)
        payload = {"default": None if answer_text is None else decode(answer_text)}
        tx.audit("request_expired", payload, run_id=request["run_id"], request_id=request["id"])
        resolution = Resolution(request["id"], RequestStatus.EXPIRED, answer_text, None, tx.instant)
        _resolve_run(tx, request, resolution)
    return expired


def next_deadline(tx: Transaction, run_id: str | None) -> int | None:
    """The earliest deadline of an open request, of one run or of all."""
    query = "next_deadline" if run_id is None else "next_deadline_of_run"
    row = tx.row(query, {"run_id": run_id})
    return None if row is None else row["deadline"]
