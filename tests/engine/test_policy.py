"""Policies as pure values: what a set of votes amounts to, whatever order it came in."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.engine import (
    Directory,
    Fact,
    InvalidRequest,
    Json,
    Person,
    Policy,
    Question,
    Stage,
    Vote,
    bind,
    evaluate,
    is_person,
)
from tests.engine.support import START

PEOPLE = ("web:ana", "web:bo", "web:cho", "web:dee", "web:eve")
TEXT = Question("Why?", None, "text", None, None)
QUESTION = Question("Release?", ["approve", "reject"], "select", None, None)


def vote(person: str, value: str, after: int = 0, via: str = "web") -> Vote:
    return Vote(person, via, value, START + timedelta(seconds=after))


def bound(*stages: Stage, requested_by: str | None = None, **more: Any) -> Policy:
    return bind(Policy(stages=stages, **more), QUESTION, (), requested_by)


stages = st.builds(
    Stage,
    st.lists(st.sampled_from(PEOPLE), min_size=3, unique=True),
    need=st.one_of(st.integers(1, 3), st.just("all")),
    reject_at=st.integers(1, 3),
    veto=st.lists(st.sampled_from(PEOPLE), max_size=1),
)
policies = st.lists(stages, min_size=1, max_size=3).map(lambda found: bound(*found))
vote_sets = st.dictionaries(
    st.sampled_from((*PEOPLE, "web:stranger")),
    st.tuples(st.sampled_from(["approve", "reject"]), st.integers(0, 9)),
).map(lambda found: [vote(person, value, after) for person, (value, after) in found.items()])


@given(policies, vote_sets, st.randoms())
def test_the_order_of_votes_does_not_matter(policy: Policy, votes: list[Vote], chance: random.Random) -> None:
    verdict = evaluate(policy, votes, START)
    shuffled = list(votes)
    chance.shuffle(shuffled)
    again = evaluate(policy, shuffled, START)
    assert (again.decided, again.value, again.stages) == (verdict.decided, verdict.value, verdict.stages)
    assert again.refused == verdict.refused


@given(policies, vote_sets)
def test_it_decides_as_the_table_says(policy: Policy, votes: list[Vote]) -> None:
    """Counted anew, from the table in the module."""
    verdict = evaluate(policy, votes, START)
    rejecting = {one.person for one in votes if one.value == "reject"}
    approving = {one.person for one in votes if one.value == "approve"}
    rejected = any(
        len(rejecting & set(stage.approvers)) >= stage.reject_at or rejecting & set(stage.veto)
        for stage in policy.stages
    )
    approved = all(len(approving & set(stage.approvers)) >= stage.needed for stage in policy.stages)
    assert verdict.decided == (rejected or approved)
    assert verdict.value == ("reject" if rejected else "approve" if approved else None)
    voters = {person for stage in policy.stages for person in (*stage.approvers, *stage.veto)}
    assert set(verdict.refused) == {one.person for one in votes} - voters


@given(policies, vote_sets)
def test_one_more_rejection_never_turns_a_no_into_a_yes(policy: Policy, votes: list[Vote]) -> None:
    before = evaluate(policy, votes, START)
    for person in PEOPLE:
        after = evaluate(
            policy, [*(one for one in votes if one.person != person), vote(person, "reject")], START
        )
        if not (before.decided and before.value == "approve"):
            assert not (after.decided and after.value == "approve")


def team_policy(need: int, reject_at: int, *, escalates: bool, released: bool, ordered: bool) -> Policy:
    """A group and a person, a second stage, four eyes, break-glass; and what else comes with it."""
    more: dict[str, Any] = {"released": ("web:cho",)} if released else {}
    if escalates:
        more |= {"escalate_after": timedelta(hours=1), "escalate_to": ["web:dee"]}
    return bound(
        Stage(["group:sre", "web:ana"], need=need, reject_at=reject_at, veto=["web:bo"]),
        Stage(["web:cho"]),
        requested_by="web:dee",
        exclude_requester=True,
        break_glass=["web:eve"],
        ordered=ordered,
        **more,
    )


team_policies = st.builds(
    team_policy,
    st.integers(1, 3),
    st.integers(1, 2),
    escalates=st.booleans(),
    released=st.booleans(),
    ordered=st.booleans(),
)
team_votes = st.dictionaries(
    st.sampled_from((*PEOPLE, "web:stranger")),
    st.tuples(st.sampled_from(["approve", "reject"]), st.integers(0, 9), st.booleans(), st.booleans()),
).map(
    lambda found: [
        Vote(
            person, "web", "approve" if alone else value, START + timedelta(seconds=after), "why" if alone else None,
            (Fact(name="group:sre", value=is_in, as_of=START),), (f"slack:T1:{person}",), break_glass=alone,
        )
        for person, (value, after, is_in, alone) in found.items()
    ]
)  # fmt: skip


@given(team_policies, team_votes, st.randoms(), st.integers(0, 2))
def test_with_groups_break_glass_and_escalation_it_is_a_function_of_the_set_too(
    policy: Policy, votes: list[Vote], chance: random.Random, hours: int
) -> None:
    """The same whatever the order; nobody who is refused counts; a veto or enough rejections beat any approval."""
    now = START + timedelta(hours=hours)
    escalated = msgspec.structs.replace(
        policy, escalates_at=START + timedelta(hours=1) if policy.escalate_to else None
    )
    verdict = evaluate(escalated, votes, now)
    shuffled = list(votes)
    chance.shuffle(shuffled)
    assert evaluate(escalated, shuffled, now) == verdict
    counted = [vote for vote in votes if vote.person not in verdict.refused]
    assert evaluate(escalated, counted, now).value == verdict.value
    assert verdict.decided == bool(verdict.why)
    vetoed = any(vote.person == "web:bo" and vote.value == "reject" for vote in counted)
    rejected = any(len(one.rejected) >= one.stage.reject_at for one in verdict.stages)
    alone = any(vote.break_glass for vote in counted)
    enough = all(one.missing == 0 for one in verdict.stages)
    expected = "reject" if vetoed or rejected else "approve" if alone or enough else None
    assert verdict.value == expected


def test_nobody_approves_what_they_asked_for_or_made() -> None:
    policy = bound(Stage(PEOPLE, need=2), requested_by="web:ana", exclude_requester=True, author="web:bo")
    verdict = evaluate(
        policy, [vote("web:ana", "approve"), vote("web:bo", "approve"), vote("web:cho", "approve")], START
    )
    assert verdict.refused == {
        "web:ana": "You requested this, so someone else must approve it.",
        "web:bo": "You made this, so someone else must approve it.",
    }
    assert not verdict.decided
    assert evaluate(policy, [vote("web:ana", "reject")], START).value == "reject", "they may stop it"


def test_the_details_name_who_made_the_change() -> None:
    policy = Policy(stages=[Stage(PEOPLE)], author="details.author")

    def asked(details: Json) -> Policy:
        return bind(policy, Question("Pay?", None, "confirm", None, details), (), "web:ana")

    assert (asked({"author": "web:bo"}).author, asked({"author": "web:bo"}).excluded) == (
        "web:bo",
        ("web:bo",),
    )
    nameless: list[Json] = [None, {}, {"by": "web:bo"}, ["web:bo"]]
    for details in nameless:
        with pytest.raises(InvalidRequest, match="the details have no 'author'"):
            asked(details)
    unfit_authors: list[Json] = [
        None, "Bo", 7, ["web:bo"], "", "web:", "web: ", "slack:U1", "slack:T1:", "slack::U1", "telegram:-5", "slack:#a",
        "group:sre", "operator", "web",
    ]  # fmt: skip
    for unfit in unfit_authors:
        with pytest.raises(InvalidRequest, match="names no person"):
            asked({"author": unfit})


@given(st.text() | st.none() | st.integers() | st.lists(st.text(), max_size=2))
def test_an_author_who_cannot_be_told_refuses_the_question(found: Json) -> None:
    """Whatever the details hold, either one person may not approve, or nothing is asked."""
    policy = Policy(stages=[Stage(PEOPLE)], author="details.author")
    question = Question("Pay?", None, "confirm", None, {"author": found})
    try:
        excluded = bind(policy, question, (), "web:ana").excluded
    except InvalidRequest:
        return
    assert excluded == (found,)
    assert is_person(str(found))


def test_an_author_whom_the_directory_lacks_refuses_the_question() -> None:
    directory = Directory({"bo": Person(("web:bo",))})
    for author in ("details.author", "person:boo"):
        policy = Policy(stages=[Stage(PEOPLE)], author=author)
        question = Question("Pay?", None, "confirm", None, {"author": "person:boo"})
        with pytest.raises(InvalidRequest, match="'person:boo', which names no person"):
            bind(policy, question, (), None, directory.person_of, directory.may_be_somebody)


@given(
    st.lists(st.sampled_from(["group:sre", "group:unknown", "slack:#sre", "operator"]), unique=True),
    vote_sets,
    st.lists(st.sampled_from([False, None, "yes", 1]), max_size=2),
)
def test_whom_nobody_is_known_to_belong_to_is_nobody(
    approvers: list[str], votes: list[Vote], found: list[Json]
) -> None:
    """An empty audience, an unknown group, one that could not be looked up: only a look-up that said yes counts."""
    facts = tuple(Fact(name, value, START) for name in approvers for value in found)
    cast = [msgspec.structs.replace(one, via="inbox", facts=facts) for one in votes]
    policy = bound(Stage(approvers)) if approvers else Policy(audience=())
    verdict = evaluate(policy, cast, START)
    assert not verdict.decided
    assert set(verdict.refused) == {one.person for one in votes}


def test_what_is_answered_is_a_rejection_of_those_who_decided() -> None:
    """Not one of another stage that alone decides nothing, though it came first."""
    policy = bound(Stage(["web:ana"], reject_at=2), Stage(["web:bo"]))
    votes = [vote("web:ana", "later", 1), vote("web:bo", "reject", 2)]
    assert not evaluate(policy, votes[:1], START).decided
    assert evaluate(policy, votes, START).value == "reject"


def test_ordered_stages_are_asked_one_after_the_other() -> None:
    policy = bound(
        Stage(["web:ana", "web:bo"], need=2, name="team"), Stage(["web:cho"], veto=["web:eve"]), ordered=True
    )
    early = evaluate(policy, [vote("web:ana", "approve"), vote("web:cho", "approve")], START)
    assert early.refused == {"web:cho": "It isn't your turn yet: team comes first."}
    assert set(evaluate(policy, [vote("web:cho", "reject")], START).refused) == {"web:cho"}
    assert evaluate(policy, [vote("web:eve", "reject")], START).value == "reject", "a veto comes at any time"
    team = [vote("web:ana", "approve"), vote("web:bo", "approve")]
    assert not evaluate(policy, team, START).decided
    assert evaluate(policy, [vote("web:cho", "approve"), *team], START).value == "approve", (
        "whatever the order"
    )
    unordered = msgspec.structs.replace(policy, ordered=False)
    assert not evaluate(unordered, [vote("web:cho", "approve")], START).refused


def test_who_comes_in_by_a_destination_is_one_of_its_people() -> None:
    policy = bound(Stage(["slack:#sre"], need=2), Stage(["web:ana"]))
    by_channel = [vote(f"slack:T1:U{n}", "approve", via="slack:#sre") for n in range(2)]
    assert not evaluate(policy, by_channel, START).decided
    assert evaluate(policy, [*by_channel, vote("web:ana", "approve")], START).value == "approve"
    elsewhere = vote("slack:T1:U9", "approve", via="slack:#other")
    assert set(evaluate(policy, [elsewhere], START).refused) == {"slack:T1:U9"}


def test_details_add_stages() -> None:
    policy = Policy(stages=[Stage(["web:ana"]), Stage(["web:cho"], when="amount > 10_000")])
    for amount, count in ((10_000, 1), (10_001, 2)):
        question = Question("Pay?", None, "confirm", None, {"amount": amount})
        assert len(bind(policy, question, (), None).stages) == count
    unfit: list[Json] = [None, {"sum": 1}, {"amount": "much"}]
    for details in unfit:
        with pytest.raises(InvalidRequest, match="the condition 'amount > 10_000' failed"):
            bind(policy, Question("Pay?", None, "confirm", None, details), (), None)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda: Stage([]), "no approvers"),
        (lambda: Stage(["web:ana"], need=2), "need=2 of 1 people could never be reached"),
        (lambda: Stage(["web:ana"], need=0), "neither a number from 1 on"),
        (lambda: Stage(["web:ana"], need="most"), "neither a number from 1 on"),
        (lambda: Stage(["slack:#sre"], need="all"), "goes with people"),
        (lambda: Stage(["web:ana"], reject_at=0), "must be 1 or more"),
        (lambda: Stage(["no such thing"]), "names nobody"),
        (lambda: Policy(hand_over_to=["slack:#sre"]), "hand_over_to names people and groups"),
        (lambda: Stage(PEOPLE, when="amount >"), "when='amount >' is not a valid expression"),
        (lambda: Stage(["group:sre"], fallback=["web:bo"]), "fallback goes with people"),
        (lambda: Policy(on_expiry="reject"), "on_expiry goes with expires_after"),
        (lambda: bound(Stage(PEOPLE), exclude_requester=True), "this run has no requester"),
        (lambda: Policy(comment=("later",)), "say 'approve', 'reject' or both"),
        (lambda: bound(Stage(PEOPLE[:2], need=2), requested_by="web:ana", exclude_requester=True), "they are too few"),
        (lambda: bound(Stage(PEOPLE, when="1 > 2")), "none of its stages applies"),
        (lambda: bind(Policy(stages=(Stage(PEOPLE),)), TEXT, (), None), "other ways to say no"),
    ],
)  # fmt: skip
def test_what_could_never_be_decided_is_refused_when_it_is_asked(
    wrong: Callable[[], object], reason: str
) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        wrong()
