"""Where somebody stands in a conversation, as it is kept under the message that asks, and what a step leads to."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec

from sayso.adapters.cards import Choice
from sayso.adapters.console import visible_line
from sayso.adapters.telegram._card import Keyboard
from sayso.adapters.telegram._data import StepAction, StepButton
from sayso.adapters.telegram._text import inert
from sayso.engine import Json, Kept

_OF_THE_LATEST = (StepAction.DONE, StepAction.CHOOSE, StepAction.START, StepAction.REMOVE)
_ASKED_KEPT = 4


class Goal(StrEnum):
    """What a conversation is for."""

    ANSWER = "answer"
    FIND = "find"
    REASON = "remark"  # as it is kept
    OWN_REASON = "reason"
    START = "start"


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """What Telegram keeps of a message that asks: the digest of all of it, and what is said in it."""

    rendering: int
    digest: str
    said: str


class Starting(msgspec.Struct, frozen=True):
    """A start that somebody prepares, under the `key` of what asked for it: the workflows to choose from as they were
    shown, when it was `begun`, the one that was chosen, and the digest of its form. `asked_in` is the chat in which
    everybody saw it, where cards can go. With `is_changing`, a field is chosen that is asked again.
    """

    names: tuple[str, ...]
    key: str
    begun: datetime
    name: str = ""
    form: str = ""
    asked_in: str | None = None
    is_changing: bool = False


class Conversation(msgspec.Struct, frozen=True):
    """Where somebody stands on the way to an answer. `values` are a form's fields so far, None where left out, and
    `later` those behind the field that is asked again, and that field's own; `chosen` the options so far, or the one
    that a reason goes with, `entries` those of a list so far. `voted` tells the vote that was theirs when it began.
    `rendering` counts what was asked, `asked` says what Telegram keeps of the latest of it, and `has_buttons` whether
    that has some. `in_private` nobody else reads it, and a text needs no reply. `start` is what a workflow is started
    by; then there is no request. `language` is that of the person's app.
    """

    request_id: str
    revision: int
    person: str
    goal: Goal = Goal.ANSWER
    values: tuple[Any, ...] = ()
    chosen: tuple[int, ...] = ()
    page: int = 0
    voted: str = ""
    rendering: int = 0
    asked: tuple[Asked, ...] = ()
    later: tuple[Any, ...] = ()
    in_private: bool = False
    start: Starting | None = None
    has_buttons: bool = False
    language: str = ""
    entries: tuple[Any, ...] = ()

    def next(self) -> Conversation:
        """The same, to be asked under the next number."""
        return msgspec.structs.replace(self, rendering=self.rendering + 1)

    def asked_by(self, shown: Prompt) -> Conversation:
        """The same, asked by this message."""
        return msgspec.structs.replace(self, has_buttons=bool(shown.keyboard))

    def was_asked(self, rendering: int, kept: Kept) -> Conversation:
        """With what Telegram keeps of what was asked under a number."""
        latest = (*self.asked, Asked(rendering, kept.digest, _said(kept)))[-_ASKED_KEPT:]
        return msgspec.structs.replace(self, asked=latest)

    def shows(self, kept: Kept, button: StepButton) -> bool:
        """Whether a message has what was asked under the button's number. A button that takes what was chosen so far
        must be of the latest.
        """
        if button.action in _OF_THE_LATEST and button.rendering != self.rendering:
            return False
        return any((one.rendering, one.digest) == (button.rendering, kept.digest) for one in self.asked)

    def says(self, kept: Kept) -> bool:
        """Whether a message that is replied to says what was asked last."""
        return any((one.rendering, one.said) == (self.rendering, _said(kept)) for one in self.asked)


def _said(kept: Kept) -> str:
    return f"{kept.parts.get('text', '')}{kept.parts.get('entities', '')}"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A message that asks. Without a keyboard it asks for a reply. `text` is HTML."""

    text: str
    keyboard: Keyboard
    placeholder: str = ""


@dataclass(frozen=True, slots=True)
class GoOn:
    """The conversation stands here now; `reason` says why the last reply was not taken."""

    conversation: Conversation
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The value that came out of it, and the comment that goes with it."""

    value: Json
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """The person does not want to answer now. Nothing was decided."""


@dataclass(frozen=True, slots=True)
class Found:
    """Options that match what was typed, to be shown as buttons of the card."""

    choices: tuple[Choice, ...]


Step: TypeAlias = GoOn | Finished | Stopped | Found


def why_not(reason: str | None) -> str:
    """Why the last reply was not taken, above what is asked again, as HTML."""
    return f"{html.escape(inert(visible_line(reason)), quote=False)}\n\n" if reason else ""


def toggle_button(conversation: Conversation, label: str, index: int) -> dict[str, Any]:
    """The button of one of several options, with a sign of whether it is chosen."""
    sign = "☑️" if index in conversation.chosen else "⬜"
    return step_button(conversation, f"{sign} {label}", StepAction.TOGGLE, index)


def toggled(conversation: Conversation, index: int, count: int) -> Conversation:
    """The same with one of so many options chosen, or not any more."""
    if not 0 <= index < count:
        return conversation
    chosen = set(conversation.chosen) ^ {index}
    return msgspec.structs.replace(conversation, chosen=tuple(sorted(chosen)))


def turn_page(conversation: Conversation, page: int, pages: int) -> list[dict[str, Any]]:
    """The row of buttons that turns to the pages beside this one."""
    return [
        step_button(conversation, "◀", StepAction.PAGE, (page - 1) % pages),
        step_button(conversation, f"{page + 1}/{pages}", StepAction.PAGE, page),
        step_button(conversation, "▶", StepAction.PAGE, (page + 1) % pages),
    ]


def way_back(conversation: Conversation) -> list[dict[str, Any]]:
    """The last row of buttons."""
    has_more = bool(conversation.values or conversation.later)
    behind = [step_button(conversation, "Back", StepAction.BACK)] if has_more else []
    return [*behind, step_button(conversation, "Cancel", StepAction.CANCEL)]


def step_button(
    conversation: Conversation, label: str, action: StepAction, number: int = 0
) -> dict[str, Any]:
    """A button within the conversation."""
    button = StepButton(action, number, conversation.rendering)
    return {"text": label, "callback_data": button.encode()}
