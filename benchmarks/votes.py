"""Votes per second: on one request with 1,000 approvers, on 1,000 requests with three each, and what a vote costs with
many other requests open; beside the floor of one one-row UPDATE a commit in the same run.

    python -m benchmarks.votes [--others 30000]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.throughput import UpdateFloor
from benchmarks.workload import CALLERS, STATE, each, make_parked
from sayso.engine import Policy, Runtime, SQLiteStore, Stage, Workflow, node, request_approval

APPROVERS = 1000
REQUESTS = 1000
BLOCK = 100
FEW = 1000


def asking(name: str, people: list[str]) -> Workflow:
    """A workflow that asks these people, all of whom must approve."""
    policy = Policy(stages=[Stage(people, need=len(people))])

    @node(id="ask")
    async def ask(shared: dict[str, Any]) -> None:
        decision = await request_approval("Release?", request_id="release", policy=policy)
        shared["approved"] = decision.approved

    return Workflow(name, ask)


async def ask_all(runtime: Runtime, name: str, count: int) -> list[str]:
    """Open requests of a workflow; their ids."""

    async def start(_: int) -> None:
        await runtime.wait(await runtime.start(name, STATE))

    await each(count, CALLERS, start)
    return [one.id for one in await runtime.pending(limit=count)]


async def vote(runtime: Runtime, request_id: str, person: str) -> None:
    """One approval."""
    outcome = await runtime.answer(request_id, 1, "approve", person=person, via="web", event_key=person)
    assert outcome.accepted, outcome


async def on_one(folder: Path) -> dict[str, float]:
    """Votes a second on one request, one at a time, and how the last hundred compare with the first."""
    people = [f"web:p{number}" for number in range(APPROVERS)]
    async with SQLiteStore(folder / "one.db") as store, Runtime(store, [asking("one", people)]) as runtime:
        (request_id,) = await ask_all(runtime, "one", 1)
        blocks: list[float] = []
        for start in range(0, APPROVERS, BLOCK):
            begun = time.perf_counter()
            for person in people[start : start + BLOCK]:
                await vote(runtime, request_id, person)
            blocks.append(time.perf_counter() - begun)
    return {
        "votes a second": APPROVERS / sum(blocks),
        "first hundred, ms a vote": blocks[0] / BLOCK * 1000,
        "last hundred, ms a vote": blocks[-1] / BLOCK * 1000,
    }


async def on_many(folder: Path) -> dict[str, float]:
    """Votes a second on many requests of three, from several callers and one at a time, to the end of every run."""
    people = ["web:a", "web:b", "web:c"]
    rates: dict[str, float] = {}
    for name, callers in (("one caller", 1), (f"{CALLERS} callers", CALLERS)):
        path = folder / f"{callers}.db"
        async with SQLiteStore(path) as store, Runtime(store, [asking("many", people)]) as runtime:
            ids = await ask_all(runtime, "many", REQUESTS)

            async def one(number: int, runtime: Runtime = runtime, ids: list[str] = ids) -> None:
                await vote(runtime, ids[number // 3], people[number % 3])

            begun = time.perf_counter()
            await each(REQUESTS * 3, callers, one)
            rates[f"votes a second, {name}"] = REQUESTS * 3 / (time.perf_counter() - begun)
    return rates


async def beside(folder: Path, others: int) -> float:
    """Milliseconds of a vote, the median, with so many other requests open."""
    path = folder / f"others-{others}.db"
    await make_parked(path, others)
    people = [f"web:p{number}" for number in range(300)]
    async with SQLiteStore(path) as store, Runtime(store, [asking("one", people)]) as runtime:
        run_id = await runtime.start("one")
        await runtime.wait(run_id)
        (request,) = await runtime.pending(run_id)
        times: list[float] = []
        for person in people:
            begun = time.perf_counter()
            await vote(runtime, request.id, person)
            times.append(time.perf_counter() - begun)
    return median(times) * 1000


def floor(folder: Path) -> float:
    """Milliseconds of one one-row UPDATE a commit."""
    updates = UpdateFloor(folder, 1000)
    for start in range(0, 1000, BLOCK):
        updates.block(start)
    updates.close()
    return updates.seconds


async def main() -> None:
    parser = argparse.ArgumentParser(description="Votes per second.")
    parser.add_argument("--others", type=int, default=30_000, help="how many other requests are open at most")
    others: int = parser.parse_args().others
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures: dict[str, Any] = {
            "floor, ms a commit": floor(folder),
            f"one request, {APPROVERS} approvers": await on_one(folder),
            f"{REQUESTS} requests, 3 approvers": await on_many(folder),
        }
        few, many = await beside(folder, FEW), await beside(folder, others)
        figures["ms per vote with other requests open"] = {
            str(FEW): few,
            str(others): many,
            "ratio": many / few,
        }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    asyncio.run(main())
