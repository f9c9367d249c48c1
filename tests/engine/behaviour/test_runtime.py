"""Driving many runs: `Runtime` starts, takes answers from any loop, waits, and serves the operator."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import (
    InvalidRequest,
    InvalidWorkflow,
    KeyReused,
    Node,
    NotApplicable,
    OutcomeKind,
    RunExists,
    Runtime,
    Store,
    StoreClosed,
    UnknownRun,
    UnstorableValue,
    Workflow,
    WorkflowEngine,
    WorkflowStatus,
    node,
    request_input,
)
from tests.engine.support import ANA, asking, names, say, waiting

pytestmark = pytest.mark.usefixtures("resident")


@contextlib.asynccontextmanager
async def hosting(store: Store | Path, *starts: Node) -> AsyncGenerator[Runtime]:
    """A runtime of one workflow a start node, named for it."""
    async with Runtime(store, [Workflow(start.id, start) for start in starts]) as runtime:
        yield runtime


class Warnings(logging.Handler):
    """Collects the engine's warnings and tells when one has come."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []
        self.came = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())
        self.came.set()


@pytest.fixture
def warnings() -> Iterator[Warnings]:
    handler = Warnings()
    logging.getLogger("sayso.engine").addHandler(handler)
    yield handler
    logging.getLogger("sayso.engine").removeHandler(handler)


async def test_start_returns_the_run_id_once_the_start_is_committed(store: Store) -> None:
    async with hosting(store, asking()) as runtime:
        run_id = await runtime.start("ask", {"a": 1}, requested_by="slack:T1:U1")
        assert await store.load(run_id) is not None
        assert await runtime.start("ask", run_id="chosen") == "chosen"
        state = await runtime.wait(run_id)
    assert (state.run_id, state.shared) == (run_id, {"a": 1})
    assert waiting(state)["requested_by"] == "slack:T1:U1"


async def test_a_start_is_refused_by_name(store: Store) -> None:
    async with hosting(store, asking()) as runtime:
        await runtime.start("ask", run_id="taken")
        with pytest.raises(RunExists, match="'taken'"):
            await runtime.start("ask", run_id="taken")
        with pytest.raises(InvalidWorkflow, match=r"'unheard of'.*known: ask"):
            await runtime.start("unheard of")
        with pytest.raises(UnstorableValue, match=r"shared\['a'\]"):
            await runtime.start("ask", {"a": object()})
    with pytest.raises(StoreClosed):
        await runtime.start("ask")
    with pytest.raises(InvalidWorkflow, match="'ask'"):
        Runtime(store, [Workflow("ask", asking()), Workflow("ask", asking())])


async def test_cancelling_the_caller_does_not_take_its_start_back(store: Store) -> None:
    async with hosting(store, asking()) as runtime:
        await runtime.start("ask")
        caller = asyncio.ensure_future(runtime.start("ask", run_id="started"))
        await asyncio.sleep(0)  # the start has queued up
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert names(await runtime.wait("started")) == ["ask"]


def test_how_many_runs_stay_resident_is_a_number_from_zero_on(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="resident=-1"):
        Runtime(database, [], resident=-1)
    monkeypatch.setenv("SAYSO_RESIDENT", "many")
    with pytest.raises(ValueError, match="SAYSO_RESIDENT='many'"):
        Runtime(database, [])


async def test_an_answer_drives_its_run_on_and_wait_returns_at_the_park_or_the_end(
    store: Store,
) -> None:
    @node
    async def twice(shared: dict[str, Any]) -> None:
        shared["answers"] = [await request_input(request_id="a"), await request_input(request_id="b")]

    async with hosting(store, twice) as runtime:
        run_id = await runtime.start("twice")
        request = waiting(await runtime.wait(run_id))
        outcome = await say(runtime, request, 1)
        assert (outcome.kind, outcome.reason) == (
            OutcomeKind.INVALID,
            "This needs a text. Send one.",
        )
        assert (await say(runtime, request, "1")).kind is OutcomeKind.RESOLVED
        state = await runtime.wait(run_id)
        assert names(state) == ["b"]
        await say(runtime, waiting(state), "2")
        state = await runtime.wait(run_id)
        assert await runtime.wait(run_id) == state
    assert (state.workflow_status, state.shared) == (WorkflowStatus.COMPLETED, {"answers": ["1", "2"]})
    assert (state.awaiting_input, state.next_node_id) == (None, None)


async def test_many_runs_are_answered_in_any_order(store: Store) -> None:
    async with hosting(store, asking()) as runtime:
        runs = [await runtime.start("ask") for _ in range(20)]
        states = [await runtime.wait(run_id) for run_id in runs]
        outcomes = await asyncio.gather(
            *(say(runtime, waiting(state), state.run_id) for state in reversed(states))
        )
        assert {outcome.kind for outcome in outcomes} == {OutcomeKind.RESOLVED}
        ended = [await runtime.wait(run_id) for run_id in runs]
    assert [state.shared["answer"] for state in ended] == runs


