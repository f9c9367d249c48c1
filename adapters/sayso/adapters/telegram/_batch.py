"""Several requests of a batch as one Telegram message: numbered questions, and rows of buttons with their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, tzinfo

from sayso.adapters.cards import Batch, BatchEntry, Card, Words, build_batch, utf16_length
from sayso.adapters.console import set_off
from sayso.adapters.telegram._card import (
    Keyboard,
    TelegramMessage,
    answers,
    draw_details,
    fitted,
    longer,
)
from sayso.adapters.telegram._content import draw_field
from sayso.adapters.telegram._text import (
    MESSAGE_LIMIT,
    Stretch,
    Style,
    as_html,
    in_zone,
    inert,
    length,
    split,
    worded,
)

_HEAD_ROOM = 400
_COVERS_ROOM = 400
"""For what longer approvals cover; kept free of other text also where none are offered."""

_QUESTION_SHARE = 0.6
"""Of the room of an entry, what its question has; the rest is for what became of it."""

_MOST_ENTITIES = 100
"""Stretches with a look or a link that Telegram keeps in a message (core.telegram.org/api/entities)."""

_CONTINUES = "\n(continues below)"


def render_batch(cards: Sequence[Card], zone: tzinfo, now: datetime) -> TelegramMessage:
    """The card at one instant. Where its questions begin to continue below does not depend on who has voted."""
    batch = build_batch(cards)
    head = [part for line in batch.notices for part in worded((*line, "\n"), zone, now, Style.ITALIC)]
    head += [Stretch(batch.title, Style.BOLD)]
    for part in batch.context:
        head += worded((" · ", *part), zone, now, Style.ITALIC)
    room = (MESSAGE_LIMIT - _HEAD_ROOM - _COVERS_ROOM) // len(cards)
    drawn = fitted(head, _HEAD_ROOM)
    rests: list[str] = []
    small: list[list[Stretch]] = []
    asked: list[list[Stretch]] = []
    for entry in batch.entries:
        question, rest = _question(entry, int(room * _QUESTION_SHARE))
        asked.append(question)
        small.append(fitted(_below(entry, zone, now), room - length(question)))
        rests += [f"The rest of {entry.number}:\n\n{rest}"] if rest else []
    if _entities([*drawn, *(one for part in (*asked, *small) for one in part)]) > _MOST_ENTITIES:
        # What people wrote stays set off; the small lines can do without.
        small = [[replace(one, style=Style.PLAIN, link=None) for one in part] for part in small]
    for question, below in zip(asked, small, strict=True):
        drawn += [*question, *below]
    covers, covered = _covers(batch, zone, now)
    keyboard = [row for entry in batch.entries for row in _buttons(entry, is_covered=entry.number in covered)]
    is_silent = not any(card.rings for card in cards)
    return TelegramMessage(as_html([*drawn, *covers]), keyboard, "\n\n".join(rests), is_silent)


def _question(entry: BatchEntry, room: int) -> tuple[list[Stretch], str]:
    card = entry.card
    title = Stretch(set_off(inert(entry.title)), Style.BOLD)
    body = [title, *_tight(list(draw_details(card.details)))]
    kept, rest = split(body, room + utf16_length(entry.title) - utf16_length(card.prompt))
    wholes = [one.whole for one in map(draw_field, card.details) if one.whole]
    marker = [Stretch(_CONTINUES, Style.ITALIC)] if rest or wholes else []
    return [Stretch("\n\n"), *kept, *marker], "\n\n".join(one for one in (rest, *wholes) if one)


def _tight(details: Sequence[Stretch]) -> list[Stretch]:
    """Details right below their title, for several questions share a screen."""
    return [Stretch("\n"), *details[1:]] if details else []


def _below(entry: BatchEntry, zone: tzinfo, now: datetime) -> list[Stretch]:
    lines: tuple[Words, ...] = (*entry.notices, *entry.said)
    said = [part for line in lines for part in worded(("\n", *line), zone, now)]
    *parts, name = entry.context
    context = tuple(one for part in parts for one in (*part, " · "))
    return [
        *said,
        Stretch("\n"),
        *worded(context, zone, now, Style.ITALIC),
        Stretch(inert(in_zone(name, zone, now)), Style.ITALIC, entry.card.link),
    ]


def _covers(batch: Batch, zone: tzinfo, now: datetime) -> tuple[list[Stretch], set[int]]:
    """What longer approvals cover, and the numbers of the questions of which all of it stands there: others cannot be
    granted from this card.
    """
    drawn: list[Stretch] = []
    covered: set[int] = set()
    for words, numbers in batch.covers:
        line = list(worded(("\n\n", *words), zone, now))
        if length([*drawn, *line]) <= _COVERS_ROOM:
            drawn += line
            covered.update(numbers)
    return drawn, covered


def _entities(stretches: Sequence[Stretch]) -> int:
    return sum(bool(one.text and (one.style or one.link)) for one in stretches)


def _buttons(entry: BatchEntry, *, is_covered: bool) -> Keyboard:
    """The rows of a question, each button with its number."""
    rows = answers(entry.card, 0) if entry.card.open else []
    rows += longer(entry.card) if is_covered else []
    return [[{**button, "text": f"{entry.number} {button['text']}"} for button in row] for row in rows]
