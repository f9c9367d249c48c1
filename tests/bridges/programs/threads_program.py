"""What the tests of `Resumer` run: agents whose tools LangChain's middleware holds, and a graph that asks by itself.

`threads_program.py GRAPH WHAT`: GRAPH is `batched`, `per_call`, `refund_only` or `mail_only` (what the middleware holds
before and after a deploy) or `node`; WHAT is `run`, `resume`, `again`, or `drop`, which deletes the thread.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

from sayso.bridges.langgraph import CutOff, Gone, Resumer
from sayso.client import AsyncClient, Question

CONFIG: Any = {"configurable": {"thread_id": "order-17"}}
QUESTIONS = {"refund": Question(prompt="Refund this order?"), "mail": Question(prompt="Send this mail?")}


def note(line: str) -> str:
    with Path("refunds.txt").open("a") as ledger:
        print(line, file=ledger)
    return f"{line}: done"


async def refund(order: str, amount: int) -> str:
    """Refund an order."""
    return note(f"{order} {amount}")


async def mail(to: str) -> str:
    """Send a mail."""
    return note(f"mail to {to}")


class Scripted(BaseChatModel):
    """Refunds an order and writes a mail, and then says what it heard."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **options: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *rest: Any, **options: Any) -> ChatResult:
        heard = [str(one.content) for one in messages if isinstance(one, ToolMessage)]
        calls = [
            {"name": "refund", "args": {"order": "A-17", "amount": 40}, "id": "call-1"},
            {"name": "mail", "args": {"to": "eve"}, "id": "call-2"},
        ]
        said = AIMessage(" / ".join(sorted(heard))) if heard else AIMessage("", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=said)])


class State(TypedDict, total=False):
    messages: list[Any]
    name: str
    sure: bool


def ask(state: State) -> State:
    name = interrupt("Which customer?", response_schema={"type": "string"})
    return {"name": name, "sure": interrupt({"delete": name})}


def delete(state: State) -> State:
    if state["sure"]:
        note(f"deleted {state['name']}")
    return {"messages": [AIMessage(f"{state['name']}: {state['sure']}")]}


def graph(kind: str, saver: AsyncSqliteSaver) -> Any:
    """The graph as a deploy has it."""
    if kind == "node":
        builder = StateGraph(State)
        builder.add_node("ask", ask)
        builder.add_node("delete", delete)
        builder.add_edge(START, "ask")
        builder.add_edge("ask", "delete")
        builder.add_edge("delete", END)
        return builder.compile(checkpointer=saver)
    held: dict[str, Any] = {
        "refund": {"allowed_decisions": ["approve", "reject"]},
        "mail": {"allowed_decisions": ["approve", "reject"]},
    }
    if kind == "refund_only":
        del held["mail"]
    if kind == "mail_only":
        del held["refund"]
    mode: Any = "per_call" if kind == "per_call" else "batched"
    hold = HumanInTheLoopMiddleware(held, interrupt_mode=mode)
    return create_agent(Scripted(), [refund, mail], middleware=[hold], checkpointer=saver)


async def main(kind: str, what: str) -> str:
    async with AsyncClient() as client, AsyncSqliteSaver.from_conn_string("threads.db") as saver:
        resumer = Resumer(graph(kind, saver), client, QUESTIONS)
        try:
            match what:
                case "run":
                    output = await resumer.run({"messages": [("user", "Refund A-17")]}, CONFIG)
                case "drop":
                    await saver.adelete_thread("order-17")
                    return "dropped"
                case _:
                    output = await resumer.resume(CONFIG, again=what == "again")
        except (CutOff, Gone) as error:
            return type(error).__name__
        return str(output.value["messages"][-1].content)


if __name__ == "__main__":
    print(asyncio.run(main(*sys.argv[1:])))
