"""Asking people from a process beside the agent, for as long as the agent waits for it. Imported only where no rule has
decided: most calls are not worth the time that a client takes to load.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping

from sayso.bots.hooks._calls import ToolCall
from sayso.bots.hooks._judging import PATIENCE, judge
from sayso.bots.hooks._rules import Rules
from sayso.bots.hooks._transcript import why_not_deferred
from sayso.bots.hooks._verdicts import Verdict
from sayso.client import AsyncClient


def judge_beside(
    call: ToolCall, rules: Rules, url: str | None, wait: float, defers_in: Mapping[str, str] | None
) -> Verdict:
    """The verdict about a call. `defers_in` is the agent's environment, where calls may be deferred."""

    def why_not(given: ToolCall) -> str | None:
        return why_not_deferred(given, defers_in or {})

    def new_client() -> AsyncClient:
        return AsyncClient(url, patience=min(PATIENCE, wait))

    async def judged() -> Verdict:
        stopped = asyncio.Event()
        _watch(asyncio.get_running_loop(), stopped)
        return await judge(call, rules, new_client, wait, stopped, None if defers_in is None else why_not)

    return asyncio.run(judged())


def _watch(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    """Notice that the agent gave the hook up: by a signal, or because nobody reads its output any more."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    output = sys.stdout.fileno()

    def hung_up() -> None:
        loop.remove_reader(output)
        stopped.set()

    if not os.isatty(output):
        try:
            loop.add_reader(output, hung_up)  # what is written to becomes readable when its reader goes
        except OSError:
            return  # a file: nobody can go
