"""A form field by field: what each is asked by, and what is pressed or typed for it."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from sayso.adapters.cards import cut, utf16_length
from sayso.adapters.console import (
    REMOVE_ENTRY,
    REQUIRED,
    EmptyReply,
    check_field,
    default_words,
    entry_of,
    field_hint,
    form_fields,
    has_entries,
    most_entries,
    most_words,
    put_together,
    read_field,
    value_words,
    visible_line,
)
from sayso.adapters.telegram._card import LABEL_LIMIT, Keyboard, in_rows, numbered
from sayso.adapters.telegram._data import StepAction, StepButton
from sayso.adapters.telegram._stand import (
    Conversation,
    Finished,
    Goal,
    GoOn,
    Prompt,
    Step,
    Stopped,
    step_button,
    toggle_button,
    toggled,
    way_back,
    why_not,
)
from sayso.adapters.telegram._text import inert
from sayso.engine import FormField, InvalidAnswer, Json, Locale, Question

BACK, CANCEL, SKIP = "/back", "/cancel", "/skip"
_DONE, _REMOVE = "/done", "/remove"
_MOST_BUTTONS = 10
_LONGEST_ENTRIES = 1500
"""Of what a message says of the entries of a list so far."""
_LONGEST_ENTRY = 200


def _field(question: Question, conversation: Conversation) -> FormField | None:
    """The field of a form that is asked now; None where it is no form, or one that is answered as JSON."""
    fields = form_fields(question) if question.input_type == "form" else None
    return None if fields is None or not fields else fields[min(len(conversation.values), len(fields) - 1)]


def _options_of(field: FormField) -> tuple[Json, ...]:
    return (True, False) if field.kind == "boolean" else field.choices


def field_prompt(
    question: Question, conversation: Conversation, reason: str | None, locale: Locale
) -> Prompt | None:
    """What asks for a form's next field; None where it has none, and is answered as JSON."""
    field = _field(question, conversation)
    if field is None:
        return None
    place = f"{len(conversation.values) + 1} of {len(form_fields(question) or ())}"
    name = html.escape(inert(visible_line(field.title)), quote=False)
    about = f"\n{html.escape(inert(field.description), quote=False)}" if field.description else ""
    heading = f"{why_not(reason)}<b>{name}</b> ({place}){about}\n"
    if has_entries(field):
        return _entries_prompt(field, conversation, heading, locale)
    options = _options_of(field)
    if options and len(options) <= _MOST_BUTTONS:
        labels = [_label(field, option) for option in options]
        rows = in_rows(
            step_button(conversation, numbered(index, label), StepAction.CHOOSE, index)
            for index, label in enumerate(labels)
        )
        return Prompt(f"{heading}Choose one.", [*rows, *_ways_on(conversation, field, locale, len(options))])
    if listed := _options_in(field):
        rows = [
            [toggle_button(conversation, numbered(at, visible_line(str(one))), at)]
            for at, one in enumerate(listed)
        ]
        done = step_button(conversation, f"Done ({len(conversation.chosen)})", StepAction.DONE)
        return Prompt(
            f"{heading}Choose, then press Done.", [*rows, [done], *_ways_on(conversation, field, locale)]
        )
    hint = field_hint(field, locale)
    asks = f"{_verb(conversation)} {html.escape(inert(hint), quote=False)}."
    if conversation.in_private:
        return Prompt(f"{heading}{asks}", _ways_on(conversation, field, locale))
    return Prompt(f"{heading}{asks} {_typed_ways_on(conversation, field, locale)}", [], cut(hint, 60))


def _verb(conversation: Conversation) -> str:
    return "Send" if conversation.in_private else "Reply with"


def _typed_ways_on(conversation: Conversation, field: FormField, locale: Locale) -> str:
    """What leads on where a reply is asked for, as HTML: what stands there by default, and the ways back."""
    back = _typed_ways_back(conversation)
    if field.required:
        return back
    default = html.escape(inert(default_words(field, locale)), quote=False)
    skip = f"{SKIP} takes the default: {default}." if default else f"{SKIP} leaves it out."
    return f"{skip} {back}"


def _typed_ways_back(conversation: Conversation) -> str:
    return f"{f'{BACK} goes back. ' if conversation.values else ''}{CANCEL} stops."


