"""A policy as one request is asked by it: the stages that its details call for, and who may not approve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from sayso.engine._audience import REQUESTER, canonical, is_person
from sayso.engine._conditions import evaluate_expression
from sayso.engine._grants import Offer, offers
from sayso.engine._policy import APPROVE, REJECT, Policy, Stage, is_approval
from sayso.engine._questions import Question
from sayso.engine._reasons import Reasons
from sayso.engine._rules import RuleName, Ruling, Unchecked, first_rule
from sayso.engine._values import Json, digest, encode_sorted
from sayso.engine.errors import InvalidRequest

_IN_DETAILS = "details."


def bind(
    policy: Policy,
    question: Question,
    audience: Sequence[str],
    requested_by: str | None,
    person_of: Callable[[str], str] = str,
    may_be_somebody: Callable[[str], bool] = bool,
) -> Policy:
    """The policy of one request: the stages that its details call for, all who may vote, and who may not approve.

    `audience` are further places where it is shown; `person_of` says whose an account is,
    `may_be_somebody` whether an entry can be a person. Raises `InvalidRequest` for a
    question that is not an approval, a condition that cannot be evaluated, and if too few are left who could approve.
    """
    _check_question(policy, question)
    details = question.details
    names = dict(details) if isinstance(details, dict) else {}
    stages = [stage for stage in policy.stages if stage.when is None or _holds(stage.when, names)]
    if not stages:
        raise InvalidRequest("policy", "none of its stages applies to these details, so nobody could approve")
    if policy.exclude_requester and requested_by is None:
        reason = "the requester may not approve, and this run has no requester: start it with requested_by"
        raise InvalidRequest("policy", reason)
    author = _author(policy, names, may_be_somebody)
    asked = requested_by if policy.exclude_requester else None
    excluded = [canonical(person) for person in (asked, author) if person]
    stages = [_with_enough(stage, excluded, person_of) for stage in stages]
    voters = [entry for stage in stages for entry in (*stage.approvers, *stage.veto)]
    return msgspec.structs.replace(
        policy,
        audience=tuple(dict.fromkeys([*voters, *audience])),
        stages=tuple(stages),
        author=author,
        excluded=tuple(dict.fromkeys(excluded)),
        version=digest(encode_sorted(policy).decode())[:12],
    )


def ruling_on(policy: Policy, question: Question) -> Ruling | Unchecked | None:
    """What the rules of a policy that is bound to the question say of it, before any person is asked: the decision of
    the first that applies, or why it is not known whether one does. None: people decide.
    """
    found = first_rule(policy.rules, question.details)
    if found is None or isinstance(found, Unchecked):
        return found
    number, rule = found
    if rule.answer == APPROVE and question.read_all:
        return Unchecked(number, "the request must be opened in full before it is approved")
    name = RuleName(policy.name, policy.version, number, rule.written_by)
    value = rule.answer == APPROVE if question.input_type == "confirm" else rule.answer
    return Ruling(name, value, rule.reason, rule.when)


def offered(policy: Policy | None, question: Question) -> tuple[Offer, ...]:
    """What an approver of a question may grant beyond this one approval. Nothing where later questions like it would
    have to be put to people anyway: it must be opened in full, a rule could not be checked, or somebody handed it over.
    """
    if policy is None or question.read_all or policy.unchecked is not None or policy.released:
        return ()
    return offers(policy.grants, question.details)


def with_requester(parameter: str, entries: Sequence[str], asker: str | None) -> tuple[str, ...]:
    """The entries with whoever started the run in the place of `requester`. Raises `InvalidRequest` where nobody is
    known to have started it.
    """
    if REQUESTER not in entries:
        return tuple(entries)
    if asker is None:
        reason = (
            "'requester' is the person who started the run, and this run has none: start it with requested_by"
        )
        raise InvalidRequest(parameter, reason)
    return tuple(dict.fromkeys(asker if entry == REQUESTER else entry for entry in entries))


def policy_with_requester(policy: Policy, asker: str | None, *, asks_requester: bool) -> Policy:
    """The policy with whoever started the run in the place of `requester`. Raises `InvalidRequest`, as above, and where
    it asks those who may not approve.
    """
    if policy.exclude_requester and asks_requester:
        reason = (
            "it asks the requester, who may not approve their own request (exclude_requester): ask somebody else, "
            "or leave exclude_requester out"
        )
        raise InvalidRequest("policy", reason)
    if REQUESTER not in policy.entries:
        return policy
    stages = [
        msgspec.structs.replace(
            stage,
            approvers=with_requester("policy", stage.approvers, asker),
            veto=with_requester("policy", stage.veto, asker),
            fallback=with_requester("policy", stage.fallback, asker),
        )
        for stage in policy.stages
    ]
    escalate_to = with_requester("policy", policy.escalate_to, asker)
    return msgspec.structs.replace(policy, stages=stages, escalate_to=escalate_to)


def asks_approval(question: Question) -> bool:
    """Whether an answer can be a yes that people gave to exactly this: a confirmation, or a choice of `approve`."""
    return question.input_type == "confirm" or any(choice.value == APPROVE for choice in question.choices)


def asks_only_approval(question: Question) -> bool:
    """Whether nothing but `approve` and `reject` answers it."""
    return {choice.value for choice in question.choices} == {APPROVE, REJECT}


def reasons_for(
    question: Question, policy: Policy | None, reject_reasons: tuple[str, ...], value: Json
) -> Reasons | None:
    """What to ask people for with an answer before it is recorded; None if nothing. Every surface takes it from here.

    People who reject an approval are always asked why, and need not say unless the policy requires it. Other answers
    are recorded at once, unless reasons are suggested or required.
    """
    required = policy is not None and policy.needs_comment(value)
    if is_approval(value):
        return Reasons((), required) if required else None
    is_asked = required or bool(reject_reasons) or asks_only_approval(question)
    return Reasons(reject_reasons, required) if is_asked else None


def _author(policy: Policy, names: Mapping[str, Json], may_be_somebody: Callable[[str], bool]) -> str | None:
    """Who made the change: named by the policy, or by the request's details. Raises `InvalidRequest` where those do not
    say: nobody would be kept from approving their own change.
    """
    if policy.author is None:
        return None
    found: Json = policy.author
    if policy.author.startswith(_IN_DETAILS):
        field = policy.author.removeprefix(_IN_DETAILS)
        if field not in names:
            raise InvalidRequest(
                "policy", f"the author is {policy.author}, and the details have no {field!r}"
            )
        found = names[field]
    if not (isinstance(found, str) and is_person(found) and may_be_somebody(found)):
        raise InvalidRequest(
            "policy", f"the author, {policy.author}, is {found!r}, which names no person such as person:ana"
        )
    return canonical(found)


def _check_question(policy: Policy, question: Question) -> None:
    options = {choice.value for choice in question.choices}
    is_confirm = question.input_type == "confirm"
    if not is_confirm and not (question.input_type == "select" and APPROVE in options and REJECT in options):
        reason = f"stages go with a confirmation, or with a choice of {APPROVE!r}, {REJECT!r} and other ways to say no"
        raise InvalidRequest("policy", reason)
    known: set[object] = {False} if is_confirm else set(options)
    if (
        policy.on_expiry is not None
        and policy.on_expiry not in known
        and not (is_confirm and policy.on_expiry == REJECT)
    ):
        raise InvalidRequest("policy", f"on_expiry={policy.on_expiry!r} is not an answer to this question")


def answer_at_expiry(policy: Policy, question: Question) -> Json:
    """What is answered when nobody did; None where there is nothing, for no answer of a policy's is None."""
    return False if question.input_type == "confirm" and policy.on_expiry == REJECT else policy.on_expiry


