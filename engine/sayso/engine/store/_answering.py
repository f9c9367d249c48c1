"""The transaction that takes an answer: the one place where people decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import msgspec

from sayso.engine._audience import CODE
from sayso.engine._clock import from_microseconds, to_microseconds
from sayso.engine._outcomes import NOT_FOUND, QUESTION_CHANGED, Outcome, OutcomeKind
from sayso.engine._policy import Policy, Verdict, Vote, evaluate, is_approval, waiting
from sayso.engine._questions import InvalidAnswer, Question, question_from_text
from sayso.engine._records import CastVote, RequestStatus, WorkflowStatus
from sayso.engine._values import Json, decode, to_json
from sayso.engine.errors import AnswerRefused
from sayso.engine.store._commands import AnswerAttempt
from sayso.engine.store._granting import make_grant, refusal_of_grant
from sayso.engine.store._hub import Resolution
from sayso.engine.store._notices import tell_of_break_glass, tell_of_vote, tell_requester
from sayso.engine.store._rows import read_open_votes, read_policy
from sayso.engine.store._transaction import Transaction
from sayso.engine.store._warrants import lapse

IsGone = Callable[[str, str], bool]
"""Whether the loaded code of a workflow lacks a node: (workflow, node id)."""

CLOSED = {
    RequestStatus.EXPIRED: (OutcomeKind.EXPIRED, "This closed at {when}. Nothing changed."),
    RequestStatus.CANCELLED: (OutcomeKind.CANCELLED, "This was cancelled with its workflow at {when}."),
    RequestStatus.WITHDRAWN: (OutcomeKind.WITHDRAWN, "This was withdrawn at {when}."),
}
"""What people are told who come too late, by how the request ended."""


class Answerable(msgspec.Struct, frozen=True, gc=False):
    """A request with its run, as an answer finds it; `events` numbers its last event; `person` is whose account
    answers, where it is somebody's; `known_*` is the event that this account's event key names, if it was seen before.
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
    requested_by: str | None
    note: str | None
    asked_in: str | None
    run_id: str
    workflow: str
    run_status: str
    resolutions: int
    events: int
    person: str | None
    known_revision: int | None
    known_value: str | None
    known_comment: str | None
    known_break_glass: int | None
    known_offer: str | None
    known_outcome: str | None
    known_reason: str | None


def answer(tx: Transaction, attempt: AnswerAttempt, is_gone: IsGone) -> Outcome:
    """Take an answer, or refuse it: the one place where a request is answered."""
    row = tx.row("request_for_answer", (attempt.request_id, attempt.person, attempt.event_key))
    if row is None:
        return Outcome(OutcomeKind.UNKNOWN, NOT_FOUND)
    request = Answerable(*row)
    received = tx.now if attempt.received_at is None else to_microseconds(attempt.received_at)
    if request.known_outcome is not None:
        return _repeated(tx, attempt, request, received)
    at = tx.instant if attempt.received_at is None else attempt.received_at
    vote = _vote_of(tx, attempt, request.person, at)
    lapsed = lapse(tx, attempt.warrant, {attempt.person, vote.person, *vote.accounts})
    if lapsed is not None:
        # Without the key: whoever is looked up anew repeats it.
        own_key = msgspec.structs.replace(attempt, event_key=None)
        return _refuse(tx, own_key, request, received, OutcomeKind.NOT_ALLOWED, lapsed)
    votes = current_votes(tx, request.request_key) if request.events else ()
    current = [*(known.as_vote() for known in votes if known.person != vote.person), vote]
    policy = read_policy(request.policy)
    verdict = evaluate(policy, current, tx.instant)
    if vote.person in verdict.refused:
        return _refuse(tx, attempt, request, received, OutcomeKind.NOT_ALLOWED, verdict.refused[vote.person])
    mine = next((known for known in votes if known.person == vote.person), None)
    refusal = _refusal(tx, attempt, request, policy, vote, mine, received)
    if refusal is not None:
        return _refuse(tx, attempt, request, received, *refusal)
    outcome = (
        _accepted(request, is_gone)
        if verdict.decided
        else _counted(request, verdict, vote, changed=mine is not None)
    )
    event = _record_event(tx, attempt, request, received, outcome)
    _cast(tx, attempt, request, event)
    tx.mark_cards("deliveries_mark", (request.request_key,))
    if verdict.decided:
        others = (one for one in votes if one.person != vote.person)
        _decide(tx, request, vote, [*others, _as_cast(attempt, vote)], policy, verdict)
    _audit_answer(tx, attempt, request, outcome, vote, policy, verdict, event)
    if attempt.offer is not None:
        make_grant(tx, attempt, request, policy, vote)
    if policy.stages:
        needed = _newly_needed(policy, [known.as_vote() for known in votes], verdict, tx)
        tell_of_vote(tx, request.request_key, vote, needed)
    if verdict.decided:
        _tell_of_decision(tx, request, vote, verdict)
    return outcome


