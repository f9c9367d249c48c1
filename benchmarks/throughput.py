"""Runs and answers per second, beside the floors that plain synchronous SQLite gives in the same run."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from pathlib import Path
from statistics import median

from benchmarks.workload import (
    CALLERS,
    PERSON,
    STATE,
    VIA,
    copy_database,
    each,
    make_parked,
    make_workflow,
    read_pending,
)
from sayso.engine import Runtime, SQLiteStore
from sayso.engine._clock import SystemClock
from sayso.engine.store import AnswerAttempt
from sayso.engine.store._answering import answer
from sayso.engine.store.sqlite._connection import WRITER_PRAGMAS
from sayso.engine.store.sqlite._transaction import SQLiteTransaction

BLOCK = 100
"""Floors are taken in turns of this many, so that a noisy neighbour meets both."""


class UpdateFloor:
    """F: one one-row UPDATE a commit, with the store's own pragmas."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.seconds = 0.0
        self._rows = random.Random(2).sample(range(rows), rows)
        self._connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
        for pragma, value in WRITER_PRAGMAS.items():
            self._connection.execute(f"PRAGMA {pragma} = {value}")
        self._connection.execute("DROP TABLE IF EXISTS floor")
        self._connection.execute("CREATE TABLE floor (id INTEGER PRIMARY KEY, value INTEGER) STRICT")
        self._connection.executemany("INSERT INTO floor VALUES (?, 0)", [(number,) for number in range(rows)])

    def block(self, start: int) -> None:
        begun = time.perf_counter()
        for row in self._rows[start : start + BLOCK]:
            self._connection.execute("UPDATE floor SET value = value + 1 WHERE id = ?", (row,))
        self.seconds += time.perf_counter() - begun

    def close(self) -> None:
        self._connection.close()


class AnswerFloor:
    """S: the store's own answer transaction on plain synchronous SQLite, one a commit."""

    def __init__(self, path: Path, pairs: list[tuple[str, str]]) -> None:
        self.seconds = 0.0
        self._pairs = pairs
        self._transaction = SQLiteTransaction(path)
        self._connection = self._transaction.connection
        self._clock = SystemClock()

    def block(self, start: int) -> None:
        begun = time.perf_counter()
        for _, request_id in self._pairs[start : start + BLOCK]:
            attempt = AnswerAttempt(request_id, 1, "approve", PERSON, VIA, event_key=request_id)
            self._transaction.begin(self._clock.now())
            outcome = answer(self._transaction, attempt, _never)
            self._connection.execute("COMMIT")
            self._transaction.take_changes()
            assert outcome.accepted
        self.seconds += time.perf_counter() - begun

    def close(self) -> None:
        self._connection.close()


def floors(folder: Path, path: Path, pairs: list[tuple[str, str]]) -> tuple[float, float]:
    """F and S, a second."""
    updates, answers = UpdateFloor(folder, len(pairs)), AnswerFloor(path, pairs)
    for start in range(0, len(pairs), BLOCK):
        updates.block(start)
        answers.block(start)
    updates.close()
    answers.close()
    return len(pairs) / updates.seconds, len(pairs) / answers.seconds


def _never(_workflow: str, _node: str) -> bool:
    return False


async def acknowledged(path: Path, pairs: list[tuple[str, str]]) -> float:
    """Answers acknowledged a second, 64 callers; the runs are not driven here."""
    async with SQLiteStore(path) as store:

        async def give(number: int) -> None:
            request_id = pairs[number][1]
            await store.answer(AnswerAttempt(request_id, 1, "approve", PERSON, VIA, event_key=request_id))

        begun = time.perf_counter()
        await each(len(pairs), CALLERS, give)
        return len(pairs) / (time.perf_counter() - begun)


async def completed_cold(path: Path, pairs: list[tuple[str, str]]) -> float:
    """Answered to completed a second, every run loaded and replayed."""
    async with SQLiteStore(path) as store, Runtime(store, [make_workflow()], resident=0) as runtime:
        return await _answer_and_wait(runtime, pairs)


async def started_and_completed(path: Path, count: int) -> tuple[float, float]:
    """Started to parked a second, and answered to completed with every run resident."""
    async with SQLiteStore(path) as store, Runtime(store, [make_workflow()], resident=count) as runtime:

        async def start(_: int) -> None:
            run_id = await runtime.start("benchmark", STATE)
            await runtime.wait(run_id)

        begun = time.perf_counter()
        await each(count, CALLERS, start)
        started = count / (time.perf_counter() - begun)
        return started, await _answer_and_wait(runtime, await read_pending(path, count))


async def _answer_and_wait(runtime: Runtime, pairs: list[tuple[str, str]]) -> float:
    async def give(number: int) -> None:
        run_id, request_id = pairs[number]
        await runtime.answer(request_id, 1, "approve", person=PERSON, via=VIA, event_key=request_id)
        await runtime.wait(run_id)

    begun = time.perf_counter()
    await each(len(pairs), CALLERS, give)
    return len(pairs) / (time.perf_counter() - begun)


def measure(folder: Path, count: int, rounds: int) -> dict[str, float]:
    """The medians of some rounds; in each, floors and figures follow one another."""
    source = folder / "parked.db"
    pairs = asyncio.run(make_parked(source, count))
    figures: dict[str, list[float]] = {}

    def note(name: str, rate: float) -> None:
        figures.setdefault(name, []).append(rate)

    def fresh(name: str, number: int) -> Path:
        return copy_database(source, folder / f"{name}-{number}.db")

    for number in range(rounds):
        update, synchronous = floors(folder, fresh("floor", number), pairs)
        note("F", update)
        note("S", synchronous)
        note("acknowledged", asyncio.run(acknowledged(fresh("acknowledged", number), pairs)))
        note("cold", asyncio.run(completed_cold(fresh("cold", number), pairs)))
        started, resident = asyncio.run(started_and_completed(folder / f"started-{number}.db", count))
        note("started", started)
        note("resident", resident)
    return {name: median(rates) for name, rates in figures.items()}
