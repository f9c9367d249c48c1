"""The work that is measured: runs of three nodes with one request and about 1 KB of state."""

from __future__ import annotations

import asyncio
import random
import shutil
from pathlib import Path
from typing import Any

from sayso.engine import Node, Runtime, SQLiteReader, SQLiteStore, Workflow, request_input

STATE: dict[str, Any] = {
    "title": "What is new in release 4.2",
    "author": "Ana Example",
    "tags": ["release", "news"],
    "attempt": 1,
    "draft": "The new release brings faster start-up, quieter logs and a smaller footprint. " * 11,
}
PERSON = "local:benchmark"
VIA = "console"
CALLERS = 64


class Draft(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:  # noqa: ARG002
        shared["drafted"] = True


class Review(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:  # noqa: ARG002
        shared["decision"] = await ask()


class Publish(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:  # noqa: ARG002
        shared["published"] = shared["decision"] == "approve"


async def ask() -> Any:
    """The one question of a run."""
    return await request_input(
        prompt="Publish the draft?",
        options=["approve", "reject"],
        input_type="select",
        request_id="publish",
        to="console",
    )


def make_workflow() -> Workflow:
    """Draft, review, publish."""
    draft, review, publish = Draft(), Review(), Publish()
    draft > review
    review > publish
    return Workflow("benchmark", draft)


async def each(count: int, callers: int, work: Any) -> None:
    """Call `work(n)` for every n, by this many callers at a time."""
    numbers = iter(range(count))

    async def caller() -> None:
        for number in numbers:
            await work(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(caller())


async def make_parked(path: Path, count: int) -> list[tuple[str, str]]:
    """A file with parked runs; their run ids and request ids, shuffled."""
    async with SQLiteStore(path) as store, Runtime(store, [make_workflow()], resident=0) as runtime:
        ids: list[str] = [""] * count

        async def start(number: int) -> None:
            ids[number] = await runtime.start("benchmark", STATE)
            await runtime.wait(ids[number])

        await each(count, CALLERS, start)
    return await read_pending(path, count)


async def read_pending(path: Path, count: int) -> list[tuple[str, str]]:
    """The run ids and request ids of a file's open requests, shuffled."""
    async with SQLiteReader(path) as reader:
        requests = await reader.pending(limit=count)
    pairs = [(request.run_id, request.id) for request in requests]
    random.Random(1).shuffle(pairs)
    return pairs


def copy_database(source: Path, target: Path) -> Path:
    """A copy of a closed database."""
    shutil.copyfile(source, target)
    return target
