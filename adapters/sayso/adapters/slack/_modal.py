"""Modals: answers that take more than a press. What was typed comes back as a value, or as reasons by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

from sayso.adapters.cards import Card, Words, cut
from sayso.adapters.console import Entered, Rejected, form_fields, visible_line
from sayso.adapters.slack._card import MOST_OPTIONS, options, question
from sayso.adapters.slack._data import ANSWER_VIEW, START_PICK, START_VIEW, Action, CardButton, ViewTag
from sayso.adapters.slack._fields import (
    MOST_CHECKBOXES,
    YES,
    Filled,
    first_input,
    form_inputs,
    given_in,
    input_block,
    option,
    read_fields,
    typed_locale,
)
from sayso.adapters.slack._text import (
    TEXT_LIMIT,
    Block,
    Stretch,
    Style,
    plain_text,
    rich_text,
    split,
    stretches,
)
from sayso.engine import ANYWHERE, MOST_FIELDS, FormField, InvalidAnswer, Json, Locale, Question, Reasons

View = dict[str, Any]

_MOST_PICKED = 25
_ANSWER = "Your answer"
_TITLES = {"multiselect": "Choose", "form": "Fill in the form"}
_TITLE_LIMIT = 24
_OTHER = "other"
_WITH_COMMENT = ("select", "confirm")
_IN_THREAD = "in the card's thread"
_LABELS = {"text": _ANSWER, "number": "A number", "date": "A date", "form": "The form as JSON"}


def loading_view() -> View:
    """What is shown for the moment that looking up takes."""
    return words_view((("One moment … If nothing more comes, close this and press again.",),))


def words_view(lines: Sequence[Words], title: str = "sayso") -> View:
    """A modal with nothing to do but read."""
    content: list[Stretch] = []
    for position, line in enumerate(lines):
        content += [Stretch("\n")] if position else []
        content += stretches(line)
    kept, _ = split(content, TEXT_LIMIT)
    return {
        "type": "modal",
        "title": plain_text(title, _TITLE_LIMIT),
        "close": plain_text("Close", 24),
        "blocks": [rich_text(kept)],
    }


def answer_view(
    card: Card, channel: str | None, locale: Locale = ANYWHERE, filled: Filled | None = None
) -> View:
    """The modal that asks for the answer, below what is asked with its details. Defaults are as the reader writes; with
    what is `filled` in, a list has an entry more or fewer.
    """
    asked = question(card, _IN_THREAD).blocks
    return {
        "type": "modal",
        "callback_id": ANSWER_VIEW,
        "private_metadata": ViewTag(card.id, card.revision, channel).encode(),
        "title": plain_text(_TITLES.get(card.question.input_type, "Answer the question"), 24),
        "submit": plain_text("Send", 24),
        "close": plain_text("Cancel", 24),
        "blocks": [*asked, *_inputs(card, asked, locale, filled)],
    }


def pick_start_view(names: Sequence[str]) -> View:
    """The modal that asks which workflow to start; more than a modal has room for are started by name."""
    buttons = [
        {
            "type": "button",
            "action_id": f"{START_PICK}:{at}",
            "text": plain_text(visible_line(name), 75),
            "value": name,
        }
        for at, name in enumerate(names[:_MOST_PICKED])
    ]
    return {
        "type": "modal",
        "title": plain_text("Start a workflow", 24),
        "close": plain_text("Cancel", 24),
        "blocks": [{"type": "actions", "elements": buttons}],
    }


def start_view(
    name: str, fields: Sequence[FormField], locale: Locale = ANYWHERE, filled: Filled | None = None
) -> View:
    """The modal that asks what a workflow starts with; `filled` as in `answer_view`."""
    kept, _ = split([Stretch(visible_line(name), Style.BOLD)], TEXT_LIMIT)
    head = [block for block in [rich_text(kept)] if block is not None]
    return {
        "type": "modal",
        "callback_id": START_VIEW,
        "private_metadata": name,
        "title": plain_text("Start a workflow", 24),
        "submit": plain_text("Start", 24),
        "close": plain_text("Cancel", 24),
        "blocks": [*head, *form_inputs(fields, _start_id, head, locale, filled)],
    }


def read_start(
    schema: dict[str, Json] | None,
    fields: Sequence[FormField],
    values: Mapping[str, Any],
    locale: Locale = ANYWHERE,
) -> Entered | Rejected:
    """What a workflow starts with, in a view's `state.values`."""
    if schema is None:
        return Entered({})
    return read_fields(Question(None, None, "form", schema, None), fields, values, _start_id, locale)


