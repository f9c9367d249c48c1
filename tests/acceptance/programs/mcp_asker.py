"""An agent that asks with the tools of MCP, through the official client: `mcp_asker.py WAY NAME RAN SAYSO`.

WAY is `stdio`, where the client starts SAYSO itself, or `http`. A call that breaks off is made again under its key, as
its words ask for; "broken off" is said where that happened, for a yes may have been on its way.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from sayso.client import AsyncClient


@asynccontextmanager
async def connected(way: str, sayso: str) -> AsyncGenerator[Client]:
    if way == "stdio":
        server = StdioServerParameters(command=sayso, args=["mcp"], env=dict(os.environ))
        async with Client(stdio_client(server)) as client:
            yield client
        return
    headers = {"Authorization": f"Bearer {os.environ['SAYSO_TOKEN']}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(f"{os.environ['SAYSO_URL']}/mcp", http_client=http)) as client,
    ):
        yield client


async def carry_out(client: Client, name: str, told: list[str]) -> None:
    """Call the tool until it says more than that nothing is decided yet; `told` gets its last word."""
    tool: str = "ask_approval"
    given: dict[str, Any] = {"action": f"Task {name}?", "key": name}
    while True:
        result: Any = (await client.call_tool(tool, given)).structured_content
        if result["status"] == "waiting":
            tool, given = "wait", {"request": result["request"]}
        elif result["status"] != "unreachable":
            told.append(result["status"])
            return


async def ask(way: str, name: str, sayso: str) -> str:
    """What people decided, by the last word of the tool."""
    told: list[str] = []
    broken_off = ""
    while not told:
        try:
            async with connected(way, sayso) as client:
                await carry_out(client, name, told)
        except* Exception:  # noqa: BLE001 - whatever the packages raise where the service is killed
            broken_off = "broken off"
            async with AsyncClient(patience=60) as waiting:
                await waiting.requests(mine=True)
    return f"{told[0]} {broken_off}".strip()


def run(way: str, name: str, ran: str, sayso: str) -> None:
    told = asyncio.run(asyncio.wait_for(ask(way, name, sayso), 180))
    if told.split()[0] != "approved":
        sys.exit(told)
    with Path(ran).open("a") as file:
        file.write(f"{name}\n")


if __name__ == "__main__":
    run(*sys.argv[1:])
