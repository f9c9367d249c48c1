"""Tools of a LangChain agent that run only after people approved the call.

`Gate` is a middleware for `langchain.agents.create_agent`. It wraps each call of the tools that it names, replaces
LangChain's `HumanInTheLoopMiddleware`, and takes the decision from the service rather than from what the
thread is resumed with. The agent needs a checkpointer; `sayso.bridges.langgraph.Resumer` waits and resumes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import ToolMessage
from langgraph.types import Command, interrupt

from sayso.bridges._calls import approvals, key_for, question_for, use
from sayso.bridges.langgraph import waiting_for
from sayso.client import AsyncClient, Question

ASKED_BY = "LangChain agent"


class Gate(AgentMiddleware[Any, Any, Any]):
    """Approval before each call of the named tools; what people see is the tool's question with the arguments.

    List it last among middlewares: one below it could change a call that people have approved. An approval lets its
    call run once, even if the thread is resumed twice, or cut off and run again. A call that was rejected, or has
    started before, does not run, and the model is told why. If the service is down, the call fails and does not run.
    Agents with a gate are run by `ainvoke` and `astream`; `invoke` raises `NotImplementedError`.
    """

    def __init__(self, client: AsyncClient, tools: Mapping[str, Question]) -> None:
        super().__init__()
        self._client = client
        self._questions = approvals(tools)

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Run the call if people approved it. Until they decide, the thread is interrupted."""
        call = request.tool_call
        template = self._questions.get(call["name"])
        if template is None:
            return await handler(request)
        thread = request.runtime.config["configurable"]["thread_id"]
        place = f"lg:{thread}:{call['id']}"
        question = question_for(template, call["args"], ASKED_BY)
        asked = await self._client.ask(question, key=key_for(place, question))
        while asked.is_open:
            interrupt(waiting_for(asked))
            asked = await self._client.request(asked.id)
        refused = await use(self._client, asked, place)
        if refused is not None:
            return ToolMessage(refused, name=call["name"], tool_call_id=call["id"], status="error")
        return await handler(request)
