"""The pages of runs: all of them with what needs an operator, and one with its graph, questions and trail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

from sayso.adapters.web import Graph, Pages, Visitor, draw_graph
from sayso.bots.http import Caller
from sayso.bots.web._pages_of_cards import read_page
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
_MOST_VISITS = 200
_MOST_ROWS = 100


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

    async def one(self, visitor: Visitor, caller: Caller, run_id: str, before: int | None = None) -> str:
        """One run, with a page of the questions of it that somebody may see, the latest of them unless said otherwise.
        Raises `UnknownRun`, also where that is none.
        """
        reader = self._store.reader
        run = await reader.run(run_id)

        def is_seen(record: CardRecord) -> bool:
            return caller.may_see(record.request.concerned, record.request.requested_by)

        async def as_they_are(records: Sequence[CardRecord]) -> list[CardRecord]:
            return list(records)

        found = await read_page(
            reader.run_cards(run_id, start=before, newest_first=True), is_seen, as_they_are,
            lambda record: self._card(record, caller), to_the_end=False,
        )  # fmt: skip
        if not (caller.is_operator or found.cards or found.older or caller.asked(run.requested_by)):
            raise UnknownRun(run_id)
        visits = await reader.visits(run_id, _MOST_VISITS)
        if not caller.is_operator:
            run, visits = run.outline(), [visit.outline() for visit in visits]
        workflow = self._workflows.get(run.workflow)
        graph = None
        if workflow is not None:
            latest = await reader.node_statuses(run_id)
            drawn = Graph.read(workflow.definition(), workflow.start.id)
            graph = draw_graph(drawn, None if run.status in ENDED else run.node_id, latest)
        return self._pages.run(
            visitor,
            run=run,
            ended=run.status in ENDED,
            actions=[] if run.attention is None else attention_actions(run.attention),
            graph=graph,
            cards=found.cards[::-1],
            earlier=found.older,
            is_latest=before is None,
            visits=visits,
            most_visits=_MOST_VISITS,
            most_rows=_MOST_ROWS,
            trail=await reader.audit_tail(run_id, _MOST_ROWS) if caller.is_operator else [],
        )
