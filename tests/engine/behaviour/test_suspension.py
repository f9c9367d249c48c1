"""Suspension is a restart for that run: its `finally` runs, and what its code does from then on is ignored."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import (
    RunSuspended,
    Runtime,
    Store,
    Workflow,
    WorkflowEngine,
    WorkflowStatus,
    node,
    request_input,
    step,
)
from tests.engine.support import names, say, waiting

pytestmark = pytest.mark.usefixtures("resident")


@pytest.mark.parametrize("way", ["writes", "returns", "raises", "writes in finally"])
async def test_what_a_suspended_node_writes_returns_or_raises_is_ignored(store: Store, way: str) -> None:
    left: list[str] = []

    @node
    async def ask(shared: dict[str, Any]) -> None:
        try:
            shared["answer"] = await request_input()
        except asyncio.CancelledError:
            left.append("left")
            shared["answer"] = "made up"
            if way == "returns":
                return
            if way == "raises":
                raise LookupError("on the way out") from None
            raise
        finally:
            shared["finally"] = len(left)

    async with WorkflowEngine(start=ask, store=store) as engine:
        parked = await engine.run()
        assert parked.shared == {}
    assert left == ["left"]
    async with WorkflowEngine(start=ask, store=store, run_id=engine.run_id) as again:
        state = await again.run()
        assert state.workflow_status is WorkflowStatus.WAITING_FOR_INPUT
        assert state.pending == parked.pending
        assert (state.shared, state.error) == ({}, None)
        left.clear()
        state = await again.run({"ask": "yes"})
    assert (state.workflow_status, state.shared["answer"]) == (WorkflowStatus.COMPLETED, "yes")


async def test_request_input_and_step_raise_run_suspended_from_then_on(store: Store) -> None:
    raised: list[type[BaseException]] = []
    ran: list[str] = []

    async def attempt(work: Any) -> None:
        try:
            await work
        except BaseException as error:
            raised.append(type(error))
            raise

    @node
    async def ask(shared: dict[str, Any]) -> None:
        try:
            await request_input(request_id="first")
        except asyncio.CancelledError:
            for work in (request_input(request_id="late"), step("late", ran.append, "ran")):
                with pytest.raises(RunSuspended):
                    await attempt(work)
            raise

    async with WorkflowEngine(start=ask, store=store) as engine:
        await engine.run()
    assert raised == [RunSuspended, RunSuspended]
    assert ran == []
    assert [record.name for record in await store.reader.pending()] == ["first"]


async def test_the_nodes_other_tasks_are_stopped_too_and_its_requests_stay_open(store: Store) -> None:
    stopped: list[str] = []

    async def branch(name: str) -> Any:
        try:
            return await request_input(request_id=name)
        finally:
            stopped.append(name)

    @node
    async def ask(shared: dict[str, Any]) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(branch(name)) for name in "ab"]
        shared["answers"] = [task.result() for task in tasks]

    async with WorkflowEngine(start=ask, store=store) as engine:
        parked = await engine.run()
        assert names(parked) == ["a", "b"]
    assert sorted(stopped) == ["a", "b"]
    async with WorkflowEngine(start=ask, store=store, run_id=engine.run_id) as again:
        assert (await again.run()).pending == parked.pending
        state = await again.run({"a": 1, "b": 2})
    assert state.shared == {"answers": [1, 2]}


async def test_a_task_that_the_node_left_behind_is_stopped_too(store: Store) -> None:
    """Nothing may wait on for an answer on behalf of a visit that is no more."""
    ended: list[str] = []
    tasks: list[asyncio.Task[Any]] = []

    async def aside() -> None:
        try:
            await request_input(request_id="aside")
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    @node
    async def ask(shared: dict[str, Any]) -> None:
        tasks.append(asyncio.create_task(aside()))
        await request_input(request_id="main")

    async with WorkflowEngine(start=ask, store=store) as engine:
        assert sorted(names(await engine.run())) == ["aside", "main"]
    await asyncio.wait(tasks)
    assert ended == ["cancelled"] * len(tasks)


async def test_a_step_that_is_suspended_is_not_recorded(store: Store) -> None:
    begun = asyncio.Event()
    starts: list[int] = []

    async def work() -> str:
        starts.append(1)
        begun.set()
        if len(starts) == 1:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return "made up on the way out"
        return "done"

    @node
    async def act(shared: dict[str, Any]) -> None:
        shared["result"] = await step("work", work)

    async with Runtime(store, [Workflow("act", act)]) as runtime:
        run_id = await runtime.start("act")
        await begun.wait()
    async with Runtime(store, [Workflow("act", act)]) as runtime:
        assert (await runtime.wait(run_id)).shared == {"result": "done"}


async def test_leaving_a_runtime_suspends_its_runs(store: Store) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        try:
            shared["answer"] = await request_input()
        finally:
            shared["left"] = True

    async with Runtime(store, [Workflow("ask", ask)]) as runtime:
        runs = [await runtime.start("ask") for _ in range(3)]
        requests = [waiting(await runtime.wait(run_id)) for run_id in runs]
    async with Runtime(store, [Workflow("ask", ask)]) as runtime:
        for run_id, request in zip(runs, requests, strict=True):
            state = await runtime.wait(run_id)
            assert (waiting(state), state.shared) == (request, {})
            await say(runtime, request, "yes")
            assert (await runtime.wait(run_id)).shared == {"answer": "yes", "left": True}


async def test_the_longest_parked_coroutine_gives_way_and_its_answer_loads_it(store: Store) -> None:
    left: list[str] = []

    @node
    async def ask(shared: dict[str, Any]) -> None:
        try:
            shared["answer"] = await request_input()
        except asyncio.CancelledError:
            left.append(shared["name"])
            raise

    async with Runtime(store, [Workflow("ask", ask)], resident=2) as runtime:
        requests = [
            waiting(await runtime.wait(await runtime.start("ask", {"name": name}, run_id=name)))
            for name in "abcd"
        ]
        assert [request["run_id"] for request in requests] == ["a", "b", "c", "d"]
        await say(runtime, requests[0], "for a")
        assert (await runtime.wait("a")).shared["answer"] == "for a"
        assert sorted(left) == ["a", "b"]
        await say(runtime, requests[3], "for d")
        assert (await runtime.wait("d")).shared["answer"] == "for d"
        assert sorted(left) == ["a", "b"]


def test_the_end_of_asyncio_run_without_a_close_is_a_suspension(database: Path) -> None:
    """A script may just end: the run goes on in the next `asyncio.run`, or in the next process."""
    left: list[str] = []

    @node
    async def ask(shared: dict[str, Any]) -> None:
        try:
            shared["answer"] = await request_input()
        except asyncio.CancelledError:
            left.append("left")
            shared["answer"] = "made up"

    engine = WorkflowEngine(start=ask, store=database)

    async def first() -> Any:
        return await engine.run()

    async def second() -> Any:
        async with await WorkflowEngine.resume(engine.run_id, start=ask, store=database) as again:
            before = again.execution_state
            return before, await again.run({"ask": "yes"})

    parked = asyncio.run(first())
    assert left == ["left"]
    before, after = asyncio.run(second())
    assert before.pending == parked.pending
    assert (after.workflow_status, after.shared) == (WorkflowStatus.COMPLETED, {"answer": "yes"})
    asyncio.run(engine.aclose())


def test_the_same_handle_goes_on_in_a_new_event_loop(database: Path) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["n"] = shared.get("n", 0) + 1
        shared["answers"] = [await request_input(request_id="a"), await request_input(request_id="b")]

    engine = WorkflowEngine(start=ask, store=database)
    assert names(asyncio.run(engine.run())) == ["a"]
    assert names(asyncio.run(engine.run({"a": 1}))) == ["b"]
    state = asyncio.run(engine.run({"b": 2}))
    assert (state.workflow_status, state.shared) == (WorkflowStatus.COMPLETED, {"n": 1, "answers": [1, 2]})
    asyncio.run(engine.aclose())
