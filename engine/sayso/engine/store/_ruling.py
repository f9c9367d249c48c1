"""What is decided without people in the transaction that stores the question: by a rule of its policy or a grant."""

from __future__ import annotations

import msgspec

from sayso.engine._outcomes import OutcomeKind
from sayso.engine._records import CastVote, RequestStatus, WorkflowStatus
from sayso.engine._rules import RULE, Ruling
from sayso.engine._values import to_json
from sayso.engine.store._answering import resolve_run
from sayso.engine.store._commands import Ask, Place
from sayso.engine.store._hub import Resolution
from sayso.engine.store._notices import tell_requester
from sayso.engine.store._transaction import Transaction


class _Run(msgspec.Struct, frozen=True, gc=False):
    """The run of a question, as it is when the question is stored."""

    run_key: int
    run_id: str
    workflow: str
    run_status: WorkflowStatus
    resolutions: int
    asked_in: str | None


def answer_by_rule(
    tx: Transaction, place: Place, one: Ask, ruling: Ruling, request_key: int, revision: int
) -> None:
    """Answer a question that was just stored, as a rule says."""
    person = ruling.rule.person
    vote = CastVote(person, RULE, ruling.value, tx.instant, ruling.reason or None, rule=ruling.rule)
    by = {"when": ruling.when, **msgspec.structs.asdict(ruling.rule)}
    said = answer_alone(tx, one, vote, request_key, revision) | by
    tx.audit("answered_by_rule", said, run_id=place.run_id, request_id=one.id, person=person, via=RULE)
    go_on(tx, place, one, vote, request_key)


def answer_alone(
    tx: Transaction, one: Ask, vote: CastVote, request_key: int, revision: int
) -> dict[str, object]:
    """Store the one vote that answers a question which was just stored: what the trail's row says of it."""
    answer, decided = to_json(vote.value), to_json([vote.as_dict()])
    fields = (answer, decided, tx.now, vote.person, request_key, revision)
    changed = tx.run("request_answer", fields).rowcount
    assert changed == 1, "this transaction has just asked it"
    return {
        "value": vote.value,
        "revision": revision,
        "digest": one.digest,
        "outcome": OutcomeKind.RESOLVED,
        "comment": vote.comment,
    }


def go_on(tx: Transaction, place: Place, one: Ask, vote: CastVote, request_key: int) -> None:
    """Continue the run behind such an answer. Whoever asked hears of it, and nobody else."""
    row = tx.row("run_of_ruling", (place.run_key,))
    run = _Run(
        place.run_key,
        place.run_id,
        place.workflow,
        WorkflowStatus(row["status"]),
        row["resolutions"],
        row["asked_in"],
    )
    answer, decided = to_json(vote.value), to_json([vote.as_dict()])
    resolve_run(tx, run, Resolution(one.id, RequestStatus.ANSWERED, answer, decided, tx.instant, vote.person))
    tell_requester(tx, request_key, one.requested_by, run.asked_in)
