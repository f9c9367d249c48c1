"""Forms field by field: the plain fields of a flat JSON Schema. Any other schema is answered as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from sayso.adapters.console._escaping import visible_line
from sayso.adapters.console._replies import EmptyReply
from sayso.engine import InvalidAnswer, Json, Question, Unclear, fold_text, read_number, shown_text, unquoted

_KINDS: Final = ("string", "integer", "number", "boolean")
_YES = frozenset({"yes", "y", "true", "1"})
_NO = frozenset({"no", "n", "false", "0"})


@dataclass(frozen=True, slots=True)
class FormField:
    """One field. `kind` is `string`, `integer`, `number`, `boolean`, or `list` (of texts); `schema` is its own. With a
    `default`, which is None where there is none, it is never required.
    """

    name: str
    title: str
    kind: str
    required: bool
    choices: tuple[Json, ...]
    description: str | None
    schema: dict[str, Json]
    default: Json = None

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

    @property
    def left_out(self) -> dict[str, Json]:
        """What the form has of it where it is left empty: its default, or nothing."""
        return {} if self.default is None else {self.name: self.default}

    @property
    def default_words(self) -> str:
        """The default as people read it; nothing where there is none that shows."""
        if isinstance(self.default, bool):
            return "yes" if self.default else "no"
        if isinstance(self.default, list):
            return visible_line(", ".join(map(str, self.default)))
        return "" if self.default is None else visible_line(str(self.default))

    @property
    def help(self) -> str:
        """What stands below it: its description, and how it is filled in."""
        default = self.default_words
        parts = (
            self.description or "",
            "Several with commas." if self.kind == "list" else "",
            f"Default: {default}" if default else "",
        )
        return " ".join(part for part in parts if part)


def form_fields(question: Question) -> tuple[FormField, ...] | None:
    """The fields of a form that can be asked one by one, else None: the required ones first, in the order in which the
    schema requires them, then the others as they stand. Their titles differ, and each can be read.
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
    ordered = sorted(
        fields, key=lambda one: required.index(one.name) if one.name in required else len(required)
    )
    titles = [shown_text(one.title) for one in ordered]
    return tuple(
        replace(one, title=f"{one.title} ({one.name})") if titles.count(title) > 1 else one
        for one, title in zip(ordered, titles, strict=True)
    )


def _field(name: str, given: Any, definitions: Any, *, required: bool) -> FormField | None:
    schema = _resolve(given, definitions)
    if schema is None:
        return None
    about = _about(given, definitions)
    kind = schema.get("type")
    choices = schema.get("enum", [])
    if "enum" in schema and kind is None:
        kind = "string"
    if kind == "array" and _is_list_of_texts(schema, definitions):
        kind = "list"
    plain = kind == "list" or kind in _KINDS
    if not plain or not isinstance(choices, list):
        return None
    title, description, default = (
        str(about.get("title", name)),
        about.get("description"),
        about.get("default"),
    )
    if not _fits(schema, default):
        default = None
    return FormField(
        name=name,
        title=title if shown_text(title) else name,
        kind=str(kind),
        required=required and default is None,
        choices=tuple(choices),
        description=None if description is None else str(description),
        schema=schema,
        default=default,
    )


def _fits(schema: dict[str, Json], value: Json) -> bool:
    try:
        Question(None, None, "form", schema, None).check_answer(value)
    except InvalidAnswer:
        return False
    return True


def _layers(given: Any, definitions: Any) -> Iterator[dict[str, Any]]:
    """A schema, then what stands behind its `$ref`s and beside a null, from the outside in."""
    for _ in range(10):
        if not isinstance(given, dict):
            return
        schema = cast("dict[str, Any]", given)
        yield schema
        if "$ref" in schema:
            name = str(schema["$ref"]).removeprefix("#/$defs/")
            given = (
                cast("Mapping[str, Any]", definitions).get(name) if isinstance(definitions, dict) else None
            )
            continue
        others = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
        if len(others) != 1:
            return
        given = others[0]


def _resolve(given: Any, definitions: Any) -> dict[str, Json] | None:
    """A schema without its outer `$ref` and without a null beside it; None where it is anything harder."""
    layers = list(_layers(given, definitions))
    return None if not layers or "$ref" in layers[-1] or "anyOf" in layers[-1] else layers[-1]


def _about(given: Any, definitions: Any) -> dict[str, Any]:
    """Title, description and default of a field: the outermost of each. A title behind a `$ref` is that of a type, and
    not of the field.
    """
    about: dict[str, Any] = {}
    own = True
    for layer in _layers(given, definitions):
        names = ("title", "description", "default") if own else ("description",)
        about = {**{name: layer[name] for name in names if name in layer}, **about}
        own = own and "$ref" not in layer
    return about


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
    try:
        value = _read(field, typed)
    except Unclear as error:
        raise InvalidAnswer(f"{field.title}: {error}") from error
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
            form |= field.left_out
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
    if field.choices:
        return _choice(field, typed)
    match field.kind:
        case "boolean" if fold_text(unquoted(typed)) in _YES | _NO:
            return fold_text(unquoted(typed)) in _YES
        case "integer" | "number":
            number = read_number(typed)
            return int(number) if field.kind == "integer" and number == int(number) else number
        case "list":
            return [part.strip() for part in typed.split(",") if part.strip()]
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