def _entries_prompt(field: FormField, conversation: Conversation, heading: str, locale: Locale) -> Prompt:
    """What asks for the next entry of a list, below those so far."""
    given, most = conversation.entries, most_entries(field)
    entry = entry_of(field, len(given))
    hint, options = field_hint(entry, locale), _options_of(entry)
    which = "another entry" if given else "the first entry"
    asks = f"{_verb(conversation)} {which}: {html.escape(inert(hint), quote=False)}"
    if most is not None and len(given) >= most:
        asks, options = most_words(most), ()
    elif options:
        asks = f"Choose {which}"
    said = f"{heading}{_listed_entries(field, given, locale)}{asks}"
    if conversation.in_private or entry.kind == "boolean":
        labels = enumerate(_label(entry, one) for one in options)
        row = [step_button(conversation, label, StepAction.CHOOSE, at) for at, label in labels]
        rows = [row] if row else []
        if not given:
            return Prompt(f"{said}.", [*rows, *_ways_on(conversation, field, locale, len(options))])
        remove = step_button(conversation, REMOVE_ENTRY, StepAction.REMOVE)
        done = step_button(conversation, f"Done ({len(given)})", StepAction.DONE)
        return Prompt(f"{said}, or press Done.", [*rows, [remove, done], way_back(conversation)])
    ways_on = _typed_ways_on(conversation, field, locale)
    if given:
        ways_on = f"{_DONE} ends the list, {_REMOVE} removes the last. {_typed_ways_back(conversation)}"
    return Prompt(f"{said}. {ways_on}", [], cut(hint, 60))


def _listed_entries(field: FormField, given: Sequence[Json], locale: Locale) -> str:
    """The entries so far, a line each, as HTML; of many, the latest."""
    item = entry_of(field, len(given))
    room, lines = _LONGEST_ENTRIES, list[str]()
    for number, one in reversed(list(enumerate(given, start=1))):
        line = cut(f"{number}. {value_words(item, one, locale)}", _LONGEST_ENTRY, utf16_length)
        room -= utf16_length(line) + 1
        if room < 0:
            lines.append(f"… {number} more")
            break
        lines.append(line)
    return "".join(f"{html.escape(inert(one), quote=False)}\n" for one in reversed(lines))


def _ways_on(conversation: Conversation, field: FormField, locale: Locale, past: int = 0) -> Keyboard:
    """The buttons below a field's own: what stands there by default, and the ways back. `past` is how many options it
    has.
    """
    rows: Keyboard = []
    if not field.required:
        default = default_words(field, locale)
        label = f"Default: {cut(default, LABEL_LIMIT, utf16_length)}" if default else "Leave out"
        rows.append([step_button(conversation, label, StepAction.CHOOSE, past)])
    return [*rows, way_back(conversation)]


def _options_in(field: FormField) -> tuple[Json, ...]:
    """Those of which a list takes some, where there is a button for each."""
    given = () if field.item is None else field.item.choices
    return given if len(given) <= _MOST_BUTTONS else ()


def _label(field: FormField, option: Json) -> str:
    if field.kind == "boolean":
        return "Yes" if option else "No"
    return visible_line(str(option))


def take_command(question: Question, conversation: Conversation, typed: str) -> Step | None:
    """What a command within a conversation leads to; None for what is none."""
    commands: dict[str, Callable[[], Step]] = {
        CANCEL: Stopped,
        BACK: lambda: back(conversation),
        SKIP: lambda: _leave_out(question, conversation),
    }
    field = _field(question, conversation)
    if field is not None and has_entries(field):
        commands[_DONE] = lambda: _listed(question, conversation, field, list(conversation.entries))
        commands[_REMOVE] = lambda: GoOn(_without_last(conversation))
    found = commands.get(typed.casefold())
    return None if found is None else found()


def take_field(question: Question, conversation: Conversation, text: str, locale: Locale) -> Step:
    """What is typed for the field of a form that is asked now."""
    field = _field(question, conversation)
    if field is None:
        return GoOn(conversation)
    try:
        if has_entries(field):
            return _add(field, conversation, _read_entries(field, conversation, text, locale))
        return _next(question, conversation, read_field(field, text, locale))
    except EmptyReply:
        return GoOn(conversation, "Please write an answer.")
    except InvalidAnswer as error:
        return GoOn(conversation, str(error))


