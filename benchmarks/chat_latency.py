"""How long a press takes in a chat: to its acknowledgement, and to the card that shows it.

    python -m benchmarks.chat_latency [--seconds 10]

Against two floors of the same run: a commit of one row with fdatasync, and the bare round trip of the local platform to
a bot that acknowledges and does nothing else. Presses come at 1, 10 and 50 a second, each on a question of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from benchmarks.chat_stage import CHANNEL, Stage, a_stage
from sayso.engine import Runtime

RATES = (1, 10, 50)
COMMITS = 300


def quantile(values: list[float], part: float) -> float:
    """A quantile of measured seconds, in milliseconds."""
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def floor_commit(folder: Path) -> list[float]:
    """Seconds of committing one row, as the store does it."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(x);")
    taken: list[float] = []
    for number in range(COMMITS):
        begin = time.perf_counter()
        connection.execute("INSERT INTO t VALUES (?)", (number,))
        taken.append(time.perf_counter() - begin)
    connection.close()
    return taken


async def bare_round_trip(stage: Stage) -> list[float]:
    """Seconds from press to acknowledgement where the bot does nothing but acknowledge."""
    ana = stage.in_slack[0]
    headers = {"Authorization": f"Bearer {stage.slack.bot_token}"}
    button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
    post = {"channel": stage.channel.id, "text": "x", "blocks": [{"type": "actions", "elements": [button]}]}
    async with aiohttp.ClientSession(headers=headers) as session:
        await session.post(f"{stage.slack.api_url}chat.postMessage", json=post)
        async with session.ws_connect(stage.slack.new_ticket()) as socket:
            await socket.receive_json()

            async def acknowledge() -> None:
                while True:
                    envelope = await socket.receive_json()
                    await socket.send_json({"envelope_id": envelope["envelope_id"]})

            async with asyncio.TaskGroup() as group:
                task = group.create_task(acknowledge())
                taken: list[float] = []
                for _ in range(200):
                    begin = time.perf_counter()
                    await (await ana.press(ana.last(stage.channel), "Go")).result()
                    taken.append(time.perf_counter() - begin)
                task.cancel()
    stage.channel.delete(ana.last(stage.channel))
    return taken


async def at_rate(
    rate: int, seconds: float, numbers: list[int], press: Callable[[int], Awaitable[tuple[float, float]]]
) -> list[tuple[float, float]]:
    """Press at a steady rate; seconds to the acknowledgement and to the card, of every press."""
    tasks: list[asyncio.Task[tuple[float, float]]] = []
    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:

        async def one(number: int) -> tuple[float, float]:
            return await press(number)

        for position, number in enumerate(numbers[: max(3, int(rate * seconds))]):
            await asyncio.sleep(max(0.0, begin + position / rate - time.perf_counter()))
            tasks.append(group.create_task(one(number)))
    return [task.result() for task in tasks]


async def slack_presses(
    stage: Stage, runtime: Runtime, rate: int, seconds: float, first: int
) -> list[tuple[float, float]]:
    """Ask, and have Ana press in Slack."""
    ana, numbers = stage.in_slack[0], list(range(first, first + max(3, int(rate * seconds))))
    sent = len(stage.slack.calls_of("chat.postMessage"))
    for number in numbers:
        await stage.ask(runtime, number, CHANNEL)
    await stage.slack.until(lambda: len(stage.slack.calls_of("chat.postMessage")) >= sent + len(numbers))
    cards = {one.text.split("?")[0]: one for one in ana.messages(stage.channel) if not one.is_ephemeral}

    async def press(number: int) -> tuple[float, float]:
        card = cards[f"Release {number}"]
        begin = time.perf_counter()
        await (await ana.press(card, "✅ approve")).result()
        acknowledged = time.perf_counter() - begin
        await stage.slack.until(lambda: "APPROVED" in ana.sees(card).text)
        return acknowledged, time.perf_counter() - begin

    return await at_rate(rate, seconds, numbers, press)


async def telegram_presses(
    stage: Stage, runtime: Runtime, rate: int, seconds: float, first: int
) -> list[tuple[float, float]]:
    """Ask, and have Ana press in Telegram."""
    ana, numbers = stage.in_telegram[0], list(range(first, first + max(3, int(rate * seconds))))
    sent = len(stage.telegram.calls_of("sendMessage"))
    for number in numbers:
        await stage.ask(runtime, number, stage.group_name)
    await stage.telegram.until(lambda: len(stage.telegram.calls_of("sendMessage")) >= sent + len(numbers))
    cards = {one.text.split("?")[0]: one for one in await ana.sees(stage.group) if one.labels}

    async def press(number: int) -> tuple[float, float]:
        card = cards[f"Release {number}"]
        begin = time.perf_counter()
        await ana.press(card, "✅ approve")
        acknowledged = time.perf_counter() - begin
        while "APPROVED" not in (await ana.now(card)).text:
            revision = stage.telegram.revision
            await stage.telegram.until(lambda: stage.telegram.revision != revision)  # noqa: B023 - awaited at once
        return acknowledged, time.perf_counter() - begin

    return await at_rate(rate, seconds, numbers, press)


async def run(seconds: float) -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        commit = quantile(floor_commit(Path(folder)), 0.5)
        async with a_stage(Path(folder), quick=True) as stage:
            bare = quantile(await bare_round_trip(stage), 0.5)
            print(f"floor commit p50 {commit:.2f} ms; bare round trip p50 {bare:.2f} ms")
            print(
                "| | presses a second | acknowledged p50 | p99 | beyond the bare round trip | card p50 | p99 |"
            )
            print("|---|---|---|---|---|---|---|")
            async with stage.serving() as runtime:
                first = 0
                for rate in RATES:
                    for name, presses in (("Slack", slack_presses), ("Telegram", telegram_presses)):
                        taken = await presses(stage, runtime, rate, seconds, first)
                        first += max(3, int(rate * seconds))
                        line(name, rate, taken, commit, bare)
            problems = [*stage.slack.problems, *stage.telegram.problems]
            print(f"problems: {problems}")


def line(name: str, rate: int, taken: list[tuple[float, float]], commit: float, bare: float) -> None:
    """One line of the table."""
    acknowledged, shown = [one[0] for one in taken], [one[1] for one in taken]
    p50 = quantile(acknowledged, 0.5)
    cells = [
        name,
        str(rate),
        f"{p50:.1f} ms",
        f"{quantile(acknowledged, 0.99):.1f} ms",
        f"{(p50 - bare) / commit:.1f} commits",
        f"{quantile(shown, 0.5):.1f} ms",
        f"{quantile(shown, 0.99):.1f} ms",
    ]
    print(f"| {' | '.join(cells)} |")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    asyncio.run(run(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
