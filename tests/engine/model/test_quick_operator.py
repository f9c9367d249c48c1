"""An operator whose decision comes in between the commit that asks for it and the run's coming to rest."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from sayso.engine import Runtime, Store, Workflow, WorkflowStatus, node, step
from sayso.engine.store import Change, Listener


def elsewhere(work: Coroutine[Any, Any, None]) -> None:
    """Do some work to its end on a loop of its own, while this one stands still."""
    thread = threading.Thread(target=asyncio.run, args=(work,))
    thread.start()
    thread.join()


def charge(amount: int) -> int:
    return amount


async def test_a_decision_taken_at_once_has_the_run_go_on(store: Store) -> None:
    """Committed before the run's own look at what is stored, it must not be lost."""
    amounts = [1, 2, 2]

    @node(max_retries=2)
    async def pay(shared: dict[str, Any]) -> None:
        amount = amounts.pop(0)
        shared["paid"] = await step("pay", charge, amount)
        if amount == 1:
            raise RuntimeError("so that the step is called with other arguments")

    async def decide(run_id: str) -> None:
        await store.attend(run_id, "accept", None, "local:operator", "console")

    def hear(change: Change) -> None:
        if change.status is WorkflowStatus.NEEDS_ATTENTION:
            elsewhere(decide(change.run_id))

    store.hub.listen(Listener(asyncio.get_running_loop(), hear), workflows=["flow"])
    async with Runtime(store, [Workflow("flow", pay)]) as runtime, asyncio.timeout(10):
        run_id = await runtime.start("flow")
        state = await runtime.wait(run_id)
        assert (state.workflow_status, state.shared) == (WorkflowStatus.COMPLETED, {"paid": 1})


async def test_a_retry_given_at_once_has_the_run_go_on(store: Store) -> None:
    failures = [RuntimeError("the first time")]

    @node
    async def fragile(shared: dict[str, Any]) -> None:
        if failures:
            raise failures.pop()
        shared["done"] = True

    async def again(run_id: str) -> None:
        await store.retry(run_id, "local:operator", "console", ask_again=False)

    def hear(change: Change) -> None:
        if change.status is WorkflowStatus.FAILED:
            elsewhere(again(change.run_id))

    store.hub.listen(Listener(asyncio.get_running_loop(), hear), workflows=["flow"])
    async with Runtime(store, [Workflow("flow", fragile)]) as runtime, asyncio.timeout(10):
        run_id = await runtime.start("flow")
        state = await runtime.wait(run_id)
        assert (state.workflow_status, state.shared) == (WorkflowStatus.COMPLETED, {"done": True})
