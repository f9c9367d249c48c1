"""All of a request in a modal, page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sayso.adapters.cards import Card, pieces
from sayso.adapters.console import set_off
from sayso.adapters.slack._card import list_options
from sayso.adapters.slack._content import draw_field
from sayso.adapters.slack._data import READ_NEXT, PageTag
from sayso.adapters.slack._modal import View
from sayso.adapters.slack._text import TEXT_LIMIT, Block, Stretch, Style, plain_text, rich_text
from sayso.engine import StoredFile, StoredImage

_TITLE = "Full request"
_MOST_CHARACTERS = 15_000
"""Of a page: Slack takes 250 kB of JSON, in which a character can have twelve (docs.slack.dev/reference/methods)."""

_MOST_BLOCKS = 90
"""Of a page: Slack takes 100 blocks."""

_ALL_READ = "This is the full request. You can approve or reject it in its card."
_FILES = "Its pictures and files are in the card's thread"


def full_view(card: Card, page: int) -> View:
    """A page of all of a request, counted from 0, with the way to the next one; behind the last one, the last one."""
    pages = _pages(_content(card))
    shown = min(page, len(pages) - 1)
    title = _TITLE if len(pages) == 1 else f"{_TITLE} {shown + 1}/{len(pages)}"
    more: list[Block] = []
    if not is_last_page(card, shown):
        button = {"type": "button", "action_id": READ_NEXT, "text": plain_text("Next page", 75)}
        more = [{"type": "actions", "elements": [{**button, "style": "primary"}]}]
    return {
        "type": "modal",
        "private_metadata": PageTag(card.id, card.revision, shown).encode(),
        "title": plain_text(title, 24),
        "close": plain_text("Close", 24),
        "blocks": [*pages[shown], *more],
    }


def is_last_page(card: Card, page: int) -> bool:
    """Whether somebody who has come to a page has been shown all of the request."""
    return page >= len(_pages(_content(card))) - 1


def _content(card: Card) -> Iterator[Stretch]:
    yield Stretch(set_off(card.prompt), Style.BOLD)
    for field in card.details:
        yield Stretch("\n\n")
        yield from draw_field(field, is_whole=True).stretches
    options = list(list_options(card))
    if options:
        yield Stretch("\n\n")
        yield from options
    if any(isinstance(field.content, StoredImage | StoredFile) for field in card.details):
        yield Stretch(f"\n\n{_FILES}", Style.ITALIC)
        yield from (
            [Stretch(".", Style.ITALIC)]
            if card.link is None
            else [
                Stretch(", and in the ", Style.ITALIC),
                Stretch("inbox", Style.ITALIC, card.link),
                Stretch("."),
            ]
        )
    if card.open:
        yield Stretch(f"\n\n{_ALL_READ}", Style.ITALIC)


def _pages(content: Iterable[Stretch]) -> list[list[Block]]:
    """Blocks of the text, in pages that Slack takes; nothing of it is left out."""
    pages: list[list[Block]] = [[]]
    room = _MOST_CHARACTERS
    for part in _parts(content):
        block = rich_text(part)
        size = sum(one.length for one in part)
        if block is None:
            continue
        if size > room or len(pages[-1]) == _MOST_BLOCKS:
            pages.append([])
            room = _MOST_CHARACTERS
        pages[-1].append(block)
        room -= size
    return pages


def _parts(content: Iterable[Stretch]) -> Iterator[list[Stretch]]:
    """The text in parts of one block each."""
    part: list[Stretch] = []
    room = TEXT_LIMIT
    for one in content:
        is_long = isinstance(one.content, str) and one.length > TEXT_LIMIT
        texts = pieces(str(one.content), TEXT_LIMIT) if is_long else [one.content]
        for piece in (replace(one, content=text) for text in texts):
            if piece.length > room:
                yield part
                part, room = [], TEXT_LIMIT
            part.append(piece)
            room -= piece.length
    yield part