def _newly_needed(policy: Policy, before: list[Vote], verdict: Verdict, tx: Transaction) -> tuple[str, ...]:
    """Those of the stage whose turn it is since a vote, where stages have their turns."""
    if not policy.ordered or verdict.decided:
        return ()
    now, was = waiting(policy, verdict), waiting(policy, evaluate(policy, before, tx.instant))
    return () if now == was else tuple(entry for stage in now for entry in stage.approvers)


def _vote_of(tx: Transaction, attempt: AnswerAttempt, person: str | None, at: datetime) -> Vote:
    """The attempt as a vote of the person whose account it came from."""
    accounts: tuple[str, ...] = ()
    if person is not None:
        accounts = tuple(row["account"] for row in tx.rows("accounts_of_person", (person,)))
    return Vote(
        person or attempt.person,
        attempt.via,
        attempt.value,
        at,
        attempt.comment,
        attempt.facts,
        accounts,
        break_glass=attempt.break_glass,
    )


def _as_cast(attempt: AnswerAttempt, vote: Vote) -> CastVote:
    return CastVote(
        vote.person, vote.via, vote.value, vote.at, vote.comment, attempt.person, vote.accounts, groups_of(attempt),
        vote.break_glass,
    )  # fmt: skip


def groups_of(attempt: AnswerAttempt) -> tuple[str, ...]:
    """The groups that somebody was found to belong to."""
    return tuple(fact.name for fact in attempt.facts if fact.value is True)


def _cast(tx: Transaction, attempt: AnswerAttempt, request: Answerable, event: int) -> None:
    """Make this the person's vote, in the place of one by another of their accounts."""
    if request.person is not None:
        tx.run("votes_of_person_remove", (request.request_key, request.person))
    groups = groups_of(attempt)
    stored = to_json(groups) if groups else None
    tx.run("vote_upsert", (request.request_key, attempt.person, event, stored))


def _decide(
    tx: Transaction, request: Answerable, vote: Vote, votes: list[CastVote], policy: Policy, verdict: Verdict
) -> None:
    """Resolve the request by the votes that agree with the decision."""
    yes = is_approval(verdict.value)
    agreeing = [
        one
        for one in votes
        if one.person not in verdict.refused and (not policy.stages or is_approval(one.value) == yes)
    ]
    _resolve(tx, vote, request, verdict.value, agreeing)


def _is_alone(vote: Vote, value: Json) -> bool:
    """Whether somebody approved alone, in an emergency."""
    return vote.break_glass and is_approval(value)


def _tell_of_decision(tx: Transaction, request: Answerable, vote: Vote, verdict: Verdict) -> None:
    """Tell who has to hear of it; the trail has an approval under break-glass apart."""
    if _is_alone(vote, verdict.value):
        tell_of_break_glass(tx, request.request_key, vote)
        _audit_break_glass(tx, request, vote)
    tell_requester(tx, request.request_key, request.requested_by, request.asked_in)


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
    known = (
        request.known_revision, request.known_comment, request.known_value, request.known_break_glass,
        request.known_offer,
    )  # fmt: skip
    value, is_alone = to_json(attempt.value), int(attempt.break_glass)
    if known == (attempt.revision, attempt.comment, value, is_alone, attempt.offer):
        return Outcome(OutcomeKind(str(request.known_outcome)), str(request.known_reason), repeated=True)
    own_key = msgspec.structs.replace(attempt, event_key=None)
    return _refuse(tx, own_key, request, received, OutcomeKind.INVALID, _KEY_IS_TAKEN)


_KEY_IS_TAKEN = "This has the key of another answer of yours. Send it again with a new key."


