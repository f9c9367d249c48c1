"""Several requests on one card: whatever people write, it fits the platforms, and each keeps its own buttons."""

from __future__ import annotations

import re
from datetime import UTC, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.adapters.cards import Card, build_batch, build_card, utf16_length
from sayso.adapters.slack import render_batch as render_slack
from sayso.adapters.slack._data import decode as decode_slack
from sayso.adapters.telegram import CardButton, TelegramMessage, decode
from sayso.adapters.telegram import render_batch as render_telegram
from sayso.engine import ASK, CardRecord, Grants, Json, Policy, Question, Stage
from sayso.testing.slack import check_blocks
from tests.adapters.card_records import AT, NOW, PLACES, answered, pending, with_request
from tests.adapters.test_card_properties import texts

_MOST_ENTITIES = 100
_MOST_BUTTONS = 100

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


HOUR = timedelta(hours=1)


def granting(record: CardRecord, patterns: dict[str, str]) -> CardRecord:
    """The same under a policy that offers six ways to approve for longer."""
    durations = [HOUR * number for number in range(1, 5)]
    grants = Grants(HOUR * 8, durations, 5, "Session", patterns, "token:agent")
    return with_request(record, policy=Policy(stages=[Stage(["slack:#sre"])], grants=grants))


def cards(
    asked: list[Question], *, decided: bool = False, patterns: dict[str, str] | None = None
) -> list[Card]:
    records = [answered(one, "approve") if decided else pending(one) for one in asked]
    if patterns is not None:
        records = [granting(one, patterns) for one in records]
    return [
        build_card(of_batch(record, number), PLACES, inbox="https://sayso.example", rendering=number)
        for number, record in enumerate(records, 1)
    ]


@pytest.mark.parametrize("decided", [False, True])
@settings(max_examples=20)
@given(
    asked=st.lists(questions, min_size=2, max_size=8),
    patterns=st.none() | st.dictionaries(texts, st.just("*")),
)
def test_a_full_card_fits_both_platforms(
    asked: list[Question], patterns: dict[str, str] | None, *, decided: bool
) -> None:
    drawn = cards(asked, decided=decided, patterns=patterns)
    slack = render_slack(drawn, lambda _: ())
    assert check_blocks(slack.blocks, "message") == []
    telegram = render_telegram(drawn, UTC, NOW)
    assert utf16_length(re.sub(r"<[^>]*>", "", telegram.text)) <= 4096 * 6, "entities of HTML count as one"
    assert len(re.findall(r"<(?!/)", telegram.text)) <= _MOST_ENTITIES
    assert sum(map(len, telegram.keyboard)) <= _MOST_BUTTONS


@settings(max_examples=20)
@given(asked=st.lists(questions, min_size=2, max_size=8))
def test_each_button_names_the_request_that_stands_above_it_and_its_rendering(asked: list[Question]) -> None:
    drawn = cards(asked, patterns={})
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


def asked_to_run(*details: Json) -> list[Question]:
    return [Question("Run it?", ["approve", "reject"], "select", None, one) for one in details]


def grant_buttons(message: TelegramMessage) -> list[str]:
    rows = [str(button["text"]) for row in message.keyboard for button in row]
    return [text for text in rows if " Approve " in text]


def test_what_longer_approvals_cover_stands_once_with_the_questions_that_it_is_about() -> None:
    """The second question matches no pattern, so it is covered as it is; the third has no such detail."""
    drawn = cards(
        asked_to_run({"Version": "v1"}, {"Version": "main"}, {"Session": "s1"}), patterns={"Version": "v*"}
    )
    (first, of_first), (second, of_second), (third, of_third) = build_batch(drawn).covers
    assert (of_first, of_second, of_third) == ((1,), (2,), (3,))
    assert [str(words[0]) for words in (first, second, third)] == ["1: ", "2: ", "3: "]
    assert "apart from Version (v*)." in str(first[1])
    assert "exactly like the one you approve. It ends" in str(second[1])
    ((same, of_both),) = build_batch(cards(asked_to_run({}, {}), patterns={})).covers
    assert (str(same[0])[:24], of_both) == ("A longer approval covers", (1, 2))


def test_telegram_offers_no_longer_approval_of_which_it_cannot_say_all() -> None:
    """What somebody grants stands whole on the card; for what has no room there, there is the inbox."""
    names = [f"detail {'x' * 50} {number}" for number in range(3)]
    several: list[Json] = [{"Version": "v1", name: "y"} for name in names]
    drawn = cards(asked_to_run(*several), patterns=dict.fromkeys(["Version", *names], "*"))
    telegram = render_telegram(drawn, UTC, NOW)
    buttons = grant_buttons(telegram)
    assert "1 Approve for 1 hour" in buttons
    assert "3 Approve for 1 hour" not in buttons
    assert "3: A longer approval" not in telegram.text
    assert "1: A longer approval" in telegram.text
