"""A card as a message of the loft: a text, buttons, and whether it takes replies. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Self

from sayso.adapters.cards import Card, Words, keep
from sayso.engine import Kept


@dataclass(frozen=True, slots=True)
class Mark:
    """What a button, or a message that takes replies, carries: the question, and the number that the card was drawn
    under. `choice` is the option's position, or 0 and 1 for no and yes; None for a reply.
    """

    request_id: str
    revision: int
    rendering: int
    choice: int | None = None

    def encode(self) -> str:
        """The mark as a button carries it."""
        return f"sayso {self.request_id} {self.revision} {self.rendering} {'' if self.choice is None else self.choice}"

    @classmethod
    def decode(cls, text: str) -> Self | None:
        """Read what `encode` wrote; None for anything else."""
        match text.split(" "):
            case ["sayso", request_id, *numbers] if len(numbers) == 3 and all(map(_is_number, numbers[:2])):
                choice = int(numbers[2]) if _is_number(numbers[2]) else None
                return cls(request_id, int(numbers[0]), int(numbers[1]), choice)
            case _:
                return None


def render_card(card: Card, zone: tzinfo) -> dict[str, Any]:
    """The message of a card. A choice is pressed, anything else is typed as a reply."""
    labels = [choice.label for choice in card.choices]
    if card.question.input_type == "confirm":
        labels = ["No", "Yes"]
    is_pressed = card.question.input_type in ("select", "confirm")
    status = f"{card.status} · " if card.status else ""
    lines = [*(local(line, zone) for line in card.notices), f"{status}{card.prompt}"]
    lines += [f"{field.name}: {field.text}" for field in card.details]
    lines += [] if is_pressed else [f"- {label}" for label in labels]
    lines += [local(line, zone) for line in card.said]
    lines.append(" · ".join(local(part, zone) for part in card.context))
    mark = Mark(card.id, card.revision, card.rendering or 0)
    buttons = [
        {"label": label, "data": Mark(mark.request_id, mark.revision, mark.rendering, number).encode()}
        for number, label in enumerate(labels)
    ]
    return {
        "text": "\n".join(lines),
        "buttons": buttons if card.open and is_pressed else [],
        "replies": mark.encode() if card.open and not is_pressed else None,
    }


def render_closed(text: str) -> dict[str, Any]:
    """A message without buttons, or a card that is closed."""
    return {"text": text, "buttons": [], "replies": None}


def kept_message(message: dict[str, Any]) -> Kept:
    """What the loft reports that a message shows, when it was sent and when it is pressed."""
    text, buttons, replies = message["text"], message["buttons"], message["replies"]
    return keep([text, buttons, replies], {"text": [text], "buttons": buttons})


def local(words: Words, zone: tzinfo) -> str:
    """Words with their times in the reader's time zone."""
    return "".join(one if isinstance(one, str) else f"{one.astimezone(zone):%Y-%m-%d %H:%M}" for one in words)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
