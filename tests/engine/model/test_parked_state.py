"""What a parked run shows is its state at its latest park, also in a new process."""

from __future__ import annotations

from typing import Any

from sayso.engine import Runtime, Store, Workflow, node, request_input
from tests.engine.support import say, waiting


async def test_a_visit_that_parks_again_with_the_state_of_its_beginning_shows_that(
    store: Store,
) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["draft"] = 1
        await request_input("One?", request_id="one")
        del shared["draft"]
        await request_input("Two?", request_id="two")

    async with Runtime(store, [Workflow("flow", ask)]) as runtime:
        run_id = await runtime.start("flow", {"a": 1})
        first = await runtime.wait(run_id)
        await say(runtime, waiting(first), "x")
        second = await runtime.wait(run_id)
        assert (first.shared, second.shared) == ({"a": 1, "draft": 1}, {"a": 1})
