"""Answers that take more than a press: a text, a number, a date, several choices, a form, an option found by name.

A conversation is a value that the bot keeps under the message that asks; every step is a plain function of it.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec

from sayso.adapters.cards import Card, Choice, cut, utf16_length, why_words
from sayso.adapters.console import (
    REQUIRED,
    EmptyReply,
    default_words,
    field_hint,
    form_fields,
    put_together,
    read_field,
    visible_line,
)
from sayso.adapters.telegram._card import (
    LABEL_LIMIT,
    PAGE,
    Keyboard,
    choice_button,
    in_rows,
    numbered,
    question,
)
from sayso.adapters.telegram._data import StepAction, StepButton
from sayso.adapters.telegram._text import Stretch, Style, as_html, inert
from sayso.engine import FormField, InvalidAnswer, Json, Kept, Question, Reasons, fold_text

BACK, CANCEL, SKIP = "/back", "/cancel", "/skip"
MOST_FOUND = 10
_LONGEST_QUESTION = 2000
_PROMPT_LIMIT = 300
_ASKED_KEPT = 4


class Goal(StrEnum):
    """What a conversation is for."""

    ANSWER = "answer"
    FIND = "find"
    REASON = "remark"  # as it is kept
    OWN_REASON = "reason"


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """What Telegram keeps of a message that asks: the digest of all of it, and what is said in it."""

    rendering: int
    digest: str
    said: str


class Conversation(msgspec.Struct, frozen=True):
    """Where somebody stands on the way to an answer. `values` are a form's fields so far, None where left out; `chosen`
    the options so far, or the one that a reason goes with. `voted` tells the vote that was theirs when it began.
    `rendering` counts what was asked, and `asked` says what Telegram keeps of the latest of it.
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

    def next(self) -> Conversation:
        """The same, to be asked under the next number."""
        return msgspec.structs.replace(self, rendering=self.rendering + 1)

    def was_asked(self, rendering: int, kept: Kept) -> Conversation:
        """With what Telegram keeps of what was asked under a number."""
        latest = (*self.asked, Asked(rendering, kept.digest, _said(kept)))[-_ASKED_KEPT:]
        return msgspec.structs.replace(self, asked=latest)

    def shows(self, kept: Kept, button: StepButton) -> bool:
        """Whether a message has what was asked under the button's number. A button that takes what was chosen so far
        must be of the latest.
        """
        if button.action in (StepAction.DONE, StepAction.CHOOSE) and button.rendering != self.rendering:
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


def begin(
    card: Card, person: str, goal: Goal = Goal.ANSWER, chosen: tuple[int, ...] = (), voted: str = ""
) -> Conversation:
    """The first state."""
    return Conversation(card.id, card.revision, person, goal, chosen=chosen, voted=voted)


def prompt(card: Card, conversation: Conversation, reason: str | None = None) -> Prompt:
    """What to ask now."""
    said = f"{html.escape(inert(visible_line(reason)), quote=False)}\n\n" if reason else ""
    if conversation.goal is Goal.FIND:
        text = f"{said}Reply with a part of the option's name. {CANCEL} stops."
        return Prompt(text, [], "a part of its name")
    asked = _line(card.prompt)
    if conversation.goal in _ABOUT_REASONS:
        return _reason_prompt(card, conversation, said)
    field = _field(card.question, conversation)
    if field is not None:
        return _field_prompt(card.question, conversation, field, said)
    if card.question.input_type == "multiselect":
        return Prompt(f"{said}<b>{asked}</b>\nChoose, then press Done.", _picker(card, conversation))
    hint = _HINTS.get(card.question.input_type, "text")
    return Prompt(f"{said}<b>{asked}</b>\nReply with {hint}. {CANCEL} stops.", [], hint)


def render_found(card: Card, found: Found) -> Prompt:
    """The options that were found, as buttons that answer, below the question."""
    more = len(found.choices) - MOST_FOUND
    said = f" {more} more match; type more of the name." if more > 0 else ""
    count = Stretch(f"\n\n{min(len(found.choices), MOST_FOUND)} found.{said}", Style.ITALIC)
    return Prompt(
        as_html([*question(card, _LONGEST_QUESTION), count]),
        in_rows(choice_button(card, choice) for choice in found.choices[:MOST_FOUND]),
    )


def take_text(card: Card, conversation: Conversation, text: str) -> Step:
    """What a typed reply leads to."""
    typed = text.strip()
    commands: dict[str, Callable[[], Step]] = {
        CANCEL: Stopped,
        BACK: lambda: _back(conversation),
        SKIP: lambda: _leave_out(card, conversation),
    }
    if typed.casefold() in commands:
        return commands[typed.casefold()]()
    if conversation.goal is Goal.FIND:
        return _find(card, conversation, typed)
    if conversation.goal in _ABOUT_REASONS:
        return _reason(card, conversation, typed)
    field = _field(card.question, conversation)
    try:
        if field is not None:
            return _next(card, conversation, read_field(field, text))
        return Finished(card.question.read_text(text))
    except EmptyReply:
        return GoOn(conversation, "Please write an answer.")
    except InvalidAnswer as error:
        return GoOn(conversation, str(error))


