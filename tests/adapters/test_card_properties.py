"""Whatever people write: it fits, nothing of it is dropped, and nothing of it acts."""

from __future__ import annotations

import html
import io
import json
import re
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from sayso.adapters.cards import build_card, cut, pieces, utf16_length
from sayso.adapters.console import request_card, set_off, visible
from sayso.adapters.slack import HomeCard, SlackMessage, answer_view, home_view, render_card, rest_messages
from sayso.adapters.telegram import render_card as render_telegram
from sayso.engine import CastVote, Policy, Question, RequestStatus, Stage, WorkflowStatus
from sayso.testing.slack import check_blocks, check_view
from tests.adapters.card_records import AT, NOW, PLACES, QUESTIONS, answered, pending, with_request

LENGTHS = [3_000, 3_001, 4_096, 4_097, 20_000]
FAMILY = "👨‍👩‍👧‍👦"
texts = st.text(st.characters(codec="utf-8"), max_size=200) | st.sampled_from(
    [
        "<!channel>",
        "<@U1>",
        "*b* _i_ `c` ~s~",
        "<b>x</b>",
        "&amp;",
        "@everyone /start",
        "a\u202eb",
        FAMILY * 20,
    ]
)


def slack_text(message: SlackMessage) -> str:
    """Everything that is read in the message's blocks."""
    found: list[str] = []
    for block in message.blocks:
        found += [one["text"] for one in (block.get("text"), *block.get("fields", ())) if one is not None]
        for section in block.get("elements", []) if block["type"] == "rich_text" else ():
            said = "".join(one["text"] for one in section["elements"] if one["type"] == "text")
            is_quote = section["type"] == "rich_text_quote"
            found.append("\n".join(f"│ {line}" for line in said.split("\n")) if is_quote else said)
    return "".join(found)


def telegram_text(message: str) -> str:
    """What is read: without tags, and without the joiners that keep mentions and commands from acting; with a bar, as
    apps show it, before each line of a quotation.
    """

    def barred(match: re.Match[str]) -> str:
        return "\n".join(f"│ {line}" for line in match[1].split("\n"))

    quoted = re.sub(r"(?s)<blockquote(?: expandable)?>(.*?)</blockquote>", barred, message)
    return html.unescape(re.sub(r"</?(?:[bi]|tg-time[^>]*)>", "", quoted)).replace("\u2060", "")


@given(prompt=texts, label=texts, name=texts, value=texts)
def test_any_card_fits_slack_and_says_what_was_given(prompt: str, label: str, name: str, value: str) -> None:
    question = Question(prompt, [{"value": "a", "label": label or "x"}, "b"], "select", None, {name: value})
    card = build_card(pending(question), PLACES)
    message = render_card(card)
    assert check_blocks(message.blocks, "message") == []
    assert set_off(card.prompt) in slack_text(message)
    assert not re.search(r"[<>]", message.text), "the notification's text is parsed, and must be escaped"
    kinds = {
        element["type"]
        for block in message.blocks
        if block["type"] == "rich_text"
        for section in block["elements"]
        for element in section["elements"]
    }
    assert kinds <= {"text", "date"}, "a mention or a link was forged"
    pressed = HomeCard(card, card, "its card: #sre", waits=True, said=("Approved.",))
    waiting = HomeCard(card, card, "its card: #sre", waits=True)
    home = home_view([pressed, *[waiting] * 19], 25)
    assert check_view(home) == []
    assert set_off(card.prompt) in slack_text(SlackMessage("", home["blocks"]))


def test_a_home_holds_as_many_cards_as_slack_takes() -> None:
    """Slack refuses views of more than 250 kB: what does not fit is left to its card, and the heading says so."""
    question = Question("字" * 2_900, ["approve"], "select", None, None)
    card = build_card(pending(question), PLACES)
    view = home_view([HomeCard(card, card, "its card: #sre", waits=True)] * 20, 20)
    assert check_view(view) == []
    assert len(json.dumps(view)) < 250_000
    shown = sum(block["type"] == "actions" for block in view["blocks"])
    assert 5 < shown < 20
    heading = slack_text(SlackMessage("", view["blocks"][:1]))
    assert (
        heading
        == f"20 waiting for your answer, {shown} of which are shown here; the others are in their cards:"
    )


