"""What a form asks for: a JSON Schema, as it was given or as a type describes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from enum import Enum
from typing import Any, Final, Literal, TypeAlias, cast, get_args, get_origin, get_type_hints

import msgspec

from sayso.engine._values import Json, check
from sayso.engine.errors import InvalidRequest


def build_schema(schema: object, input_type: str) -> dict[str, Json] | None:
    """The schema of a question; raises `InvalidRequest` for one that does not go with it, or with itself."""
    if input_type != "form":
        if schema is not None:
            raise InvalidRequest("schema", f"goes with input_type='form', not {input_type!r}")
        return None
    if schema is None:
        raise InvalidRequest(
            "schema", "input_type='form' needs a JSON Schema, a msgspec Struct or a dataclass"
        )
    if _is_described(schema):
        timed = _with_times(msgspec.json.schema(schema), schema)
        described = cast("dict[str, Json]", _ordered(timed, _orders_by_field(schema)))
    elif isinstance(schema, dict):
        described = cast("dict[str, Json]", schema)
    else:
        raise InvalidRequest(
            "schema", f"{schema!r} is neither a JSON Schema, a msgspec Struct nor a dataclass"
        )
    check(described, "schema")
    _check_schema(described)
    return described


def _check_schema(described: dict[str, Json]) -> None:
    from jsonschema import SchemaError  # noqa: PLC0415 - 60 ms that only forms pay
    from jsonschema.validators import validator_for  # noqa: PLC0415

    try:
        validator_for(described).check_schema(described)
    except SchemaError as error:
        raise InvalidRequest("schema", f"is not a valid JSON Schema: {error.message}") from error


@dataclass(frozen=True, slots=True)
class Misfit:
    """What does not fit a schema: where, empty for all of it, and why."""

    path: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        where = ".".join(self.path)
        return f"{where}: {self.reason}." if where else f"{self.reason}."


def misfit(schema: Mapping[str, Json], value: object) -> Misfit | None:
    """The first thing, by its path, that does not fit."""
    from jsonschema import ValidationError  # noqa: PLC0415 - 60 ms that only forms pay
    from jsonschema.validators import validator_for  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415

    # An empty registry: a schema never makes this process fetch a URL.
    validator = validator_for(dict(schema))(dict(schema), registry=Registry())
    try:
        errors: list[ValidationError] = list(validator.iter_errors(cast("Any", value)))
    except Exception as unresolved:  # noqa: BLE001 - of the schema, whatever it refers to
        return Misfit((), f"The form's schema cannot be used: {unresolved}")
    if not errors:
        return None
    found = [_misfit(error) for error in errors]
    return min(found, key=lambda one: one.path)


def _misfit(error: Any) -> Misfit:
    path = tuple(map(str, error.absolute_path))
    instance: object = error.instance
    if error.validator == "required" and isinstance(instance, Mapping):
        given = cast("Mapping[str, object]", instance)
        missing = next((name for name in error.validator_value if name not in given), None)
        return Misfit(path if missing is None else (*path, str(missing)), "Required")
    return Misfit(path, _entries_words(error) or str(error.message))


def _entries_words(error: Any) -> str | None:
    """What is wrong with how many entries a list has, and which."""
    limits = {"minItems": "At least", "maxItems": "At most"}
    if error.validator in limits:
        count = error.validator_value
        return f"{limits[error.validator]} {count} {'entry' if count == 1 else 'entries'}"
    return "An entry is there twice" if error.validator == "uniqueItems" else None


def earlier_shapes(schema: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    """The schema as earlier versions described the same type: its options in the order of the alphabet, its times as
    any text, or both.
    """
    for one in (schema, _without_times(schema)):
        for shape in (one, _ordered(one, None)):
            if shape != schema:
                yield cast("dict[str, Json]", shape)


def _is_described(schema: Any) -> bool:
    return isinstance(schema, type) and (is_dataclass(schema) or issubclass(schema, msgspec.Struct))


def chosen_among(schema: object) -> Iterator[list[Json]]:
    """The options and the names of fields that people must tell apart, list by list."""
    if isinstance(schema, list):
        for one in cast("list[object]", schema):
            yield from chosen_among(one)
    elif isinstance(schema, dict):
        found = cast("dict[str, object]", schema)
        for name, one in found.items():
            if name == "enum" and isinstance(one, list):
                yield cast("list[Json]", one)
            else:
                yield from chosen_among(one)
        if isinstance(found.get("properties"), dict):
            yield list(cast("dict[str, Json]", found["properties"]))


_TIME: Final = "date-time"


def _with_times(schema: dict[str, Any], kind: object) -> dict[str, Any]:
    """The schema in which a `datetime` is a time: msgspec describes one that need not have a zone as any text."""
    types = _types_within(msgspec.inspect.type_info(kind), {})
    references, _ = msgspec.json.schema_components(types)
    definitions = dict(schema["$defs"])
    for reference, info in zip(references, types.values(), strict=True):
        name = str(reference["$ref"]).removeprefix("#/$defs/")
        properties = dict(definitions[name]["properties"])
        for one in info.fields:
            properties[one.encode_name] = _timed(properties[one.encode_name], one.type)
        definitions[name] = {**definitions[name], "properties": properties}
    return {**schema, "$defs": definitions}


_Fields: TypeAlias = "msgspec.inspect.StructType | msgspec.inspect.DataclassType"


def _types_within(info: msgspec.inspect.Type, found: dict[type[Any], _Fields]) -> dict[type[Any], _Fields]:
    """The types with fields that are anywhere in this one, by their class."""
    match info:
        case msgspec.inspect.StructType() | msgspec.inspect.DataclassType() if info.cls not in found:
            found[info.cls] = info
            for one in info.fields:
                _types_within(one.type, found)
        case msgspec.inspect.UnionType():
            for part in info.types:
                _types_within(part, found)
        case msgspec.inspect.CollectionType():
            _types_within(info.item_type, found)
        case msgspec.inspect.Metadata():
            _types_within(info.type, found)
        case _:
            pass
    return found


def _timed(schema: dict[str, Any], info: msgspec.inspect.Type) -> dict[str, Any]:
    """The schema of a field of this type, with each `datetime` in it as a time."""
    match info:
        case msgspec.inspect.DateTimeType(tz=None):
            return {**schema, "format": _TIME}
        case msgspec.inspect.UnionType():
            return {**schema, "anyOf": [_timed_alternative(one, info.types) for one in schema["anyOf"]]}
        case msgspec.inspect.CollectionType() if "items" in schema:
            return {**schema, "items": _timed(schema["items"], info.item_type)}
        case msgspec.inspect.Metadata():
            return _timed(schema, info.type)
        case _:
            return schema


def _timed_alternative(schema: dict[str, Any], types: Sequence[msgspec.inspect.Type]) -> dict[str, Any]:
    """One of a union, which holds at most one type that is text in JSON, and one that is an array."""
    plain = [one.type if isinstance(one, msgspec.inspect.Metadata) else one for one in types]
    kinds = {"string": msgspec.inspect.DateTimeType, "array": msgspec.inspect.CollectionType}
    kind = kinds.get(schema.get("type", ""))
    return next((_timed(schema, one) for one in plain if kind and isinstance(one, kind)), schema)


def _without_times(schema: object) -> object:
    if isinstance(schema, list):
        return [_without_times(one) for one in cast("list[object]", schema)]
    if not isinstance(schema, Mapping):
        return schema
    given = cast("Mapping[str, object]", schema).items()
    return {name: _without_times(one) for name, one in given if (name, one) != ("format", _TIME)}


_Orders: TypeAlias = "Mapping[tuple[str, frozenset[str]], list[Json]]"
"""Options in their order, by the field that has them and by what they are; those of an enum under no field."""


def _ordered(schema: object, orders: _Orders | None, field: str = "") -> object:
    """The schema with options in the order in which a type names them; in the alphabet's without any."""
    if isinstance(schema, list):
        return [_ordered(one, orders, field) for one in cast("list[object]", schema)]
    if not isinstance(schema, Mapping):
        return schema
    found: dict[str, object] = {}
    for name, one in cast("Mapping[str, object]", schema).items():
        if name == "enum" and isinstance(one, list):
            given = cast("list[Json]", one)
            found[name] = _alphabetical(given) if orders is None else _in_order(given, orders, field)
        elif name in ("properties", "$defs") and isinstance(one, Mapping):
            parts = cast("Mapping[str, object]", one).items()
            fields = {part: part if name == "properties" else "" for part, _ in parts}
            found[name] = {part: _ordered(given, orders, fields[part]) for part, given in parts}
        else:
            found[name] = _ordered(one, orders, field)
    return found


