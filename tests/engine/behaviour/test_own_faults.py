"""What sayso itself does wrong with a run holds it, once and with the reason; a store that fails is waited for."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from sayso.engine import (
    AttentionKind,
    RequestRecord,
    Runtime,
    SQLiteStore,
    Store,
    StoreUnreadable,
    Workflow,
    WorkflowEngine,
    WorkflowStatus,
    node,
    request_input,
    step,
)
from tests.engine.support import ANA, ManualClock, until


class FaultyStore:
    """A store one of whose calls fails, as often as `times` says."""

    def __init__(self, store: Store, call: str, error: Exception, times: int = 1_000_000) -> None:
        self._store = store
        self._call = call
        self._error = error
        self.times = times
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        self.calls[name] += 1
        if name == self._call and self.times > 0:
            self.times -= 1
            return self._fail
        return getattr(self._store, name)

    def _fail(self, *_: Any) -> asyncio.Future[Any]:
        failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        failed.set_exception(self._error)
        return failed

    @property
    def store(self) -> SQLiteStore:
        """As the engine's constructors take it."""
        return cast("SQLiteStore", self)


@node
async def busy(shared: dict[str, Any]) -> None:
    shared["stepped"] = await step("work", lambda: 1)
    shared["answer"] = await request_input("Go?", request_id="go", to=ANA)


FLOW = Workflow("flow", busy)
FAULT = TypeError("'NoneType' object is not iterable")


async def answer(runtime: Runtime, run_id: str) -> None:
    """Answer the run's question, if there is one."""
    for request in await runtime.pending(run_id):
        await runtime.answer(request.id, request.revision, "yes", person=ANA, via="console")


@pytest.mark.parametrize("call", ["ask", "record_step", "end_visit"])
async def test_a_fault_in_driving_a_run_holds_it_with_its_reason(
    store: Store, call: str, caplog: pytest.LogCaptureFixture
) -> None:
    faulty = FaultyStore(store, call, FAULT, times=1)
    with caplog.at_level(logging.WARNING, logger="sayso.engine"):
        async with Runtime(faulty.store, [FLOW]) as runtime:
            run_id = await runtime.start("flow")
            await runtime.wait(run_id)
            await answer(runtime, run_id)
            state = await runtime.wait(run_id)
            assert state.workflow_status is WorkflowStatus.NEEDS_ATTENTION
            assert state.attention is not None
            assert (state.attention.kind, state.attention.name) == (AttentionKind.SAYSO_FAILED, "busy")
            assert state.attention.reason == "TypeError: 'NoneType' object is not iterable"
            await runtime.attention(run_id, "again", person=ANA)
            await runtime.wait(run_id)
            await answer(runtime, run_id)
            assert (await runtime.wait(run_id)).workflow_status is WorkflowStatus.COMPLETED
    told = [record for record in caplog.records if "internal error" in record.getMessage()]
    assert len(told) == 1
    assert told[0].exc_info is not None
    assert "cannot be used" not in caplog.text, "the store is not blamed"


async def test_a_fault_in_loading_a_run_holds_it_alone(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with Runtime(store, [FLOW]) as runtime:
        requests: dict[str, RequestRecord] = {}
        for run_id in ("one", "other"):
            await runtime.start("flow", run_id=run_id)
            await runtime.wait(run_id)
            [requests[run_id]] = await runtime.pending(run_id)
    faulty = FaultyStore(store, "load", FAULT, times=1)
    with caplog.at_level(logging.WARNING, logger="sayso.engine"):
        async with Runtime(faulty.store, [FLOW]) as runtime:
            for run_id, request in requests.items():
                await runtime.answer(request.id, 1, "yes", person=ANA, via="console")
                state = await runtime.wait(run_id)
                held = WorkflowStatus.NEEDS_ATTENTION if run_id == "one" else WorkflowStatus.COMPLETED
                assert state.workflow_status is held
    assert faulty.calls["load"] == 2, "what fails is not tried again by itself"


async def test_a_run_that_cannot_even_be_held_stands_still_and_says_so_once(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    inner = FaultyStore(store, "hold_run", ZeroDivisionError("no"))
    faulty = FaultyStore(inner.store, "record_step", FAULT)
    with caplog.at_level(logging.ERROR, logger="sayso.engine"):
        async with Runtime(faulty.store, [FLOW]) as runtime:
            await runtime.start("flow", run_id="one")
            await until(lambda: "is stopped until a restart" in caplog.text)
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        "run one is on hold: internal error in sayso",
        "run one is stopped until a restart: it could not be put on hold",
    ]


async def test_the_handle_of_a_run_that_is_held_shows_it(store: Store) -> None:
    faulty = FaultyStore(store, "end_visit", FAULT)
    async with WorkflowEngine(start=busy, store=faulty.store) as engine:
        state = await engine.run({"go": "yes"})
    assert state.workflow_status is WorkflowStatus.NEEDS_ATTENTION
    assert state.attention is not None
    assert state.attention.kind is AttentionKind.SAYSO_FAILED


async def test_a_store_that_fails_is_waited_for_and_told_of_once(
    database: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk is nobody's decision: the run goes on by itself."""
    async with SQLiteStore(database, clock=clock) as store:
        faulty = FaultyStore(store, "end_visit", StoreUnreadable("sayso.db", "disk I/O error"), times=3)
        with caplog.at_level(logging.ERROR, logger="sayso.engine"):
            async with Runtime(faulty.store, [FLOW]) as runtime:
                await runtime.start("flow", run_id="one")
                await runtime.wait("one")
                await answer(runtime, "one")
                state = asyncio.ensure_future(runtime.wait("one"))
                while not state.done():
                    clock.advance(timedelta(minutes=1))
                    await asyncio.sleep(0)
                assert (await state).workflow_status is WorkflowStatus.COMPLETED
    assert faulty.times == 0
    assert caplog.text.count("run one cannot continue") == 1
