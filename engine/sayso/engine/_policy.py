"""Who may answer, and when a set of votes decides. Pure values and one pure function, `evaluate`.

Without stages, the first answer of somebody who was asked decides. Somebody was asked when they come in by a surface or
destination that is named, or when they are named themselves. With stages, approvals and rejections are counted:

| of the current votes that count | verdict |
|---|---|
| a rejection by somebody in a stage's `veto` | rejected |
| `reject_at` or more rejections by a stage's approvers | rejected, whatever was approved |
| an approval under break-glass, which is one of somebody in `break_glass` who said why | approved |
| in every stage `need` or more approvals by its approvers | approved |
| anything else | not decided |

| a vote | counts |
|---|---|
| of somebody who handed theirs over | nowhere |
| an approval of the requester or the author, under four eyes | nowhere, except under break-glass |
| of an approver of a stage: by name, by account, by the place they came in by, by group | in that stage |
| of somebody in `escalate_to`, from `escalates_at` on | in every stage |
| of an approver of later stages alone, where stages are `ordered` and an earlier one lacks approvals | nowhere |
| any other | nowhere |

A vote counts in every stage whose approvers it is of, in whatever order the votes came; `ordered` stages are asked one
after the other, and who may veto may at any time. Nobody has more than one vote: a person's accounts are one person. A
group that could not be looked up is nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

import msgspec

from sayso.engine._audience import (
    CODE,
    LOCAL_SURFACES,
    OPERATOR,
    canonical,
    is_group,
    is_no_person,
    is_person,
    is_program,
    parse_audience,
)
from sayso.engine._conditions import check_syntax
from sayso.engine._grants import Grants, check_grants
from sayso.engine._platforms import example_people
from sayso.engine._reasons import check_reasons
from sayso.engine._rules import Rule, Unchecked, check_rules
from sayso.engine._values import Json
from sayso.engine.errors import InvalidRequest

APPROVE, REJECT = "approve", "reject"
"""The choices of an approval, which policies with stages count."""

ALL = "all"
"""In a stage's `need`: every one of its approvers."""

NOT_YOURS = "You aren't an approver for this."
"""How the reason begins for those who were not asked."""

_SHORTEST_REMINDER = timedelta(seconds=1)


class Fact(msgspec.Struct, frozen=True):
    """Something looked up outside before the answer's transaction, with its age: that somebody belongs to a group is
    `Fact("group:sre", True, as_of)`.
    """

    name: str
    value: Json
    as_of: datetime


