"""kill -9 at every point around choosing in Telegram to approve for longer, and the same service once more.

Each press that counts makes one grant, none is made without one, and each grant is used as often as was said.
"""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from sayso.config import Settings
from sayso.engine import AuditRow, SQLiteReader
from sayso.testing.telegram import LocalTelegram, Person, SeenMessage, TelegramLimits
from tests.bots.crash_process import Worker, a_worker
from tests.bots.grants import COMMANDS, LONGER, check_grants, granting
from tests.bots.telegram.stage import Stage
from tests.bots.telegram.test_kill_points import described
from tests.engine.crash.points import read_log

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MOST_POINTS = 200
PARTS = 16
EACH_PART = [0, *(pytest.param(part, marks=pytest.mark.more) for part in range(1, PARTS))]
"""Every sixteenth point each time, all of them by `make test-more`."""


class Game:
    """Ana approves the first question that is open on the card for longer; once the service was killed and is back, Bo
    does.
    """

    def __init__(self, stage: Stage, worker: Worker) -> None:
        self.stage = stage
        self.worker = worker

    async def cards(self) -> list[SeenMessage]:
        return [one for one in await self.stage.ana.sees(self.stage.group) if "3 requests" in one.text]

    async def play(self, kill_at: int) -> list[AuditRow]:
        """Process 1 until it dies or all is done; process 2 until all is done; what the trail says then."""
        for number, person in ((kill_at, self.stage.ana), (0, self.stage.bo)):
            await self.worker.run(number)
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(self.worker.watch())
                play = group.create_task(self.press_all(person))
                await asyncio.wait([watch, play], return_when=asyncio.FIRST_COMPLETED)
                if play.done():
                    self.worker.kill(signal.SIGTERM)
                play.cancel()
        async with SQLiteReader(self.stage.database) as reader:
            return [row async for row in reader.audit()]

    async def press_all(self, person: Person) -> None:
        """Press on every card in each of its versions, until none has buttons."""
        pressed: set[tuple[int, int]] = set()
        while True:
            revision = self.stage.telegram.revision
            cards = await self.cards()
            for card in cards:
                longer = [label for row in card.labels for label in row if label.endswith(LONGER)]
                if longer and (card.message_id, card.version) not in pressed:
                    pressed.add((card.message_id, card.version))
                    await person.tap(card, longer[0])
            if any("3. ✅ Approved" in one.text for one in cards) and not any(one.labels for one in cards):
                return
            await self.stage.until_revision(revision)


@pytest.mark.parametrize("part", EACH_PART)
async def test_killed_at_any_point_each_press_that_counts_makes_one_grant(tmp_path: Path, part: int) -> None:
    reached = 0
    for kill_at in range(part + 1, MOST_POINTS, PARTS):
        async with LocalTelegram(limits=TelegramLimits.unlimited()) as telegram:
            folder = tmp_path / f"at-{kill_at}"
            folder.mkdir()
            stage = await Stage.build(telegram, folder / "sayso.db")
            where, given = described(stage, 0)
            given = granting(given, stage.place)
            async with a_worker(where, given) as worker:
                rows = await Game(stage, worker).play(kill_at)
                await worker.ended.wait()
            asked = [row.request_id for row in rows if row.kind == "requested"]
            assert len(asked) == len(set(asked)) == len(COMMANDS)
            stage.settings = Settings(**given["settings"])
            async with stage.running() as service:
                await check_grants(service, rows)
            killed = [line for line in read_log(folder / "log") if line["what"] == "kill"]
        if not killed:
            break
        reached += 1
    assert reached > 1
