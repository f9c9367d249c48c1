"""The outbox: what the store wants shown at chats, and what is shown there, brought together.

It decides order, pace, repetition and when a place is given up. How a card is sent is a platform's business.
"""

from sayso.bots.outbox._budget import Budget, Rate
from sayso.bots.outbox._outbox import Observer, Outbox
from sayso.bots.outbox._refusals import Patience
from sayso.bots.outbox._surface import (
    CardSurface,
    ContentRefused,
    DeliveryProblem,
    Keep,
    MessageGone,
    Throttled,
    Unclear,
    Undeliverable,
    UnknownRefusal,
)

__all__ = [
    "Budget",
    "CardSurface",
    "ContentRefused",
    "DeliveryProblem",
    "Keep",
    "MessageGone",
    "Observer",
    "Outbox",
    "Patience",
    "Rate",
    "Throttled",
    "Unclear",
    "Undeliverable",
    "UnknownRefusal",
]
