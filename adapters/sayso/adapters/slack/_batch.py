"""Several requests of a batch as one Slack message: each a title, its details and buttons of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sayso.adapters.cards import BatchEntry, Card, Words, batch_text, build_batch
from sayso.adapters.console import set_off
from sayso.adapters.slack._card import (
    IN_INBOX,
    SlackMessage,
    controls,
    drawn,
    for_users,
    joined,
    longer,
    reading,
)
from sayso.adapters.slack._content import draw_field
from sayso.adapters.slack._markup import context
from sayso.adapters.slack._text import (
    TEXT_LIMIT,
    Block,
    Stretch,
    Style,
    fallback,
    mention_text,
    split,
    stretches,
)

_ROOM = 8000
"""Characters of all questions of a card together; Slack names no limit for a message of many blocks."""

_SAID_ROOM = 300


def render_batch(cards: Sequence[Card], users_of: Callable[[Card], Sequence[str]]) -> SlackMessage:
    """The card as everybody in a channel sees it; a question's buttons show to its users alone where it has some."""
    batch = build_batch(cards)
    room = min(TEXT_LIMIT, _ROOM // len(cards))
    blocks = [*drawn([*_lines(batch.notices), Stretch(batch.title, Style.BOLD)]), *_small(batch.context)]
    blocks += context([list(stretches(words)) for words, _ in batch.covers])
    rests: list[str] = []
    for entry in batch.entries:
        asked, rest = _question(entry, room)
        blocks += [
            {"type": "divider"},
            *asked,
            *_buttons(entry, users_of(entry.card), has_more=bool(rest)),
        ]
        rests += [f"The rest of {entry.number}:\n\n{rest}"] if rest else []
    lines = [line for entry in batch.entries for line in (*entry.said, *entry.context)]
    stamp = {"event_type": "sayso_batch", "event_payload": {"requests": [card.id for card in cards]}}
    text = fallback(batch_text(batch)) + mention_text(lines)
    return SlackMessage(text, blocks, "\n\n".join(rests), stamp)


def _question(entry: BatchEntry, room: int) -> tuple[list[Block], str]:
    """A question as blocks, what became of it, its small line; and what did not fit."""
    card = entry.card
    title = [Stretch(set_off(entry.title), Style.BOLD)]
    gap = [Stretch("\n")] if card.details else []
    whole = [*title, *gap, *joined([], card.details, [])]
    # Where it is cut does not depend on who has voted: what did not fit was sent when nobody had.
    kept, rest = split(whole, room + len(entry.title) - len(card.prompt))
    wholes = [one.whole for one in map(draw_field, card.details) if one.whole]
    where = "in Full request" if card.open else "in the thread"
    marker = [Stretch(f"\n(continues {where})", Style.ITALIC)] if rest or wholes else []
    said: list[Stretch] = []
    for line in entry.said:
        shown, more = split(stretches(line), _SAID_ROOM)
        said += [*([Stretch("\n")] if said else []), *shown, *([Stretch("…")] if more else [])]
    link = [] if card.link is None else [Stretch(IN_INBOX, link=card.link)]
    blocks = [*drawn([*_lines(entry.notices), *kept, *marker]), *drawn(said), *_small(entry.context, link)]
    return blocks, "\n\n".join(one for one in (rest, *wholes) if one)


def _buttons(entry: BatchEntry, users: Sequence[str], *, has_more: bool) -> list[Block]:
    """The step to all of a question, and its buttons, in one row: a message has 50 blocks, and eight questions."""
    card = entry.card
    rows = [
        *reading(card, has_more=has_more),
        *for_users(controls(card), users),
        *longer(card, f"Approve {entry.number} for longer?"),
    ]
    elements = [element for block in rows for element in block["elements"]]
    return [{"type": "actions", "elements": elements}] if elements else []


def _lines(notices: Sequence[Words]) -> list[Stretch]:
    """Lines above a title."""
    return [part for line in notices for part in (*stretches(line, Style.ITALIC), Stretch("\n"))]


def _small(parts: Sequence[Words], link: Sequence[Stretch] = ()) -> list[Block]:
    """One small grey line."""
    return context([*(list(stretches(part)) for part in parts), *([list(link)] if link else [])])[:1]
