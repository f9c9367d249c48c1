"""Who may answer, and when a set of votes decides. Pure values and one pure function, `evaluate`.

Without stages, the first answer of somebody who was asked decides. Somebody was asked when they come in by a surface or
destination that is named, or when they are named themselves. With stages, approvals and rejections are counted:

| of the current votes that count | verdict |
|---|---|
| a rejection by somebody in a stage's `veto` | rejected |
| `reject_at` or more rejections by a stage's approvers | rejected, whatever was approved |
| in every stage `need` or more approvals by its approvers | approved |
| anything else | not decided |

A vote counts in every stage whose approvers it is of, in whatever order the votes came. Nobody has more than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from sayso.engine._conditions import evaluate_expression
from sayso.engine._questions import Question
from sayso.engine._values import Json
from sayso.engine.errors import InvalidRequest

OPERATOR = "operator"
"""In an audience: whoever is let in at one of this machine's own surfaces."""

LOCAL_SURFACES = frozenset({"console", "web", "api"})
"""The surfaces that `operator` stands for."""

APPROVE, REJECT = "approve", "reject"
"""The choices of an approval, which policies with stages count."""

ALL = "all"
"""In a stage's `need`: every one of its approvers."""

CODE = "code"
"""The way in of trusted code in the process: input by name, `WorkflowEngine.run({...})`."""

_PERSON_KINDS = frozenset({"local", "web", "token"})
_CHAT_KINDS = frozenset({"slack", "telegram"})


@dataclass(frozen=True, slots=True)
class Fact:
    """Something looked up outside before the answer's transaction, such as a group's membership, with its age."""

    name: str
    value: Json
    as_of: datetime


class Stage(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Some of those who must agree. `approvers` are people, destinations and surfaces, as in `to=`; `need` is how many
    of them must approve, or `all` where they are people. `reject_at` rejections of theirs reject, and one of somebody
    in `veto`. `when` is an expression over the request's details, such as `amount > 10_000`: where it does not hold,
    the stage is left out. `name` is what cards call it.

    Raises `InvalidRequest` for what could never be decided.
    """

    approvers: Sequence[str]
    need: int | str = 1
    reject_at: int = 1
    veto: Sequence[str] = ()
    when: str | None = None
    name: str = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "approvers", _entries("approvers", self.approvers))
        msgspec.structs.force_setattr(self, "veto", _entries("veto", self.veto))
        if not self.approvers:
            raise InvalidRequest("policy", "a stage has no approvers, so nobody could approve")
        people = [entry for entry in self.approvers if _is_person(entry)]
        if self.need == ALL:
            if len(people) != len(self.approvers):
                raise InvalidRequest("policy", "need='all' goes with people, not with destinations")
        elif isinstance(self.need, str) or self.need < 1:
            raise InvalidRequest("policy", f"need={self.need!r} is neither a number from 1 on nor 'all'")
        elif len(people) == len(self.approvers) < self.need:
            raise InvalidRequest("policy", f"need={self.need} of {len(people)} people could never be reached")
        if self.reject_at < 1:
            raise InvalidRequest("policy", f"reject_at={self.reject_at!r} must be 1 or more")

    @property
    def needed(self) -> int:
        """How many approvals it takes."""
        return len(self.approvers) if isinstance(self.need, str) else self.need


class Policy(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Who decides a request, as it is stored with it. Without `stages`, the first answer of the `audience` does.

    With `exclude_requester` whoever asked may not approve, nor may `author`, who made the change. `comment` are the
    choices (`approve`, `reject`) that need a remark. What is bound to a request besides: `audience`, all who may vote,
    and `excluded`, who may not approve.
    """

    audience: tuple[str, ...] = ()
    stages: Sequence[Stage] = ()
    exclude_requester: bool = False
    author: str | None = None
    comment: Sequence[str] = ()
    excluded: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "stages", tuple(self.stages))
        comment = (self.comment,) if isinstance(self.comment, str) else tuple(self.comment)
        msgspec.structs.force_setattr(self, "comment", comment)
        if unknown := sorted(set(comment) - {APPROVE, REJECT}):
            raise InvalidRequest("policy", f"comment={unknown!r}: say {APPROVE!r}, {REJECT!r} or both")

    def needs_comment(self, value: Json) -> bool:
        """Whether a vote for this needs a remark."""
        return (APPROVE if is_approval(value) else REJECT) in self.comment


