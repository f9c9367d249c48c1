"""Pages of cards: how much a page of the inbox carries, where the next begins, and how many wait. What a card shows is
the inbox's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from sayso.adapters.web import Waiting
from sayso.engine import CardRecord, batch_number

MOST_CARDS = 50
_MOST_CHARACTERS = 1_000_000
_MOST_LOOKED_AT = 1000

Render = Callable[[CardRecord], Markup]


@dataclass(frozen=True, slots=True)
class PageOfCards:
    """Some cards, the newest first, and the place before which there are or may be more; None where there are none.
    `batches` names for each card the batch that it was asked in, None for one that was asked alone.
    """

    cards: tuple[Markup, ...]
    batches: tuple[str | None, ...]
    older: int | None

    @property
    def groups(self) -> list[tuple[str | None, list[Markup]]]:
        """The cards, those of a batch together, in the order in which they were asked."""
        groups: list[tuple[str | None, list[Markup]]] = []
        for batch, found in groupby(zip(self.batches, self.cards, strict=True), lambda one: one[0]):
            cards = [card for _, card in found]
            groups += [(None, cards)] if batch is None else [(batch, cards[::-1])]
        return groups


async def read_page(
    found: AsyncIterator[tuple[int, CardRecord]],
    belongs: Callable[[CardRecord], bool],
    named: Callable[[Sequence[CardRecord]], Awaitable[list[CardRecord]]],
    render: Render,
    *,
    to_the_end: bool,
) -> PageOfCards:
    """The first of the cards found that belong on it, as many as a page carries. Unless `to_the_end`, a page that looks
    at many without finding enough ends there, and says so.
    """
    cards: list[Markup] = []
    batches: list[str | None] = []
    size, last = 0, None
    looked_at = 0
    async for place, record in found:
        if not to_the_end and looked_at == _MOST_LOOKED_AT:
            return PageOfCards(tuple(cards), tuple(batches), last)
        looked_at += 1
        if belongs(record):
            if len(cards) == MOST_CARDS:
                return PageOfCards(tuple(cards), tuple(batches), last)
            (with_names,) = await named([record])
            card = render(with_names)
            size += len(card)
            if cards and size > _MOST_CHARACTERS:
                return PageOfCards(tuple(cards), tuple(batches), last)
            cards.append(card)
            batches.append(None if batch_number(record) is None else record.request.run_id)
        last = place
    return PageOfCards(tuple(cards), tuple(batches), None)


async def count(
    found: AsyncIterator[tuple[int, CardRecord]], belongs: Callable[[CardRecord], bool]
) -> Waiting:
    """How many of the cards found belong on a page, as far as one page goes; it looks at a bounded number."""
    number = looked_at = 0
    async for _, record in found:
        if number == MOST_CARDS or looked_at == _MOST_LOOKED_AT:
            return Waiting(number, more=True)
        looked_at += 1
        number += belongs(record)
    return Waiting(number)
