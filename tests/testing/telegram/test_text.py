"""Markup becomes what people see, and lengths are counted as Telegram counts them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.testing.telegram._entities import Entity, FormattedText, fixed, utf16_length
from sayso.testing.telegram._links import checked_link
from sayso.testing.telegram._refusals import Refused
from sayso.testing.telegram._text import read_text, typed_text


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
        ("<b>a<i>b</i></b>", "HTML", "ab", [("bold", "a"), ("bold", "b"), ("italic", "b")]),
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
        ("AT&T &copy &nbsp; &quot;&#60;&#x3e", "HTML", 'AT&T &copy &nbsp; "<>', []),
        ("&#8238;a\u030a\r\nb\u2028\tc", "HTML", "a\nb c", []),
        ("\u200e\u200f\u200ex", None, "\u200c\u200c\u200ex", []),
        ("\u00a0x\u3000", None, "\u00a0x\u3000", []),
        ("<b> x \n</b>\n", "HTML", "x", [("bold", "x")]),
        ("<b>a</b><b>b</b>", "HTML", "ab", [("bold", "ab")]),
        ("<i><b>a</b></i> <u> </u>b", "HTML", "a  b", [("bold", "a"), ("italic", "a")]),
        ("<b>a<code>b</code>c</b>", "HTML", "abc", [("bold", "a"), ("code", "b"), ("bold", "c")]),
        ("<b>see @alice_b</b>", "HTML", "see @alice_b",
         [("bold", "see "), ("mention", "@alice_b"), ("bold", "@alice_b")]),
        ('<code class="language-py">x</code>', "HTML", "x", [("code", "x")]),
        ('<i>at <tg-time unix="1647531900" format="wDT">22:45</tg-time></i>', "HTML", "at 22:45",
         [("italic", "at "), ("date_time", "22:45"), ("italic", "22:45")]),
        ('<a href="https://a.example">at <tg-time unix="1">1</tg-time></a>', "HTML", "at 1", [("text_link", "at 1")]),
        ("a@b.example at b.org/x. $USD", None, "a@b.example at b.org/x. $USD",
         [("email", "a@b.example"), ("url", "b.org/x"), ("cashtag", "$USD")]),
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
        ("<b><i>x</b></i>", "HTML", "can't parse entities"),
        ('<tg-time unix="1" format="rt">x</tg-time>', "HTML", "can't parse entities"),
        ('<tg-time unix="now">x</tg-time>', "HTML", "can't parse entities"),
        ('<tg-time format="r">x</tg-time>', "HTML", "can't parse entities"),
        ('<b><tg-time unix="1">x</b></tg-time>', "HTML", "can't parse entities"),
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
    ("entity", "words"),
    [
        ({"type": "bold", "offset": 0, "length": 3}, "ends after the end of the text at UTF-16 offset 3"),
        ({"type": "bold", "offset": -1, "length": 1}, "incorrect offset -1"),
        ({"type": "bold", "offset": 0, "length": -1}, "incorrect length -1"),
    ],
)
def test_given_entities_stay_inside_the_text(entity: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        read_text("😀", None, [entity])
    assert read_text("😀", None, [{"type": "bold", "offset": 0, "length": 2}]).entities


def test_what_people_type_is_never_markup() -> None:
    assert typed_text("<b>x</b>").text == "<b>x</b>"


_TYPES = ("bold", "italic", "underline", "code", "blockquote", "text_link", "spoiler")
_SPANS = st.lists(st.tuples(st.sampled_from(_TYPES), st.integers(0, 12), st.integers(1, 6)), max_size=6)


@given(st.text("ab \n\r\u202e@/.", min_size=18, max_size=18), _SPANS)
def test_what_telegram_has_kept_it_keeps_again(text: str, spans: list[tuple[str, int, int]]) -> None:
    """A bot that sends back what it was given is told that nothing is modified."""
    entities = tuple(
        Entity(kind, offset, length, {"url": "https://a.example/"} if kind == "text_link" else {})
        for kind, offset, length in spans
    )
    kept = fixed(FormattedText(text, entities))
    assert fixed(kept) == kept
    assert all(0 <= one.offset < one.offset + one.length <= utf16_length(kept.text) for one in kept.entities)
    assert not {"\r", "\u202e", "\t"} & set(kept.text)
    assert kept.text == kept.text.strip(" \n") or kept.entities


@pytest.mark.parametrize(
    ("given_url", "kept_url"),
    [
        ("https://A.example", "https://a.example/"),
        ("a.example?x=1&y", "http://a.example/?x=1&y"),
        ("HTTP://me@A.example:80/X y#Z", "http://me@a.example:80/X%20y#Z"),
        ("tg://user?id=7", "tg://user?id=7"),
        ("nothing", None),
        ("https://", None),
    ],
)
def test_addresses_come_back_as_telegram_writes_them(given_url: str, kept_url: str | None) -> None:
    assert checked_link(given_url) == kept_url