def _in_order(options: list[Json], orders: _Orders, field: str) -> list[Json]:
    return orders.get((field, _key(options)), orders.get(("", _key(options)), options))


def _alphabetical(options: list[Json]) -> list[Json]:
    try:
        return sorted(cast("list[Any]", options))
    except TypeError:  # of several kinds, which msgspec describes in no order
        return options


def _key(options: list[Json]) -> frozenset[str]:
    return frozenset(map(repr, options))


def _orders_by_field(kind: object) -> _Orders:
    return {(field, _key(options)): options for field, options in _orders(kind, "", set())}


def _orders(kind: object, field: str, seen: set[object]) -> Iterator[tuple[str, list[Json]]]:
    """The options that a type names anywhere, each list in its own order, with the field that has them."""
    if get_origin(kind) is Literal:
        yield field, list(get_args(kind))
        return
    if isinstance(kind, type) and issubclass(kind, Enum):
        yield "", [member.value for member in kind]
        return
    for part in get_args(kind):
        yield from _orders(part, field, seen)
    if _is_described(kind) and kind not in seen:
        described = cast("type[Any]", kind)
        seen.add(described)
        fields = msgspec.structs.fields(described) if issubclass(described, msgspec.Struct) else ()
        names = {one.name: one.encode_name for one in fields}
        for name, part in get_type_hints(described, include_extras=True).items():
            yield from _orders(part, names.get(name, name), seen)