def _start_id(position: int) -> str:
    return f"start:{position}"


def reason_view(card: Card, channel: str | None, choice: int) -> View:
    """The modal that asks why somebody chose this option, by its position, below what is asked with its details; 1 and
    0 are yes and no.
    """
    reasons = _reasons(card, choice)
    title = _reason_title(card, choice)
    asked = input_block(_block_id(card, 0), "Reason", _plain_input("text"), required=reasons.required)
    blocks = [asked]
    if reasons.suggested:
        given = [option(one, str(at)) for at, one in enumerate(reasons.suggested)]
        listed: Block = {"type": "radio_buttons", "options": [*given, option("Other reason", _OTHER)]}
        more = input_block(
            _block_id(card, 0),
            "Comment",
            _plain_input("text"),
            "Another reason, or more about it.",
            required=False,
        )
        blocks = [input_block(_block_id(card, 1), "Reason", listed, required=False), more]
    return {
        **answer_view(card, channel),
        "private_metadata": ViewTag(card.id, card.revision, channel, choice).encode(),
        "title": plain_text(title, _TITLE_LIMIT),
        "submit": plain_text(title, _TITLE_LIMIT),
        "blocks": [*question(card, _IN_THREAD).blocks, *blocks],
    }


def read_reason(card: Card, choice: int, values: Mapping[str, Any]) -> Entered | Rejected:
    """The comment in a view's `state.values`: the reason that was picked, with what was typed behind it; None where
    there is neither, and need not be.
    """
    reasons = _reasons(card, choice)
    picked, typed = (
        str(given_in(values, _block_id(card, 1)) or ""),
        str(given_in(values, _block_id(card, 0)) or "").strip(),
    )
    if picked == _OTHER and not typed:
        return Rejected({_block_id(card, 0): "Write the reason."})
    if picked and picked != _OTHER:
        if not picked.isdecimal() or int(picked) >= len(reasons.suggested):
            return Rejected({_block_id(card, 1): "Choose one of these."})
        picked = reasons.suggested[int(picked)]
        typed = f"{picked}: {typed}" if typed else picked
    if reasons.required and not typed:
        wanted = "Choose a reason, or write one." if reasons.suggested else "Say why."
        return Rejected({_block_id(card, 0): wanted})
    return Entered(typed or None)


def _reason_title(card: Card, choice: int) -> str:
    """What is done with the choice, as the modal's title and button say it."""
    if card.question.input_type == "confirm":
        return "Answer yes" if choice else "Answer no"
    return card.question.choices[choice].label if choice < len(card.question.choices) else _ANSWER


def _reasons(card: Card, choice: int) -> Reasons:
    """What is asked with a choice."""
    choices = card.question.choices
    value: Json = bool(choice)
    if card.question.input_type != "confirm":
        value = choices[choice].value if choice < len(choices) else None
    return card.reasons_for(value) or Reasons((), required=False)


