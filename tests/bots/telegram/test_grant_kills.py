"""kill -9 at every point around choosing in Telegram to approve for longer, and the same service once more.

Each press that counts makes one grant, none is made without one, and each grant is used as often as was said.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.config import Settings
from sayso.testing.telegram import LocalTelegram, Person, SeenMessage, TelegramLimits
from tests.bots.crash_process import Worker, a_worker, each_point, in_parts
from tests.bots.grants import LONGER, check_grants, granting
from tests.bots.telegram.stage import Stage
from tests.bots.telegram.test_kill_points import described

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PARTS = 16
MOST_POINTS = 200


class Game:
    """Ana approves the first question that is open on the card for longer; once the service was killed and is back, Bo
    does.
    """

    def __init__(self, stage: Stage, worker: Worker) -> None:
        self.stage = stage
        self.worker = worker

    async def cards(self) -> list[SeenMessage]:
        return [one for one in await self.stage.ana.sees(self.stage.group) if "3 requests" in one.text]

    async def play(self, kill_at: int) -> None:
        """Process 1 until it dies or all is done; process 2 until all is done."""
        await self.worker.play(self.press_all(self.stage.ana), kill_at)
        await self.worker.play(self.press_all(self.stage.bo), 0)

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


@in_parts(PARTS)
async def test_killed_at_any_point_each_press_that_counts_makes_one_grant(tmp_path: Path, part: int) -> None:
    for kill_at, folder in each_point(tmp_path, part, PARTS, most=MOST_POINTS, least=2):
        async with LocalTelegram(limits=TelegramLimits.unlimited()) as telegram:
            stage = await Stage.build(telegram, folder / "sayso.db")
            where, given = described(stage, 0)
            given = granting(given, stage.place)
            async with a_worker(where, given) as worker:
                await Game(stage, worker).play(kill_at)
                await worker.ended.wait()
            stage.settings = Settings(**given["settings"])
            async with stage.running() as service:
                await check_grants(service)
