"""Whether a message shows the question that its button belongs to, however a platform gives its text back."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.adapters.cards import build_card, shows
from sayso.adapters.slack import Pressed, parse_event, render_card
from sayso.adapters.telegram import render_card as render_in_telegram
from sayso.engine import CastVote, Policy, Question, RequestStatus, Stage
from sayso.testing.slack import check_blocks
from tests.adapters.card_records import AT, QUESTIONS, pending, with_request

PROMPTS = [
    "Delete https://db.example/orders?id=7 & all?",
    "Ship 🚀 1️⃣ ™ \u2139\ufe0f now?",
    "Größe ﬁx <b>?",
    "Ja?\n\nWirklich, Ana?",
]


def card(prompt: str, **details: Any) -> Any:
    question = Question(prompt, ["approve", "reject"], "select", None, details or None)
    return build_card(pending(question), {})


def as_given_back(prompt: str, **details: Any) -> str | None:
    """The card in Slack, as a press there brings it: links and emoji are elements of their own."""
    blocks = json.loads(json.dumps(render_card(card(prompt, **details)).blocks))
    payload = {
        "type": "block_actions", "user": {"id": "U1"}, "team": {"id": "T1"}, "trigger_id": "t",
        "message": {"ts": "1", "blocks": blocks}, "actions": [{"action_id": "sayso:x", "action_ts": "1"}],
    }  # fmt: skip
    event = parse_event("interactive", payload)
    assert isinstance(event, Pressed)
    return event.shown


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_card_shows_its_question(prompt: str) -> None:
    shown = as_given_back(prompt, Change="14 commits")
    assert shown is not None
    assert shows(card(prompt, Change="14 commits"), shown)
    assert shows(card(prompt, Change="14 commits"), html.escape(shown)), "entities"
    assert shows(card(prompt, Change="14 commits"), shown.replace("🚀", "").replace("1️⃣", "")), "emoji by name"
    assert not shows(card(prompt, Change="15 commits"), shown)
    assert not shows(card("Pizza?"), shown)


@given(st.text(min_size=1, max_size=600).filter(lambda text: any(one.isalnum() for one in text)))
def test_any_card_shows_its_question(prompt: str) -> None:
    if prompt.strip() and not any("\ud800" <= one <= "\udfff" for one in prompt):
        shown = as_given_back(prompt)
        assert shown is not None
        assert shows(card(prompt), shown)


@pytest.mark.parametrize(
    ("label", "choice", "fits"),
    [
        ("✅ approve", 0, True), ("❌ reject", 0, False), ("1. approve", 0, True), ("appr…", 0, True), (None, 0, True),
        ("reject", 1, True), ("👍", 0, False),
    ],
)  # fmt: skip
def test_a_button_is_called_what_it_means(label: str | None, choice: int, *, fits: bool) -> None:
    asked = build_card(pending(QUESTIONS["select"]), {})
    text = f"{asked.prompt} {' '.join(f'{one.name}: {one.text}' for one in asked.details)}"
    assert shows(asked, text, label=label, choice=choice) is fits


@pytest.mark.parametrize("decided", [False, True])
def test_a_card_with_a_thousand_votes_fits_and_still_shows_its_question(*, decided: bool) -> None:
    """Whatever people write beside their votes: the question keeps its room, or every press would be refused."""
    people = [f"web:somebody-with-a-long-name-{number}" for number in range(1000)]
    votes = tuple(
        CastVote(one, "web", "approve", AT, "because " * 100, one) for one in people[: 999 + decided]
    )
    question = Question(
        "Delete it? " + "now, " * 200, ["approve", "reject"], "select", None, {"Table": "orders"}
    )
    record = with_request(
        pending(question, votes=votes),
        policy=Policy(stages=[Stage(people, need="all")]),
        audience=tuple(people),
    )
    if decided:
        record = with_request(
            record, status=RequestStatus.ANSWERED, answer='"approve"', resolved_at=AT, resolved_by=people[-1]
        )
    asked = build_card(record, {})
    assert check_blocks(render_card(asked).blocks, "message") == []
    message = render_in_telegram(asked, UTC, AT)
    text = html.unescape(re.sub("<[^>]*>", "", message.text))
    assert len(text.encode("utf-16-le")) // 2 <= 4096
    assert shows(asked, text)
    assert ("and 992 others" in text) == decided
    assert ("Earlier votes: 991 approved, 0 rejected." in text) != decided
