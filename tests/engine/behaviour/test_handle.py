"""The handle on one run: run and step, what a state says, resuming and joining."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import (
    InvalidRequest,
    NodeStatus,
    NotApplicable,
    Runtime,
    Store,
    UnknownRun,
    UnstorableValue,
    Workflow,
    WorkflowEngine,
    WorkflowStatus,
    node,
    request_input,
    step,
)
from tests.engine.support import asking, names, say, until, waiting

pytestmark = pytest.mark.usefixtures("resident")


@node
async def draft(shared: dict[str, Any]) -> None:
    shared["title"] = "Tulips"


@node
async def review(shared: dict[str, Any]) -> None:
    shared["decision"] = await request_input(
        prompt=f"Publish {shared['title']!r}?",
        options=["approve", "reject"],
        input_type="select",
        request_id="publish",
    )


@node
async def publish(shared: dict[str, Any]) -> None:
    shared["published"] = True


draft > review
review - "shared['decision'] == 'approve'" > publish
NODES = [draft, review, publish]


async def test_a_handle_does_no_io_when_constructed_and_knows_its_run_id(database: Path) -> None:
    engine = WorkflowEngine(nodes=NODES, start=draft, store=database)
    assert not await asyncio.to_thread(database.exists)
    assert len(engine.run_id) == 32
    assert engine.workflow_id == "draft"
    state = engine.execution_state
    assert (state.workflow_status, state.next_node_id) == (WorkflowStatus.RUNNING, "draft")
    assert (state.pending, state.awaiting_input, state.error) == ((), None, None)
    await engine.aclose()
    assert not await asyncio.to_thread(database.exists)


async def test_run_drives_to_the_park_and_the_state_says_what_is_awaited(store: Store) -> None:
    async with WorkflowEngine(nodes=NODES, start=draft, store=store) as engine:
        state = await engine.run()
        request = state.awaiting_input
        assert request is not None
        assert state.pending == (request,)
        assert state == engine.execution_state
    assert len(request["id"]) == 32
    assert {
        key: request[key]
        for key in ("revision", "node_id", "request_id", "prompt", "options", "input_type", "run_id")
    } == {
        "revision": 1,
        "node_id": "review",
        "request_id": "publish",
        "prompt": "Publish 'Tulips'?",
        "options": ["approve", "reject"],
        "input_type": "select",
        "run_id": engine.run_id,
    }
    assert state.workflow_status is WorkflowStatus.WAITING_FOR_INPUT
    assert state.shared == {"title": "Tulips"}
    assert state.next_node_id == "review"
    assert state.node_statuses == {
        "draft": NodeStatus.COMPLETED,
        "review": NodeStatus.WAITING_FOR_INPUT,
        "publish": NodeStatus.PENDING,
    }


async def test_a_completed_run_awaits_nothing_and_both_calls_return_at_once(store: Store) -> None:
    async with WorkflowEngine(nodes=NODES, start=draft, store=store) as engine:
        await engine.run()
        state = await engine.run({"publish": "approve"})
        assert await engine.run() == await engine.step() == state
    assert state.workflow_status is WorkflowStatus.COMPLETED
    assert (state.awaiting_input, state.next_node_id, state.error) == (None, None, None)
    assert state.shared == {"title": "Tulips", "decision": "approve", "published": True}
    assert set(state.node_statuses.values()) == {NodeStatus.COMPLETED}


async def test_step_ends_or_parks_one_visit_at_a_time(store: Store) -> None:
    async with WorkflowEngine(nodes=NODES, start=draft, store=store) as engine:
        state = await engine.step()
        assert (state.workflow_status, state.next_node_id) == (WorkflowStatus.RUNNING, "review")
        assert state.node_statuses["draft"] is NodeStatus.COMPLETED
        state = await engine.step()
        assert state.workflow_status is WorkflowStatus.WAITING_FOR_INPUT
        assert names(await engine.step()) == ["publish"]
        state = await engine.step({"publish": "approve"})
        assert (state.workflow_status, state.next_node_id) == (WorkflowStatus.RUNNING, "publish")
        assert "published" not in state.shared
        state = await engine.step()
        assert (state.workflow_status, state.shared["published"]) == (WorkflowStatus.COMPLETED, True)


async def test_a_stepped_run_stands_between_visits_in_a_new_handle_too(store: Store) -> None:
    async with WorkflowEngine(nodes=NODES, start=draft, store=store) as engine:
        await engine.step()
    async with await WorkflowEngine.resume(engine.run_id, NODES, draft, store=store) as again:
        assert again.execution_state.next_node_id == "review"
        assert again.execution_state.node_statuses["draft"] is NodeStatus.COMPLETED
        assert names(await again.step()) == ["publish"]


async def test_after_a_run_every_answer_drives_the_run_to_its_next_park_by_itself(store: Store) -> None:
    reached = asyncio.Event()

    @node
    async def end(shared: dict[str, Any]) -> None:
        reached.set()

    ask = asking()
    ask > end
    async with WorkflowEngine(start=ask, store=store) as engine:
        await say(engine, waiting(await engine.run()), "yes")
        await reached.wait()
        assert (await engine.run()).shared == {"answer": "yes"}


async def test_after_a_step_an_answer_ends_its_visit_and_no_more(store: Store) -> None:
    """Stepped by hand, the run goes on only when it is stepped."""
    entered: list[str] = []

    @node
    async def end(shared: dict[str, Any]) -> None:
        entered.append("end")

    ask = asking()
    ask > end
    async with WorkflowEngine(start=ask, store=store) as engine:
        await say(engine, waiting(await engine.step()), "yes")
        state = await engine.step()
        assert (state.workflow_status, state.next_node_id) == (WorkflowStatus.RUNNING, "end")
        assert entered == []
        assert (await engine.step()).workflow_status is WorkflowStatus.COMPLETED


async def test_run_never_raises_for_what_the_workflow_did(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    @node
    async def fails(shared: dict[str, Any]) -> None:
        shared["lost"] = True
        raise LookupError("no such tulip")

    draft_first = asking()
    draft_first > fails
    async with WorkflowEngine(start=draft_first, store=store) as engine:
        state = await engine.run({"ask": 1})
        assert state == await engine.step()
    assert state.workflow_status is WorkflowStatus.FAILED
    assert state.error == "LookupError: no such tulip"
    assert state.node_statuses == {"ask": NodeStatus.COMPLETED, "fails": NodeStatus.FAILED}
    assert state.shared == {"answer": 1}
    record = next(record for record in caplog.records if record.exc_info)
    assert engine.run_id in record.message
    assert "node fails" in record.message


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("cannot be said")


@pytest.mark.parametrize(
    "error", [ValueError("a lone \ud800 surrogate"), Unspeakable()], ids=["surrogate", "str"]
)
async def test_an_error_whose_text_cannot_be_stored_fails_the_run_and_nothing_else(
    store: Store, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """One run's odd exception must not stop the driver that all runs share."""
    caplog.set_level(logging.CRITICAL, logger="sayso.engine")  # its log cannot be reported either

    @node(max_retries=2)
    async def fails(shared: dict[str, Any]) -> None:
        raise error

    async with Runtime(store, [Workflow("fails", fails), Workflow("ask", asking())]) as runtime:
        state = await runtime.wait(await runtime.start("fails"))
        assert state.workflow_status is WorkflowStatus.FAILED
        assert state.error is not None
        assert state.error.startswith(type(error).__name__)
        assert names(await runtime.wait(await runtime.start("ask"))) == ["ask"]


