"""Every card, of every input type and in every state, on both platforms, as it stands in `snapshots/`.

A change of what people see shows up here. `SAYSO_WRITE_SNAPSHOTS=1` writes them anew; then read the difference.
"""

from __future__ import annotations

import json
import os
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from sayso.adapters.cards import build_card
from sayso.adapters.slack import answer_view, render_card, render_locked
from sayso.adapters.telegram import begin, prompt
from sayso.adapters.telegram import render_card as render_telegram
from sayso.adapters.telegram import render_locked as render_telegram_locked
from sayso.engine import CardRecord
from sayso.testing.slack import check_blocks, check_view
from tests.adapters.card_records import ANSWERS, NOW, PLACES, QUESTIONS, answered, pending, states

FOLDER = Path(__file__).parent / "snapshots"
CARDS: dict[str, CardRecord] = {
    **{f"state-{name}": record for name, record in states().items()},
    **{f"{kind}-open": pending(question) for kind, question in QUESTIONS.items()},
    **{f"{kind}-answered": answered(question, ANSWERS[kind]) for kind, question in QUESTIONS.items()},
}


def compare(name: str, shown: Any) -> None:
    path = FOLDER / name
    text = json.dumps(shown, ensure_ascii=False, indent=1) + "\n"
    if os.environ.get("SAYSO_WRITE_SNAPSHOTS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == shown


@pytest.mark.parametrize("name", CARDS)
def test_a_card_in_slack(name: str) -> None:
    message = render_card(build_card(CARDS[name], PLACES))
    assert check_blocks(message.blocks, "message") == []
    compare(f"slack/{name}.json", {"text": message.text, "blocks": message.blocks})


@pytest.mark.parametrize("name", CARDS)
def test_a_card_in_telegram(name: str) -> None:
    message = render_telegram(build_card(CARDS[name], PLACES), UTC, NOW)
    compare(f"telegram/{name}.json", {"text": message.text.split("\n"), "keyboard": message.keyboard})


@pytest.mark.parametrize("kind", ["multiselect", "text", "number", "date", "form"])
def test_what_slack_asks_for_more_than_a_press(kind: str) -> None:
    view = answer_view(build_card(pending(QUESTIONS[kind]), PLACES), "C1")
    assert check_view(view) == []
    compare(f"slack/{kind}-modal.json", view)


@pytest.mark.parametrize("kind", ["multiselect", "text", "number", "date", "form"])
def test_what_telegram_asks_for_more_than_a_press(kind: str) -> None:
    card = build_card(pending(QUESTIONS[kind]), PLACES)
    asked = prompt(card, begin(card, "telegram:7"))
    compare(f"telegram/{kind}-prompt.json", {"text": asked.text.split("\n"), "keyboard": asked.keyboard})


def test_locked_messages_have_no_buttons() -> None:
    card = build_card(CARDS["state-done"], PLACES)
    for link in (None, "https://example.org/card"):
        message = render_locked(card, "This is a copy of the card.", link)
        assert check_blocks(message.blocks, "message") == []
        assert [block["type"] for block in message.blocks] == ["rich_text"]
        locked = render_telegram_locked(card, UTC, NOW, "Posted again below.", link)
        assert locked.keyboard == []


def test_no_snapshot_is_left_over() -> None:
    modals = {f"{kind}-{form}" for kind in QUESTIONS for form in ("modal", "prompt")}
    found = {path.stem for path in FOLDER.rglob("*.json")}
    assert found - set(CARDS) <= modals
