"""What requests do by themselves when their time has come: expire, ask others as well, remind. Each happens once, in
the transaction that records it; one that came due while nobody ran happens at the next start.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from sayso.engine._audience import is_person
from sayso.engine._clock import from_microseconds, to_microseconds
from sayso.engine._policy import REJECT, Policy, evaluate, waiting
from sayso.engine._records import NoticeKind, RequestStatus
from sayso.engine._values import decode
from sayso.engine.store._accounts import ids_of
from sayso.engine.store._answering import clock_time, current_votes, policy_stamp, resolve_run
from sayso.engine.store._hub import Resolution
from sayso.engine.store._notices import places_of, tell, tell_requester
from sayso.engine.store._rows import policy_text, read_policy
from sayso.engine.store._transaction import Transaction

GRACE = timedelta(seconds=5)
"""How long after a deadline the sweep waits, so that an answer received in time can still be looked up."""

LARGEST_SWEEP = 256
"""How many requests of a kind one transaction deals with at most."""

_LONGEST_DOUBLING = 16


class Due(msgspec.Struct, frozen=True):
    """A request whose deadline has passed, with its run."""

    request_key: int
    id: str
    run_key: int
    default_value: str | None
    policy: str
    deadline: int
    requested_by: str | None
    asked_in: str | None
    run_id: str
    workflow: str
    run_status: str
    resolutions: int


class Stirring(msgspec.Struct, frozen=True):
    """A request that is to remind or to escalate."""

    request_key: int
    id: str
    policy: str
    reminders: int
    requested_by: str | None
    run_id: str


def act_due(tx: Transaction, run_id: str | None) -> int:
    """Do what is due, of one run or of all, a bounded number at a time; the number of things done."""
    return _expire(tx, run_id) + _escalate(tx, run_id) + _remind(tx, run_id)


def next_due(tx: Transaction, run_id: str | None) -> int | None:
    """The next instant at which something is due, of one run or of all; for a deadline, with its grace."""
    if run_id is None:
        rows = [tx.row(query, ()) for query in ("next_deadline", "next_reminder", "next_escalation")]
        deadline, *others = [None if row is None else row["at"] for row in rows]
    else:
        deadline, *others = tx.row("next_due_of_run", {"run_id": run_id})
    grace = GRACE // timedelta(microseconds=1)
    return min(
        (at for at in (None if deadline is None else deadline + grace, *others) if at is not None),
        default=None,
    )


_DUE = ("request_due", "request_due_of_run")
_TO_ESCALATE = ("request_to_escalate", "request_to_escalate_of_run")
_TO_REMIND = ("request_to_remind", "request_to_remind_of_run")


def _next(tx: Transaction, queries: tuple[str, str], due: Mapping[str, object], run_id: str | None) -> Any:
    """What is due first in the whole store, or of one run, which walks through nobody else's."""
    of_all, of_run = queries
    return tx.row(of_all, due) if run_id is None else tx.row(of_run, {**due, "run_id": run_id})


def _expire(tx: Transaction, run_id: str | None) -> int:
    expired = 0
    due: dict[str, object] = {"until": to_microseconds(tx.instant - GRACE)}
    while expired < LARGEST_SWEEP and (row := _next(tx, _DUE, due, run_id)) is not None:
        expired += 1
        request = Due(*row)
        tx.run("request_expire", (tx.now, request.request_key))
        tx.mark_cards("deliveries_mark", (request.request_key,))
        default = request.default_value
        tx.audit("request_expired", _said_at_expiry(request), run_id=request.run_id, request_id=request.id)
        tell_requester(tx, request.request_key, request.requested_by, request.asked_in)
        resolution = Resolution(request.id, RequestStatus.EXPIRED, default, None, tx.instant)
        resolve_run(tx, request, resolution)
    return expired


def _said_at_expiry(request: Due) -> dict[str, object]:
    """What the trail says of an expiry: with a policy that decided it, which one, and why."""
    value = None if request.default_value is None else decode(request.default_value)
    policy = read_policy(request.policy)
    rejects = value is False and policy.on_expiry == REJECT
    if value is None or not (value == policy.on_expiry or rejects):
        return {"default": value}
    why = f"nobody decided by {clock_time(request.deadline)}"
    return {"default": value, "decided": {"value": value, "why": why, **policy_stamp(policy)}}


def _escalate(tx: Transaction, run_id: str | None) -> int:
    escalated = 0
    due = {"now": tx.now}
    while escalated < LARGEST_SWEEP and (row := _next(tx, _TO_ESCALATE, due, run_id)) is not None:
        escalated += 1
        request = Stirring(*row)
        policy = read_policy(request.policy)
        audience = tuple(dict.fromkeys([*policy.audience, *policy.escalate_to]))
        more = msgspec.structs.replace(policy, audience=audience)
        before = places_of(tx, request.request_key)
        tx.run("request_escalated", (policy_text(audience, more), request.request_key))
        for place in policy.escalate_places:
            tx.mark_cards("delivery_add", (request.request_key, place))
        tx.mark_cards("deliveries_mark", (request.request_key,))
        said: dict[str, object] = {"to": policy.escalate_to}
        tell(tx, request.request_key, before, NoticeKind.ESCALATED, said)
        tx.audit("request_escalated", said, run_id=request.run_id, request_id=request.id)
    return escalated


def _remind(tx: Transaction, run_id: str | None) -> int:
    """Remind, and again after twice the time; however many reminders were missed, it is one."""
    reminded = 0
    due = {"now": tx.now}
    while reminded < LARGEST_SWEEP and (row := _next(tx, _TO_REMIND, due, run_id)) is not None:
        reminded += 1
        request = Stirring(*row)
        policy = read_policy(request.policy)
        assert policy.remind_every is not None, "only such a policy sets an instant for it"
        interval = policy.remind_every * 2 ** min(request.reminders + 1, _LONGEST_DOUBLING)
        tx.run("request_reminded", (to_microseconds(tx.instant + interval), request.request_key))
        tx.run("reminders_forget", (request.request_key,))
        tell(tx, request.request_key, _awaited(tx, request.request_key, policy), NoticeKind.REMINDER, {})
        said = {"reminder": request.reminders + 1, "next": from_microseconds(tx.now) + interval}
        tx.audit("request_reminded", said, run_id=request.run_id, request_id=request.id)
    return reminded


def _awaited(tx: Transaction, request_key: int, policy: Policy) -> list[str]:
    """The places to remind: not the own chats of people who may not approve, or whose stages do not wait for them. Who
    is asked as one of a group or a place is not known here, so they are reminded while such a stage waits.
    """
    votes = [vote.as_vote() for vote in current_votes(tx, request_key)]
    stages = waiting(policy, evaluate(policy, votes, tx.instant))
    awaited = {entry for stage in stages for entry in stage.approvers}
    others = any(not is_person(entry) for entry in awaited)
    named = {entry for stage in policy.stages for entry in stage.approvers}
    barred = {*policy.excluded, *policy.released}

    def waits(place: str) -> bool:
        ids = {place, *ids_of(tx, place)}
        if not ids.isdisjoint(barred):
            return False
        return not ids.isdisjoint(awaited) if not ids.isdisjoint(named) else others

    return [place for place in places_of(tx, request_key) if not is_person(place) or waits(place)]
