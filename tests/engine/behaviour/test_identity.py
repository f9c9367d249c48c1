"""Identity: a question or step is (run, visit, name); an answer never satisfies two questions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sayso.engine import (
    AmbiguousRequest,
    OutcomeKind,
    Store,
    WorkflowEngine,
    WorkflowStatus,
    node,
    request_input,
    step,
)
from tests.engine.support import names, run_once, say, waiting

pytestmark = pytest.mark.usefixtures("resident")


async def in_gather(work: Callable[[], Awaitable[Any]]) -> Any:
    return (await asyncio.gather(work()))[0]


async def in_task_group(work: Callable[[], Awaitable[Any]]) -> Any:
    async def one() -> Any:
        return await work()

    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(one())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return task.result()


async def in_wait_for(work: Callable[[], Awaitable[Any]]) -> Any:
    """On 3.11 `wait_for` runs its coroutine in a task; made so here on every version."""
    return await asyncio.wait_for(asyncio.ensure_future(work()), timeout=30)


OTHER_TASKS = [in_gather, in_task_group, in_wait_for]


async def test_in_the_visits_own_task_a_missing_name_counts_up(store: Store) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["answers"] = [await request_input(), await request_input(), await request_input()]

    async with WorkflowEngine(start=ask, store=store) as engine:
        seen = names(await engine.run())
        for number, name in enumerate(["ask", "ask#2", "ask#3"]):
            seen += names(await engine.run({name: number}))
        assert seen == ["ask", "ask#2", "ask#3"]
        assert engine.execution_state.shared["answers"] == [0, 1, 2]


async def test_in_the_visits_own_task_a_repeated_name_counts_up_past_names_that_are_taken(
    store: Store,
) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        for name in ("a#2", "a", "a", "a"):
            await request_input(request_id=name)

    async with WorkflowEngine(start=ask, store=store) as engine:
        seen = names(await engine.run())
        while engine.execution_state.pending:
            await say(engine, waiting(engine.execution_state), "x")
            seen += names(await engine.run())
    assert seen == ["a#2", "a", "a#3", "a#4"]


async def test_one_answer_never_satisfies_two_questions(store: Store) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["first"] = await request_input()
        shared["second"] = await request_input()

    async with WorkflowEngine(start=ask, store=store) as engine:
        request = waiting(await engine.run())
        await say(engine, request, "for the first")
        state = await engine.run()
        assert names(state) == ["ask#2"]
        assert (await say(engine, request, "again")).kind is OutcomeKind.ALREADY_ANSWERED
        assert names(await engine.run()) == ["ask#2"]


@pytest.mark.parametrize("other_task", OTHER_TASKS)
async def test_in_another_task_an_unnamed_request_is_ambiguous_and_nothing_is_asked(
    store: Store, other_task: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        with pytest.raises(AmbiguousRequest, match="unnamed request"):
            await other_task(lambda: request_input(prompt="Which?"))
        shared["refused"] = True

    state = await run_once(store, ask)
    assert (state.workflow_status, state.shared) == (WorkflowStatus.COMPLETED, {"refused": True})
    asked = [row.kind async for row in store.reader.audit(state.run_id) if row.kind == "requested"]
    assert asked == []


@pytest.mark.parametrize("other_task", OTHER_TASKS)
async def test_in_another_task_a_named_request_is_asked(
    store: Store, other_task: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["answer"] = await other_task(lambda: request_input(request_id="named"))

    async with WorkflowEngine(start=ask, store=store) as engine:
        await engine.run()
        assert (await engine.run({"named": "yes"})).shared == {"answer": "yes"}


async def test_a_name_that_two_tasks_use_is_ambiguous(store: Store) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        results = await asyncio.gather(
            request_input(request_id="same"), request_input(request_id="same"), return_exceptions=True
        )
        shared["results"] = [str(result) for result in results]

    async with WorkflowEngine(start=ask, store=store) as engine:
        assert names(await engine.run()) == ["same"]
        state = await engine.run({"same": "yes"})
    assert state.shared["results"][0] == "yes"
    assert "used once in a visit" in state.shared["results"][1]


async def test_a_name_of_another_task_is_ambiguous_in_the_visits_own(store: Store) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        await in_gather(lambda: request_input(request_id="ask"))
        with pytest.raises(AmbiguousRequest, match="'ask'"):
            await request_input()
        shared["refused"] = True

    async with WorkflowEngine(start=ask, store=store) as engine:
        await engine.run()
        assert (await engine.run({"ask": 1})).shared == {"refused": True}


async def test_steps_count_up_in_the_visits_own_task(store: Store) -> None:
    @node
    async def work(shared: dict[str, Any]) -> None:
        shared["results"] = [await step("add", int, text) for text in ("1", "2", "3")]
        await request_input()

    async with WorkflowEngine(start=work, store=store) as engine:
        assert (await engine.run()).shared == {"results": [1, 2, 3]}
        loaded = await store.load(engine.run_id)
    assert loaded is not None
    assert {record.name: record.result for record in loaded.steps} == {"add": "1", "add#2": "2", "add#3": "3"}


@pytest.mark.parametrize("other_task", OTHER_TASKS)
async def test_steps_of_one_name_in_other_tasks_are_ambiguous_before_they_run(
    store: Store, other_task: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
) -> None:
    ran: list[str] = []

    @node
    async def work(shared: dict[str, Any]) -> None:
        await other_task(lambda: step("one", ran.append, "first"))
        with pytest.raises(AmbiguousRequest, match="step 'one'"):
            await other_task(lambda: step("one", ran.append, "second"))
        with pytest.raises(AmbiguousRequest, match="step 'one'"):
            await step("one", ran.append, "third")
        shared["refused"] = True

    assert (await run_once(store, work)).shared == {"refused": True}
    assert ran == ["first"]


async def test_names_of_one_visit_are_free_again_in_the_next(store: Store) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["answers"].append(await request_input())

    ask - "len(shared['answers']) < 2" > ask
    async with WorkflowEngine(start=ask, store=store, initial_shared_state={"answers": []}) as engine:
        first = waiting(await engine.run())
        second = waiting(await engine.run({"ask": 1}))
        assert first["request_id"] == second["request_id"] == "ask"
        assert first["id"] != second["id"]
        assert (await engine.run({"ask": 2})).shared == {"answers": [1, 2]}
