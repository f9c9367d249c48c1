"""`sayso serve` with workflows whose code ends processes, blocks threads or stops loops: the others go on."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from sayso.bots.client import RunDict, ServiceClient
from tests.bots.command import DEADLINE, SAYSO, environment, sayso
from tests.bots.service_process import ServiceProcess
from tests.engine.store.situation import rows

FLOWS = """
import asyncio
import os
import sys
import threading

from sayso.engine import Workflow, node, request_input


@node
async def asks(shared):
    shared["said"] = await request_input("Go?", options=["yes", "no"], input_type="select")


@node
def done(shared):
    shared["done"] = True


asks > done


@node
async def exits(shared):
    sys.exit("not here")


@node
async def exits_in_a_task(shared):
    async def child():
        sys.exit("not here")

    await asyncio.gather(child())


@node
async def stops_the_loop(shared):
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0)


@node
async def interrupts_a_callback(shared):
    def callback():
        raise KeyboardInterrupt

    asyncio.get_running_loop().call_soon(callback)
    await asyncio.sleep(0)


@node
def ends_threads(shared):
    raise StopIteration


@node
def dies(shared):
    os._exit(9)


@node
def blocks(shared):
    open("at work", "a").close()
    threading.Event().wait()


@node
async def blocks_the_loop(shared):
    open("at work", "a").close()
    threading.Event().wait()


@node
async def blocks_the_loops_pool(shared):
    open("at work", "a").close()
    await asyncio.to_thread(threading.Event().wait)


@node
async def never_gives_up(shared):
    open("at work", "a").close()
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass


def forever(name):
    threading.Thread(target=threading.Event().wait, name=name, daemon=False).start()


@node
def leaves_a_thread(shared):
    open("at work", "a").close()
    forever("of a workflow")


WORKFLOWS = {name: Workflow(name, start=found) for name, found in globals().copy().items() if hasattr(found, "edges")}
globals().update({f"{name}_flow": workflow for name, workflow in WORKFLOWS.items()})
"""
NAMES = re.findall(r"^(?:async )?def (\w+)\(shared\)", FLOWS, re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flows.py").write_text(FLOWS)
    hosted = "".join(f'[[workflows]]\nworkflow = "flows:{name}_flow"\n' for name in NAMES if name != "done")
    (tmp_path / "sayso.toml").write_text(f"threads = 6\n{hosted}[http]\nport = 0\n")
    return tmp_path


@contextlib.contextmanager
def client(folder: Path) -> Generator[ServiceClient]:
    found = ServiceClient.find(folder / "sayso.db")
    assert found is not None
    with found:
        yield found


def once(calls: ServiceClient, run_id: str, status: str) -> RunDict:
    """The run, once it stands like this."""
    deadline = time.monotonic() + DEADLINE
    while (run := calls.status(run_id))["status"] != status:
        assert time.monotonic() < deadline, run
    return run


def wait_for_waits(service: ServiceProcess, number: int) -> None:
    """Until so many calls have had to wait for a thread."""

    def holds(found: httpx.Response) -> bool:
        return f"sayso_code_waits_total {number}.0" in found.text

    service.wait_until("/metrics", holds)


def approve(calls: ServiceClient) -> str:
    """Start a run that asks, and answer it."""
    run_id = calls.start("asks")
    once(calls, run_id, "WAITING_FOR_INPUT")
    [request] = calls.pending(run_id)
    assert calls.answer(request["id"], request["revision"], "yes").accepted
    return run_id


def test_code_that_ends_its_process_or_loop_ends_neither(folder: Path) -> None:
    """However it tries, and whatever becomes of its own run."""
    failing = {
        "exits": "SystemExit: not here",
        "exits_in_a_task": "SystemExit: not here",
        "ends_threads": "StopIteration",
    }
    with ServiceProcess(folder) as service, client(folder) as calls:
        for name, error in failing.items():
            assert error in str(once(calls, calls.start(name), "FAILED")["error"])
        for name in ("stops_the_loop", "interrupts_a_callback"):
            once(calls, calls.start(name), "COMPLETED")
        once(calls, approve(calls), "COMPLETED")
        assert service.get("/readyz").status_code == 200
        assert service.stop() == 0
    for error in ("SystemExit", "KeyboardInterrupt", "RuntimeError"):
        assert f"workflow code raised {error}; the service keeps running" in service.log


def test_a_run_that_kills_the_service_is_held_and_the_others_go_on(folder: Path) -> None:
    """Three processes die of it; the fourth lives, and says what an operator can do."""
    with ServiceProcess(folder) as first:
        sayso(folder, "start", "dies")
        assert first.process.wait(DEADLINE) == 9
    for _ in range(2):
        died = ServiceProcess(folder)
        assert died.process.wait(DEADLINE) == 9
        died.kill()
    with ServiceProcess(folder), client(folder) as calls:
        [run] = calls.runs()
        held = once(calls, run["run_id"], "NEEDS_ATTENTION")
        assert held["attention"] is not None
        assert held["attention"]["kind"] == "process_died"
        once(calls, approve(calls), "COMPLETED")
        assert "crashed repeatedly" in sayso(folder, "attention", run["run_id"]).out
        calls.cancel(run["run_id"])
        once(calls, run["run_id"], "CANCELLED")


def test_nodes_that_block_wait_for_each_other_alone(folder: Path) -> None:
    """With all threads taken, what needs none goes on; the log and a counter say what is the matter."""
    with ServiceProcess(folder) as service, client(folder) as calls:
        for _ in range(6):
            calls.start("blocks")
        late = calls.start("ends_threads")
        wait_for_waits(service, 1)
        approve(calls)
        wait_for_waits(service, 2)
        assert calls.status(late)["status"] == "RUNNING"
        while "all 6 threads for sync code are busy" not in service.log:
            pass
        assert service.stop() == 0
        assert service.log.count("all 6 threads for sync code are busy") == 1


@pytest.mark.parametrize(
    "name", ["blocks", "blocks_the_loop", "blocks_the_loops_pool", "never_gives_up", "leaves_a_thread"]
)
def test_the_service_stops_in_time_whatever_code_does(folder: Path, name: str) -> None:
    """In order: its exit code says so, and the next start takes no run for cut off."""
    with ServiceProcess(folder) as service:
        # Where the loop of the workflows is blocked, the call that starts the run hears nothing any more.
        starting = subprocess.Popen(
            [SAYSO, "start", name], cwd=folder, env=environment(), stderr=subprocess.DEVNULL
        )
        while not (folder / "at work").exists():
            pass
        if name == "leaves_a_thread":  # its node ends at once, and the run a little later
            starting.wait(DEADLINE)
            while rows(folder / "sayso.db", "SELECT status FROM runs") != [("COMPLETED",)]:
                pass
        before = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - before < 15
        starting.wait(DEADLINE)
    assert ("threads are still running" in service.log) is (
        name in ("blocks_the_loops_pool", "leaves_a_thread")
    )
    [(status, cut_off)] = rows(folder / "sayso.db", "SELECT status, cut_off FROM runs")
    assert (status, cut_off) == (("COMPLETED", 0) if name == "leaves_a_thread" else ("RUNNING", -1))
