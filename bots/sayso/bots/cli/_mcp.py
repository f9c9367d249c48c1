"""`sayso mcp`: tools that an agent asks people with, in a process that the agent starts."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer

from sayso.bots.cli._ask_options import UrlOption
from sayso.bots.cli._asking import find_service
from sayso.bots.cli._options import DatabaseOption
from sayso.bots.cli._problems import UsageProblem
from sayso.bots.exit_codes import ExitCode
from sayso.client import AsyncClient, InvalidAddress
from sayso.config import needs_extra


def mcp(
    *,
    url: UrlOption = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TO",
            help="Whom to ask, whatever the agent says; may be repeated.",
            show_default=False,
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Policy for every approval, whatever the agent says.",
            show_default=False,
        ),
    ] = None,
    requested_by: Annotated[
        str | None,
        typer.Option(
            metavar="PERSON",
            help="On whose behalf the agent asks, such as slack:T1:U2; four eyes bars them from approving.",
            show_default=False,
        ),
    ] = None,
    permit: Annotated[
        bool,
        typer.Option("--permit", help="Serve `permit` as well, for Claude Code's --permission-prompt-tool."),
    ] = False,
    database: DatabaseOption = None,
) -> ExitCode:
    """Give an agent tools to ask people, over MCP on standard input and output.

    Started by the agent's client, such as Claude Code or Codex. Every tool returns within 45 seconds.
    """
    with needs_extra("sayso mcp", "mcp"):
        from sayso.bots.mcp import Fixed, serve_stdio
    fixed = Fixed(to=tuple(to or ()), policy=policy, requested_by=requested_by)

    async def serve() -> None:
        async with AsyncClient(find_service(url, database, must_run=False)) as client:
            await serve_stdio(client, fixed, permits=permit)

    # A thread waits for standard input, and nothing but the end of the process ends that. There is nothing to finish.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        asyncio.run(serve())
    except InvalidAddress as error:
        raise UsageProblem(str(error)) from error
    return ExitCode.OK
