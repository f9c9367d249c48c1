"""The transactions that end requests: answers, and deadlines that have passed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec

from sayso.engine._clock import from_microseconds, to_microseconds
from sayso.engine._outcomes import Outcome, OutcomeKind
from sayso.engine._policy import APPROVE, CODE, REJECT, Policy, Verdict, Vote, evaluate, is_approval
from sayso.engine._questions import InvalidAnswer, question_from_text
from sayso.engine._records import RequestStatus, WorkflowStatus
from sayso.engine._values import Json, decode, to_json
from sayso.engine.errors import AnswerRefused
from sayso.engine.store._commands import AnswerAttempt
from sayso.engine.store._hub import Resolution
from sayso.engine.store._rows import read_policy
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


class Answerable(msgspec.Struct, frozen=True, gc=False):
    """A request with its run, as an answer finds it; `events` numbers its last event; `known_*` is the event that this
    person's event key names, if it was seen before.
    """

    request_key: int
    run_key: int
    id: str
    node_id: str
    question: str
    digest: str
    revision: int
    policy: str
    deadline: int | None
    status: str
    answer: str | None
    resolved_at: int | None
    resolved_by: str | None
    run_id: str
    workflow: str
    run_status: str
    resolutions: int
    events: int
    known_revision: int | None
    known_value: str | None
    known_comment: str | None
    known_outcome: str | None
    known_reason: str | None


def answer(tx: Transaction, attempt: AnswerAttempt, is_gone: IsGone) -> Outcome:
    """Take an answer, or refuse it: the one place where a request is answered."""
    row = tx.row("request_for_answer", (attempt.request_id, attempt.person, attempt.event_key))
    if row is None:
        return Outcome(OutcomeKind.UNKNOWN, "sayso does not know this question (any more).")
    request = Answerable(*row)
    received = tx.now if attempt.received_at is None else to_microseconds(attempt.received_at)
    if request.known_outcome is not None:
        return _repeated(tx, attempt, request, received)
    at = tx.instant if attempt.received_at is None else attempt.received_at
    vote = Vote(attempt.person, attempt.via, attempt.value, at, attempt.comment, attempt.facts)
    votes = _current_votes(tx, request.request_key) if request.events else []
    current = [*(known for known in votes if known.person != attempt.person), vote]
    policy = read_policy(request.policy)
    verdict = evaluate(policy, current, tx.instant)
    if attempt.person in verdict.refused:
        return _refuse(
            tx, attempt, request, received, OutcomeKind.NOT_ALLOWED, verdict.refused[attempt.person]
        )
    refusal = _refusal(attempt, request, policy, votes, received)
    if refusal is not None:
        return _refuse(tx, attempt, request, received, *refusal)
    outcome = _accepted(request, is_gone) if verdict.decided else _counted(verdict, attempt, votes)
    event = _record_event(tx, attempt, request, received, outcome)
    tx.run("vote_upsert", (request.request_key, attempt.person, event))
    tx.mark_cards("deliveries_mark", (request.request_key,))
    _audit_answer(tx, attempt, request, outcome)
    if verdict.decided:
        yes = is_approval(verdict.value)
        counted = [
            known
            for known in current
            if known.person not in verdict.refused and (not policy.stages or is_approval(known.value) == yes)
        ]
        _resolve(tx, attempt.person, request, verdict.value, counted)
    return outcome


def answer_all(tx: Transaction, attempts: list[tuple[str, AnswerAttempt]], is_gone: IsGone) -> list[Outcome]:
    """Take several answers or none: raises `AnswerRefused` for the first that is refused, by its key."""
    outcomes: list[Outcome] = []
    for key, attempt in attempts:
        outcome = answer(tx, attempt, is_gone)
        if not outcome.accepted:
            raise AnswerRefused(key, outcome)
        outcomes.append(outcome)
    return outcomes


def _repeated(tx: Transaction, attempt: AnswerAttempt, request: Answerable, received: int) -> Outcome:
    """What was recorded for the same event, or a refusal if its key comes with another answer."""
    known = (request.known_revision, request.known_comment, request.known_value)
    if known == (attempt.revision, attempt.comment, to_json(attempt.value)):
        return Outcome(OutcomeKind(str(request.known_outcome)), str(request.known_reason), repeated=True)
    own_key = msgspec.structs.replace(attempt, event_key=None)
    return _refuse(tx, own_key, request, received, OutcomeKind.INVALID, _KEY_IS_TAKEN)


_KEY_IS_TAKEN = "This has the key of another answer of yours. Send it again under a key of its own."


def _current_votes(tx: Transaction, request_key: int) -> list[Vote]:
    return [
        Vote(person, via, decode(value), from_microseconds(received_at), comment)
        for person, via, value, received_at, comment in tx.rows("votes_current", (request_key,))
    ]


def _refusal(
    attempt: AnswerAttempt, request: Answerable, policy: Policy, votes: list[Vote], received: int
) -> tuple[OutcomeKind, str] | None:
    """Why an allowed person's answer cannot count, or None."""
    if request.status == RequestStatus.ANSWERED:
        return _already_answered(attempt, request)
    if request.status != RequestStatus.PENDING:
        kind, words = _CLOSED[RequestStatus(request.status)]
        return kind, words.format(when=_clock_time(request.resolved_at))
    if attempt.revision != request.revision:
        return OutcomeKind.SUPERSEDED, "The question has changed since. Please read it again."
    if request.deadline is not None and received > request.deadline:
        when = _clock_time(request.deadline)
        return OutcomeKind.EXPIRED, f"This closed at {when}. Your answer changed nothing."
    if any(known.person == attempt.person and known.value == attempt.value for known in votes):
        return OutcomeKind.DUPLICATE, "You have already answered this so."
    return _unfit(attempt, request, policy)


