"""What happens around the body of `async with Runtime(...)`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sayso.engine import Runtime, SQLiteStore, UnknownRun, Workflow, WorkflowStatus, node


@node
async def quick(shared: dict[str, Any]) -> None:
    shared["done"] = True


async def test_an_error_in_the_body_reaches_its_caller_as_it_is(tmp_path: Path) -> None:
    """Who catches `UnknownRun` must not have to know that a task group stands in between."""
    store = SQLiteStore(tmp_path / "sayso.db")
    with pytest.raises(UnknownRun):
        async with store, Runtime(store, []) as runtime:
            await runtime.cancel("nobody", person="local:ana")


async def test_waiting_for_a_run_that_ends_at_once_returns(tmp_path: Path) -> None:
    """The end may be committed and told before the wait begins to listen."""
    store = SQLiteStore(tmp_path / "sayso.db")
    async with store, Runtime(store, [Workflow("quick", quick)]) as runtime:
        for _ in range(20):
            state = await runtime.wait(await runtime.start("quick"))
            assert state.workflow_status is WorkflowStatus.COMPLETED
