"""How a grant is made: in the transaction of the approval that wishes it, by somebody whose single vote approves."""

from __future__ import annotations

from typing import Protocol

import msgspec

from sayso.engine._audience import is_program
from sayso.engine._binding import offered
from sayso.engine._clock import to_microseconds
from sayso.engine._grants import Offer, coverage
from sayso.engine._ids import new_id
from sayso.engine._policy import Policy, Vote, evaluate, is_approval
from sayso.engine._questions import Question, question_from_text
from sayso.engine._values import to_json
from sayso.engine.store._commands import AnswerAttempt
from sayso.engine.store._transaction import Transaction

_NOT_OFFERED = "This can't be granted. Nothing was counted. Open the request again and choose what it offers."
_NO_PERSON = "Only people grant. Nothing was counted."
_NOT_ALONE = "Only its own approvers grant this. Nothing was counted: approve it, or reject it."


def refusal_of_grant(
    tx: Transaction, attempt: AnswerAttempt, question: Question, policy: Policy, vote: Vote
) -> str | None:
    """Why an answer cannot be granted as it wishes, or None."""
    if attempt.offer is None:
        return None
    if is_program(attempt.person):
        return _NO_PERSON
    if (
        not is_approval(attempt.value)
        or attempt.break_glass
        or _offer(policy, question, attempt.offer) is None
    ):
        return _NOT_OFFERED
    return None if approves_alone(tx, policy, vote) else _NOT_ALONE


def _offer(policy: Policy, question: Question, key: str) -> Offer | None:
    return next((one for one in offered(policy, question) if one.key == key), None)


def approves_alone(tx: Transaction, policy: Policy, vote: Vote) -> bool:
    """Whether a single vote approves, of somebody who is asked from the beginning."""
    verdict = evaluate(msgspec.structs.replace(policy, escalates_at=None), [vote], tx.instant)
    return verdict.decided and is_approval(verdict.value)


class Granting(Protocol):
    """The request on which a grant is made, as its answer finds it."""

    @property
    def request_key(self) -> int: ...
    @property
    def id(self) -> str: ...
    @property
    def run_id(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def note(self) -> str | None: ...
    @property
    def requested_by(self) -> str | None: ...


def make_grant(
    tx: Transaction, attempt: AnswerAttempt, request: Granting, policy: Policy, vote: Vote
) -> None:
    """Make the grant that an answer wishes, which was not refused."""
    question, grants = question_from_text(request.question), policy.grants
    offer = _offer(policy, question, attempt.offer or "")
    assert grants is not None
    assert offer is not None, "it was among them when this transaction looked"
    covered = coverage(
        grants, request.question, request.note, request.requested_by, (policy.name, policy.version),
        of_session=offer.kind == "session",
    )  # fmt: skip
    expires_at, grant_id = to_microseconds(tx.instant + offer.lasts), new_id()
    groups = [fact.name for fact in attempt.facts if fact.value is True]
    tx.run(
        "grant_add",
        {
            "id": grant_id, "request_key": request.request_key, "offer": offer.key, "coverage": covered,
            "asked_by": grants.asked_by, "policy": policy.name or "", "version": policy.version,
            "person": vote.person, "account": attempt.person, "via": attempt.via,
            "groups": to_json(groups) if groups else None, "comment": attempt.comment, "made_at": tx.now,
            "expires_at": expires_at, "uses": offer.uses,
        },
    )  # fmt: skip
    said: dict[str, object] = {
        "grant": grant_id, "offer": offer.key, "coverage": covered, "asked_by": grants.asked_by,
        "policy": policy.name, "version": policy.version, "expires_at": expires_at, "uses": offer.uses,
    }  # fmt: skip
    tx.audit(
        "grant_made",
        said,
        run_id=request.run_id,
        request_id=request.id,
        person=attempt.person,
        via=attempt.via,
    )
