"""Reasons that are suggested to who rejects: what they may be, and which choice is asked why."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sayso.engine import InvalidRequest, Policy, Reasons, Stage

STAGES = (Stage(["web:ana"]),)
LONGEST = "x" * 75


def policy(*reasons: str, comment: tuple[str, ...] = ()) -> Policy:
    return Policy(stages=STAGES, reject_reasons=reasons, comment=comment)


def test_only_a_rejection_is_suggested_reasons() -> None:
    suggested = policy("Not tested", LONGEST)
    assert suggested.reasons_for("approve") is None
    assert suggested.reasons_for("reject") == Reasons(("Not tested", LONGEST), required=False)
    assert suggested.reasons_for(value=False) == Reasons(("Not tested", LONGEST), required=False)
    assert suggested.reasons_for("later") == Reasons(("Not tested", LONGEST), required=False)


def test_a_required_comment_is_asked_for_with_the_reasons_that_there_are() -> None:
    both = policy("Not tested", comment=("approve", "reject"))
    assert both.reasons_for("approve") == Reasons((), required=True)
    assert both.reasons_for("reject") == Reasons(("Not tested",), required=True)


def test_a_policy_that_says_nothing_of_it_asks_nothing() -> None:
    assert policy().reasons_for("reject") is None


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
