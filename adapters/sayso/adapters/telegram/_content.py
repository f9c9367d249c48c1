"""A detail by Telegram's own means: code and tables in one width, text of several lines quoted, links with their host.

What is quoted or in one width is an entity of the message, so that none of its lines passes for a line of the card.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sayso.adapters.cards import Field, pieces, utf16_length
from sayso.adapters.console import content_text, read_markdown, size_words, visible_line
from sayso.adapters.telegram._text import Stretch, Style, inert, plain
from sayso.engine import Code, Diff, Link, Markdown, StoredFile, StoredImage, Table

MOST_LINES = 15
_MOST_UNITS = 900
"""What a card shows of code, of a diff, or of a table; all of it follows below the card."""

_LONG_LINES = 5
_LONG_UNITS = 300
"""A quotation beyond these opens at a tap."""

_LANGUAGE = re.compile(r"[\w+#.-]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A detail as a card shows it; `whole` is all of it as plain text where the card shows only its beginning."""

    stretches: tuple[Stretch, ...]
    whole: str = ""


def draw_field(field: Field, *, follows: bool = True) -> Drawn:
    """The detail behind its name. What is left out, and what is a file, is said to stand below if it `follows`."""
    below = ", below" if follows else ""
    name = Stretch(f"{inert(field.name)}: ", Style.BOLD)
    match field.content:
        case None:
            style = Style.BOLD if field.marked else Style.PLAIN
            return Drawn((name, *_quoted((Stretch(inert(field.text).strip("\n"), style),))))
        case Link():
            return Drawn((name, link_stretch(field.content)))
        case Markdown():
            return Drawn((name, *_quoted(tuple(_markdown(field.content)))))
        case Code():
            return _in_one_width(name, field.text, field.content.language, below)
        case Diff():
            return _in_one_width(name, field.text, "diff", below)
        case Table():
            return _in_one_width(name, field.text, None, below)
        case StoredImage():
            size = size_words(field.content.size)
            return Drawn((name, Stretch(f"🖼 {inert(visible_line(field.content.alt))} ({size}){below}")))
        case StoredFile():
            size = size_words(field.content.size)
            return Drawn((name, Stretch(f"📎 {inert(visible_line(field.content.name))} ({size}){below}")))


def whole_field(field: Field) -> str:
    """All of a detail as plain text."""
    match field.content:
        case None | StoredImage() | StoredFile():
            return plain(draw_field(field).stretches)
        case _:
            text = Stretch(inert(content_text(field.content)), Style.QUOTE)
            return plain((Stretch(f"{inert(field.name)}:\n"), text))


def link_stretch(link: Link) -> Stretch:
    """A label that leads there, with the host beside it, which says where that is."""
    return Stretch(f"{inert(visible_line(link.label))} ({inert(visible_line(link.host))})", link=link.url)


def _in_one_width(name: Stretch, text: str, language: str | None, below: str) -> Drawn:
    text = text.strip("\n")
    lines = text.split("\n")
    shown = "\n".join(lines[:MOST_LINES])
    if utf16_length(shown) > _MOST_UNITS:
        shown = next(pieces(shown, _MOST_UNITS, utf16_length))
    named = language if language is not None and _LANGUAGE.fullmatch(language) else None
    code = Stretch(shown.rstrip("\n"), Style.PRE, language=named)
    if len(shown) == len(text):
        return Drawn((name, Stretch("\n"), code))
    left = text[len(shown) :].strip("\n").count("\n") + 1
    more = Stretch(f"\n… {left} more line{'' if left == 1 else 's'}{below}", Style.ITALIC)
    whole = plain((Stretch(f"{name.text.strip()}\n"), Stretch(inert(text), Style.QUOTE)))
    return Drawn((name, Stretch("\n"), code, more), whole)


def _quoted(stretches: tuple[Stretch, ...]) -> tuple[Stretch, ...]:
    """As it is on one line; else quoted, and behind a tap where it is long."""
    text = "".join(one.text for one in stretches)
    lines, units = text.count("\n") + 1, utf16_length(text)
    if lines == 1 and units <= _LONG_UNITS:
        return stretches
    quote = Style.EXPANDABLE if lines > _LONG_LINES or units > _LONG_UNITS else Style.QUOTE
    return (Stretch("\n"), *(replace(one, style=one.style | quote) for one in stretches))


def _markdown(content: Markdown) -> Iterator[Stretch]:
    for position, block in enumerate(read_markdown(content.text)):
        yield Stretch("\n" if position else "")
        indent = "  " * max(0, block.depth - 1)
        yield Stretch(f"{indent}{block.mark} " if block.mark else "")
        for span in block.spans:
            if block.is_code:
                known = block.language is not None and _LANGUAGE.fullmatch(block.language)
                yield Stretch(span.text, Style.PRE, language=block.language if known else None)
            elif span.code and span.link is None:
                yield Stretch(span.text, Style.CODE)
            else:
                style = Style.BOLD if span.bold else Style.PLAIN
                style |= Style.ITALIC if span.italic else Style.PLAIN
                style |= Style.STRIKE if span.strike else Style.PLAIN
                yield Stretch(inert(span.text), style, None if span.link is None else span.link.url)
            if span.link is not None:
                yield Stretch(f" ({inert(visible_line(span.link.host))})", link=span.link.url)
