"""200 questions to one Slack channel and one Telegram group, under the platforms' own limits.

    python -m benchmarks.chat_order [--count 200]

They arrive in the order in which they were asked, without a 429 in steady state, and presses are acknowledged at once
meanwhile. A Telegram group takes 20 messages a minute, so 200 take ten minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.chat_stage import CHANNEL, Stage, a_stage


async def run(count: int) -> None:
    """Ask, wait for the last, press the first ones meanwhile, and print the account."""
    with tempfile.TemporaryDirectory() as folder:
        async with a_stage(Path(folder), quick=False) as stage, stage.serving() as parts:
            begin = time.perf_counter()
            for number in range(count):
                await stage.ask(parts, number, CHANNEL)
                await stage.ask(parts, count + number, stage.group_name)
            async with asyncio.TaskGroup() as group:
                slack = group.create_task(slack_order(stage, count))
                telegram = group.create_task(telegram_order(stage, count))
                presses = group.create_task(press_meanwhile(stage, count // 10))
            print(f"{count} each, in {time.perf_counter() - begin:.0f} s")
            print(f"Slack in order: {slack.result()}; Telegram in order: {telegram.result()}")
            for name, calls in (("Slack", stage.slack.calls), ("Telegram", stage.telegram.calls)):
                print(f"{name}: {sum(call.status == 429 for call in calls)} answers with 429")
            taken = presses.result()
            middle, slowest = 1000 * statistics.median(taken), 1000 * max(taken)
            print(f"acknowledged meanwhile: p50 {middle:.1f} ms, slowest {slowest:.1f} ms")
            print(f"problems: {[*stage.slack.problems, *stage.telegram.problems]}")


def numbers_of(texts: Iterable[str]) -> list[int]:
    """The numbers of the releases that cards ask about, whatever became of them."""
    return [int(found[1]) for text in texts if (found := re.search(r"Release (\d+)\?", text))]


async def slack_order(stage: Stage, count: int) -> bool:
    """Whether the channel's cards stand in the order of asking, once all are there."""
    ana = stage.in_slack[0]

    def numbers() -> list[int]:
        return numbers_of(one.text for one in ana.messages(stage.channel))

    await stage.slack.until(lambda: len(numbers()) >= count)
    return numbers() == list(range(count))


async def telegram_order(stage: Stage, count: int) -> bool:
    """The same in the group."""
    while True:
        revision = stage.telegram.revision
        numbers = numbers_of(one.text for one in await stage.in_telegram[0].sees(stage.group))
        if len(numbers) >= count:
            return numbers == list(range(count, 2 * count))
        await stage.telegram.until(lambda: stage.telegram.revision != revision)  # noqa: B023 - awaited at once


async def press_meanwhile(stage: Stage, count: int) -> list[float]:
    """Press cards in Slack as they come; the seconds to their acknowledgements."""
    ana, taken = stage.in_slack[0], list[float]()
    for position in range(count):

        def is_there(wanted: int = position) -> bool:
            return len([one for one in ana.messages(stage.channel) if not one.is_ephemeral]) > wanted

        await stage.slack.until(is_there)
        card = [one for one in ana.messages(stage.channel) if not one.is_ephemeral][position]
        begin = time.perf_counter()
        await (await ana.press(card, "✅ approve")).result()
        taken.append(time.perf_counter() - begin)
    return taken


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    asyncio.run(run(parser.parse_args().count))


if __name__ == "__main__":
    main()
