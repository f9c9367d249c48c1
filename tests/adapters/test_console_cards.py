"""A card says what is asked, of whom, until when, and what can be answered."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from rich.console import Console

from sayso.adapters.console import (
    attention_card,
    audience_words,
    findings_table,
    instant_words,
    may_answer_here,
    outcome_words,
    request_card,
    requests_table,
    result_card,
    runs_table,
)
from sayso.engine import (
    ATTENTION_ACTIONS,
    Attention,
    AttentionKind,
    Finding,
    Outcome,
    OutcomeKind,
    Policy,
    RunSummary,
    Severity,
    Stage,
    WorkflowStatus,
)
from tests.adapters.console_support import NOW, question, request, shown

APPROVAL = question(
    "select",
    prompt="Release 4.2.0 to production?",
    options=[
        {"value": "approve", "label": "Approve"},
        {"value": "reject", "label": "No way", "description": "stop"},
    ],
    details={"Change": "14 commits", "Log": "one\ntwo"},
)


def test_a_card_shows_everything_that_is_asked() -> None:
    record = request(APPROVAL, deadline=NOW + timedelta(hours=5), note="asked at noon")
    output = shown(request_card(record, "release", NOW))
    for expected in (
        "release / publish",
        "Release 4.2.0 to production?",
        "14 commits",
        "two",
        "anyone on this machine",
        "ana",
        "today",
        "asked at noon",
        "1.  Approve",
        "2.  No way (reject)  stop",
    ):
        assert expected in output


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(minutes=119), "1 h ago"),
        (timedelta(hours=47), "47 h ago"),
        (timedelta(days=2), "2 days ago"),
    ],
)
def test_a_card_says_how_old_the_request_is(age: timedelta, words: str) -> None:
    record = request(APPROVAL, asked_at=NOW - age)
    assert f"Requested by  ana, {words} " in shown(request_card(record, "release", NOW))
    alone = request(APPROVAL, asked_at=NOW - age, requested_by=None)
    assert re.search(rf"Requested +{words} ", shown(request_card(alone, "release", NOW)))


def test_people_are_called_by_their_names() -> None:
    record = request(APPROVAL, audience=("slack:T1:U2", "web:bo", "telegram:7"), requested_by="slack:T1:U1")
    output = shown(request_card(record, "release", NOW, {"slack:T1:U1": "Ana", "slack:T1:U2": "Cho"}))
    assert "Cho, bo, telegram:7" in output
    assert "slack:" not in output


def test_what_is_risky_stands_out() -> None:
    risky = question("confirm", details={"Change": "14 commits", "Risk": "high"})
    console = Console(width=80)
    segments = console.render(request_card(request(risky), "release", NOW))
    bold = {segment.text.strip() for segment in segments if segment.style is not None and segment.style.bold}
    assert "high" in bold
    assert "14 commits" not in bold


def test_a_changed_question_says_that_it_is_new() -> None:
    assert "earlier votes were cleared" in shown(request_card(request(APPROVAL, revision=2), "w", NOW))


def test_a_question_without_a_prompt_still_says_what_it_is() -> None:
    assert "Input is needed." in shown(request_card(request(question(prompt=None)), "w", NOW))


def test_a_deadline_on_another_day_shows_its_date() -> None:
    assert instant_words(NOW + timedelta(days=400), NOW).startswith("2027-04-")


@pytest.mark.parametrize(
    ("audience", "may"),
    [
        (("operator",), True),
        (("console",), True),
        (("local:ana",), True),
        (("slack:#releases", "local:ana"), True),
        (("local:bo",), False),
        (("slack:#releases",), False),
        (("web",), False),
        ((), False),
    ],
)
def test_the_terminal_asks_only_whom_the_request_was_sent_to(audience: tuple[str, ...], may: bool) -> None:
    """An empty list is nobody, never everybody."""
    assert may_answer_here(request(APPROVAL, audience=audience), "local:ana", NOW) is may


def test_nobody_is_called_nobody() -> None:
    assert audience_words(request(APPROVAL, audience=())) == "nobody"


def test_those_are_named_who_may_answer_and_not_where_it_is_shown() -> None:
    shown_to = ("group:sre", "web:ana", "slack:#releases")
    policy = Policy(stages=[Stage(["group:sre"], veto=["web:ana"])], audience=shown_to)
    assert audience_words(request(APPROVAL, audience=shown_to, policy=policy)) == "@sre, ana"


@pytest.mark.parametrize(
    ("value", "words"),
    [("approve", "Approved. The workflow continues."), ("reject", "Rejected. The workflow continues.")],
)
def test_an_approval_is_told_as_one(value: str, words: str) -> None:
    outcome = Outcome(OutcomeKind.RESOLVED, "Recorded. The workflow continues.")
    assert outcome_words(outcome, APPROVAL, value).plain == words


def test_a_text_that_says_approve_is_not_told_as_an_approval() -> None:
    outcome = Outcome(OutcomeKind.RESOLVED, "Recorded. The workflow continues.")
    assert outcome_words(outcome, question(), "approve").plain == "Recorded: approve. The workflow continues."


@pytest.mark.parametrize("kind", [kind for kind in OutcomeKind if kind is not OutcomeKind.RESOLVED])
def test_every_other_outcome_is_told_with_its_reason(kind: OutcomeKind) -> None:
    assert outcome_words(Outcome(kind, "This is why."), APPROVAL, "approve").plain == "This is why."


def test_a_repeated_event_says_that_nothing_new_happened() -> None:
    outcome = Outcome(OutcomeKind.EXPIRED, "This closed.", repeated=True)
    assert "received before" in outcome_words(outcome, None, "x").plain


@pytest.mark.parametrize("kind", list(AttentionKind))
def test_an_operator_sees_every_way_on(kind: AttentionKind) -> None:
    was, now = "was this", "is this"
    if kind is AttentionKind.QUESTION_CHANGED:
        was, now = (question(prompt=text, options=["early", "late"]).text() for text in (was, now))
    output = shown(attention_card("run-1", "w", Attention(kind, "charge", was, now)), width=120)
    seen = shown(attention_card("run-1", "w", Attention(kind, "charge"), 3), width=120)
    for action in ATTENTION_ACTIONS[kind]:
        assert f"sayso attention run-1 {action}" in output
        assert f"sayso attention run-1 {action} --seen 3" in seen
    assert "was this" in output
    assert "is this" in output


def test_an_operator_sees_both_questions_as_questions() -> None:
    was, now = question(prompt="Ship 41?").text(), APPROVAL.text()
    attention = Attention(AttentionKind.QUESTION_CHANGED, "ship", was, now)
    output = shown(attention_card("run-1", "w", attention), width=120)
    assert "Ship 41?" in output
    assert "Release 4.2.0 to production?" in output


def test_a_listing_shows_as_much_of_each_id_as_tells_them_apart() -> None:
    """What is shown must be what `sayso answer` takes."""
    first, second = (
        request(APPROVAL, id="aaaaaaaaa1" + "0" * 22),
        request(APPROVAL, id="aaaaaaaaa2" + "0" * 22),
    )
    output = shown(requests_table([first, second], NOW), width=200)
    assert "aaaaaaaaa1@1 " in output
    assert "aaaaaaaaa2@1 " in output


def test_a_long_field_of_a_result_says_how_much_is_left_out() -> None:
    output = shown(result_card({"log": "\n".join(str(number) for number in range(100))}))
    assert "(60 more lines)" in output


def test_an_empty_result_is_told() -> None:
    assert "empty" in shown(result_card({}))


@pytest.mark.parametrize("status", list(WorkflowStatus))
def test_a_run_of_any_status_is_listed_with_what_an_operator_needs(status: WorkflowStatus) -> None:
    attention = Attention(AttentionKind.STEP_UNFINISHED, "charge")
    run = RunSummary("run-1", "w", status, "Pay", 1, None, attention, None, NOW, NOW, 1)
    output = shown(runs_table([run], NOW), width=120)
    assert status.split("_", maxsplit=1)[0].lower() in output
    assert "step_unfinished: charge" in output


def test_findings_name_the_run_and_how_bad_it_is() -> None:
    output = shown(findings_table([Finding("run-1", "Review", Severity.BROKEN, "node is gone")]))
    assert "broken" in output
    assert "node is gone" in output
