"""What replay means: a new process runs the visit again; what is recorded returns, and nobody is asked twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sayso.engine import (
    AttentionKind,
    ExecutionState,
    Node,
    OutcomeKind,
    Runtime,
    Store,
    UnstorableValue,
    Workflow,
    WorkflowEngine,
    WorkflowStatus,
    node,
    request_input,
    step,
    step_key,
)
from tests.engine.support import ANA, BO, run_once, say, waiting

pytestmark = pytest.mark.usefixtures("resident")


def hosting(store: Store, start: Node) -> Runtime:
    return Runtime(store, [Workflow("work", start)])


async def test_a_new_handle_runs_the_visit_again_with_shared_as_it_was_at_its_start(
    store: Store,
) -> None:
    @node
    async def count(shared: dict[str, Any]) -> None:
        shared["n"] += 1
        shared["list"].append("once")
        shared["answer"] = await request_input()

    async with WorkflowEngine(start=count, store=store, initial_shared_state={"n": 0, "list": []}) as engine:
        parked = await engine.run()
    for _ in range(2):
        async with WorkflowEngine(start=count, store=store, run_id=engine.run_id) as again:
            assert (await again.run()).shared == parked.shared == {"n": 1, "list": ["once"]}
    async with WorkflowEngine(start=count, store=store, run_id=engine.run_id) as again:
        assert (await again.run({"count": "x"})).shared == {"n": 1, "list": ["once"], "answer": "x"}


async def test_recorded_answers_return_and_an_open_request_attaches_to_its_card(store: Store) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["answers"] = [await request_input(request_id=name) for name in ("a", "b", "c")]

    async with WorkflowEngine(start=ask, store=store) as engine:
        await engine.run()
        request = waiting(await engine.run({"a": 1}), "b")
    async with WorkflowEngine(start=ask, store=store, run_id=engine.run_id) as again:
        assert waiting(await again.run()) == request
        await again.run({"b": 2})
    async with WorkflowEngine(start=ask, store=store, run_id=engine.run_id) as again:
        state = await again.run({"c": 3})
    assert state.shared == {"answers": [1, 2, 3]}
    asked = [row.payload async for row in store.reader.audit(engine.run_id) if row.kind == "requested"]
    assert [row["name"] for row in asked if isinstance(row, dict)] == ["a", "b", "c"]


async def test_a_recorded_step_never_runs_again_and_returns_its_result(store: Store) -> None:
    charged: list[str] = []

    def charge(order: str) -> dict[str, Any]:
        charged.append(order)
        return {"receipt": f"for {order}", "amount": 1.0}

    @node
    async def buy(shared: dict[str, Any]) -> None:
        shared["receipt"] = await step("charge", charge, "order 7")
        shared["answer"] = await request_input()

    async with WorkflowEngine(start=buy, store=store) as engine:
        await engine.run()
    async with WorkflowEngine(start=buy, store=store, run_id=engine.run_id) as again:
        state = await again.run({"buy": "x"})
    assert charged == ["order 7"]
    assert repr(state.shared["receipt"]) == repr({"receipt": "for order 7", "amount": 1.0})


async def test_a_step_may_be_async_and_what_it_raises_is_raised_and_not_recorded(store: Store) -> None:
    calls: list[int] = []

    async def unsteady() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise OSError("down")
        return len(calls)

    @node
    async def work(shared: dict[str, Any]) -> None:
        with pytest.raises(OSError, match="down"):
            await step("first", unsteady)
        shared["result"] = await step("second", unsteady)

    assert (await run_once(store, work)).shared == {"result": 2}


async def test_a_step_that_was_cut_off_runs_again_under_the_same_key(store: Store) -> None:
    keys: list[str] = []
    begun = asyncio.Event()

    async def charge() -> str:
        keys.append(step_key())
        begun.set()
        if len(keys) == 1:
            await asyncio.Event().wait()
        return "charged"

    @node
    async def buy(shared: dict[str, Any]) -> None:
        shared["charge"] = await step("charge", charge)
        shared["refund"] = await step("refund", lambda: keys.append(step_key()))

    engine = WorkflowEngine(start=buy, store=store)
    running = asyncio.ensure_future(engine.run())
    await begun.wait()
    await engine.aclose()
    running.cancel()
    await asyncio.wait([running])
    async with WorkflowEngine(start=buy, store=store, run_id=engine.run_id) as again:
        assert (await again.run()).shared == {"charge": "charged", "refund": None}
    assert keys[0] == keys[1] != keys[2]
    assert len(keys[0]) == 32


async def test_the_key_of_a_step_differs_from_visit_to_visit_and_run_to_run(store: Store) -> None:
    @node
    async def work(shared: dict[str, Any]) -> None:
        shared["keys"] = [*shared.get("keys", []), await step("same", step_key)]

    work - "len(shared['keys']) < 2" > work
    keys = (await run_once(store, work)).shared["keys"] + (await run_once(store, work)).shared["keys"]
    assert len(set(keys)) == 4


async def test_raw_code_before_an_await_runs_again(store: Store) -> None:
    """Documented, and `step` is the way out."""
    sent: list[str] = []

    @node
    async def ask(shared: dict[str, Any]) -> None:
        sent.append("raw")
        await step("send", sent.append, "step")
        await request_input()

    async with WorkflowEngine(start=ask, store=store) as engine:
        await engine.run()
    async with WorkflowEngine(start=ask, store=store, run_id=engine.run_id) as again:
        await again.run({"ask": 1})
    assert sent == ["raw", "step", "raw"]


class Unfinished:
    """A `once` step that is cut off in its first execution."""

    def __init__(self, store: Store) -> None:
        self.starts = 0
        self.store = store
        self.begun = asyncio.Event()

        @node
        async def pay(shared: dict[str, Any]) -> None:
            shared["paid"] = await step("pay", self.pay, 40, once=True)

        self.node = pay

    async def pay(self, amount: int) -> str:
        self.starts += 1
        self.begun.set()
        if self.starts == 1:
            await asyncio.Event().wait()
        return f"paid {amount}"

    async def cut_off(self) -> str:
        async with hosting(self.store, self.node) as runtime:
            run_id = await runtime.start("work")
            await self.begun.wait()
        return run_id


async def test_a_once_step_that_was_found_started_needs_attention_and_is_not_started_again(
    store: Store,
) -> None:
    unfinished = Unfinished(store)
    run_id = await unfinished.cut_off()
    async with hosting(store, unfinished.node) as runtime:
        state = await runtime.wait(run_id)
        assert state.workflow_status is WorkflowStatus.NEEDS_ATTENTION
        assert state.attention is not None
        assert (state.attention.kind, state.attention.name) == (AttentionKind.STEP_UNFINISHED, "pay")
    async with hosting(store, unfinished.node) as runtime:
        assert (await runtime.wait(run_id)).workflow_status is WorkflowStatus.NEEDS_ATTENTION
    assert unfinished.starts == 1


@pytest.mark.parametrize(
    ("action", "result", "paid", "starts"),
    [("done", "paid by hand", "paid by hand", 1), ("done", None, None, 1), ("again", None, "paid 40", 2)],
)
async def test_an_operator_says_done_with_a_result_or_again(
    store: Store, action: str, result: Any, paid: str | None, starts: int
) -> None:
    unfinished = Unfinished(store)
    run_id = await unfinished.cut_off()
    async with hosting(store, unfinished.node) as runtime:
        await runtime.wait(run_id)
        await runtime.attention(run_id, action, person=ANA, result=result)
        state = await runtime.wait(run_id)
    assert (state.workflow_status, state.shared) == (WorkflowStatus.COMPLETED, {"paid": paid})
    assert (unfinished.starts, state.attention) == (starts, None)
    rows = [row async for row in store.reader.audit(run_id) if row.kind == "attention_given"]
    assert [row.person for row in rows] == [ANA]


async def test_a_once_step_that_raised_counts_as_started(store: Store) -> None:
    """Whether its effect happened is not known, so a retry must not do it again by itself."""
    starts: list[int] = []

    def pay() -> None:
        starts.append(1)
        raise OSError("connection lost")

    @node(max_retries=3)
    async def work(shared: dict[str, Any]) -> None:
        await step("pay", pay, once=True)

    state = await run_once(store, work)
    assert state.workflow_status is WorkflowStatus.NEEDS_ATTENTION
    assert len(starts) == 1


async def run_with_changed_arguments(store: Store, calls: list[int]) -> tuple[Node, str, ExecutionState]:
    amounts = [40]

    @node
    async def work(shared: dict[str, Any]) -> None:
        async def charge(amount: int) -> int:
            calls.append(amount)
            return amount

        shared["charged"] = await step("charge", charge, amounts[-1])
        shared["answer"] = await request_input()

    async with hosting(store, work) as runtime:
        run_id = await runtime.start("work")
        request = waiting(await runtime.wait(run_id))
    amounts.append(41)
    async with hosting(store, work) as runtime:
        await say(runtime, request, "x")
        state = await runtime.wait(run_id)
    return work, run_id, state


async def test_a_recorded_step_that_is_called_with_other_arguments_needs_attention(
    store: Store,
) -> None:
    calls: list[int] = []
    _, _, state = await run_with_changed_arguments(store, calls)
    assert state.workflow_status is WorkflowStatus.NEEDS_ATTENTION
    assert state.attention is not None
    assert (state.attention.kind, state.attention.name) == (AttentionKind.STEP_CHANGED, "charge")
    assert (state.attention.was, state.attention.now) == ("[40]", "[41]")
    assert calls == [40]


@pytest.mark.parametrize(
    ("action", "result", "charged", "calls_made"),
    [("accept", None, 40, [40]), ("again", None, 41, [40, 41]), ("done", 42, 42, [40])],
)
async def test_an_operator_accepts_the_record_has_it_done_again_or_gives_the_result(
    store: Store, action: str, result: Any, charged: int, calls_made: list[int]
) -> None:
    calls: list[int] = []
    work, run_id, _ = await run_with_changed_arguments(store, calls)
    async with hosting(store, work) as runtime:
        await runtime.attention(run_id, action, person=ANA, result=result)
        state = await runtime.wait(run_id)
    assert state.shared == {"charged": charged, "answer": "x"}
    assert calls == calls_made


async def test_a_step_argument_that_is_no_stored_value_is_bound_in_a_lambda(store: Store) -> None:
    client = object()

    @node
    async def work(shared: dict[str, Any]) -> None:
        with pytest.raises(UnstorableValue, match="lambda") as refused:
            await step("call", lambda *arguments: "never", 1, [client])
        shared["path"] = refused.value.path
        shared["result"] = await step("call", lambda: client is not None)

    state = await run_once(store, work)
    assert state.shared == {"path": "step 'call': argument[1][0]", "result": True}


async def test_two_processes_worth_of_answers_in_any_order_come_to_the_same_end(store: Store) -> None:
    """Branches of a gather get their own answers however the answers and restarts fall."""

    @node
    async def work(shared: dict[str, Any]) -> None:
        shared["answers"] = await asyncio.gather(*(request_input(request_id=name) for name in "abc"))

    run_id = None
    for name in "cba":
        async with WorkflowEngine(start=work, store=store, run_id=run_id) as engine:
            run_id = engine.run_id
            outcome = await say(engine, waiting(await engine.run(), name), name.upper(), BO)
            assert outcome.kind is OutcomeKind.RESOLVED
            await engine.run()
    async with WorkflowEngine(start=work, store=store, run_id=run_id) as engine:
        state = await engine.run()
    assert (state.workflow_status, state.shared) == (WorkflowStatus.COMPLETED, {"answers": ["A", "B", "C"]})