class Stage(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One group of people that must agree. `approvers` are people, destinations and surfaces, as in `to=`; `need` is
    how many of them must approve, or `all` if they are all people. `reject_at` rejections reject the request, and so
    does a single one by somebody in `veto`. `when` is an expression over the request's details, such as
    `amount > 10_000`: if it is false, the stage is skipped. `fallback` are asked as well if the requester or author
    may not approve and too few are left; it works only where all approvers are people. `name` is shown on cards.

    Raises `InvalidRequest` for a stage that could never be decided.
    """

    approvers: Sequence[str]
    need: int | str = 1
    reject_at: int = 1
    veto: Sequence[str] = ()
    when: str | None = None
    name: str = ""
    fallback: Sequence[str] = ()

    def __post_init__(self) -> None:
        for field in ("approvers", "veto", "fallback"):
            msgspec.structs.force_setattr(self, field, _entries(field, getattr(self, field)))
        if not self.approvers:
            raise InvalidRequest("policy", "a stage has no approvers, so nobody could approve")
        people = [entry for entry in self.approvers if is_person(entry)]
        if self.need == ALL:
            if any(map(is_no_person, self.approvers)):
                raise InvalidRequest("policy", "need='all' goes with people, not with destinations")
        elif isinstance(self.need, str) or self.need < 1:
            raise InvalidRequest("policy", f"need={self.need!r} is neither a number from 1 on nor 'all'")
        elif len(people) == len(self.approvers) < self.need:
            raise InvalidRequest("policy", f"need={self.need} of {len(people)} people could never be reached")
        if self.fallback and any(map(is_no_person, self.approvers)):
            raise InvalidRequest("policy", "fallback goes with people, not with destinations and groups")
        try:
            check_syntax(self.when or "True")
        except SyntaxError as error:
            raise InvalidRequest(
                "policy", f"when={self.when!r} is not a valid expression: {error.msg}"
            ) from error
        if self.reject_at < 1:
            raise InvalidRequest("policy", f"reject_at={self.reject_at!r} must be 1 or more")

    @property
    def needed(self) -> int:
        """How many approvals it takes."""
        return len(self.approvers) if isinstance(self.need, str) else self.need


class Policy(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Who decides a request, and what happens when nobody does. Without `stages`, the first answer of the `audience`
    decides.

    With `exclude_requester`, the requester may not approve; nor may the `author` of the change: a person, or
    `details.NAME` if the details of each request name them. `comment` lists the choices (`approve`, `reject`) that
    require a comment; `reject_reasons`, at most 8 of up to 75 characters, are suggested to people who reject. If the
    stages are `ordered`, each may vote only once those before it have approved; otherwise all vote at once. After
    `expires_after` the answer is `on_expiry`, which must not approve; without one, `RequestExpired` is raised.
    `remind_every` is the first interval of reminders; each interval after it is twice as long. After `escalate_after`,
    the people in `escalate_to` are asked too. People in `break_glass` may approve alone, with a reason; everybody who
    was skipped is notified. A vote may be handed over only to the people and groups in `hand_over_to`, or to anybody if
    it is empty; the requester and the author cannot hand theirs over. An approval is good for one visit with its
    retries, unless the policy is `reusable`.

    The first of the `rules` that is true of a request's details answers it without people; none that approves goes
    with `exclude_requester`, `author` or `break_glass`. With `grants`, whoever approves what a program asked may have
    the like of it approved without people for a while; that goes with one stage that needs one approval.

    Filled in when a question is asked: `name` and `version` of the policy in the settings; `audience`, all who may
    vote; `excluded`, who may not approve; `released`, who handed their vote over; `escalates_at`, and
    `escalate_places`, where cards go then; `unchecked`, the rule that could not be checked; `rule_places`, where cards
    go if people are asked what a rule decided.

    Raises `InvalidRequest` for values that contradict each other.
    """

    audience: tuple[str, ...] = ()
    stages: Sequence[Stage] = ()
    exclude_requester: bool = False
    author: str | None = None
    comment: Sequence[str] = ()
    reject_reasons: Sequence[str] = ()
    ordered: bool = False
    expires_after: timedelta | None = None
    on_expiry: str | bool | None = None
    remind_every: timedelta | None = None
    escalate_after: timedelta | None = None
    escalate_to: Sequence[str] = ()
    break_glass: Sequence[str] = ()
    hand_over_to: Sequence[str] = ()
    reusable: bool = False
    rules: Sequence[Rule] = ()
    grants: Grants | None = None
    name: str | None = None
    version: str = ""
    excluded: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    escalates_at: datetime | None = None
    escalate_places: tuple[str, ...] = ()
    unchecked: Unchecked | None = None
    rule_places: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "stages", tuple(self.stages))
        comment = (self.comment,) if isinstance(self.comment, str) else tuple(self.comment)
        msgspec.structs.force_setattr(self, "comment", comment)
        if unknown := sorted(set(comment) - {APPROVE, REJECT}):
            raise InvalidRequest("policy", f"comment={unknown!r}: say {APPROVE!r}, {REJECT!r} or both")
        reasons = check_reasons("policy", self.reject_reasons, "reject_reasons")
        msgspec.structs.force_setattr(self, "reject_reasons", reasons)
        four_eyes = [one for one in ("exclude_requester", "author", "break_glass") if getattr(self, one)]
        msgspec.structs.force_setattr(self, "rules", check_rules(self.rules, four_eyes, comment))
        check_grants(self.grants, four_eyes, [(one.need, bool(one.veto)) for one in self.stages], comment)
        for field in ("escalate_to", "break_glass", "hand_over_to"):
            msgspec.structs.force_setattr(self, field, _entries(field, getattr(self, field)))
        for field in ("audience", "excluded", "released"):
            msgspec.structs.force_setattr(self, field, tuple(canonical(one) for one in getattr(self, field)))
        self._check_times()
        if places := [entry for entry in self.break_glass if is_no_person(entry)]:
            raise InvalidRequest("policy", f"break_glass names people, and {places[0]!r} is none")
        if places := [one for one in self.hand_over_to if is_no_person(one) and not is_group(one)]:
            raise InvalidRequest(
                "policy", f"hand_over_to names people and groups, and {places[0]!r} is neither"
            )

    def _check_times(self) -> None:
        for field in ("expires_after", "remind_every", "escalate_after"):
            given = getattr(self, field)
            if given is not None and given < _SHORTEST_REMINDER:
                raise InvalidRequest("policy", f"{field}={given} is less than a second")
        if is_approval(self.on_expiry):
            raise InvalidRequest("policy", f"on_expiry={self.on_expiry!r} would approve without anybody")
        if self.on_expiry is not None and self.expires_after is None:
            raise InvalidRequest("policy", "on_expiry goes with expires_after")
        if (self.escalate_after is None) != (not self.escalate_to):
            raise InvalidRequest("policy", "escalate_after and escalate_to go together")
        last = self.expires_after
        if last is not None and self.escalate_after is not None and self.escalate_after >= last:
            raise InvalidRequest("policy", "escalate_after must come before expires_after")

    @property
    def entries(self) -> tuple[str, ...]:
        """All approvers, as the policy names them."""
        of_stages = (entry for one in self.stages for entry in (*one.approvers, *one.veto, *one.fallback))
        return (*of_stages, *self.escalate_to)

    @property
    def voters(self) -> tuple[str, ...]:
        """All who may vote, as the policy names them; not the places where the request is shown besides."""
        if not self.stages:
            return self.audience
        named = {entry for one in self.stages for entry in (*one.approvers, *one.veto)}
        return tuple(entry for entry in self.audience if entry in named or entry in self.escalate_to)

    @property
    def concerned(self) -> tuple[str, ...]:
        """Everybody whom a request under it concerns: approvers, and those who may approve in an emergency."""
        return (*self.audience, *self.break_glass)

    def needs_comment(self, value: Json) -> bool:
        """Whether a vote for this needs a comment."""
        return (APPROVE if is_approval(value) else REJECT) in self.comment


