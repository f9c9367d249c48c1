"""A small, safe part of Markdown as values that every surface draws by its own means: emphasis, code, lists, links.

Whatever else somebody writes, HTML, pictures and headings among it, is text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from sayso.adapters.console._escaping import visible
from sayso.engine import Link

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_RULES = ["emphasis", "strikethrough", "backticks", "link", "escape", "newline", "list", "fence"]
_LONGEST = 20_000
"""Characters that are read for their marks: more would hold up everybody else. Longer text is shown as it stands."""


@dataclass(frozen=True, slots=True)
class Span:
    """Text in one style. `link` is where it leads: an https address, whose host a surface shows next to it."""

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, or an item of a list at a `depth` from 1 on, after its `mark`, `•` or a number. Code that is a
    paragraph is one span in a block that `is_code`, with the language that somebody named.
    """

    spans: tuple[Span, ...]
    depth: int = 0
    mark: str = ""
    is_code: bool = False
    language: str | None = None


def read_markdown(text: str) -> tuple[Block, ...]:
    """The text's blocks in their order. Control characters and directions of writing come out visible."""
    shown = visible(text)
    if len(shown) > _LONGEST:
        return (Block((Span(shown),)),)
    return tuple(_blocks(_parser().parse(shown)))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    class Parser(MarkdownIt):
        """Takes addresses alone that can be shown with their host."""

        def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
            return bool(Link("", url).host)

    return Parser("zero").enable(_RULES)


def _blocks(tokens: Sequence[Token]) -> Iterator[Block]:
    lists: list[
        int | None
    ] = []  # the number of the next item of each list that is open; None without numbers
    mark = ""
    for token in tokens:
        match token.type:
            case "bullet_list_open":
                lists.append(None)
            case "ordered_list_open":
                lists.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "list_item_open":
                number = lists[-1]
                mark = "•" if number is None else f"{number}."
                lists[-1] = None if number is None else number + 1
            case "inline":
                yield Block(tuple(_spans(token.children or ())), len(lists), mark)
                mark = ""
            case "fence":
                language = token.info.strip().partition(" ")[0] or None
                code = (Span(token.content.rstrip("\n"), code=True),)
                yield Block(code, len(lists), mark, is_code=True, language=language)
                mark = ""
            case _:
                pass


def _spans(tokens: Sequence[Token]) -> Iterator[Span]:
    style = Span("")
    for token in tokens:
        match token.type:
            case "strong_open" | "strong_close":
                style = replace(style, bold=token.nesting == 1)
            case "em_open" | "em_close":
                style = replace(style, italic=token.nesting == 1)
            case "s_open" | "s_close":
                style = replace(style, strike=token.nesting == 1)
            case "link_open":
                style = replace(style, link=Link("", str(token.attrs.get("href", ""))))
            case "link_close":
                style = replace(style, link=None)
            case "softbreak" | "hardbreak":
                yield replace(style, text="\n")
            case "code_inline":
                yield replace(style, text=token.content, code=True)
            case _ if token.content:
                yield replace(style, text=token.content)
            case _:
                pass
