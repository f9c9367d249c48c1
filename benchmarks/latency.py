"""How long one answer takes until its run has completed, one at a time, beside the same transactions made
synchronously.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from statistics import quantiles

from benchmarks.workload import PERSON, VIA, copy_database, make_parked, make_workflow
from sayso.engine import Runtime, SQLiteStore, WorkflowStatus
from sayso.engine._clock import SystemClock
from sayso.engine.store import AnswerAttempt, Change, Listener, VisitEnd
from sayso.engine.store import Place as RunPlace
from sayso.engine.store._answering import answer
from sayso.engine.store._running import end_visit, load
from sayso.engine.store.sqlite._transaction import SQLiteTransaction

BLOCK = 50


class Synchronous:
    """Answer, end of the visit, end of the run: three commits on plain SQLite."""

    def __init__(self, path: Path) -> None:
        self._transaction = SQLiteTransaction(path)
        self._connection = self._transaction.connection
        self._clock = SystemClock()

    def complete(self, run_id: str, request_id: str) -> None:
        attempt = AnswerAttempt(request_id, 1, "approve", PERSON, VIA, event_key=request_id)
        transaction = self._transaction
        transaction.begin(self._clock.now())
        loaded = load(transaction, run_id)
        answer(transaction, attempt, lambda _workflow, _node: False)
        self._connection.execute("COMMIT")
        assert loaded is not None
        run = loaded.run
        place = RunPlace(run.run_key, run_id, run.workflow, run.visit, "Review", 1)
        transaction.begin(self._clock.now())
        end_visit(transaction, place, VisitEnd(WorkflowStatus.RUNNING, run.entry, "Publish"))
        self._connection.execute("COMMIT")
        place = RunPlace(run.run_key, run_id, run.workflow, run.visit + 1, "Publish", 1)
        transaction.begin(self._clock.now())
        assert end_visit(transaction, place, VisitEnd(WorkflowStatus.COMPLETED, run.entry))
        self._connection.execute("COMMIT")
        transaction.take_changes()

    def close(self) -> None:
        self._connection.close()


async def complete(store: SQLiteStore, runtime: Runtime, run_id: str, request_id: str) -> None:
    """Answer, and return when the run's completion is committed and announced."""
    completed = asyncio.get_running_loop().create_future()

    def hear(change: Change) -> None:
        if change.status is WorkflowStatus.COMPLETED:
            completed.set_result(None)

    listener = Listener(asyncio.get_running_loop(), hear)
    store.hub.listen(listener, run_id=run_id)
    await runtime.answer(request_id, 1, "approve", person=PERSON, via=VIA, event_key=request_id)
    await completed
    store.hub.ignore(listener, run_id=run_id)


async def measure(folder: Path, count: int) -> dict[str, float]:
    """p50 and p99 in seconds, of the runtime (cold runs) and of the synchronous floor, taken in turns."""
    source = folder / "latency.db"
    pairs = await make_parked(source, count)
    synchronous = Synchronous(copy_database(source, folder / "latency-floor.db"))
    floor: list[float] = []
    engine: list[float] = []
    async with SQLiteStore(source) as store, Runtime(store, [make_workflow()], resident=0) as runtime:
        for start in range(0, count, BLOCK):
            for run_id, request_id in pairs[start : start + BLOCK]:
                begun = time.perf_counter()
                synchronous.complete(run_id, request_id)
                floor.append(time.perf_counter() - begun)
            for run_id, request_id in pairs[start : start + BLOCK]:
                begun = time.perf_counter()
                await complete(store, runtime, run_id, request_id)
                engine.append(time.perf_counter() - begun)
    synchronous.close()
    floor_cuts, engine_cuts = quantiles(floor, n=100), quantiles(engine, n=100)
    return {
        "floor_p50": floor_cuts[49],
        "floor_p99": floor_cuts[98],
        "p50": engine_cuts[49],
        "p99": engine_cuts[98],
    }
