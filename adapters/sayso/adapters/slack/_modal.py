"""Modals: answers that take more than a press. What was typed comes back as a value, or as reasons by field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from sayso.adapters.cards import Card, Words, cut, pieces
from sayso.adapters.console import (
    EmptyReply,
    check_field,
    default_words,
    field_help,
    form_fields,
    read_field,
    read_form,
    set_off,
    visible,
    visible_line,
)
from sayso.adapters.slack._card import MOST_OPTIONS, numbered, options, question
from sayso.adapters.slack._data import ANSWER_VIEW, START_PICK, START_VIEW, Action, CardButton, ViewTag
from sayso.adapters.slack._text import (
    TEXT_LIMIT,
    Block,
    Stretch,
    Style,
    plain_text,
    rich_text,
    split,
    stretches,
    typed_text,
)
from sayso.engine import ANYWHERE, MOST_FIELDS, FormField, InvalidAnswer, Json, Locale, Question, Reasons

View = dict[str, Any]

VALUE = "value"
"""The `action_id` of every input."""

_MOST_CHECKBOXES = 10
_MOST_PICKED = 25
_ANSWER = "Your answer"
_TITLES = {"multiselect": "Choose", "form": "Fill in the form"}
_TITLE_LIMIT = 24
_OTHER = "other"
_YES = "yes"
_WITH_COMMENT = ("select", "confirm")
_IN_THREAD = "in the card's thread"
_LABELS = {"text": _ANSWER, "number": "A number", "date": "A date", "form": "The form as JSON"}


@dataclass(frozen=True, slots=True)
class Rejected:
    """What was typed is no answer: why, by the `block_id` of the input."""

    errors: dict[str, str]


@dataclass(frozen=True, slots=True)
class Entered:
    """The value that was sent."""

    value: Json


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


def answer_view(card: Card, channel: str | None, locale: Locale = ANYWHERE) -> View:
    """The modal that asks for the answer, below what is asked with its details. Defaults are as the reader writes."""
    asked = question(card, _IN_THREAD)
    return {
        "type": "modal",
        "callback_id": ANSWER_VIEW,
        "private_metadata": ViewTag(card.id, card.revision, channel).encode(),
        "title": plain_text(_TITLES.get(card.question.input_type, "Answer the question"), 24),
        "submit": plain_text("Send", 24),
        "close": plain_text("Cancel", 24),
        "blocks": [*asked.blocks, *_inputs(card, locale)],
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


def start_view(name: str, fields: Sequence[FormField], locale: Locale = ANYWHERE) -> View:
    """The modal that asks what a workflow starts with."""
    kept, _ = split([Stretch(visible_line(name), Style.BOLD)], TEXT_LIMIT)
    return {
        "type": "modal",
        "callback_id": START_VIEW,
        "private_metadata": name,
        "title": plain_text("Start a workflow", 24),
        "submit": plain_text("Start", 24),
        "close": plain_text("Cancel", 24),
        "blocks": [
            rich_text(kept),
            *(_form_input(_start_id(at), one, locale) for at, one in enumerate(fields)),
        ],
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
    """The modal that asks why somebody chose this option, by its position; 1 and 0 are yes and no."""
    kept, _ = split([Stretch(set_off(card.prompt), Style.BOLD)], TEXT_LIMIT)
    reasons = _reasons(card, choice)
    title = reason_title(card, choice)
    asked = _input(_block_id(card, 0), "Reason", _plain_input("text"), required=reasons.required)
    blocks = [asked]
    if reasons.suggested:
        given = [_option(one, str(at)) for at, one in enumerate(reasons.suggested)]
        listed: Block = {"type": "radio_buttons", "options": [*given, _option("Other reason", _OTHER)]}
        more = _input(
            _block_id(card, 0),
            "Comment",
            _plain_input("text"),
            "Another reason, or more about it.",
            required=False,
        )
        blocks = [_input(_block_id(card, 1), "Reason", listed, required=False), more]
    return {
        **answer_view(card, channel),
        "private_metadata": ViewTag(card.id, card.revision, channel, choice).encode(),
        "title": plain_text(title, _TITLE_LIMIT),
        "submit": plain_text(title, _TITLE_LIMIT),
        "blocks": [rich_text(kept), *blocks],
    }


def read_reason(card: Card, choice: int, values: Mapping[str, Any]) -> Entered | Rejected:
    """The comment in a view's `state.values`: the reason that was picked, with what was typed behind it; None where
    there is neither, and need not be.
    """
    reasons = _reasons(card, choice)
    picked, typed = (
        str(_given(values, _block_id(card, 1)) or ""),
        str(_given(values, _block_id(card, 0)) or "").strip(),
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


def reason_title(card: Card, choice: int) -> str:
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
        return _read_form(card, fields, values, locale)
    given = _given(values, _block_id(card, 0))
    if card.question.input_type == "confirm":
        return Entered(given == _YES)
    if card.question.input_type == "select":
        index = int(given) if isinstance(given, str) and given.isdecimal() else len(card.choices)
        if index >= len(card.choices):
            return Rejected({_block_id(card, 0): "Choose one of the options."})
        return Entered(card.choices[index].value)
    if card.question.input_type == "multiselect":
        indexes = sorted(int(text) for text in cast("list[str]", given or []) if text.isdecimal())
        return Entered([card.choices[index].value for index in indexes if index < len(card.choices)])
    try:
        return Entered(card.question.read_text(str(given or ""), _entered(locale)))
    except InvalidAnswer as error:
        return Rejected({_block_id(card, 0): str(error)})


def read_comment(card: Card, values: Mapping[str, Any]) -> str | None:
    """The comment beside an option that was chosen in a modal, or None."""
    if card.question.input_type not in _WITH_COMMENT:
        return None
    return str(_given(values, _block_id(card, 1)) or "").strip() or None


def refused_submission(card: Card, reason: str) -> Rejected:
    """What the store refuses, at the first input."""
    return Rejected({_block_id(card, 0): cut(reason, TEXT_LIMIT)})


def _fields(card: Card) -> tuple[FormField, ...] | None:
    fields = form_fields(card.question) if card.question.input_type == "form" else None
    return None if fields is None or len(fields) > MOST_FIELDS else fields


def _block_id(card: Card, position: int) -> str:
    """Of this request and revision, so that nothing typed for another shows up in it."""
    return f"{card.id}:{card.revision}:{position}"


def _inputs(card: Card, locale: Locale) -> list[Block]:
    fields = _fields(card)
    if fields is not None:
        return [_form_input(_block_id(card, at), field, locale) for at, field in enumerate(fields)]
    kind = card.question.input_type
    if kind in _WITH_COMMENT:
        comment = _input(_block_id(card, 1), "Comment", _plain_input("text"), required=False)
        return [_input(_block_id(card, 0), _ANSWER, _one_of(card)), comment]
    if kind == "multiselect":
        return [_input(_block_id(card, 0), "Choose", _picker(card), required=False)]
    return [_input(_block_id(card, 0), _LABELS.get(kind, _ANSWER), _plain_input(kind))]


def _input(block_id: str, label: str, element: Block, hint: str = "", *, required: bool = True) -> Block:
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, 2000),
        "element": {**element, "action_id": element.get("action_id", VALUE)},
    }
    block |= {} if required else {"optional": True}
    return {**block, "hint": plain_text(hint, 2000)} if hint else block


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
        return {"type": "radio_buttons", "options": [_option("Yes", _YES), _option("No", "no")]}
    if len(card.choices) <= _MOST_CHECKBOXES:
        return {"type": "radio_buttons", "options": options(card.choices)}
    return _list_of(card, "static_select", "external_select", f"Choose one of {len(card.choices)}")


def _picker(card: Card) -> Block:
    if len(card.choices) <= _MOST_CHECKBOXES:
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


def _form_input(block_id: str, field: FormField, locale: Locale) -> Block:
    element = _form_element(field)
    label = visible_line(field.title) or field.name
    return _input(block_id, label, element, visible(_hint(field, locale)), required=field.required)


def _hint(field: FormField, locale: Locale) -> str:
    is_typed = field.item is not None and not _picks(field.item)
    return " ".join(
        part
        for part in (field_help(field, locale), "One per line, or with commas." if is_typed else "")
        if part
    )


def _picks(field: FormField) -> bool:
    """Whether its choices are picked from a list; more are typed."""
    return field.kind != "boolean" and 0 < len(field.choices) <= MOST_OPTIONS


def _choices_of(field: FormField) -> list[Block]:
    return [_option(numbered(at, visible_line(str(one))), str(at)) for at, one in enumerate(field.choices)]


def _form_element(field: FormField) -> Block:
    """What a field is filled in with, as it stands by default; an object that may be left out stands empty."""
    default = None if field.within is not None else field.default
    if field.kind == "boolean":
        given = [_option("Yes", _YES), _option("No", "no")]
        return {
            "type": "radio_buttons",
            "options": given,
            **_initial(given, None if default is None else int(not default)),
        }
    if _picks(field):
        given = _choices_of(field)
        at = field.choices.index(default) if default in field.choices else None
        shown = {"type": "static_select", "placeholder": plain_text("Choose one", 150), "options": given}
        return {**shown, **_initial(given, at)}
    if field.item is not None:
        return _list_element(field.item, default)
    if field.kind in ("integer", "number"):
        element: Block = {"type": "number_input", "is_decimal_allowed": field.kind == "number"}
    elif field.is_date:
        return {"type": "datepicker", **({} if default is None else {"initial_date": default})}
    elif field.is_instant:
        return {"type": "datetimepicker", **_initial_instant(default)}
    else:
        element = {"type": "plain_text_input"}
    return {**element, **_initial_text(default_words(field) if default is not None else "")}


def _list_element(item: FormField, default: Json) -> Block:
    chosen = cast("list[Json]", default or [])
    if not _picks(item):
        return {"type": "plain_text_input", "multiline": True, **_initial_text("\n".join(map(str, chosen)))}
    given = _choices_of(item)
    kind = "checkboxes" if len(given) <= _MOST_CHECKBOXES else "multi_static_select"
    initial = [given[item.choices.index(one)] for one in chosen if one in item.choices]
    return {"type": kind, "options": given, **({"initial_options": initial} if initial else {})}


def _initial(given: list[Block], at: int | None) -> Block:
    return {} if at is None else {"initial_option": given[at]}


def _initial_text(text: str) -> Block:
    return {"initial_value": text} if text else {}


def _initial_instant(default: Json) -> Block:
    """A time as Slack writes it, in seconds; one that names no offset is in UTC."""
    try:
        at = datetime.fromisoformat(str(default))
    except ValueError:
        return {}
    return {"initial_date_time": int((at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp())}


def _option(label: str, value: str) -> dict[str, Any]:
    return {"text": plain_text(label or "(empty)", 75), "value": value}


def _read_form(
    card: Card, fields: Sequence[FormField], values: Mapping[str, Any], locale: Locale
) -> Entered | Rejected:
    return read_fields(card.question, fields, values, lambda at: _block_id(card, at), locale)


def read_fields(
    question: Question,
    fields: Sequence[FormField],
    values: Mapping[str, Any],
    block_id: Callable[[int], str],
    locale: Locale = ANYWHERE,
) -> Entered | Rejected:
    """The form in a view's `state.values`, whose inputs have these ids by the position of their fields."""

    def read(position: int, field: FormField) -> Json:
        return _read_one(field, _given(values, block_id(position)), locale)

    form, wrong = read_form(question, fields, read)
    if wrong:
        return Rejected({block_id(at): next(pieces(why, TEXT_LIMIT)) for at, why in wrong.items()})
    return Entered(form)


