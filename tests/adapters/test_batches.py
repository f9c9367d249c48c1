"""Several requests on one card: whatever people write, it fits the platforms, and each keeps its own buttons."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.adapters.cards import Card, build_batch, build_card, utf16_length
from sayso.adapters.slack import render_batch as render_slack
from sayso.adapters.slack._data import decode as decode_slack
from sayso.adapters.telegram import CardButton, decode
from sayso.adapters.telegram import render_batch as render_telegram
from sayso.engine import ASK, CardRecord, Question
from sayso.testing.slack import check_blocks
from tests.adapters.card_records import AT, NOW, PLACES, answered, pending
from tests.adapters.test_card_properties import texts

_MOST_ENTITIES = 100

questions = st.builds(
    Question,
    prompt=texts.filter(lambda one: bool(one.strip())) | st.just("x" * 4000),
    options=st.just(["approve", "reject"]) | st.just([f"{'o' * 28}{number}" for number in range(5)]),
    input_type=st.just("select"),
    schema=st.none(),
    details=st.dictionaries(texts, texts | st.just("line\n" * 50), max_size=5),
)


def of_batch(record: CardRecord, number: int) -> CardRecord:
    """The request as one of a batch."""
    changes: dict[str, Any] = {"name": str(number), "id": f"{number:032x}"}
    return msgspec.structs.replace(
        record, workflow=ASK, request=msgspec.structs.replace(record.request, **changes)
    )


def cards(asked: list[Question], *, decided: bool = False) -> list[Card]:
    records = [answered(one, "approve") if decided else pending(one) for one in asked]
    return [
        build_card(of_batch(record, number), PLACES, inbox="https://sayso.example", rendering=number)
        for number, record in enumerate(records, 1)
    ]


@pytest.mark.parametrize("decided", [False, True])
@settings(max_examples=20)
@given(asked=st.lists(questions, min_size=2, max_size=8))
def test_a_full_card_fits_both_platforms(asked: list[Question], *, decided: bool) -> None:
    drawn = cards(asked, decided=decided)
    slack = render_slack(drawn, lambda _: ())
    assert check_blocks(slack.blocks, "message") == []
    telegram = render_telegram(drawn, UTC, NOW)
    assert utf16_length(re.sub(r"<[^>]*>", "", telegram.text)) <= 4096 * 6, "entities of HTML count as one"
    assert len(re.findall(r"<(?!/)", telegram.text)) <= _MOST_ENTITIES


@settings(max_examples=20)
@given(asked=st.lists(questions, min_size=2, max_size=8))
def test_each_button_names_the_request_that_stands_above_it_and_its_rendering(asked: list[Question]) -> None:
    drawn = cards(asked)
    number = 0
    for block in render_slack(drawn, lambda _: ()).blocks:
        number += block["type"] == "divider"
        for element in block["elements"] if block["type"] == "actions" else ():
            pressed = decode_slack(element["action_id"])
            assert pressed is not None
            assert (int(pressed.request_id, 16), pressed.rendering) == (number, number)
    for row in render_telegram(drawn, UTC, NOW).keyboard:
        for button in row:
            data = decode(button["callback_data"])
            assert isinstance(data, CardButton)
            assert button["text"].startswith(f"{int(data.request_id, 16)} ")
            assert data.rendering == int(data.request_id, 16)


@settings(max_examples=20)
@given(asked=st.lists(questions, min_size=2, max_size=4))
def test_where_a_question_continues_does_not_depend_on_votes(asked: list[Question]) -> None:
    """What is sent below a card was sent when nobody had voted."""
    open_cards, closed_cards = cards(asked), cards(asked, decided=True)
    assert render_telegram(open_cards, UTC, NOW).rest == render_telegram(closed_cards, UTC, NOW).rest
    slack = [render_slack(one, lambda _: ()).rest for one in (open_cards, closed_cards)]
    assert slack[0] == slack[1]


def test_what_is_true_of_all_stands_once() -> None:
    asked = [Question(prompt, ["approve", "reject"], "select", None, None) for prompt in ("One?", "Two?")]
    batch = build_batch(cards(asked))
    assert (batch.title, batch.context[-1]) == ("2 requests", ("each is decided on its own",))
    assert [entry.title for entry in batch.entries] == ["1. One?", "2. Two?"]
    first, second = cards(asked)
    (closed,) = cards(asked[:1], decided=True)
    half = build_batch([closed, second])
    assert half.context[0] == ("1 open",)
    assert half.entries[0].title == "1. ✅ Approved · One?"
    assert AT in half.entries[0].said[0]
    assert first.number == 1
