"""What PostgreSQL costs: the store's answer beside the bare transaction of the same weight, in the same run.

    python -m benchmarks.scale_out [--answers 600] [--url postgresql://USER@HOST/EMPTY_DATABASE]

The bare transaction has seven statements (lock a run, read its request, insert an event, a vote and a row of a trail,
update request and run) and each caller has a connection of its own. Without a URL it makes a cluster on this machine,
with fsync on, and ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import multiprocessing
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.workload import PERSON, STATE, VIA, each, make_workflow
from sayso.engine import Runtime
from sayso.engine.store import AnswerAttempt, Store, open_store
from tests.postgres import cluster

CALLERS = (1, 16, 64)
PROCESSES = 4
ROUNDS = 3
"""Bare and ours follow one another in each, so that a noisy neighbour meets both."""

DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "max_connections": "100"}

BARE = """
CREATE SCHEMA bare;
CREATE TABLE bare.runs (id bigint PRIMARY KEY, status text NOT NULL, state text NOT NULL);
CREATE TABLE bare.requests (id bigint PRIMARY KEY, run bigint NOT NULL, question text NOT NULL, answer text);
CREATE TABLE bare.events (request bigint, number bigint, person text, value text, PRIMARY KEY (request, number));
CREATE TABLE bare.votes (request bigint, person text, value text, PRIMARY KEY (request, person));
CREATE TABLE bare.trail (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, said text NOT NULL);
INSERT INTO bare.runs SELECT n, 'WAITING', repeat('x', 1000) FROM generate_series(1, {count}) n;
INSERT INTO bare.requests SELECT n, n, repeat('q', 500), NULL FROM generate_series(1, {count}) n
"""
STATEMENTS = (
    "SELECT status FROM bare.runs WHERE id = %(id)s FOR UPDATE",
    "SELECT question, answer FROM bare.requests WHERE run = %(id)s AND id = %(id)s",
    "INSERT INTO bare.events VALUES (%(id)s, 1, 'ana', 'approve')",
    "INSERT INTO bare.votes VALUES (%(id)s, 'ana', 'approve') ON CONFLICT DO NOTHING",
    "UPDATE bare.requests SET answer = 'approve' WHERE id = %(id)s",
    "UPDATE bare.runs SET status = 'RUNNABLE' WHERE id = %(id)s",
    "INSERT INTO bare.trail (said) VALUES (repeat('s', 800))",
)


class Bare:
    """The bare transactions, each run's once."""

    def __init__(self, url: str, count: int) -> None:
        self._url = url
        self._numbers = iter(range(1, count + 1))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(BARE.format(count=count).encode())

    def measure(self, count: int, callers: int) -> tuple[float, list[float]]:
        """So many a second, and how many seconds each took; by some processes, for one can only use one core."""
        numbers = [next(self._numbers) for _ in range(count)]
        shares = [numbers[at::callers] for at in range(callers)]
        spawning = multiprocessing.get_context("spawn")
        processes = min(callers, PROCESSES)
        gate = spawning.Barrier(processes + 1)
        with spawning.Pool(processes, _stand_ready, (gate,)) as pool:
            calls = pool.starmap_async(
                call_bare, [(self._url, shares[at::processes]) for at in range(processes)], 1
            )
            gate.wait()
            begun = time.perf_counter()
            taken = [one for found in calls.get() for one in found]
            return count / (time.perf_counter() - begun), taken


_gates: list[Any] = []


def _stand_ready(gate: Any) -> None:
    _gates.append(gate)


def call_bare(url: str, shares: list[list[int]]) -> list[float]:
    """In a process: each share by a thread of its own, once everybody is connected."""
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(len(shares)) as threads:
        connections = [
            stack.enter_context(psycopg.connect(url, autocommit=True, prepare_threshold=0)) for _ in shares
        ]
        _gates[0].wait()
        return [one for found in threads.map(_call, connections, shares) for one in found]


