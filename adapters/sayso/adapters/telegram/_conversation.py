"""Answers that take more than a press: a text, a number, a date, several choices, a form, an option found by name.

A conversation is a value that the bot keeps under the message that asks; every step is a plain function of it. What a
workflow starts with is asked as a form is: see `_starting`.
"""

from __future__ import annotations

import html

import msgspec

from sayso.adapters.cards import Card, cut, past_tense, utf16_length, why_words
from sayso.adapters.console import EXAMPLE_DAY, form_fields, visible_line
from sayso.adapters.telegram._card import (
    LABEL_LIMIT,
    PAGE,
    Keyboard,
    choice_button,
    folded_details,
    in_rows,
    numbered,
    question,
)
from sayso.adapters.telegram._data import StepAction, StepButton
from sayso.adapters.telegram._form_steps import (
    BACK,
    CANCEL,
    back,
    field_prompt,
    press_field,
    take_command,
    take_field,
)
from sayso.adapters.telegram._stand import (
    Conversation,
    Finished,
    Found,
    Goal,
    GoOn,
    Prompt,
    Step,
    Stopped,
    step_button,
    toggle_button,
    toggled,
    turn_page,
    why_not,
)
from sayso.adapters.telegram._text import Stretch, Style, as_html, inert
from sayso.engine import ANYWHERE, InvalidAnswer, Json, Locale, Reasons, fold_text

MOST_FOUND = 10
_LONGEST_QUESTION = 2000
_PROMPT_LIMIT = 300


def begin(
    card: Card,
    person: str,
    goal: Goal = Goal.ANSWER,
    chosen: tuple[int, ...] = (),
    voted: str = "",
    *,
    in_private: bool = False,
    language: str = "",
) -> Conversation:
    """The first state."""
    return Conversation(
        card.id,
        card.revision,
        person,
        goal,
        chosen=chosen,
        voted=voted,
        in_private=in_private,
        language=language,
    )


def prompt(
    card: Card, conversation: Conversation, reason: str | None = None, locale: Locale = ANYWHERE
) -> Prompt:
    """What to ask now."""
    said = why_not(reason)
    if conversation.goal is Goal.FIND:
        text = f"{said}Reply with a part of the option's name. {CANCEL} stops."
        return Prompt(text, [], "a part of its name")
    asked = _line(card.prompt)
    if conversation.goal in _ABOUT_REASONS:
        return _reason_prompt(card, conversation, said)
    if card.question.input_type == "form" and (
        shown := field_prompt(card.question, conversation, reason, locale)
    ):
        return shown
    if card.question.input_type == "multiselect":
        return Prompt(f"{said}<b>{asked}</b>\nChoose, then press Done.", _picker(card, conversation))
    kind = card.question.input_type
    hint = f"a date as {locale.day(EXAMPLE_DAY)}" if kind == "date" else _HINTS.get(kind, "text")
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


def take_text(card: Card, conversation: Conversation, text: str, locale: Locale = ANYWHERE) -> Step:
    """What a typed reply leads to."""
    typed = text.strip()
    if (step := take_command(card.question, conversation, typed)) is not None:
        return step
    if conversation.goal is Goal.FIND:
        return _find(card, conversation, typed)
    if conversation.goal in _ABOUT_REASONS:
        return _reason(card, conversation, typed)
    if form_fields(card.question):
        return take_field(card.question, conversation, text, locale)
    try:
        return Finished(card.question.read_text(text, locale))
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
            return back(conversation)
        case StepAction.PAGE:
            return GoOn(msgspec.structs.replace(conversation, page=button.number))
        case StepAction.TOGGLE if card.choices:
            return GoOn(toggled(conversation, button.number, len(card.choices)))
        case StepAction.DONE if card.choices:
            return Finished([card.choices[index].value for index in sorted(conversation.chosen)])
        case _:
            return press_field(card.question, conversation, button)


_HINTS = {
    "text": "your answer",
    "number": "a number, for example 40",
    "form": "the form as JSON",
}


def _line(text: str) -> str:
    """As much of a text as a line has room for, as HTML."""
    return html.escape(inert(cut(visible_line(text), _PROMPT_LIMIT, utf16_length)), quote=False)


def _picker(card: Card, conversation: Conversation) -> Keyboard:
    pages = max(1, -(-len(card.choices) // PAGE))
    page = conversation.page % pages
    rows: Keyboard = []
    for choice in card.choices[page * PAGE : (page + 1) * PAGE]:
        rows.append([toggle_button(conversation, numbered(choice.index, choice.label), choice.index)])
    rows += [turn_page(conversation, page, pages)] if pages > 1 else []
    done = f"Done ({len(conversation.chosen)})"
    rows.append(
        [
            step_button(conversation, done, StepAction.DONE),
            step_button(conversation, "Cancel", StepAction.CANCEL),
        ]
    )
    return rows


# Why somebody chose what they chose.

_ABOUT_REASONS = (Goal.REASON, Goal.OWN_REASON)


def _reason_prompt(card: Card, conversation: Conversation, said: str) -> Prompt:
    """What asks why: the reasons that are suggested as buttons, or for a reply."""
    value, reasons = _value(card, conversation), _reasons(card, conversation)
    details = as_html(folded_details(card, _LONGEST_QUESTION))
    why = f"{said}<b>{_line(why_words(card.question, value))}</b> {_line(card.prompt)}\n"
    why += f"{details}\n" if details else ""
    past = past_tense(card.question, value)
    left_out = f"{'Reject' if past else 'Answer'} without a reason"
    if not reasons.suggested and not reasons.required:
        buttons = [
            step_button(conversation, left_out, StepAction.DONE),
            step_button(conversation, "Cancel", StepAction.CANCEL),
        ]
        return Prompt(f"{why}Reply with the reason; your answer counts then.", [buttons])
    if not reasons.suggested or conversation.goal is Goal.OWN_REASON:
        back = f" {BACK} shows the reasons." if reasons.suggested else ""
        return Prompt(
            f"{why}Reply with the reason; your answer counts then.{back} {CANCEL} stops.", [], "the reason"
        )
    is_cut = any(utf16_length(one) > LABEL_LIMIT for one in reasons.suggested)
    listed = "".join(f"{at}. {_line(one)}\n" for at, one in enumerate(reasons.suggested, start=1) if is_cut)
    keyboard = [
        [step_button(conversation, numbered(at, visible_line(one)), StepAction.CHOOSE, at)]
        for at, one in enumerate(reasons.suggested)
    ]
    keyboard.append([step_button(conversation, "✍️ Other reason", StepAction.OWN)])
    if not reasons.required:
        keyboard.append([step_button(conversation, left_out, StepAction.DONE)])
    keyboard.append([step_button(conversation, "Cancel", StepAction.CANCEL)])
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
