"""What buttons, pickers and modals carry: a request, its revision, a position and a rendering, never a value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_BUTTON = re.compile(r"sayso:([a-z]):([0-9a-f]{32}):([0-9]{1,9})(?::([0-9]{1,6}))?(?::([0-9]{1,12}))?")

COMMAND = "/sayso"
ELEMENTS = "sayso:"
"""How the `action_id` of every element of a card begins."""

ANSWER_VIEW = "sayso:answer"
"""The `callback_id` of the modal that asks for an answer."""


START_VIEW = "sayso:start"
"""The `callback_id` of the modal that asks what a workflow starts with."""

START_PICK = "sayso:pick-start"
"""How the `action_id` of a button begins that picks the workflow to start; its value is the name."""


READ_NEXT = "sayso:read-next"
"""The `action_id` of the button that turns to the next page of a full request."""


_ENTRY = re.compile(r"sayso:(add|drop)-entry:([0-9]{1,3})")


@dataclass(frozen=True, slots=True)
class EntryButton:
    """A button that adds an entry to a list in a modal, or removes the last one, by the position of its field."""

    position: int
    adds: bool

    def encode(self) -> str:
        """The element's `action_id`."""
        return f"sayso:{'add' if self.adds else 'drop'}-entry:{self.position}"


def decode_entry(action_id: str) -> EntryButton | None:
    """The button of an `action_id`, or None where it is another."""
    match = _ENTRY.fullmatch(action_id)
    return None if match is None else EntryButton(int(match[2]), adds=match[1] == "add")


class Action(StrEnum):
    """What an element of a card does. The letters stand in cards out there: they never change their meaning."""

    CHOOSE = "a"
    CONFIRM = "y"
    OPEN = "t"
    PICK = "s"
    READ = "r"
    GRANT = "g"


@dataclass(frozen=True, slots=True)
class CardButton:
    """An element of a card. `number` is the option's position, or 1 and 0 for yes and no; a picker's comes with the
    option that is picked in it. `rendering` is the number under which it was sent; cards of earlier versions have none.
    """

    action: Action
    request_id: str
    revision: int
    number: int = 0
    rendering: int | None = None

    def encode(self) -> str:
        """The element's `action_id`."""
        drawn = "" if self.rendering is None else f":{self.rendering}"
        return f"sayso:{self.action}:{self.request_id}:{self.revision}:{self.number}{drawn}"


def decode(action_id: str) -> CardButton | None:
    """The button of an `action_id`, or None for what sayso never made."""
    match = _BUTTON.fullmatch(action_id)
    if match is None:
        return None
    try:
        rendering = None if match[5] is None else int(match[5])
        return CardButton(Action(match[1]), match[2], int(match[3]), int(match[4] or 0), rendering)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class ViewTag:
    """What a modal carries in its `private_metadata`. With `choice`, an option's position, it asks why that one."""

    request_id: str
    revision: int
    channel: str | None
    choice: int | None = None

    def encode(self) -> str:
        """The text that Slack keeps."""
        choice = "" if self.choice is None else f":{self.choice}"
        return f"{self.request_id}:{self.revision}:{self.channel or ''}{choice}"


_TAG = re.compile(r"([0-9a-f]{32}):([0-9]{1,9}):([A-Z0-9]*)(?::([0-9]{1,6}))?")


def decode_tag(text: str) -> ViewTag | None:
    """The tag of a `private_metadata`, or None for what sayso never made."""
    match = _TAG.fullmatch(text)
    if match is None:
        return None
    return ViewTag(match[1], int(match[2]), match[3] or None, None if match[4] is None else int(match[4]))


@dataclass(frozen=True, slots=True)
class PageTag:
    """What a page of a full request carries in its `private_metadata`; its pages are counted from 0."""

    request_id: str
    revision: int
    page: int

    def encode(self) -> str:
        """The text that Slack keeps."""
        return f"{self.request_id}:{self.revision}:page {self.page}"


_PAGE = re.compile(r"([0-9a-f]{32}):([0-9]{1,9}):page ([0-9]{1,6})")


def decode_page(text: str) -> PageTag | None:
    """The page of a `private_metadata`, or None for what sayso never made."""
    match = _PAGE.fullmatch(text)
    return None if match is None else PageTag(match[1], int(match[2]), int(match[3]))


@dataclass(frozen=True, slots=True)
class Listed:
    """A card of somebody's home, as it was when they looked."""

    request_id: str
    revision: int


_LISTED = re.compile(r"([0-9a-f]{32}):([0-9]{1,9})")


def encode_listed(cards: Iterable[Listed]) -> str:
    """What a home carries in its `private_metadata`: its cards, in their order."""
    return " ".join(f"{one.request_id}:{one.revision}" for one in cards)


def decode_listed(text: str) -> tuple[Listed, ...]:
    """The cards of a `private_metadata` of a home; none for what sayso never made."""
    return tuple(Listed(one[1], int(one[2])) for one in _LISTED.finditer(text))
