"""The tools of agents: `approved` alone is a yes, and is returned once."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client, MCPError

from tests.bots.api.served import ServiceProcess, token, write
from tests.bots.mcp.agents import People, call, over_http, over_stdio

Connect = Callable[[], AbstractAsyncContextManager[Client]]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


async def asked_and_answered(
    agent: Client, people: People, prompt: str, value: Any, comment: str | None = None, **arguments: Any
) -> dict[str, Any]:
    """What an approval becomes that somebody decides while the agent waits."""
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(call(agent, "ask_approval", action=prompt, **arguments))
        await people.answer(await people.open(prompt), value, comment)
    return asking.result()


async def test_a_yes_is_returned_once_with_who_gave_it(
    connect: Connect, people: People, request: Any
) -> None:
    async with connect() as agent:
        prompt = f"Deploy 4.2 for {request.node.name}"
        found = await asked_and_answered(agent, people, prompt, "approve", "go ahead")
        assert (found["status"], found["by"], found["comment"], found["question"]) == (
            "approved", ["token:operator"], "go ahead", prompt,
        )  # fmt: skip
        for tool, status in (
            ("wait", "used"),
            ("status", "decided"),
            ("withdraw", "decided"),
            ("wait", "used"),
        ):
            again = await call(agent, tool, request=found["request"])
            assert (again["status"], again["request"]) == (status, found["request"]), tool
        assert (await people.uses()).count(found["request"]) == 1


async def test_a_no_comes_with_its_reason(connect: Connect, people: People, request: Any) -> None:
    async with connect() as agent:
        found = await asked_and_answered(agent, people, request.node.name, "reject", "not today")
        assert (found["status"], found["by"], found["comment"]) == (
            "rejected",
            ["token:operator"],
            "not today",
        )
        assert (await call(agent, "wait", request=found["request"]))["status"] == "rejected"
        assert found["request"] not in await people.uses()


async def test_nobody_answers_and_it_is_no_yes(connect: Connect, people: People) -> None:
    async with connect() as agent:
        found = await call(agent, "ask_approval", action="Nobody looks at this", wait_seconds=0)
        assert (found["status"], found["by"]) == ("waiting", [])
        assert (await call(agent, "wait", request=found["request"], wait_seconds=0))["status"] == "waiting"
        assert (await call(agent, "status", request=found["request"]))["status"] == "waiting"
        listed = (await call(agent, "list_mine"))["requests"]
        assert found["request"] in [one["request"] for one in listed]
        assert (await call(agent, "withdraw", request=found["request"]))["status"] == "withdrawn"
        assert (await call(agent, "wait", request=found["request"]))["status"] == "withdrawn"
        listed = (await call(agent, "list_mine"))["requests"]
        assert found["request"] not in [one["request"] for one in listed]


async def test_what_people_answer_is_a_value_and_no_yes(connect: Connect, people: People) -> None:
    async with connect() as agent:
        schema = {"type": "object", "required": ["seats"], "properties": {"seats": {"type": "integer"}}}
        questions: list[tuple[dict[str, Any], Any]] = [
            ({"question": "Which region?", "options": ["eu", "us"]}, "eu"),
            ({"question": "Go?", "options": ["approve", "approved"]}, "approved"),
            ({"question": "How many?", "schema": schema}, {"seats": 3}),
            ({"question": "Why?", "to": "operator"}, "approve"),
        ]
        for arguments, value in questions:
            found = await call(agent, "ask", **arguments, wait_seconds=0)
            await people.answer(found["request"], value)
            answered = await call(agent, "wait", request=found["request"])
            assert (answered["status"], answered["value"]) == ("answered", value)


async def test_the_same_use_of_a_tool_is_the_same_question(
    connect: Connect, people: People, request: Any
) -> None:
    """A client that sends a call again, and one whose process was resumed, asks nobody twice."""
    async with connect() as agent:
        use = request.node.name
        ask: Any = {"action": "Drop the table", "wait_seconds": 0}
        first = await call(agent, "ask_approval", f"{use}-1", **ask)
        assert (await call(agent, "ask_approval", f"{use}-1", **ask))["request"] == first["request"]
        assert (await call(agent, "ask_approval", f"{use}-2", **ask))["request"] != first["request"]
        assert (await call(agent, "ask_approval", **ask))["request"] != first["request"]
        other = await call(agent, "ask_approval", f"{use}-1", action="Drop another table", wait_seconds=0)
        assert (other["status"], other["request"]) == ("refused", None)
        named = await call(agent, "ask_approval", f"{use}-3", **ask, key=f"{use}-1")
        assert named["request"] == first["request"]
        await people.answer(first["request"], "approve")
        assert (await call(agent, "ask_approval", f"{use}-1", **ask))["status"] == "approved"
        assert (await call(agent, "ask_approval", f"{use}-1", **ask))["status"] == "used"


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("ask_approval", {}, "action"),
        ("ask_approval", {"action": ""}, "action"),
        ("ask_approval", {"action": "x", "polcy": "release"}, "polcy"),
        ("ask_approval", {"action": "x", "wait_seconds": 46}, "wait_seconds"),
        ("ask_approval", {"action": "x", "key": "a\nb"}, "key"),
        ("ask_approval", {"action": "x", "policy": "nobody-wrote-it"}, "nobody-wrote-it"),
        ("ask_approval", {"action": "x", "details": {"Change": {"type": "diff"}}}, "Change"),
        ("ask", {"question": "x", "options": ["a"], "schema": {"type": "object"}}, "not both"),
        ("ask", {"question": "x", "to": "nobody:here"}, "nobody:here"),
        ("wait", {"request": "0" * 32}, "Not found"),
        ("wait", {"request": "../runs"}, "Not Found"),
        ("status", {"request": "x"}, "Not found"),
        ("withdraw", {"request": "x"}, "Not found"),
        ("list_mine", {"of": "others"}, "of"),
    ],
)
async def test_what_cannot_be_done_is_refused_out_loud(
    service: ServiceProcess, agents_token: str, tool: str, arguments: dict[str, Any], words: str
) -> None:
    async with over_http(service.url, agents_token) as agent:
        found = await call(agent, tool, **arguments)
    assert found["status"] == "refused"
    assert words in found["message"]


async def test_details_are_shown_as_what_they_are(connect: Connect, people: People) -> None:
    async with connect() as agent:
        details = {"version": "4.2", "command": {"type": "code", "text": "make deploy", "language": "sh"}}
        found = await call(
            agent, "ask_approval", action="Deploy", details=details, policy="release", wait_seconds=0
        )
        request = await people.request(found["request"])
        assert (request["details"], request["to"]) == (details, ["api"])


async def test_no_tool_answers(connect: Connect) -> None:
    async with connect() as agent:
        tools = {one.name: one for one in (await agent.list_tools()).tools}
        assert set(tools) == {"ask_approval", "ask", "wait", "status", "withdraw", "list_mine"}
        for tool in tools.values():
            assert tool.input_schema["type"] == "object"
            assert not tool.input_schema["additionalProperties"]
        with pytest.raises(MCPError, match="Unknown tool: answer"):
            await agent.call_tool("answer", {"request": "x", "value": "approve"})


async def test_a_request_is_a_resource_that_is_no_approval(connect: Connect, people: People) -> None:
    async with connect() as agent:
        found = await call(agent, "ask_approval", action="Read about this", wait_seconds=0)
        uri = f"sayso://requests/{found['request']}"
        assert uri in [one.uri for one in (await agent.list_resources()).resources]
        templates = (await agent.list_resource_templates()).resource_templates
        assert [one.uri_template for one in templates] == ["sayso://requests/{id}"]
        await people.answer(found["request"], "approve")
        contents: Any = (await agent.read_resource(uri)).contents[0]
        assert json.loads(contents.text)["status"] == "decided"
        for wrong in ("sayso://requests/x", "sayso://requests/", "file:///etc/passwd"):
            with pytest.raises(MCPError):
                await agent.read_resource(wrong)


async def test_of_many_who_wait_one_gets_the_yes(
    service: ServiceProcess, agents_token: str, people: People
) -> None:
    """Two clients with one token, and two calls of each."""
    async with (
        over_http(service.url, agents_token) as one,
        over_http(service.url, agents_token, "legacy") as two,
    ):
        found = await call(one, "ask_approval", action="Pay 500", wait_seconds=0)
        async with asyncio.TaskGroup() as group:
            waits = [
                group.create_task(call(agent, "wait", request=found["request"])) for agent in (one, two) * 3
            ]
            await people.answer(found["request"], "approve")
    assert Counter(wait.result()["status"] for wait in waits) == {"approved": 1, "used": 5}
    assert (await people.uses()).count(found["request"]) == 1


async def test_nobody_gets_the_yes_of_another_program(
    service: ServiceProcess, agents_token: str, people: People, folder: Path
) -> None:
    other = token(folder, "other", "ask")
    async with over_http(service.url, agents_token) as agent, over_http(service.url, other) as stranger:
        found = await call(agent, "ask_approval", action="Sign the contract", wait_seconds=0)
        await people.answer(found["request"], "approve")
        for tool in ("wait", "status", "withdraw"):
            assert (await call(stranger, tool, request=found["request"]))["status"] == "refused"
        assert (await call(stranger, "list_mine"))["requests"] == []
        async with over_stdio(folder) as operator:
            assert (await call(operator, "wait", request=found["request"]))["status"] == "refused"
        assert (await call(agent, "wait", request=found["request"]))["status"] == "approved"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_whoever_has_no_token_that_asks_gets_no_tool(
    service: ServiceProcess, folder: Path, operators_token: str, mode: str
) -> None:
    for secret, status in ((None, 401), ("wrong", 401), (operators_token, 403)):
        with pytest.raises(BaseExceptionGroup) as caught:
            async with over_http(service.url, secret, mode):
                pass
        assert caught.group_contains(MCPError)
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        async with httpx.AsyncClient(base_url=service.url, headers=headers) as http:
            assert (await http.post("/mcp")).status_code == status


async def test_a_wrong_token_is_refused_on_stdio_too(service: ServiceProcess, folder: Path) -> None:
    async with over_stdio(folder, "--url", service.url, SAYSO_TOKEN="wrong") as agent:
        found = await call(agent, "ask_approval", action="x")
    assert (found["status"], "Unknown token" in found["message"]) == ("refused", True)


async def test_the_address_takes_nothing_but_calls(service: ServiceProcess, agents_token: str) -> None:
    headers = {"Authorization": f"Bearer {agents_token}"}
    async with httpx.AsyncClient(base_url=service.url, headers=headers) as http:
        for method in ("GET", "DELETE", "PUT"):
            refused = await http.request(method, "/mcp")
            assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
        assert (await http.post("/mcp", content=b"x" * 3_000_000)).status_code == 413
        assert (await http.post("/mcp", headers={"Host": "elsewhere.example.com"})).status_code == 421
        assert (await http.post("/mcp", content=b"{")).status_code in (400, 406)


async def test_an_agent_on_this_machine_needs_no_token(
    folder: Path, service: ServiceProcess, people: People
) -> None:
    """What whoever runs it has settled, no agent chooses."""
    async with over_stdio(folder, "--policy", "release") as agent:
        refused = await call(agent, "ask_approval", action="x", policy="other")
        assert (refused["status"], "release" in refused["message"]) == ("refused", True)
        found = await asked_and_answered(agent, people, "Deploy from here", "approve")
    assert found["status"] == "approved"
    assert (await people.request(found["request"]))["to"] == ["api"]
    async with over_stdio(folder, "--to", "operator", "--url", service.url, SAYSO_TOKEN="x") as agent:
        refused = await call(agent, "ask", question="x", to="api")
        assert (refused["status"], "fixed" in refused["message"]) == ("refused", True)


def test_a_service_that_was_not_told_to_has_no_tools(tmp_path: Path) -> None:
    write(tmp_path)
    with ServiceProcess(tmp_path) as service:
        assert httpx.post(f"{service.url}/mcp").status_code == 404
