"""A run during which process after process dies is held; one that was stopped in order, or was not at work, is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sayso.engine import (
    AttentionKind,
    RunSummary,
    Runtime,
    SQLiteReader,
    WorkflowStatus,
    verify_audit,
)
from tests.engine.support import ANA

pytestmark = pytest.mark.slow

SCRIPT = """
import asyncio, os, signal, sys
from sayso.engine import Runtime, Workflow, WorkflowEngine, node, request_input

@node
def deadly(shared):
    open("runs", "a").write("deadly ")
    os._exit(9)

@node
async def asks(shared):
    await request_input("Go?", to="local:ana")

@node
async def long(shared):
    print("in the middle", flush=True)
    await asyncio.Event().wait()

workflows = {name: Workflow(name, given) for name, given in (("deadly", deadly), ("asks", asks), ("long", long))}

async def serve(*start):
    async with Runtime("sayso.db", workflows.values()) as runtime:
        for name in start:
            await runtime.start(name, run_id=name)
            if name == "asks":
                await runtime.wait(name)
        print("serving", flush=True)
        await asyncio.Event().wait()

async def handle(run_id):
    engine = WorkflowEngine(start=deadly, workflow_id="deadly", run_id=run_id, store="sayso.db")
    print((await engine.run()).workflow_status, flush=True)

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs tests in the background ignores it
how, *given = sys.argv[1:]
try:
    asyncio.run(handle(*given) if how == "handle" else serve(*given))
except KeyboardInterrupt:
    pass
"""


class Process:
    """A process that hosts the workflows of the script."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *arguments], cwd=folder, stdout=subprocess.PIPE, text=True
        )

    def says(self) -> str:
        """The next line; empty once it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def until(self, line: str) -> None:
        """Wait until it has said this."""
        while (said := self.says()) != line:
            assert said, "it ended before"

    def end(self, number: signal.Signals | None = None) -> int:
        """Wait for its end, after a signal if one is given; its exit code."""
        if number is not None:
            os.kill(self.process.pid, number)
        code = self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


async def wait_for(folder: Path, run_id: str, status: WorkflowStatus) -> RunSummary:
    """The run, once it stands like this in the file that another process writes."""
    async with SQLiteReader(folder / "sayso.db") as reader:
        while (run := await reader.run(run_id)).status is not status:
            pass
        return run


async def test_a_run_that_ends_the_process_is_held_at_the_third_start_that_finds_it(tmp_path: Path) -> None:
    """The process died three times during it; at the next start everything else works again."""
    assert Process(tmp_path, "serve", "deadly").end() == 9
    for _ in range(2):
        assert Process(tmp_path, "serve").end() == 9
    survivor = Process(tmp_path, "serve", "asks")
    survivor.until("serving")
    run = await wait_for(tmp_path, "deadly", WorkflowStatus.NEEDS_ATTENTION)
    survivor.end(signal.SIGKILL)
    assert run.attention is not None
    assert (run.attention.kind, run.attention.name) == (AttentionKind.PROCESS_DIED, "deadly")
    assert "the process died" in run.attention.reason
    assert (tmp_path / "runs").read_text().split() == ["deadly"] * 3
    async with Runtime(tmp_path / "sayso.db", []) as runtime:
        await runtime.attention("deadly", "again", person=ANA)
    for _ in range(2):
        assert Process(tmp_path, "serve").end() == 9  # an operator's word sets the count back
    async with SQLiteReader(tmp_path / "sayso.db") as reader:
        assert (await verify_audit(reader)).found == 0


async def test_the_handle_of_such_a_run_says_so_too(tmp_path: Path) -> None:
    for _ in range(3):
        assert Process(tmp_path, "handle", "one").end() == 9
    last = Process(tmp_path, "handle", "one")
    assert (last.says(), last.end()) == ("NEEDS_ATTENTION", 0)


async def test_killing_the_service_holds_no_run_that_is_parked(tmp_path: Path) -> None:
    first = Process(tmp_path, "serve", "asks")
    for _ in range(5):
        first.until("serving")
        first.end(signal.SIGKILL)
        first = Process(tmp_path, "serve")
    first.until("serving")
    first.end(signal.SIGKILL)
    async with SQLiteReader(tmp_path / "sayso.db") as reader:
        assert (await reader.run("asks")).status is WorkflowStatus.WAITING_FOR_INPUT


async def test_stopping_in_order_counts_nothing(tmp_path: Path) -> None:
    """A visit may go on for hours, over any number of deploys."""
    current = Process(tmp_path, "serve", "long")
    for _ in range(5):
        current.until("in the middle")
        assert current.end(signal.SIGINT) == 0
        current = Process(tmp_path, "serve")
    current.until("in the middle")
    current.end(signal.SIGKILL)
    for _ in range(2):
        current = Process(tmp_path, "serve")
        current.until("in the middle")
        current.end(signal.SIGKILL)
    current = Process(tmp_path, "serve")
    await wait_for(tmp_path, "long", WorkflowStatus.NEEDS_ATTENTION)
    current.end(signal.SIGKILL)