class Vote(msgspec.Struct, frozen=True, gc=False):
    """One person's vote. `via` is the surface or destination where it was given, `accounts` are other ids of this
    person, `facts` what was looked up about them then. With `break_glass`, it decides alone.
    """

    person: str
    via: str
    value: Json
    at: datetime
    comment: str | None = None
    facts: tuple[Fact, ...] = ()
    accounts: tuple[str, ...] = ()
    break_glass: bool = False


class Progress(msgspec.Struct, frozen=True, gc=False):
    """The progress of a stage: who approved, who rejected, and how many approvals are `missing`."""

    stage: Stage
    approved: tuple[str, ...]
    rejected: tuple[str, ...]
    missing: int


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """The result of a set of votes: the deciding value if `decided`, and `why`; who may not vote, and why not; the
    progress of each stage.
    """

    decided: bool
    value: Json
    refused: dict[str, str]
    stages: tuple[Progress, ...] = ()
    why: str = ""


def evaluate(policy: Policy, votes: Sequence[Vote], now: datetime) -> Verdict:
    """Decide by the set of current votes (one a person) as of `now`, not by their order.

    Votes of people who are not approvers are refused and do not count, nor do approvals of people who are excluded.
    Without approvers, nobody may vote. Without stages, where several count, the earliest decides, and of two at the
    same instant that of the person whose id sorts first; so it is among several rejections.
    """
    stages = _stages_at(policy, now)
    check = _Check(policy, stages, now)
    refused = {vote.person: why for vote in votes if (why := check.refusal(vote)) is not None}
    counted = sorted(
        (vote for vote in votes if vote.person not in refused), key=lambda vote: (vote.at, vote.person)
    )
    if not policy.stages:
        first = counted[0] if counted else None
        value = None if first is None else first.value
        return Verdict(
            first is not None, value, refused, why="" if first is None else f"{first.person} answered"
        )
    progress = tuple(_progress(stage, counted) for stage in stages)
    if policy.ordered and (early := _early(progress, counted)):
        refused |= early
        counted = [vote for vote in counted if vote.person not in early]
        progress = tuple(_progress(stage, counted) for stage in stages)
    value, why = _decision(progress, counted)
    return Verdict(bool(why), value, refused, progress, why)


