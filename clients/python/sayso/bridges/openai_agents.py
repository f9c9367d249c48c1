"""Tools of the OpenAI Agents SDK that run only after people approved the call.

`Gate.guard` makes a `FunctionTool` need approval. A run is then interrupted; keep `result.to_state().to_string()`,
`await gate.decide(state)`, and run the agent on the state. The tool takes the decision from the service right before it
runs, so that it does not matter who approved a call in the state, or how often the state is run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agents import FunctionTool, RunState
from agents.items import ToolApprovalItem
from agents.tool_context import ToolContext

from sayso.bridges._calls import approvals, ask_together, key_for, question_for, refusal, use
from sayso.client import AsyncClient, Question, Request, SaysoError

ASKED_BY = "OpenAI agent"


class Undecided(SaysoError):
    """A call was resumed before people decided about it. It did not run; its request is open."""

    def __init__(self, call_id: str) -> None:
        self.call_id = call_id
        super().__init__(call_id)

    def __str__(self) -> str:
        return (
            f"people have not decided about call {self.call_id}: await gate.decide(state) before you run it"
        )


class Gate:
    """Approval before each call of the named tools; what people see is the tool's question with the arguments.

    `conversation` is the program's name of the conversation: a call is known by its id in it. An approval lets its call
    run once, even if the state is run twice, or again after a crash. A call that was rejected, or has started before,
    does not run, and the model is told why. If the service is down, the run fails and the call does not run.
    """

    def __init__(self, client: AsyncClient, tools: Mapping[str, Question], conversation: str) -> None:
        self._client = client
        self._questions = approvals(tools)
        self._conversation = conversation

    def guard(self, tool: FunctionTool) -> FunctionTool:
        """The tool, run only on an approval. Raises `KeyError` where the gate has no question for it."""
        template = self._questions[tool.name]

        async def invoke(context: ToolContext[Any], arguments: str) -> Any:
            place = self._place(context.tool_call_id)
            asked = await self._ask(template, arguments, place)
            if asked.is_open:
                raise Undecided(context.tool_call_id)
            refused = await use(self._client, asked, place)
            return await tool.on_invoke_tool(context, arguments) if refused is None else refused

        return replace(tool, on_invoke_tool=invoke, needs_approval=True)

    async def decide(self, state: RunState[Any, Any]) -> None:
        """Ask about the calls that the state waits for, and put into it what people decided, once all are decided.
        Calls of other tools are left as they are. Being cancelled leaves the questions open; a repeat waits for them.
        """
        waiting: list[ToolApprovalItem] = []
        questions: list[tuple[Question, str]] = []
        for item in state.get_interruptions():
            template = self._questions.get(item.name or "")
            if template is not None and item.call_id is not None:
                waiting.append(item)
                questions.append(_question(template, item.arguments or "{}", self._place(item.call_id)))
        requests = await ask_together(self._client, questions)
        for item, asked in zip(waiting, requests, strict=True):
            request = await self._client.wait(asked.id)
            if request.approved:
                state.approve(item)
            else:
                state.reject(item, rejection_message=refusal(request.decision))

    def _place(self, call_id: str) -> str:
        return f"oai:{self._conversation}:{call_id}"

    async def _ask(self, template: Question, arguments: str, place: str) -> Request:
        question, key = _question(template, arguments, place)
        return await self._client.ask(question, key=key)


def _question(template: Question, arguments: str, place: str) -> tuple[Question, str]:
    """The question of a call, and its key."""
    question = question_for(template, json.loads(arguments or "{}"), ASKED_BY)
    return question, key_for(place, question)
