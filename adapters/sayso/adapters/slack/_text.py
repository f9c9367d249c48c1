"""Text for Slack: rich text, in which nothing that people wrote has a meaning.

A `rich_text` block takes text as it is: what looks like a mention, a link or formatting in it stays characters. Only
the `text` beside the blocks, which notifications show, is parsed, and therefore escaped. Instants are Slack's own
dates, which every reader sees in their own time zone (docs.slack.dev/reference/block-kit/blocks/rich-text-block).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Flag, auto
from itertools import groupby
from typing import Any

from sayso.adapters.cards import At, Mentioned, Since, Words, cut, pieces
from sayso.adapters.console import quoted
from sayso.engine import instant_in_words

Block = dict[str, Any]

TEXT_LIMIT = 3000
"""Characters of one text in a block; rich text, for which Slack names no limit, is kept to it as well."""

_UNESCAPED = re.compile(r"[<>]|&(?!(?:amp|lt|gt);)")
_FALLBACK_LIMIT = 300
_DATE_FORMAT = "{date_short_pretty} {time}"
_SENTENCE_FORMAT = "{date_short_pretty} at {time}"
AGE_FORMAT = "{ago}"


class Style(Flag):
    """How a stretch of text looks. What is `PRE`, in lines and one width, or a `QUOTE` stands on lines of its own."""

    PLAIN = 0
    BOLD = auto()
    ITALIC = auto()
    STRIKE = auto()
    CODE = auto()
    PRE = auto()
    QUOTE = auto()


_NAMES = {Style.BOLD: "bold", Style.ITALIC: "italic", Style.STRIKE: "strike", Style.CODE: "code"}
_SET_OFF = Style.PRE | Style.QUOTE
_KINDS = {
    Style.PLAIN: "rich_text_section",
    Style.PRE: "rich_text_preformatted",
    Style.QUOTE: "rich_text_quote",
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Text in one style, an instant, or a mention in the place of a name. With `link` it leads there."""

    content: str | datetime
    style: Style = Style.PLAIN
    link: str | None = None
    date_format: str = _DATE_FORMAT

    @property
    def length(self) -> int:
        """Characters; of an instant, those that are shown where it cannot be put into the reader's own time."""
        return len(self.content if isinstance(self.content, str) else in_utc(self.content))


def stretches(words: Words, style: Style = Style.PLAIN) -> Iterator[Stretch]:
    """Words as stretches of one style. Slack writes the day first, so "at" goes behind it: `today at 12:01`."""
    date_format = _DATE_FORMAT
    for part in words:
        if isinstance(part, At):
            date_format = _SENTENCE_FORMAT
        elif part:
            yield Stretch(part, style, date_format=date_format)
            date_format = _DATE_FORMAT


def in_utc(instant: datetime) -> str:
    """An instant for those who cannot see it in their own time."""
    return instant_in_words(instant.astimezone(UTC))


def plain(words: Words) -> str:
    """Words as plain text, with instants in UTC."""
    return "".join(part if isinstance(part, str) else in_utc(part) for part in words)


def rich_text(content: Iterable[Stretch]) -> Block | None:
    """A block of this text; None where there is none, for Slack refuses an empty one."""
    given = [one for one in content if one.content]
    groups = [(kind, list(group)) for kind, group in groupby(given, lambda one: one.style & _SET_OFF)]
    parts: list[Block] = []
    for position, (kind, group) in enumerate(groups):
        # What is set off has lines of its own, without a line's end before and behind it.
        is_last = position == len(groups) - 1
        shown = group if kind else _trimmed(group, first=position > 0, last=not is_last)
        if shown:
            parts.append({"type": _KINDS[kind], "elements": [_element(one) for one in shown]})
    return {"type": "rich_text", "elements": parts} if parts else None


def _trimmed(group: list[Stretch], *, first: bool, last: bool) -> list[Stretch]:
    """Running text without the line's end with which it begins or ends."""
    if first and isinstance(group[0].content, str):
        group = [replace(group[0], content=group[0].content.removeprefix("\n")), *group[1:]]
    if last and isinstance(group[-1].content, str):
        group = [*group[:-1], replace(group[-1], content=group[-1].content.removesuffix("\n"))]
    return [one for one in group if one.content]


def unstyled(content: Iterable[Stretch]) -> str:
    """The content as plain text, in which what is set off has a bar before each of its lines."""
    written: list[str] = []
    for kind, group in groupby(content, lambda one: one.style & _SET_OFF):
        text = "".join(plain((one.content,)) for one in group)
        written.append(quoted(f"{text}\n").removeprefix("\n") if kind and text else text)
    return "".join(written)


def fallback(text: str) -> str:
    """A notification's text: escaped, for it is parsed (docs.slack.dev/messaging/formatting-message-text)."""
    shown = cut(" ".join(text.split()), _FALLBACK_LIMIT)
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mention_text(lines: Iterable[Words]) -> str:
    """The mentions in some lines as they stand in a notification's text, each once and behind a blank."""
    found = [part for line in lines for part in line if isinstance(part, Mentioned)]
    texts = (f" <!subteam^{one.id}>" if one.is_group else f" <@{one.id}>" for one in found)
    return "".join(dict.fromkeys(texts))


def typed_text(given: object) -> str:
    """What somebody typed, as they did: Slack escapes three characters of it (formatting-message-text, as above). Text
    with one of them left was not escaped.
    """
    text = str(given)
    if _UNESCAPED.search(text):
        return text
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def plain_text(text: str, limit: int) -> dict[str, Any]:
    """A plain text object, cut at a grapheme; emoji codes such as `:warning:` stay what they are."""
    return {"type": "plain_text", "text": cut(text, limit), "emoji": False}


def split(content: Iterable[Stretch], room: int) -> tuple[list[Stretch], str]:
    """As much of the text as there is room for, and the rest as plain text."""
    kept: list[Stretch] = []
    waiting = list(content)
    for position, one in enumerate(waiting):
        if one.length <= room:
            kept.append(one)
            room -= one.length
            continue
        text = one.content if isinstance(one.content, str) else in_utc(one.content)
        head = next(pieces(text, room), "") if room > 0 else ""
        if head:
            kept.append(replace(one, content=head))
        return kept, unstyled([replace(one, content=text[len(head) :]), *waiting[position + 1 :]])
    return kept, ""


def _element(stretch: Stretch) -> dict[str, Any]:
    if isinstance(stretch.content, datetime):
        element: dict[str, Any] = {
            "type": "date",
            "timestamp": int(stretch.content.timestamp()),
            "format": AGE_FORMAT if isinstance(stretch.content, Since) else stretch.date_format,
            "fallback": in_utc(stretch.content),
        }
    elif isinstance(stretch.content, Mentioned):
        kind = "usergroup" if stretch.content.is_group else "user"
        element = {"type": kind, f"{kind}_id": stretch.content.id}
    elif stretch.link is not None:
        element = {"type": "link", "url": stretch.link, "text": stretch.content}
    else:
        element = {"type": "text", "text": stretch.content}
    style = {_NAMES[one]: True for one in stretch.style & ~_SET_OFF}
    return {**element, "style": style} if style else element
