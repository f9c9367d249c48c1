"""Connections without end: what somebody without any rights can do to a service that they reach."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from sayso.testing.slack import LocalSlack, Place, SlackLimits, SlackPerson
from tests.bots.command import DEADLINE, sayso
from tests.bots.service_process import ServiceProcess

FLOWS = """
from sayso.engine import Workflow, node, request_input


@node
async def gate(shared):
    shared["said"] = await request_input(
        "Go?", options=["yes", "no"], input_type="select", request_id="go", to=["slack:#releases"]
    )


workflow = Workflow("flow", start=gate)
"""

HALF = b"POST /slack/events HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"


class FrugalService(ServiceProcess):
    """It may have 256 files and sockets open."""

    @staticmethod
    def begin(
        command: tuple[str, ...], folder: Path, given: dict[str, str], streams: tuple[int, int, int]
    ) -> subprocess.Popen[bytes]:
        frugal = ("sh", "-c", 'ulimit -n 256 && exec "$0" "$@"', *command)
        stdin, stdout, stderr = streams
        return subprocess.Popen(frugal, cwd=folder, env=given, stdin=stdin, stdout=stdout, stderr=stderr)


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(limits=SlackLimits.unlimited()) as server:
        yield server


@pytest.fixture
def ana(slack: LocalSlack) -> SlackPerson:
    return slack.add_person("Ana")


@pytest.fixture
def channel(slack: LocalSlack, ana: SlackPerson) -> Place:
    return slack.add_channel("releases", [ana])


def configured(folder: Path, slack: LocalSlack, channel: Place, http: str = "") -> dict[str, str]:
    """A service of a workflow whose question goes to the channel; its environment."""
    (folder / "flows.py").write_text(FLOWS)
    (folder / "sayso.toml").write_text(
        f'[[workflows]]\nworkflow = "flows:workflow"\n[http]\nport = 0\n{http}\n'
        f'[destinations."slack:#releases"]\nid = "{channel.id}"\naudience = "members"\n'
        f'[slack]\napi_url = "{slack.api_url}"\n'
    )
    return {"SAYSO_SLACK__BOT_TOKEN": slack.bot_token, "SAYSO_SLACK__APP_TOKEN": slack.app_token}


@contextmanager
def half_sent(url: str, beginnings: list[bytes]) -> Generator[list[socket.socket]]:
    """Connections that have begun to say something, and go no further."""
    address = urlsplit(url)
    assert address.hostname is not None
    with ExitStack() as stack:
        opened: list[socket.socket] = []
        for beginning in beginnings:
            one = stack.enter_context(socket.socket())
            one.settimeout(DEADLINE)
            one.connect((address.hostname, address.port or 80))
            one.sendall(beginning)
            opened.append(one)
        yield opened


async def test_half_sent_requests_stop_nothing(
    slack: LocalSlack, ana: SlackPerson, channel: Place, tmp_path: Path
) -> None:
    """About a thousand of them used up the descriptors of everything else, and wrote 89 MB of log."""
    environment = configured(tmp_path, slack, channel)
    with FrugalService(tmp_path, **environment) as service:
        await slack.until(lambda: slack.connections == 2)
        with half_sent(service.url, [HALF, BODY, b""] * 150):
            started = await asyncio.to_thread(sayso, tmp_path, "start", "flow")
            assert started.code == 0, started.err
            await slack.until(lambda: bool(slack.calls_of("chat.postMessage")))
            result = await (await ana.press(ana.last(channel), "yes")).result()
            assert result.is_acknowledged
            runs = (await asyncio.to_thread(sayso, tmp_path, "runs", "--json")).json["runs"]
            assert [run["status"] for run in runs] == ["COMPLETED"]
            assert (await asyncio.to_thread(service.get, "/healthz")).status_code == 200
        assert service.stop() == 0
        assert len(service.log) < 10_000
        assert "this process may open 256 files" in service.log


@pytest.mark.parametrize("beginning", [HALF, BODY, b""])
async def test_a_request_has_to_arrive_in_time(
    slack: LocalSlack, channel: Place, tmp_path: Path, beginning: bytes
) -> None:
    environment = configured(tmp_path, slack, channel, http='request_timeout = "1s"')
    with ServiceProcess(tmp_path, **environment) as service, half_sent(service.url, [beginning]) as (one,):
        assert (await asyncio.to_thread(one.recv, 1000)).startswith(b"HTTP/1.1 408 ")
        assert one.recv(1000) == b""
        assert "its request did not arrive within 1 s" in service.log
        assert "Traceback" not in service.log


async def test_those_at_work_are_not_closed_for_others(
    slack: LocalSlack, channel: Place, tmp_path: Path
) -> None:
    """Whoever sends no request makes room; where everybody has sent one, a new connection is refused."""
    environment = configured(tmp_path, slack, channel, http="connections = 3\nconnections_per_address = 2")
    with ServiceProcess(tmp_path, **environment) as service:
        token = sayso(tmp_path, "token", "ci", "--json").json["token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx.AsyncClient(base_url=service.url, headers=headers, timeout=DEADLINE) as client,
            client.stream("GET", "/api/v1/events") as one,
        ):
            assert one.status_code == 200
            with half_sent(service.url, [b""]) as (idle,):
                async with client.stream("GET", "/api/v1/events") as two:
                    assert two.status_code == 200
                    assert idle.recv(1) == b""
                    assert (await asyncio.to_thread(service.get, "/healthz")).status_code == 503
        assert "connection refused: http.connections is reached" in service.log
