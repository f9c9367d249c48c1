"""Starting a workflow as a conversation: which one, its form field by field, then a summary to start from."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from sayso.adapters.cards import ToType, Words, cut, utf16_length
from sayso.adapters.console import default_words, form_fields, put_together, value_words, visible_line
from sayso.adapters.telegram._card import PAGE, Keyboard, numbered
from sayso.adapters.telegram._data import StepAction, StepButton
from sayso.adapters.telegram._form_steps import (
    asks_again,
    back,
    field_prompt,
    given_values,
    press_field,
    take_command,
    take_field,
)
from sayso.adapters.telegram._stand import (
    Conversation,
    Finished,
    Goal,
    GoOn,
    Prompt,
    Starting,
    Step,
    Stopped,
    step_button,
    turn_page,
    way_back,
    why_not,
)
from sayso.adapters.telegram._text import inert
from sayso.engine import ANYWHERE, FormField, Json, Locale, Question

_NO_FORM: Final = Question(None, None, "form", None, None)
_LONGEST_SUMMARY = 3000
_LONGEST_LINE = 300


@dataclass(frozen=True, slots=True)
class Offer:
    """The workflows that somebody may start, by name, each with what it starts with as a form; None for nothing."""

    forms: Mapping[str, Question | None]

    def form_of(self, start: Starting) -> Question:
        """The form of the workflow that was chosen; one without fields where it has none."""
        return self.forms.get(start.name) or _NO_FORM


def begin_start(
    offer: Offer, person: str, start: Starting, *, in_private: bool, language: str = "", name: str = ""
) -> Conversation:
    """The first state: with a `name` it begins with that workflow's form."""
    begun = Conversation("", 0, person, Goal.START, in_private=in_private, start=start, language=language)
    return _with(offer, begun, name) if name else begun


def start_hindrance(offer: Offer, start: Starting) -> Words | None:
    """Why nothing can be started any more as it was asked; None where it can."""
    if not start.name:
        return None if offer.forms else ("You may no longer start a workflow. Nothing was started.",)
    if start.name not in offer.forms:
        return (f"You may no longer start {visible_line(start.name)}. Nothing was started.",)
    if _digest(offer, start.name) != start.form:
        changed = f"{visible_line(start.name)} asks for something else now. Nothing was started. Send "
        return (changed, ToType("/run"), " again.")
    return None


def prompt_start(
    offer: Offer, conversation: Conversation, reason: str | None = None, locale: Locale = ANYWHERE
) -> Prompt:
    """What to ask now."""
    start = _start_of(conversation)
    if not start.name:
        text = f"{why_not(reason)}<b>Start a workflow</b>\nChoose one."
        return Prompt(text, _listed(conversation, [visible_line(name) for name in start.names]))
    question = offer.form_of(start)
    fields = form_fields(question) or ()
    if len(conversation.values) < len(fields):
        asked = field_prompt(question, conversation, reason, locale)
        assert asked is not None
        return asked
    if start.is_changing:
        given = zip(fields, conversation.values, strict=True)
        lines = [_line(field, value, locale) for field, value in given]
        return Prompt(f"{why_not(reason)}<b>Change what?</b>", _listed(conversation, lines))
    starts = step_button(conversation, "▶ Start", StepAction.START)
    change = [step_button(conversation, "Change", StepAction.CHANGE)] if fields else []
    row = [starts, *change, step_button(conversation, "Cancel", StepAction.CANCEL)]
    return Prompt(f"{why_not(reason)}{_summary(start.name, fields, conversation, locale)}", [row])


def take_start_text(offer: Offer, conversation: Conversation, text: str, locale: Locale = ANYWHERE) -> Step:
    """What a typed reply leads to."""
    start, question, typed = _start_of(conversation), offer.form_of(_start_of(conversation)), text.strip()
    if start.name and len(conversation.values) < len(form_fields(question) or ()):
        return take_command(question, conversation, typed) or take_field(question, conversation, text, locale)
    stopped = take_command(_NO_FORM, conversation, typed)
    if isinstance(stopped, Stopped):
        return stopped
    if not start.name and typed in start.names:
        return GoOn(_with(offer, conversation, typed))
    return GoOn(conversation, "Please use the buttons.")


