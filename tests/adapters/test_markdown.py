"""Markdown: the small part that is drawn, and that all the rest of it is text."""

from __future__ import annotations

import pytest

from sayso.adapters.console import Block, Span, read_markdown
from sayso.engine import Link


def texts(text: str) -> list[str]:
    return ["".join(span.text for span in block.spans) for block in read_markdown(text)]


def test_emphasis_and_code_are_styles_of_the_text() -> None:
    (block,) = read_markdown("a **b** *c* ~~d~~ `e` ***f***")
    styled = {span.text: (span.bold, span.italic, span.strike, span.code) for span in block.spans}
    assert styled == {
        "a ": (False,) * 4, "b": (True, False, False, False), " ": (False,) * 4, "c": (False, True, False, False),
        "d": (False, False, True, False), "e": (False, False, False, True), "f": (True, True, False, False),
    }  # fmt: skip


def test_lists_have_their_depth_and_their_marks() -> None:
    shown = [
        (block.depth, block.mark, *texts_of(block)) for block in read_markdown("- a\n  1. b\n  2. c\n- d")
    ]
    assert shown == [(1, "•", "a"), (2, "1.", "b"), (2, "2.", "c"), (1, "•", "d")]


def texts_of(block: Block) -> list[str]:
    return [span.text for span in block.spans]


def test_code_by_itself_keeps_its_lines() -> None:
    assert read_markdown("```python\nif a:\n    b\n```") == (
        Block((Span("if a:\n    b", code=True),), is_code=True, language="python"),
    )


def test_a_link_leads_to_an_https_address_that_has_a_host() -> None:
    (block,) = read_markdown("see [the **report**](https://ci.example.org/1)")
    assert [(span.text, span.link) for span in block.spans] == [
        ("see ", None), ("the ", Link("", "https://ci.example.org/1")),
        ("report", Link("", "https://ci.example.org/1")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))", "[x](http://example.org)", "[x](https://ana@example.org)", "<b>x</b>",
        "# x", "> x", "<https://example.org>", "| a | b |", "@channel", "&lt;x",
    ],
)  # fmt: skip
def test_anything_else_is_text(text: str) -> None:
    (block,) = read_markdown(text)
    assert ("".join(texts_of(block)), {span.link for span in block.spans}) == (text, {None})


def test_what_hides_or_reorders_text_comes_out_visible() -> None:
    assert texts("a\u202eb \x1b[31m") == ["a<U+202E>b \\x1b[31m"]


def test_very_long_text_is_shown_as_it_stands() -> None:
    assert texts("*a* " * 6000) == ["*a* " * 6000]
