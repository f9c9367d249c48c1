"""Services that a test kills: how the test speaks to the process that forks them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.bots.command import environment


class Worker:
    """The process that forks the services."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._child = 0
        self.ended = asyncio.Event()
        self.ended.set()

    async def run(self, kill_at: int) -> None:
        """Fork a service and watch it until its end."""
        assert self._process.stdin is not None
        self.ended.clear()
        self._process.stdin.write(f"{kill_at}\n".encode())
        self._child = int((await self._line()).removeprefix("forked "))

    async def watch(self) -> None:
        """Return when the service has ended."""
        assert await self._line() == "ended"
        self.ended.set()

    def kill(self, number: signal.Signals) -> None:
        """Send the service a signal; one that ended in this very moment needs none."""
        with suppress(ProcessLookupError):
            os.kill(self._child, number)

    async def _line(self) -> str:
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode().strip()


@asynccontextmanager
async def a_worker(folder: Path, given: dict[str, Any]) -> AsyncGenerator[Worker]:
    """A process that forks services in this folder as they are told; see `crash_worker`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bots.crash_worker",
        json.dumps({**given, "folder": str(folder)}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment(),
    )
    worker = Worker(process)
    try:
        yield worker
    finally:
        if not worker.ended.is_set():
            worker.kill(signal.SIGKILL)
        process.kill()
        await process.wait()
