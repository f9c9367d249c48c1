"""Agents as their clients connect them, with the official client of the `mcp` package, and who answers them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from tests.bots.command import SAYSO, environment

TOOL_USE = "claudecode/toolUseId"

SETTINGS = """
mcp = true

[ask]
to = ["operator"]

[policies.release]

[[policies.release.stages]]
approvers = ["api"]
"""


@asynccontextmanager
async def over_http(url: str, token: str | None, mode: str = "auto") -> AsyncGenerator[Client]:
    """An agent anywhere; `mode` is how its client speaks: as of 2026 or, `legacy`, as before."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


@asynccontextmanager
async def over_stdio(folder: Path, *arguments: str, **extra_environment: str) -> AsyncGenerator[Client]:
    """An agent on this machine, whose client starts `sayso mcp` in a folder; the process's id is in `mcp.pid` there."""
    script = 'echo $$ > mcp.pid; exec "$@" 2> mcp.log'
    server = StdioServerParameters(
        command="sh",
        args=["-c", script, "sh", SAYSO, "mcp", *arguments],
        env=environment(**extra_environment),
        cwd=folder,
    )
    async with Client(stdio_client(server)) as client:
        yield client


async def call(client: Client, tool: str, use: str | None = None, **arguments: Any) -> dict[str, Any]:
    """Call a tool; its structured result. `use` is what Claude Code says about the call."""
    meta: Any = {} if use is None else {TOOL_USE: use}
    called = await client.call_tool(tool, arguments, meta=meta)
    found: dict[str, Any] = called.structured_content
    assert called.is_error == (found.get("status") in ("refused", "unreachable"))
    return found


class People:
    """Whoever answers: an operator's token, which sees everything."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._api = httpx.AsyncClient(base_url=f"{url}/api/v1", headers=headers, timeout=30)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._api.aclose()

    async def open(self, prompt: str) -> dict[str, Any]:
        """The open request with a prompt, once it has been asked."""
        while True:
            found = (await self._api.get("/requests")).json()["requests"]
            for one in found:
                if one["prompt"] == prompt:
                    return dict(one)

    async def count(self, prompt: str) -> int:
        """How many open requests have a prompt."""
        found = (await self._api.get("/requests")).json()["requests"]
        return sum(one["prompt"] == prompt for one in found)

    async def answer(self, request: dict[str, Any] | str, value: Any, comment: str | None = None) -> None:
        """Answer a request, by itself or its id."""
        request_id = request if isinstance(request, str) else request["id"]
        body = {"revision": 1, "value": value, "comment": comment}
        done = await self._api.post(f"/requests/{request_id}/answers", json=body)
        assert done.status_code == 200, done.text

    async def request(self, request_id: str) -> dict[str, Any]:
        """A request as it stands."""
        return dict((await self._api.get(f"/requests/{request_id}")).json())

    async def uses(self) -> list[str]:
        """The requests whose approvals were used, in order."""
        after, found = 0, list[str]()
        while True:
            page = (await self._api.get("/changes", params={"after": after, "limit": 1000})).json()
            found += [one["request_id"] for one in page["changes"] if one["kind"] == "approval_used"]
            if page["last"] == after:
                return found
            after = page["last"]
