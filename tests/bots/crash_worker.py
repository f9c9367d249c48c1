"""The service that is killed: forked from a process that has the imports done, once for each line on standard input.

A line is the number of the kill point, 0 for none, and the name of one or nothing. What it says: `forked PID`, `serves`
once it does, then `ended` once that process is gone.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from sayso.config import Settings
from sayso.engine import AskedBatch, File, RunExists, SQLiteStore, read_asked
from tests.bots.chat_service import SHOWN, chat_service
from tests.bots.guests import team_of
from tests.engine.crash.points import KillPoints, Log, crashing

STDOUT = 1


async def serve(given: dict[str, Any], kill_at: int, kill_on: str) -> None:
    """Serve and see to it that all runs are started, until SIGTERM."""
    folder = Path(given["folder"])
    log = Log(folder / "log", os.getpid())
    points = KillPoints(log, kill_at, kill_on=kill_on)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    database = folder / "sayso.db"
    team = team_of(given["team"]) if "team" in given else None
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(
            chat_service(
                database,
                Settings(**given["settings"]),
                new_store=lambda: crashing(SQLiteStore(database), points),
                platforms=None if team is None else [team.platform],
            )
        )
        if team is not None:
            await stack.enter_async_context(team.serving())
        for number in range(given["runs"]):
            question = {
                "prompt": f"Release {number}?",
                "options": ["approve", "reject", "later"],
                "input_type": "select",
            }
            if given.get("has_file"):
                SHOWN["report"] = {"Report": File(b"a,b", "report.csv")}
                question["shown"] = "report"
            shared = {"ask": {**question, "to": [given["place"]]}}
            with suppress(RunExists):
                await service.runtime.start("flow", shared, f"run-{number}")
        if questions := given.get("batch"):
            asked = tuple(map(read_asked, questions))
            await service.runtime.ask(AskedBatch(asked), requested_by="token:agent", event_key="batch")
        _say("serves")
        await stop.wait()
    log.write("points", names=points.names)


def main() -> None:
    given = json.loads(sys.argv[1])
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                kill_at, _, kill_on = line.strip().partition(" ")
                asyncio.run(serve(given, int(kill_at), kill_on))
                status = 0
            finally:
                os._exit(status)
        _say(f"forked {child}")
        os.waitpid(child, 0)
        _say("ended")


def _say(line: str) -> None:
    os.write(STDOUT, f"{line}\n".encode())  # whole, though two processes write


if __name__ == "__main__":
    main()
