"""The verdict about a call: of the rules alone, or of people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sayso.bots.hooks._calls import ToolCall
from sayso.bots.hooks._rules import Rules
from sayso.bots.hooks._verdicts import Denied, Verdict, ruled

if TYPE_CHECKING:
    import asyncio

    from sayso.client import AsyncClient

PATIENCE = 20.0
"""Seconds for which a call of the service is tried again."""


async def judge(
    call: ToolCall,
    rules: Rules,
    new_client: Callable[[], AsyncClient],
    wait: float,
    stopped: asyncio.Event,
    why_not: Callable[[ToolCall], str | None] | None = None,
) -> Verdict:
    """The verdict about a call; `wait` is in seconds. `why_not` says why a call cannot be deferred, or None where it
    can; without it nothing is deferred. Once `stopped` is set, the question is withdrawn.
    """
    ruling = ruled(call, rules)
    if ruling is not None:
        return ruling
    from sayso.bots.hooks._gate import Gate
    from sayso.client import InvalidAddress

    try:
        async with new_client() as client:
            return await Gate(client, rules, wait, why_not).judge(call, stopped)
    except InvalidAddress as error:
        return Denied(f"Nobody was asked: {error}")
