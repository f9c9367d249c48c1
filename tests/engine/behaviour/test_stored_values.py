"""Stored values: whatever would not come back equal and of the same type is refused, with its path."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import (
    SQLiteStore,
    Store,
    UnstorableValue,
    ValueTooLarge,
    WorkflowEngine,
    WorkflowStatus,
    node,
    request_input,
    step,
)
from tests.engine.support import asking, names, run_once, say, waiting


class Word(str):
    __slots__ = ()


class Level(IntEnum):
    HIGH = 1


def containing_itself() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    return loop


UNSTORABLE: dict[str, Any] = {
    "tuple": (1, 2),
    "set": {1},
    "bytes": b"b",
    "nan": math.nan,
    "infinity": -math.inf,
    "int keys": {1: "a"},
    "None key": {None: 1},
    "datetime": datetime(2026, 1, 1, tzinfo=UTC),
    "Decimal": Decimal(1),
    "subclass of str": Word("x"),
    "key of a subclass of str": {Word("x"): 1},
    "enum": Level.HIGH,
    "object": object(),
    "number of too many digits": 10**5000,
    "lone surrogate": "\ud800",
    "key with a lone surrogate": {"\ud800": 1},
}
AS_THEY_ARE: list[Any] = [
    None,
    True,
    1,
    1.0,
    -0.0,
    1e300,
    2**63,
    10**300,
    -(2**63),
    "",
    "\u0000 and \U0001f337",
    [],
    {},
    {"": [None, True, 0, 0.5, {"nested": [[]]}]},
]


async def refuse_answer(store: Store, value: Any) -> tuple[UnstorableValue, str]:
    async with WorkflowEngine(start=asking(), store=store) as engine:
        request = waiting(await engine.run())
        with pytest.raises(UnstorableValue) as refused:
            await say(engine, request, [value], via="code")
        assert names(await engine.run()) == ["ask"]
    return refused.value, "value[0]"


async def refuse_input(store: Store, value: Any) -> tuple[UnstorableValue, str]:
    async with WorkflowEngine(start=asking(), store=store) as engine:
        await engine.run()
        with pytest.raises(UnstorableValue) as refused:
            await engine.run({"ask": [value]})
        assert names(await engine.run()) == ["ask"]
    return refused.value, "input_data['ask'][0]"


async def refuse_initial_state(store: Store, value: Any) -> tuple[UnstorableValue, str]:
    with pytest.raises(UnstorableValue) as refused:
        await run_once(store, asking(), key=[value])
    return refused.value, "initial_shared_state['key'][0]"


async def refuse_in_a_node(store: Store, call: Callable[[], Awaitable[Any]]) -> UnstorableValue:
    caught: list[UnstorableValue] = []

    @node
    async def work(shared: dict[str, Any]) -> None:
        with pytest.raises(UnstorableValue) as refused:
            await call()
        caught.append(refused.value)

    await run_once(store, work)
    return caught[0]


async def refuse_argument(store: Store, value: Any) -> tuple[UnstorableValue, str]:
    error = await refuse_in_a_node(store, lambda: step("s", repr, value))
    return error, "step 's': argument[0]"


async def refuse_result(store: Store, value: Any) -> tuple[UnstorableValue, str]:
    error = await refuse_in_a_node(store, lambda: step("s", lambda: [value]))
    return error, "the result of step 's'[0]"


async def refuse_details(store: Store, value: Any) -> tuple[UnstorableValue, str]:
    return await refuse_in_a_node(store, lambda: request_input(details=[value])), "details[0]"


PLACES = [
    refuse_answer,
    refuse_input,
    refuse_initial_state,
    refuse_argument,
    refuse_result,
    refuse_details,
]


@pytest.mark.parametrize("name", UNSTORABLE)
@pytest.mark.parametrize("place", PLACES)
async def test_what_json_would_change_is_refused_with_its_path(
    store: Store,
    place: Callable[[Store, Any], Awaitable[tuple[UnstorableValue, str]]],
    name: str,
) -> None:
    error, path = await place(store, UNSTORABLE[name])
    if "surrogate" in name or "digits" in name:
        # The encoder finds these, and it knows only the whole value.
        assert path.startswith(error.path)
    else:
        assert error.path == path


@pytest.mark.parametrize("place", PLACES)
async def test_a_list_that_contains_itself_is_refused(
    store: Store, place: Callable[[Store, Any], Awaitable[tuple[UnstorableValue, str]]]
) -> None:
    error, path = await place(store, containing_itself())
    assert path.startswith(error.path)
    assert "contains itself" in error.reason


@pytest.mark.parametrize("name", UNSTORABLE)
@pytest.mark.usefixtures("resident")
async def test_state_that_json_would_change_fails_the_run_at_the_visits_end(store: Store, name: str) -> None:
    @node
    async def work(shared: dict[str, Any]) -> None:
        shared["key"] = {"deep": [UNSTORABLE[name]]}

    state = await run_once(store, work)
    assert state.workflow_status is WorkflowStatus.FAILED
    assert state.error is not None
    assert state.error.startswith("UnstorableValue: shared")
    assert state.shared == {}
    if "surrogate" not in name and "digits" not in name:
        assert "shared['key']['deep'][0]" in state.error


@pytest.mark.parametrize("name", UNSTORABLE)
@pytest.mark.usefixtures("resident")
async def test_state_that_json_would_change_is_refused_at_the_await(store: Store, name: str) -> None:
    @node
    async def work(shared: dict[str, Any]) -> None:
        shared["key"] = UNSTORABLE[name]
        await request_input()

    state = await run_once(store, work)
    assert state.workflow_status is WorkflowStatus.FAILED
    assert state.error is not None
    assert state.error.startswith("UnstorableValue: shared")
    assert await store.reader.pending() == []


@pytest.mark.parametrize("value", AS_THEY_ARE, ids=repr)
@pytest.mark.usefixtures("resident")
async def test_stored_values_come_back_equal_and_of_the_same_type(store: Store, value: Any) -> None:
    """1.0 stays a float and True a bool, in an answer, a step's result and `shared`, before and after a restart."""

    @node
    async def work(shared: dict[str, Any]) -> None:
        shared["step"] = await step("s", lambda: value)
        shared["answer"] = await request_input(request_id="first")
        await request_input(request_id="second")

    expected = {"initial": value, "step": value, "answer": value}
    async with WorkflowEngine(start=work, store=store, initial_shared_state={"initial": value}) as engine:
        state = await engine.run({"first": value})
        assert repr(state.shared) == repr(expected)
    async with WorkflowEngine(start=work, store=store, run_id=engine.run_id) as again:
        assert repr((await again.run()).shared) == repr(expected)
        assert repr((await again.run({"second": 0})).shared) == repr(expected)


