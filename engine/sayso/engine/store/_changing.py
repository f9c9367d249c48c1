"""Transactions by which people change an open request without answering it: withdraw it, hand it over."""

from __future__ import annotations

import msgspec

from sayso.engine._outcomes import NOT_FOUND, QUESTION_CHANGED, Outcome, OutcomeKind
from sayso.engine._policy import Policy, Vote, reassign
from sayso.engine._records import ASK, NoticeKind, RequestStatus
from sayso.engine.store._accounts import ids_of
from sayso.engine.store._answering import CLOSED, clock_time, resolve_run
from sayso.engine.store._commands import HandOver, Warrant
from sayso.engine.store._hub import Resolution
from sayso.engine.store._notices import places_of, tell
from sayso.engine.store._rows import policy_text, read_policy
from sayso.engine.store._transaction import Transaction
from sayso.engine.store._warrants import lapse


class Changeable(msgspec.Struct, frozen=True, gc=False):
    """A request with its run, which `started_by` began; `person` is whose account changes it, if it is somebody's."""

    request_key: int
    run_key: int
    id: str
    revision: int
    policy: str
    status: str
    requested_by: str | None
    resolved_at: int | None
    run_id: str
    workflow: str
    started_by: str | None
    run_status: str
    resolutions: int
    person: str | None


def take_back(
    tx: Transaction, request_id: str, person: str, via: str, warrant: Warrant | None = None
) -> Outcome:
    """Withdraw an open request, for its requester, or for who asked it from outside on somebody's behalf."""
    request = _find(tx, request_id, person)
    if isinstance(request, Outcome):
        return request
    ids = ids_of(tx, person)
    lapsed = lapse(tx, warrant, {person, *ids})
    if lapsed is not None:
        return Outcome(OutcomeKind.NOT_ALLOWED, lapsed)
    asked_by = {request.requested_by, request.started_by if request.workflow == ASK else None} - {None}
    if asked_by.isdisjoint(ids):
        return Outcome(OutcomeKind.NOT_ALLOWED, "Only the requester can withdraw this.")
    by = request.person or person
    tx.run("request_take_back", (tx.now, by, request.request_key))
    tx.mark_cards("deliveries_mark", (request.request_key,))
    tx.audit(
        "request_withdrawn",
        {"by": "requester"},
        run_id=request.run_id,
        request_id=request.id,
        person=person,
        via=via,
    )
    resolution = Resolution(request.id, RequestStatus.WITHDRAWN, None, None, tx.instant, by)
    resolve_run(tx, request, resolution)
    return Outcome(OutcomeKind.DONE, "Withdrawn. It can no longer be answered.")


def open_all(tx: Transaction, request_id: str, revision: int, person: str, via: str) -> None:
    """Record that somebody has opened all of an open request, as it is in this revision; nothing for any other."""
    request = _find(tx, request_id, person)
    if isinstance(request, Outcome) or request.revision != revision:
        return
    fields = {"request_key": request.request_key, "revision": revision, "account": person}
    if tx.row("reading_add", fields) is not None:
        said = {"revision": revision}
        tx.audit("opened", said, run_id=request.run_id, request_id=request.id, person=person, via=via)


def hand_over(tx: Transaction, wish: HandOver) -> Outcome:
    """Ask another person instead of one who may answer; that person's vote no longer counts."""
    request = _find(tx, wish.request_id, wish.person)
    if isinstance(request, Outcome):
        return request
    if wish.revision != request.revision:
        return Outcome(OutcomeKind.SUPERSEDED, QUESTION_CHANGED)
    ids = ids_of(tx, wish.person)
    whose = request.person or wish.person
    lapsed = lapse(tx, wish.warrant, {wish.person, *ids})
    if lapsed is not None:
        return Outcome(OutcomeKind.NOT_ALLOWED, lapsed)
    if wish.to in ids:
        return Outcome(OutcomeKind.INVALID, "That's you. Hand it over to someone else.")
    vote = Vote(whose, wish.via, None, tx.instant, facts=wish.facts, accounts=ids)
    theirs = ids_of(tx, wish.to)
    found = wish.to_facts if {wish.to, *theirs} == {wish.to, *wish.to_ids} else ()
    policy = reassign(read_policy(request.policy), vote, wish.to, tx.instant, theirs, found)
    if isinstance(policy, str):
        return Outcome(OutcomeKind.NOT_ALLOWED, policy)
    _store(tx, request, policy, wish, ids)
    return Outcome(OutcomeKind.DONE, f"Handed over to {wish.to}. Your own vote no longer counts.")


def _store(
    tx: Transaction, request: Changeable, policy: Policy, wish: HandOver, ids: tuple[str, ...]
) -> None:
    before = places_of(tx, request.request_key)
    tx.run("request_policy", (policy_text(policy.audience, policy), request.request_key))
    for account in ids:
        tx.run("vote_remove", (request.request_key, account))
    for place in wish.places:
        tx.mark_cards("delivery_add", (request.request_key, place))
    tx.mark_cards("deliveries_mark", (request.request_key,))
    said: dict[str, object] = {"person": request.person or wish.person, "to": [wish.to]}
    tell(tx, request.request_key, before, NoticeKind.REASSIGNED, said)
    tx.audit(
        "request_reassigned",
        {**said, "revision": wish.revision},
        run_id=request.run_id,
        request_id=request.id,
        person=wish.person,
        via=wish.via,
    )


def _find(tx: Transaction, request_id: str, person: str) -> Changeable | Outcome:
    row = tx.row("request_for_change", (request_id, person))
    if row is None:
        return Outcome(OutcomeKind.UNKNOWN, NOT_FOUND)
    request = Changeable(*row)
    if request.status == RequestStatus.ANSWERED:
        return Outcome(
            OutcomeKind.ALREADY_ANSWERED, f"This was answered at {clock_time(request.resolved_at)}."
        )
    if request.status != RequestStatus.PENDING:
        kind, words = CLOSED[RequestStatus(request.status)]
        return Outcome(kind, words.format(when=clock_time(request.resolved_at)))
    return request