def take_button(card: Card, conversation: Conversation, button: StepButton) -> Step:
    """What a press within the conversation leads to."""
    if conversation.goal in _ABOUT_REASONS:
        return _reason_pressed(card, conversation, button)
    match button.action:
        case StepAction.CANCEL:
            return Stopped()
        case StepAction.BACK:
            return _back(conversation)
        case StepAction.PAGE:
            return GoOn(msgspec.structs.replace(conversation, page=button.number))
        case StepAction.TOGGLE:
            return GoOn(_toggled(card, conversation, button.number))
        case StepAction.DONE:
            return Finished([card.choices[index].value for index in sorted(conversation.chosen)])
        case StepAction.CHOOSE:
            return _choose(card, conversation, button.number)
        case StepAction.OWN:
            return GoOn(conversation)


_HINTS = {
    "text": "your answer",
    "number": "a number, for example 40",
    "date": "a date as 2026-12-31",
    "form": "the form as JSON",
}


def _line(text: str) -> str:
    """As much of a text as a line has room for, as HTML."""
    return html.escape(inert(cut(visible_line(text), _PROMPT_LIMIT, utf16_length)), quote=False)


def _field(question: Question, conversation: Conversation) -> FormField | None:
    """The field of a form that is asked now; None where it is no form, or one that is answered as JSON."""
    fields = form_fields(question) if question.input_type == "form" else None
    return None if fields is None or not fields else fields[min(len(conversation.values), len(fields) - 1)]


def _options_of(field: FormField) -> tuple[Json, ...]:
    return (True, False) if field.kind == "boolean" else field.choices


def _field_prompt(question: Question, conversation: Conversation, field: FormField, said: str) -> Prompt:
    fields = form_fields(question) or ()
    place = f"{len(conversation.values) + 1} of {len(fields)}"
    name = html.escape(inert(visible_line(field.title)), quote=False)
    about = f"\n{html.escape(inert(field.description), quote=False)}" if field.description else ""
    heading = f"{said}<b>{name}</b> ({place}){about}\n"
    options = _options_of(field)
    if options and len(options) <= MOST_FOUND:
        labels = [_label(field, option) for option in options]
        rows = in_rows(
            _step_button(conversation, numbered(index, label), StepAction.CHOOSE, index)
            for index, label in enumerate(labels)
        )
        if not field.required:
            default = default_words(field)
            label = f"Default: {default}" if default else "Leave out"
            rows.append([_step_button(conversation, label, StepAction.CHOOSE, len(options))])
        return Prompt(f"{heading}Choose one.", [*rows, _way_back(conversation)])
    hint = field_hint(field)
    words = [f"Reply with {html.escape(inert(hint), quote=False)}."]
    if not field.required:
        default = html.escape(inert(default_words(field)), quote=False)
        words.append(f"{SKIP} takes the default: {default}." if default else f"{SKIP} leaves it out.")
    words += [f"{BACK} goes back."] if conversation.values else []
    return Prompt(f"{heading}{' '.join(words)} {CANCEL} stops.", [], cut(hint, 60))


def _label(field: FormField, option: Json) -> str:
    if field.kind == "boolean":
        return "Yes" if option else "No"
    return visible_line(str(option))


