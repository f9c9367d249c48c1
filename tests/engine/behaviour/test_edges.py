"""Edges: which node follows."""

from __future__ import annotations

from typing import Any

import pytest

from sayso.engine import InvalidWorkflow, Node, Store, Workflow, WorkflowStatus, node
from tests.engine.support import run_once


def passing(name: str) -> Node:
    """A node that notes that the run came by."""

    @node(id=name)
    async def note(shared: dict[str, Any]) -> None:
        shared.setdefault("way", []).append(name)

    return note


async def test_an_unconditional_edge_leads_on_and_no_edge_ends_the_run(store: Store) -> None:
    a, b, c = passing("a"), passing("b"), passing("c")
    a > b > c
    state = await run_once(store, a)
    assert state.workflow_status is WorkflowStatus.COMPLETED
    assert state.shared["way"] == ["a", "b", "c"]


@pytest.mark.parametrize(("colour", "way"), [("red", ["a", "b"]), ("blue", ["a", "c"]), ("grey", ["a", "d"])])
async def test_conditions_are_expressions_or_callables_and_the_unconditional_edge_is_the_fallback(
    store: Store, colour: str, way: list[str]
) -> None:
    a, b, c, d = passing("a"), passing("b"), passing("c"), passing("d")
    a > d  # stands first and is the fallback all the same
    a - "shared['colour'] == 'red'" > b
    a - (lambda shared: shared["colour"] == "blue") > c  # pyright: ignore[reportUnknownLambdaType]
    assert (await run_once(store, a, colour=colour)).shared["way"] == way


async def test_the_first_match_wins(store: Store) -> None:
    a, b, c = passing("a"), passing("b"), passing("c")
    a - "False" > c
    a - "True" > b
    a - "True" > c
    assert (await run_once(store, a)).shared["way"] == ["a", "b"]


async def test_without_a_match_and_a_fallback_the_run_ends(store: Store) -> None:
    a, b = passing("a"), passing("b")
    a - "len(shared['way']) > 5" > b
    state = await run_once(store, a)
    assert state.workflow_status is WorkflowStatus.COMPLETED
    assert state.shared["way"] == ["a"]


async def test_a_condition_sees_a_copy_of_shared(store: Store) -> None:
    def meddles(shared: dict[str, Any]) -> bool:
        shared["way"].append("from the condition")
        return True

    a, b = passing("a"), passing("b")
    a - meddles > b
    assert (await run_once(store, a)).shared["way"] == ["a", "b"]


async def test_a_callable_that_raises_fails_the_run_by_name(store: Store) -> None:
    def is_ready(shared: dict[str, Any]) -> bool:
        return bool(shared["missing"])

    a, b = passing("a"), passing("b")
    a - is_ready > b
    state = await run_once(store, a)
    assert state.workflow_status is WorkflowStatus.FAILED
    assert state.error is not None
    assert "a > b" in state.error
    assert "is_ready" in state.error
    assert "KeyError: 'missing'" in state.error


@pytest.mark.parametrize(
    "expression",
    [
        "shared['missing']",
        "__import__('os').getcwd()",
        "open('/etc/hostname')",
        "().__class__.__bases__",
        "shared.__class__",
        "unknown_name",
    ],
)
async def test_an_expression_is_restricted_and_what_it_may_not_do_fails_the_run_by_name(
    store: Store, expression: str
) -> None:
    a, b = passing("a"), passing("b")
    a - expression > b
    state = await run_once(store, a)
    assert state.workflow_status is WorkflowStatus.FAILED
    assert state.error is not None
    assert state.error.startswith("ConditionFailed")
    assert repr(expression) in state.error
    assert "a > b" in state.error


def test_text_that_is_no_expression_is_refused_where_the_edge_is_written() -> None:
    with pytest.raises(InvalidWorkflow, match="'a'"):
        passing("a") - "shared[" > passing("b")


def test_an_edge_out_of_the_given_nodes_is_refused() -> None:
    a, b = passing("a"), passing("b")
    a > b
    with pytest.raises(InvalidWorkflow, match="a > b"):
        Workflow("cut", a, [a])
