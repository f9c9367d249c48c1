"""The fields of a form: what every surface asks one by one, of a JSON Schema. Objects within objects are flattened,
and what no surface could draw is refused where it is asked: nobody types JSON by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, cast, get_type_hints

import msgspec

from sayso.engine._schemas import build_schema, misfit
from sayso.engine._typed import shown_text
from sayso.engine._values import Json
from sayso.engine.errors import InvalidRequest

MOST_FIELDS: Final = 90
"""As many inputs as every surface has room for, in addition to what is asked."""

_KINDS: Final = ("string", "integer", "number", "boolean")
_DEEPEST: Final = 8

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form. `kind` is `string`, `integer`, `number`, `boolean`, or `list`, whose entries `item`
    describes; `schema` is its own schema, `path` its path through objects. With a `default`, which is None if there is
    none, it is never required. `within` is the nearest object around it that may be left out: there it is `needed` once
    anything of that object is given. Left empty, a field that is `nullable` is null.
    """

    path: Path
    title: str
    kind: str
    required: bool
    choices: tuple[Json, ...]
    description: str | None
    schema: dict[str, Json]
    default: Json = None
    item: FormField | None = None
    within: Path | None = None
    needed: bool = False
    nullable: bool = False

    @property
    def name(self) -> str:
        """Its path, as errors write it."""
        return ".".join(self.path)

    @property
    def is_date(self) -> bool:
        """Whether its value is a date, as ISO 8601 text."""
        return self.kind == "string" and self.schema.get("format") == "date"

    @property
    def is_instant(self) -> bool:
        """Whether its value is a date with a time, as ISO 8601 text with an offset."""
        return self.kind == "string" and self.schema.get("format") == "date-time"


@dataclass(frozen=True, slots=True)
class _Around:
    """What surrounds a field: the way to it, with its titles, and whether all of it must be there."""

    definitions: Mapping[str, Any]
    path: Path = ()
    titles: tuple[str, ...] = ()
    within: Path | None = None

    def of(self, name: str, title: str) -> _Around:
        return replace(self, path=(*self.path, name), titles=(*self.titles, title))


def fields_of(schema: Mapping[str, Json]) -> tuple[FormField, ...]:
    """The fields of a form: object by object, first the required ones in the order in which the schema requires them,
    then the others in their order. Their titles are visible and distinct. Raises `InvalidRequest` with the path of what
    no surface can draw.
    """
    given = schema.get("$defs", {})
    around = _Around(cast("Mapping[str, Any]", given) if isinstance(given, dict) else {})
    root = _resolve(schema, around)
    if root.get("type") != "object" or not root.get("properties"):
        raise _undrawable(around, "has no fields", "describe an object with properties")
    fields = list(_fields(root, around))
    if len(fields) > MOST_FIELDS:
        raise _undrawable(
            around,
            f"has {len(fields)} fields",
            f"ask at most {MOST_FIELDS} with one form, and the others with another",
        )
    titles = [shown_text(one.title) for one in fields]
    return tuple(
        replace(one, title=f"{one.title} ({one.name})") if titles.count(title) > 1 else one
        for one, title in zip(fields, titles, strict=True)
    )


def assemble(
    fields: Sequence[FormField], values: Mapping[int, Json]
) -> tuple[dict[str, Json], tuple[int, ...]]:
    """Assemble a form from values by the positions of their fields, with defaults for the others. Returns it, and the
    positions of missing fields.
    """
    used = {fields[at].path[:depth] for at in values for depth in range(len(fields[at].path))}
    form: dict[str, Json] = {}
    missing: list[int] = []
    for position, field in enumerate(fields):
        if field.within is not None and field.within not in used:
            continue
        holder = _holder(form, field.path)
        if position in values:
            holder[field.path[-1]] = values[position]
        elif field.default is not None or (field.nullable and field.needed):
            holder[field.path[-1]] = field.default
        elif field.needed:
            missing.append(position)
    return form, tuple(missing)


def result_form(function: Callable[..., Any]) -> dict[str, Json] | None:
    """The schema of a form that asks for what a function returns, as its `result`; without fields where it returns
    nothing. None where its type is not known, or is none that surfaces can ask for.
    """
    while isinstance(function, partial):
        function = function.func
    try:
        kind = get_type_hints(function)["return"]
        if kind is type(None):
            return {"type": "object", "properties": {}}
        schema = build_schema(msgspec.defstruct("Result", [("result", kind)]), "form")
        assert schema is not None
        fields_of(schema)
    except Exception:  # noqa: BLE001 - annotations are code of others, and may say anything
        return None
    return schema


