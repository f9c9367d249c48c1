"""The threads of sync code: their own, a bounded number, and nothing that anybody waits for at the end."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import CodeThreads, Node, Runtime, Store, Workflow, WorkflowStatus, node
from tests.engine.support import ANA, asking, say, until


class Gate:
    """Holds up every node that comes to it until it is opened."""

    def __init__(self) -> None:
        self.inside = 0
        self._open = threading.Event()
        self._lock = threading.Lock()

    def node(self, name: str = "blocks") -> Node:
        def blocks(shared: dict[str, Any]) -> None:
            with self._lock:
                self.inside += 1
            assert self._open.wait(60)

        return node(id=name)(blocks)

    def open(self) -> None:
        self._open.set()


async def test_nodes_that_block_hold_up_neither_reads_nor_other_runs(store: Store) -> None:
    """Sync nodes have threads of their own: what sayso reads in a thread waits for none of theirs."""
    gate = Gate()
    ask, done = asking(to=ANA), node(id="done")(lambda shared: shared.update(done=True))
    _ = ask > done
    async with Runtime(store, [Workflow("ask", ask), Workflow("blocks", gate.node())]) as runtime:
        for _ in range(12):
            await runtime.start("blocks")
        await until(lambda: gate.inside == 12)
        run_id = await runtime.start("ask")
        await runtime.wait(run_id)
        [request] = await runtime.pending(run_id)
        assert (await say(runtime, request.as_dict(), "yes")).accepted
        state = await runtime.wait(run_id)
        assert (state.workflow_status, state.shared["done"]) == (WorkflowStatus.COMPLETED, True)
        gate.open()


async def test_what_code_puts_into_the_loops_own_pool_holds_up_no_read(store: Store) -> None:
    """`asyncio.to_thread` is what the log advises for blocking work."""
    inside, opened = threading.Semaphore(0), threading.Event()

    def block() -> None:
        inside.release()
        assert opened.wait(60)

    @node
    async def blocks(shared: dict[str, Any]) -> None:
        await asyncio.to_thread(block)

    async with Runtime(store, [Workflow("blocks", blocks)]) as runtime:
        for _ in range(40):
            await runtime.start("blocks")
        await until(lambda: inside.acquire(blocking=False))
        try:
            assert await runtime.pending() == []
        finally:
            opened.set()


async def test_when_all_threads_are_busy_the_log_names_who_is_at_work_once(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    gate, waited = Gate(), [0]

    def count() -> None:
        waited[0] += 1

    threads = CodeThreads(2, count)
    with caplog.at_level(logging.WARNING, logger="sayso.engine"):
        async with Runtime(store, [Workflow("blocks", gate.node())], threads=threads) as runtime:
            for run_id in ("one", "two"):
                await runtime.start("blocks", run_id=run_id)
            await until(lambda: gate.inside == 2)
            for run_id in ("three", "four", "five"):
                await runtime.start("blocks", run_id=run_id)
            assert waited == [3]
            await until(lambda: "threads for sync code" in caplog.text)
            gate.open()
            for run_id in ("one", "two", "three", "four", "five"):
                state = await runtime.wait(run_id)
                assert state.workflow_status is WorkflowStatus.COMPLETED
    [line] = [
        record.getMessage() for record in caplog.records if "threads for sync code" in record.getMessage()
    ]
    assert "all 2 threads" in line
    assert "one blocks, two blocks" in line


async def test_a_run_that_is_cancelled_while_it_waits_for_a_thread_never_gets_one(store: Store) -> None:
    gate = Gate()
    waits = threading.Event()
    threads = CodeThreads(1, waits.set)
    ran: list[str] = []
    late = node(id="late")(lambda shared: ran.append("late"))
    workflows = [Workflow("blocks", gate.node()), Workflow("late", late)]
    async with Runtime(store, workflows, threads=threads) as runtime:
        first = await runtime.start("blocks")
        await until(lambda: gate.inside == 1)
        cancelled = await runtime.start("late")
        await until(waits.is_set)
        await runtime.cancel(cancelled, person=ANA)
        gate.open()
        await runtime.wait(first)
        state = await runtime.wait(await runtime.start("late"))
        assert state.workflow_status is WorkflowStatus.COMPLETED
    assert ran == ["late"]


async def test_leaving_waits_for_no_thread(store: Store) -> None:
    gate = Gate()
    async with Runtime(store, [Workflow("blocks", gate.node())]) as runtime:
        run_id = await runtime.start("blocks")
        await until(lambda: gate.inside == 1)
    assert (await store.reader.run(run_id)).status is WorkflowStatus.RUNNING
    gate.open()


SCRIPT = """
import asyncio, threading
from sayso.engine import Runtime, Workflow, node

inside = threading.Event()

@node
def blocks(shared):
    inside.set()
    threading.Event().wait()

async def main():
    async with Runtime("sayso.db", [Workflow("blocks", blocks)]) as runtime:
        await runtime.start("blocks")
        while not inside.is_set():
            await asyncio.sleep(0)

asyncio.run(main())
"""


def test_a_script_whose_node_blocks_for_ever_ends_all_the_same(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, timeout=30, check=False, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")


async def test_a_burst_that_is_soon_over_is_counted_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    waited = [0]

    def count() -> None:
        waited[0] += 1

    threads = CodeThreads(2, count)
    with caplog.at_level(logging.WARNING, logger="sayso.engine"):
        results = await asyncio.gather(*(threads.run(partial(pow, number, 2)) for number in range(100)))
    assert results == [number**2 for number in range(100)]
    assert waited[0] > 0
    assert caplog.text == ""


async def test_no_call_is_lost_whatever_the_threads_do_meanwhile() -> None:
    """Calls of all lengths, from two loops at once, some of them taken back."""
    threads = CodeThreads(3)
    ran = 0
    lock = threading.Lock()

    def count() -> None:
        nonlocal ran
        with lock:
            ran += 1

    async def many() -> int:
        calls = [asyncio.ensure_future(threads.run(count)) for _ in range(500)]
        await asyncio.sleep(0)
        for call in calls[::5]:
            call.cancel()
        found = await asyncio.gather(*calls, return_exceptions=True)
        return sum(one is None for one in found)

    there, here = await asyncio.gather(asyncio.to_thread(lambda: asyncio.run(many())), many())
    assert here + there == 800
    assert 800 <= ran <= 1000, "a call that had begun goes on"


@pytest.mark.parametrize("size", [0, -1])
def test_there_is_at_least_one_thread(size: int) -> None:
    with pytest.raises(ValueError, match=f"threads={size}"):
        CodeThreads(size)
