"""Rich details as a terminal draws them: code and diffs in colour, tables in columns, Markdown in its styles."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.style import Style
from rich.syntax import Syntax
from rich.table import Table as Grid
from rich.text import Text

from sayso.adapters.console._content import content_text, table_rows
from sayso.adapters.console._escaping import BAR, visible, visible_line
from sayso.adapters.console._markdown import Block, Span, read_markdown
from sayso.engine import Code, Content, Diff, Link, Markdown, Table

_LONGEST_COLOURED = 30_000
"""Characters that are coloured: more would take seconds."""

_INDENT = "  "


def draw_content(content: Content) -> RenderableType:
    """What is shown below the name of a detail; lines of people's texts have a bar before them."""
    match content:
        case Code():
            return _set_off(_coloured(content.text, content.language or "text"))
        case Diff():
            return _set_off(_coloured(content.text, "diff"))
        case Table():
            return _table(content)
        case Markdown():
            return _set_off(Text("\n").join(_blocks(read_markdown(content.text))))
        case Link():
            return _set_off(_linked(Text(visible_line(content.label)), content))
        case _:
            return _set_off(Text(content_text(content)))


def _coloured(text: str, language: str) -> Text:
    shown = visible(text).rstrip("\n")
    if len(shown) > _LONGEST_COLOURED:
        return Text(shown)
    drawn = Syntax("", language, theme="ansi_dark", background_color="default").highlight(shown)
    drawn.rstrip()
    return drawn


def _set_off(text: Text) -> Text:
    lines = text.split("\n", allow_blank=True)
    return Text("\n").join([Text.assemble((BAR, "dim"), line) for line in lines])


def _table(table: Table) -> Grid:
    columns, *rows = table_rows(table)
    drawn = Grid(header_style="bold", border_style="dim")
    for column in columns:
        drawn.add_column(Text(column))
    for row in rows:
        drawn.add_row(*map(Text, row))
    return drawn


def _blocks(blocks: tuple[Block, ...]) -> Iterator[Text]:
    for block in blocks:
        if block.is_code:
            yield _coloured(block.spans[0].text, block.language or "text")
            continue
        mark = f"{block.mark} " if block.mark else ""
        line = Text(_INDENT * max(0, block.depth - 1) + mark)
        for position, span in enumerate(block.spans):
            following = block.spans[position + 1 : position + 2]
            is_last = not following or following[0].link != span.link
            line.append_text(_span(span, is_last=is_last))
        yield line


def _span(span: Span, *, is_last: bool) -> Text:
    style = Style(bold=span.bold or None, italic=span.italic or None, strike=span.strike or None)
    text = Text(span.text, style + Style(color="cyan") if span.code else style)
    return _linked(text, span.link, names_host=is_last) if span.link is not None else text


def _linked(text: Text, link: Link, *, names_host: bool = True) -> Text:
    text.stylize(Style(underline=True, link=link.url))
    return text.append(f" ({visible_line(link.host)})", style="dim") if names_host else text
