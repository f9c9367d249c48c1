"""Several requests of a batch on one card: what its title says, and what stands with each question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sayso.adapters.cards._card import Card
from sayso.adapters.cards._text import cut
from sayso.adapters.cards._words import Words
from sayso.adapters.console import visible_line

_LONGEST_PROMPT = 200


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """A question on a card of several: its notices, its votes or its result, and its small line."""

    card: Card
    notices: tuple[Words, ...]
    said: tuple[Words, ...]
    context: tuple[Words, ...]

    @property
    def number(self) -> int:
        """Its number in the batch."""
        assert self.card.number is not None, "questions of a batch alone share cards"
        return self.card.number

    @property
    def title(self) -> str:
        """The question, with its number and its result before it."""
        status = f"{self.card.status} · " if self.card.status else ""
        return f"{self.number}. {status}{self.card.prompt}"


@dataclass(frozen=True, slots=True)
class Batch:
    """A card of several questions, in the order in which surfaces show it: `notices`, `title` with the `context` of all
    on a small line, then the `entries`, each with its own buttons. `covers` says what longer approvals cover, and of
    which questions, by their numbers: once where it is the same for several.
    """

    notices: tuple[Words, ...]
    title: str
    context: tuple[Words, ...]
    entries: tuple[BatchEntry, ...]
    covers: tuple[tuple[Words, tuple[int, ...]], ...]


def build_batch(cards: Sequence[Card]) -> Batch:
    """The card of several requests in their present state. What is true of all of them stands once."""
    is_shared = all(card.context[:1] == cards[0].context[:1] for card in cards)
    notices = tuple(
        one for one in cards[0].notices if all(one in card.notices for card in cards if card.open)
    )
    still_open = sum(card.open for card in cards)
    asked = cards[0].context[:1] if is_shared else ()
    how: Words = ("each is decided on its own",) if still_open > 1 else ()
    left: Words = (f"{still_open} open",) if 0 < still_open < len(cards) else ()
    entries = tuple(
        BatchEntry(
            card,
            tuple(one for one in card.notices if one not in notices),
            # How the workflow continues is the same for all, and nothing that anybody waits for.
            (*card.said[:1], *card.granted),
            card.context[1 if is_shared else 0 :],
        )
        for card in cards
    )
    context = tuple(one for one in (left, *asked, how) if one)
    return Batch(notices, f"{len(cards)} requests", context, entries, tuple(_covers(entries)))


def _covers(entries: Sequence[BatchEntry]) -> Iterator[tuple[Words, tuple[int, ...]]]:
    """What longer approvals cover; with the numbers of the questions in its words, unless it is true of all that are
    open.
    """
    found: dict[Words, list[int]] = {}
    for entry in entries:
        if entry.card.covers is not None:
            found.setdefault(entry.card.covers, []).append(entry.number)
    still_open = [entry.number for entry in entries if entry.card.open]
    for words, numbers in found.items():
        of = "" if numbers == still_open else f"{', '.join(map(str, numbers))}: "
        yield ((of, *words) if of else words), tuple(numbers)


def batch_title(cards: Sequence[Card]) -> Card:
    """What a message says of its card, or of several, once the card stands elsewhere."""
    if len(cards) == 1:
        return cards[0]
    titles = [f"{card.number}. {_line(card)}" for card in cards]
    return replace(cards[0], prompt="\n".join((f"{len(cards)} requests", *titles)), said=())


def batch_text(batch: Batch) -> str:
    """A card of several in a line, for notifications."""
    return f"{batch.title}: {' · '.join(one.title for one in batch.entries)}"


def _line(card: Card) -> str:
    return visible_line(cut(card.prompt, _LONGEST_PROMPT))
