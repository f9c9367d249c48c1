"""Fifty runs in one runtime with their answers in flight: `python -m tests.engine.crash.crowd FOLDER KILL_AT...`.

Each case is a folder and two processes: one that kills itself after so many committed writes, then one that brings
every run to its end. 0 is the case without a kill.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from sayso.engine import RunExists, Runtime, SQLiteStore, Workflow, WorkflowStatus, node, request_input, step
from tests.engine.crash.points import KillPoints, Log, crashing
from tests.engine.crash.worker import in_a_process

RUNS = 50


def workflow(log: Log) -> Workflow:
    """A step, a question, a step; each step says that it was done and that its record is committed."""

    @node
    async def ask(shared: dict[str, Any]) -> None:
        await recorded("before", shared["number"])
        shared["answer"] = await request_input("Go?", request_id="go")
        await recorded("after", shared["number"])

    async def recorded(name: str, number: int) -> None:
        def effect() -> int:
            log.write("effect", name=f"{name} {number}")
            return number

        await step(name, effect)
        log.write("recorded", name=f"{name} {number}")

    return Workflow("crowd", ask)


async def serve(runtime: Runtime, log: Log, process: int, number: int) -> None:
    """Start one run, answer it, see it to its end."""
    run_id = f"run-{number}"
    with suppress(RunExists):
        await runtime.start("crowd", {"number": number}, run_id=run_id)
        log.write("started", run=run_id)
    state = await runtime.wait(run_id)
    if state.awaiting_input is not None:
        request = state.awaiting_input
        value = f"by process {process}"
        outcome = await runtime.answer(request["id"], 1, value, person="local:ana", via="console")
        assert outcome.accepted, outcome
        log.write("acknowledged", run=run_id, id=request["id"], value=value)
        state = await runtime.wait(run_id)
    assert state.workflow_status is WorkflowStatus.COMPLETED, state


def play(folder: Path, process: int, kill_at: int) -> None:
    """One process's part."""
    log = Log(folder / "log", process)
    points = KillPoints(log, kill_at, only_after=True)

    async def main() -> None:
        store = crashing(SQLiteStore(folder / "sayso.db"), points)
        async with Runtime(store, [workflow(log)], resident=10) as runtime, asyncio.TaskGroup() as group:
            for number in range(RUNS):
                group.create_task(serve(runtime, log, process, number))
        await store.close()

    asyncio.run(main())
    (folder / f"points-{process}").write_text(json.dumps(points.names))


def main() -> None:
    """Play the cases that the command line names."""
    folder, *kills = sys.argv[1:]
    for kill_at in map(int, kills):
        case = Path(folder) / f"crowd-{kill_at}"
        case.mkdir()
        codes = [in_a_process(partial(play, case, 1, kill_at))]
        if kill_at:
            codes.append(in_a_process(partial(play, case, 2, 0)))
        (case / "codes").write_text(json.dumps(codes))
        if codes[-1] != 0:
            sys.exit(f"not every run was brought to its end in {case}")


if __name__ == "__main__":
    main()
