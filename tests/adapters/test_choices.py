"""A yes has weight and a no has none; danger is what an author called dangerous."""

from __future__ import annotations

from datetime import UTC

import pytest

from sayso.adapters.cards import build_card
from sayso.adapters.slack import render_card
from sayso.adapters.telegram import render_card as render_telegram
from sayso.engine import Json, Question
from tests.adapters.card_records import NOW, pending

YES = {"value": "approve", "label": "Approve", "style": "primary"}
NO = {"value": "reject", "label": "Reject", "style": "danger"}
"""The options of every `request_approval`; nobody styled them."""


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ([YES, NO], [("✅ Approve", "primary"), ("❌ Reject", None)]),
        (["approve", "reject"], [("✅ approve", "primary"), ("❌ reject", None)]),
        ([YES, {**NO, "description": "drop it"}], [("✅ Approve", "primary"), ("❌ Reject", "danger")]),
        ([{**YES, "style": "danger"}, "reject"], [("⚠ Approve", "danger"), ("❌ reject", None)]),
        (
            ["staging", {"value": "prod", "label": "Production", "style": "danger"}],
            [("staging", None), ("⚠ Production", "danger")],
        ),
    ],
)
def test_buttons_are_told_apart(options: list[Json], shown: list[tuple[str, str | None]]) -> None:
    card = build_card(pending(Question("Go?", options, "select", None, {"Risk": "high"})), {})
    buttons = next(block for block in render_card(card).blocks if block["type"] == "actions")["elements"]
    assert [(one["text"]["text"], one.get("style")) for one in buttons] == shown
    green = {"primary": "success", "danger": "danger", None: None}
    row = [one for row in render_telegram(card, UTC, NOW).keyboard for one in row]
    assert [(one["text"], one.get("style")) for one in row] == [(label, green[look]) for label, look in shown]


def test_yes_has_weight_and_no_has_none() -> None:
    card = build_card(pending(Question("Delete it?", None, "confirm", None, None)), {})
    buttons = next(block for block in render_card(card).blocks if block["type"] == "actions")["elements"]
    assert [one.get("style") for one in buttons] == ["primary", None]
    (row,) = render_telegram(card, UTC, NOW).keyboard
    assert [one.get("style") for one in row] == ["success", None]
