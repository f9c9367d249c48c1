"""What buttons carry: at most 64 bytes that name a request, its revision, a position and a rendering, never a value.

All of it begins with `PREFIX`, so that another program of the same bot knows which presses are sayso's. The id of a
request is in base64 for that, or the bytes would not do. Cards and messages of earlier versions carry neither.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from enum import StrEnum

PREFIX = "sayso:"
"""What the `callback_data` of every button of sayso's begins with."""

_NUMBERS = r"(?::([0-9]{1,6}))?(?::([0-9]{1,10}))?"
_CARD = re.compile(rf"{PREFIX}([a-z]):([\w-]{{22}}):([0-9]{{1,9}}){_NUMBERS}", re.ASCII)
_STEP = re.compile(rf"{PREFIX}c([a-z]){_NUMBERS}", re.ASCII)
_FORMER_CARD = re.compile(rf"([a-z]):([0-9a-f]{{32}}):([0-9]{{1,9}}){_NUMBERS}", re.ASCII)
_FORMER_STEP = re.compile(rf"c([a-z]){_NUMBERS}", re.ASCII)


class Action(StrEnum):
    """What a button of a card does. The letters stand in cards that are out there: they never change their meaning."""

    CHOOSE = "a"
    CONFIRM = "y"
    TYPE = "t"
    PAGE = "p"
    FILTER = "f"
    OPEN = "o"
    GRANT = "g"


class StepAction(StrEnum):
    """What a button within a conversation does; the conversation is found by the message."""

    TOGGLE = "t"
    CHOOSE = "v"
    DONE = "d"
    PAGE = "p"
    BACK = "b"
    CANCEL = "x"
    OWN = "o"
    START = "s"
    CHANGE = "e"
    REMOVE = "r"


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
        name = urlsafe_b64encode(bytes.fromhex(self.request_id)).decode().rstrip("=")
        return f"{PREFIX}{self.action}:{name}:{self.revision}:{self.number}{drawn}"


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
        return f"{PREFIX}c{self.action}:{self.number}{drawn}"


def decode(data: str) -> CardButton | StepButton | None:
    """The button of a `callback_data`, or None for what sayso never made."""
    try:
        if match := _CARD.fullmatch(data):
            return _card(match, urlsafe_b64decode(f"{match[2]}==").hex())
        if match := _STEP.fullmatch(data) or _FORMER_STEP.fullmatch(data):
            return StepButton(StepAction(match[1]), int(match[2] or 0), _number(match[3]))
        if match := _FORMER_CARD.fullmatch(data):
            return _card(match, match[2])
    except ValueError:
        return None
    return None


def _card(match: re.Match[str], request_id: str) -> CardButton:
    return CardButton(Action(match[1]), request_id, int(match[3]), int(match[4] or 0), _number(match[5]))


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
