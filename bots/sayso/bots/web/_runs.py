"""The pages of runs: all of them with what needs an operator, and one with its graph, questions and trail."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from markupsafe import Markup

from sayso.adapters.web import Graph, Pages, Visitor, draw_graph
from sayso.bots.http import Caller
from sayso.engine import (
    ENDED,
    CardRecord,
    SQLiteStore,
    UnknownRun,
    Workflow,
    WorkflowStatus,
    attention_actions,
)

_MOST_RUNS = 50


class RunPages:
    """Reads what the pages of runs show."""

    def __init__(
        self,
        store: SQLiteStore,
        pages: Pages,
        workflows: Mapping[str, Workflow],
        card: Callable[[CardRecord, Caller], Markup],
    ) -> None:
        self._store = store
        self._pages = pages
        self._workflows = workflows
        self._card = card

    async def list(self, visitor: Visitor, caller: Caller) -> str:
        """The newest runs; for operators those that need them and dead destinations before."""
        reader = self._store.reader
        mine = None if caller.is_operator else caller.person
        found = {
            status: [
                run if caller.is_operator else run.outline()
                for run in await reader.runs(status=status, requested_by=mine, limit=_MOST_RUNS)
            ]
            for status in (None, WorkflowStatus.NEEDS_ATTENTION, WorkflowStatus.FAILED)
        }
        return self._pages.runs(
            visitor,
            runs=found[None],
            attention=found[WorkflowStatus.NEEDS_ATTENTION],
            failed=found[WorkflowStatus.FAILED],
            dead=await reader.dead_places() if caller.is_operator else [],
        )

    async def one(self, visitor: Visitor, caller: Caller, run_id: str) -> str:
        """One run, with the questions of it that somebody may see. Raises `UnknownRun`, also where that is none."""
        reader = self._store.reader
        run = await reader.run(run_id)
        records = [
            record
            for record in await reader.run_cards(run_id)
            if caller.may_see(record.request.concerned, record.request.requested_by)
        ]
        if not (caller.is_operator or records or caller.asked(run.requested_by)):
            raise UnknownRun(run_id)
        visits = await reader.visits(run_id)
        if not caller.is_operator:
            run, visits = run.outline(), [visit.outline() for visit in visits]
        workflow = self._workflows.get(run.workflow)
        graph = None
        if workflow is not None:
            latest = {visit.node_id: visit.status.value for visit in visits}
            drawn = Graph.read(workflow.definition(), workflow.start.id)
            graph = draw_graph(drawn, None if run.status in ENDED else run.node_id, latest)
        return self._pages.run(
            visitor,
            run=run,
            ended=run.status in ENDED,
            actions=[] if run.attention is None else attention_actions(run.attention),
            graph=graph,
            cards=[self._card(record, caller) for record in records],
            visits=visits,
            trail=[row async for row in reader.audit(run_id)] if caller.is_operator else [],
        )
