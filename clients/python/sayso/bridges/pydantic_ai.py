"""Tools of a Pydantic AI agent that run only after people approved the call.

`Gate` is a capability: `Agent(..., output_type=[str, DeferredToolRequests], capabilities=[gate])`. A run ends with
`DeferredToolRequests` where a call waits for people; keep its messages, and run the agent on them with
`await gate.results(requests)`, or with `gate.wake(messages)` in another process. The gate takes the decision from the
service right before the call runs, so that it does not matter with which results a run is resumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_ai import DeferredToolRequests, DeferredToolResults, RunContext, ToolDefinition, ToolDenied
from pydantic_ai.capabilities import AbstractCapability, CapabilityOrdering
from pydantic_ai.exceptions import ApprovalRequired, SkipToolExecution
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_core import to_jsonable_python

from sayso.bridges._calls import approvals, key_for, question_for, refusal, use
from sayso.client import AsyncClient, Question

ASKED_BY = "Pydantic AI agent"

_REQUEST = "sayso.request"


class Gate(AbstractCapability[Any]):
    """Approval before each call of the named tools; what people see is the tool's question with the arguments.

    An approval lets its call run once, even if the messages are run twice, or again after a crash. A call that was
    rejected, or has started before, does not run, and the model is told why. If the service is down, the run fails and
    the call does not run. A call is known by its id and its conversation: pass `conversation_id`, or keep the messages.
    """

    def __init__(self, client: AsyncClient, tools: Mapping[str, Question]) -> None:
        self._client = client
        self._questions = approvals(tools)

    def get_ordering(self) -> CapabilityOrdering:
        """The last before the tool, so that nothing changes a call that people have approved."""
        return CapabilityOrdering(position="innermost")

    async def before_tool_execute(
        self,
        ctx: RunContext[Any],
        *,
        call: ToolCallPart,
        tool_def: ToolDefinition,  # noqa: ARG002 - Pydantic AI passes it by name
        args: dict[str, Any],
    ) -> dict[str, Any]:
        """Let the call run if people approved it. Until they decide, it is deferred."""
        template = self._questions.get(call.tool_name)
        if template is None:
            return args
        place = f"pai:{ctx.conversation_id}:{call.tool_call_id}"
        question = question_for(template, to_jsonable_python(args, fallback=str), ASKED_BY)
        asked = await self._client.ask(question, key=key_for(place, question))
        if asked.is_open:
            raise ApprovalRequired(metadata={_REQUEST: asked.id, "url": asked.url})
        refused = await use(self._client, asked, place)
        if refused is not None:
            raise SkipToolExecution(refused)
        return args

    async def results(self, requests: DeferredToolRequests) -> DeferredToolResults:
        """What people decided about the calls that a gate deferred, once all are decided. Others are left out: they are
        the program's to resolve. Being cancelled leaves the questions open; a repeat waits for them.
        """
        approvals: dict[str, bool | ToolDenied] = {}
        for call in requests.approvals:
            id = requests.metadata.get(call.tool_call_id, {}).get(_REQUEST)
            if id is not None:
                request = await self._client.wait(id)
                approvals[call.tool_call_id] = request.approved or ToolDenied(refusal(request.decision))
        return requests.build_results(approvals=approvals)

    def wake(self, messages: Sequence[ModelMessage]) -> DeferredToolResults | None:
        """Results that run the messages of a process that is gone: each open call of the gate's tools is looked up, and
        runs, is refused, or is deferred again. None where no call is open. Only for agents with this gate.
        """
        last = max(
            (index for index, one in enumerate(messages) if isinstance(one, ModelResponse)), default=None
        )
        if last is None:
            return None
        done = {getattr(part, "tool_call_id", None) for one in messages[last + 1 :] for part in one.parts}
        calls = [part for part in messages[last].parts if isinstance(part, ToolCallPart)]
        waits = {
            call.tool_call_id: True
            for call in calls
            if call.tool_name in self._questions and call.tool_call_id not in done
        }
        return DeferredToolResults(approvals=dict(waits)) if waits else None
