"""A detail by Slack's own means: code and tables in one width, text of several lines quoted, links with their host.

What is quoted or in one width is an element of its own, so that none of its lines passes for a line of the card.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sayso.adapters.cards import Field, pieces
from sayso.adapters.console import read_markdown, visible_line
from sayso.adapters.slack._text import Stretch, Style, unstyled
from sayso.engine import Code, Diff, Link, Markdown, StoredFile, StoredImage, Table

_MOST_LINES = 15
_MOST_CHARACTERS = 900
"""What a card shows of code, of a diff, or of a table; all of it stands in the full request, and in the thread."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A detail as a card shows it; `whole` is all of it as plain text where the card shows only its beginning."""

    stretches: tuple[Stretch, ...]
    whole: str = ""


def draw_field(field: Field, *, is_whole: bool = False) -> Drawn:
    """The detail behind its name: what a card shows of it, or with `is_whole` all of it."""
    name = Stretch(f"{field.name}: ", Style.BOLD)
    label = replace(name, content=f"{field.name}:")
    match field.content:
        case None:
            style = Style.BOLD if field.marked else Style.PLAIN
            return Drawn(_quoted(name, (Stretch(field.text.strip("\n"), style),)))
        case Link():
            return Drawn((name, *_linked(Stretch(visible_line(field.content.label)), field.content)))
        case Markdown():
            return Drawn(_quoted(name, tuple(_markdown(field.content))))
        case Code() | Diff() | Table():
            return _in_one_width(label, field.text.strip("\n"), is_whole=is_whole)
        case StoredImage() | StoredFile():
            return Drawn((name, Stretch(f"{field.text}, in the thread")))


def _linked(label: Stretch, link: Link) -> Iterator[Stretch]:
    """A label that leads there, and the host beside it, which says where that is."""
    yield replace(label, link=link.url)
    yield Stretch(f" ({visible_line(link.host)})")


def _in_one_width(label: Stretch, text: str, *, is_whole: bool) -> Drawn:
    shown = text if is_whole else "\n".join(text.split("\n")[:_MOST_LINES])
    if len(shown) > _MOST_CHARACTERS and not is_whole:
        shown = next(pieces(shown, _MOST_CHARACTERS))
    code = (label, Stretch("\n"), Stretch(shown.rstrip("\n"), Style.PRE))
    if len(shown) == len(text):
        return Drawn(code)
    left = text[len(shown) :].strip("\n").count("\n") + 1
    more = Stretch(f"\n… {left} more line{'' if left == 1 else 's'}", Style.ITALIC)
    return Drawn((*code, more), unstyled((label, Stretch("\n"), Stretch(text, Style.PRE))))


def _quoted(name: Stretch, content: tuple[Stretch, ...]) -> tuple[Stretch, ...]:
    """One line behind its name; more of them quoted, but for what stands in one width, which Slack quotes nowhere."""
    if not any("\n" in str(one.content) for one in content):
        return (name, *content)
    quoted = (
        one if one.style & Style.PRE else replace(one, style=one.style | Style.QUOTE) for one in content
    )
    return (name, Stretch("\n"), *quoted)


def _markdown(content: Markdown) -> Iterator[Stretch]:
    for position, block in enumerate(read_markdown(content.text)):
        indent = "  " * max(0, block.depth - 1)
        yield Stretch("\n" if position else "")
        yield Stretch(f"{indent}{block.mark} " if block.mark else "")
        for span in block.spans:
            style = Style.BOLD if span.bold else Style.PLAIN
            style |= Style.ITALIC if span.italic else Style.PLAIN
            style |= Style.STRIKE if span.strike else Style.PLAIN
            style |= Style.CODE if span.code else Style.PLAIN
            shown = Stretch(span.text, Style.PRE if block.is_code else style)
            yield from (shown,) if span.link is None else _linked(shown, span.link)