@given(prompt=texts, label=texts, name=texts, value=texts)
def test_any_card_fits_telegram_and_says_what_was_given(
    prompt: str, label: str, name: str, value: str
) -> None:
    question = Question(prompt, [{"value": "a", "label": label or "x"}, "b"], "select", None, {name: value})
    card = build_card(pending(question), PLACES)
    message = render_telegram(card, UTC, NOW)
    assert utf16_length(html.unescape(re.sub(r"<[^>]*>", "", message.text))) <= 4096
    assert set_off(card.prompt) in telegram_text(message.text) + message.rest
    tags = {"b", "i", "blockquote", "blockquote expandable", "tg-time"}
    assert {
        re.sub(r' unix="\d+" format="\w+"$', "", tag) for tag in re.findall(r"</?([^>]*)>", message.text)
    } <= tags
    for row in message.keyboard:
        assert all(1 <= len(button["callback_data"].encode()) <= 64 for button in row)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("letter", ["x", FAMILY])
def test_of_a_long_prompt_nothing_is_dropped(length: int, letter: str) -> None:
    prompt = (letter * length)[:length]
    card = build_card(pending(Question(prompt, ["approve"], "select", None, None)), PLACES)
    slack = render_card(card)
    head = slack_text(slack).split("\n(continues in Full request)")[0]
    rest = "".join(slack_text(one) for one in rest_messages(slack.rest) or ())
    if slack.rest:
        assert head + (rest or slack.rest) == card.prompt
    telegram = render_telegram(card, UTC, NOW)
    shown = telegram_text(telegram.text)
    if telegram.rest:
        assert shown.split("\n(continues below)")[0] + telegram.rest == card.prompt
    else:
        assert card.prompt in shown
    assert telegram.keyboard


@pytest.mark.parametrize("length", [1_900, 2_000, 2_001, 2_900, 3_000, 3_001, 3_900, 4_096, 9_000])
def test_the_rest_begins_at_the_same_place_whatever_else_a_card_says(length: int) -> None:
    """It was sent when nobody had voted: were the head cut earlier later on, lines would stand nowhere."""
    question = Question(("step by step\n" * 1000)[:length], ["approve", "reject"], "select", None, None)
    people = [f"telegram:{number}" for number in range(1, 40)]
    votes = tuple(CastVote(one, "web", "approve", AT, "because " * 100, one) for one in people[1:])
    policy = Policy(stages=[Stage(people, need="all")], audience=tuple(people))
    first = with_request(pending(question), policy=policy, audience=tuple(people), note="n" * 290)
    later = with_request(
        pending(question, votes=votes, revised_at=AT), policy=policy, audience=tuple(people), note="n" * 290
    )
    decided = with_request(
        later, status=RequestStatus.ANSWERED, answer='"approve"', resolved_at=AT, resolved_by="telegram:1"
    )
    offline = ["sayso was offline from 12:03 to 12:19. Buttons pressed then were lost; please press again."]
    cards = [build_card(first, PLACES), build_card(later, PLACES, offline), build_card(decided, PLACES)]
    assert len({render_card(card).rest for card in cards}) == 1
    messages = [render_telegram(card, UTC, NOW) for card in cards]
    assert len({message.rest for message in messages}) == 1
    assert all(utf16_length(telegram_text(message.text)) <= 4096 for message in messages)
    assert all("release/publish" in message.text for message in messages)


@pytest.mark.parametrize("count", [1, 5, 6, 25, 26, 100, 101, 500])
def test_any_number_of_options_can_be_shown(count: int) -> None:
    options: list[Any] = [f"option {number}" for number in range(count)]
    for kind in ("select", "multiselect"):
        card = build_card(pending(Question("Which?", options, kind, None, None)), PLACES)
        assert check_blocks(render_card(card).blocks, "message") == []
        assert check_view(answer_view(card, None)) == []
        keyboard = render_telegram(card, UTC, NOW).keyboard
        assert sum(len(row) for row in keyboard) <= 100
        assert max(len(row) for row in keyboard) <= 8


@given(st.text(max_size=80), st.integers(1, 40))
def test_cutting_keeps_whole_graphemes_and_the_limit(text: str, limit: int) -> None:
    shown = cut(text, limit, utf16_length)
    assert utf16_length(shown) <= max(limit, utf16_length("…"))
    assert shown == text or text.startswith(shown.removesuffix("…"))