def _with_enough(stage: Stage, excluded: Sequence[str], person_of: Callable[[str], str]) -> Stage:
    """The stage, with its fallback where four eyes leaves too few people. Raises `InvalidRequest` where that does not
    help.
    """
    people = [entry for entry in stage.approvers if is_person(entry)]
    if len(people) < len(stage.approvers):
        return stage  # who belongs to a place or a group is known at the vote
    out = {person_of(person) for person in excluded}
    if len({person_of(person) for person in people} - out) >= stage.needed:
        return stage
    if stage.fallback:
        more = tuple(dict.fromkeys([*(one for one in people if person_of(one) not in out), *stage.fallback]))
        spare = msgspec.structs.replace(stage, approvers=more, need=stage.needed, fallback=())
        return _with_enough(spare, excluded, person_of)
    who = f"{stage.needed} of {', '.join(people)} must approve"
    without = f", and without {', '.join(excluded)}" if excluded else ", and as people"
    raise InvalidRequest("policy", f"{who}{without} they are too few")


def _holds(condition: str, names: dict[str, Json]) -> bool:
    try:
        return bool(evaluate_expression(condition, names))
    except Exception as error:
        raise InvalidRequest(
            "policy", f"the condition {condition!r} failed: {type(error).__name__}: {error}"
        ) from error
