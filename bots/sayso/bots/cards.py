"""A request as a card of this service: with the names of its places, and the inbox that it links to."""

from __future__ import annotations

from collections.abc import Sequence

from sayso.adapters.cards import Card, Words, build_card
from sayso.config import Settings
from sayso.engine import CardRecord


def card_of(record: CardRecord, settings: Settings, notices: Sequence[Words | str] = ()) -> Card:
    """The card of a request as it stands."""
    return build_card(record, settings.place_names, notices, inbox=settings.http.public_url)
