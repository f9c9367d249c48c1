"""A soak: a thousand open questions on both platforms, random presses, faults and restarts, and an exact account.

    python -m benchmarks.chat_soak [--minutes 10] [--open 1000] [--seed 1]

Not a part of the tests. Restarts are stops of the service and of the platforms; with `kill -9`, forgeries and rules of
who may is what `benchmarks.chaos` plays.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chat_stage import CHANNEL, Stage, a_stage
from benchmarks.faults import break_something
from sayso.engine import SQLiteReader

PRESSES_A_SECOND = 10
FAULT_EVERY, RESTART_EVERY, PLATFORM_RESTART_EVERY = 7.0, 40.0, 55.0


@dataclass
class Account:
    """What people did and saw."""

    pressed: Counter[str] = field(default_factory=Counter[str])
    told: Counter[str] = field(default_factory=Counter[str])
    faults: int = 0
    restarts: int = 0


class Soak:
    """The play, and its account."""

    def __init__(self, stage: Stage, chance: random.Random, count: int) -> None:
        self.stage = stage
        self.chance = chance
        self.count = count
        self.account = Account()

    async def run(self, minutes: float) -> None:
        """Play for so long, then let all of it come to rest."""
        end = time.monotonic() + 60 * minutes
        asked = False
        while time.monotonic() < end:
            async with self.stage.serving() as parts:
                if not asked:
                    for number in range(self.count):
                        await self.stage.ask(parts, number, CHANNEL, self.stage.group_name)
                    asked = True
                await self.play(min(end, time.monotonic() + RESTART_EVERY))
            self.account.restarts += 1
        async with self.stage.serving():
            await self.finish()

    async def play(self, end: float) -> None:
        """Press and break things until an instant."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            next_fault = next_platform = loop.time()
            next_platform += self.chance.uniform(0.3, 1.0) * PLATFORM_RESTART_EVERY
            while time.monotonic() < end:
                press = self.press_in_slack if self.chance.random() < 0.5 else self.press_in_telegram
                group.create_task(press())
                if loop.time() >= next_fault:
                    break_something(self.chance, self.stage.slack, self.stage.telegram)
                    self.account.faults += 1
                    next_fault = loop.time() + FAULT_EVERY
                if loop.time() >= next_platform:
                    first = self.chance.random() < 0.5
                    group.create_task((self.stage.slack if first else self.stage.telegram).restart())
                    next_platform = loop.time() + PLATFORM_RESTART_EVERY
                await asyncio.sleep(1 / PRESSES_A_SECOND)

    async def press_in_slack(self) -> None:
        """Somebody presses a button of some card in Slack."""
        person = self.chance.choice(self.stage.in_slack)
        cards = [one for one in person.messages(self.stage.channel) if one.labels]
        if cards:
            press = await person.press(
                self.chance.choice(cards), self.chance.choice(["✅ approve", "❌ reject"])
            )
            result = await press.result()
            self.account.pressed[
                "Slack, " + ("acknowledged" if result.is_acknowledged else "seen to fail")
            ] += 1

    async def press_in_telegram(self) -> None:
        """The same in Telegram."""
        person = self.chance.choice(self.stage.in_telegram)
        cards = [one for one in await person.sees(self.stage.group) if one.labels]
        if cards:
            card, label = self.chance.choice(cards), self.chance.choice(["✅ approve", "❌ reject"])
            press = await person.tap(card, label)
            try:
                async with asyncio.timeout(30):
                    result = await press.result()
            except TimeoutError:
                self.account.pressed["Telegram, not heard of in 30 s"] += 1
                return
            self.account.pressed[
                "Telegram, " + ("acknowledged" if result.is_acknowledged else "timed out")
            ] += 1
            self.account.told[(result.text or "nothing").split(" by ")[0].split(" at ")[0]] += 1

    async def finish(self) -> None:
        """Answer what is still open, and wait until every card shows the end."""
        ana = self.stage.in_slack[0]
        while True:
            open_cards = [one for one in ana.messages(self.stage.channel) if one.labels]
            in_telegram = [
                one for one in await self.stage.in_telegram[0].sees(self.stage.group) if one.labels
            ]
            if not open_cards and not in_telegram:
                return
            for card in open_cards[:50]:
                if ana.sees(card).labels:
                    await (await ana.press(card, "✅ approve", old_view=True)).result()
            if not open_cards:
                for post in in_telegram[:20]:
                    await self.stage.in_telegram[0].tap(post, "✅ approve", old_view=True)
            revision = self.stage.telegram.revision
            await self.stage.telegram.until(lambda: self.stage.telegram.revision != revision)  # noqa: B023

    async def report(self) -> None:
        """The account: what is stored against what was shown."""
        async with SQLiteReader(self.stage.database) as reader:
            kinds: Counter[str] = Counter()
            accepted: Counter[str] = Counter()
            async for row in reader.audit():
                kinds[row.kind] += 1
                if row.kind == "answer_accepted" and row.run_id is not None:
                    accepted[row.run_id] += 1
        print(f"asked {kinds['requested']}, answered {len(accepted)}, answered twice "
              f"{sum(count > 1 for count in accepted.values())}")  # fmt: skip
        print(f"audit: {dict(kinds)}")
        print(f"pressed: {dict(self.account.pressed)}; told in Telegram: {dict(self.account.told)}")
        print(f"faults {self.account.faults}, restarts {self.account.restarts}")
        channel = self.stage.in_slack[0].messages(self.stage.channel)
        in_slack = [one.text for one in channel if not one.is_ephemeral]
        in_telegram = [one.text for one in await self.stage.in_telegram[0].sees(self.stage.group)]
        for name, texts in (("Slack", in_slack), ("Telegram", in_telegram)):
            cards = [text for text in texts if "Release " in text.partition("\n")[0]]
            ends = Counter(
                "a locked copy" if "copy" in text else "done" if "finished" in text else "untrue"
                for text in cards
            )
            print(f"{name} shows {len(cards)} cards: {dict(ends)}")
        print(f"problems: {[*self.stage.slack.problems, *self.stage.telegram.problems]}")


async def soak(minutes: float, count: int, seed: int) -> None:
    """One soak."""
    with tempfile.TemporaryDirectory() as folder:
        async with a_stage(Path(folder), quick=True) as stage:
            play = Soak(stage, random.Random(seed), count)
            await play.run(minutes)
            await play.report()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--open", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    asyncio.run(soak(given.minutes, given.open, given.seed))


if __name__ == "__main__":
    main()