@pytest.mark.usefixtures("resident")
async def test_a_value_above_the_limit_has_its_own_error_with_path_and_sizes(database: Path) -> None:
    async with SQLiteStore(database, value_limit=1000) as store:
        large = "x" * 1000

        @node
        async def work(shared: dict[str, Any]) -> None:
            calls: list[Callable[[], Awaitable[Any]]] = [
                lambda: step("argument", len, large),
                lambda: step("result", lambda: large),
                lambda: request_input(prompt=large),
                lambda: request_input(details=large),
            ]
            for call in calls:
                with pytest.raises(ValueTooLarge) as refused:
                    await call()
                shared.setdefault("paths", []).append([refused.value.path, refused.value.limit])
            await request_input()
            shared["large"] = large

        async with WorkflowEngine(start=work, store=store) as engine:
            state = await engine.run()
            assert [path for path, limit in state.shared["paths"] if limit == 1000] == [
                "step 'argument': argument[0]",
                "the result of step 'result'",
                "the question 'work'",
                "the question 'work#2'",
            ]
            request = waiting(state)
            with pytest.raises(ValueTooLarge, match="value"):
                await say(engine, request, large)
            with pytest.raises(ValueTooLarge, match="input_data"):
                await engine.run({"work#3": large})
            state = await engine.run({"work#3": "x"})
    assert state.error is not None
    assert state.error.startswith("ValueTooLarge: shared is 1,")