def read_submission(card: Card, values: Mapping[str, Any], locale: Locale = ANYWHERE) -> Entered | Rejected:
    """The answer in a view's `state.values` (by block_id, then action_id)."""
    fields = _fields(card)
    if fields is not None:
        return read_fields(card.question, fields, values, partial(_block_id, card), locale)
    given = given_in(values, _block_id(card, 0))
    if card.question.input_type == "confirm":
        return Entered(given == YES)
    if card.question.input_type == "select":
        index = int(given) if isinstance(given, str) and given.isdecimal() else len(card.choices)
        if index >= len(card.choices):
            return Rejected({_block_id(card, 0): "Choose one of the options."})
        return Entered(card.choices[index].value)
    if card.question.input_type == "multiselect":
        indexes = sorted(int(text) for text in cast("list[str]", given or []) if text.isdecimal())
        return Entered([card.choices[index].value for index in indexes if index < len(card.choices)])
    try:
        return Entered(card.question.read_text(str(given or ""), typed_locale(locale)))
    except InvalidAnswer as error:
        return Rejected({_block_id(card, 0): str(error)})


def read_comment(card: Card, values: Mapping[str, Any]) -> str | None:
    """The comment beside an option that was chosen in a modal, or None."""
    if card.question.input_type not in _WITH_COMMENT:
        return None
    return str(given_in(values, _block_id(card, 1)) or "").strip() or None


def refused_submission(card: Card, values: Mapping[str, Any], reason: str) -> Rejected:
    """What the store refuses, at the first input."""
    return Rejected({first_input(values, _block_id(card, 0)): cut(reason, TEXT_LIMIT)})


def _fields(card: Card) -> tuple[FormField, ...] | None:
    fields = form_fields(card.question) if card.question.input_type == "form" else None
    return None if fields is None or len(fields) > MOST_FIELDS else fields


def _block_id(card: Card, position: int) -> str:
    """Of this request and revision, so that nothing typed for another shows up in it."""
    return f"{card.id}:{card.revision}:{position}"


def _inputs(card: Card, asked: Sequence[Block], locale: Locale, filled: Filled | None) -> list[Block]:
    fields = _fields(card)
    if fields is not None:
        return form_inputs(fields, partial(_block_id, card), asked, locale, filled)
    kind = card.question.input_type
    if kind in _WITH_COMMENT:
        comment = input_block(_block_id(card, 1), "Comment", _plain_input("text"), required=False)
        return [input_block(_block_id(card, 0), _ANSWER, _one_of(card)), comment]
    if kind == "multiselect":
        return [input_block(_block_id(card, 0), "Choose", _picker(card), required=False)]
    return [input_block(_block_id(card, 0), _LABELS.get(kind, _ANSWER), _plain_input(kind))]


def _plain_input(kind: str) -> Block:
    match kind:
        case "number":
            return {"type": "number_input", "is_decimal_allowed": True}
        case "date":
            return {"type": "datepicker"}
        case _:
            return {"type": "plain_text_input", "multiline": True}


def _one_of(card: Card) -> Block:
    if card.question.input_type == "confirm":
        return {"type": "radio_buttons", "options": [option("Yes", YES), option("No", "no")]}
    if len(card.choices) <= MOST_CHECKBOXES:
        return {"type": "radio_buttons", "options": options(card.choices)}
    return _list_of(card, "static_select", "external_select", f"Choose one of {len(card.choices)}")


def _picker(card: Card) -> Block:
    if len(card.choices) <= MOST_CHECKBOXES:
        return {"type": "checkboxes", "options": options(card.choices)}
    return _list_of(card, "multi_static_select", "multi_external_select", f"Some of {len(card.choices)}")


def _list_of(card: Card, static: str, searched: str, words: str) -> Block:
    """The options as a list, searched where there are more than one may have."""
    placeholder = plain_text(words, 150)
    if len(card.choices) <= MOST_OPTIONS:
        return {"type": static, "placeholder": placeholder, "options": options(card.choices)}
    return {
        "type": searched,
        "action_id": CardButton(Action.PICK, card.id, card.revision).encode(),
        "placeholder": placeholder,
        "min_query_length": 0,
    }
