"""The process that is killed: it drives the story, answers what is open, and goes on from whatever is stored.

`python -m tests.engine.crash.worker FOLDER DRIVER POINT...` plays one case after the other, each in a folder of its
own, whose file `location` names its database, and in processes of its own: one that kills itself at the point, then one
that does not. They are forked from this one, which has the imports done and has opened nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sayso.engine import (
    AttentionKind,
    ExecutionState,
    NotApplicable,
    RunExists,
    Runtime,
    WorkflowEngine,
    WorkflowStatus,
    open_store,
)
from sayso.engine.store import Change, Listener, NewRun
from tests.engine.crash.points import KillPoints, Log, crashing
from tests.engine.crash.story import EXPIRY, Poke, answer_to, build, workflow
from tests.engine.support import START, ManualClock

RUN = "the-run"
OPERATOR = "local:operator"
PATIENCE = 15
BY_NAME = ("second", "left")
ADVANCE = EXPIRY + timedelta(minutes=1)


class Player:
    """Answers whatever a run waits for until it has ended; everything that was acknowledged is logged."""

    def __init__(self, folder: Path, process: int, points: KillPoints) -> None:
        self.points = points
        self.log = points.log
        self.first = process == 1
        self.clock = ManualClock()
        if self.log.lines("advanced"):
            self.clock.advance(ADVANCE)
        self.store = crashing(open_store((folder / "location").read_text(), clock=self.clock), points)
        self.changed = asyncio.Event()
        self.poke = Poke()
        if not self.first:
            self.poke.given.set()  # what the node waited for outside has happened before it runs again

    def listen(self) -> None:
        """Be told of everything that is committed about the run."""

        def hear(change: Change) -> None:
            self.changed.set()

        self.store.hub.listen(Listener(asyncio.get_running_loop(), hear), run_id=RUN)

    async def react(self, state: ExecutionState, driver: Runtime | WorkflowEngine) -> None:
        """Do the next thing that people do."""
        if state.workflow_status is WorkflowStatus.FAILED:
            await self.store.retry(RUN, OPERATOR, "console", ask_again=False)
            return
        if state.workflow_status is WorkflowStatus.NEEDS_ATTENTION:
            await self._attend(state)
            return
        request = state.awaiting_input
        assert request is not None, state
        for seen in state.pending:
            self.log.write("seen", id=seen["id"], name=seen["request_id"], node=seen["node_id"])
        if request["deadline"] is not None:
            await self._let_expire()
        elif request["request_id"] == "poke" and self.first and not self.poke.served.is_set():
            self.poke.given.set()
            await self.poke.served.wait()
        else:
            await self._answer(request, answer_to(request["request_id"], state.shared), driver)

    async def _attend(self, state: ExecutionState) -> None:
        """An operator looks whether the effect of the step happened, and says so."""
        assert state.attention is not None
        name = state.attention.name
        happened = any(line["name"] == f"once {name}" for line in self.log.lines("effect"))
        self.log.write("attended", name=name, happened=happened)
        if state.attention.kind is AttentionKind.STEP_CHANGED:
            await self.store.attend(RUN, "accept", None, OPERATOR, "console")
        elif happened:
            await self.store.attend(RUN, "done", '"receipt"', OPERATOR, "console")
        else:
            await self.store.attend(RUN, "again", None, OPERATOR, "console")

    async def operate(self) -> None:
        """What an operator does when all is over; each call may be repeated by the next process."""
        definition_key = await self.store.define("none", "{}")
        with suppress(RunExists):
            await self.store.start(NewRun("doomed", "none", definition_key, "nowhere", "{}", None))
        with suppress(NotApplicable):
            await self.store.cancel("doomed", OPERATOR, "console")
        await self.store.redact("doomed", OPERATOR, "console")
        await self.store.prune(START, OPERATOR, "console")

    async def _let_expire(self) -> None:
        if not self.log.lines("advanced"):
            self.log.write("advanced")
            self.clock.advance(ADVANCE)
        await self.changed.wait()

    async def _answer(self, request: dict[str, Any], value: Any, driver: Runtime | WorkflowEngine) -> None:
        if isinstance(driver, WorkflowEngine) and request["request_id"] in BY_NAME:
            await driver.run({request["request_id"]: value})
        else:
            outcome = await driver.answer(
                request["id"], request["revision"], value, person="local:ana", via="console"
            )
            assert outcome.accepted, outcome
        self.log.write("acknowledged", id=request["id"], name=request["request_id"], value=value)


async def play_runtime(player: Player) -> dict[str, Any]:
    """Drive the story by a runtime."""
    async with Runtime(player.store, [workflow(player.points, player.poke)]) as runtime:
        player.listen()
        with suppress(RunExists):
            await runtime.start("story", run_id=RUN)
        while True:
            player.changed.clear()
            state = await runtime.wait(RUN)
            if state.workflow_status is WorkflowStatus.COMPLETED:
                await player.operate()
                return summary(state)
            await player.react(state, runtime)


async def play_engine(player: Player) -> dict[str, Any]:
    """Drive the story by a handle."""
    nodes = build(player.points, player.poke)
    async with WorkflowEngine(nodes, nodes[0], "story", RUN, player.store) as engine:
        player.listen()
        while True:
            player.changed.clear()
            state = await engine.run()
            if state.workflow_status is WorkflowStatus.COMPLETED:
                await player.operate()
                return summary(state)
            await player.react(state, engine)


PLAYS = {"runtime": play_runtime, "engine": play_engine}


def summary(state: ExecutionState) -> dict[str, Any]:
    """How the run ended."""
    return {"status": state.workflow_status.value, "shared": state.shared, "error": state.error}


def play(folder: Path, driver: str, process: int, kill_at: int) -> None:
    """One process's part."""
    points = KillPoints(Log(folder / "log", process), kill_at)

    async def main() -> None:
        player = Player(folder, process, points)
        try:
            end = await PLAYS[driver](player)
        finally:
            await player.store.close()
        (folder / "end").write_text(json.dumps(end))

    asyncio.run(main())
    (folder / f"points-{process}").write_text(json.dumps(points.names))


def in_a_process(part: Callable[[], None]) -> int:
    """Fork, play a part there, and return how the process ended: its exit code, or minus the signal that killed it."""
    child = os.fork()
    if child == 0:
        status = 1
        signal.alarm(PATIENCE)
        try:
            part()
            status = 0
        except BaseException:  # noqa: BLE001 - the end of a process: it is told, and the exit code says it
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Play the cases that the command line names; 0 is the one without a kill."""
    folder, driver, *points = sys.argv[1:]
    for point in map(int, points):
        case = Path(folder) / f"{driver}-{point}"
        codes = [in_a_process(partial(play, case, driver, 1, point))]
        if point:
            codes.append(in_a_process(partial(play, case, driver, 2, 0)))
        (case / "codes").write_text(json.dumps(codes))
        if codes[-1] != 0:
            sys.exit(f"the run was not brought to its end in {case}")


if __name__ == "__main__":
    main()