def current_votes(tx: Transaction, request_key: int) -> tuple[CastVote, ...]:
    """The votes that count on a request now, one a person."""
    return read_open_votes(tx.row("votes_current", (request_key,))["votes"])


def _refusal(
    tx: Transaction,
    attempt: AnswerAttempt,
    request: Answerable,
    policy: Policy,
    vote: Vote,
    mine: CastVote | None,
    received: int,
) -> tuple[OutcomeKind, str] | None:
    """Why an allowed person's answer cannot count, or None."""
    if request.status == RequestStatus.ANSWERED:
        return _already_answered(vote, request)
    if request.status != RequestStatus.PENDING:
        kind, words = CLOSED[RequestStatus(request.status)]
        return kind, words.format(when=clock_time(request.resolved_at))
    if attempt.revision != request.revision:
        return OutcomeKind.SUPERSEDED, QUESTION_CHANGED
    if request.deadline is not None and received > request.deadline:
        when = clock_time(request.deadline)
        return OutcomeKind.EXPIRED, f"This closed at {when}. Nothing changed."
    if mine is not None and mine.value == vote.value and mine.break_glass == vote.break_glass:
        return OutcomeKind.DUPLICATE, _SAME_ANSWER
    question = question_from_text(request.question)
    if (
        question.read_all
        and is_approval(vote.value)
        and attempt.via != CODE
        and not _has_read(tx, request, vote, attempt)
    ):
        return OutcomeKind.INVALID, _READ_FIRST
    cannot = refusal_of_grant(tx, attempt, question, policy, vote)
    return _unfit(attempt, question, policy) if cannot is None else (OutcomeKind.INVALID, cannot)


_SAME_ANSWER = "You already gave this answer."
_READ_FIRST = (
    "Open the full request before you approve it: press Full request in the card. Nothing was counted."
)


def _has_read(tx: Transaction, request: Answerable, vote: Vote, attempt: AnswerAttempt) -> bool:
    """Whether this person has opened all of the request as it is now, by whichever of their accounts."""
    fields = {"request_key": request.request_key, "revision": request.revision}
    readers = {row["account"] for row in tx.rows("readers", fields)}
    return not readers.isdisjoint({attempt.person, vote.person, *vote.accounts})


def _unfit(attempt: AnswerAttempt, question: Question, policy: Policy) -> tuple[OutcomeKind, str] | None:
    """Why an answer does not fit its question or lacks its comment, or None."""
    try:
        question.check_answer(attempt.value)
    except InvalidAnswer as error:
        return OutcomeKind.INVALID, str(error)
    if question.input_type == "text" and attempt.via != CODE and not isinstance(attempt.value, str):
        return OutcomeKind.INVALID, "This needs a text. Send one."
    has_comment = bool((attempt.comment or "").strip())
    if attempt.break_glass and not (is_approval(attempt.value) and has_comment):
        return OutcomeKind.INVALID, "An emergency approval (break-glass) needs a reason. Say why."
    if policy.needs_comment(attempt.value) and not has_comment:
        what = "approval" if is_approval(attempt.value) else "rejection"
        return OutcomeKind.INVALID, f"This {what} needs a comment. Say why."
    return None


def _already_answered(vote: Vote, request: Answerable) -> tuple[OutcomeKind, str]:
    assert request.answer is not None
    if request.resolved_by in (vote.person, *vote.accounts) and decode(request.answer) == vote.value:
        return OutcomeKind.DUPLICATE, _SAME_ANSWER
    when = clock_time(request.resolved_at)
    return OutcomeKind.ALREADY_ANSWERED, (
        f"{request.resolved_by} already answered this at {when}. Nothing changed."
    )


def clock_time(stored: int | None) -> str:
    """An instant in words that hold everywhere."""
    assert stored is not None
    return f"{from_microseconds(stored):%Y-%m-%d %H:%M} UTC"


def _counted(request: Answerable, verdict: Verdict, vote: Vote, *, changed: bool) -> Outcome:
    """What a vote that does not decide yet amounts to, in the words for its person."""
    is_yes = is_approval(vote.value)
    if changed:
        choices = question_from_text(request.question).choices
        labels = [one.label for one in choices if one.value == vote.value] or ["yes" if is_yes else "no"]
        return Outcome(OutcomeKind.COUNTED, f"Changed to {labels[0]}.")
    mine = [one for one in verdict.stages if vote.person in (one.approved if is_yes else one.rejected)]
    counts = " and ".join(
        f"{len(one.approved)} of {one.stage.needed}"
        if is_yes
        else f"{len(one.rejected)} of {one.stage.reject_at}"
        for one in mine
    )
    return Outcome(
        OutcomeKind.COUNTED,
        f"Your {'approval' if is_yes else 'rejection'} was counted{f': {counts}' if counts else ''}.",
    )


