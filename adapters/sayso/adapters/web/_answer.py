"""What comes back from a card's form: a value, or what is wrong, by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sayso.adapters.cards import Card
from sayso.adapters.console import (
    EmptyReply,
    Entered,
    Rejected,
    check_field,
    form_fields,
    read_field,
    read_form,
    read_list,
)
from sayso.engine import ANYWHERE, FormField, InvalidAnswer, Json, Locale, Question

WHOLE = "value"
"""The name of the one field of a card that has no more."""

CHOICE = "choice"
"""The name of options, by position."""

MOST_BUTTONS = 7
"""How many options are buttons; more are a list that can be searched."""


def field_name(position: int) -> str:
    """The name of a form's field."""
    return f"field-{position}"


def fields_of(card: Card) -> tuple[FormField, ...] | None:
    """The fields of a form; None where its schema is more than a list of fields, and it is typed as JSON."""
    return form_fields(card.question) if card.question.input_type == "form" else None


def read_answer(
    card: Card, given: Mapping[str, Sequence[str]], locale: Locale = ANYWHERE
) -> Entered | Rejected:
    """The answer in a form's fields, each with all its values."""
    question = card.question
    fields = fields_of(card)
    if fields is not None:
        return read_fields(card.question, fields, given, locale)
    if question.input_type in ("select", "multiselect"):
        positions = [int(text) for text in given.get(CHOICE, ()) if text.isascii() and text.isdecimal()]
        chosen: list[Json] = [
            card.choices[at].value for at in sorted(set(positions)) if at < len(card.choices)
        ]
        if question.input_type == "multiselect":
            return Entered(chosen)
        if len(chosen) != 1:
            return Rejected({CHOICE: "Choose one."})
        return Entered(chosen[0])
    text = "".join(given.get(WHOLE, ()))
    if not text.strip():
        return Rejected({WHOLE: "Please fill in an answer."})
    try:
        return Entered(question.read_text(text, locale))
    except InvalidAnswer as error:
        return Rejected({WHOLE: str(error)})


def read_fields(
    question: Question,
    fields: Sequence[FormField],
    given: Mapping[str, Sequence[str]],
    locale: Locale = ANYWHERE,
) -> Entered | Rejected:
    """The form in these fields, each with all its values."""

    def read(position: int, field: FormField) -> Json:
        return _read_one(field, given.get(field_name(position), ()), locale)

    form, wrong = read_form(question, fields, read)
    return Rejected({field_name(at): why for at, why in wrong.items()}) if wrong else Entered(form)


def _read_one(field: FormField, given: Sequence[str], locale: Locale) -> Json:
    item = field.item
    if item is not None and item.choices:
        if not given:
            raise EmptyReply
        return check_field(field, [_chosen(item, text) for text in given])
    if item is not None:
        return read_list(field, given, locale)
    text = "".join(given)
    return (
        _chosen(field, text) if field.kind != "boolean" and field.choices else read_field(field, text, locale)
    )


def _chosen(field: FormField, text: str) -> Json:
    if text.isascii() and text.isdecimal() and int(text) < len(field.choices):
        return field.choices[int(text)]
    raise EmptyReply
