"""An agent of the OpenAI Agents SDK whose refunds people approve. Started again with the same name, it continues."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from agents import Agent, Runner, RunState, function_tool

from sayso.bridges.openai_agents import Gate
from sayso.client import AsyncClient, Question


@function_tool
async def refund(order: str, amount: int) -> str:
    """Refund an order."""
    with Path("refunds.txt").open("a") as ledger:
        print(order, amount, file=ledger)
    return f"{order} is refunded"


async def serve(name: str, words: str, model: Any) -> str:
    kept = Path(f"{name}.json")
    async with AsyncClient() as client:
        gate = Gate(client, {"refund": Question(prompt="Refund this order?")}, name)
        agent = Agent("shop", model=model, tools=[gate.guard(refund)])
        given: Any = await RunState.from_string(agent, kept.read_text()) if kept.exists() else words
        while True:
            if isinstance(given, RunState):
                await gate.decide(given)
            run = await Runner.run(agent, given)
            if not run.interruptions:
                kept.unlink(missing_ok=True)
                return str(run.final_output)
            given = run.to_state()
            kept.write_text(given.to_string())


if __name__ == "__main__":
    print(asyncio.run(serve(sys.argv[1], sys.argv[2], "gpt-5.2")))
