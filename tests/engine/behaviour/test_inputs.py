"""What a workflow is started with: described once, checked at every start, filled up with its defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import pytest

from sayso.engine import InvalidInputs, InvalidWorkflow, Node, Runtime, Store, Workflow, node

pytestmark = pytest.mark.usefixtures("resident")


class Address(msgspec.Struct):
    city: str
    country: str = "IT"


class Trip(msgspec.Struct):
    """Where to, and how."""

    traveller: str
    to: Address
    by: Literal["train", "plane"] = "train"


@dataclass
class TripDataclass:
    traveller: str
    to: Address
    by: Literal["train", "plane"] = "train"


SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["traveller", "to"],
    "properties": {
        "traveller": {"type": "string"},
        "to": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}},
        "by": {"enum": ["train", "plane"], "default": "train"},
    },
}


def nothing() -> Node:
    @node
    def book(shared: dict[str, Any]) -> None:
        """Takes what it was given."""

    return book


@pytest.mark.parametrize("inputs", [Trip, TripDataclass, SCHEMA], ids=["struct", "dataclass", "schema"])
async def test_a_run_starts_with_what_fits_and_the_defaults_of_the_rest(store: Store, inputs: object) -> None:
    async with Runtime(store, [Workflow("trip", nothing(), inputs=inputs)]) as runtime:
        run_id = await runtime.start("trip", {"traveller": "Ana", "to": {"city": "Rome"}})
        state = await runtime.wait(run_id)
    assert state.shared == {"traveller": "Ana", "to": {"city": "Rome"}, "by": "train"}


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({"to": {"city": "Rome"}}, "traveller", "Required"),
        ({"traveller": "Ana", "to": {}}, "to.city", "Required"),
        ({"traveller": "Ana", "to": {"city": 7}}, "to.city", "7 is not of type 'string'"),
        ({"traveller": "Ana", "to": {"city": "Rome"}, "by": "foot"}, "by", "'foot' is not one of"),
        (None, "traveller", "Required"),
    ],
)
async def test_what_does_not_fit_starts_nothing_and_names_the_field(
    store: Store, given: dict[str, Any] | None, field: str, reason: str
) -> None:
    async with Runtime(store, [Workflow("trip", nothing(), inputs=Trip)]) as runtime:
        with pytest.raises(InvalidInputs, match=rf"^trip was not started: {field}: {reason}") as refused:
            await runtime.start("trip", given)
        assert refused.value.field == field
        assert await store.reader.runs() == []


async def test_without_inputs_a_workflow_starts_with_anything(store: Store) -> None:
    async with Runtime(store, [Workflow("any", nothing())]) as runtime:
        state = await runtime.wait(await runtime.start("any", {"x": [1]}))
    assert state.shared == {"x": [1]}


class Stops(msgspec.Struct):
    stops: list[Address]


@pytest.mark.parametrize("inputs", [Stops, {"type": "array"}, str, 7])
def test_inputs_that_no_surface_can_ask_for_are_refused_where_they_are_written(inputs: object) -> None:
    with pytest.raises(InvalidWorkflow, match="the inputs of workflow 'trip' cannot be asked for: "):
        Workflow("trip", nothing(), inputs=inputs)
