"""The app's home: what waits for the one who looks at it, answerable there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sayso.adapters.cards import Card, Words
from sayso.adapters.slack._card import below, controls, question, reading
from sayso.adapters.slack._data import Listed, encode_listed
from sayso.adapters.slack._text import Block, Stretch, Style, rich_text, stretches

MOST_CARDS = 20
"""A card takes four blocks, the one that was pressed a fifth, and one that has to be read whole one more."""

_MOST_BLOCKS = 100
"""Blocks of a view (docs.slack.dev/surfaces/modals)."""

_LARGEST_VIEW = 200_000
"""Slack refuses a view of more than 250 kB as `view_too_large` (docs.slack.dev/reference/methods/views.publish)."""

_IN_ITS_CARD = "in its card"


@dataclass(frozen=True, slots=True)
class HomeCard:
    """A card at somebody's home. `asked` is the same as it was when it was open: the question stays as it was read.

    `places` says where it stands. It has buttons while it `waits` for the one who looks; `said` is what became of
    their last press on it.
    """

    card: Card
    asked: Card
    places: str
    waits: bool
    said: Words = ()


def home_view(
    cards: Sequence[HomeCard], waiting: int, said: Words = (), missing: str = "", *, is_cut: bool = False
) -> dict[str, Any]:
    """These cards in their order, as many of them as a view can hold; `waiting` is the number of all that somebody may
    answer, or there are more where it `is_cut`; `said` what became of a press on none of them, and `missing` why more
    may wait.
    """
    number = f"More than {waiting}" if is_cut else str(waiting)
    view = _view(cards, waiting, number, said, missing)
    while len(view["blocks"]) > _MOST_BLOCKS or len(json.dumps(view)) > _LARGEST_VIEW:
        cards = cards[:-1]
        view = _view(cards, waiting, number, said, missing)
    return view


def words_home(said: Words) -> dict[str, Any]:
    """A home that says this alone."""
    return {"type": "home", "blocks": [rich_text(stretches(said, Style.ITALIC))]}


def _view(cards: Sequence[HomeCard], waiting: int, number: str, said: Words, missing: str) -> dict[str, Any]:
    blocks: list[Block | None] = [rich_text(stretches(said, Style.ITALIC))] if said else []
    if waiting or not missing:
        heading = _heading(waiting, number, sum(one.waits for one in cards))
        blocks.append(rich_text([Stretch(heading, Style.BOLD)]))
    if missing:
        blocks.append(rich_text([Stretch(missing)]))
    for one in cards:
        blocks += _blocks(one)
    return {
        "type": "home",
        "blocks": [block for block in blocks if block is not None],
        "private_metadata": encode_listed(Listed(one.card.id, one.card.revision) for one in cards),
    }


def _blocks(one: HomeCard) -> list[Block | None]:
    """A card, with buttons only where all stands that they decide on. What was said stands below them, for what is
    about to be pressed must not move.
    """
    asked = question(one.asked, _IN_ITS_CARD, is_compact=True)
    buttons: list[Block | None] = []
    if one.waits:
        buttons += [*reading(one.card, has_more=False), *controls(one.card)]
    if one.waits and asked.rest:
        words = f"This is too long to be shown here whole. Please read and answer it in {one.places}."
        buttons = [rich_text([Stretch(words, Style.BOLD)])]
    said = [rich_text(stretches(one.said, Style.ITALIC))] if one.said else []
    return [{"type": "divider"}, *asked.blocks, *below(one.card), *buttons, *said]


def _heading(waiting: int, number: str, shown: int) -> str:
    if waiting == 0:
        return "You're all caught up."
    more = f", {shown} of which are shown here; the others are in their cards" if waiting > shown else ""
    return f"{number} waiting for your answer{more}:"
