"""`check_parked`: what a deploy would mean for the runs that are parked now; it writes nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import (
    Finding,
    Node,
    Runtime,
    SQLiteReader,
    Store,
    Workflow,
    check_parked,
    node,
    request_input,
    step,
)
from sayso.engine.store import AnswerAttempt
from tests.engine.support import ANA, say, waiting


def version(
    text: str = "Publish?", *, id: str = "review", extra: bool = False, steps: bool = False, asks: bool = True
) -> Node:
    """A node in several versions; each writes what it does to `shared`, so that only the version differs."""

    @node(id=id)
    async def review(shared: dict[str, Any]) -> None:
        shared["first"] = await request_input(prompt="First?", request_id="first")
        if steps:
            shared["step"] = await step("new step", lambda: 1)
        if extra:
            shared["extra"] = await request_input(request_id="extra")
        if asks:
            shared["second"] = await request_input(prompt=text, request_id="second")

    return review


def rewritten() -> Node:
    @node
    async def review(shared: dict[str, Any]) -> None:
        for name, text in (("first", "First?"), ("second", "Publish?")):
            shared[name] = await request_input(prompt=text, request_id=name)

    return review


async def park_one(store: Store) -> None:
    """A run of the first version, parked at its second question."""
    async with Runtime(store, [Workflow("flow", version())]) as runtime:
        request = waiting(await runtime.wait(await runtime.start("flow", run_id="run")))
        await say(runtime, request, "answer")
        await runtime.wait("run")


async def check(database: Path, start: Node, *, replay: bool) -> Finding:
    async with SQLiteReader(database) as reader:
        [finding] = await check_parked(reader, Workflow("flow", start), replay=replay)
    assert finding.run_id == "run"
    return finding


async def test_unchanged_code_is_found_the_same(store: Store, database: Path) -> None:
    await park_one(store)
    finding = await check(database, version(), replay=False)
    assert (finding.severity, finding.text, finding.node_id) == (
        "same",
        "names, edges and the node's own code are unchanged",
        "review",
    )
    finding = await check(database, version(), replay=True)
    assert (finding.severity, finding.text) == ("same", "waits at the same question")


async def test_a_node_that_is_gone_is_found_broken(store: Store, database: Path) -> None:
    await park_one(store)
    for replay in (False, True):
        finding = await check(database, version(id="renamed"), replay=replay)
        assert finding.severity == "broken"
        assert "node 'review' is gone" in finding.text


async def test_a_run_that_goes_on_with_a_question_open_is_found_too(store: Store, database: Path) -> None:
    """One of two questions was answered, and nothing drives the run: its card is out like any other."""

    @node(id="review")
    async def asks_two(shared: dict[str, Any]) -> None:
        await asyncio.gather(request_input(request_id="first"), request_input(request_id="second"))

    async with Runtime(store, [Workflow("flow", asks_two)]) as runtime:
        first = waiting(await runtime.wait(await runtime.start("flow", run_id="run")), "first")
    await store.answer(AnswerAttempt(first["id"], first["revision"], "yes", ANA, "console"))
    finding = await check(database, version(id="renamed"), replay=False)
    assert finding.severity == "broken"


async def test_changed_code_and_edges_are_named(store: Store, database: Path) -> None:
    await park_one(store)
    finding = await check(database, rewritten(), replay=False)
    assert finding.severity == "changed"
    assert "the code of node 'review', where it waits, has changed" in finding.text
    with_edge = version()
    with_edge > Node("after")
    finding = await check(database, with_edge, replay=False)
    assert (finding.severity, "the edges of node 'review' have changed" in finding.text) == ("changed", True)


@pytest.mark.parametrize(
    ("start", "severity", "text"),
    [
        (rewritten(), "same", "waits at the same question"),
        (
            version("Delete?"),
            "broken",
            "asks 'second' in other words: an answer to the card that is out would need attention",
        ),
        (version(extra=True), "changed", "asks a new question: 'extra'"),
        (version(steps=True), "changed", "comes to step 'new step', which is not recorded"),
        (version(asks=False), "changed", "ends without asking 'second', which would be withdrawn"),
        (Node("review"), "broken", "would need attention: answer_unused 'first'"),
    ],
)
async def test_a_replay_finds_what_would_really_happen(
    store: Store, database: Path, start: Node, severity: str, text: str
) -> None:
    await park_one(store)
    finding = await check(database, start, replay=True)
    assert (finding.severity, finding.text) == (severity, text)


async def test_a_replay_finds_changed_answered_questions_and_failures(store: Store, database: Path) -> None:
    @node(id="review")
    async def other_words(shared: dict[str, Any]) -> None:
        await request_input(prompt="First, really?", request_id="first")

    @node(id="review")
    async def fails(shared: dict[str, Any]) -> None:
        raise LookupError("no such thing")

    await park_one(store)
    finding = await check(database, other_words, replay=True)
    assert (finding.severity, finding.text) == ("broken", "would need attention: question_changed 'first'")
    finding = await check(database, fails, replay=True)
    assert (finding.severity, finding.text) == ("broken", "fails: LookupError: no such thing")


async def test_a_replay_runs_raw_code_and_recorded_steps_return_but_new_ones_do_not_run(
    store: Store, database: Path
) -> None:
    ran: list[str] = []

    def code(*, with_new_step: bool) -> Node:
        @node(id="review")
        async def review(shared: dict[str, Any]) -> None:
            ran.append("raw")
            await step("old", ran.append, "old step")
            if with_new_step:
                await step("new", ran.append, "new step")
            await request_input()

        return review

    async with Runtime(store, [Workflow("flow", code(with_new_step=False))]) as runtime:
        await runtime.wait(await runtime.start("flow", run_id="run"))
    ran.clear()
    await check(database, code(with_new_step=True), replay=True)
    assert ran == ["raw"]


@pytest.mark.parametrize("replay", [False, True])
async def test_nothing_is_written(store: Store, database: Path, *, replay: bool) -> None:
    def dump() -> list[str]:
        connection = sqlite3.connect(database)
        try:
            return list(connection.iterdump())
        finally:
            connection.close()

    await park_one(store)
    before = await asyncio.to_thread(dump)
    for start in (version(), rewritten(), version("Delete?"), version(extra=True), version(steps=True)):
        await check(database, start, replay=replay)
    assert await asyncio.to_thread(dump) == before


async def test_every_parked_run_of_the_workflow_is_looked_at_and_no_other(
    store: Store, database: Path
) -> None:
    flows = [Workflow("flow", version()), Workflow("other", version())]
    async with Runtime(store, flows) as runtime:
        for name in ("flow", "flow", "other"):
            await runtime.wait(await runtime.start(name))
        await runtime.cancel(await runtime.start("flow"), person="local:ana")
        async with SQLiteReader(database) as reader:
            assert len(await check_parked(reader, flows[0])) == 2
            assert len(await check_parked(reader, flows[1], replay=True)) == 1
