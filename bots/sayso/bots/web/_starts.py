"""The pages on which somebody starts a workflow: those that they may start, and the form of one."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sayso.adapters.console import Rejected
from sayso.adapters.web import Pages, Visitor, read_fields
from sayso.bots.http import Caller, RateLimit, Starts, check_rate
from sayso.bots.web._graphs import draw_workflow
from sayso.engine import Question, Workflow


class Start(BaseModel):
    """What a workflow is started with: the fields of its form with all their values, and a key of this attempt."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=100)
    fields: dict[str, list[str]] = Field(default_factory=dict)


class StartPages:
    """What the pages show, and what their form does."""

    def __init__(self, starts: Starts, pages: Pages, limit: RateLimit) -> None:
        self._starts = starts
        self._pages = pages
        self._limit = limit

    def list(self, visitor: Visitor, caller: Caller) -> str:
        """The workflows that somebody may start."""
        return self._pages.starts(visitor, [one.name for one in self._starts.of(caller)], caller.person)

    async def one(self, visitor: Visitor, caller: Caller, name: str) -> str | None:
        """The form of one, for operators with its graph; None where it is none of theirs."""
        workflow = self._find(caller, name)
        if workflow is None:
            return None
        graph = await draw_workflow(workflow) if caller.is_operator else None
        return self._pages.start(visitor, name, workflow.fields, graph, caller.locale)

    async def start(self, caller: Caller, name: str, given: Start) -> dict[str, Any]:
        """Start it with what the form holds: where to go, or what is wrong by field. A key that is repeated starts
        nothing again. Raises `Problem`, and what `Runtime.start` raises.
        """
        check_rate(self._limit, caller.person)
        workflow = self._find(caller, name)
        shared: dict[str, Any] = {}
        if workflow is not None and workflow.inputs is not None:
            read = read_fields(
                Question(None, None, "form", workflow.inputs, None),
                workflow.fields,
                given.fields,
                caller.locale,
            )
            if isinstance(read, Rejected):
                return {"errors": read.errors}
            shared = dict(read.value) if isinstance(read.value, dict) else {}
        return {"go": f"/runs/{await self._starts.start(caller, name, shared, run_id=None, key=given.key)}"}

    def _find(self, caller: Caller, name: str) -> Workflow | None:
        return next((one for one in self._starts.of(caller) if one.name == name), None)