def _unfit(attempt: AnswerAttempt, request: Answerable, policy: Policy) -> tuple[OutcomeKind, str] | None:
    """Why an answer does not fit its question or lacks its remark, or None."""
    question = question_from_text(request.question)
    try:
        question.check_answer(attempt.value)
    except InvalidAnswer as error:
        return OutcomeKind.INVALID, str(error)
    if question.input_type == "text" and attempt.via != CODE and not isinstance(attempt.value, str):
        return OutcomeKind.INVALID, "This asks for a text. Please send one."
    if policy.needs_comment(attempt.value) and not (attempt.comment or "").strip():
        what = "approval" if is_approval(attempt.value) else "rejection"
        return OutcomeKind.INVALID, f"Please say why: a remark is needed with this {what}."
    return None


def _already_answered(attempt: AnswerAttempt, request: Answerable) -> tuple[OutcomeKind, str]:
    assert request.answer is not None
    if request.resolved_by == attempt.person and decode(request.answer) == attempt.value:
        return OutcomeKind.DUPLICATE, "You have already answered this so."
    when = _clock_time(request.resolved_at)
    return OutcomeKind.ALREADY_ANSWERED, (
        f"Already answered by {request.resolved_by} at {when}. Your answer changed nothing."
    )


def _clock_time(stored: int | None) -> str:
    assert stored is not None
    return f"{from_microseconds(stored):%Y-%m-%d %H:%M} UTC"


def _counted(verdict: Verdict, attempt: AnswerAttempt, votes: list[Vote]) -> Outcome:
    """What a vote that does not decide yet amounts to, in the words for its person."""
    is_yes = is_approval(attempt.value)
    if any(known.person == attempt.person for known in votes):
        return Outcome(OutcomeKind.COUNTED, f"Changed to {APPROVE if is_yes else REJECT}.")
    mine = [one for one in verdict.stages if attempt.person in (one.approved if is_yes else one.rejected)]
    counts = " and ".join(
        f"{len(one.approved)} of {one.stage.needed}"
        if is_yes
        else f"{len(one.rejected)} of {one.stage.reject_at}"
        for one in mine
    )
    return Outcome(
        OutcomeKind.COUNTED, f"Your {'approval' if is_yes else 'rejection'} counts: {counts or 'noted'}."
    )


def _accepted(request: Answerable, is_gone: IsGone) -> Outcome:
    held = request.run_status == WorkflowStatus.NEEDS_ATTENTION or is_gone(request.workflow, request.node_id)
    return _HELD if held else _RESOLVED


_RESOLVED = Outcome(OutcomeKind.RESOLVED, "Recorded. The run goes on.")
_HELD = Outcome(
    OutcomeKind.HELD, "Recorded, but held: the workflow cannot go on as it is. An operator must look at it."
)


