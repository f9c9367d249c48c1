"""Links, code, diffs, tables and Markdown on a card in Slack, by Slack's own means."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, cast

from sayso.adapters.slack import kept_message
from sayso.engine import Code, Diff, Link, Markdown, Table
from sayso.testing.slack import SeenMessage
from tests.bots.slack.stage import Stage

DIFF = "--- a/limits.py\n+++ b/limits.py\n@@ -1 +1 @@\n-LIMIT = 10\n+LIMIT = 20"


def covered(card: SeenMessage, kind: str) -> list[tuple[str, str | None]]:
    """What stands in elements of a kind or in a style, and where it leads."""
    return [(one.words, one.target) for one in card.entities if one.type == kind]


def written(content: object) -> Iterator[dict[str, Any]]:
    """Everything in blocks that has a text of its own."""
    if isinstance(content, list):
        for one in cast("list[object]", content):
            yield from written(one)
    elif isinstance(content, dict):
        found = cast("dict[str, Any]", content)
        if isinstance(found.get("text"), str):
            yield found
        for value in found.values():
            yield from written(value)


async def test_code_diffs_and_tables_stand_in_one_width_and_links_name_their_host(stage: Stage) -> None:
    _, card = await stage.ask(
        shown={
            "Change": Diff(DIFF),
            "Plan": Code("if a:\n    b()", "python"),
            "Checks": Table(["check", "passed"], [["unit", True], ["end to end", False]]),
            "Review": Link("Review changes", "https://github.example.org/1"),
        }
    )
    assert [words for words, _ in covered(card, "rich_text_preformatted")] == [
        DIFF, "if a:\n    b()", "check       passed\nunit        yes\nend to end  no",
    ]  # fmt: skip
    assert covered(card, "link") == [("Review changes", "https://github.example.org/1")]
    assert "Review: Review changes (github.example.org)" in card.text
    await stage.press(stage.ana, card, "✅ approve")
    await stage.until_shows(card, "publish")


async def test_markdown_is_rich_text_and_the_rest_of_it_is_text(stage: Stage) -> None:
    _, card = await stage.ask(
        shown={"Notes": Markdown("**new** ~~old~~ `x` <!channel>\n\n- [see](https://ci.example.org/1)")}
    )
    assert covered(card, "rich_text_quote") == [("new old x <!channel>\n• see (ci.example.org)", None)]
    assert ("new", None) in covered(card, "bold")
    assert (covered(card, "strike"), covered(card, "code")) == ([("old", None)], [("x", None)])
    assert covered(card, "link") == [("see", "https://ci.example.org/1")]
    assert card.notified == ()


async def test_a_detail_of_several_lines_is_quoted(stage: Stage) -> None:
    """Or a line of a text could pass for a line of the card."""
    _, card = await stage.ask(details={"Plan": "one\nRisk: low", "Risk": "high"})
    assert covered(card, "rich_text_quote") == [("one\nRisk: low", None)]
    assert "Plan: \none\nRisk: low\nRisk: high" in card.text


async def test_a_long_diff_shows_its_beginning_and_all_of_it_stands_in_the_thread(stage: Stage) -> None:
    lines = [f"+line {number}" for number in range(40)]
    _, card = await stage.ask(shown={"Change": Diff("\n".join(lines)), "Risk": "high"})
    assert covered(card, "rich_text_preformatted") == [("\n".join(lines[:15]), None)]
    assert "… 25 more lines\nRisk: high\n(continues in Full request)" in card.text
    await stage.slack.until(lambda: len(stage.ana.messages(stage.channel, thread=card.ts)) > 0)
    rest = stage.ana.messages(stage.channel, thread=card.ts)[-1]
    assert rest.text.splitlines() == ["Change:", *(f"│ {line}" for line in lines)]


async def test_the_title_is_a_header_and_short_details_stand_in_columns(stage: Stage) -> None:
    _, card = await stage.ask(
        details={
            "Change": "14 <!channel> commits", "By": "*Ana*", "Risk": "*high*", "Log": "a\nb", "Window": "tonight",
        }
    )  # fmt: skip
    header, columns, text = card.blocks[:3]
    assert (header["type"], header["text"]["text"]) == ("header", "Release 4.2.0?")
    assert [(one["type"], one["text"]) for one in columns["fields"]] == [
        ("plain_text", "Change: 14 <!channel> commits"), ("plain_text", "By: *Ana*"),
    ]  # fmt: skip
    assert text["elements"][0]["elements"][:2] == [
        {"type": "text", "text": "Risk: ", "style": {"bold": True}},
        {"type": "text", "text": "*high*", "style": {"bold": True}},
    ], "what is risky stands out"
    assert "Risk: *high*\nLog: \na\nb\nWindow: tonight" in card.text
    assert card.notified == ()
    await stage.press(stage.ana, card, "✅ approve")
    decided = await stage.until_shows(card, "✅ Approved · Release 4.2.0?")
    assert decided.blocks[0]["type"] == "header"


async def test_what_is_risky_and_links_stand_in_columns_too(stage: Stage) -> None:
    """In their order, with their names in bold; the label of a link is somebody's text like any other."""
    _, card = await stage.ask(
        shown={
            "Change": "14 commits, 2 migrations", "Risk": "high: all orders",
            "Review": Link("Review changes", "https://github.example.org/1?a=b&c=d"), "Window": "in the night " * 6,
            "Log": Link("*Log*", "https://ci.example.org/1"), "By": "Ana", "At": "<!here>",
        }
    )  # fmt: skip
    _, first, row, second = card.blocks[:4]
    assert [(one["type"], one["text"]) for one in first["fields"]] == [
        ("mrkdwn", "*Change:* 14 commits, 2 migrations"),
        ("mrkdwn", "*Risk:* *high: all orders*"),
        (
            "mrkdwn",
            "*Review:* <https://github.example.org/1?a=b&amp;c=d|Review changes> (github.example.org)",
        ),
        ("mrkdwn", f"*Window:* {'in the night ' * 6}"),
    ]
    assert row["type"] == "rich_text"
    assert [(one["type"], one["text"]) for one in second["fields"]] == [
        ("mrkdwn", "*By:* Ana"), ("plain_text", "At: <!here>"),
    ]  # fmt: skip
    assert (
        card.text.index("Risk: high: all orders")
        < card.text.index("*Log* (ci.example.org)")
        < card.text.index("By: Ana")
    )
    assert covered(card, "link")[0] == ("Review changes", "https://github.example.org/1?a=b&c=d")
    assert card.notified == ()


async def test_a_press_is_compared_with_all_that_is_set_off(stage: Stage) -> None:
    """A card under which other code, or another address, stood than the one that was read, is not the card."""
    _, card = await stage.ask(
        shown={
            "Change": Diff(DIFF), "Log": "a\nb", "Review": Link("See", "https://ci.example.org/1"),
            "By": "Ana", "Window": "tonight",
        }
    )  # fmt: skip
    kept = kept_message({"message": {"blocks": list(card.blocks)}})
    found = list(written(list(card.blocks)))
    assert {"header", "section", "rich_text"} < {block["type"] for block in card.blocks}
    assert len(found) > 10
    for position, _ in enumerate(found):
        other = copy.deepcopy(list(card.blocks))
        holder = list(written(other))[position]
        holder["text"] += "!"
        assert kept_message({"message": {"blocks": other}}) != kept