async def test_pending_lists_open_requests_the_oldest_first_of_all_runs_or_one(store: Store) -> None:
    async with hosting(store, asking(prompt="?")) as runtime:
        runs = [await runtime.start("ask") for _ in range(3)]
        for run_id in runs:
            await runtime.wait(run_id)
        assert {record.run_id for record in await runtime.pending()} == set(runs)
        [record] = await runtime.pending(runs[1])
        assert (record.run_id, record.question.prompt, record.open) == (runs[1], "?", True)
        assert len(await runtime.pending(limit=2)) == 2
        await say(runtime, record.as_dict(), "x")
        assert await runtime.pending(runs[1]) == []


async def test_cancel_ends_a_run_with_its_open_requests_and_stops_its_coroutine(store: Store) -> None:
    stopped = asyncio.Event()
    entered = asyncio.Event()

    @node
    async def works(shared: dict[str, Any]) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with hosting(store, asking(), works) as runtime:
        parked, working = await runtime.start("ask"), await runtime.start("works")
        request = waiting(await runtime.wait(parked))
        await entered.wait()
        for run_id in (parked, working):
            await runtime.cancel(run_id, person=ANA)
            state = await runtime.wait(run_id)
            assert (state.workflow_status, state.pending) == (WorkflowStatus.CANCELLED, ())
            with pytest.raises(NotApplicable, match="ended already"):
                await runtime.cancel(run_id, person=ANA)
        await stopped.wait()
        assert (await say(runtime, request, "late")).kind is OutcomeKind.CANCELLED


async def test_retry_and_attention_apply_only_where_they_fit(store: Store) -> None:
    async with hosting(store, asking()) as runtime:
        run_id = await runtime.start("ask")
        await runtime.wait(run_id)
        with pytest.raises(NotApplicable, match="only a failed run"):
            await runtime.retry(run_id, person=ANA)
        with pytest.raises(NotApplicable, match="needs no decision"):
            await runtime.attention(run_id, "reask", person=ANA)
        await runtime.attention(run_id, "cancel", person=ANA)
        assert (await runtime.wait(run_id)).workflow_status is WorkflowStatus.CANCELLED
        for call in (runtime.cancel, runtime.retry):
            with pytest.raises(UnknownRun, match="'nowhere'"):
                await call("nowhere", person=ANA)
        with pytest.raises(UnknownRun):
            await runtime.attention("nowhere", "cancel", person=ANA)
        with pytest.raises(UnknownRun):
            await runtime.wait("nowhere")


async def test_an_answer_needs_a_person_and_a_way_in_and_an_aware_instant(store: Store) -> None:
    async with hosting(store, asking()) as runtime:
        request = waiting(await runtime.wait(await runtime.start("ask")))
        with pytest.raises(InvalidRequest, match=r"^person: "):
            await say(runtime, request, "x", person="")
        with pytest.raises(InvalidRequest, match=r"^via: "):
            await say(runtime, request, "x", via="")
        with pytest.raises(InvalidRequest, match=r"^received_at: "):
            await say(runtime, request, "x", received_at=store.clock.now().replace(tzinfo=None))
        with pytest.raises(UnstorableValue, match=r"value\[0\]"):
            await say(runtime, request, [b"x"])
        for parameter in ("person", "via", "event_key", "comment"):
            with pytest.raises(UnstorableValue, match=f"^{parameter} "):
                await say(runtime, request, "x", **{parameter: "\ud800"})
        with pytest.raises(UnstorableValue, match=r"^id "):
            await say(runtime, {**request, "id": "\ud800"}, "x")
        assert len(await runtime.pending()) == 1


async def test_parked_runs_are_found_again_by_their_answer_after_a_restart(store: Store) -> None:
    async with hosting(store, asking()) as runtime:
        request = waiting(await runtime.wait(run_id := await runtime.start("ask")))
    async with hosting(store, asking()) as runtime:
        assert await runtime.wait(run_id) is not None
        await say(runtime, request, "after the restart")
        assert (await runtime.wait(run_id)).shared == {"answer": "after the restart"}


async def test_an_answer_given_while_nothing_hosts_the_run_drives_it_at_the_next_start(
    store: Store,
) -> None:
    async with hosting(store, asking()) as runtime:
        request = waiting(await runtime.wait(run_id := await runtime.start("ask")))
    assert (await say(runtime, request, "meanwhile")).kind is OutcomeKind.RESOLVED
    async with hosting(store, asking()) as runtime:
        assert (await runtime.wait(run_id)).shared == {"answer": "meanwhile"}