def _call(connection: psycopg.Connection[Any], numbers: list[int]) -> list[float]:
    taken: list[float] = []
    for number in numbers:
        begin = time.perf_counter()
        with connection.transaction():
            for statement in STATEMENTS:
                connection.execute(statement.encode(), {"id": number})
        taken.append(time.perf_counter() - begin)
    return taken


async def park(runtime: Runtime, count: int) -> list[tuple[str, str]]:
    """So many new parked runs; their ids and those of their requests."""
    ids: list[str] = []

    async def start(_: int) -> None:
        run_id = await runtime.start("benchmark", STATE)
        await runtime.wait(run_id)
        ids.append(run_id)

    await each(count, 16, start)
    wanted, open_requests = set(ids), await runtime.pending(limit=1_000_000)
    return [(one.run_id, one.id) for one in open_requests if one.run_id in wanted]


async def timed(
    count: int, callers: int, call: Callable[[int], Awaitable[None]]
) -> tuple[float, list[float]]:
    """So many calls a second, and how many seconds each took."""
    taken: list[float] = []

    async def one(number: int) -> None:
        begin = time.perf_counter()
        await call(number)
        taken.append(time.perf_counter() - begin)

    begin = time.perf_counter()
    await each(count, callers, one)
    return count / (time.perf_counter() - begin), taken


async def answers(store: Store, pairs: list[tuple[str, str]], callers: int) -> tuple[float, list[float]]:
    """Answers that are acknowledged, whose runs nobody drives."""

    async def give(number: int) -> None:
        request_id = pairs[number][1]
        outcome = await store.answer(
            AnswerAttempt(request_id, 1, "approve", PERSON, VIA, event_key=request_id)
        )
        assert outcome.accepted

    return await timed(len(pairs), callers, give)


async def completions(
    runtime: Runtime, pairs: list[tuple[str, str]], callers: int
) -> tuple[float, list[float]]:
    """Answers until their runs have completed."""

    async def give(number: int) -> None:
        run_id, request_id = pairs[number]
        await runtime.answer(request_id, 1, "approve", person=PERSON, via=VIA, event_key=request_id)
        await runtime.wait(run_id)

    return await timed(len(pairs), callers, give)


async def measure(url: str, count: int) -> None:
    """Measure and print."""
    bare = Bare(url, count * ROUNDS * len(CALLERS))
    rows: dict[str, list[tuple[float, float, float]]] = {}

    def note(name: str, floor: tuple[float, list[float]], ours: tuple[float, list[float]]) -> None:
        rate, taken = ours
        cuts = quantiles(taken, n=100)
        rows.setdefault(name, []).append((rate / floor[0], cuts[49] / median(floor[1]), cuts[98] * 1000))

    async with open_store(url) as store:
        for _ in range(ROUNDS):
            for callers in CALLERS:
                floor = await asyncio.to_thread(bare.measure, count, callers)
                async with Runtime(store, [make_workflow()], resident=0) as runtime:
                    first = await park(runtime, count)
                    second = await park(runtime, count)
                    print(
                        f"bare, {callers} callers: {floor[0]:.0f} a second, p50 {median(floor[1]) * 1e3:.2f} ms"
                    )
                    note(
                        f"answered to completed, {callers} callers",
                        floor,
                        await completions(runtime, first, callers),
                    )
                note(f"answered, {callers} callers", floor, await answers(store, second, callers))
    print("| | of the bare transaction's rate | p50, in its p50 | p99 |\n|---|---|---|---|")
    for name, found in sorted(rows.items()):
        rates, middles, slow = zip(*found, strict=True)
        print(f"| {name} | {median(rates):.2f} | {median(middles):.2f} | {median(slow):.1f} ms |")


@contextlib.contextmanager
def database(url: str | None) -> Generator[str]:
    """The URL of an empty database."""
    if url is not None:
        yield url
        return
    with cluster(**DURABLE) as made, made.database(is_empty=True) as own:
        yield own


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--answers", type=int, default=600)
    parser.add_argument("--url")
    given = parser.parse_args()
    logging.getLogger("sayso").setLevel(logging.ERROR)
    with database(given.url) as url:
        asyncio.run(measure(url, given.answers))


if __name__ == "__main__":
    main()
