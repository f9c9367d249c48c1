"""Transactions about grants that were made: used by questions that are like the first, and revoked.

A grant is used in the transaction that stores the question which it answers, so two questions never share its last use,
and nothing of a use is lost. Whatever is in doubt has people asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec

from sayso.engine._audience import is_person
from sayso.engine._binding import offered
from sayso.engine._clock import from_microseconds, to_microseconds
from sayso.engine._grants import GRANT, GrantUse, coverages
from sayso.engine._outcomes import Outcome, OutcomeKind
from sayso.engine._policy import APPROVE, Fact, Policy, Vote
from sayso.engine._questions import question_from_text
from sayso.engine._records import ASK, CastVote
from sayso.engine._values import Json, to_json
from sayso.engine.store._accounts import ids_of
from sayso.engine.store._commands import Ask, Place, Warrant
from sayso.engine.store._granting import approves_alone
from sayso.engine.store._ruling import answer_alone, go_on
from sayso.engine.store._transaction import Transaction
from sayso.engine.store._warrants import lapse

VOUCHED_FOR = timedelta(minutes=1)
"""How long it counts that somebody made sure of a granter."""

_NOT_YOURS = "Only whoever made a grant, or an operator, can revoke it."
_NO_GRANT = "Not found, or you don't have access."
_ENDED = "This grant had ended already. Nothing changed."
_REVOKED = "Revoked. The next question is put to people."
_groups: msgspec.json.Decoder[tuple[str, ...]] = msgspec.json.Decoder(tuple[str, ...])


class Granted(msgspec.Struct, frozen=True, gc=False):
    """A grant that can answer questions now: its id, who made it how, and on which request."""

    id: str
    request_id: str
    account: str
    via: str


def with_asker(tx: Transaction, place: Place, policy: Policy | None) -> Policy | None:
    """The policy with the program or person whose questions a grant would be about; without grants for what a workflow
    asks, and for what is asked by somebody whose access cannot be revoked, such as GitHub.
    """
    if policy is None or policy.grants is None:
        return policy
    row = tx.row("run_requester", (place.run_key,)) if place.workflow == ASK else None
    asker = None if row is None else row["requested_by"]
    grants = (
        None
        if asker is None or not is_person(asker)
        else msgspec.structs.replace(policy.grants, asked_by=asker)
    )
    return msgspec.structs.replace(policy, grants=grants)


def covering(
    tx: Transaction, question: str, note: str | None, requested_by: str | None, policy: Policy | None
) -> list[Granted]:
    """The grants that would answer a question if their granters still may approve it, which has to be looked up."""
    rows = _covering(tx, question, note, requested_by, policy, vouched_since=None)
    return [Granted(row["id"], row["request"], row["account"], row["via"]) for row in rows]


def vouch(tx: Transaction, grant_id: str, *, approves: bool) -> None:
    """Somebody has looked up just now whether the granter still approves; if not, what was known before is void."""
    tx.run("grant_vouch", {"id": grant_id, "at": tx.now if approves else None})


def usable(tx: Transaction, one: Ask) -> GrantUse | None:
    """The grant that answers a question which is about to be stored, as its next use; None: people are asked."""
    if one.ruling is not None or one.policy is None or not offered(one.policy, question_from_text(one.text)):
        return None
    since = to_microseconds(tx.instant - VOUCHED_FOR)
    for row in _covering(tx, one.text, one.note, one.requested_by, one.policy, vouched_since=since):
        groups = () if row["groups"] is None else _groups.decode(row["groups"])
        facts = tuple(Fact(group, value=True, as_of=tx.instant) for group in groups)
        accounts = ids_of(tx, row["account"])
        vote = Vote(row["person"], row["via"], APPROVE, tx.instant, facts=facts, accounts=accounts)
        if approves_alone(tx, one.policy, vote):
            end = from_microseconds(row["expires_at"])
            return GrantUse(row["id"], row["person"], row["used"] + 1, row["uses"], end)
    return None


def _covering(
    tx: Transaction,
    question: str,
    note: str | None,
    requested_by: str | None,
    policy: Policy | None,
    *,
    vouched_since: int | None,
) -> list[Any]:
    if policy is None or policy.grants is None or not policy.grants.asked_by:
        return []
    covered = coverages(policy.grants, question, note, requested_by, (policy.name, policy.version))
    fields = {"covered": to_json(covered), "now": tx.now, "since": vouched_since}
    return tx.rows("grants_covering", fields)


def answer_by_grant(tx: Transaction, place: Place, one: Ask, use: GrantUse, request_key: int) -> None:
    """Answer a question that was just stored by a use of a grant."""
    row = tx.row("grant_use", {"id": use.id, "use": use.use, "now": tx.now})
    assert row is not None, "this transaction has just found it usable"
    tx.run("grant_use_add", (row["grant_key"], use.use, request_key, tx.now))
    value: Json = True if question_from_text(one.text).input_type == "confirm" else APPROVE
    vote = CastVote(use.person, GRANT, value, tx.instant, row["comment"], grant=use)
    by: dict[str, object] = {
        "grant": use.id, "granted_by": use.granted_by, "use": use.use, "of": use.of,
        "expires_at": to_microseconds(use.expires_at),
    }  # fmt: skip
    said = answer_alone(tx, one, vote, request_key, 1) | by
    tx.audit("answered_by_grant", said, run_id=place.run_id, request_id=one.id, person=use.person, via=GRANT)
    go_on(tx, place, one, vote, request_key)
    if use.use == use.of:
        tx.mark_cards("deliveries_mark", (row["request_key"],))


def revoke(
    tx: Transaction,
    grant_id: str,
    person: str,
    via: str,
    warrant: Warrant | None = None,
    *,
    as_operator: bool = False,
) -> Outcome:
    """End a grant, for whoever made it and for operators; questions that were answered by it stay answered."""
    row = tx.row("grant_for_change", {"id": grant_id})
    if row is None:
        return Outcome(OutcomeKind.UNKNOWN, _NO_GRANT)
    ids = {person, *ids_of(tx, person)}
    lapsed = lapse(tx, warrant, ids)
    if lapsed is not None:
        return Outcome(OutcomeKind.NOT_ALLOWED, lapsed)
    if not as_operator and ids.isdisjoint((row["account"], row["person"])):
        return Outcome(OutcomeKind.NOT_ALLOWED, _NOT_YOURS)
    if not _end(tx, [row], person, via):
        return Outcome(OutcomeKind.DUPLICATE, _ENDED)
    return Outcome(OutcomeKind.DONE, _REVOKED)


def revoke_of(tx: Transaction, person: str, by: str) -> int:
    """End the grants that a person made, or that are for their questions; the number."""
    people = to_json((person, *ids_of(tx, person)))
    return _end(tx, tx.rows("grants_of_people", {"people": people, "now": tx.now}), by, None)


def _end(tx: Transaction, rows: Iterable[Any], by: str, via: str | None) -> int:
    ended = 0
    for row in rows:
        if not tx.run("grant_revoke", {"grant_key": row["grant_key"], "by": by, "now": tx.now}).rowcount:
            continue
        ended += 1
        tx.mark_cards("deliveries_mark", (row["request_key"],))
        tx.audit(
            "grant_revoked",
            {"grant": row["id"]},
            run_id=row["run_id"],
            request_id=row["request"],
            person=by,
            via=via,
        )
    return ended
