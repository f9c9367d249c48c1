"""What one message shows at a place: a request, or several of a batch; and which message that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from sayso.bots.chats._messages import Reference
from sayso.engine import CardRecord, Delivery


@dataclass(frozen=True, slots=True)
class Part:
    """A request on a card, the delivery that wants it shown, and the number that its buttons carry."""

    record: CardRecord
    delivery: Delivery
    rendering: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What a message is to show. `reference` is the one that is edited, None where a new one is sent; `formers` are
    those that it replaces.
    """

    found: tuple[tuple[CardRecord, Delivery], ...]
    reference: str | None
    formers: tuple[Reference, ...]


def to_show(found: Sequence[tuple[CardRecord, Delivery]]) -> Shown | None:
    """How to show what stands on one card. An open request that has no message yet needs a new one, which then shows
    the others too. None where all was decided before it was shown: there is nothing to ask, and nothing to correct.
    """
    messages = _distinct(
        one
        for place in (
            [delivery.reference for _, delivery in found],
            [delivery.former for _, delivery in found],
        )
        for one in place
        if one is not None
    )
    if any(record.request.open and delivery.reference is None for record, delivery in found):
        return _shown(found, None, messages)
    if not messages:
        return None
    # One that was to be posted anew, and was decided first, is shown by the message that is there.
    return _shown(found, messages[0], messages[1:])


def _shown(
    found: Sequence[tuple[CardRecord, Delivery]], message: Reference | None, formers: Sequence[Reference]
) -> Shown:
    reference = None if message is None else message.encode()
    return Shown(
        tuple((record, replace(delivery, reference=reference)) for record, delivery in found),
        reference,
        tuple(formers),
    )


def _distinct(references: Iterable[str]) -> list[Reference]:
    """The messages in their order, each once."""
    messages: dict[str, Reference] = {}
    for one in map(Reference.decode, references):
        messages.setdefault(one.name, one)
    return list(messages.values())
