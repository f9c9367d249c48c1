"""Runs: their state, and what they did at each visit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from sayso.engine._clock import to_microseconds
from sayso.engine._records import (
    LoadedRun,
    RunSummary,
    WorkflowStatus,
)
from sayso.engine._visits import StepSummary, VisitDetail, VisitSummary
from sayso.engine.errors import UnknownRun
from sayso.engine.store._people_reader import PeopleReader
from sayso.engine.store._reads import LAST
from sayso.engine.store._rows import (
    read_approvals,
    read_policy,
    read_request,
    read_run,
    read_step,
    read_step_summary,
    read_summary,
    read_visit,
)

_LONGEST_STATE = 100_000
"""Characters of a state that is compared with the next, and shown."""

_LONGEST_SHOWN, _MOST_STEPS = 2001, 500
"""Characters of an argument or a result, one more than a page shows; and how many steps it shows at once."""


class RunReader(PeopleReader):
    """Reads runs."""

    async def runs(
        self,
        *,
        status: WorkflowStatus | None = None,
        workflow: str | None = None,
        requested_by: str | None = None,
        begins: str = "",
        limit: int = 100,
    ) -> list[RunSummary]:
        """Runs, the newest first; optionally only those that somebody started with any of their accounts, and only ids
        with a prefix.
        """
        fields: dict[str, Any] = {"status": status, "workflow": workflow, "limit": limit}
        if requested_by is None:
            return [read_summary(row) for row in await self._rows("runs_list", fields)]
        people = msgspec.json.encode(await self.ids_of(requested_by)).decode()
        fields |= {"people": people, "prefix": begins or None, "upto": begins + LAST}
        return [read_summary(row) for row in await self._rows("runs_of_people", fields)]

    async def run(self, run_id: str) -> RunSummary:
        """One run; raises `UnknownRun`."""
        rows = await self._rows("run_summary", {"run_id": run_id})
        if not rows:
            raise UnknownRun(run_id)
        return read_summary(rows[0])

    async def run_ids(self, beginning: str) -> list[str]:
        """The ids of runs with this prefix, as many as a person needs to see that there are several; a full id only
        itself.
        """
        return [row["run_id"] for row in await self._beginning("run_ids", beginning)]

    async def load(self, run_id: str) -> LoadedRun | None:
        """A run with the journal of its current visit; it may move on while it is read."""
        rows = await self._rows("run_load", {"run_id": run_id})
        if not rows:
            return None
        run = read_run(rows[0])
        where = {"run_key": run.run_key, "visit": run.visit}
        requests = tuple(read_request(row) for row in await self._rows("visit_requests", where))
        steps = tuple(read_step(row) for row in await self._rows("visit_steps", where))
        approvals = read_approvals(await self._rows("approvals_of_run", where))
        return LoadedRun(run, requests, steps, approvals)

    async def parked(self, workflow: str) -> list[tuple[str, str, str]]:
        """Every parked run of a workflow: run id, node id, and the definition it parked under, as JSON."""
        rows = await self._rows("parked_runs", {"workflow": workflow})
        return [(row["run_id"], row["node_id"], row["definition"]) for row in rows]

    async def ended_before(self, before: datetime) -> int:
        """How many runs ended before an instant."""
        return int((await self._rows("prune_count", {"before": to_microseconds(before)}))[0]["runs"])

    async def visits(self, run_id: str, limit: int) -> list[VisitSummary]:
        """The latest visits of a run, in their order."""
        rows = await self._rows("visits_of_run", {"run_id": run_id, "limit": limit})
        return [read_visit(row) for row in reversed(rows)]

    async def visit_details(self, run_id: str, first: int, last: int) -> dict[int, VisitDetail]:
        """What some visits of a run did, by their numbers: states that can be shown, and the first of their steps."""
        fields = {"run_id": run_id, "first": first, "last": last}
        bounds = {**fields, "longest": _LONGEST_SHOWN, "limit": _MOST_STEPS}
        steps: dict[int, list[StepSummary]] = {}
        for row in await self._rows("visits_steps", bounds):
            steps.setdefault(row["visit"], []).append(read_step_summary(row))
        rows = await self._rows("visit_states", {**fields, "longest": _LONGEST_STATE})
        return {
            row["visit"]: VisitDetail(row["before"], row["after"], tuple(steps.get(row["visit"], ())))
            for row in rows
        }

    async def run_concerns(self, run_id: str) -> list[tuple[str, ...]]:
        """All whom a run's requests concern, a list for each policy."""
        rows = await self._rows("run_policies", {"run_id": run_id})
        return list(dict.fromkeys(read_policy(row["policy"]).concerned for row in rows))
