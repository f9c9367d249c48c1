"""A node that cancels its own await withdraws the request; an answer that was committed first wins."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sayso.engine import (
    OutcomeKind,
    RequestStatus,
    Store,
    WorkflowEngine,
    WorkflowStatus,
    node,
    request_input,
    step,
)
from tests.engine.support import names, say, until, waiting


async def status_of(store: Store, request: dict[str, Any]) -> RequestStatus:
    record = await store.reader.request(request["id"])
    assert record is not None
    return record.status


class OwnTimeOut:
    """A node with a time-out of its own, which the test lets strike; then it asks something else."""

    def __init__(self) -> None:
        self.limits: list[asyncio.Timeout] = []
        self.waiting_again = asyncio.Event()

        @node
        async def ask(shared: dict[str, Any]) -> None:
            try:
                async with asyncio.timeout(None) as limit:
                    self.limits.append(limit)
                    if len(self.limits) > 1:
                        self.waiting_again.set()
                    shared["answer"] = await request_input(request_id="quick")
            except TimeoutError:
                shared["timed out"] = True
            shared["after"] = await request_input(request_id="after")

        self.node = ask

    def strike(self) -> None:
        self.limits[-1].reschedule(asyncio.get_running_loop().time())


async def test_a_timeout_of_the_nodes_own_withdraws_the_request(store: Store) -> None:
    time_out = OwnTimeOut()
    async with WorkflowEngine(start=time_out.node, store=store) as engine:
        request = waiting(await engine.run())
        time_out.strike()
        await until(lambda: names(engine.execution_state) == ["after"])
        assert (await say(engine, request, "late")).kind is OutcomeKind.WITHDRAWN
        state = await engine.run({"after": 1})
    assert state.shared == {"timed out": True, "after": 1}
    assert await status_of(store, request) is RequestStatus.WITHDRAWN
    rows = [row.payload async for row in store.reader.audit(engine.run_id) if row.kind == "request_withdrawn"]
    assert rows == [{"by": "node"}]


async def test_on_replay_a_withdrawn_await_blocks_until_it_is_cancelled_again(store: Store) -> None:
    """Otherwise a replay could take another way than the one that was recorded."""
    time_out = OwnTimeOut()
    async with WorkflowEngine(start=time_out.node, store=store) as engine:
        await engine.run()
        time_out.strike()
        await until(lambda: names(engine.execution_state) == ["after"])
        after = waiting(await engine.run())
    async with WorkflowEngine(start=time_out.node, store=store, run_id=engine.run_id) as again:
        assert waiting(await again.run()) == after
        answered = asyncio.ensure_future(again.run({"after": 1}))
        await time_out.waiting_again.wait()
        assert not answered.done()
        time_out.strike()
        state = await answered
    assert (state.workflow_status, state.shared) == (
        WorkflowStatus.COMPLETED,
        {"timed out": True, "after": 1},
    )


async def test_wait_for_withdraws_the_request_when_its_time_is_up(store: Store) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        try:
            await asyncio.wait_for(request_input(request_id="quick"), timeout=0.01)
        except TimeoutError:
            shared["timed out"] = True

    async with WorkflowEngine(start=ask, store=store) as engine:
        await engine.run()
        await until(lambda: engine.execution_state.workflow_status is WorkflowStatus.COMPLETED)
        assert engine.execution_state.shared == {"timed out": True}
    assert await store.reader.pending() == []


@node
async def race(shared: dict[str, Any]) -> None:
    tasks = [
        asyncio.create_task(request_input(request_id=name), name=name) for name in ("left", "middle", "right")
    ]
    done, losers = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for loser in losers:
        loser.cancel()
    await asyncio.gather(*losers, return_exceptions=True)
    shared["winner"] = sorted(task.get_name() for task in done)
    shared["cancelled"] = sorted(task.get_name() for task in losers if task.cancelled())
    shared["after"] = await request_input(request_id="after")


@pytest.mark.usefixtures("resident")
async def test_the_losing_branches_of_a_race_are_withdrawn_and_a_replay_takes_the_same_way(
    store: Store,
) -> None:
    async with WorkflowEngine(start=race, store=store) as engine:
        state = await engine.run()
        requests = {name: waiting(state, name) for name in names(state)}
        await say(engine, requests["middle"], "first")
        state = await engine.run()
        assert names(state) == ["after"]
        for name in ("left", "right"):
            assert await status_of(store, requests[name]) is RequestStatus.WITHDRAWN
            assert (await say(engine, requests[name], "late")).kind is OutcomeKind.WITHDRAWN
    async with WorkflowEngine(start=race, store=store, run_id=engine.run_id) as again:
        state = await again.run({"after": "done"})
    assert state.shared == {"winner": ["middle"], "cancelled": ["left", "right"], "after": "done"}


async def test_an_answer_committed_before_the_cancel_is_returned_and_swallows_the_cancellation(
    store: Store,
) -> None:
    askers: list[asyncio.Task[Any]] = []

    @node
    async def ask(shared: dict[str, Any]) -> None:
        askers.append(asyncio.create_task(request_input(request_id="raced")))
        results = await asyncio.gather(askers[0], return_exceptions=True)
        shared["result"] = repr(results[0])

    async with WorkflowEngine(start=ask, store=store) as engine:
        request = waiting(await engine.run())
        answering = asyncio.ensure_future(say(engine, request, "yes"))
        await asyncio.sleep(0)  # the answer has queued up before the withdrawal
        askers[0].cancel()
        assert (await answering).kind is OutcomeKind.RESOLVED
        state = await engine.run()
    assert (state.workflow_status, state.shared) == (WorkflowStatus.COMPLETED, {"result": "'yes'"})
    assert await status_of(store, request) is RequestStatus.ANSWERED
    assert not askers[0].cancelled()


async def test_a_cancel_before_the_answer_wins_and_the_answer_is_refused(store: Store) -> None:
    askers: list[asyncio.Task[Any]] = []

    @node
    async def ask(shared: dict[str, Any]) -> None:
        askers.append(asyncio.create_task(request_input(request_id="raced")))
        results = await asyncio.gather(askers[0], return_exceptions=True)
        shared["result"] = type(results[0]).__name__

    async with WorkflowEngine(start=ask, store=store) as engine:
        request = waiting(await engine.run())
        askers[0].cancel()
        await asyncio.sleep(0)  # the withdrawal has queued up before the answer
        assert (await say(engine, request, "yes")).kind is OutcomeKind.WITHDRAWN
        await until(lambda: engine.execution_state.workflow_status is WorkflowStatus.COMPLETED)
        state = await engine.run()
    assert state.shared == {"result": "CancelledError"}


@pytest.mark.usefixtures("resident")
async def test_the_end_of_a_visit_withdraws_what_is_still_open(store: Store) -> None:
    @node
    async def leaves_one_open(shared: dict[str, Any]) -> None:
        aside = asyncio.create_task(request_input(request_id="aside"))
        await step("let it be asked", lambda: None)
        shared["main"] = await request_input(request_id="main")
        shared["aside"] = aside.done()

    @node
    async def following(shared: dict[str, Any]) -> None:
        await request_input(request_id="next")

    leaves_one_open > following
    async with WorkflowEngine(start=leaves_one_open, store=store) as engine:
        aside = waiting(await engine.run(), "aside")
        state = await engine.run({"main": 1})
    assert names(state) == ["next"]
    assert state.shared == {"main": 1, "aside": False}
    assert await status_of(store, aside) is RequestStatus.WITHDRAWN


@pytest.mark.usefixtures("resident")
async def test_a_visit_that_fails_withdraws_what_is_still_open(store: Store) -> None:
    @node
    async def fails(shared: dict[str, Any]) -> None:
        async def give_up() -> None:
            await request_input(request_id="first")
            raise LookupError("gave up")

        async with asyncio.TaskGroup() as group:
            group.create_task(request_input(request_id="second"))
            group.create_task(give_up())

    async with WorkflowEngine(start=fails, store=store) as engine:
        second = waiting(await engine.run(), "second")
        state = await engine.run({"first": 1})
    assert state.workflow_status is WorkflowStatus.FAILED
    assert state.pending == ()
    assert await status_of(store, second) is RequestStatus.WITHDRAWN