async def test_a_node_that_cancels_itself_fails_the_run(store: Store) -> None:
    @node
    async def cancels(shared: dict[str, Any]) -> None:
        raise asyncio.CancelledError

    async with WorkflowEngine(start=cancels, store=store) as engine:
        state = await engine.run()
    assert state.workflow_status is WorkflowStatus.FAILED
    assert state.error is not None
    assert state.error.startswith("CancelledError")


async def test_resuming_in_a_new_handle_goes_on_from_what_is_stored(store: Store) -> None:
    async with WorkflowEngine(nodes=NODES, start=draft, store=store) as engine:
        before = await engine.run()
    async with await WorkflowEngine.resume(engine.run_id, NODES, draft, store=store) as again:
        assert again.execution_state == before
        assert (await again.run()) == before
        state = await again.run({"publish": "reject"})
    assert state.workflow_status is WorkflowStatus.COMPLETED
    assert state.shared == {"title": "Tulips", "decision": "reject"}


async def test_a_handle_with_the_id_of_a_stored_run_loads_it_at_the_first_call(store: Store) -> None:
    async with WorkflowEngine(nodes=NODES, start=draft, store=store) as engine:
        await engine.run({"publish": "reject"})
    again = WorkflowEngine(nodes=NODES, start=draft, store=store, run_id=engine.run_id)
    assert again.execution_state.shared == {}
    state = await again.run()
    assert (state.workflow_status, state.shared["decision"]) == (WorkflowStatus.COMPLETED, "reject")
    await again.aclose()


async def test_a_stored_run_has_its_own_state_and_workflow(store: Store) -> None:
    async with WorkflowEngine(nodes=NODES, start=draft, store=store, workflow_id="tulips") as engine:
        await engine.run()
    async with WorkflowEngine(
        NODES, draft, "tulips", engine.run_id, store, initial_shared_state={"title": "Roses"}
    ) as again:
        with pytest.raises(InvalidRequest, match=r"^initial_shared_state: "):
            await again.run()
    async with WorkflowEngine(NODES, draft, "roses", engine.run_id, store) as again:
        with pytest.raises(NotApplicable, match="workflow_id='tulips'"):
            await again.run()
    with pytest.raises(UnknownRun, match="'no such run'"):
        await WorkflowEngine.resume("no such run", NODES, draft, store=store)


