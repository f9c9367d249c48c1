"""Forms field by field, as all surfaces ask them: how a field is filled in, and what was typed for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sayso.adapters.console._escaping import visible_line
from sayso.adapters.console._replies import EmptyReply
from sayso.engine import (
    ANYWHERE,
    FormField,
    InvalidAnswer,
    InvalidRequest,
    Json,
    Locale,
    Question,
    Unclear,
    assemble,
    fields_of,
    fold_text,
    read_date,
    read_instant,
    read_number,
    unquoted,
)

EXAMPLE_DAY: Final = "2026-12-31"
"""What is shown for a date, as its reader writes it."""

_ENTRY: Final = re.compile(r'\s*"[^"]*"\s*(?=,|$)|\s*“[^“”]*”\s*(?=,|$)|\s*„[^„“”]*[“”]\s*(?=,|$)|[^,]+')
"""One of several on a line; one in quotes may have commas."""
_DECIMALS: Final = re.compile(r"\d+,\d+")
_THOUSANDS: Final = re.compile(r"(?<![\d,])\d{1,3}(,\d{3})+(?![\d,])")

_YES: Final = frozenset({"yes", "y", "true", "1"})
_NO: Final = frozenset({"no", "n", "false", "0"})
REQUIRED: Final = "Required"
"""What is said of a field that was left empty and may not be."""
REMOVE_ENTRY: Final = "Remove the last"
"""What the button says that takes an entry of a list back."""


def form_fields(question: Question) -> tuple[FormField, ...] | None:
    """The fields of a form; None where it is none, or one of earlier versions that is answered as JSON."""
    if question.schema is None:
        return None
    try:
        return fields_of(question.schema)
    except InvalidRequest:
        return None


def field_hint(field: FormField, locale: Locale = ANYWHERE) -> str:
    """What to type."""
    if field.item is not None:
        return f"several with commas, any of {', '.join(map(str, field.item.choices))}"
    if field.choices:
        return " or ".join(str(choice) for choice in field.choices)
    if field.is_date:
        return f"a date as {locale.day(EXAMPLE_DAY)}"
    if field.is_instant:
        return f"a date and time as {locale.day(EXAMPLE_DAY)} 17:30"
    return {"boolean": "yes/no", "integer": "a whole number", "number": "a number"}.get(field.kind, "text")


def has_entries(field: FormField) -> bool:
    """Whether it is a list that is given entry by entry; one of choices is picked from them."""
    return field.item is not None and not field.item.choices


def most_entries(field: FormField) -> int | None:
    """How many entries a list may have; None where nothing says so."""
    most = field.schema.get("maxItems")
    return int(most) if isinstance(most, int | float) else None


def most_words(most: int) -> str:
    """What is said of a list that has as many entries as it may have."""
    return f"At most {most} {'entry' if most == 1 else 'entries'}"


def entry_of(field: FormField, position: int) -> FormField:
    """An entry of a list as a field of its own, filled in as the list's default has it there."""
    assert field.item is not None
    given = field.default if isinstance(field.default, list) else []
    return replace(
        field.item,
        title=f"{field.title} {position + 1}",
        default=given[position] if position < len(given) else None,
        required=False,
        within=field.within,
    )


def default_words(field: FormField, locale: Locale = ANYWHERE) -> str:
    """The default as people read it; nothing where there is none that shows."""
    return value_words(field, field.default, locale)


def value_words(field: FormField, value: Json, locale: Locale = ANYWHERE) -> str:
    """What a field holds as people read it; nothing for null."""
    if isinstance(value, list):
        item = field.item or field
        return ", ".join(value_words(item, one, locale) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float) and not field.choices:
        return locale.number(value)
    if isinstance(value, str) and (field.is_date or field.is_instant):
        return visible_line(locale.day(value) if field.is_date else locale.instant(value))
    return "" if value is None else visible_line(str(value))