def with_defaults(schema: Mapping[str, Json], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, with the defaults of what was left out."""
    found = dict(given)
    for field in fields_of(schema):
        if field.within is None and field.default is not None and len(field.path) == 1:
            found.setdefault(field.path[0], field.default)
    return found


def _holder(form: dict[str, Json], path: Path) -> dict[str, Json]:
    for name in path[:-1]:
        form = cast("dict[str, Json]", form.setdefault(name, {}))
    return form


def _fields(schema: Mapping[str, Any], around: _Around) -> Iterator[FormField]:
    """The fields of an object, those of objects within it in its place."""
    if len(around.path) > _DEEPEST:
        raise _undrawable(around, "nests too deeply", "use fewer objects within each other")
    properties = cast("dict[str, Any]", schema["properties"])
    given = schema.get("required", [])
    required = cast("list[str]", given) if isinstance(given, list) else []
    for name in sorted(properties, key=lambda one: required.index(one) if one in required else len(required)):
        about = _about(properties[name], around)
        title = str(about.get("title", ""))
        inner = around.of(name, title if shown_text(title) else _readable(name))
        found = _resolve(properties[name], inner)
        if found.get("type") == "object" and found.get("properties"):
            is_there = name in required and not _is_nullable(properties[name], inner)
            yield from _fields(found, inner if is_there else replace(inner, within=inner.path))
        else:
            yield _field(properties[name], found, about, inner, needed=name in required)


def _field(
    given: object, schema: dict[str, Any], about: Mapping[str, Any], around: _Around, *, needed: bool
) -> FormField:
    kind = _kind(schema, around)
    own = {**schema, "$defs": dict(around.definitions)} if around.definitions else schema
    default = about.get("default")
    if default is not None and misfit(own, default) is not None:
        default = None
    is_nullable = _is_nullable(given, around)
    item = None
    if kind == "list":
        within = around.of("[]", "Entry")
        items = _resolve(schema.get("items", {}), within)
        item = _field(schema.get("items", {}), items, {}, within, needed=True)
        if item.kind == "list":
            raise _undrawable(around, "is a list of lists", _PLAIN_LISTS)
    description = about.get("description")
    return FormField(
        path=around.path,
        title=": ".join(around.titles),
        kind=kind,
        required=needed and default is None and not is_nullable and around.within is None,
        choices=() if kind == "list" else tuple(schema.get("enum", ())),
        description=None if description is None else str(description),
        schema=own,
        default=default,
        item=item,
        within=around.within,
        needed=needed and default is None,
        nullable=is_nullable,
    )


_PLAIN_LISTS = "ask for a list of texts, numbers or choices, or ask once for each entry"


def _kind(schema: dict[str, Any], around: _Around) -> str:
    kind = schema.get("type")
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return kind if isinstance(kind, str) and kind in _KINDS else "string"
    if kind == "array":
        if schema.get("prefixItems"):
            raise _undrawable(around, "is a tuple", "give each part a field of its own")
        return "list"
    if kind == "object" and around.path[-1:] == ("[]",):
        whole = replace(around, path=around.path[:-1])
        raise _undrawable(whole, "is a list of objects", _PLAIN_LISTS)
    if kind == "object":
        raise _undrawable(around, "is an object without named fields", "name its fields as properties")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise _undrawable(
            around, "has no one plain type", f"use one of {', '.join(_KINDS)}, a list of them, or enum"
        )
    return kind


def _undrawable(around: _Around, what: str, instead: str) -> InvalidRequest:
    where = ".".join(around.path).replace(".[]", "[]") or "the form"
    return InvalidRequest("schema", f"{where} {what}, which no surface can ask for: {instead}")


def _readable(name: str) -> str:
    """A name of code as people write it: `due_date` as `Due date`."""
    words = name.replace("_", " ").strip() or name
    return words[:1].upper() + words[1:]


def _layers(given: object, around: _Around) -> Iterator[dict[str, Any]]:
    """A schema, then what stands behind its `$ref`s and beside a null, from the outside in."""
    for _ in range(10):
        if not isinstance(given, Mapping):
            return
        schema = dict(cast("Mapping[str, Any]", given))
        kinds = schema.get("type")
        if isinstance(kinds, list):
            plain = [one for one in cast("list[object]", kinds) if one != "null"]
            schema["type"] = plain[0] if len(plain) == 1 else None
        yield schema
        if "$ref" in schema:
            given = around.definitions.get(str(schema["$ref"]).removeprefix("#/$defs/"))
            continue
        others = [one for one in _alternatives(schema) if one != {"type": "null"}]
        if len(others) != 1:
            return
        given = others[0]


def _alternatives(schema: Mapping[str, Any]) -> list[object]:
    found = schema.get("anyOf", schema.get("oneOf", []))
    return cast("list[object]", found) if isinstance(found, list) else []


def _is_nullable(given: object, around: _Around) -> bool:
    if isinstance(given, Mapping):
        given = cast("Mapping[str, Any]", given)
        if "null" in (given.get("type") or ()):
            return True
    return any({"type": "null"} in _alternatives(layer) for layer in _layers(given, around))


def _resolve(given: object, around: _Around) -> dict[str, Any]:
    """A schema without its outer `$ref` and without a null beside it; none of it where it is anything harder."""
    layers = list(_layers(given, around))
    is_harder = not layers or "$ref" in layers[-1] or _alternatives(layers[-1])
    return {} if is_harder else layers[-1]


def _about(given: object, around: _Around) -> dict[str, Any]:
    """Title, description and default of a field: the outermost of each. A title behind a `$ref` is that of a type, and
    not of the field.
    """
    about: dict[str, Any] = {}
    own = True
    for layer in _layers(given, around):
        names = ("title", "description", "default") if own else ("description",)
        about = {**{name: layer[name] for name in names if name in layer}, **about}
        own = own and "$ref" not in layer
    return about
