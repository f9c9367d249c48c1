"""What only a resident coroutine does: it continues exactly behind its `await`, and its tasks live on."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import (
    ExecutionState,
    SQLiteStore,
    Store,
    WorkflowEngine,
    WorkflowStatus,
    node,
    request_input,
    step,
)
from tests.engine.support import ManualClock, asking, names, say, until, waiting


def counting(entered: list[str]) -> Any:
    @node
    async def count(shared: dict[str, Any]) -> None:
        entered.append("entered")
        first = await request_input(request_id="first")
        entered.append(f"behind first: {first}")
        second = await request_input(request_id="second")
        entered.append(f"behind second: {second}")

    return count


async def run_to_the_end(store: Store, entered: list[str]) -> None:
    async with WorkflowEngine(start=counting(entered), store=store) as engine:
        await engine.run()
        await engine.run({"first": 1})
        await engine.run({"second": 2})


async def test_a_resident_coroutine_continues_exactly_behind_the_await(store: Store) -> None:
    entered: list[str] = []
    await run_to_the_end(store, entered)
    assert entered == ["entered", "behind first: 1", "behind second: 2"]


async def test_without_residents_every_answer_runs_the_visit_again_from_its_start(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_RESIDENT", "0")
    entered: list[str] = []
    await run_to_the_end(store, entered)
    assert entered == [
        "entered",
        "entered",
        "behind first: 1",
        "entered",
        "behind first: 1",
        "behind second: 2",
    ]


async def test_two_handles_share_one_coroutine(store: Store) -> None:
    entered: list[str] = []
    async with WorkflowEngine(start=counting(entered), store=store) as first:
        await first.run()
        async with WorkflowEngine(start=counting(entered), store=store, run_id=first.run_id) as second:
            await second.run({"first": 1})
        await first.run({"second": 2})
    assert entered == ["entered", "behind first: 1", "behind second: 2"]


async def test_a_parked_visit_whose_other_task_asks_shows_the_new_request(store: Store) -> None:
    arrived = asyncio.Event()

    @node
    async def fetch_and_ask(shared: dict[str, Any]) -> None:
        async def fetch() -> Any:
            await arrived.wait()
            return await request_input(request_id="fetched")

        shared["answers"] = await asyncio.gather(request_input(request_id="open"), fetch())

    async with WorkflowEngine(start=fetch_and_ask, store=store) as engine:
        assert names(await engine.run()) == ["open"]
        arrived.set()
        await until(lambda: len(names(engine.execution_state)) == 2)
        assert names(await engine.run()) == ["open", "fetched"]


async def final_state(store: Store) -> ExecutionState:
    """A graph with a loop, a gather, steps and a failure that is retried."""
    tries: list[int] = []

    @node(max_retries=2)
    async def prepare(shared: dict[str, Any]) -> None:
        shared["sum"] = await step("add", sum, [1, 2, 3])
        tries.append(1)
        if len(tries) == 1:
            raise OSError("once")

    @node
    async def vote(shared: dict[str, Any]) -> None:
        answers = await asyncio.gather(*(request_input(request_id=name) for name in ("a", "b", "c")))
        shared.setdefault("rounds", []).append(answers)

    prepare > vote
    vote - "len(shared['rounds']) < 3" > vote
    vote > asking(prompt="Done?", options=["yes", "no"], input_type="select")
    async with WorkflowEngine(start=prepare, store=store, run_id="compared") as engine:
        state = await engine.run()
        while state.pending:
            request = state.pending[-1]
            value = "yes" if request["options"] else f"{request['request_id']} of {len(state.shared)}"
            await say(engine, request, value)
            state = await engine.run()
    return state


async def test_the_final_states_are_equal_with_no_residents_and_with_unbounded_ones(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[ExecutionState] = []
    for residents in ("0", ""):
        monkeypatch.setenv("SAYSO_RESIDENT", residents)
        async with SQLiteStore(tmp_path / f"{residents}.db", clock=clock) as store:
            states.append(await final_state(store))
    assert states[0].workflow_status is WorkflowStatus.COMPLETED
    assert dataclasses.asdict(states[0]) == dataclasses.asdict(states[1])


async def test_the_live_coroutine_receives_the_decoded_stored_answer(store: Store) -> None:
    """Had it received the caller's own object, a later change of that object would not survive a restart."""
    given: dict[str, Any] = {"list": [1]}
    async with WorkflowEngine(start=asking(), store=store) as engine:
        await say(engine, waiting(await engine.run()), given, via="code")
        given["list"].append(2)
        state = await engine.run()
    assert state.shared["answer"] == {"list": [1]}
