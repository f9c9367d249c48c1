"""What buttons carry: at most 64 bytes that name a request, its revision, a position and a rendering, never a value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_CARD = re.compile(r"([a-z]):([0-9a-f]{32}):([0-9]{1,9})(?::([0-9]{1,6}))?(?::([0-9]{1,10}))?")
_STEP = re.compile(r"c([a-z])(?::([0-9]{1,6}))?(?::([0-9]{1,10}))?")


class Action(StrEnum):
    """What a button of a card does. The letters stand in cards that are out there: they never change their meaning."""

    CHOOSE = "a"
    CONFIRM = "y"
    TYPE = "t"
    PAGE = "p"
    FILTER = "f"


class StepAction(StrEnum):
    """What a button within a conversation does; the conversation is found by the message."""

    TOGGLE = "t"
    CHOOSE = "v"
    DONE = "d"
    PAGE = "p"
    BACK = "b"
    CANCEL = "x"


@dataclass(frozen=True, slots=True)
class CardButton:
    """A button of a card. `number` is the option's position, 1 or 0 for yes and no, or a page; `rendering` the number
    under which it was sent, which cards of earlier versions do not have.
    """

    action: Action
    request_id: str
    revision: int
    number: int = 0
    rendering: int | None = None

    def encode(self) -> str:
        """The button's `callback_data`."""
        drawn = "" if self.rendering is None else f":{self.rendering}"
        return f"{self.action}:{self.request_id}:{self.revision}:{self.number}{drawn}"


@dataclass(frozen=True, slots=True)
class StepButton:
    """A button within a conversation. `rendering` is the number under which it was asked, which messages of earlier
    versions do not have.
    """

    action: StepAction
    number: int = 0
    rendering: int | None = None

    def encode(self) -> str:
        """The button's `callback_data`."""
        drawn = "" if self.rendering is None else f":{self.rendering}"
        return f"c{self.action}:{self.number}{drawn}"


def decode(data: str) -> CardButton | StepButton | None:
    """The button of a `callback_data`, or None for what sayso never made."""
    try:
        if match := _CARD.fullmatch(data):
            rendering = None if match[5] is None else int(match[5])
            return CardButton(Action(match[1]), match[2], int(match[3]), int(match[4] or 0), rendering)
        if match := _STEP.fullmatch(data):
            rendering = None if match[3] is None else int(match[3])
            return StepButton(StepAction(match[1]), int(match[2] or 0), rendering)
    except ValueError:
        return None
    return None
