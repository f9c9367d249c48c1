"""Runs and answers per second, beside the floors that plain synchronous SQLite gives in the same run."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from pathlib import Path
from statistics import median

from benchmarks.workload import CALLERS, PERSON, STATE, VIA, copy_database, each, make_parked, make_workflow, read_pending
from sayso.engine import Runtime, SQLiteStore
from sayso.engine._clock import SystemClock, to_microseconds
from sayso.engine.store import AnswerAttempt
from sayso.engine.store._answering import answer
from sayso.engine.store._connection import WRITER_PRAGMAS, connect_writer
from sayso.engine.store._transaction import Transaction


def floor_update(folder: Path, count: int) -> float:
    """F: one one-row UPDATE a commit, a second."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    for pragma, value in WRITER_PRAGMAS.items():
        connection.execute(f"PRAGMA {pragma} = {value}")
    connection.execute("CREATE TABLE IF NOT EXISTS floor (id INTEGER PRIMARY KEY, value INTEGER) STRICT")
    connection.execute("BEGIN")
    connection.executemany("INSERT OR IGNORE INTO floor VALUES (?, 0)", [(number,) for number in range(count)])
    connection.execute("COMMIT")
    order = list(range(count))
    random.Random(2).shuffle(order)
    begun = time.perf_counter()
    for number in order:
        connection.execute("UPDATE floor SET value = value + 1 WHERE id = ?", (number,))
    rate = count / (time.perf_counter() - begun)
    connection.close()
    return rate


def floor_answer(path: Path, pairs: list[tuple[str, str]]) -> float:
    """S: the store's own answer transaction, one a commit, a second."""
    connection = connect_writer(path)
    transaction = Transaction(connection)
    clock = SystemClock()
    begun = time.perf_counter()
    for _, request_id in pairs:
        connection.execute("BEGIN IMMEDIATE")
        transaction.now = to_microseconds(clock.now())
        answer(transaction, AnswerAttempt(request_id, 1, "approve", PERSON, VIA, event_key=request_id), _never)
        connection.execute("COMMIT")
        transaction.take_changes()
    rate = len(pairs) / (time.perf_counter() - begun)
    connection.close()
    return rate


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
        note("F", floor_update(folder, count))
        note("S", floor_answer(fresh("floor", number), pairs))
        note("acknowledged", asyncio.run(acknowledged(fresh("acknowledged", number), pairs)))
        note("cold", asyncio.run(completed_cold(fresh("cold", number), pairs)))
        started, resident = asyncio.run(started_and_completed(folder / f"started-{number}.db", count))
        note("started", started)
        note("resident", resident)
    return {name: median(rates) for name, rates in figures.items()}