class Vote(msgspec.Struct, frozen=True, gc=False):
    """One person's say. `via` is the surface or destination it came in by."""

    person: str
    via: str
    value: Json
    at: datetime
    comment: str | None = None
    facts: tuple[Fact, ...] = ()


class Progress(msgspec.Struct, frozen=True, gc=False):
    """How far a stage is: who approved and who rejected, and how many approvals it takes."""

    stage: Stage
    approved: tuple[str, ...]
    rejected: tuple[str, ...]

    @property
    def missing(self) -> int:
        """How many approvals are still needed."""
        return max(0, self.stage.needed - len(self.approved))


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What a set of votes amounts to: the deciding value if `decided`, who may not vote and why, and how far each stage
    is.
    """

    decided: bool
    value: Json
    refused: dict[str, str]
    stages: tuple[Progress, ...] = ()


def evaluate(policy: Policy, votes: Sequence[Vote], now: datetime) -> Verdict:  # noqa: ARG001 - for times to come
    """Decide by the set of current votes (one a person), not by their order.

    Votes of people who were not asked are refused and do not count, nor do approvals of people who are excluded. No
    approvers are nobody. Without stages, where several count, the earliest decides, and of two at the same instant that
    of the person whose id sorts first. `now` is for the policies with times; this one has none.
    """
    refused = {vote.person: why for vote in votes if (why := _refusal(policy, vote)) is not None}
    counted = [vote for vote in votes if vote.person not in refused]
    if not policy.stages:
        first = min(counted, key=lambda vote: (vote.at, vote.person), default=None)
        return Verdict(
            decided=first is not None, value=None if first is None else first.value, refused=refused
        )
    stages = tuple(_progress(stage, counted) for stage in policy.stages)
    rejections = [vote for vote in counted if not is_approval(vote.value)]
    vetoed = any(_is_of(stage.veto, vote) for stage in policy.stages for vote in rejections)
    if vetoed or any(len(one.rejected) >= one.stage.reject_at for one in stages):
        return Verdict(decided=True, value=rejections[0].value, refused=refused, stages=stages)
    approved = all(one.missing == 0 for one in stages)
    approval = next((vote.value for vote in counted if is_approval(vote.value)), None)
    return Verdict(decided=approved, value=approval if approved else None, refused=refused, stages=stages)


def is_approval(value: Json) -> bool:
    """Whether a vote says yes: `approve`, or the true of a confirmation."""
    return value is True or value == APPROVE


def bind(policy: Policy, question: Question, audience: Sequence[str], requested_by: str | None) -> Policy:
    """The policy of one request: the stages that its details call for, all who may vote, and who may not approve.

    `audience` are further places where it is shown. Raises `InvalidRequest` for a question that is no approval, where a
    condition cannot be evaluated, and where too few are left who could approve.
    """
    options = {choice.value for choice in question.choices}
    if question.input_type != "confirm" and options != {APPROVE, REJECT}:
        reason = (
            f"stages go with a confirmation, or with the options {APPROVE!r} and {REJECT!r}, and no other"
        )
        raise InvalidRequest("policy", reason)
    details = question.details
    names = dict(details) if isinstance(details, dict) else {}
    stages = tuple(stage for stage in policy.stages if stage.when is None or _holds(stage.when, names))
    if not stages:
        raise InvalidRequest("policy", "none of its stages applies to these details, so nobody could approve")
    excluded = [
        person for person in (requested_by if policy.exclude_requester else None, policy.author) if person
    ]
    for stage in stages:
        people = [entry for entry in stage.approvers if _is_person(entry)]
        left = [person for person in people if person not in excluded]
        if len(people) == len(stage.approvers) and len(left) < stage.needed:
            who = f"{stage.needed} of {', '.join(people)} must approve"
            raise InvalidRequest("policy", f"{who}, and without {', '.join(excluded)} they are too few")
    voters = [entry for stage in stages for entry in (*stage.approvers, *stage.veto)]
    return msgspec.structs.replace(
        policy,
        audience=tuple(dict.fromkeys([*voters, *audience])),
        stages=stages,
        excluded=tuple(dict.fromkeys(excluded)),
    )


def _holds(condition: str, names: dict[str, Json]) -> bool:
    try:
        return bool(evaluate_expression(condition, names))
    except Exception as error:
        raise InvalidRequest(
            "policy", f"the condition {condition!r} failed: {type(error).__name__}: {error}"
        ) from error


def _progress(stage: Stage, votes: Sequence[Vote]) -> Progress:
    of_stage = sorted(
        (vote for vote in votes if _is_of(stage.approvers, vote)), key=lambda vote: (vote.at, vote.person)
    )
    approved = tuple(vote.person for vote in of_stage if is_approval(vote.value))
    rejected = tuple(vote.person for vote in of_stage if not is_approval(vote.value))
    return Progress(stage, approved, rejected)


def _is_of(entries: Sequence[str], vote: Vote) -> bool:
    if vote.via in entries or vote.person in entries:
        return True
    if vote.via == CODE:
        return bool(entries)
    return vote.via in LOCAL_SURFACES and OPERATOR in entries


def _refusal(policy: Policy, vote: Vote) -> str | None:
    """Why a vote is not taken, or None."""
    voters = policy.audience
    if policy.stages:
        voters = tuple(entry for stage in policy.stages for entry in (*stage.approvers, *stage.veto))
    if not _is_of(voters, vote):
        return f"This is not yours to answer. It was asked of {', '.join(voters) or 'nobody'}."
    if is_approval(vote.value) and vote.person in policy.excluded:
        return "You asked for this, so someone else must approve it."
    return None


def _entries(field: str, given: str | Sequence[str]) -> tuple[str, ...]:
    try:
        return parse_audience(given)
    except InvalidRequest as error:
        raise InvalidRequest("policy", f"{field}: {error.reason}") from error


def _is_person(entry: str) -> bool:
    """Whether an entry names one person: `web:ana`, `slack:T1:U2`, and in Telegram a chat id above zero."""
    kind, _, rest = entry.partition(":")
    if kind in _PERSON_KINDS:
        return True
    return (kind == "slack" and ":" in rest) or (kind == "telegram" and rest.isdecimal())


def parse_audience(to: str | Sequence[str] | None) -> tuple[str, ...]:
    """The audience of `to=`: destinations, people, or `operator`, which it is when nothing is named.

    An empty list is nobody. Raises `InvalidRequest` for what names neither a destination nor a person.
    """
    if to is None:
        return (OPERATOR,)
    entries = (to,) if isinstance(to, str) else tuple(to)
    for entry in entries:
        if not _is_audience(entry):
            raise InvalidRequest(
                "to",
                f"{entry!r} names nobody. Use console, web, api, operator, a chat such as slack:#releases or "
                "telegram:-100123, or a person such as local:ana",
            )
    return tuple(dict.fromkeys(entries))


def _is_audience(entry: object) -> bool:
    if not isinstance(entry, str):
        return False
    if entry == OPERATOR or entry in LOCAL_SURFACES:
        return True
    kind, _, name = entry.partition(":")
    return bool(name) and (kind in _PERSON_KINDS or kind in _CHAT_KINDS or kind.isidentifier())


def destinations(audience: Sequence[str]) -> list[str]:
    """Those of an audience that are places for messages: chats and people there. The terminal and the web inbox list
    what is open and need none.
    """
    return [entry for entry in audience if ":" in entry and entry.partition(":")[0] not in _PERSON_KINDS]