def _record_event(
    tx: Transaction, attempt: AnswerAttempt, request: Answerable, received: int, outcome: Outcome
) -> int:
    event = request.events + 1
    tx.run(
        "event_insert",
        (
            request.request_key,
            event,
            attempt.event_key,
            attempt.revision,
            attempt.person,
            attempt.via,
            to_json(attempt.value),
            attempt.comment,
            received,
            tx.now,
            outcome.kind,
            outcome.reason,
        ),
    )
    return event


def _audit_answer(tx: Transaction, attempt: AnswerAttempt, request: Answerable, outcome: Outcome) -> None:
    payload: dict[str, object] = {
        "value": attempt.value,
        "revision": attempt.revision,
        "digest": request.digest,
        "outcome": outcome.kind,
        "comment": attempt.comment,
    }
    if attempt.facts:
        payload["facts"] = [[fact.name, fact.value, fact.as_of] for fact in attempt.facts]
    _audit(tx, "answer_accepted", payload, attempt, request)


def _audit(
    tx: Transaction, kind: str, payload: dict[str, object], attempt: AnswerAttempt, request: Answerable
) -> None:
    tx.audit(
        kind, payload, run_id=request.run_id, request_id=request.id, person=attempt.person, via=attempt.via
    )


def _resolve(tx: Transaction, person: str, request: Answerable, value: Json, counted: list[Vote]) -> None:
    text = to_json(value)
    decided = to_json(
        [
            {"person": v.person, "via": v.via, "value": v.value, "at": v.at, "comment": v.comment}
            for v in counted
        ]
    )
    fields = (text, decided, tx.now, person, request.request_key, request.revision)
    changed = tx.run("request_answer", fields).rowcount
    assert changed == 1, "the request was pending when this transaction read it"
    resolution = Resolution(request.id, RequestStatus.ANSWERED, text, decided, tx.instant)
    _resolve_run(tx, request, resolution)


def _resolve_run(tx: Transaction, request: Answerable | Due, resolution: Resolution) -> None:
    waiting = request.run_status == WorkflowStatus.WAITING_FOR_INPUT
    status = WorkflowStatus.RUNNING if waiting else WorkflowStatus(request.run_status)
    resolutions = request.resolutions + 1
    tx.run("run_resolve", (resolutions, status, tx.now, request.run_key))
    tx.announce(request.run_id, request.workflow, status, resolution, resolutions)


def _refuse(
    tx: Transaction,
    attempt: AnswerAttempt,
    request: Answerable,
    received: int,
    kind: OutcomeKind,
    reason: str,
) -> Outcome:
    """Record a refusal: with its key, so that a repeat hears the same; in the audit trail once a person and kind."""
    outcome = Outcome(kind, reason)
    if attempt.event_key is not None:
        _record_event(tx, attempt, request, received, outcome)
    fields = {"request_key": request.request_key, "person": attempt.person, "outcome": kind, "now": tx.now}
    if tx.row("refusal_count", fields)["count"] == 1:
        payload: dict[str, object] = {
            "value": attempt.value,
            "revision": attempt.revision,
            "outcome": kind,
            "reason": reason,
        }
        _audit(tx, "answer_refused", payload, attempt, request)
    return outcome


class Due(msgspec.Struct, frozen=True):
    """A request whose deadline has passed, with its run."""

    request_key: int
    id: str
    run_key: int
    default_value: str | None
    run_id: str
    workflow: str
    run_status: str
    resolutions: int


def expire_due(tx: Transaction, run_id: str | None) -> int:
    """Expire what has been due for longer than the grace, of one run or of all, a bounded number at a time; the number
    of requests expired.
    """
    expired = 0
    due = {"until": to_microseconds(tx.instant - GRACE), "run_id": run_id}
    while expired < LARGEST_SWEEP and (row := tx.row("request_due", due)) is not None:
        expired += 1
        request = Due(*row)
        tx.run("request_expire", (tx.now, request.request_key))
        tx.mark_cards("deliveries_mark", (request.request_key,))
        default = request.default_value
        payload = {"default": None if default is None else decode(default)}
        tx.audit("request_expired", payload, run_id=request.run_id, request_id=request.id)
        resolution = Resolution(request.id, RequestStatus.EXPIRED, default, None, tx.instant)
        _resolve_run(tx, request, resolution)
    return expired


def next_deadline(tx: Transaction, run_id: str | None) -> int | None:
    """The earliest deadline of an open request, of one run or of all."""
    query = "next_deadline" if run_id is None else "next_deadline_of_run"
    row = tx.row(query, {"run_id": run_id})
    return None if row is None else row["deadline"]
