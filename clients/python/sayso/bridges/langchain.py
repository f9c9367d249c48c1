"""Tools of a LangChain agent that run only after people approved the call.

`Gate` is a middleware for `langchain.agents.create_agent`. It wraps each call of the tools that it names, replaces
LangChain's `HumanInTheLoopMiddleware`, and takes the decision from the service rather than from what the
thread is resumed with. The agent needs a checkpointer; `sayso.bridges.langgraph.Resumer` waits and resumes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from langchain.agents.middleware import AgentMiddleware, AgentState
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langgraph.config import get_config
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

from sayso.bridges._calls import approvals, ask_together, key_for, question_for, use
from sayso.bridges.langgraph import waiting_for
from sayso.client import AsyncClient, Question

ASKED_BY = "LangChain agent"


class Gate(AgentMiddleware[Any, Any, Any]):
    """Approval before each call of the named tools; what people see is the tool's question with the arguments.

    List it last among middlewares: one below it could change a call that people have approved. An approval lets its
    call run once, even if the thread is resumed twice, or cut off and run again. A call that was rejected, or has
    started before, does not run, and the model is told why. If the service is down, the call fails and does not run.
    Agents with a gate are run by `ainvoke` and `astream`; `invoke` raises `TypeError`.
    """

    def __init__(self, client: AsyncClient, tools: Mapping[str, Question]) -> None:
        super().__init__()
        self._client = client
        self._questions = approvals(tools)

    async def aafter_model(
        self,
        state: AgentState[Any],
        runtime: Runtime[Any],  # noqa: ARG002 - LangChain passes it by position
    ) -> None:
        """Ask about the calls of a turn together, so that they share a card; each is decided by itself."""
        last = state["messages"][-1]
        calls = last.tool_calls if isinstance(last, AIMessage) else []
        asked = [self._question(call) for call in calls if call["name"] in self._questions]
        if len(asked) > 1:
            await ask_together(self._client, [(question, key) for question, key, _ in asked])

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Run the call if people approved it. Until they decide, the thread is interrupted."""
        call = request.tool_call
        if call["name"] not in self._questions:
            return await handler(request)
        question, key, place = self._question(call)
        asked = await self._client.ask(question, key=key)
        while asked.is_open:
            interrupt(waiting_for(asked))
            asked = await self._client.request(asked.id)
        refused = await use(self._client, asked, place)
        if refused is not None:
            return ToolMessage(refused, name=call["name"], tool_call_id=call["id"], status="error")
        return await handler(request)

    def _question(self, call: ToolCall) -> tuple[Question, str, str]:
        """The question of a call, its key, and its place in the thread that runs."""
        place = f"lg:{get_config()['configurable']['thread_id']}:{call['id']}"
        question = question_for(self._questions[call["name"]], call["args"], ASKED_BY)
        return question, key_for(place, question), place
