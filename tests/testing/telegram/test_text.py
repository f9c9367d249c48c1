"""Markup becomes what people see, and lengths are counted as Telegram counts them."""

from __future__ import annotations

from typing import Any

import pytest

from sayso.testing.telegram._refusals import Refused
from sayso.testing.telegram._text import read_text, typed_text, utf16_length


def _entities(raw: str, parse_mode: str | None) -> list[tuple[str, str]]:
    parsed = read_text(raw, parse_mode, None)
    return [(entity.type, parsed.covered(entity)) for entity in parsed.entities]


@pytest.mark.parametrize(
    ("raw", "parse_mode", "text", "entities"),
    [
        ("<b>Bo</b> &lt;b&gt; &amp; co", "HTML", "Bo <b> & co", [("bold", "Bo")]),
        ("😀<i>x</i>", "HTML", "😀x", [("italic", "x")]),
        ('<a href="https://a.example/?a=1&amp;b=2">go</a>', "HTML", "go", [("text_link", "go")]),
        ('<a href="tg://user?id=7">Ana</a>', "HTML", "Ana", [("text_mention", "Ana")]),
        ("<b>a<i>b</i></b>", "HTML", "ab", [("bold", "ab"), ("italic", "b")]),
        ('<pre><code class="language-py">x=1</code></pre>', "HTML", "x=1", [("pre", "x=1")]),
        ("<blockquote expandable>long</blockquote>", "HTML", "long", [("expandable_blockquote", "long")]),
        ("*Bo* \\*x\\* _y_", "MarkdownV2", "Bo *x* y", [("bold", "Bo"), ("italic", "y")]),
        ("[go](https://a.example/\\)x)", "MarkdownV2", "go", [("text_link", "go")]),
        ("`a\\`b` ||s||", "MarkdownV2", "a`b s", [("code", "a`b"), ("spoiler", "s")]),
        (">one\n>two\nthree", "MarkdownV2", "one\ntwo\nthree", [("blockquote", "one\ntwo")]),
        ("\\>one", "MarkdownV2", ">one", []),
        ("__u__ ~s~", "MarkdownV2", "u s", [("underline", "u"), ("strikethrough", "s")]),
        ("  <b> padded </b>  ", "HTML", "padded", [("bold", "padded")]),
        ("ask @alice or /approve@sayso_bot #now", None, "ask @alice or /approve@sayso_bot #now",
         [("mention", "@alice"), ("bot_command", "/approve@sayso_bot"), ("hashtag", "#now")]),
        ("see https://a.example/x now", None, "see https://a.example/x now", [("url", "https://a.example/x")]),
        ("<code>@alice</code>", "HTML", "@alice", [("code", "@alice")]),
        ("a\u202egnp.exe\x07", None, "agnp.exe", []),
    ],
)  # fmt: skip
def test_markup_becomes_what_is_seen(
    raw: str, parse_mode: str | None, text: str, entities: list[tuple[str, str]]
) -> None:
    assert read_text(raw, parse_mode, None).text == text
    assert _entities(raw, parse_mode) == entities


@pytest.mark.parametrize(
    ("raw", "parse_mode", "words"),
    [
        ("<b>Bo", "HTML", "can't parse entities"),
        ("<script>x</script>", "HTML", "can't parse entities"),
        ("a < b", "HTML", "can't parse entities"),
        ("AT&T", "HTML", "can't parse entities"),
        ("<b><i>x</b></i>", "HTML", "can't parse entities"),
        ("1.5 percent", "MarkdownV2", "can't parse entities"),
        ("*open", "MarkdownV2", "can't parse entities"),
        ("x", "Markdown", "not played"),
        ("   ", None, "message text is empty"),
        ("<b> </b>", "HTML", "message text is empty"),
        ("x" * 4097, None, "message is too long"),
        ("😀" * 2049, None, "message is too long"),
    ],
)
def test_text_that_telegram_refuses_is_refused(raw: str, parse_mode: str | None, words: str) -> None:
    with pytest.raises(Refused, match=words) as caught:
        read_text(raw, parse_mode, None)
    assert caught.value.bug


@pytest.mark.parametrize("raw", ["x" * 4096, "😀" * 2048, "<b>" + "x" * 4096 + "</b>", "&lt;" * 4096])
def test_length_counts_utf16_units_after_the_markup_is_gone(raw: str) -> None:
    assert utf16_length(read_text(raw, "HTML", None).text) == 4096


def test_a_caption_may_be_empty_but_not_longer_than_1024() -> None:
    assert read_text("", None, None, caption=True).text == ""
    with pytest.raises(Refused, match="caption is too long"):
        read_text("x" * 1025, None, None, caption=True)


@pytest.mark.parametrize(
    "entity", [{"type": "bold", "offset": 0, "length": 3}, {"type": "bold", "offset": -1, "length": 1}]
)
def test_given_entities_stay_inside_the_text(entity: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="out of text bounds"):
        read_text("😀", None, [entity])
    assert read_text("😀", None, [{"type": "bold", "offset": 0, "length": 2}]).entities


def test_what_people_type_is_never_markup() -> None:
    assert typed_text("<b>x</b>").text == "<b>x</b>"
