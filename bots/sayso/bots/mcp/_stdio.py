"""The server on standard input and output, for one agent on this machine."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from mcp.server.stdio import stdio_server

from sayso.bots.mcp._permit import Permissions
from sayso.bots.mcp._server import Context, new_server
from sayso.bots.mcp._tools import Fixed, Tools, Unheard
from sayso.client import AsyncClient


async def serve_stdio(client: AsyncClient, fixed: Fixed, *, permits: bool = False) -> None:
    """Serve whoever writes to standard input, until that ends. With `permits`, serve the tool `permit` as well."""
    tools = Tools(client, fixed, Unheard())

    @asynccontextmanager
    async def tools_of(_context: Context) -> AsyncGenerator[Tools]:
        yield tools

    server = new_server(tools_of, Permissions() if permits else None)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
