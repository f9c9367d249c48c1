"""The service that is killed: forked from a process that has the imports done, once for each line on standard input.

A line is the number of the kill point; 0 is none. What it says: `forked PID`, then `ended` once that process is gone.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from sayso.config import Settings
from sayso.engine import RunExists, SQLiteStore
from tests.bots.chat_service import chat_service
from tests.engine.crash.points import KillPoints, Log, crashing


async def serve(given: dict[str, Any], kill_at: int) -> None:
    """Serve and see to it that all runs are started, until SIGTERM."""
    folder = Path(given["folder"])
    log = Log(folder / "log", os.getpid())
    points = KillPoints(log, kill_at)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    database = folder / "sayso.db"
    async with chat_service(
        database, Settings(**given["settings"]), new_store=lambda: crashing(SQLiteStore(database), points)
    ) as service:
        for number in range(given["runs"]):
            question = {
                "prompt": f"Release {number}?",
                "options": ["approve", "reject"],
                "input_type": "select",
            }
            shared = {"ask": {**question, "to": [given["place"]]}}
            with suppress(RunExists):
                await service.runtime.start("flow", shared, f"run-{number}")
        await stop.wait()
    log.write("points", names=points.names)


def main() -> None:
    given = json.loads(sys.argv[1])
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                asyncio.run(serve(given, int(line)))
                status = 0
            finally:
                os._exit(status)
        print(f"forked {child}", flush=True)  # noqa: T201 - the protocol with the test
        os.waitpid(child, 0)
        print("ended", flush=True)  # noqa: T201 - the protocol with the test


if __name__ == "__main__":
    main()