async def test_runs_that_were_in_the_middle_of_something_are_taken_up_on_entering(store: Store) -> None:
    entered = asyncio.Event()
    open_gate: list[bool] = []

    @node
    async def works(shared: dict[str, Any]) -> None:
        entered.set()
        if not open_gate:
            await asyncio.Event().wait()
        shared["done"] = True

    async with hosting(store, works) as runtime:
        run_id = await runtime.start("works")
        await entered.wait()
    open_gate.append(True)
    async with hosting(store, works) as runtime:
        assert (await runtime.wait(run_id)).shared == {"done": True}


async def test_a_handle_and_a_runtime_share_a_run_with_one_driver(store: Store) -> None:
    start = asking()
    async with hosting(store, start) as runtime:
        run_id = await runtime.start("ask")
        await runtime.wait(run_id)
        async with await WorkflowEngine.resume(run_id, start=start, store=store) as engine:
            state = await engine.run({"ask": "by the handle"})
        assert (await runtime.wait(run_id)) == state
        assert state.shared == {"answer": "by the handle"}


def test_nodes_run_on_the_loop_that_entered_and_answers_come_from_another(database: Path) -> None:
    """`serve` receives presses on a loop that no node can block."""
    loops: list[int] = []

    @node
    async def ask(shared: dict[str, Any]) -> None:
        loops.append(threading.get_ident())
        shared["answer"] = await request_input()

    with InThread(database, ask) as (runtime, thread):

        async def answer() -> Any:
            run_id = await runtime.start("ask")
            outcome = await say(runtime, waiting(await runtime.wait(run_id)), "from outside")
            return outcome, await runtime.wait(run_id)

        outcome, state = asyncio.run(answer())
    assert outcome.kind is OutcomeKind.RESOLVED
    assert state.shared == {"answer": "from outside"}
    assert set(loops) == {thread.ident}


def test_answers_are_acknowledged_while_a_node_blocks_its_loop_and_the_log_names_the_node(
    database: Path, warnings: Warnings
) -> None:
    blocked, release = threading.Event(), threading.Event()

    @node
    async def blocker(shared: dict[str, Any]) -> None:
        blocked.set()
        release.wait(30)

    with InThread(database, asking(), blocker) as (runtime, _):

        async def answer_while_blocked() -> None:
            run_id = await runtime.start("ask")
            request = waiting(await runtime.wait(run_id))
            starting = asyncio.ensure_future(runtime.start("blocker", run_id="the blocking run"))
            await asyncio.to_thread(blocked.wait, 30)
            outcome = await say(runtime, request, "meanwhile")
            still_blocked = not release.is_set()
            await asyncio.to_thread(warnings.came.wait, 30)
            release.set()
            await starting
            assert (outcome.kind, still_blocked) == (OutcomeKind.RESOLVED, True)
            assert (await runtime.wait(run_id)).shared == {"answer": "meanwhile"}
            assert (await runtime.wait("the blocking run")).workflow_status is WorkflowStatus.COMPLETED

        asyncio.run(answer_while_blocked())
    [text] = [text for text in warnings.texts if "blocked" in text]
    assert "the blocking run blocker" in text


class InThread:
    """A runtime that is entered on a loop of its own, in a thread, as a service does it."""

    def __init__(self, database: Path, *starts: Node) -> None:
        self._database = database
        self._starts = starts
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._runtime: Runtime | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with hosting(self._database, *self._starts) as self._runtime:
                self._ready.set()
                await self._stop.wait()
        finally:
            self._ready.set()

    def __enter__(self) -> tuple[Runtime, threading.Thread]:
        self._thread.start()
        self._ready.wait()
        assert self._runtime is not None
        return self._runtime, self._thread

    def __exit__(self, *error: object) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


async def test_a_repeated_start_is_the_same_run(tmp_path: Path) -> None:
    """A program that heard no answer starts again, under the same key, also in a new process and at the same time."""

    async with hosting(tmp_path / "a.db", asking()) as runtime:
        both = await asyncio.gather(
            *(runtime.start("ask", {"n": 1}, requested_by="token:ci", event_key="job 7") for _ in range(2))
        )
        assert both[0] == both[1]
    async with hosting(tmp_path / "a.db", asking()) as runtime:
        assert await runtime.start("ask", {"n": 1}, requested_by="token:ci", event_key="job 7") == both[0]
        other = await runtime.start("ask", {"n": 1}, requested_by="token:other", event_key="job 7")
        assert other != both[0], "keys of other callers never meet"
        for wrong in ({"n": 2}, {}):
            with pytest.raises(KeyReused, match="job 7"):
                await runtime.start("ask", wrong, requested_by="token:ci", event_key="job 7")
        await runtime.cancel(both[0], person="token:ci", event_key="stop")
        await runtime.cancel(both[0], person="token:ci", event_key="stop")
        with pytest.raises(KeyReused):
            await runtime.cancel(other, person="token:ci", event_key="stop")
        with pytest.raises(NotApplicable):
            await runtime.cancel(both[0], person="token:ci", event_key="again")
