"""What the tests of the OpenAI Agents SDK's gate run, beside its example: `openai_program.py WHAT NAME [ORDER]`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from agents import Agent, AgentsException, Model, ModelResponse, Runner, RunState, Usage, set_tracing_disabled
from agents.testing import assistant_message, function_call
from openai_agent import refund, serve

from sayso.bridges.openai_agents import Gate
from sayso.client import AsyncClient, Question

set_tracing_disabled(disabled=True)


class Scripted(Model):
    """Refunds orders in one turn, and then says what it heard. `dies` kills the process once it hears of a result."""

    def __init__(self, *orders: str, dies: bool = False) -> None:
        self._dies = dies
        self._orders = orders or ("A-17",)

    async def get_response(self, *given: Any, **named: Any) -> ModelResponse:
        input = named["input"] if "input" in named else given[1]
        heard = (
            [one["output"] for one in input if one.get("type") == "function_call_output"]
            if isinstance(input, list)
            else []
        )
        if heard and self._dies:
            os.kill(os.getpid(), signal.SIGKILL)
        calls = [
            function_call("refund", {"order": one, "amount": 40}, call_id=f"call-{number}")
            for number, one in enumerate(self._orders, 1)
        ]
        said = [assistant_message(" / ".join(map(str, heard)))] if heard else calls
        return ModelResponse(output=list(said), usage=Usage(), response_id=None)

    def stream_response(self, *rest: Any, **options: Any) -> AsyncIterator[Any]:
        raise NotImplementedError


async def forge(name: str) -> str:
    """Run a state that waits with a yes of one's own."""
    async with AsyncClient() as client:
        gate = Gate(client, {"refund": Question(prompt="Refund this order?")}, name)
        agent = Agent("shop", model=Scripted(), tools=[gate.guard(refund)])
        state = await RunState.from_string(agent, Path(f"{name}.json").read_text())
        state.approve(state.get_interruptions()[0])
        try:
            await Runner.run(agent, state)
        except AgentsException as error:
            return type(error.__cause__).__name__
        return "ran"


async def alone() -> str:
    """The SDK by itself: one yes, run twice."""
    held = refund
    held.needs_approval = True
    agent = Agent("shop", model=Scripted(), tools=[held])
    kept = (await Runner.run(agent, "Refund A-17")).to_state().to_string()
    for _ in range(2):
        state = await RunState.from_string(agent, kept)
        state.approve(state.get_interruptions()[0])
        await Runner.run(agent, state)
    return "ran"


async def main(what: str, name: str, order: str = "A-17") -> str:
    match what:
        case "serve" | "die":
            return await serve(name, f"Refund {order}", Scripted(order, dies=what == "die"))
        case "pair":
            return await serve(name, "Refund both", Scripted("A-17", "B-18"))
        case "forge":
            return await forge(name)
        case _:
            return await alone()


if __name__ == "__main__":
    print(asyncio.run(main(*sys.argv[1:])))
