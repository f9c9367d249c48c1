"""What a press is compared by: an honest one matches whatever a platform makes of a text, and no changed card does."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any, cast

from hypothesis import assume, given
from hypothesis import strategies as st

from sayso.adapters.cards import build_card
from sayso.adapters.slack import Pressed, kept_message, parse_event, render_card
from sayso.adapters.telegram import Pressed as PressedInTelegram
from sayso.adapters.telegram import kept_message as kept_in_telegram
from sayso.adapters.telegram import parse_update
from sayso.adapters.telegram import render_card as render_in_telegram
from sayso.engine import Question
from sayso.testing.slack._kept import kept as as_slack_keeps
from tests.adapters.card_records import AT, pending

# Every script, entities, emoji, joined and decomposed characters: what prompts hold.
TEXT = st.text(max_size=400) | st.sampled_from(
    ["&copy; a &amp; b &nbsp;", "ö" * 400, "❓❓", "🚀 1️⃣ ™", "<b>&lt;</b>", "12", "?"]
)
LABEL = st.text(min_size=1, max_size=40).filter(str.strip)


@st.composite
def cards(draw: st.DrawFn) -> Any:
    labels = draw(st.lists(LABEL, min_size=2, max_size=30, unique_by=str.strip))
    options: Any = [{"value": str(at), "label": label} for at, label in enumerate(labels)]
    details: Any = draw(st.dictionaries(st.text(min_size=1, max_size=20), TEXT, max_size=3)) or None
    question = Question(draw(TEXT) or "Go?", options, "select", None, details)
    return build_card(pending(question), {}, rendering=draw(st.integers(1, 10**6)))


def stamped(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Blocks with the ids that Slack gives them."""
    return [{**block, "block_id": f"b{at}"} for at, block in enumerate(blocks)]


def slack_message(card: Any) -> dict[str, Any]:
    """The message as Slack keeps it, which is how it answers, and how a press brings it."""
    blocks = as_slack_keeps(json.loads(json.dumps(render_card(card).blocks)))
    return {"type": "message", "ts": "1.2", "text": "-", "blocks": stamped(blocks)}


def pressed(message: dict[str, Any], block: dict[str, Any], element: dict[str, Any]) -> Pressed:
    """A press of an element in a message; of a picker, of its first option."""
    sent: dict[str, Any] = {
        name: element[name] for name in ("action_id", "type", "text", "value", "style") if name in element
    }
    if "options" in element:
        sent["selected_option"] = element["options"][0]
    payload: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": "U1", "team_id": "T1"},
        "team": {"id": "T1"},
        "trigger_id": "t",
        "container": {"type": "message"},
        "channel": {"id": "C1"},
        "message": message,
        "actions": [{**sent, "block_id": block["block_id"], "action_ts": "1"}],
    }
    event = parse_event("interactive", json.loads(json.dumps(payload)))
    assert isinstance(event, Pressed)
    return event