def _read_entries(field: FormField, conversation: Conversation, text: str, locale: Locale) -> list[Json]:
    """The entry that was typed, or one of each line. Raises as `read_field` does."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise EmptyReply
    begin = len(conversation.entries)
    return [read_field(entry_of(field, begin + at), line, locale) for at, line in enumerate(lines)]


def _add(field: FormField, conversation: Conversation, more: Sequence[Json]) -> Step:
    entries, most = (*conversation.entries, *more), most_entries(field)
    if most is not None and len(entries) > most:
        return GoOn(conversation, f"{most_words(most)}.")
    return GoOn(msgspec.structs.replace(conversation, entries=entries))


def _without_last(conversation: Conversation) -> Conversation:
    return msgspec.structs.replace(conversation, entries=conversation.entries[:-1])


def press_field(question: Question, conversation: Conversation, button: StepButton) -> Step:
    """What a press at the field that is asked now leads to: an option, what stands behind them and leaves it out, one
    of several, or the end of those.
    """
    field = _field(question, conversation)
    if field is None:
        return GoOn(conversation)
    options, listed = _options_of(field), _options_in(field)
    if has_entries(field):
        return _press_entry(question, conversation, field, button)
    match button.action:
        case StepAction.CHOOSE if button.number < len(options):
            return _next(question, conversation, options[button.number])
        case StepAction.CHOOSE:
            return _leave_out(question, conversation)
        case StepAction.TOGGLE:
            return GoOn(toggled(conversation, button.number, len(listed)))
        case StepAction.DONE:
            return _listed(question, conversation, field, [listed[at] for at in conversation.chosen])
        case _:
            return GoOn(conversation)


def _press_entry(
    question: Question, conversation: Conversation, field: FormField, button: StepButton
) -> Step:
    options = _options_of(entry_of(field, len(conversation.entries)))
    match button.action:
        case StepAction.CHOOSE if button.number < len(options):
            return _add(field, conversation, [options[button.number]])
        case StepAction.CHOOSE:
            return _leave_out(question, conversation)
        case StepAction.REMOVE:
            return GoOn(_without_last(conversation))
        case StepAction.DONE:
            return _listed(question, conversation, field, list(conversation.entries))
        case _:
            return GoOn(conversation)


def _listed(question: Question, conversation: Conversation, field: FormField, chosen: list[Json]) -> Step:
    if not chosen and not field.required:
        return _leave_out(question, conversation)
    try:
        return _next(question, conversation, check_field(field, chosen))
    except InvalidAnswer as error:
        return GoOn(conversation, str(error))


def _leave_out(question: Question, conversation: Conversation) -> Step:
    field = _field(question, conversation)
    if field is None or field.required:
        return GoOn(conversation, f"{REQUIRED}.")
    return _next(question, conversation, None)


def _next(question: Question, conversation: Conversation, value: Json) -> Step:
    fields = form_fields(question) or ()
    conversation = msgspec.structs.replace(conversation, chosen=(), entries=())
    values = (*conversation.values, value, *conversation.later[1:])
    if len(values) < len(fields):
        return GoOn(msgspec.structs.replace(conversation, values=values, later=()))
    form, wrong = put_together(question, fields, given_values(values))
    if not wrong:
        is_start = conversation.goal is Goal.START
        whole = msgspec.structs.replace(conversation, values=values, later=())
        return GoOn(whole) if is_start else Finished(form)
    at, why = min(wrong.items())
    if why != REQUIRED:
        return GoOn(conversation, why)
    return GoOn(asks_again(conversation, values, at), f"{fields[at].title}: {why}.")


def given_values(values: Sequence[Json]) -> dict[int, Json]:
    """Those that were not left out, by the positions of their fields."""
    return {at: one for at, one in enumerate(values) if one is not None}


def asks_again(conversation: Conversation, values: tuple[Any, ...], at: int) -> Conversation:
    """The same where a field is asked once more, and no other."""
    return msgspec.structs.replace(conversation, values=values[:at], later=values[at:], chosen=(), entries=())


def back(conversation: Conversation) -> Step:
    """The field before; from one that is asked again, to all of them; from a reason of one's own, to the others."""
    if conversation.goal is Goal.OWN_REASON:
        return GoOn(msgspec.structs.replace(conversation, goal=Goal.REASON))
    if conversation.goal is Goal.START and conversation.later:
        whole = (*conversation.values, *conversation.later)
        return GoOn(msgspec.structs.replace(conversation, values=whole, later=(), chosen=(), entries=()))
    values = conversation.values[:-1]
    return GoOn(msgspec.structs.replace(conversation, values=values, later=(), chosen=(), entries=()))
