"""Forms field by field: the plain fields of a flat JSON Schema. Any other schema is answered as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from sayso.adapters.console._replies import EmptyReply
from sayso.engine import InvalidAnswer, Json, Question

_KINDS: Final = ("string", "integer", "number", "boolean")
_YES = frozenset({"yes", "y", "true", "1"})
_NO = frozenset({"no", "n", "false", "0"})


@dataclass(frozen=True, slots=True)
class FormField:
    """One field. `kind` is `string`, `integer`, `number`, `boolean`, or `list` (of texts); `schema` is its own."""

    name: str
    title: str
    kind: str
    required: bool
    choices: tuple[Json, ...]
    description: str | None
    schema: dict[str, Json]

    @property
    def hint(self) -> str:
        """What to type."""
        if self.choices:
            return " or ".join(str(choice) for choice in self.choices)
        return {
            "boolean": "yes/no",
            "integer": "a whole number",
            "number": "a number",
            "list": "several with commas",
        }.get(self.kind, "text")


def form_fields(question: Question) -> tuple[FormField, ...] | None:
    """The fields of a form that can be asked one by one, else None: the required ones first, in the order in which
    the schema requires them (that of its properties is lost where a question is stored, the keys being sorted).
    """
    if question.schema is None:
        return None
    definitions = question.schema.get("$defs", {})
    root = _resolve(question.schema, definitions)
    properties = None if root is None else root.get("properties")
    if root is None or root.get("type") != "object" or not isinstance(properties, dict) or not properties:
        return None
    given_required = root.get("required", [])
    required = given_required if isinstance(given_required, list) else []
    fields: list[FormField] = []
    for name, given in cast("dict[str, Any]", properties).items():
        found = _field(name, given, definitions, required=name in required)
        if found is None:
            return None
        fields.append(found)
    return tuple(sorted(fields, key=lambda one: required.index(one.name) if one.required else len(required)))


def _field(name: str, given: Any, definitions: Any, *, required: bool) -> FormField | None:
    schema = _resolve(given, definitions)
    if schema is None:
        return None
    kind = schema.get("type")
    choices = schema.get("enum", [])
    if "enum" in schema and kind is None:
        kind = "string"
    if kind == "array" and _is_list_of_texts(schema, definitions):
        kind = "list"
    plain = kind == "list" or kind in _KINDS
    if not plain or not isinstance(choices, list):
        return None
    description = schema.get("description")
    return FormField(
        name=name,
        title=str(schema.get("title", name)),
        kind=str(kind),
        required=required,
        choices=tuple(choices),
        description=None if description is None else str(description),
        schema=schema,
    )


def _resolve(given: Any, definitions: Any) -> dict[str, Json] | None:
    """A schema without its outer `$ref` and without a null beside it; None where it is anything harder."""
    for _ in range(10):
        if not isinstance(given, dict):
            return None
        schema = cast("dict[str, Any]", given)
        if "$ref" in schema:
            name = str(schema["$ref"]).removeprefix("#/$defs/")
            given = (
                cast("Mapping[str, Any]", definitions).get(name) if isinstance(definitions, dict) else None
            )
            continue
        others = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
        if len(others) != 1:
            return schema if "anyOf" not in schema else None
        given = others[0]
    return None


def _is_list_of_texts(schema: dict[str, Json], definitions: Any) -> bool:
    items = _resolve(schema.get("items"), definitions)
    return items is not None and items.get("type", "string") == "string"


def read_field(field: FormField, text: str) -> Json:
    """The value of what was typed for a field; raises `InvalidAnswer`, and `EmptyReply`, which leaves an optional
    field out.
    """
    typed = text.strip()
    if not typed:
        raise EmptyReply
    value = _read(field, typed)
    try:
        Question(None, None, "form", field.schema, None).check_answer(value)
    except InvalidAnswer as error:
        raise InvalidAnswer(f"{field.title}: {error}") from error
    return value


def read_form(
    question: Question, fields: Sequence[FormField], read: Callable[[int, FormField], Json]
) -> tuple[dict[str, Json], dict[int, str]]:
    """A form whose fields are read one by one, and what is wrong with it, by the position of the field.

    `read` raises as `read_field` does. What only the whole form shows is said of the first field.
    """
    form: dict[str, Json] = {}
    errors: dict[int, str] = {}
    for position, field in enumerate(fields):
        try:
            form[field.name] = read(position, field)
        except EmptyReply:
            if field.required:
                errors[position] = "This cannot be left out."
        except InvalidAnswer as error:
            errors[position] = str(error)
    if not errors:
        try:
            question.check_answer(form)
        except InvalidAnswer as error:
            errors[0] = str(error)
    return form, errors


def _read(field: FormField, typed: str) -> Json:
    for choice in field.choices:
        if typed.casefold() == str(choice).casefold():
            return choice
    match field.kind:
        case "boolean" if typed.casefold() in _YES | _NO:
            return typed.casefold() in _YES
        case "integer" | "number":
            return _number(typed)
        case "list":
            return [part.strip() for part in typed.split(",") if part.strip()]
        case _:
            return typed


def _number(typed: str) -> Json:
    try:
        value = json.loads(typed)
    except ValueError:
        return typed
    return value if isinstance(value, int | float) and math.isfinite(value) else typed
