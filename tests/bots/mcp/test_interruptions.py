"""Whatever breaks off between an agent, its client, `sayso mcp` and the service: no yes is invented, used twice, or
lost without a word.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from sayso.bots.mcp import Unheard
from tests.bots.api.served import ServiceProcess, token, write
from tests.bots.command import SAYSO, environment
from tests.bots.mcp.agents import SETTINGS, People, call, over_http, over_stdio
from tests.bots.mcp.relay import Relay

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.mark.parametrize("way", ["auto", "legacy", "stdio"])
async def test_a_question_stays_when_its_call_is_cancelled(
    service: ServiceProcess, agents_token: str, people: People, folder: Path, way: str
) -> None:
    """The client gave up, the agent did not: the question is still there, and the cancelled call uses no yes."""
    prompt = f"Restart the cluster ({way})"
    connected = over_stdio(folder) if way == "stdio" else over_http(service.url, agents_token, way)
    async with connected as agent:
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(call(agent, "ask_approval", action=prompt))
            request = await people.open(prompt)
            asking.cancel()
        assert (await call(agent, "status", request=request["id"]))["status"] == "waiting"
        await people.answer(request, "approve")
        assert (await call(agent, "wait", request=request["id"]))["status"] == "approved"


@pytest.mark.parametrize("way", ["auto", "legacy", "stdio"])
async def test_a_client_that_went_away_uses_no_yes(
    service: ServiceProcess, agents_token: str, people: People, folder: Path, way: str
) -> None:
    """Its agent comes back with another connection."""
    prompt = f"Rotate the keys ({way})"

    def connected() -> Any:
        return over_stdio(folder) if way == "stdio" else over_http(service.url, agents_token, way)

    async def asked() -> None:
        async with connected() as agent:
            await call(agent, "ask_approval", key=way, action=prompt)

    client = asyncio.create_task(asked())
    request = await people.open(prompt)
    client.cancel()
    with pytest.raises((asyncio.CancelledError, BaseExceptionGroup)):  # the client's own end may fail
        await client
    async with connected() as agent:
        again = await call(agent, "ask_approval", key=way, action=prompt, wait_seconds=0)
        assert (again["status"], again["request"]) == ("waiting", request["id"])
        await people.answer(request, "approve")
        assert (await call(agent, "wait", request=request["id"]))["status"] == "approved"


async def test_a_tool_on_stdio_waits_on_while_the_service_is_killed_and_comes_back(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    write(tmp_path, port=unused_tcp_port, more=SETTINGS)
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(ServiceProcess(tmp_path))
        operator = token(tmp_path, "operator", "operate", "read", "answer")
        async with over_stdio(tmp_path) as agent, People(service.url, operator) as people:
            asking = asyncio.create_task(call(agent, "ask_approval", action="Migrate"))
            request = await people.open("Migrate")
            service.kill()
            stack.enter_context(ServiceProcess(tmp_path))
            await people.answer(request, "approve")
            found = await asking
            assert (found["status"], found["request"]) == ("approved", request["id"])
            assert await people.uses() == [request["id"]]


async def asked_once(url: str, secret: str) -> dict[str, Any]:
    """What one call over HTTP returns."""
    async with over_http(url, secret) as agent:
        return await call(agent, "ask_approval", "toolu_1", action="Migrate")


async def test_a_call_that_a_kill_of_the_service_broke_off_is_found_under_its_key(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    write(tmp_path, port=unused_tcp_port, more=SETTINGS)
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(ServiceProcess(tmp_path))
        secret = token(tmp_path, "agent", "ask")
        operator = token(tmp_path, "operator", "operate", "read", "answer")
        async with People(service.url, operator) as people:
            broken = asyncio.create_task(asked_once(service.url, secret))
            request = await people.open("Migrate")
            service.kill()
            with pytest.raises(BaseExceptionGroup):
                await broken
            stack.enter_context(ServiceProcess(tmp_path))
            await people.answer(request, "approve")
            found = await asked_once(service.url, secret)
            assert (found["status"], found["request"]) == ("approved", request["id"])
            assert await people.uses() == [request["id"]]


async def test_a_service_that_is_away_is_no_yes(tmp_path: Path) -> None:
    """The words name the key under which the same call finds what may have been asked."""
    async with over_stdio(tmp_path) as agent:
        found = await call(agent, "ask_approval", "toolu_1", action="Migrate")
        assert (found["status"], found["request"], found["key"]) == ("unreachable", None, "toolu_1")
        assert 'repeat the same call with key "toolu_1"' in found["message"]
        write(tmp_path, more=SETTINGS)
        with ServiceProcess(tmp_path):
            again = await call(agent, "ask_approval", key="toolu_1", action="Migrate", wait_seconds=0)
        assert again["status"] == "waiting"


async def test_a_tool_that_was_killed_after_its_yes_was_used_says_so(
    service: ServiceProcess, people: People, folder: Path
) -> None:
    """Between using a yes and saying it, nobody can tell whether the action ran: not again, and out loud."""
    ask: Any = {"key": "killed", "action": "Wire the money"}
    async with over_stdio(folder) as agent:
        found = await call(agent, "ask_approval", **ask, wait_seconds=0)
        await people.answer(found["request"], "approve")
        assert (await call(agent, "wait", request=found["request"]))["status"] == "approved"
        os.kill(int((folder / "mcp.pid").read_text()), signal.SIGKILL)
    async with over_stdio(folder) as agent:
        again = await call(agent, "ask_approval", **ask)
    assert (again["status"], again["request"]) == ("used", found["request"])
    assert "find out whether it ran" in again["message"]


def test_a_tool_on_stdio_ends_at_once_when_it_is_told_to(folder: Path) -> None:
    """Clients interrupt a server before they end it."""
    server = subprocess.Popen(
        [SAYSO, "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder, env=environment()
    )
    with server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        server.stdin.flush()
        assert b'"result"' in server.stdout.readline()
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=10) == -signal.SIGINT


async def test_a_yes_whose_use_nobody_heard_of_is_neither_lost_nor_used_twice(
    service: ServiceProcess, agents_token: str, people: People, folder: Path
) -> None:
    """The service used it and the reply was lost: the next call of the same process repeats that very attempt."""
    relay = Relay(service.url, b"/consumption")
    async with (
        relay.listening(),
        over_stdio(folder, "--url", relay.url, SAYSO_TOKEN=agents_token) as agent,
    ):
        found = await call(agent, "ask_approval", action="Send the report", wait_seconds=0)
        await people.answer(found["request"], "approve")
        waiting = asyncio.create_task(call(agent, "wait", request=found["request"]))
        await relay.heard.wait()
        while found["request"] not in await people.uses():
            pass
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        relay.lost = None
        assert (await call(agent, "wait", request=found["request"]))["status"] == "approved"
        assert (await call(agent, "wait", request=found["request"]))["status"] == "used"
    assert (await people.uses()).count(found["request"]) == 1


async def test_of_two_uses_of_which_nobody_heard_neither_hides_the_other(
    service: ServiceProcess, agents_token: str, people: People, folder: Path
) -> None:
    """Two calls ended while they used one yes. One of them did; the next call of the process finds out."""
    relay = Relay(service.url, b"/consumption")
    async with (
        relay.listening(),
        over_stdio(folder, "--url", relay.url, SAYSO_TOKEN=agents_token) as agent,
    ):
        found = await call(agent, "ask_approval", action="Send both reports", wait_seconds=0)
        await people.answer(found["request"], "approve")
        waiting = [asyncio.create_task(call(agent, "wait", request=found["request"]))]
        while found["request"] not in await people.uses():
            pass
        waiting.append(asyncio.create_task(call(agent, "wait", request=found["request"])))
        while relay.times < len(waiting):
            await people.uses()
        for one in waiting:
            one.cancel()
            with pytest.raises(asyncio.CancelledError):
                await one
        relay.lost = None
        assert (await call(agent, "wait", request=found["request"]))["status"] == "approved"
        assert (await call(agent, "wait", request=found["request"]))["status"] == "used"
    assert (await people.uses()).count(found["request"]) == 1


def test_an_attempt_that_nobody_heard_of_is_repeated_once() -> None:
    unheard = Unheard()
    first, second = unheard.take("r"), unheard.take("r")
    assert first != second
    for one in (first, second):
        unheard.put_back("r", one)
    assert {unheard.take("r"), unheard.take("r")} == {first, second}
    assert not unheard.knows("r")
    assert unheard.take("r") not in (first, second)


async def test_a_cancelled_call_is_answered_with_nothing(
    service: ServiceProcess, agents_token: str, people: People
) -> None:
    """A client that cancels by a notification hears no error, and nobody cancels the calls of another one."""

    def message(session: str, **more: Any) -> dict[str, Any]:
        headers = {"Accept": "application/json, text/event-stream", "Mcp-Session-Id": session}
        return {"headers": headers, "json": {"jsonrpc": "2.0", **more}}

    arguments = {"name": "ask_approval", "arguments": {"action": "Cancel me"}}
    cancelled: Any = {"method": "notifications/cancelled", "params": {"requestId": 7}}
    headers = {"Authorization": f"Bearer {agents_token}"}
    async with httpx.AsyncClient(base_url=service.url, headers=headers, timeout=60) as http:
        asking = asyncio.create_task(
            http.post("/mcp", **message("mine", id=7, method="tools/call", params=arguments))
        )
        await people.open("Cancel me")
        assert (await http.post("/mcp", **message("others", **cancelled))).status_code == 202
        assert (await http.post("/mcp", **message("mine", id=8, method="ping"))).json()["result"] == {}
        assert not asking.done()
        assert (await http.post("/mcp", **message("mine", **cancelled))).status_code == 202
        reply = await asking
        assert (reply.status_code, reply.content) == (202, b"")
    assert "ASGI" not in service.log
