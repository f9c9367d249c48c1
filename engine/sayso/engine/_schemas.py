"""What a form asks for: a JSON Schema, as it was given or as a type describes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

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
        orders = {_key(order): order for order in _orders(schema, set())}
        described = cast("dict[str, Json]", _ordered(msgspec.json.schema(schema), orders))
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
        raise InvalidRequest("schema", f"is no valid JSON Schema: {error.message}") from error


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


def _ordered(schema: object, orders: Mapping[frozenset[str], list[Json]] | None) -> object:
    """The schema with options in the order in which a type names them; in the alphabet's without any."""
    if isinstance(schema, list):
        return [_ordered(one, orders) for one in cast("list[object]", schema)]
    if not isinstance(schema, Mapping):
        return schema
    found: dict[str, object] = {}
    for name, one in cast("Mapping[str, object]", schema).items():
        if name == "enum" and isinstance(one, list):
            given = cast("list[Json]", one)
            found[name] = _alphabetical(given) if orders is None else orders.get(_key(given), given)
        else:
            found[name] = _ordered(one, orders)
    return found


def _alphabetical(options: list[Json]) -> list[Json]:
    try:
        return sorted(cast("list[Any]", options))
    except TypeError:  # of several kinds, which msgspec describes in no order
        return options


def _key(options: list[Json]) -> frozenset[str]:
    return frozenset(map(repr, options))


def _orders(kind: object, seen: set[object]) -> Iterator[list[Json]]:
    """The options that a type names anywhere, each list in its own order."""
    if get_origin(kind) is Literal:
        yield list(get_args(kind))
        return
    if isinstance(kind, type) and issubclass(kind, Enum):
        yield [member.value for member in kind]
        return
    parts: list[object] = list(get_args(kind))
    if _is_described(kind) and kind not in seen:
        described = cast("type", kind)
        seen.add(described)
        parts += get_type_hints(described, include_extras=True).values()
    for part in parts:
        yield from _orders(part, seen)
