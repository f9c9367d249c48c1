"""Retries: a new attempt of the same visit keeps its answers and steps; `ask_again` opens a new visit."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from sayso.engine import (
    Node,
    NotApplicable,
    Runtime,
    Store,
    Workflow,
    WorkflowEngine,
    WorkflowStatus,
    node,
    request_input,
    step,
)
from tests.engine.support import ANA, ManualClock, names, say, waiting

pytestmark = pytest.mark.usefixtures("resident")


class Broken:
    """A node that asks and does a step, and fails as often as it is told to."""

    def __init__(self, failures: int, **settings: Any) -> None:
        self.failures = failures
        self.steps: list[str] = []
        self.failed = asyncio.Event()

        @node(**settings)
        async def work(shared: dict[str, Any]) -> None:
            shared["n"] = shared.get("n", 0) + 1
            shared["answers"] = [await request_input(), await request_input()]
            shared["step"] = await step("do", self.do)
            if self.failures:
                self.failures -= 1
                self.failed.set()
                raise LookupError("broken")

        self.node = work

    def do(self) -> int:
        self.steps.append("done")
        return len(self.steps)

    def hosted(self, store: Store) -> Runtime:
        return Runtime(store, [Workflow("work", self.node)])


async def answer_both(runtime: Runtime, run_id: str, first: str, second: str) -> list[dict[str, Any]]:
    requests: list[dict[str, Any]] = []
    for value in (first, second):
        requests.append(waiting(await runtime.wait(run_id)))
        await say(runtime, requests[-1], value)
    return requests


async def test_an_automatic_retry_keeps_recorded_answers_and_steps_and_names_restart(
    store: Store,
) -> None:
    broken = Broken(2, max_retries=3)
    async with broken.hosted(store) as runtime:
        run_id = await runtime.start("work")
        requests = await answer_both(runtime, run_id, "a", "b")
        state = await runtime.wait(run_id)
    assert [request["request_id"] for request in requests] == ["work", "work#2"]
    assert state.workflow_status is WorkflowStatus.COMPLETED
    assert state.shared == {"n": 1, "answers": ["a", "b"], "step": 1}
    assert broken.steps == ["done"]


@pytest.mark.parametrize("attempts", [1, 2])
async def test_a_node_that_fails_once_it_was_answered_leaves_the_state_as_it_found_it(
    store: Store, attempts: int
) -> None:
    """Half of what a node does to the state would be taken for all of it by whoever mends the run."""
    broken = Broken(attempts, max_retries=attempts)
    async with broken.hosted(store) as runtime:
        run_id = await runtime.start("work", {"begun": "with"})
        await answer_both(runtime, run_id, "a", "b")
        state = await runtime.wait(run_id)
    assert (state.workflow_status, state.shared) == (WorkflowStatus.FAILED, {"begun": "with"})


async def test_a_handle_shows_the_state_that_a_failed_node_found(store: Store) -> None:
    broken = Broken(1)
    begun = {"begun": "with"}
    async with WorkflowEngine(start=broken.node, store=store, initial_shared_state=begun) as engine:
        await engine.run()
        await engine.run({"work": "a"})
        state = await engine.run({"work#2": "b"})
        assert (state.workflow_status, state.shared) == (WorkflowStatus.FAILED, begun)
        assert engine.execution_state == state


async def test_an_operators_retry_keeps_them_too_and_is_audited(store: Store) -> None:
    broken = Broken(2)
    async with broken.hosted(store) as runtime:
        run_id = await runtime.start("work")
        await answer_both(runtime, run_id, "a", "b")
        for _ in range(2):
            state = await runtime.wait(run_id)
            assert (state.workflow_status, state.error) == (
                WorkflowStatus.FAILED,
                "LookupError: broken",
            )
            assert state.shared == {}
            await runtime.retry(run_id, person=ANA)
        state = await runtime.wait(run_id)
        assert (state.workflow_status, state.error) == (WorkflowStatus.COMPLETED, None)
        assert state.shared == {"n": 1, "answers": ["a", "b"], "step": 1}
        with pytest.raises(NotApplicable, match="COMPLETED"):
            await runtime.retry(run_id, person=ANA)
    rows = [row async for row in store.reader.audit(run_id) if row.kind == "run_retried"]
    assert [(row.person, row.payload) for row in rows] == [(ANA, {"ask_again": False})] * 2


async def test_an_operators_retry_has_all_its_automatic_attempts_again(store: Store) -> None:
    broken = Broken(3, max_retries=2)
    async with broken.hosted(store) as runtime:
        run_id = await runtime.start("work")
        await answer_both(runtime, run_id, "a", "b")
        assert (await runtime.wait(run_id)).workflow_status is WorkflowStatus.FAILED
        assert broken.failures == 1
        await runtime.retry(run_id, person=ANA)
        assert (await runtime.wait(run_id)).shared["answers"] == ["a", "b"]


async def test_ask_again_opens_a_new_visit_that_asks_and_works_anew(store: Store) -> None:
    broken = Broken(1)
    async with broken.hosted(store) as runtime:
        run_id = await runtime.start("work")
        before = await answer_both(runtime, run_id, "a", "b")
        await runtime.wait(run_id)
        await runtime.retry(run_id, person=ANA, ask_again=True)
        after = await answer_both(runtime, run_id, "c", "d")
        state = await runtime.wait(run_id)
    assert state.shared == {"n": 1, "answers": ["c", "d"], "step": 2}
    assert {request["id"] for request in before}.isdisjoint(request["id"] for request in after)
    assert [request["request_id"] for request in after] == ["work", "work#2"]


async def test_a_retry_after_a_restart_keeps_recorded_answers(store: Store) -> None:
    broken = Broken(1)
    async with broken.hosted(store) as runtime:
        run_id = await runtime.start("work")
        await answer_both(runtime, run_id, "a", "b")
        await runtime.wait(run_id)
    async with broken.hosted(store) as runtime:
        assert (await runtime.wait(run_id)).workflow_status is WorkflowStatus.FAILED
        await runtime.retry(run_id, person=ANA)
        assert (await runtime.wait(run_id)).shared["answers"] == ["a", "b"]


class Phases(Node):
    """Asks in `prepare` and in `execute`, and fails in `execute`."""

    def __init__(self, failures: int, **settings: Any) -> None:
        super().__init__("phases", **settings)
        self.config = {"failures": failures, "prepared": 0}

    async def prepare(self, shared: dict[str, Any], request_input: Any) -> str:
        self.config["prepared"] += 1
        return str(await request_input())

    async def execute(self, prepared: str) -> list[Any]:
        asked = await request_input()
        if self.config["failures"]:
            self.config["failures"] -= 1
            raise LookupError("broken")
        return [prepared, asked]

    async def cleanup(self, shared: dict[str, Any], prepared: str, result: list[Any]) -> None:
        shared["result"] = [*result, await request_input()]


async def test_only_execute_is_retried_and_names_restart_behind_those_of_prepare(
    store: Store, resident: int | None
) -> None:
    phases = Phases(2, max_retries=3)
    async with WorkflowEngine(start=phases, store=store) as engine:
        seen = names(await engine.run())
        seen += names(await engine.run({"phases": "p"}))
        seen += names(await engine.run({"phases#2": "e"}))
        state = await engine.run({"phases#3": "c"})
    assert seen == ["phases", "phases#2", "phases#3"]
    assert state.shared == {"result": ["p", "e", "c"]}
    assert phases.config["prepared"] == (1 if resident is None else 4)


async def test_a_retry_that_is_waited_for_survives_a_restart_and_attempts_are_not_counted_anew(
    store: Store, clock: ManualClock
) -> None:
    broken = Broken(9, max_retries=2, wait=timedelta(hours=1))
    workflow = [Workflow("work", broken.node)]
    async with Runtime(store, workflow) as runtime:
        run_id = await runtime.start("work")
        await answer_both(runtime, run_id, "a", "b")
        await broken.failed.wait()  # the attempt is over, and its record has queued up
    loaded = await store.load(run_id)
    assert loaded is not None
    assert loaded.run.retry_at == clock.now() + timedelta(hours=1)
    assert broken.failures == 8
    async with Runtime(store, workflow) as runtime:
        clock.advance(timedelta(hours=1))
        state = await runtime.wait(run_id)
    assert (state.workflow_status, broken.failures) == (WorkflowStatus.FAILED, 7)


async def test_an_attempt_that_no_longer_asks_what_an_earlier_one_did_may_end(store: Store) -> None:
    failed: list[str] = []

    @node(max_retries=2)
    async def work(shared: dict[str, Any]) -> None:
        if not failed:
            await request_input(request_id="only at first")
            failed.append("after the answer")
            raise LookupError("failed")
        shared["done"] = True

    async with WorkflowEngine(start=work, store=store) as engine:
        await engine.run()
        state = await engine.run({"only at first": "x"})
    assert (state.workflow_status, state.shared) == (WorkflowStatus.COMPLETED, {"done": True})
