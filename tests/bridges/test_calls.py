"""What the bridges share: which question a call is, and that two calls never share a key."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from sayso.bridges._calls import LONGEST_KEY, approvals, key_for, question_for, refusal
from sayso.client import Code, Decision, Question

REFUND = Question(prompt="Refund?", details={"shop": "Turin"}, policy="two")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_people_see_every_argument() -> None:
    """An argument hides behind no detail of the template, and lines stay lines."""
    question = question_for(REFUND, {"amount": 40, "shop": "Rome", "why": "a\nb", "on": NOW}, "an agent")
    shown = {"shop": "Rome", "amount": 40, "why": Code("a\nb"), "on": "2026-01-01T00:00:00Z"}
    assert question.details == shown
    assert (question.kind, question.policy, question.requested_by) == ("approval", "two", "an agent")


def test_a_call_is_held_by_an_approval_only() -> None:
    """A question for a text would let a call run on any text."""
    assert approvals({"refund": REFUND}) == {"refund": REFUND}
    with pytest.raises(ValueError, match="the question for refund must be an approval"):
        approvals({"refund": Question(prompt="Refund?", kind="input", input_type="text")})


def test_the_same_call_has_the_same_key_and_any_other_another() -> None:
    question = question_for(REFUND, {"order": "A", "amount": 40}, "an agent")
    key = key_for("lg:1:call-1", question)
    assert key.startswith("lg:1:call-1:")
    assert key == key_for("lg:1:call-1", question_for(REFUND, {"amount": 40, "order": "A"}, "an agent"))
    others = {
        key_for("lg:1:call-2", question),
        key_for("lg:1:call-1", question_for(REFUND, {"order": "A", "amount": 41}, "an agent")),
        key_for("lg:1:call-1", question_for(REFUND, {"order": "A", "amount": "40"}, "an agent")),
        key_for("lg:1:call-1", msgspec.structs.replace(question, policy=None)),
    }
    assert len(others | {key}) == 5


@pytest.mark.parametrize("thread", ["x" * 300, "naïve", "two\nlines"])
def test_any_name_of_a_thread_makes_a_key(thread: str) -> None:
    """The service takes 200 characters of ASCII."""
    key = key_for(f"lg:{thread}", REFUND)
    assert len(key) <= LONGEST_KEY
    assert key.isascii()
    assert key.isprintable()
    assert key != key_for(f"lg:{thread}?", REFUND)


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (None, "Nobody has decided yet."),
        (Decision("rejected", approved=False, decided_at=NOW, by=("ana", "bo")), "Rejected by ana, bo."),
        (
            Decision("rejected", approved=False, decided_at=NOW, by=("ana",), comment="too dear"),
            "Rejected by ana: too dear.",
        ),
        (Decision("expired", approved=False, decided_at=NOW), "Nobody approved this in time."),
        (Decision("withdrawn", approved=False, decided_at=NOW), "The request for approval was withdrawn."),
        (Decision("cancelled", approved=False, decided_at=NOW), "The request for approval was withdrawn."),
    ],
)
def test_a_model_is_told_why_a_call_did_not_run(decision: Decision | None, said: str) -> None:
    assert refusal(decision) == f"{said} It was not run."
