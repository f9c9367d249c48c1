"""Flat forms are asked field by field; anything harder is answered as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, cast

import msgspec
import pytest

from sayso.adapters.console import EmptyReply, FormField, form_fields, read_field
from sayso.engine import InvalidAnswer, Json
from tests.adapters.console_support import question


@dataclass
class Order:
    item: str
    count: int
    price: float = 1.0
    gift: bool = False
    size: Literal["S", "M"] = "M"
    tags: list[str] = field(default_factory=list[str])
    note: str | None = None


def fields_of(schema: object) -> dict[str, FormField]:
    found = form_fields(question("form", schema=cast("dict[str, Json]", schema)))
    assert found is not None
    return {one.name: one for one in found}


ORDER = fields_of(msgspec.json.schema(Order))


def test_a_dataclass_is_asked_field_by_field_in_its_order() -> None:
    assert list(ORDER) == ["item", "count", "price", "gift", "size", "tags", "note"]
    assert [name for name, one in ORDER.items() if one.required] == ["item", "count"]


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("item", "tea", "tea"),
        ("count", "3", 3),
        ("price", "2.5", 2.5),
        ("gift", "YES", True),
        ("gift", "n", False),
        ("size", "s", "S"),
        ("tags", "a, b", ["a", "b"]),
        ("note", "for Bo", "for Bo"),
    ],
)
def test_each_field_is_read_by_its_type(name: str, typed: str, value: Json) -> None:
    assert read_field(ORDER[name], typed) == value


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("count", "3.5"),
        ("count", "many"),
        ("price", "NaN"),
        ("price", "1e999"),
        ("gift", "maybe"),
        ("size", "XL"),
    ],
)
def test_what_does_not_fit_a_field_is_refused_by_its_title(name: str, typed: str) -> None:
    with pytest.raises(InvalidAnswer, match=f"^{name}: "):
        read_field(ORDER[name], typed)


def test_an_empty_line_leaves_a_field_out() -> None:
    with pytest.raises(EmptyReply):
        read_field(ORDER["note"], "  ")


def test_limits_of_the_schema_hold_for_each_field() -> None:
    age = fields_of({"type": "object", "properties": {"age": {"type": "integer", "minimum": 18}}})["age"]
    with pytest.raises(InvalidAnswer, match="minimum of 18"):
        read_field(age, "7")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object"},
        {"type": "object", "properties": {"a": {"type": "object", "properties": {}}}},
        {"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "number"}]}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"type": "object", "properties": {"a": True}},
    ],
)
def test_harder_schemas_are_answered_as_json(schema: dict[str, Json]) -> None:
    assert form_fields(question("form", schema=schema)) is None
