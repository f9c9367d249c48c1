"""The small grey line below a card in Slack: whatever people are called, nothing in it acts but what sayso wrote."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sayso.adapters.cards import Card, Mentioned, build_card
from sayso.adapters.slack import render_card
from sayso.adapters.slack._markup import is_inert
from sayso.engine import Link, Policy, Question, Stage
from sayso.testing.slack import check_blocks
from tests.adapters.card_records import NOW, PLACES, QUESTIONS, pending, with_request

ACTING = re.compile(r"[&<>*_~`;=|\\\n]|:(?! )|(?<![^\W_]{2}):|\(\W|(?<![^\W\d_]{2})\)")
CONTROL = re.compile(
    r"<!date\^\d+\^\{[a-z_]+\}(?: \{time\})?\|[\w ,:]+>|<@U\w+>|<!subteam\^S\w+>|<https://[^<>|\s]+\|Open in inbox>"
)
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30) | (
    st.sampled_from(
        [
            "*Ana*",
            "_Ana_",
            "<!channel>",
            "<@U9>",
            ":tada:",
            "a:b",
            "`rm`",
            "~x~",
            "@here",
            "R&D",
            "Ana",
            "8)",
            "Ana: on call",
            "D: x",
            ":a b: c",
        ]
    )
)


def people(count: int, *, every: int = 1) -> Any:
    """Mentions for every so-many of so many accounts."""
    ids = {f"slack:T1:U{number}": f"U{number}" for number in range(0, count, every)}

    def mentions(entry: str) -> tuple[Mentioned, ...]:
        if entry == "group:sre":
            return (Mentioned("@sre", "S1", is_group=True),)
        return (Mentioned(f"person {ids[entry]}", ids[entry]),) if entry in ids else ()

    return mentions


def card(who: str, approvers: list[str], called: str, *, workflow: str = "release", every: int = 1) -> Card:
    policy = Policy(stages=[Stage(approvers, need=1)], audience=tuple(approvers))
    named = {"person:who": who, **{one: f"{called}{at}" for at, one in enumerate(approvers)}}
    record = replace(pending(QUESTIONS["select"], names=named), workflow=workflow)
    record = with_request(record, policy=policy, audience=tuple(approvers), requested_by="person:who")
    mentions = people(len(approvers), every=every)
    return build_card(record, PLACES, inbox="https://sayso.example.org/a&b", mentions=mentions)


def context(shown: Card) -> list[dict[str, Any]]:
    blocks = render_card(shown).blocks
    assert check_blocks(blocks, "message") == []
    return [one for block in blocks if block["type"] == "context" for one in block["elements"]]


def test_the_line_is_one_piece_with_dates_mentions_and_a_link() -> None:
    """Slack leaves a gap between the elements of a context block: one element looks like one line."""
    (line,) = context(card("Ana", ["group:sre"], "SRE"))
    assert line["verbatim"] is True
    assert re.sub(r"\^\d+\^", "^…^", line["text"]) == (
        "Ana requested <!date^…^{ago}|24 Nov 2026, 11:58 UTC> · waiting for 1 of <!subteam^S1> · "
        "due <!date^…^{date_short_pretty} {time}|24 Nov 2026, 17:03 UTC> · release/publish · "
        "<https://sayso.example.org/a&amp;b/requests/0123456789abcdef0123456789abcdef|Open in inbox>"
    )


def test_a_group_with_its_members_in_brackets_is_one_piece_too() -> None:
    """Brackets stand around mentions, which are sayso's own."""
    ids = {"slack:T1:U1": "U1", "slack:T1:U2": "U2"}
    record = pending(QUESTIONS["select"], names={"person:who": "Ana"})
    policy = Policy(stages=[Stage(["group:sre"], need=2)], audience=("group:sre",))
    record = with_request(record, policy=policy, audience=policy.audience, requested_by="person:who")
    mentions = tuple(Mentioned(f"@{one}", one) for one in ids.values())
    (line,) = context(
        build_card(record, PLACES, mentions=lambda entry: mentions if entry == "group:sre" else ())
    )
    assert "waiting for 2 of @sre (<@U1> and <@U2>) · " in line["text"]