def waiting(policy: Policy, verdict: Verdict) -> list[Stage]:
    """The stages whose approvals are missing and asked for now: of `ordered` ones, the first."""
    missing = [one.stage for one in verdict.stages if one.missing]
    return missing[:1] if policy.ordered else missing


def _early(progress: Sequence[Progress], votes: Sequence[Vote]) -> dict[str, str]:
    """Those who are asked once an earlier stage has approved, and why they are not yet. Who may veto, always may."""
    behind = next((number for number, one in enumerate(progress) if one.missing), len(progress))
    now = frozenset(entry for one in progress[: behind + 1] for entry in one.stage.approvers)
    always = frozenset(entry for one in progress for entry in one.stage.veto)
    first = progress[min(behind, len(progress) - 1)].stage
    words = f"It isn't your turn yet: {first.name or ', '.join(first.approvers)} comes first."
    return {
        vote.person: words
        for vote in votes
        if not (vote.break_glass or _is_of(now, vote) or _is_of(always, vote))
    }


def _decision(progress: Sequence[Progress], votes: Sequence[Vote]) -> tuple[Json, str]:
    """What the votes decide, and why; no reason where they do not."""
    rejections = [vote for vote in votes if not is_approval(vote.value)]
    vetoers = frozenset(entry for one in progress for entry in one.stage.veto)
    for vote in rejections:
        if _is_of(vetoers, vote):
            return vote.value, f"veto of {vote.person}"
    for one in progress:
        if len(one.rejected) >= one.stage.reject_at:
            value = next(vote.value for vote in rejections if vote.person in one.rejected)
            return value, f"{len(one.rejected)} of {one.stage.reject_at} rejected: {', '.join(one.rejected)}"
    for vote in votes:
        if vote.break_glass:
            return vote.value, f"break-glass by {vote.person}: {vote.comment}"
    if any(one.missing for one in progress):
        return None, ""
    approval = next(vote.value for vote in votes if is_approval(vote.value))
    counts = "; ".join(
        f"{len(one.approved)} of {one.stage.needed} approved: {', '.join(one.approved)}" for one in progress
    )
    return approval, counts


def _stages_at(policy: Policy, now: datetime) -> tuple[Stage, ...]:
    """The stages as of an instant: with those who are asked as well since it escalated."""
    if policy.escalates_at is None or now < policy.escalates_at:
        return tuple(policy.stages)
    more = policy.escalate_to
    return tuple(
        msgspec.structs.replace(
            stage, approvers=tuple(dict.fromkeys([*stage.approvers, *more])), need=stage.needed
        )
        for stage in policy.stages
    )


def is_approval(value: Json) -> bool:
    """Whether a vote is an approval: `approve`, or true for a confirmation."""
    return value is True or value == APPROVE


def reassign(
    policy: Policy,
    vote: Vote,
    to: str,
    now: datetime,
    accounts: Sequence[str] = (),
    facts: Sequence[Fact] = (),
) -> Policy | str:
    """The policy after somebody who may vote handed that over to another person; the reason where it cannot be done.

    `vote` is any of theirs: who they are and how they came in. They may not vote any more. `accounts` are all ids of
    whoever `to` is, so that nobody who is asked already is asked twice, and `facts` what was looked up of those.
    """
    stages = _stages_at(policy, now)
    why = _Check(policy, stages, now).refusal(msgspec.structs.replace(vote, value=None))
    if why is not None:
        return why
    ids = (vote.person, *vote.accounts)
    if not set(policy.excluded).isdisjoint(ids):
        did = "made" if policy.author in ids else "requested"
        return f"You {did} this, so you can't choose who approves it."
    if not is_person(to):
        return f"{to} isn't a person. Hand it over to one, such as {example_people()}or person:ana."
    theirs = {to, *accounts}
    if not theirs.isdisjoint(policy.voters):
        return f"{to} is already an approver."
    if not theirs.isdisjoint(policy.released):
        return f"{to} already handed this over."
    if not theirs.isdisjoint(policy.excluded):
        return f"{to} requested or made this, so they may not approve it."
    groups = {fact.name for fact in facts if fact.value is True}
    if policy.hand_over_to and (theirs | groups).isdisjoint(policy.hand_over_to):
        return f"This can be handed over to {', '.join(policy.hand_over_to)} only, not to {to}."

    def handed(entries: Sequence[str]) -> tuple[str, ...]:
        """With the new person in the place of the one who handed it over, or beside the place they came in by."""
        if not _is_of(frozenset(entries), vote):
            return tuple(entries)
        return tuple(dict.fromkeys([*(entry for entry in entries if entry not in ids), to]))

    return msgspec.structs.replace(
        policy,
        audience=handed(policy.audience),
        stages=tuple(
            msgspec.structs.replace(stage, approvers=handed(stage.approvers), veto=handed(stage.veto))
            for stage in policy.stages
        ),
        escalate_to=handed(policy.escalate_to),
        released=(*policy.released, *ids),
    )