def _read_one(field: FormField, given: Any, locale: Locale) -> Json:
    if isinstance(given, list):  # of the options of a list
        item = field.item
        picked = cast("list[str]", given)
        if item is None or not picked:
            raise EmptyReply
        return check_field(field, [item.choices[int(one)] for one in picked])
    text = "" if given is None else str(given)
    if _picks(field) and text:
        return field.choices[int(text)]
    return read_field(field, text, _entered(locale))


def _entered(locale: Locale) -> Locale:
    """How a modal was filled in: Slack's own inputs for numbers have a point before decimals in every country."""
    return locale if locale.decimal == "." else replace(locale, decimal="")


def _given(values: Mapping[str, Any], block_id: str) -> Any:
    """What one input holds: a text, or a list of options' values; None where it is empty."""
    for found in cast("Mapping[str, Mapping[str, Any]]", values.get(block_id, {})).values():
        if "selected_options" in found:
            picked = cast("list[Mapping[str, Any]]", found["selected_options"] or [])
            return [str(one["value"]) for one in picked]
        if found.get("selected_option") is not None:
            return str(found["selected_option"]["value"])
        if found.get("selected_date_time") is not None:
            return datetime.fromtimestamp(int(found["selected_date_time"]), UTC).isoformat()
        typed = found.get("selected_date") or found.get("value")
        return None if typed is None else typed_text(typed)
    return None
