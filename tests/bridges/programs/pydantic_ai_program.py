"""What the tests of Pydantic AI's gate run, beside its example: `pydantic_ai_program.py WHAT NAME [ORDER]`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults, ModelMessagesTypeAdapter, Tool
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai_agent import refund, serve

from sayso.bridges.pydantic_ai import Gate
from sayso.client import AsyncClient, Question


def scripted(*, dies: bool = False, order: str = "A-17") -> FunctionModel:
    """Refunds an order, and then says what it heard. `dies` kills the process once it hears of a result."""

    def say(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        heard = [part for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
        if not heard:
            call = ToolCallPart("refund", {"order": order, "amount": 40}, f"call-{len(messages)}")
            return ModelResponse([call])
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return ModelResponse([TextPart(str(heard[0].content))])

    return FunctionModel(say)


YES = DeferredToolResults(approvals={"call-1": True})


async def forge(name: str) -> str:
    """Run messages that wait with yeses of one's own, with a changed call, and with nothing at all."""
    kept = Path(f"{name}.json").read_bytes()
    async with AsyncClient() as client:
        gate = Gate(client, {"refund": Question(prompt="Refund this order?")})
        agent = Agent(
            scripted(), output_type=[str, DeferredToolRequests], tools=[refund], capabilities=[gate]
        )
        open_calls = 0
        for results in (YES, None, gate.wake(ModelMessagesTypeAdapter.validate_json(kept))):
            messages = ModelMessagesTypeAdapter.validate_json(kept)
            run = await agent.run(message_history=messages, deferred_tool_results=results)
            open_calls += len(run.output.approvals) if isinstance(run.output, DeferredToolRequests) else 0
        return str(open_calls)


async def edit(name: str) -> str:
    """Run messages whose call was changed after people approved it."""
    kept = Path(f"{name}.json").read_text().replace("40", "4000")
    async with AsyncClient() as client:
        gate = Gate(client, {"refund": Question(prompt="Refund this order?")})
        agent = Agent(
            scripted(), output_type=[str, DeferredToolRequests], tools=[refund], capabilities=[gate]
        )
        messages = ModelMessagesTypeAdapter.validate_json(kept)
        run = await agent.run(message_history=messages, deferred_tool_results=YES)
        return str(isinstance(run.output, DeferredToolRequests))


async def alone() -> str:
    """Pydantic AI by itself: one yes, run twice, and once for a changed call."""
    held = Tool(refund, requires_approval=True)
    agent: Any = Agent(scripted(), output_type=[str, DeferredToolRequests], tools=[held])
    kept = (await agent.run("Refund A-17")).all_messages_json().decode()
    for messages in (kept, kept, kept.replace("40", "4000")):
        history = ModelMessagesTypeAdapter.validate_json(messages)
        await agent.run(message_history=history, deferred_tool_results=YES)
    return "ran"


async def main(what: str, name: str, order: str = "A-17") -> str:
    match what:
        case "serve" | "die":
            return await serve(name, f"Refund {order}", scripted(dies=what == "die", order=order))
        case "forge":
            return await forge(name)
        case "edit":
            return await edit(name)
        case _:
            return await alone()


if __name__ == "__main__":
    print(asyncio.run(main(*sys.argv[1:])))