def _progress(stage: Stage, votes: Sequence[Vote]) -> Progress:
    """How far a stage is; `votes` in the order of their instants."""
    approvers = frozenset(stage.approvers)
    of_stage = [vote for vote in votes if _is_of(approvers, vote)]
    yes = [vote for vote in of_stage if is_approval(vote.value)]
    missing = max(0, stage.needed - len(yes))
    if stage.need == ALL:
        covered = {one for vote in yes for one in (vote.person, *vote.accounts, *_places(vote))}
        missing = max(missing, sum(entry not in covered for entry in stage.approvers))
        if any(vote.via == CODE for vote in yes):
            missing = 0
    rejected = tuple(vote.person for vote in of_stage if not is_approval(vote.value))
    return Progress(stage, tuple(vote.person for vote in yes), rejected, missing)


def _is_of(entries: AbstractSet[str], vote: Vote) -> bool:
    """Whether a vote is one of those whom some entries mean. Lists are read by the same entries (`_interests`)."""
    if not entries:
        return False
    if vote.person in entries or vote.via in entries:
        return True
    if any(one in entries for one in vote.accounts) or any(one in entries for one in _places(vote)):
        return True
    ids = (vote.person, *vote.accounts)
    if vote.via == CODE:
        return True
    return OPERATOR in entries and vote.via in LOCAL_SURFACES and not any(map(is_program, ids))


def _places(vote: Vote) -> list[str]:
    """The groups and chats that somebody was found to belong to, and `operator` of a program that is one."""
    return [fact.name for fact in vote.facts if fact.value is True]


class _Check:
    """Whether votes on a request are taken, as of an instant."""

    def __init__(self, policy: Policy, stages: Sequence[Stage], now: datetime) -> None:
        self._policy = policy
        self._now = now
        voters = policy.audience
        if policy.stages:
            voters = tuple(entry for stage in stages for entry in (*stage.approvers, *stage.veto))
        self._voters = dict.fromkeys(voters)
        self._released = frozenset(policy.released)
        self._break_glass = frozenset(policy.break_glass)
        self._excluded = frozenset(policy.excluded)

    def refusal(self, vote: Vote) -> str | None:
        """Why a vote is not taken, or None."""
        ids = (vote.person, *vote.accounts)
        if not self._released.isdisjoint(ids):
            return "You handed this over to someone else."
        may_break_glass = not self._break_glass.isdisjoint(ids)
        if vote.break_glass:
            return None if may_break_glass else _NOT_BY_BREAK_GLASS
        if not _is_of(self._voters.keys(), vote):
            return self._not_asked(vote, may_break_glass=may_break_glass)
        if is_approval(vote.value) and not self._excluded.isdisjoint(ids):
            did = "made" if self._policy.author in ids else "requested"
            return f"You {did} this, so someone else must approve it."
        return None

    def _not_asked(self, vote: Vote, *, may_break_glass: bool) -> str:
        if may_break_glass:
            return "You can approve this in an emergency only (break-glass), with a reason."
        at = self._policy.escalates_at
        if at is not None and self._now < at and _is_of(frozenset(self._policy.escalate_to), vote):
            return "It isn't your turn yet."
        return f"{NOT_YOURS} Approvers: {', '.join(self._voters) or 'nobody'}."


_NOT_BY_BREAK_GLASS = (
    "You can't approve this in an emergency (break-glass): ask someone whom the policy names."
)


def _entries(field: str, given: str | Sequence[str]) -> tuple[str, ...]:
    try:
        return parse_audience(given)
    except InvalidRequest as error:
        raise InvalidRequest("policy", f"{field}: {error.reason}") from error
