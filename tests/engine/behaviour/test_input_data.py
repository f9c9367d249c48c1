"""Input by name: `run({...})` and `step({...})` match entries to open requests, all together, each once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sayso.engine import (
    AnswerRefused,
    OutcomeKind,
    Store,
    UnstorableValue,
    UnusedInput,
    WorkflowEngine,
    WorkflowStatus,
    local_person,
    node,
    request_input,
)
from tests.engine.support import asking, names, waiting

pytestmark = pytest.mark.usefixtures("resident")


@node
async def both(shared: dict[str, Any]) -> None:
    shared["answers"] = await asyncio.gather(
        request_input(request_id="left", input_type="number"),
        request_input(request_id="right", input_type="number"),
    )


@node
async def one_by_one(shared: dict[str, Any]) -> None:
    for name in ("first", "second", "third"):
        shared[name] = await request_input(request_id=name)


@pytest.mark.parametrize("key", ["id", "request_id", "node_id"])
async def test_an_entry_is_matched_by_id_by_request_id_or_by_node_id(store: Store, key: str) -> None:
    async with WorkflowEngine(start=asking(request_id="named"), store=store) as engine:
        request = waiting(await engine.run())
        assert (request["request_id"], request["node_id"]) == ("named", "ask")
        state = await engine.run({request[key]: "yes"})
    assert state.shared == {"answer": "yes"}


@pytest.mark.parametrize("call", ["run", "step"])
async def test_complex_values_reach_the_node_as_given(store: Store, call: str) -> None:
    form = {"name": "Bob", "preferences": ["pizza", "hiking"], "nested": [{"a": None, "b": 1.0, "c": True}]}
    async with WorkflowEngine(start=asking(request_id="form_response"), store=store) as engine:
        await engine.run()
        state = await (engine.run if call == "run" else engine.step)({"form_response": form})
    assert state.shared["answer"] == form
    assert repr(state.shared["answer"]) == repr(form)


async def test_a_request_id_goes_before_a_node_id(store: Store) -> None:
    @node(id="x")
    async def ask(shared: dict[str, Any]) -> None:
        shared["y"] = await request_input(request_id="y")
        shared["x"] = await request_input(request_id="x")

    async with WorkflowEngine(start=ask, store=store) as engine:
        await engine.run()
        state = await engine.run({"y": "for y", "x": "for x"})
    assert state.shared == {"y": "for y", "x": "for x"}


async def test_a_node_id_means_nothing_while_the_node_has_two_open_requests(store: Store) -> None:
    async with WorkflowEngine(start=both, store=store) as engine:
        await engine.run()
        with pytest.raises(UnusedInput) as unused:
            await engine.run({"both": 1})
        assert unused.value.keys == ("both",)
        assert unused.value.open_requests == ("left", "right")
        assert names(engine.execution_state) == ["left", "right"]
        assert names(await engine.run({"left": 1})) == ["right"]
        assert (await engine.run({"both": 2})).shared == {"answers": [1, 2]}


@pytest.mark.parametrize("call", ["run", "step"])
async def test_entries_for_questions_reached_later_in_the_same_call_wait(store: Store, call: str) -> None:
    async with WorkflowEngine(start=one_by_one, store=store) as engine:
        await engine.run()
        state = await (engine.run if call == "run" else engine.step)({"third": 3, "second": 2, "first": 1})
    assert state.workflow_status is WorkflowStatus.COMPLETED
    assert state.shared == {"first": 1, "second": 2, "third": 3}


async def test_the_first_call_can_bring_all_answers_along(store: Store) -> None:
    async with WorkflowEngine(start=one_by_one, store=store) as engine:
        state = await engine.run({"third": 3, "second": 2, "first": 1})
    assert state.shared == {"first": 1, "second": 2, "third": 3}


async def test_each_entry_is_used_once(store: Store) -> None:
    """A loop that asks under one name must not be answered round after round by one entry."""
    ask = asking(request_id="again")
    ask - "shared['answer'] == 'more'" > ask
    async with WorkflowEngine(start=ask, store=store) as engine:
        first = waiting(await engine.run())
        second = waiting(await engine.run({"again": "more"}))
        assert first["id"] != second["id"]
        assert (await engine.run({"again": "enough"})).workflow_status is WorkflowStatus.COMPLETED


async def test_entries_are_validated_together_and_a_refused_one_leaves_all_uncommitted(
    store: Store,
) -> None:
    async with WorkflowEngine(start=both, store=store) as engine:
        before = await engine.run()
        with pytest.raises(AnswerRefused, match="'right'") as refused:
            await engine.run({"left": 1, "right": "two"})
        assert refused.value.key == "right"
        assert refused.value.outcome.kind is OutcomeKind.INVALID
        assert engine.execution_state.pending == before.pending
        assert [record.name for record in await store.reader.pending()] == ["left", "right"]
        assert (await engine.run({"left": 1, "right": 2})).shared == {"answers": [1, 2]}


async def test_what_is_left_over_is_unused_after_the_rest_was_committed(store: Store) -> None:
    async with WorkflowEngine(start=one_by_one, store=store) as engine:
        await engine.run()
        with pytest.raises(UnusedInput, match="'nobody asks'") as unused:
            await engine.run({"first": 1, "nobody asks": 0})
        assert unused.value.keys == ("nobody asks",)
        assert unused.value.open_requests == ("second",)
        state = await engine.run()
        assert names(state) == ["second"]
        assert state.shared["first"] == 1


async def test_input_for_a_run_that_has_ended_is_unused(store: Store) -> None:
    async with WorkflowEngine(start=asking(), store=store) as engine:
        await engine.run({"ask": 1})
        for call in (engine.run, engine.step):
            with pytest.raises(UnusedInput, match="waiting now: nothing"):
                await call({"ask": 2})
        assert engine.execution_state.shared == {"answer": 1}


async def test_input_that_cannot_be_stored_is_refused_before_anything_happens(store: Store) -> None:
    async with WorkflowEngine(start=asking(), store=store) as engine:
        await engine.run()
        with pytest.raises(UnstorableValue) as refused:
            await engine.run({"ask": {"a": [(1,)]}})
        assert refused.value.path == "input_data['ask']['a'][0]"
        assert names(engine.execution_state) == ["ask"]


async def test_stored_open_requests_are_matched_before_any_code_runs(store: Store) -> None:
    """After a restart the answer counts even though the node has not asked again."""
    entered: list[str] = []

    @node
    async def ask(shared: dict[str, Any]) -> None:
        entered.append("entered")
        shared["answer"] = await request_input()

    async with WorkflowEngine(start=ask, store=store) as engine:
        await engine.run()
    entered.clear()
    async with await WorkflowEngine.resume(engine.run_id, start=ask, store=store) as again:
        with pytest.raises(UnusedInput):
            await again.run({"other": 1})
        assert entered == []
        assert (await again.run({"ask": "yes"})).shared == {"answer": "yes"}


async def test_input_by_name_is_trusted_code_of_the_local_user(store: Store) -> None:
    async with WorkflowEngine(start=asking(), store=store) as engine:
        await engine.run({"ask": "yes"})
    rows = [row async for row in store.reader.audit(engine.run_id) if row.kind == "answer_accepted"]
    assert [(row.person, row.via) for row in rows] == [(local_person(), "code")]
    assert local_person().startswith("local:")
