"""The client, held against the API's description: every call and every member that it uses is there, of that type."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import Any

import msgspec
import pytest

from sayso.client import Consumption, Question, Request
from sayso.client._exchange import Call
from sayso.client._programs import Caller
from tests.bots.api.description import Description
from tests.bots.api.served import ServiceProcess, write

pytestmark = pytest.mark.slow

CALLER = Caller(timeout=1, patience=1)
STRUCTS = msgspec.json.schema_components([Request, Question, Consumption], ref_template="{name}")[1]
"""What the client reads and sends, as JSON Schemas by name."""

FIRST: dict[str, Call] = {
    name: call
    for name, program in {
        "ask_question": CALLER.ask(Question("?"), "key"),
        "ask_batch": CALLER.ask_batch([Question("?")], "key", None),
        "get_request": CALLER.request("r1", 25.0),
        "delete_request": CALLER.withdraw("r1"),
        "use_approval": CALLER.consume("r1", "key"),
        "list_requests": CALLER.requests(),
    }.items()
    if isinstance(call := next(program), Call)
}
"""The first call that each program makes, by the id of its operation."""

POLL = next(CALLER.wait("r1", None))


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Generator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("described")
    write(folder)
    with ServiceProcess(folder) as service:
        yield Description(service.url).text


def operation(described: dict[str, Any], call: Call) -> Any:
    """How the description names and means a call."""
    found = [
        calls[call.method.lower()]
        for template, calls in described["paths"].items()
        if call.method.lower() in calls
        and re.fullmatch("/api/v1" + re.sub(r"\{\w+\}", "[^/]+", template), call.path)
    ]
    assert len(found) == 1, f"{call.method} {call.path} is described {len(found)} times"
    return found[0]


def parts(schema: Any, known: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The alternatives of a schema, each without a reference at its top."""
    if "$ref" in schema:
        yield from parts(known[schema["$ref"].rpartition("/")[2]], known)
    elif "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from parts(one, known)
    else:
        yield schema


def types(schema: Any, known: dict[str, Any]) -> set[str]:
    """What of JSON a schema lets through, with instants told from other texts, and everything for any."""
    found: set[str] = set()
    for one in parts(schema, known):
        kind = one.get("type")
        if kind is None and not {"enum", "const"} & set(one):
            return {"null", "boolean", "object", "array", "number", "string", "date-time"}
        if kind is None:
            kind = "string"
        found |= {"number"} if kind == "integer" else {one.get("format", kind) if kind == "string" else kind}
    return found


def values(schema: Any, known: dict[str, Any]) -> set[str] | None:
    """The texts that a schema lets through; None where it names none."""
    named: set[str] = set()
    for one in parts(schema, known):
        named |= set(one.get("enum", ())) | ({one["const"]} if "const" in one else set())
    return named or None


def test_every_call_is_described_with_its_parameters(described: dict[str, Any]) -> None:
    assert isinstance(POLL, Call)
    for name, call in [*FIRST.items(), ("get_request", POLL)]:
        found = operation(described, call)
        assert found["operationId"] == name
        parameters = {one["name"] for one in found.get("parameters", ())}
        assert set(call.query) <= parameters, name
        assert set(call.headers) - {"Content-Type"} <= parameters, name


def test_a_token_that_may_only_ask_is_enough_but_for_lists(described: dict[str, Any]) -> None:
    enough = {name for name, call in FIRST.items() if "ask" in operation(described, call)["x-scopes"]}
    assert set(FIRST) - enough <= {"list_requests"}


@pytest.mark.parametrize("name", [name for name in STRUCTS if name != "Question"])
def test_whatever_the_service_sends_can_be_read(described: dict[str, Any], name: str) -> None:
    known = described["components"]["schemas"]
    theirs = known["Used" if name == "Consumption" else name]
    for member, ours in STRUCTS[name]["properties"].items():
        sent = theirs["properties"][member]
        assert types(sent, known) <= types(ours, STRUCTS), member
        texts = values(ours, STRUCTS)
        assert texts is None or (values(sent, known) or {"anything"}) <= texts, member
        assert member in theirs["required"] or member not in STRUCTS[name]["required"], member


def test_whatever_a_question_may_have_can_be_sent(described: dict[str, Any]) -> None:
    known = described["components"]["schemas"]
    [body] = parts(
        operation(described, FIRST["ask_question"])["requestBody"]["content"]["application/json"]["schema"],
        known,
    )
    ours = STRUCTS["Question"]["properties"]
    assert set(ours) == set(body["properties"])
    for member, schema in ours.items():
        taken = types(body["properties"][member], known)
        assert types(schema, STRUCTS) - {"null"} <= taken, member
        texts = values(body["properties"][member], known)
        assert texts is None or (values(schema, STRUCTS) or {"anything"}) <= texts, member
    assert set(body["required"]) == set(STRUCTS["Question"]["required"])


def test_the_look_notices_what_does_not_fit() -> None:
    """A description without a member, or with another type, must fail the tests above."""
    known: dict[str, Any] = {"A": {"type": "string", "format": "date-time"}}
    either = {"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}]}
    assert types(either, known) == {"date-time", "null"}
    assert not types(either, known) <= {"date-time"}
    assert types({"enum": ["a"]}, known) == {"string"}
    assert values({"anyOf": [{"const": "a"}, {"enum": ["b"]}]}, known) == {"a", "b"}
    assert len(types({}, known)) > 5