def field_help(field: FormField, locale: Locale = ANYWHERE) -> str:
    """What is shown below a field that is filled in beforehand: its description, and its default unless that is filled
    in; a part that may be left out as a whole starts empty.
    """
    default = "" if field.within is None else default_words(field, locale)
    parts = (field.description or "", f"Default: {default}" if default else "")
    return " ".join(part for part in parts if part)


def read_field(field: FormField, text: str, locale: Locale = ANYWHERE) -> Json:
    """The value of what was typed for a field; raises `InvalidAnswer`, and `EmptyReply`, which leaves an optional
    field out. The entries of a list are on separate lines, or on one with commas between them; one that contains a
    comma is in quotes there, and numbers may have semicolons between them.
    """
    typed = text.strip()
    if not typed:
        raise EmptyReply
    if typed in (written := _written(field, [field.default], locale)):
        return written[typed]
    if field.item is None:
        return check_field(field, _read_plain(field, typed, locale))
    return read_list(field, _entries(field, field.item, typed, locale), locale)


def _entries(field: FormField, item: FormField, typed: str, locale: Locale) -> list[str]:
    if "\n" in typed:
        return typed.splitlines()
    if item.kind not in ("integer", "number") or item.choices:
        parts = [part.strip() for part in _ENTRY.findall(typed)]
        return [unquoted(part) if "," in part else part for part in parts]
    if ";" in typed:
        return typed.split(";")
    has_decimals = item.kind == "number" and locale.decimal != "."
    if joined := (_DECIMALS if has_decimals else _THOUSANDS).search(typed):
        raise InvalidAnswer(
            f'{field.title}: "{joined[0]}" could be one number or several. '
            "Please put semicolons between numbers: 40; 41."
        )
    return typed.split(",")


def read_list(field: FormField, parts: Sequence[str], locale: Locale = ANYWHERE) -> Json:
    """The list of what was typed for each of its entries; empty ones are none. Raises as `read_field` does."""
    assert field.item is not None
    given = [part.strip() for part in parts if part.strip()]
    if not given:
        raise EmptyReply
    written = _written(field.item, field.default if isinstance(field.default, list) else [], locale)
    values = [
        written[part] if part in written else _read_plain(field.item, part, locale, field.title)
        for part in given
    ]
    return check_field(field, values)


def _written(field: FormField, values: Sequence[Json], locale: Locale) -> dict[str, Json]:
    """Defaults by how they stand where they are filled in: read so, whatever else that could mean."""
    plain = (one for one in values if one is not None and not isinstance(one, list))
    return {value_words(field, one, how): one for one in plain for how in (ANYWHERE, locale)}


def check_field(field: FormField, value: Json) -> Json:
    """The value, which fits the field. Raises `InvalidAnswer`."""
    try:
        Question(None, None, "form", field.schema, None).check_answer(value)
    except InvalidAnswer as error:
        raise InvalidAnswer(f"{field.title}: {error}") from error
    return value


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why what was typed cannot be taken, by the name of the field."""

    errors: dict[str, str]


@dataclass(frozen=True, slots=True)
class Entered:
    """The value that was sent."""

    value: Json


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


def _read_plain(field: FormField, typed: str, locale: Locale, title: str = "") -> Json:
    try:
        return _read(field, typed, locale)
    except Unclear as error:
        raise InvalidAnswer(f"{title or field.title}: {error}") from error


def _read(field: FormField, typed: str, locale: Locale) -> Json:
    if field.choices:
        return _choice(field, typed)
    match field.kind:
        case "boolean" if fold_text(unquoted(typed)) in _YES | _NO:
            return fold_text(unquoted(typed)) in _YES
        case "integer" | "number":
            number = read_number(typed, locale)
            return int(number) if field.kind == "integer" and number == int(number) else number
        case "string" if field.is_date:
            return read_date(typed, locale)
        case "string" if field.is_instant:
            return read_instant(typed, locale)
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
