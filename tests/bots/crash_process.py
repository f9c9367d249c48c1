"""Services that a test kills: how the test speaks to the process that forks them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from sayso.engine import SQLiteReader, WorkflowStatus
from tests.bots.command import environment
from tests.bots.forked import Forked
from tests.engine.crash.points import read_log

STDERR = 2


class Worker:
    """The process that forks the services: what it says, and where it is told."""

    def __init__(self, said: asyncio.StreamReader, told: BinaryIO) -> None:
        self._said = said
        self._told = told
        self._child = 0
        self.ended = asyncio.Event()
        self.ended.set()

    async def run(self, kill_at: int, kill_on: str = "") -> None:
        """Fork a service."""
        self.ended.clear()
        self._told.write(f"{kill_at} {kill_on}\n".encode())
        self._child = int((await self._line()).removeprefix("forked "))

    async def serves(self) -> None:
        """Return when the service takes what comes, and all runs are started."""
        assert await self._line() == "serves"

    async def watch(self) -> None:
        """Return when the service has ended."""
        while (line := await self._line()) != "ended":
            assert line == "serves"
        self.ended.set()

    def kill(self, number: signal.Signals) -> None:
        """Send the service a signal; one that ended in this very moment needs none."""
        with suppress(ProcessLookupError):
            os.kill(self._child, number)

    async def play(self, people: Coroutine[Any, Any, None], kill_at: int) -> None:
        """Run a service until it dies at that point, or until people are done with it."""
        await self.run(kill_at)
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self.watch())
            play = group.create_task(people)
            await asyncio.wait([watch, play], return_when=asyncio.FIRST_COMPLETED)
            if play.done():
                self.kill(signal.SIGTERM)
            play.cancel()

    async def die_when(self, moment: Awaitable[None], people: Coroutine[Any, Any, None]) -> None:
        """Run a service with people, and kill it once the moment has come."""
        await self.run(0)
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self.watch())
            play = group.create_task(people)
            await moment
            self.kill(signal.SIGKILL)
            await watch
            play.cancel()

    async def _line(self) -> str:
        return (await self._said.readline()).decode().strip()


@asynccontextmanager
async def a_worker(folder: Path, given: dict[str, Any]) -> AsyncGenerator[Worker]:
    """A process that forks services in this folder as they are told; see `crash_worker`."""
    (read_by_it, told), (said, written_by_it) = os.pipe(), os.pipe()
    process = Forked(
        (sys.executable, "-m", "tests.bots.crash_worker", json.dumps({**given, "folder": str(folder)})),
        folder,
        environment(),
        (read_by_it, written_by_it, STDERR),
        modules=("tests.bots.chat_service", "tests.bots.guests", "tests.engine.crash.points"),
    )
    os.close(read_by_it)
    os.close(written_by_it)
    reader = asyncio.StreamReader()
    with os.fdopen(told, "wb", buffering=0) as telling, os.fdopen(said, "rb") as saying:
        reading, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), saying
        )
        worker = Worker(reader, telling)
        try:
            yield worker
        finally:
            if not worker.ended.is_set():
                worker.kill(signal.SIGKILL)
            process.kill()
            process.wait()
            reading.close()


def in_parts(parts: int) -> pytest.MarkDecorator:
    """The first of so many parts of all points each time, the others by `make test-more`."""
    more = (pytest.param(part, marks=pytest.mark.more) for part in range(1, parts))
    return pytest.mark.parametrize("part", [0, *more])


def each_point(path: Path, part: int, parts: int, *, most: int, least: int) -> Iterator[tuple[int, Path]]:
    """The points of a part, each with a folder to play in, as far as services die; they do at so many at least."""
    reached = 0
    for kill_at in range(part + 1, most, parts):
        folder = path / f"at-{kill_at}"
        folder.mkdir()
        yield kill_at, folder
        if not kills(folder):
            break
        reached += 1
    assert reached >= least


def kills(folder: Path) -> int:
    """How many services died at a point."""
    return sum(line["what"] == "kill" for line in read_log(folder / "log"))


async def decided(database: Path, runs: int) -> dict[str, object]:
    """The answers that counted, by run, where so many runs have ended that asked once each."""
    async with SQLiteReader(database) as reader:
        ended = await reader.runs(limit=1000)
        asked = [str(row.run_id) async for row in reader.audit() if row.kind == "requested"]
    assert [run.status for run in ended] == [WorkflowStatus.COMPLETED] * runs
    found = await accepted(database)
    assert sorted(asked) == sorted(run.run_id for run in ended) == sorted(found)
    return found


async def accepted(database: Path) -> dict[str, object]:
    """The answers that counted, by run; none twice."""
    async with SQLiteReader(database) as reader:
        rows = [row async for row in reader.audit() if row.kind == "answer_accepted"]
    found: dict[str, object] = {
        str(row.run_id): row.payload["value"] for row in rows if isinstance(row.payload, dict)
    }
    assert len(found) == len(rows)
    return found
