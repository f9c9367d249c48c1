"""Text for Telegram: HTML in which nothing that people wrote has a meaning, measured as Telegram measures it.

Tags and entities are escaped. Two things would still act in plain text: `@name` notifies somebody, and `/word` becomes
a command that a tap sends. Both get an invisible word joiner (U+2060) behind their first character, which shows the
same and does nothing; commands that sayso itself names in a reply act. A web address stays an address: what is tapped
is what is read.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from enum import Flag, auto
from itertools import groupby

from sayso.adapters.cards import Mentioned, Since, ToType, Words, pieces, utf16_length
from sayso.adapters.console import quoted
from sayso.engine import instant_in_words

MESSAGE_LIMIT = 4096
"""UTF-16 units of a message after its entities are parsed (core.telegram.org/bots/api#sendmessage)."""

CAPTION_LIMIT = 1024
"""UTF-16 units of what stands below a picture or file (core.telegram.org/bots/api#sendphoto)."""

TOAST_LIMIT = 200
"""Characters of an answer to a press (core.telegram.org/bots/api#answercallbackquery)."""

_ACTING = re.compile(r"(?<![\w/@])([@/])(?=\w)")
_JOINER = "\u2060"


class Style(Flag):
    """How a stretch of text looks. `CODE` and `PRE` stand for themselves: Telegram keeps no other style in them, but
    for a quotation around them, of which an `EXPANDABLE` one opens at a tap.
    """

    PLAIN = 0
    BOLD = auto()
    ITALIC = auto()
    STRIKE = auto()
    CODE = auto()
    PRE = auto()
    QUOTE = auto()
    EXPANDABLE = auto()


_TAGS = {Style.BOLD: "b", Style.ITALIC: "i", Style.STRIKE: "s", Style.CODE: "code"}
_QUOTES = Style.QUOTE | Style.EXPANDABLE
_SET_OFF = _QUOTES | Style.PRE


@dataclass(frozen=True, slots=True)
class Stretch:
    """Text in one style. With `link` it leads there. `language` is that of `PRE`. The text of an `instant` is what apps
    show that cannot put it into the reader's own time.
    """

    text: str
    style: Style = Style.PLAIN
    link: str | None = None
    language: str | None = None
    instant: datetime | None = None
    time_format: str = ""


def inert(text: str) -> str:
    """Text that notifies nobody and holds no command to tap."""
    return _ACTING.sub(rf"\1{_JOINER}", text)


def active(text: str) -> str:
    """What `inert` made of it, as it was."""
    return text.replace(_JOINER, "")


def as_html(stretches: tuple[Stretch, ...] | list[Stretch]) -> str:
    """The message's text for `parse_mode=HTML`."""
    written: list[str] = []
    for quote, group in groupby((one for one in stretches if one.text), lambda one: one.style & _QUOTES):
        text = "".join(map(_tagged, group))
        opened = "<blockquote expandable>" if quote & Style.EXPANDABLE else "<blockquote>"
        written.append(f"{opened}{text}</blockquote>" if quote else text)
    return "".join(written)


def length(stretches: tuple[Stretch, ...] | list[Stretch]) -> int:
    """What the text measures for Telegram."""
    return sum(utf16_length(one.text) for one in stretches)


def split(stretches: list[Stretch], room: int) -> tuple[list[Stretch], str]:
    """As much of the text as there is room for, and the rest as plain text."""
    kept: list[Stretch] = []
    for position, one in enumerate(stretches):
        size = utf16_length(one.text)
        if size <= room:
            kept.append(one)
            room -= size
            continue
        head = next(pieces(one.text, room, utf16_length), "") if room > 0 and one.instant is None else ""
        kept.append(replace(one, text=head))
        rest = replace(one, text=one.text[len(head) :])
        return kept, plain((rest, *stretches[position + 1 :]))
    return kept, ""


def plain(stretches: Iterable[Stretch]) -> str:
    """The text without its looks, in which what was quoted or code has a bar before each line."""
    written: list[str] = []
    for is_set_off, group in groupby(stretches, lambda one: bool(one.style & _SET_OFF)):
        text = "".join(one.text for one in group)
        written.append(quoted(f"{text}\n").removeprefix("\n") if is_set_off else text)
    return "".join(written)


def message_link(chat_id: str, message_id: str) -> str | None:
    """Where a message of a supergroup is found (core.telegram.org/api/links#message-links); None in other chats."""
    inner = chat_id.removeprefix("-100")
    return f"https://t.me/c/{inner}/{message_id}" if inner != chat_id else None


def in_zone(words: Words, zone: tzinfo, now: datetime) -> str:
    """Words with their instants in a time zone: `17:30` today, otherwise `28 Nov 2026, 17:30 UTC`."""
    return "".join(one if isinstance(one, str) else _instant(one, zone, now) for one in words)


def worded(words: Words, zone: tzinfo, now: datetime, style: Style = Style.PLAIN) -> Iterator[Stretch]:
    """Words in one style, that act where they mention somebody and nowhere else. Apps show their instants in the
    reader's own time zone, and ages as of when they are read; apps that cannot show them in this zone.
    """
    for kind, group in groupby(words, _kind):
        parts = tuple(group)
        if kind is str:
            yield Stretch(inert(in_zone(parts, zone, now)), style)
            continue
        for one in parts:
            text = inert(in_zone((one,), zone, now))
            if isinstance(one, Mentioned):
                yield Stretch(text, style, f"tg://user?id={one.id}")
            elif isinstance(one, datetime):
                yield Stretch(text, style, instant=one, time_format=_time_format(one, zone, now))


def replied(words: Words, zone: tzinfo, now: datetime) -> Iterator[Stretch]:
    """Words to one person, in which nothing acts but the commands: a tap sends those of one word, and copies others."""
    for is_command, group in groupby(words, lambda one: isinstance(one, ToType)):
        text = in_zone(tuple(group), zone, now)
        yield (
            Stretch(text, Style.CODE if " " in text else Style.PLAIN) if is_command else Stretch(inert(text))
        )


def _kind(part: str | datetime) -> type:
    return Mentioned if isinstance(part, Mentioned) else str if isinstance(part, str) else datetime


def _time_format(instant: datetime, zone: tzinfo, now: datetime) -> str:
    """How apps write it: as an age, or as a time with a short date unless it is today's
    (core.telegram.org/bots/api#date-time-entity-formatting).
    """
    if isinstance(instant, Since):
        return "r"
    return "t" if _is_today(instant, zone, now) else "dt"


def _is_today(instant: datetime, zone: tzinfo, now: datetime) -> bool:
    return instant.astimezone(zone).date() == now.astimezone(zone).date()


def _instant(instant: datetime, zone: tzinfo, now: datetime) -> str:
    local = instant.astimezone(zone)
    return f"{local:%H:%M}" if _is_today(instant, zone, now) else instant_in_words(local)


def _tagged(stretch: Stretch) -> str:
    escaped = html.escape(stretch.text, quote=False)
    if stretch.link is not None:
        escaped = f'<a href="{html.escape(stretch.link)}">{escaped}</a>'
    if stretch.style & Style.PRE:
        named = "" if stretch.language is None else f' class="language-{html.escape(stretch.language)}"'
        return f"<pre><code{named}>{escaped}</code></pre>" if named else f"<pre>{escaped}</pre>"
    if stretch.instant is not None:
        unix = int(stretch.instant.timestamp())
        escaped = f'<tg-time unix="{unix}" format="{stretch.time_format}">{escaped}</tg-time>'
    for style, tag in _TAGS.items():
        if stretch.style & style:
            escaped = f"<{tag}>{escaped}</{tag}>"
    return escaped