def test_an_emoji_at_the_limit_is_left_out_whole() -> None:
    assert cut("ab" + FAMILY, 8) == "ab…"
    assert cut("ab👍", 4, utf16_length) == "ab👍"
    assert cut("abc👍", 4, utf16_length) == "abc…"


@given(st.text(max_size=300), st.integers(2, 50))
def test_pieces_join_to_the_whole(text: str, limit: int) -> None:
    found = list(pieces(text, limit, utf16_length))
    assert "".join(found) == text
    assert all(0 < utf16_length(one) <= limit for one in found)


def test_text_that_changes_its_direction_is_shown_and_not_obeyed() -> None:
    card = build_card(pending(Question("pay \u202eeert", ["yes"], "select", None, None)), PLACES)
    assert "\u202e" not in card.prompt
    assert card.prompt == visible("pay \u202eeert")


LINE_ENDS = ["\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029", "\n\n", "\n\u200b", "\n    "]
OURS = "Eve requested 12:03"
several = st.lists(
    st.sampled_from(["", " ", "x", OURS, "1 of 2 approved · Bo 12:04", "─" * 20]), min_size=2, max_size=6
).flatmap(lambda lines: st.sampled_from(LINE_ENDS).map(lambda end: end.join([*lines, OURS])))
HIDDEN = re.compile(r"^[\s\u200b-\u200f\u2060]*(Eve requested 12:03|1 of 2 approved · Bo 12:04|─{20})")


def lines_like_ours(text: str) -> list[str]:
    """Lines that pass for some of the card itself, however a reader's app ends lines."""
    return [line for line in text.splitlines() if HIDDEN.match(line)]


@settings(max_examples=40)
@given(text=several, value=several)
def test_no_line_of_a_text_passes_for_one_of_the_card(text: str, value: str) -> None:
    """A detail of several lines wrote "Eve requested …" below the card's own."""
    question = Question(
        f"Go?\n{text}", ["approve", "reject"], "select", None, {"Log": f"a{text}", "More": [{"a": value}]}
    )
    vote = CastVote("telegram:7", "telegram", "approve", AT, f"fine{text}", "telegram:7")
    policy = Policy(
        stages=[Stage(["telegram:7", "telegram:8"], need=2)], audience=("telegram:7", "telegram:8")
    )
    opened = with_request(pending(question, votes=(vote,)), note=f"soon{text}", policy=policy)
    ended = with_request(
        pending(question, votes=(vote,), run_status=WorkflowStatus.FAILED, run_ended_at=AT),
        status=RequestStatus.ANSWERED, answer='"approve"', resolved_at=AT, resolved_by="telegram:7", note=f"soon{text}",
    )  # fmt: skip
    for record in (opened, ended):
        card = build_card(record, PLACES)
        slack, telegram = render_card(card), render_telegram(card, UTC, NOW)
        home = home_view([HomeCard(card, card, "its card: #sre", waits=True)], 1)
        assert lines_like_ours(slack_text(slack)) == []
        assert lines_like_ours(slack.text) == []
        assert lines_like_ours(slack_text(SlackMessage("", home["blocks"]))) == []
        assert lines_like_ours(telegram_text(telegram.text)) == []
        assert lines_like_ours(slack.rest + telegram.rest) == []
    assert lines_like_ours(shown(request_card(opened.request, "release", NOW))) == []


def shown(card: RenderableType) -> str:
    """What a terminal would show, without the frame and the rules."""
    console = Console(file=io.StringIO(), width=1000)
    console.print(card)
    assert isinstance(console.file, io.StringIO)
    lines = [line.strip("│") for line in console.file.getvalue().splitlines() if line[:1] == "│"]
    return "\n".join(line for line in lines if line.count("─") < len(line) - 4)


@pytest.mark.parametrize("status", [WorkflowStatus.COMPLETED, WorkflowStatus.FAILED, WorkflowStatus.RUNNING])
def test_a_card_that_its_run_has_left_behind_says_nothing_that_may_be_old(status: WorkflowStatus) -> None:
    """It is not edited at the run's end any more, so what it says holds whatever became of the run."""
    record = answered(QUESTIONS["select"], "approve", run_status=status, run_ended_at=AT, follows=False)
    card = build_card(record, {})
    assert card.status == "✅ Approved"
    assert card.said[1:] == (
        ("Run 8f3a0000 has made many more requests since; its latest cards show how it ended.",),
    )