def take_start_button(offer: Offer, conversation: Conversation, button: StepButton) -> Step:
    """What a press within the conversation leads to."""
    match button.action:
        case StepAction.CANCEL:
            return Stopped()
        case StepAction.PAGE:
            return GoOn(replace(conversation, page=button.number))
        case StepAction.CHANGE:
            return GoOn(_changing(conversation, is_changing=True))
        case StepAction.START:
            return _finish(offer, conversation)
        case StepAction.BACK:
            return _back(conversation)
        case _:
            return _press(offer, conversation, button)


def _back(conversation: Conversation) -> Step:
    if _start_of(conversation).is_changing:
        return GoOn(_changing(conversation, is_changing=False))
    return back(conversation)


def _press(offer: Offer, conversation: Conversation, button: StepButton) -> Step:
    """A workflow, a field that is asked again, or what is pressed at the field that is asked."""
    start = _start_of(conversation)
    if not start.name:
        return GoOn(_with(offer, conversation, start.names[button.number]))
    if start.is_changing:
        asked = asks_again(conversation, conversation.values, button.number)
        return GoOn(_changing(asked, is_changing=False))
    return press_field(offer.form_of(start), conversation, button)


def _finish(offer: Offer, conversation: Conversation) -> Step:
    question = offer.form_of(_start_of(conversation))
    fields = form_fields(question)
    if not fields:
        return Finished({})
    form, wrong = put_together(question, fields, given_values(conversation.values))
    if not wrong:
        return Finished(form)
    at, why = min(wrong.items())
    return GoOn(asks_again(conversation, conversation.values, at), f"{fields[at].title}: {why}")


def _start_of(conversation: Conversation) -> Starting:
    assert conversation.start is not None
    return conversation.start


def _with(offer: Offer, conversation: Conversation, name: str) -> Conversation:
    """The same once a workflow was chosen."""
    start = replace(_start_of(conversation), name=name, form=_digest(offer, name))
    return replace(conversation, start=start, page=0)


def _changing(conversation: Conversation, *, is_changing: bool) -> Conversation:
    return replace(conversation, start=replace(_start_of(conversation), is_changing=is_changing), page=0)


def _digest(offer: Offer, name: str) -> str:
    """Of the form, so that nobody's answers are put into another one; nothing where there is none."""
    form = offer.forms.get(name)
    return "" if form is None else hashlib.sha256(form.text().encode()).hexdigest()


def _listed(conversation: Conversation, labels: list[str]) -> Keyboard:
    """One of several, a button each, page by page where they are many."""
    shown = [
        [step_button(conversation, numbered(at, label), StepAction.CHOOSE, at)]
        for at, label in enumerate(labels)
    ]
    pages = max(1, -(-len(shown) // PAGE))
    page = conversation.page % pages
    turn = [turn_page(conversation, page, pages)] if pages > 1 else []
    return [*shown[page * PAGE : (page + 1) * PAGE], *turn, way_back(conversation)]


def _summary(name: str, fields: tuple[FormField, ...], conversation: Conversation, locale: Locale) -> str:
    """All that was given, as HTML; a line for what is beyond a message's room."""
    lines = [f"<b>Start {html.escape(inert(cut(visible_line(name), _LONGEST_LINE)), quote=False)}?</b>"]
    lines += [""] if fields else ["It has nothing to fill in."]
    room = _LONGEST_SUMMARY
    for at, (field, value) in enumerate(zip(fields, conversation.values, strict=True)):
        line = cut(_line(field, value, locale), _LONGEST_LINE, utf16_length)
        room -= utf16_length(line)
        if room < 0:
            lines.append(f"<i>and {len(fields) - at} more: Change shows them.</i>")
            break
        lines.append(html.escape(inert(line), quote=False))
    return "\n".join(lines)


def _line(field: FormField, value: Json, locale: Locale) -> str:
    default = default_words(field, locale) if field.within is None else ""
    left_out = f"{default} (default)" if default else "not given"
    said = left_out if value is None else value_words(field, value, locale)
    return f"{visible_line(field.title)}: {visible_line(said)}"