def controls(message: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for block in message["blocks"]:
        if block["type"] == "actions":
            yield from ((block, element) for element in block["elements"])


@given(cards())
def test_an_honest_press_in_slack_matches_whatever_the_card_says(card: Any) -> None:
    message = slack_message(card)
    answer = kept_message({"ok": True, "message": message})
    shown = {**message, "edited": {"ts": "3"}, "reply_count": 2, "attachments": [{"text": "unfurled"}]}
    for block, element in controls(message):
        event = pressed(shown, block, element)
        assert event.stands
        assert event.kept == answer


def texts(content: Any) -> Iterator[dict[str, Any]]:
    """Everything in blocks that has a text of its own, or the name of an emoji."""
    if isinstance(content, list):
        for one in cast("list[object]", content):
            yield from texts(one)
    elif isinstance(content, dict):
        found = cast("dict[str, Any]", content)
        if isinstance(found.get("text"), str) or found.get("type") == "emoji":
            yield found
        for value in found.values():
            yield from texts(value)


@given(cards(), st.data())
def test_no_changed_card_in_slack_matches(card: Any, data: st.DataObject) -> None:
    """Whatever is changed in a text, a label, an action, an option or the order of the blocks."""
    message = slack_message(card)
    answer = kept_message({"message": message})
    assert answer is not None
    forged = copy.deepcopy(message)
    how = data.draw(st.sampled_from(["text", "action", "order", "more"]))
    if how == "text":
        found = data.draw(st.sampled_from(list(texts(forged["blocks"]))))
        name = "text" if isinstance(found.get("text"), str) else "name"
        found[name] = data.draw(st.text(max_size=30).filter(lambda new: new != found[name]))
    elif how == "action":
        _, element = data.draw(st.sampled_from(list(controls(forged))))
        element["action_id"] = f"{element['action_id']}0"
    elif how == "order":
        assume(forged["blocks"][0] != forged["blocks"][-1])
        forged["blocks"].reverse()
    else:
        forged["blocks"].insert(0, {"type": "section", "text": {"type": "mrkdwn", "text": "More."}})
    event = pressed(forged, *next(controls(forged)))
    assert event.kept is not None
    assert event.kept.digest != answer.digest
    assert answer.differs_in(event.kept) != ()


@given(cards())
def test_what_is_pressed_beside_the_card_does_not_stand_in_it(card: Any) -> None:
    """A button of an attachment, one of another label, and an option that the picker does not have."""
    message = slack_message(card)
    block, element = next(controls(message))
    away = {"block_id": "elsewhere"}
    assert not pressed(message, away, element).stands
    if "options" in element:
        swapped = {**element, "options": [{**element["options"][0], "value": "1"}]}
    else:
        swapped = {**element, "text": {**element["text"], "text": f"{element['text']['text']} not"}}
    assert not pressed(message, block, swapped).stands


def telegram_message(card: Any) -> dict[str, Any]:
    """A message as the Bot API describes it."""
    shown = render_in_telegram(card, UTC, AT)
    return {
        "message_id": 7,
        "date": 1_700_000_000,
        "chat": {"id": -1, "type": "group"},
        "text": shown.text,
        "entities": [{"type": "bold", "offset": 0, "length": 2}],
        "reply_markup": {"inline_keyboard": shown.keyboard},
    }


def tapped(message: dict[str, Any], data: str) -> PressedInTelegram:
    query = {"id": "1", "from": {"id": 7, "first_name": "Bo"}, "message": message, "data": data}
    event = parse_update({"update_id": 1, "callback_query": query}, "99")
    assert isinstance(event, PressedInTelegram)
    return event


def test_a_card_that_was_drawn_before_there_were_times_still_matches() -> None:
    """Else every open card would be out of date after the update, and drawn anew at the first press."""
    message = {"date": 1, "text": "Go?", "entities": [{"type": "bold", "offset": 0, "length": 3}]}
    kept = kept_in_telegram(message)
    assert kept is not None
    assert kept.digest == "48547b6908e98de549a8db1b65df5ae429c65c6c80fa8ed089793a7cbaadb882"
    time = {"type": "date_time", "offset": 0, "length": 3, "date_time_format": "r"}
    earlier, later = (kept_in_telegram({**message, "entities": [{**time, "unix_time": at}]}) for at in (1, 2))
    assert earlier is not None
    assert later is not None
    assert earlier.digest != later.digest, "a changed time is a changed card"


@given(cards())
def test_an_honest_press_in_telegram_matches_whatever_the_card_says(card: Any) -> None:
    message = telegram_message(card)
    shown = {**message, "edit_date": 1_700_000_100, "from": {"id": 99, "is_bot": True}}
    for row in message["reply_markup"]["inline_keyboard"]:
        for button in row:
            event = tapped(shown, button["callback_data"])
            assert event.stands
            assert event.kept == kept_in_telegram(message)
            assert len(button["callback_data"].encode()) <= 64


@given(cards(), st.data())
def test_no_changed_card_in_telegram_matches(card: Any, data: st.DataObject) -> None:
    message = telegram_message(card)
    answer = kept_in_telegram(message)
    assert answer is not None
    forged = copy.deepcopy(message)
    rows = forged["reply_markup"]["inline_keyboard"]
    button = data.draw(st.sampled_from([one for row in rows for one in row]))
    match data.draw(st.sampled_from(["text", "caption", "entities", "label", "data", "second"])):
        case "text":
            forged["text"] = data.draw(st.text(max_size=30).filter(lambda new: new != message["text"]))
        case "caption":
            forged["caption"] = forged.pop("text")
            forged["document"] = {"file_id": "x"}
        case "entities":
            forged["entities"] = []
        case "label":
            button["text"] += "!"
        case "data":
            button["callback_data"] += "0"
        case _:
            rows.append([{"text": "Reject", "callback_data": button["callback_data"]}])
            assert not tapped(forged, button["callback_data"]).stands
    found = kept_in_telegram(forged)
    assert found is not None
    assert found.digest != answer.digest
    assert answer.differs_in(found) != ()


def test_a_message_without_content_matches_nothing() -> None:
    """What Telegram says of a message that it no longer has: its chat, its number, and a date of 0."""
    event = tapped({"message_id": 7, "date": 0, "chat": {"id": -1, "type": "group"}}, "a:x")
    assert event.kept is None
    assert not event.stands
    assert kept_message({"ok": True, "ts": "1"}) is None
