"""What a form asks for: a JSON Schema, as it was given or as a type describes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from enum import Enum
from typing import Any, Literal, TypeAlias, cast, get_args, get_origin, get_type_hints

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
        described = cast("dict[str, Json]", _ordered(msgspec.json.schema(schema), _orders_by_field(schema)))
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
    return Misfit(path, str(error.message))


def in_alphabetical_order(schema: Mapping[str, Json]) -> dict[str, Json]:
    """The schema as it would be had its options no order of their own: as msgspec describes types."""
    return cast("dict[str, Json]", _ordered(schema, None))


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
