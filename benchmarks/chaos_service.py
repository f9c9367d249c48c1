"""The service of a chaos run, in a process that is killed: `Service` is its handle, `Swap` takes its file away,
this module run as a script is the process itself.

What it is told on standard input are runs to start, one a line; what it says is `serving URL`, then `started RUN`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sayso.bots.service import Sayso
from sayso.config import Settings
from sayso.engine import (
    Policy,
    RunExists,
    Runtime,
    Stage,
    StoreError,
    Workflow,
    node,
    request_approval,
    step,
)

WORKFLOW, UNRULY = "release", "unruly"
HARMS = ("exits", "stops iterating", "is cancelled by hand", "blocks", "kills the process")
BLOCKS_FOR = 20.0
KILLED_BY_CODE = 4
TRIES_EVERY = 0.5
ROOT = Path(__file__).parents[1]
STARTS_WITHIN, STOPS_WITHIN = 60.0, 30.0


def prompt_of(number: int) -> str:
    """What a question asks."""
    return f"Release {number} to production?"


@node
async def gate(shared: dict[str, Any]) -> None:
    """Ask what the run was started with."""
    seconds = shared["seconds"]
    decision = await request_approval(
        prompt_of(shared["number"]),
        {"Change": shared["change"]},
        request_id="release",
        to=shared["to"],
        policy=Policy(
            stages=[Stage(shared["approvers"], need=shared["need"])], exclude_requester=shared["four_eyes"]
        ),
        expires_after=None if seconds is None else timedelta(seconds=seconds),
    )
    shared["approved"] = decision.approved


@node
async def publish(shared: dict[str, Any]) -> None:
    """Do what was approved, once."""
    if shared["approved"]:
        await step("publish", note, shared["log"], shared["number"], once=True)


def note(log: str, number: int) -> None:
    """Leave a line of what was done, which outlives a kill."""
    with Path(log).open("a") as lines:
        lines.write(f"{number}\n")
        lines.flush()
        os.fsync(lines.fileno())


gate > publish
workflow = Workflow(WORKFLOW, start=gate)


@node
async def harm(shared: dict[str, Any]) -> None:
    """Do what code of users does at its worst."""
    match shared["harm"]:
        case "exits":
            sys.exit(3)
        case "stops iterating":
            await step("stop", next, iter(()))
        case "is cancelled by hand":
            raise KeyboardInterrupt
        case "blocks":
            await step("block", time.sleep, BLOCKS_FOR)
        case _:
            os._exit(KILLED_BY_CODE)


unruly = Workflow(UNRULY, start=harm)


@dataclass
class Service:
    """The process, as those see it who start, kill and ask it."""

    database: Path
    settings: dict[str, Any]
    kills: int = 0
    deaths: int = 0
    url: str = ""
    _process: asyncio.subprocess.Process | None = None
    _waiting: dict[str, tuple[bytes, asyncio.Event]] = field(
        default_factory=dict[str, tuple[bytes, asyncio.Event]]
    )

    async def start(self) -> bool:
        """Start it, and tell it of all runs that it has not confirmed. Returns whether it serves: code of a run may
        have killed it before.
        """
        given = json.dumps({"database": str(self.database), "settings": self.settings})
        with self.database.with_suffix(".log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "benchmarks.chaos_service", given,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log, cwd=ROOT,
            )  # fmt: skip
        async with asyncio.timeout(STARTS_WITHIN):
            line = await self._line()
        if not line.startswith("serving "):
            if await self._process.wait() != KILLED_BY_CODE:
                raise RuntimeError(f"the service did not start; the end of its log:\n{self._last_words()}")
            self.deaths += 1
            return False
        self.url = line.removeprefix("serving ")
        for told, _ in list(self._waiting.values()):
            self._tell(told)
        return True

    def _last_words(self) -> str:
        return "\n".join(self.database.with_suffix(".log").read_text().splitlines()[-30:])

    @property
    def is_gone(self) -> bool:
        """Whether it has ended by itself."""
        return self._process is not None and self._process.returncode is not None

    async def listen(self) -> None:
        """Read what it prints, until it has ended."""
        while line := await self._line():
            _, event = self._waiting.pop(line.removeprefix("started "), (b"", asyncio.Event()))
            event.set()
        assert self._process is not None
        self.deaths += await self._process.wait() == KILLED_BY_CODE

    async def ask(
        self, run_id: str, shared: dict[str, Any], requested_by: str | None = None, of: str = WORKFLOW
    ) -> None:
        """Have a run started, by this process or by the next; return once it is."""
        run = {"of": of, "run_id": run_id, "shared": shared, "requested_by": requested_by}
        told = json.dumps(run).encode() + b"\n"
        event = asyncio.Event()
        self._waiting[run_id] = told, event
        self._tell(told)
        await event.wait()

    async def kill(self) -> None:
        """`kill -9`."""
        assert self._process is not None
        self.kills += 1
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOPS_WITHIN):
                return await self._process.wait()
        except TimeoutError:
            self._process.kill()
            return await self._process.wait()

    def _tell(self, line: bytes) -> None:
        if self._process is not None and self._process.returncode is None:
            assert self._process.stdin is not None
            with suppress(ConnectionError):
                self._process.stdin.write(line)

    async def _line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode().strip()


class Swap:
    """Another file in the place of the database, with what belongs to it: a copy of it as it was at the beginning."""

    def __init__(self, database: Path) -> None:
        self._files = [database, *(database.with_name(f"{database.name}-{end}") for end in ("wal", "shm"))]
        self.turn = asyncio.Lock()
        self.is_made = False
        self.count = 0

    def __enter__(self) -> None:
        """Put the files aside."""
        self.is_made = True
        self.count += 1
        database = self._files[0]
        copy = database.with_name("copy")
        with (
            closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        for one in self._files:
            if one.exists():
                one.rename(_aside(one))
        copy.rename(database)

    def __exit__(self, *error: object) -> None:
        """Put them back."""
        for one in self._files:
            one.unlink(missing_ok=True)
            if _aside(one).exists():
                _aside(one).rename(one)
        self.is_made = False


def _aside(one: Path) -> Path:
    return one.with_name(f"aside-{one.name}")


async def run(given: dict[str, Any]) -> None:
    """Serve, and start runs as they are told, until SIGTERM or until nobody is there to tell more."""
    settings = Settings(**{**given["settings"], "database": given["database"]})
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    loop.add_signal_handler(signal.SIGTERM, lines.feed_eof)
    async with Sayso(settings, workflows=[workflow, unruly]) as sayso:
        print(f"serving {sayso.url}", flush=True)
        while line := await lines.readline():
            told = json.loads(line)
            await _start(sayso.runtime, told)
            print(f"started {told['run_id']}", flush=True)


async def _start(runtime: Runtime, told: dict[str, Any]) -> None:
    """Start a run, once the database is where it was."""
    while True:
        try:
            await runtime.start(told["of"], told["shared"], told["run_id"], requested_by=told["requested_by"])
        except RunExists:
            return
        except StoreError:
            await asyncio.sleep(TRIES_EVERY)
        else:
            return


if __name__ == "__main__":
    asyncio.run(run(json.loads(sys.argv[1])))
