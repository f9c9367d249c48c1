"""Code of a workflow that raises what is meant for the interpreter: its run fails, and nothing else happens."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import pytest

from sayso.engine import Node, Runtime, Store, StrayExit, Workflow, WorkflowStatus, node, step
from tests.engine.support import run_once


class OfAnotherLibrary(BaseException):
    """As of a library that stops its own tasks."""


STRAY = [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), StopIteration("spent"), OfAnotherLibrary("go")]


class Phases(Node):
    """Its phases in threads; `config` says which of them raises, and what."""

    def _may_raise(self, phase: str) -> None:
        where, error = self.config
        if where == phase:
            raise error

    def prepare(self, shared: dict[str, Any], request_input: Any) -> Any:
        self._may_raise("prepare")

    def execute(self, prepared: Any) -> Any:
        self._may_raise("execute")
        if self.config[0] == "exec_fallback":
            raise RuntimeError("no")

    def exec_fallback(self, prepared: Any, error: Exception) -> Any:
        self._may_raise("exec_fallback")
        raise error

    def cleanup(self, shared: dict[str, Any], prepared: Any, result: Any) -> Any:
        self._may_raise("cleanup")


class AsyncPhases(Phases):
    """The same on the loop."""

    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        self._may_raise("prepare")

    async def execute(self, prepared: Any) -> None:
        Phases.execute(self, prepared)

    async def exec_fallback(self, prepared: Any, error: Exception) -> None:
        Phases.exec_fallback(self, prepared, error)

    async def cleanup(self, shared: dict[str, Any], prepared: Any, result: Any) -> None:
        self._may_raise("cleanup")


class Copied(Node):
    """Raises when the visit's copy of it is made."""

    def __copy__(self) -> NoReturn:
        raise self.config


def in_a_step(error: BaseException) -> Node:
    def work() -> NoReturn:
        raise error

    async def steps(shared: dict[str, Any]) -> None:
        await step("work", work)

    return node(steps)


def in_a_step_of_a_task(error: BaseException) -> Node:
    async def work() -> NoReturn:
        raise error

    async def steps(shared: dict[str, Any]) -> None:
        await asyncio.gather(step("work", work))

    return node(steps)


def in_a_condition(error: BaseException) -> Node:
    def condition(shared: Any) -> NoReturn:
        raise error

    first = Node("first")
    _ = first - condition > Node("second")
    return first


def in_its_text(error: BaseException) -> Node:
    class Unreadable(Exception):
        def __str__(self) -> str:
            raise error

    def raises(shared: dict[str, Any]) -> None:
        raise Unreadable

    return node(raises)


def in_a_phase(kind: type[Phases], phase: str, error: BaseException) -> Node:
    return kind(config=(phase, error))


PHASES = ("prepare", "execute", "exec_fallback", "cleanup")
PLACES: dict[str, Callable[[BaseException], Node]] = {
    **{phase: partial(in_a_phase, Phases, phase) for phase in PHASES},
    **{f"async {phase}": partial(in_a_phase, AsyncPhases, phase) for phase in PHASES},
    "copy": lambda error: Copied(config=error),
    "step": in_a_step,
    "step of a task": in_a_step_of_a_task,
    "condition": in_a_condition,
    "text of an error": in_its_text,
}


@pytest.mark.parametrize("error", STRAY, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("place", PLACES)
async def test_the_run_fails_and_says_with_what(store: Store, place: str, error: BaseException) -> None:
    """Wherever a workflow's code is called, and whatever it raises there."""
    state = await run_once(store, PLACES[place](error))
    assert state.workflow_status is WorkflowStatus.FAILED
    assert type(error).__name__ in (state.error or "")


async def test_what_exits_is_retried_like_any_failure_and_reaches_the_fallback(store: Store) -> None:
    class Exits(Node):
        tried = 0

        def execute(self, prepared: Any) -> None:
            type(self).tried += 1
            sys.exit("no such file")

        def exec_fallback(self, prepared: Any, error: Exception) -> str:
            assert isinstance(error, StrayExit)
            return error.raised

        def cleanup(self, shared: dict[str, Any], prepared: Any, result: str) -> None:
            shared["result"] = [self.tried, result]

    state = await run_once(store, Exits(max_retries=2))
    assert state.shared == {"result": [2, "SystemExit: no such file"]}


async def test_a_graph_that_cannot_be_described_starts_no_run_and_ends_nothing(store: Store) -> None:
    """The definition is taken on the loop that drives all runs."""

    class Condition:
        def __repr__(self) -> str:
            sys.exit(1)

        def __call__(self, shared: Any) -> bool:
            return True

    first, quick = Node("first"), Node("quick")
    _ = first - Condition() > Node("second")
    async with Runtime(store, [Workflow("odd", first), Workflow("quick", quick)]) as runtime:
        with pytest.raises(StrayExit):
            await runtime.start("odd")
        state = await runtime.wait(await runtime.start("quick"))
        assert state.workflow_status is WorkflowStatus.COMPLETED
