"""The pages of runs: all of them with what needs an operator, and one with its graph, questions, visits and trail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field

from sayso.adapters.cards import Card
from sayso.adapters.console import Rejected, form_fields
from sayso.adapters.web import Pages, Visitor, VisitShown, read_fields, show_visit
from sayso.bots.http import AttentionDecision, Caller
from sayso.bots.web._graphs import draw_workflow
from sayso.bots.web._pages_of_cards import read_page
from sayso.engine import (
    ENDED,
    CardRecord,
    FormField,
    Json,
    Question,
    RunSummary,
    Store,
    UnknownRun,
    VisitDetail,
    VisitSummary,
    Workflow,
    WorkflowStatus,
    attention_actions,
)

_MOST_RUNS = 50
_MOST_DRAWN = 1000
"""Visits that the graph counts."""

_MOST_VISITS = 30
_MOST_QUESTIONS, _MOST_LOOKED_AT = 100, 1000
_MOST_ROWS = 100


@dataclass(frozen=True, slots=True)
class Looks:
    """How a card looks: whole among others, and as a line of a visit."""

    card: Callable[[CardRecord, Caller], Markup]
    line: Callable[[CardRecord, Caller], Card]


class Result(BaseModel):
    """What a step returned: the fields of its form with all their values, `seen` as in `AttentionDecision`, and a key
    of this attempt.
    """

    model_config = ConfigDict(extra="forbid")

    seen: int = Field(ge=0, le=2**31)
    key: str = Field(min_length=1, max_length=100)
    fields: dict[str, list[str]] = Field(default_factory=dict)


Decide = Callable[[Caller, str, AttentionDecision, str | None], Awaitable[object]]
"""Carries an operator's decision about a run out. Raises `Problem`, and as `Runtime.attention`."""


class RunPages:
    """What the pages of runs show, and what the form of a step's result does."""

    def __init__(
        self,
        store: Store,
        pages: Pages,
        workflows: Mapping[str, Workflow],
        looks: Looks,
        decide: Decide,
    ) -> None:
        self._decide = decide
        self._store = store
        self._pages = pages
        self._workflows = workflows
        self._looks = looks

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

    async def one(
        self,
        visitor: Visitor,
        caller: Caller,
        run_id: str,
        before: int | None = None,
        visits_before: int | None = None,
    ) -> str:
        """One run, with a page of the questions of it that somebody may see and one of its visits, the latest of them
        unless said otherwise. Raises `UnknownRun`, also where they may see nothing of it.
        """
        reader = self._store.reader
        run = await reader.run(run_id)

        async def as_they_are(records: Sequence[CardRecord]) -> list[CardRecord]:
            return list(records)

        found = await read_page(
            reader.run_cards(run_id, start=before, newest_first=True), lambda one: _is_seen(one, caller),
            as_they_are, lambda record: self._looks.card(record, caller), to_the_end=False,
        )  # fmt: skip
        if not (caller.is_operator or found.cards or found.older or caller.asked(run.requested_by)):
            raise UnknownRun(run_id)
        visits = await reader.visits(run_id, _MOST_DRAWN)
        if not caller.is_operator:
            run, visits = run.outline(), [visit.outline() for visit in visits]
        page = [one for one in visits if visits_before is None or one.visit < visits_before][-_MOST_VISITS:]
        first = page[0].visit if page else 0
        trail = await reader.audit_tail(run_id, _MOST_ROWS) if caller.is_operator else []
        people = {one for one in (run.requested_by, *(row.person for row in trail)) if one}
        return self._pages.run(
            visitor,
            run=run,
            ended=run.status in ENDED,
            is_busy=run.status is WorkflowStatus.RUNNING,
            actions=[] if run.attention is None else attention_actions(run.attention),
            result_fields=_result_fields(run),
            locale=caller.locale,
            graph=await self._graph(run, visits, first),
            cards=found.cards[::-1],
            earlier=found.older,
            is_latest=before is None,
            shown=await self._shown(run, page, caller),
            earlier_visits=first if page and first > visits[0].visit else None,
            later_visits=visits_before is not None,
            most_rows=_MOST_ROWS,
            trail=trail,
            people=await reader.names_of(sorted(people)),
        )

    async def record(self, caller: Caller, run_id: str, given: Result) -> dict[str, Any]:
        """Record what a step returned; what is wrong with it, by field. Raises `UnknownRun`, and as `Decide`."""
        run = await self._store.reader.run(run_id)
        fields = _result_fields(run)
        value: Json = None
        if fields and caller.is_operator and run.attention is not None:
            question = Question(None, None, "form", run.attention.result, None)
            read = read_fields(question, fields, given.fields, caller.locale)
            if isinstance(read, Rejected):
                return {"errors": read.errors}
            value = read.value["result"] if isinstance(read.value, dict) else None
        decision = AttentionDecision(action="done", seen=given.seen, result=value)
        await self._decide(caller, run_id, decision, given.key)
        return {}

    async def _graph(self, run: RunSummary, visits: Sequence[VisitSummary], first: int) -> Markup | None:
        workflow = self._workflows.get(run.workflow)
        if workflow is None:
            return None
        stands = None if run.status in ENDED else run.node_id
        return await draw_workflow(workflow, visits, stands, first)

    async def _shown(
        self, run: RunSummary, page: Sequence[VisitSummary], caller: Caller
    ) -> Sequence[VisitShown]:
        """The visits of a page, the latest first."""
        if not page:
            return []
        first, last = page[0].visit, page[-1].visit
        details: dict[int, VisitDetail] = {}
        if caller.is_operator:
            details = await self._store.reader.visit_details(run.run_id, first, last)
        asked = await self._asked(run.run_id, first, last, caller)
        return [
            show_visit(
                visit,
                run.status if visit.visit == run.visit else visit.status,
                asked.get(visit.visit, ()),
                details.get(visit.visit),
            )
            for visit in reversed(page)
        ]

    async def _asked(
        self, run_id: str, first: int, last: int, caller: Caller
    ) -> Mapping[int, Sequence[Card]]:
        """The latest questions of some visits that somebody may see, in the order of asking."""
        reader = self._store.reader
        found: dict[int, tuple[Card, ...]] = {}
        looked_at = count = 0
        async for _, record in reader.run_cards(run_id, newest_first=True):
            visit = record.request.visit
            if visit < first or count == _MOST_QUESTIONS or looked_at == _MOST_LOOKED_AT:
                break
            looked_at += 1
            if visit <= last and _is_seen(record, caller):
                (named,) = await reader.named([_by_itself(record)])
                found[visit] = (self._looks.line(named, caller), *found.get(visit, ()))
                count += 1
        return found


def _by_itself(record: CardRecord) -> CardRecord:
    """What was decided, without what has become of the run since: the visits say that."""
    return replace(record, run_status=WorkflowStatus.RUNNING, run_ended_at=None, held=False)


def _result_fields(run: RunSummary) -> tuple[FormField, ...] | None:
    """The fields of the form for what a step returned: none where it returns nothing, None where nobody knows."""
    result = None if run.attention is None else run.attention.result
    if result is None:
        return None
    return form_fields(Question(None, None, "form", result, None)) or ()


def _is_seen(record: CardRecord, caller: Caller) -> bool:
    return caller.may_see(record.request.concerned, record.request.requested_by)
