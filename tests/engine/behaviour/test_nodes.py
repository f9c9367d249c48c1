"""Nodes: their three phases, retries on the injected clock, function nodes, and the copy that a visit runs on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

import pytest

from sayso.engine import (
    CodeThreads,
    InvalidWorkflow,
    Node,
    NodeStatus,
    Runtime,
    Store,
    Workflow,
    WorkflowEngine,
    WorkflowStatus,
    node,
    step,
)
from tests.engine.support import START, ManualClock, run_once

MARK: ContextVar[str] = ContextVar("mark", default="unset")


class SyncPhases(Node):
    def prepare(self, shared: dict[str, Any], request_input: Any) -> int:
        return int(shared["n"])

    def execute(self, prepared: int) -> int:
        return prepared * 2

    def cleanup(self, shared: dict[str, Any], prepared: int, result: int) -> None:
        shared["seen"] = [prepared, result]


class AsyncPhases(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> int:
        return int(shared["n"])

    async def execute(self, prepared: int) -> int:
        return prepared * 2

    async def cleanup(self, shared: dict[str, Any], prepared: int, result: int) -> None:
        shared["seen"] = [prepared, result]


class Flaky(Node):
    """Fails a number of times; notes when each attempt was made."""

    def __init__(self, failures: int, clock: ManualClock, **settings: Any) -> None:
        super().__init__(**settings)
        self.failures = failures
        self.clock = clock
        self.attempts: list[datetime] = []
        self.tried = asyncio.Event()

    async def execute(self, prepared: None) -> str:
        self.attempts.append(self.clock.now())
        self.tried.set()
        if len(self.attempts) <= self.failures:
            raise ValueError(f"attempt {len(self.attempts)}")
        return "done"

    async def cleanup(self, shared: dict[str, Any], prepared: None, result: str) -> None:
        shared["result"] = result


class WithFallback(Flaky):
    async def exec_fallback(self, prepared: None, error: Exception) -> str:
        return f"instead of {error}"


@pytest.mark.parametrize("kind", [SyncPhases, AsyncPhases])
async def test_the_three_phases_hand_their_values_on(store: Store, kind: Callable[[], Node]) -> None:
    state = await run_once(store, kind(), n=21)
    assert state.workflow_status is WorkflowStatus.COMPLETED
    assert state.shared == {"n": 21, "seen": [21, 42]}


async def test_sync_phases_run_in_a_thread_with_the_context_copied(store: Store) -> None:
    class Threads(Node):
        async def prepare(self, shared: dict[str, Any], request_input: Any) -> int:
            MARK.set("set by prepare")
            return threading.get_ident()

        def execute(self, prepared: int) -> list[Any]:
            seen = [threading.get_ident() == prepared, MARK.get()]
            MARK.set("set in the thread")
            return seen

        async def cleanup(self, shared: dict[str, Any], prepared: int, result: list[Any]) -> None:
            shared["seen"] = [*result, MARK.get(), threading.get_ident() == prepared]

    state = await run_once(store, Threads())
    assert state.shared["seen"] == [False, "set by prepare", "set by prepare", True]


async def test_a_sync_phase_may_hand_back_what_is_to_be_awaited(store: Store) -> None:
    class Asks(Node):
        def prepare(self, shared: dict[str, Any], request_input: Any) -> Any:
            return request_input(prompt="Which?")

        def cleanup(self, shared: dict[str, Any], prepared: str, result: None) -> None:
            shared["answer"] = prepared

    async with WorkflowEngine(start=Asks(), store=store) as engine:
        assert (await engine.run({"Asks": "this"})).shared == {"answer": "this"}


class OneThread(CodeThreads):
    """Counts the calls that come to it."""

    calls = 0

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        self.calls += 1
        return await super().run(function, *arguments)


async def test_phases_that_are_not_overridden_need_no_thread(store: Store) -> None:
    threads = OneThread(1)
    workflows = [Workflow("none", Node()), Workflow("sync", SyncPhases())]
    async with Runtime(store, workflows, threads=threads) as runtime:
        await runtime.wait(await runtime.start("none"))
        assert threads.calls == 0
        await runtime.wait(await runtime.start("sync", {"n": 1}))
        assert threads.calls == 3


async def test_sync_step_functions_run_in_the_same_bounded_pool(store: Store) -> None:
    both = threading.Barrier(2)
    lock = threading.Lock()
    running: list[int] = [0]
    most: list[int] = [0]

    def work() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        both.wait(timeout=30)
        with lock:
            running[0] -= 1

    @node
    async def many(shared: dict[str, Any]) -> None:
        await asyncio.gather(*(step(f"step {number}", work) for number in range(6)))

    async with Runtime(store, [Workflow("many", many)], threads=CodeThreads(2)) as runtime:
        state = await runtime.wait(await runtime.start("many"))
    assert state.workflow_status is WorkflowStatus.COMPLETED
    assert most == [2]


async def test_execute_is_tried_max_retries_times_with_the_wait_between(
    store: Store, clock: ManualClock
) -> None:
    flaky = Flaky(2, clock, max_retries=3, wait=timedelta(minutes=1))
    running = asyncio.ensure_future(run_once(store, flaky))
    for _ in range(2):
        await flaky.tried.wait()
        flaky.tried.clear()
        clock.advance(timedelta(seconds=59))
        clock.advance(timedelta(seconds=1))
    state = await running
    assert flaky.attempts == [START, START + timedelta(minutes=1), START + timedelta(minutes=2)]
    assert state.shared == {"result": "done"}


async def test_a_first_success_needs_no_second_attempt(store: Store, clock: ManualClock) -> None:
    flaky = Flaky(0, clock, max_retries=3)
    await run_once(store, flaky)
    assert len(flaky.attempts) == 1


async def test_when_all_attempts_fail_the_fallback_gives_the_result(store: Store, clock: ManualClock) -> None:
    flaky = WithFallback(9, clock, max_retries=2)
    state = await run_once(store, flaky)
    assert len(flaky.attempts) == 2
    assert state.shared == {"result": "instead of attempt 2"}


async def test_without_a_fallback_the_last_error_fails_the_run(store: Store, clock: ManualClock) -> None:
    state = await run_once(store, Flaky(9, clock, max_retries=2))
    assert state.workflow_status is WorkflowStatus.FAILED
    assert state.error == "ValueError: attempt 2"
    assert state.node_statuses == {"Flaky": NodeStatus.FAILED}


def test_max_retries_counts_attempts_and_is_at_least_one() -> None:
    with pytest.raises(InvalidWorkflow, match="attempts in all"):
        Node(max_retries=0)


async def test_a_visit_runs_on_a_shallow_copy_of_its_node(store: Store) -> None:
    class Counter(Node):
        def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
            shared["mine"].append(hasattr(self, "touched"))
            self.touched = True
            self.config["visits"] += 1

    counter = Counter(config={"visits": 0})
    counter - "len(shared['mine']) < 3" > counter
    state = await run_once(store, counter, mine=[])
    assert state.shared["mine"] == [False, False, False]
    assert not hasattr(counter, "touched")
    assert counter.config == {"visits": 3}


def test_a_node_is_named_for_its_class_or_function_unless_given_an_id() -> None:
    @node
    async def review(shared: dict[str, Any]) -> None: ...

    @node(id="other", config={"a": 1}, max_retries=2, wait=timedelta(seconds=3))
    def plain(shared: dict[str, Any]) -> None: ...

    assert [SyncPhases().id, SyncPhases("named").id, review.id, plain.id] == [
        "SyncPhases",
        "named",
        "review",
        "other",
    ]
    assert (plain.config, plain.max_retries, plain.wait) == ({"a": 1}, 2, timedelta(seconds=3))


def test_a_duplicate_id_is_an_error_that_asks_for_id() -> None:
    first, second = SyncPhases(), SyncPhases()
    first > second
    with pytest.raises(InvalidWorkflow, match=r"'SyncPhases'.*id="):
        Workflow("twice", first)


async def test_functions_are_nodes_sync_and_async(store: Store) -> None:
    @node
    def first(shared: dict[str, Any]) -> None:
        shared["in_a_thread"] = threading.get_ident() != threading.main_thread().ident

    @node
    async def second(shared: dict[str, Any]) -> None:
        shared["on_the_loop"] = threading.get_ident() == threading.main_thread().ident

    first > second
    assert (await run_once(store, first)).shared == {"in_a_thread": True, "on_the_loop": True}


async def test_each_attempt_of_a_function_node_begins_with_the_state_as_the_visit_found_it(
    store: Store,
) -> None:
    tries: list[int] = []

    @node(max_retries=3)
    async def count(shared: dict[str, Any]) -> None:
        tries.append(shared["n"])
        shared["n"] += 1
        if len(tries) < 3:
            raise OSError("not yet")

    state = await run_once(store, count, n=0)
    assert tries == [0, 0, 0]
    assert state.shared == {"n": 1}
