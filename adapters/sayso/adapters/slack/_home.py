"""The app's home: what waits for the one who looks at it, answerable there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sayso.adapters.cards import Card, Words
from sayso.adapters.slack._card import below, controls
from sayso.adapters.slack._text import Block, Stretch, Style, rich_text, split, stretches

MOST_CARDS = 20
"""A view holds 100 blocks; a card takes at most four."""

_PROMPT_LIMIT = 600


def home_view(cards: Sequence[Card], said: Words = ()) -> dict[str, Any]:
    """The cards that somebody may answer, newest first; `said` is what became of their last press here."""
    blocks: list[Block | None] = [rich_text(stretches(said, Style.ITALIC))] if said else []
    blocks.append(rich_text([Stretch(_heading(len(cards)), Style.BOLD)]))
    for card in cards[:MOST_CARDS]:
        kept, rest = split([Stretch(card.prompt, Style.BOLD)], _PROMPT_LIMIT)
        more = [Stretch("\n(the whole question is in its card)", Style.ITALIC)] if rest else []
        blocks += [{"type": "divider"}, rich_text([*kept, *more]), rich_text(below(card)), *controls(card)]
    return {"type": "home", "blocks": [block for block in blocks if block is not None]}


def _heading(count: int) -> str:
    if count == 0:
        return "Nothing waits for your answer."
    shown = f", the newest {MOST_CARDS} of which are shown" if count > MOST_CARDS else ""
    return f"{count} waiting for your answer{shown}:"
