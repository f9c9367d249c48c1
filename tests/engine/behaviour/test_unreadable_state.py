"""A run whose stored state cannot be read stands still and says so; it never takes the others down."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest

from sayso.engine import Runtime, SQLiteStore, StoreUnreadable, Workflow, WorkflowEngine, WorkflowStatus
from tests.engine.support import asking


def spoil(database: Path, run_id: str) -> None:
    """Damage the state of one run, as a disk or an editor might."""
    connection = sqlite3.connect(database)
    with connection:
        connection.execute(
            "UPDATE visits SET entry = '{\"half\": ' WHERE run_key = (SELECT run_key FROM runs WHERE run_id = ?)",
            (run_id,),
        )
    connection.close()


async def park(database: Path, *run_ids: str) -> dict[str, str]:
    """Runs parked at one question each; the requests' ids by run."""
    async with SQLiteStore(database) as store, Runtime(store, [Workflow("ask", asking())]) as runtime:
        for run_id in run_ids:
            await runtime.start("ask", run_id=run_id)
            await runtime.wait(run_id)
        return {request.run_id: request.id for request in await runtime.pending()}


async def test_a_run_that_cannot_be_read_does_not_stop_the_others(
    database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    requests = await park(database, "spoilt", "sound")
    spoil(database, "spoilt")
    with caplog.at_level(logging.ERROR, logger="sayso.engine"):
        async with SQLiteStore(database) as store, Runtime(store, [Workflow("ask", asking())]) as runtime:
            for run_id in ("spoilt", "sound"):
                outcome = await runtime.answer(requests[run_id], 1, "yes", person="local:ana", via="console")
                assert outcome.accepted
            state = await runtime.wait("sound")
    assert state.workflow_status is WorkflowStatus.COMPLETED
    assert "run spoilt cannot continue" in caplog.text


async def test_the_handle_of_a_run_that_cannot_be_read_says_which(database: Path) -> None:
    await park(database, "spoilt")
    spoil(database, "spoilt")
    async with WorkflowEngine(start=asking(), workflow_id="ask", run_id="spoilt", store=database) as engine:
        with pytest.raises(StoreUnreadable, match="spoilt"):
            await engine.run({"ask": "yes"})
