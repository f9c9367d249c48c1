"""Asking: input types and the answers that fit, bad arguments by name, and what the digest covers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from sayso.engine import (
    AnswerRefused,
    InvalidRequest,
    NoCurrentVisit,
    OutcomeKind,
    Store,
    UnknownPolicy,
    UnstorableValue,
    WorkflowEngine,
    WorkflowStatus,
    node,
    request_input,
    step,
    step_key,
)
from tests.engine.support import asking, run_once, say, waiting

pytestmark = pytest.mark.usefixtures("resident")

HOUR = timedelta(hours=1)
COLOURS = ["red", {"value": "blue", "label": "Blue!", "description": "as the sky", "style": "primary"}]
PERSON_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
SELECT: dict[str, Any] = {"input_type": "select", "options": COLOURS}
MULTISELECT: dict[str, Any] = {"input_type": "multiselect", "options": COLOURS}
FORM: dict[str, Any] = {"input_type": "form", "schema": PERSON_SCHEMA}


@dataclass
class PersonDataclass:
    name: str
    age: int


class PersonStruct(msgspec.Struct):
    name: str
    age: int


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        ({}, "a text"),
        ({}, ""),
        ({}, {"from": ["code", 1, None, True, 1.5]}),
        ({}, None),
        (SELECT, "red"),
        (SELECT, "blue"),
        (MULTISELECT, []),
        (MULTISELECT, ["blue", "red"]),
        ({"input_type": "confirm"}, True),
        ({"input_type": "confirm"}, False),
        ({"input_type": "number"}, 40),
        ({"input_type": "number"}, -1.5),
        (FORM, {"name": "Ana", "age": 30}),
        ({"input_type": "form", "schema": PersonDataclass}, {"name": "Ana", "age": 30}),
        ({"input_type": "form", "schema": PersonStruct}, {"name": "Ana", "age": 30}),
    ],
)
async def test_each_input_type_takes_what_fits(store: Store, asked: dict[str, Any], value: Any) -> None:
    async with WorkflowEngine(start=asking(**asked), store=store) as engine:
        await engine.run()
        state = await engine.run({"ask": value})
    assert state.workflow_status is WorkflowStatus.COMPLETED
    assert state.shared["answer"] == value
    assert type(state.shared["answer"]) is type(value)


@pytest.mark.parametrize(
    ("asked", "value", "reason"),
    [
        (SELECT, "green", "red, blue"),
        (SELECT, "Blue!", "not an option"),
        (SELECT, ["red"], "not an option"),
        (SELECT, None, "not an option"),
        (MULTISELECT, "red", "not a list"),
        (MULTISELECT, ["red", "green"], "not an option"),
        (MULTISELECT, ["red", "red"], "twice"),
        ({"input_type": "confirm"}, "yes", "neither yes nor no"),
        ({"input_type": "confirm"}, 1, "neither yes nor no"),
        ({"input_type": "number"}, "forty", "not a number"),
        ({"input_type": "number"}, True, "not a number"),
        (FORM, {"name": "Ana"}, "age"),
        (FORM, {"name": "Ana", "age": "thirty"}, "age"),
        (FORM, "Ana", "object"),
        ({"input_type": "form", "schema": PersonStruct}, {"name": "Ana", "age": None}, "age"),
    ],
)
async def test_what_does_not_fit_is_refused_with_the_reason_and_the_request_stays_open(
    store: Store, asked: dict[str, Any], value: Any, reason: str
) -> None:
    async with WorkflowEngine(start=asking(**asked), store=store) as engine:
        before = await engine.run()
        outcome = await say(engine, waiting(before), value)
        assert outcome.kind is OutcomeKind.INVALID
        assert reason in outcome.reason
        with pytest.raises(AnswerRefused, match="ask") as refused:
            await engine.run({"ask": value})
        assert refused.value.outcome.kind is OutcomeKind.INVALID
        assert engine.execution_state.pending == before.pending


async def test_a_surface_sends_text_to_a_text_question(store: Store) -> None:
    """Any JSON is for code, which knows what the node expects; a person types text."""
    async with WorkflowEngine(start=asking(), store=store) as engine:
        request = waiting(await engine.run())
        refused = await say(engine, request, {"not": "text"})
        assert (refused.kind, refused.reason) == (
            OutcomeKind.INVALID,
            "This needs a text. Send one.",
        )
        assert (await say(engine, request, "text")).kind is OutcomeKind.RESOLVED


async def test_a_schema_as_struct_or_dataclass_asks_what_its_json_schema_asks(store: Store) -> None:
    shown: list[Any] = []
    for schema in (PersonDataclass, PersonStruct, msgspec.json.schema(PersonStruct)):
        state = await run_once(store, asking(input_type="form", schema=schema))
        described = waiting(state)["schema"]
        shown.append(next(iter(described["$defs"].values()))["properties"])
    assert shown[0] == shown[1] == shown[2] == {"name": {"type": "string"}, "age": {"type": "integer"}}


@pytest.mark.parametrize(
    ("argument", "arguments"),
    [
        ("prompt", {"prompt": 7}),
        ("input_type", {"input_type": "colour"}),
        ("options", {"input_type": "select"}),
        ("options", {"input_type": "select", "options": []}),
        ("options", {"input_type": "multiselect", "options": []}),
        ("options", {"input_type": "select", "options": ["a", "b", "a"]}),
        ("options", {"input_type": "select", "options": ["a", {"value": "a", "label": "A"}]}),
        ("options", {"input_type": "select", "options": "ab"}),
        ("options", {"input_type": "select", "options": {"a": "b"}}),
        ("options", {"input_type": "select", "options": ["a", 2]}),
        ("options", {"input_type": "select", "options": [""]}),
        ("options", {"input_type": "select", "options": [{"label": "no value"}]}),
        ("options", {"input_type": "select", "options": [{"value": "a", "colour": "red"}]}),
        ("options", {"input_type": "select", "options": [{"value": "a", "label": 1}]}),
        ("options", {"input_type": "text", "options": ["a"]}),
        ("options", {"input_type": "confirm", "options": ["a"]}),
        ("default", {**SELECT, "default": "green", "expires_after": HOUR}),
        ("default", {"input_type": "number", "default": "many", "expires_after": HOUR}),
        ("default", {"input_type": "confirm", "default": None, "expires_after": HOUR}),
        ("default", {"default": "without a deadline"}),
        ("expires_after", {"expires_after": timedelta(0)}),
        ("expires_after", {"expires_after": -HOUR}),
        ("expires_after", {"expires_after": 3600}),
        ("expires_after", {"expires_after": timedelta.max}),
        ("schema", {"input_type": "form"}),
        ("schema", {"input_type": "form", "schema": {"type": 12}}),
        ("schema", {"input_type": "form", "schema": "an object"}),
        ("schema", {"input_type": "form", "schema": int}),
        ("schema", {"schema": PERSON_SCHEMA}),
        ("to", {"to": "everybody"}),
        ("to", {"to": ["console", ""]}),
        ("to", {"to": ["slack:"]}),
        ("to", {"to": [7]}),
        ("note", {"note": 7}),
        ("requested_by", {"requested_by": 7}),
        ("request_id", {"request_id": 7}),
    ],
)
async def test_a_bad_argument_fails_at_the_call_by_name_and_nothing_is_asked(
    store: Store, argument: str, arguments: dict[str, Any]
) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        with pytest.raises(InvalidRequest, match=f"^{argument}: ") as refused:
            await request_input(**arguments)
        shared["argument"] = refused.value.argument

    state = await run_once(store, ask)
    assert state.shared == {"argument": argument}
    assert state.workflow_status is WorkflowStatus.COMPLETED


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("details['at'][0]", {"details": {"at": [{1, 2}]}}),
        ("default", {"default": (1,), "expires_after": HOUR}),
        ("prompt", {"prompt": "\ud800"}),
        ("options", {"input_type": "select", "options": ["\ud800"]}),
        ("note", {"note": "\ud800"}),
        ("requested_by", {"requested_by": "\ud800"}),
        ("request_id", {"request_id": "\ud800"}),
        ("schema['enum'][0]", {"input_type": "form", "schema": {"enum": [(1,)]}}),
    ],
)
async def test_an_argument_that_cannot_be_stored_is_refused_with_its_path(
    store: Store, path: str, arguments: dict[str, Any]
) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        with pytest.raises(UnstorableValue) as refused:
            await request_input(**arguments)
        shared["path"] = refused.value.path

    assert (await run_once(store, ask)).shared == {"path": path}


async def test_a_step_without_a_name_is_refused_with_the_way_to_call_it(store: Store) -> None:
    bad_step: Any = step

    @node
    async def work(shared: dict[str, Any]) -> None:
        with pytest.raises(InvalidRequest, match=r"^name: .* step\(name, function"):
            await bad_step(len, [1, 2])
        with pytest.raises(UnstorableValue, match=r"^name "):
            await step("\ud800", len, [1, 2])
        shared["refused"] = True

    assert (await run_once(store, work)).shared == {"refused": True}


async def test_bad_arguments_that_are_not_caught_fail_the_run(store: Store) -> None:
    state = await run_once(store, asking(input_type="select", options=[]))
    assert state.error == "InvalidRequest: options: the list is empty; nobody could answer"


async def test_every_parameter_is_optional(store: Store) -> None:
    request = waiting(await run_once(store, asking()))
    assert request["prompt"] is None
    assert request["options"] is None
    assert request["input_type"] == "text"
    assert request["request_id"] == "ask"


async def test_options_are_given_back_as_given(store: Store) -> None:
    assert waiting(await run_once(store, asking(**SELECT)))["options"] == COLOURS


@pytest.mark.parametrize(
    ("policy", "error"),
    [({"need": 2}, "InvalidRequest: policy"), ("two of sre", UnknownPolicy.__name__)],
)
async def test_a_policy_is_refused_rather_than_ignored(store: Store, policy: object, error: str) -> None:
    state = await run_once(store, asking(prompt="?", policy=policy))
    assert state.workflow_status is WorkflowStatus.FAILED
    assert state.error is not None
    assert state.error.startswith(error)
    assert repr(policy) in state.error


async def test_the_note_is_shown_but_is_no_part_of_the_digest(store: Store) -> None:
    async def digest_of(**arguments: Any) -> str:
        request = waiting(await run_once(store, asking(**arguments)))
        assert request["note"] == arguments.get("note")
        record = await store.reader.request(request["id"])
        assert record is not None
        return record.digest

    assert await digest_of(prompt="p", note="asked at 12:03") == await digest_of(prompt="p", note="at 12:04")
    different: list[dict[str, Any]] = [
        {"prompt": "p"},
        {"prompt": "q"},
        {"prompt": "p", "details": {"a": 1}},
        {"prompt": "p", "input_type": "number"},
        {"prompt": "p", "input_type": "select", "options": ["a"]},
        {"prompt": "p", "input_type": "select", "options": [{"value": "a"}]},
        {"prompt": "p", "input_type": "form", "schema": PERSON_SCHEMA},
    ]
    assert len({await digest_of(**arguments) for arguments in different}) == len(different)


async def test_who_asked_comes_from_the_request_or_else_from_the_run(store: Store) -> None:
    request = waiting(await run_once(store, asking(requested_by="slack:T1:U2", details=["x"])))
    assert (request["requested_by"], request["details"]) == ("slack:T1:U2", ["x"])


async def test_plain_functions_can_ask_and_outside_a_node_it_is_an_error_that_names_the_call(
    store: Store,
) -> None:
    async def in_a_function() -> Any:
        return await request_input(request_id="deep")

    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["answer"] = await in_a_function()

    async with WorkflowEngine(start=ask, store=store) as engine:
        await engine.run()
        assert (await engine.run({"deep": 1})).shared == {"answer": 1}
    with pytest.raises(NoCurrentVisit, match="request_input"):
        await request_input()
    with pytest.raises(NoCurrentVisit, match="step"):
        await step("a", in_a_function)
    with pytest.raises(NoCurrentVisit, match="step_key"):
        step_key()
