"""What many parked runs cost: start-up, memory, idle CPU. Each figure comes from a process of its own."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.workload import CALLERS, PERSON, STATE, VIA, each, make_workflow, read_pending
from sayso.engine import Runtime, SQLiteStore

FRAMES = 1000
FRAME_BYTES = 4096 + 24
IDLE_SECONDS = 10


def resident_bytes() -> int:
    """The resident set of this process, in bytes (Linux)."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


async def start_parked(runtime: Runtime, count: int) -> None:
    """Start this many runs and wait until each is parked."""

    async def start(_: int) -> None:
        await runtime.wait(await runtime.start("benchmark", STATE))

    await each(count, CALLERS, start)


async def grow(path: Path, first: int, second: int, resident: int) -> dict[str, float]:
    """The growth of the resident set from `first` parked runs to `second`."""
    async with SQLiteStore(path) as store, Runtime(store, [make_workflow()], resident=resident) as runtime:
        await start_parked(runtime, first)
        gc.collect()
        before = resident_bytes()
        await start_parked(runtime, second - first)
        gc.collect()
        return {"growth": resident_bytes() - before}


async def fill_wal(path: Path) -> dict[str, float]:
    """Leave a write-ahead log of at least `FRAMES` frames behind, by being killed."""
    wal = path.with_name(path.name + "-wal")
    async with SQLiteStore(path) as store, Runtime(store, [make_workflow()], resident=0) as runtime:
        while not wal.exists() or wal.stat().st_size < FRAMES * FRAME_BYTES:
            await start_parked(runtime, 1)
        os.kill(os.getpid(), signal.SIGKILL)
    return {}


async def first_completed(path: Path, request_id: str, run_id: str) -> dict[str, float]:
    """Seconds from opening the file to the first completed run; then killed, so that the file stays as it was."""
    begun = time.perf_counter()
    async with SQLiteStore(path) as store, Runtime(store, [make_workflow()], resident=0) as runtime:
        await runtime.answer(request_id, 1, "approve", person=PERSON, via=VIA)
        state = await runtime.wait(run_id)
        seconds = time.perf_counter() - begun
        assert state.workflow_status == "COMPLETED"
        print(json.dumps({"seconds": seconds}), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    return {}


async def idle(path: Path) -> dict[str, float]:
    """The share of a core that a runtime uses while nothing happens."""
    async with SQLiteStore(path) as store, Runtime(store, [make_workflow()], resident=0):
        begun, used = time.perf_counter(), time.process_time()
        await asyncio.get_running_loop().run_in_executor(None, time.sleep, IDLE_SECONDS)
        return {"share": (time.process_time() - used) / (time.perf_counter() - begun)}


WORK: dict[str, Any] = {"grow": grow, "fill_wal": fill_wal, "first_completed": first_completed, "idle": idle}


def child(name: str, *arguments: object) -> dict[str, float]:
    """Run one of the functions above in a process of its own; what it printed last."""
    command = [sys.executable, "-m", "benchmarks.scale", name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    if not lines and done.returncode != -signal.SIGKILL:
        raise RuntimeError(done.stderr)
    return dict(json.loads(lines[-1])) if lines else {}


def openings(folder: Path, sizes: tuple[int, int], repeats: int) -> dict[str, float]:
    """The median seconds from opening to the first completed run, for both sizes in turns, after a SIGKILL each."""
    requests: dict[int, list[tuple[str, str]]] = {}
    for size in sizes:
        path = folder / f"{size}.db"
        child("fill_wal", path)
        shutil.copyfile(f"{path}-wal", folder / f"{size}.wal")
        requests[size] = asyncio.run(read_pending(path, repeats))
    seconds: dict[int, list[float]] = {size: [] for size in sizes}
    for repeat in range(repeats):
        for size in sizes:
            path = folder / f"{size}.db"
            shutil.copyfile(folder / f"{size}.wal", f"{path}-wal")
            Path(f"{path}-shm").unlink(missing_ok=True)
            run_id, request_id = requests[size][repeat]
            seconds[size].append(child("first_completed", path, request_id, run_id)["seconds"])
    return {str(size): median(taken) for size, taken in seconds.items()}


def measure(folder: Path, few: int, many: int, repeats: int) -> dict[str, Any]:
    """All figures of this module."""
    child("grow", folder / f"{few}.db", 1, few, 0)
    figures: dict[str, Any] = {"few": few, "many": many}
    figures["growth"] = child("grow", folder / f"{many}.db", few, many, 0)["growth"]
    residents = min(10_000, many)
    grown = child("grow", folder / "resident.db", few, few + residents, 10 * many)["growth"]
    figures["per_resident"] = grown / residents
    figures["idle"] = child("idle", folder / f"{many}.db")["share"]
    figures["opening"] = openings(folder, (few, many), repeats)
    return figures


if __name__ == "__main__":
    name, path, *rest = sys.argv[1:]
    arguments = [int(text) if text.isdecimal() and len(text) < 16 else text for text in rest]
    print(json.dumps(asyncio.run(WORK[name](Path(path), *arguments))))
