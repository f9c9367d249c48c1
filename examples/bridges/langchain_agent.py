"""A LangChain agent whose refunds people approve. Started again with the same thread, it continues where it was."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from sayso.bridges.langchain import Gate
from sayso.bridges.langgraph import Resumer
from sayso.client import AsyncClient, Question


async def refund(order: str, amount: int) -> str:
    """Refund an order."""
    with Path("refunds.txt").open("a") as ledger:
        print(order, amount, file=ledger)
    return f"{order} is refunded"


async def serve(thread: str, words: str, model: Any) -> str:
    config: Any = {"configurable": {"thread_id": thread}}
    async with AsyncClient() as client, AsyncSqliteSaver.from_conn_string("threads.db") as saver:
        gate = Gate(client, {"refund": Question(prompt="Refund this order?")})
        agent = create_agent(model, [refund], middleware=[gate], checkpointer=saver)
        resumer = Resumer(agent, client)
        if (await agent.aget_state(config)).next:  # a process before this one was stopped
            output = await resumer.resume(config, again=True)
        else:
            output = await resumer.run({"messages": [("user", words)]}, config)
        return str(output.value["messages"][-1].text)


if __name__ == "__main__":
    print(asyncio.run(serve(sys.argv[1], sys.argv[2], "openai:gpt-5.2")))
