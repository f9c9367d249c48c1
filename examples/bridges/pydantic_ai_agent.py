"""A Pydantic AI agent whose refunds people approve. Started again with the same name, it continues where it was."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from pydantic_ai import Agent, DeferredToolRequests, ModelMessagesTypeAdapter

from sayso.bridges.pydantic_ai import Gate
from sayso.client import AsyncClient, Question


async def refund(order: str, amount: int) -> str:
    """Refund an order."""
    with Path("refunds.txt").open("a") as ledger:
        print(order, amount, file=ledger)
    return f"{order} is refunded"


async def serve(name: str, words: str, model: Any) -> str:
    kept = Path(f"{name}.json")
    async with AsyncClient() as client:
        gate = Gate(client, {"refund": Question(prompt="Refund this order?")})
        agent = Agent(model, output_type=[str, DeferredToolRequests], tools=[refund], capabilities=[gate])
        if kept.exists():  # a process before this one was stopped
            messages = ModelMessagesTypeAdapter.validate_json(kept.read_bytes())
            run = await agent.run(message_history=messages, deferred_tool_results=gate.wake(messages))
        else:
            run = await agent.run(words, conversation_id=name)
        while isinstance(run.output, DeferredToolRequests):
            kept.write_bytes(run.all_messages_json())
            results = await gate.results(run.output)
            run = await agent.run(message_history=run.all_messages(), deferred_tool_results=results)
        kept.unlink(missing_ok=True)
        return run.output


if __name__ == "__main__":
    print(asyncio.run(serve(sys.argv[1], sys.argv[2], "openai:gpt-5.2")))
