"""Rules as they are written and read: what is refused, what is true of which details, and what cannot be known."""

from __future__ import annotations

from typing import Any, cast

import pytest

from sayso.engine import (
    InvalidRequest,
    Json,
    Policy,
    Question,
    Rule,
    Ruling,
    Stage,
    Unchecked,
    bind,
    ruling_on,
)

STAGES = (Stage(["web:ana"]),)


def said(when: str, details: Json) -> bool | str:
    """Whether a condition is true of these details, or why that is not known."""
    question = Question("Run?", ["approve", "reject"], "select", None, details)
    policy = Policy(stages=STAGES, rules=[Rule(when, "approve", "ana")])
    ruling = ruling_on(bind(policy, question, (), None), question)
    return ruling.why if isinstance(ruling, Unchecked) else ruling is not None


DETAILS: Json = {
    "tool": "Bash",
    "amount": 90,
    "items": "apples",
    "empty": "",
    "none": None,
    "yes": True,
    "tags": ["a", "b"],
    "Risk level": "low",
    "input": {"command": "git status", "values": [1, 2.5]},
}


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("details.tool == 'Bash' and details.amount < 100", True),
        ("details.amount >= 90.5", False),
        ("details['Risk level'] in ['low', 'none']", True),
        ("details.input.command == 'git status'", True),
        ("details.items == 'apples'", True),
        ("details.input.values[0] == 1", True),
        ("sum(details.input.values) < 4", True),
        ("all(tag in ('a', 'b') for tag in details.tags)", True),
        ("'tool' in details and not ('other' in details)", True),
        ("details.none is None", True),
        ("details.none == 'x'", False),
        ("details.yes", True),
        ("True", True),
    ],
)
def test_what_a_condition_says(when: str, expected: bool) -> None:
    assert said(when, DETAILS) is expected


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("details.other == 1", "there is no 'other'"),
        ("details.copy == 1", "there is no 'copy'"),  # of a mapping, a method is no entry
        ("details.input.keys != 'x'", "there is no 'keys'"),
        ("details.amount == '90'", "90 and '90' are of different types"),
        ("details.amount != '90'", "90 and '90' are of different types"),
        ("details.tool not in [1, 2]", "'Bash' and 1 are of different types"),
        ("details.yes < 2", "True and 2 are of different types"),
        ("details.yes == 1", "True and 1 are of different types"),
        ("details.tool", "'Bash' is neither true nor false"),
        ("not details.empty", "'' is neither true nor false"),
        ("details.tool and details.amount == 90", "'Bash' is neither true nor false"),
        ("details.yes if details.tool else details.yes", "'Bash' is neither true nor false"),
        ("any([details.tool])", "'Bash' is neither true nor false"),
        ("len([1 for x in details.tags if x]) == 2", "'a' is neither true nor false"),
        ("details.amount / 0 == 1", "division by zero"),
        ("details.tool.lower == 'bash'", "string indices must be integers"),
    ],
)
def test_what_cannot_be_known_is_no_yes(when: str, why: str) -> None:
    assert str(said(when, DETAILS)).startswith(why)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"when": "tool == 'Bash'"}, "'tool' is unknown; write details.tool"),
        ({"when": "details.tool =="}, "invalid syntax"),
        ({"when": ""}, "invalid syntax"),
        ({"when": "details.get('tool') == 'x'"}, "details.get is not one of len, min, max"),
        ({"when": "int(details.amount) < 5"}, "int is not one of len, min, max"),
        ({"when": "len == 3"}, "'len' is unknown"),
        ({"answer": "allow"}, "a rule's answer='allow': say 'approve' or 'reject'"),
        ({"written_by": " "}, "a rule says who wrote it, in written_by"),
    ],
)
def test_a_rule_that_could_not_be_meant_is_refused_where_it_is_written(
    rule: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidRequest, match="policy") as refused:
        Rule(**cast("Any", {"when": "True", "answer": "approve", "written_by": "ana", **rule}))
    assert reason in refused.value.reason


@pytest.mark.parametrize(
    "four_eyes", [{"exclude_requester": True}, {"author": "details.author"}, {"break_glass": ["web:bo"]}]
)
def test_no_rule_approves_where_the_policy_says_which_people_may(four_eyes: dict[str, Any]) -> None:
    (named,) = four_eyes
    with pytest.raises(
        InvalidRequest, match=f"rule 2 approves without people, which does not go with {named}"
    ):
        Policy(
            stages=STAGES, rules=[Rule("True", "reject", "ana"), Rule("True", "approve", "ana")], **four_eyes
        )
    assert Policy(stages=STAGES, rules=[Rule("True", "reject", "ana")], **four_eyes).rules


def test_a_rule_says_why_where_people_would_have_to() -> None:
    with pytest.raises(InvalidRequest, match="rule 1 needs a reason: comment requires one to reject"):
        Policy(stages=STAGES, rules=[Rule("True", "reject", "ana")], comment=["reject"])
    assert Policy(stages=STAGES, rules=[Rule("True", "reject", "ana", "Frozen")], comment=["reject"]).rules


def test_a_policy_with_other_rules_has_another_version() -> None:
    question = Question("Run?", ["approve", "reject"], "select", None, None)
    policies = [
        Policy(stages=STAGES, rules=rules)
        for rules in ([], [Rule("True", "reject", "ana")], [Rule("True", "reject", "bo")])
    ]
    assert len({bind(policy, question, (), None).version for policy in policies}) == len(policies)


def test_a_rule_of_a_policy_without_a_name_stands_under_its_version() -> None:
    question = Question("Run?", ["approve", "reject"], "select", None, None)
    bound = bind(Policy(stages=STAGES, rules=[Rule("True", "reject", "ana")]), question, (), None)
    ruling = ruling_on(bound, question)
    assert isinstance(ruling, Ruling)
    assert ruling.rule.person == f"rule:{bound.version}/1"