@pytest.mark.parametrize("text", ["; 1 of ", "Ana; then Bo", "in the end: Bo (night shift)"])
def test_what_people_write_between_words_means_nothing(text: str) -> None:
    assert is_inert(text)


@pytest.mark.parametrize(
    "text", [";)", "Bo ;)", "8)", ":cake:", "x:", "&lt;", "*Bo*", "<@U1>", "a_b", "`a`", "~a~"]
)
def test_what_begins_or_ends_something_is_not_inert(text: str) -> None:
    assert not is_inert(text)


def test_text_that_would_mean_something_is_plain_text() -> None:
    line = context(card("*Ana*", ["group:sre"], "SRE", workflow="release_it"))
    assert [(one["type"], one["text"].partition(" ")[0]) for one in line] == [
        ("plain_text", "*Ana*"), ("mrkdwn", line[1]["text"].partition(" ")[0]), ("plain_text", "release_it/publish"),
        ("mrkdwn", line[3]["text"].partition(" ")[0]),
    ]  # fmt: skip
    assert [one["text"][-2:] for one in line[:-1]] == ["ed", " ·", " ·"], "a dot ends what stands before it"


@given(who=names, called=names, workflow=names, count=st.integers(1, 8), every=st.integers(1, 3))
def test_no_name_acts(who: str, called: str, workflow: str, count: int, every: int) -> None:
    approvers = [f"slack:T1:U{number}" for number in range(count)]
    for one in context(card(who, approvers, called, workflow=workflow, every=every)):
        if one["type"] == "mrkdwn":
            assert not ACTING.search(CONTROL.sub("name", one["text"])), one
        else:
            assert one["emoji"] is False


def test_more_pieces_than_a_block_holds_take_another() -> None:
    """Mentions and names that have to be plain text alternate."""
    approvers = [f"slack:T1:U{number}" for number in range(6)]
    stages = [Stage(approvers, name=f"*{number}*") for number in range(4)]
    policy = Policy(stages=stages, audience=tuple(approvers))
    record = with_request(pending(QUESTIONS["select"], names=dict.fromkeys(approvers, "*")), policy=policy)
    blocks = render_card(build_card(record, PLACES, mentions=people(6, every=2))).blocks
    assert check_blocks(blocks, "message") == []
    assert sum(block["type"] == "context" for block in blocks) == 3


def test_it_says_how_old_the_request_is_by_the_readers_clock() -> None:
    """Slack keeps such an age up to date."""
    (line,) = context(card("Ana", ["group:sre"], "SRE"))
    assert line["text"].startswith(f"Ana requested <!date^{int(NOW.timestamp()) - 360}^{{ago}}|")


@given(name=names, value=names, label=names)
def test_nothing_in_a_column_acts(name: str, value: str, label: str) -> None:
    """Marked, plain and linked details side by side; their names in bold are the only markup, and the link."""
    details: Any = {
        name: value,
        f"{name} 2": value,
        "Risk": value,
        "Review": Link(label, "https://x.example/?a&b"),
    }
    shown = build_card(pending(Question("Go?", ["approve"], "select", None, details, ("Review",))), {})
    blocks = render_card(shown).blocks
    assert check_blocks(blocks, "message") == []
    for one in (field for block in blocks for field in block.get("fields", ())):
        if one["type"] == "mrkdwn":
            bare = re.sub(r"^\*([^*]+):\* ", r"\1 ", one["text"]).replace(" (x.example)", "")
            bare = re.sub(r"^(Risk) \*([^*]+)\*$", r"\1 \2", bare)
            bare = re.sub(r"<https://x\.example/\?a&amp;b\|([^<>|]+)>$", r"\1", bare)
            assert not ACTING.search(bare), one
