"""Reasons that are suggested to who rejects: what they may be, and which choice is asked why."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sayso.engine import InvalidRequest, Policy, Question, Reasons, Stage
from sayso.engine._binding import reasons_for

STAGES = (Stage(["web:ana"]),)
LONGEST = "x" * 75


APPROVAL = Question("Release?", ["approve", "reject"], "select", None, None)
CHOICE = Question("Release?", ["approve", "reject", "later"], "select", None, None)
YES_OR_NO = Question("Release?", None, "confirm", None, None)


def policy(*comment: str) -> Policy:
    return Policy(stages=STAGES, comment=comment)


@pytest.mark.parametrize("question", [APPROVAL, CHOICE, YES_OR_NO])
@pytest.mark.parametrize("terms", [None, policy()])
def test_only_a_no_is_suggested_reasons(question: Question, terms: Policy | None) -> None:
    suggested = ("Not tested", LONGEST)
    for no in ("reject", False, "later"):
        assert reasons_for(question, terms, suggested, no) == Reasons(suggested, required=False)
    for yes in ("approve", True):
        assert reasons_for(question, terms, suggested, yes) is None


@pytest.mark.parametrize("question", [APPROVAL, CHOICE])
def test_a_required_comment_is_asked_for_with_the_reasons_that_there_are(question: Question) -> None:
    both = policy("approve", "reject")
    assert reasons_for(question, both, ("Not tested",), "approve") == Reasons((), required=True)
    assert reasons_for(question, both, ("Not tested",), "reject") == Reasons(("Not tested",), required=True)


@pytest.mark.parametrize("terms", [None, policy(), policy("approve")])
def test_people_who_reject_an_approval_are_asked_why_and_need_not_say(terms: Policy | None) -> None:
    assert reasons_for(APPROVAL, terms, (), "reject") == Reasons((), required=False)


@pytest.mark.parametrize(("question", "no"), [(CHOICE, "reject"), (CHOICE, "later"), (YES_OR_NO, False)])
def test_questions_and_choices_are_not_asked_why(question: Question, no: str | bool) -> None:
    assert reasons_for(question, policy(), (), no) is None


def test_an_approval_is_asked_nothing_more() -> None:
    assert reasons_for(APPROVAL, policy("reject"), (), "approve") is None


@pytest.mark.parametrize(
    ("reasons", "why"),
    [
        ("Not tested", "'Not tested' is not a list of texts"),
        ([7], "7 is not one line of 1 to 75 characters without blanks around it"),
        ([""], "'' is not one line"),
        (["  "], "'  ' is not one line"),
        ([" Not tested"], "' Not tested' is not one line"),
        (["Not\ntested"], r"'Not\ntested' is not one line"),
        ([f"{LONGEST}x"], "is not one line of 1 to 75 characters"),
        ([f"no. {number}" for number in range(9)], "9 are too many; at most 8"),
        (["Not tested", "Not tested"], "look the same; write labels that people can tell apart"),
        (["\u200b"], "shows nothing"),
    ],
)
def test_a_reason_that_cannot_be_shown_as_it_is_is_refused_by_name(reasons: Any, why: str) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(why)) as refused:
        Policy(stages=STAGES, reject_reasons=reasons)
    assert refused.value.reason.startswith("reject_reasons: ")
