"""How much the writer does for a run, and how much memory one takes that waits: time is noisy, these are counted."""

from __future__ import annotations

import gc
import sqlite3
import tracemalloc
from typing import Any

import pytest

from sayso.engine import Node, Runtime, Store, Workflow, WorkflowStatus
from sayso.engine.store._transaction import Transaction
from tests.engine.support import ANA

MOST_TO_PARK = 23
"""Three transactions (the start, the end of the first visit, the question) and one read of the state. Each of two rows
of the trail first reads the end of its run's chain."""

MOST_TO_END = 27
"""Three transactions (the answer, the ends of two visits) and one read of the state."""

MOST_TO_LOAD = 4
"""One read, of a run that is not in memory."""

MOST_TO_WAIT = 8000
"""Bytes of a run that waits as a coroutine, with 1 KB of state."""


class Draft(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared["drafted"] = True


class Review(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared["decision"] = await request_input(
            "Publish?", ["approve", "reject"], "select", "publish", to="console"
        )


class Publish(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared["published"] = True


def _workflow() -> Workflow:
    draft, review, publish = Draft(), Review(), Publish()
    draft > review > publish
    return Workflow("flow", draft, [draft, review, publish])


async def _trace(store: Store) -> list[str]:
    """What the write connection runs from now on, without what triggers do."""
    statements: list[str] = []

    def note(statement: str) -> None:
        if not statement.startswith("--"):
            statements.append(statement)

    def begin(tx: Transaction) -> None:
        assert isinstance(tx.connection, sqlite3.Connection)
        tx.connection.set_trace_callback(note)

    await store._submit(begin)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return statements


async def _work(store: Store, *, resident: int) -> tuple[list[str], list[str]]:
    """The statements from a start to the question, and from the answer to the end."""
    async with Runtime(store, [_workflow()], resident=resident) as runtime:
        await runtime.wait(await runtime.start("flow"))  # the first of all stores the definition
        statements = await _trace(store)
        state = await runtime.wait(await runtime.start("flow"))
        to_park, begun = statements[:], len(statements)
        assert state.awaiting_input is not None
        await runtime.answer(state.awaiting_input["id"], 1, "approve", person=ANA, via="console")
        state = await runtime.wait(state.run_id)
        assert state.workflow_status is WorkflowStatus.COMPLETED
        return to_park, statements[begun:]


def _counted(statements: list[str]) -> int:
    return sum(not one.startswith(("BEGIN", "COMMIT")) for one in statements)


@pytest.mark.sqlite
async def test_a_run_parks_and_ends_with_few_statements(store: Store) -> None:
    """Each one more is paid by every run of every workflow."""
    to_park, to_end = await _work(store, resident=1000)
    assert 0 < _counted(to_park) <= MOST_TO_PARK
    assert 0 < _counted(to_end) <= MOST_TO_END
    assert not [one for one in to_park + to_end if "SAVEPOINT" in one]


@pytest.mark.sqlite
async def test_a_run_that_is_not_in_memory_costs_one_load_more(store: Store) -> None:
    to_park, to_end = await _work(store, resident=0)
    assert 0 < _counted(to_park) <= MOST_TO_PARK
    assert 0 < _counted(to_end) <= MOST_TO_END + MOST_TO_LOAD


async def test_a_run_that_waits_in_memory_takes_little_of_it(store: Store) -> None:
    """Thousands wait at once, for days."""
    count = 100
    async with Runtime(store, [_workflow()], resident=3 * count) as runtime:

        async def park() -> None:
            for _ in range(count):
                await runtime.wait(await runtime.start("flow", {"text": "x" * 1000}))
            gc.collect()

        await park()  # what grows once, grows here
        tracemalloc.start()
        try:
            await park()
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert 1000 < held / count <= MOST_TO_WAIT
