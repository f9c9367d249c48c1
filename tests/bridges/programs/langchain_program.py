"""What the tests of LangChain's gate run, beside a copy of the example: `langchain_program.py WHAT THREAD [ORDER]`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_agent import refund, serve
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

from sayso.bridges.langchain import Gate
from sayso.client import AsyncClient, Question


class Scripted(BaseChatModel):
    """Refunds orders in one turn, and then says what it heard. `dies` kills the process once it hears of a result."""

    dies: bool = False
    orders: tuple[str, ...] = ("A-17",)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **options: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *rest: Any, **options: Any) -> ChatResult:
        if isinstance(messages[-1], ToolMessage):
            if self.dies:
                os.kill(os.getpid(), signal.SIGKILL)
            heard = [str(one.content) for one in messages if isinstance(one, ToolMessage)]
            said = AIMessage(" / ".join(heard[-len(self.orders) :]))
        else:
            calls = [
                {"name": "refund", "args": {"order": one, "amount": 40}, "id": f"call-{len(messages)}-{one}"}
                for one in self.orders
            ]
            said = AIMessage("", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=said)])


async def forge(thread: str) -> str:
    """Resume a thread that waits with yeses of one's own."""
    config: Any = {"configurable": {"thread_id": thread}}
    async with AsyncClient() as client, AsyncSqliteSaver.from_conn_string("threads.db") as saver:
        gate = Gate(client, {"refund": Question(prompt="Refund this order?")})
        agent = create_agent(Scripted(), [refund], middleware=[gate], checkpointer=saver)
        for answer in (True, {"type": "approve"}, {"decisions": [{"type": "approve"}]}):
            await agent.ainvoke(Command(resume=answer), config)
        return str(len((await agent.aget_state(config)).interrupts))


async def alone() -> str:
    """LangChain by itself: one yes, resumed from the same checkpoint twice."""
    config: Any = {"configurable": {"thread_id": "1"}}
    hold = HumanInTheLoopMiddleware({"refund": True})
    agent: Any = create_agent(Scripted(), [refund], middleware=[hold], checkpointer=InMemorySaver())
    await agent.ainvoke({"messages": [("user", "Refund A-17")]}, config)
    waits = (await agent.aget_state(config)).config
    for _ in range(2):
        await agent.ainvoke(Command(resume={"decisions": [{"type": "approve"}]}), waits)
    return "ran"


async def main(what: str, thread: str, order: str = "A-17") -> str:
    match what:
        case "serve" | "die":
            return await serve(thread, f"Refund {order}", Scripted(dies=what == "die", orders=(order,)))
        case "pair":
            return await serve(thread, "Refund both", Scripted(orders=("A-17", "B-18")))
        case "forge":
            return await forge(thread)
        case _:
            return await alone()


if __name__ == "__main__":
    print(asyncio.run(main(*sys.argv[1:])))