async def test_an_initial_state_that_cannot_be_stored_is_refused_with_its_path(store: Store) -> None:
    async with WorkflowEngine(
        start=draft, nodes=NODES, store=store, initial_shared_state={"a": {1}}
    ) as engine:
        with pytest.raises(UnstorableValue) as refused:
            await engine.run()
    assert refused.value.path == "initial_shared_state['a']"


async def test_a_second_handle_on_a_live_run_joins_it(store: Store) -> None:
    async with WorkflowEngine(start=asking(), store=store) as first:
        await first.run()
        second = await WorkflowEngine.resume(first.run_id, start=asking(), store=store)
        assert second.execution_state == first.execution_state
        state = await second.run({"ask": "by the second"})
        assert state == first.execution_state
        assert state.shared == {"answer": "by the second"}
        assert state.pending == ()
        await second.aclose()


async def test_closing_a_joined_handle_leaves_the_run_driven_and_closing_twice_is_harmless(
    store: Store,
) -> None:
    async with WorkflowEngine(start=asking(), store=store) as first:
        await first.run()
        second = await WorkflowEngine.resume(first.run_id, start=asking(), store=store)
        await second.aclose()
        await second.aclose()
        assert (await first.run({"ask": 1})).workflow_status is WorkflowStatus.COMPLETED


async def test_handles_on_one_file_share_one_store(database: Path) -> None:
    """Two handles that name the file by its path neither lock each other out nor drive the run twice."""
    async with WorkflowEngine(start=asking(), store=database) as first:
        await first.run()
        url = f"sqlite:///{database}"
        async with WorkflowEngine(start=asking(), run_id=first.run_id, store=url) as second:
            await second.run({"ask": 1})
            assert first.execution_state.workflow_status is WorkflowStatus.COMPLETED


async def test_cancelling_a_run_call_leaves_the_run_driven(store: Store) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    @node
    async def slow(shared: dict[str, Any]) -> None:
        entered.set()
        await go_on.wait()
        shared["done"] = True

    async with WorkflowEngine(start=slow, store=store) as engine:
        call = asyncio.ensure_future(engine.run())
        await entered.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        go_on.set()
        assert (await engine.run()).shared == {"done": True}


async def test_two_run_calls_at_once_drive_one_run(store: Store) -> None:
    async with WorkflowEngine(nodes=NODES, start=draft, store=store) as engine:
        first, second = await asyncio.gather(engine.run(), engine.run())
        assert first == second
        assert names(first) == ["publish"]
        waiting_call, answering_call = await asyncio.gather(engine.run(), engine.run({"publish": "approve"}))
        assert answering_call.workflow_status is WorkflowStatus.COMPLETED
        assert waiting_call.workflow_status in (
            WorkflowStatus.WAITING_FOR_INPUT,
            WorkflowStatus.COMPLETED,
        )


async def test_other_awaits_of_a_node_are_not_waited_for_once_a_request_is_open(store: Store) -> None:
    """A visit is parked while its sleep or HTTP call goes on; a request that comes of it appears later."""
    arrived = asyncio.Event()
    asked = asyncio.Event()

    @node
    async def fetch_and_ask(shared: dict[str, Any]) -> None:
        async def fetch() -> Any:
            await arrived.wait()
            asked.set()
            return await request_input(request_id="fetched")

        shared["answers"] = await asyncio.gather(request_input(request_id="open"), fetch())

    async with WorkflowEngine(start=fetch_and_ask, store=store) as engine:
        assert names(await engine.run()) == ["open"]
        arrived.set()
        state = await engine.run({"open": 1, "fetched": 2})
        assert state.shared == {"answers": [1, 2]}


async def test_a_visit_is_not_parked_while_a_step_begun_in_it_is_in_flight(store: Store) -> None:
    begun, finish = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        begun.set()
        await finish.wait()
        return "worked"

    @node
    async def both(shared: dict[str, Any]) -> None:
        shared["results"] = await asyncio.gather(request_input(request_id="open"), step("work", work))

    async with WorkflowEngine(start=both, store=store) as engine:
        running = asyncio.ensure_future(engine.run())
        await begun.wait()
        await until(lambda: names(engine.execution_state) == ["open"])
        assert not running.done()
        finish.set()
        assert (await running).workflow_status is WorkflowStatus.WAITING_FOR_INPUT
        assert (await engine.run({"open": 1})).shared == {"results": [1, "worked"]}


async def test_the_state_that_is_shown_is_a_copy(store: Store) -> None:
    async with WorkflowEngine(
        start=asking(), store=store, initial_shared_state={"deep": {"list": [1]}}
    ) as engine:
        state = await engine.run()
        state.shared["deep"]["list"].append(2)
        assert (await engine.run({"ask": "x"})).shared == {"deep": {"list": [1]}, "answer": "x"}
