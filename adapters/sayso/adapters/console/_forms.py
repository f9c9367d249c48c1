"""Forms field by field, as all surfaces ask them: how a field is filled in, and what was typed for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sayso.adapters.console._escaping import visible_line
from sayso.adapters.console._replies import EmptyReply
from sayso.engine import (
    FormField,
    InvalidAnswer,
    InvalidRequest,
    Json,
    Question,
    Unclear,
    assemble,
    fields_of,
    fold_text,
    read_date,
    read_number,
    unquoted,
)

_YES: Final = frozenset({"yes", "y", "true", "1"})
_NO: Final = frozenset({"no", "n", "false", "0"})
REQUIRED: Final = "Required"
"""What is said of a field that was left empty and may not be."""


def form_fields(question: Question) -> tuple[FormField, ...] | None:
    """The fields of a form; None where it is none, or one of earlier versions that is answered as JSON."""
    if question.schema is None:
        return None
    try:
        return fields_of(question.schema)
    except InvalidRequest:
        return None


def field_hint(field: FormField) -> str:
    """What to type."""
    item = field.item
    if item is not None:
        one = f"any of {', '.join(map(str, item.choices))}" if item.choices else f"each {field_hint(item)}"
        return "several, with commas or a line each" if one == "each text" else f"several with commas, {one}"
    if field.choices:
        return " or ".join(str(choice) for choice in field.choices)
    if field.is_date:
        return "a date as 2026-12-31"
    return {"boolean": "yes/no", "integer": "a whole number", "number": "a number"}.get(field.kind, "text")


def default_words(field: FormField) -> str:
    """The default as people read it; nothing where there is none that shows."""
    return value_words(field.default)


def value_words(value: Json) -> str:
    """What a field holds as people read it; nothing for null."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return visible_line(", ".join(map(str, value)))
    return "" if value is None else visible_line(str(value))


def field_help(field: FormField) -> str:
    """What stands below it: its description, and what it is where it is left empty."""
    default = default_words(field)
    parts = (field.description or "", f"Default: {default}" if default else "")
    return " ".join(part for part in parts if part)


def read_field(field: FormField, text: str) -> Json:
    """The value of what was typed for a field; raises `InvalidAnswer`, and `EmptyReply`, which leaves an optional
    field out. The entries of a list stand on lines of their own, or on one with commas between them.
    """
    typed = text.strip()
    if not typed:
        raise EmptyReply
    if field.item is None:
        return check_field(field, _read_plain(field, typed))
    parts = typed.splitlines() if "\n" in typed else typed.split(",")
    return read_list(field, parts)


def read_list(field: FormField, parts: Sequence[str]) -> Json:
    """The list of what was typed for each of its entries; empty ones are none. Raises as `read_field` does."""
    assert field.item is not None
    given = [part.strip() for part in parts if part.strip()]
    if not given:
        raise EmptyReply
    return check_field(field, [_read_plain(field.item, part, field.title) for part in given])


def check_field(field: FormField, value: Json) -> Json:
    """The value, which fits the field. Raises `InvalidAnswer`."""
    try:
        Question(None, None, "form", field.schema, None).check_answer(value)
    except InvalidAnswer as error:
        raise InvalidAnswer(f"{field.title}: {error}") from error
    return value


def read_form(
    question: Question, fields: Sequence[FormField], read: Callable[[int, FormField], Json]
) -> tuple[dict[str, Json], dict[int, str]]:
    """A form whose fields are read one by one, and what is wrong with it, by the position of the field.

    `read` raises as `read_field` does.
    """
    values: dict[int, Json] = {}
    errors: dict[int, str] = {}
    for position, field in enumerate(fields):
        try:
            values[position] = read(position, field)
        except EmptyReply:
            continue
        except InvalidAnswer as error:
            errors[position] = str(error)
    form, wrong = put_together(question, fields, values)
    if errors:  # what the whole form shows is no use yet; what is missing is
        wrong = {at: why for at, why in wrong.items() if why == REQUIRED}
    return form, {**wrong, **errors}


def put_together(
    question: Question, fields: Sequence[FormField], values: Mapping[int, Json]
) -> tuple[dict[str, Json], dict[int, str]]:
    """The form of the values that were read, by the position of the field, and what is wrong with it. What only the
    whole form shows is said of the first field.
    """
    form, missing = assemble(fields, values)
    if missing:
        return form, dict.fromkeys(missing, REQUIRED)
    try:
        question.check_answer(form)
    except InvalidAnswer as error:
        return form, {0: str(error)}
    return form, {}


def _read_plain(field: FormField, typed: str, title: str = "") -> Json:
    try:
        return _read(field, typed)
    except Unclear as error:
        raise InvalidAnswer(f"{title or field.title}: {error}") from error


def _read(field: FormField, typed: str) -> Json:
    if field.choices:
        return _choice(field, typed)
    match field.kind:
        case "boolean" if fold_text(unquoted(typed)) in _YES | _NO:
            return fold_text(unquoted(typed)) in _YES
        case "integer" | "number":
            number = read_number(typed)
            return int(number) if field.kind == "integer" and number == int(number) else number
        case "string" if field.is_date:
            return read_date(typed)
        case _:
            return typed


def _choice(field: FormField, typed: str) -> Json:
    """The one that is meant, which the case of its letters tells apart where nothing else does."""
    for given in (typed, unquoted(typed)):
        found = [one for one in field.choices if fold_text(str(one)) == fold_text(given)]
        exact = [one for one in found if str(one) == given]
        if len(exact or found) == 1:
            return (exact or found)[0]
        if found:
            raise Unclear(f"this could be {' or '.join(map(str, found))}. Please write it exactly.")
    return typed