def _picker(card: Card, conversation: Conversation) -> Keyboard:
    pages = max(1, -(-len(card.choices) // PAGE))
    page = conversation.page % pages
    rows: Keyboard = []
    for choice in card.choices[page * PAGE : (page + 1) * PAGE]:
        sign = "☑️" if choice.index in conversation.chosen else "⬜"
        label = f"{sign} {numbered(choice.index, choice.label)}"
        rows.append([_step_button(conversation, label, StepAction.TOGGLE, choice.index)])
    if pages > 1:
        rows.append(
            [
                _step_button(conversation, "◀", StepAction.PAGE, (page - 1) % pages),
                _step_button(conversation, f"{page + 1}/{pages}", StepAction.PAGE, page),
                _step_button(conversation, "▶", StepAction.PAGE, (page + 1) % pages),
            ]
        )
    done = f"Done ({len(conversation.chosen)})"
    rows.append(
        [
            _step_button(conversation, done, StepAction.DONE),
            _step_button(conversation, "Cancel", StepAction.CANCEL),
        ]
    )
    return rows


def _way_back(conversation: Conversation) -> list[dict[str, Any]]:
    back = [_step_button(conversation, "Back", StepAction.BACK)] if conversation.values else []
    return [*back, _step_button(conversation, "Cancel", StepAction.CANCEL)]


def _toggled(card: Card, conversation: Conversation, index: int) -> Conversation:
    if not 0 <= index < len(card.choices):
        return conversation
    chosen = set(conversation.chosen) ^ {index}
    return msgspec.structs.replace(conversation, chosen=tuple(sorted(chosen)))


def _choose(card: Card, conversation: Conversation, index: int) -> Step:
    field = _field(card.question, conversation)
    options = () if field is None else _options_of(field)
    if field is None or index > len(options):
        return GoOn(conversation)
    if index == len(options):
        return _leave_out(card, conversation)
    return _next(card, conversation, options[index])


def _leave_out(card: Card, conversation: Conversation) -> Step:
    field = _field(card.question, conversation)
    if field is None or field.required:
        return GoOn(conversation, f"{REQUIRED}.")
    return _next(card, conversation, None)


def _next(card: Card, conversation: Conversation, value: Json) -> Step:
    fields = form_fields(card.question) or ()
    values = (*conversation.values, value)
    if len(values) < len(fields):
        return GoOn(msgspec.structs.replace(conversation, values=values))
    given = {at: one for at, one in enumerate(values) if one is not None}
    form, wrong = put_together(card.question, fields, given)
    if not wrong:
        return Finished(form)
    at, why = min(wrong.items())
    if why != REQUIRED:
        return GoOn(conversation, why)
    reason = f"{fields[at].title}: {why}."
    return GoOn(msgspec.structs.replace(conversation, values=values[:at]), reason)


def _back(conversation: Conversation) -> Step:
    if conversation.goal is Goal.OWN_REASON:
        return GoOn(msgspec.structs.replace(conversation, goal=Goal.REASON))
    return GoOn(msgspec.structs.replace(conversation, values=conversation.values[:-1]))


# Why somebody chose what they chose.

_ABOUT_REASONS = (Goal.REASON, Goal.OWN_REASON)


def _reason_prompt(card: Card, conversation: Conversation, said: str) -> Prompt:
    """What asks why: the reasons that are suggested as buttons, or for a reply."""
    why = f"{said}<b>{_line(why_words(card.question, _value(card, conversation)))}</b> {_line(card.prompt)}\n"
    reasons = _reasons(card, conversation)
    if not reasons.suggested or conversation.goal is Goal.OWN_REASON:
        back = f" {BACK} shows the reasons." if reasons.suggested else ""
        return Prompt(
            f"{why}Reply with the reason; your answer counts then.{back} {CANCEL} stops.", [], "the reason"
        )
    is_cut = any(utf16_length(one) > LABEL_LIMIT for one in reasons.suggested)
    listed = "".join(f"{at}. {_line(one)}\n" for at, one in enumerate(reasons.suggested, start=1) if is_cut)
    keyboard = [
        [_step_button(conversation, numbered(at, visible_line(one)), StepAction.CHOOSE, at)]
        for at, one in enumerate(reasons.suggested)
    ]
    keyboard.append([_step_button(conversation, "✍️ Other reason", StepAction.OWN)])
    if not reasons.required:
        keyboard.append([_step_button(conversation, "Without a reason", StepAction.DONE)])
    keyboard.append([_step_button(conversation, "Cancel", StepAction.CANCEL)])
    return Prompt(f"{why}{listed}Choose a reason, or reply with your own.", keyboard)


def _reason(card: Card, conversation: Conversation, typed: str) -> Step:
    """The reason that was typed, in whoever's words."""
    return (
        Finished(_value(card, conversation), typed) if typed else GoOn(conversation, "Please write a reason.")
    )


def _reason_pressed(card: Card, conversation: Conversation, button: StepButton) -> Step:
    """What is picked instead."""
    reasons = _reasons(card, conversation)
    match button.action:
        case StepAction.CANCEL:
            return Stopped()
        case StepAction.CHOOSE if button.number < len(reasons.suggested):
            return Finished(_value(card, conversation), reasons.suggested[button.number])
        case StepAction.DONE if not reasons.required:
            return Finished(_value(card, conversation))
        case StepAction.OWN:
            return GoOn(msgspec.structs.replace(conversation, goal=Goal.OWN_REASON))
        case _:
            return GoOn(conversation)


def _reasons(card: Card, conversation: Conversation) -> Reasons:
    """What is asked with the choice that was made; a reply, of a question that asks nothing any more."""
    return card.reasons_for(_value(card, conversation)) or Reasons((), required=True)


def _value(card: Card, conversation: Conversation) -> Json:
    """The choice that a reason goes with."""
    chosen = conversation.chosen[0]
    if card.question.input_type == "confirm":
        return bool(chosen)
    choices = card.question.choices
    return choices[chosen].value if chosen < len(choices) else None


def _find(card: Card, conversation: Conversation, typed: str) -> Step:
    wanted = fold_text(typed)
    found = tuple(choice for choice in card.choices if wanted and wanted in fold_text(choice.label))
    return Found(found) if found else GoOn(conversation, f"No option's name has “{typed[:60]}” in it.")


def _step_button(
    conversation: Conversation, label: str, action: StepAction, number: int = 0
) -> dict[str, Any]:
    button = StepButton(action, number, conversation.rendering)
    return {"text": label, "callback_data": button.encode()}
