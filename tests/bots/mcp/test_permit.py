"""`permit`, as Claude Code's --permission-prompt-tool calls it: one yes lets one call run once."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from tests.bots.api.served import ServiceProcess
from tests.bots.mcp.agents import People, call, over_stdio

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ALLOWED = {"behavior": "allow"}


async def permit(
    agent: Client, command: str, use: str | None = None, tool: str = "Bash", **more: Any
) -> dict[str, Any]:
    """What the tool says about a command."""
    arguments = {"tool_name": tool, "input": {"command": command, **more}, "tool_use_id": use}
    called = await agent.call_tool("permit", arguments)
    assert (called.is_error, called.structured_content, len(called.content)) == (False, None, 1)
    [block] = called.content
    assert block.type == "text"
    found: dict[str, Any] = json.loads(block.text)
    assert set(found) == (
        {"behavior", "updatedInput"} if found["behavior"] == "allow" else {"behavior", "message"}
    )
    return found


async def decided(
    agent: Client, people: People, value: str, command: str, use: str | None = None
) -> dict[str, Any]:
    """What the tool says about a command that somebody decides on."""
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(permit(agent, command, use, timeout=5))
        request = await people.open(f"Run “{command}”?")
        assert request["details"]["Command"] == {"type": "code", "text": command, "language": "bash"}
        assert request["details"]["Options"] == "timeout: 5"
        assert request["details"]["Tool"] == "Bash"
        await people.answer(request, value, None if value == "approve" else "not there")
    return asking.result()


async def test_one_yes_allows_one_call_with_what_was_shown(
    service: ServiceProcess, people: People, folder: Path
) -> None:
    async with over_stdio(folder, "--permit") as agent:
        assert await decided(agent, people, "approve", "ls", "toolu_1") == {
            "behavior": "allow",
            "updatedInput": {"command": "ls", "timeout": 5},
        }
        again = await permit(agent, "ls", "toolu_1", timeout=5)
        assert (again["behavior"], "used already" in again["message"]) == ("deny", True)
        assert (await decided(agent, people, "approve", "ls", "toolu_2"))["behavior"] == "allow"
        denied = await decided(agent, people, "reject", "rm -rf /", "toolu_3")
        assert denied == {"behavior": "deny", "message": "Rejected by token:operator. not there"}
        assert (await permit(agent, "rm -rf /", "toolu_3", timeout=5))["behavior"] == "deny"


async def test_calls_that_were_broken_off_find_their_permissions_again(
    service: ServiceProcess, people: People, folder: Path
) -> None:
    """Two alike in one turn: each has a question, and no yes to one of them is lost."""
    async with over_stdio(folder, "--permit") as agent:
        both = [asyncio.create_task(permit(agent, "make twice", use)) for use in ("toolu_4", "toolu_5")]
        while await people.count("Run “make twice”?") < len(both):
            pass
        for asking in both:
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        for _ in range(2):
            request = await people.open("Run “make twice”?")
            await people.answer(request, "approve")
        for use in ("toolu_6", "toolu_7"):
            async with asyncio.timeout(20):
                assert (await permit(agent, "make twice", use))["behavior"] == "allow"
        assert await people.count("Run “make twice”?") == 0


async def test_what_cannot_be_asked_is_denied(service: ServiceProcess, folder: Path) -> None:
    async with over_stdio(folder, "--permit", "--policy", "nobody-wrote-it") as agent:
        assert (await permit(agent, "ls"))["behavior"] == "deny"
        for wrong in ({}, {"tool_name": "Bash"}, {"tool_name": "Bash", "input": "ls"}):
            [block] = (await agent.call_tool("permit", wrong)).content
            assert block.type == "text"
            assert json.loads(block.text)["behavior"] == "deny"
    async with over_stdio(folder) as agent:
        assert "permit" not in [one.name for one in (await agent.list_tools()).tools]


@pytest.mark.more
async def test_every_tool_returns_within_45_seconds_and_a_permission_is_found_again(
    service: ServiceProcess, people: People, folder: Path
) -> None:
    """Clients give up after a minute. The same call again waits for the same question, and its yes is used once."""
    async with over_stdio(folder, "--permit") as agent:
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(call(agent, "ask_approval", action="Wait long"))
            permitting = group.create_task(permit(agent, "make deploy", "toolu_8"))
        assert 40 < time.monotonic() - began < 46
        assert asking.result()["status"] == "waiting"
        assert permitting.result()["message"].startswith("Not allowed: nobody has answered yet.")
        request = await people.open("Run “make deploy”?")
        await people.answer(request, "approve")
        assert (await permit(agent, "make deploy", "toolu_9"))["behavior"] == "allow"
        assert (await people.uses())[-1] == request["id"]