def _accepted(request: Answerable, is_gone: IsGone) -> Outcome:
    held = request.run_status == WorkflowStatus.NEEDS_ATTENTION or is_gone(request.workflow, request.node_id)
    return _HELD if held else _RESOLVED


_RESOLVED = Outcome(OutcomeKind.RESOLVED, "Recorded. The workflow continues.")
_HELD = Outcome(OutcomeKind.HELD, "Recorded, but paused: an operator has to look at the workflow.")


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
            int(attempt.break_glass),
            attempt.offer,
        ),
    )
    return event


def _audit_answer(
    tx: Transaction,
    attempt: AnswerAttempt,
    request: Answerable,
    outcome: Outcome,
    vote: Vote,
    policy: Policy,
    verdict: Verdict,
    event: int,
) -> None:
    payload: dict[str, object] = {
        "value": attempt.value,
        "revision": attempt.revision,
        "digest": request.digest,
        "outcome": outcome.kind,
        "comment": attempt.comment,
    }
    if vote.person != attempt.person:
        payload["whose"] = vote.person
    if attempt.facts:
        payload["facts"] = [[fact.name, fact.value, fact.as_of] for fact in attempt.facts]
    if attempt.break_glass:
        payload["break_glass"] = True
    if policy.stages and verdict.decided:
        payload["decided"] = {"value": verdict.value, "why": verdict.why, **policy_stamp(policy)}
    _audit(tx, "answer_accepted", payload, attempt, request, event)


def policy_stamp(policy: Policy) -> dict[str, object]:
    """Which policy it is, in which version."""
    return {"policy": policy.name, "version": policy.version}


def _audit_break_glass(tx: Transaction, request: Answerable, vote: Vote) -> None:
    tx.audit(
        "break_glass", {"reason": vote.comment}, run_id=request.run_id, request_id=request.id, person=vote.person,
        via=vote.via,
    )  # fmt: skip


def _audit(
    tx: Transaction,
    kind: str,
    payload: dict[str, object],
    attempt: AnswerAttempt,
    request: Answerable,
    event: int | None,
) -> None:
    also = () if event is None else (("events", request.id, event),)
    tx.audit(
        kind, payload, run_id=request.run_id, request_id=request.id, person=attempt.person, via=attempt.via, also=also
    )  # fmt: skip


def _resolve(tx: Transaction, vote: Vote, request: Answerable, value: Json, counted: list[CastVote]) -> None:
    text, decided = to_json(value), to_json([one.as_dict() for one in counted])
    fields = (text, decided, tx.now, vote.person, request.request_key, request.revision)
    changed = tx.run("request_answer", fields).rowcount
    assert changed == 1, "the request was pending when this transaction read it"
    resolution = Resolution(
        request.id, RequestStatus.ANSWERED, text, decided, tx.instant, vote.person, _is_alone(vote, value)
    )
    resolve_run(tx, request, resolution)


class OfRun(Protocol):
    """What is known of a request's run, wherever it was read."""

    @property
    def run_key(self) -> int: ...
    @property
    def run_id(self) -> str: ...
    @property
    def workflow(self) -> str: ...
    @property
    def run_status(self) -> str: ...
    @property
    def resolutions(self) -> int: ...


def resolve_run(tx: Transaction, request: OfRun, resolution: Resolution) -> None:
    """A request came to its end: its run continues, unless it waits for an operator."""
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
    event = None if attempt.event_key is None else _record_event(tx, attempt, request, received, outcome)
    fields = {"request_key": request.request_key, "person": attempt.person, "outcome": kind, "now": tx.now}
    if tx.row("refusal_count", fields)["count"] == 1:
        payload: dict[str, object] = {
            "value": attempt.value,
            "revision": attempt.revision,
            "outcome": kind,
            "reason": reason,
        }
        _audit(tx, "answer_refused", payload, attempt, request, event)
    return outcome
