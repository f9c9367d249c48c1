"""kill -9 at every point between a batch in Slack and the last edit of its card, and the same service once more.

Each question is decided once, none is asked twice, and every card that is known ends true.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sayso.engine import SQLiteReader
from sayso.testing.slack import LocalSlack, SeenMessage, SlackLimits, SlackPerson, SlackPress
from tests.bots.crash_process import Worker, a_worker, each_point, in_parts, kills
from tests.bots.slack.stage import PLACE, Stage
from tests.bots.slack.test_kill_points import described

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PROMPTS = ["Install requests?", "Run the migration?", "Push to main?"]
PARTS = 16
MOST_POINTS = 200

Act = Callable[[SlackPerson, SeenMessage], Awaitable[SlackPress]]
"""How somebody approves the first question that is open on a card."""


class Game:
    """Ana approves the first question that is open on the card; once the service was killed and is back, Bo does."""

    def __init__(self, stage: Stage, worker: Worker, act: Act) -> None:
        self.stage = stage
        self.worker = worker
        self.act = act

    def cards(self) -> list[SeenMessage]:
        seen = self.stage.ana.messages(self.stage.channel)
        return [one for one in seen if "3 requests" in one.text and not one.is_ephemeral]

    async def play(self, kill_at: int) -> None:
        """Process 1 until it dies or all is done; process 2 until all is done."""
        await self.worker.play(self.press_all(self.stage.ana), kill_at)
        await self.worker.play(self.press_all(self.stage.bo), 0)

    async def press_all(self, person: SlackPerson) -> None:
        """Press on every card in each of its versions, again where nothing took it, until none has buttons."""
        slack = self.stage.slack
        pressed: set[tuple[str, int]] = set()
        await slack.until(lambda: slack.connections > 0)
        async with asyncio.TaskGroup() as group:
            while True:
                revision = slack.revision
                cards = self.cards()
                for card in cards:
                    if card.labels and (card.ts, card.version) not in pressed:
                        pressed.add((card.ts, card.version))
                        press = await self.act(person, card)
                        group.create_task(self._listen(card, press, pressed))
                if any("3. ✅ Approved" in one.text for one in cards) and not any(
                    one.labels for one in cards
                ):
                    return
                await slack.until(lambda: slack.revision != revision)  # noqa: B023 - awaited at once

    async def _listen(self, card: SeenMessage, press: SlackPress, pressed: set[tuple[str, int]]) -> None:
        if not (await press.result()).is_acknowledged:
            pressed.discard((card.ts, card.version))
            self.stage.slack.changed()

    def told(self) -> int:
        """How many approvals somebody was told of."""
        words = [*self.stage.ana.words(self.stage.channel), *self.stage.bo.words(self.stage.channel)]
        return sum("Approved. The workflow continues." in one for one in words)

    async def check(self) -> None:
        """The exact account."""
        async with SQLiteReader(self.stage.database) as reader:
            rows = [row async for row in reader.audit()]
        asked = [row.request_id for row in rows if row.kind == "requested"]
        accepted = [row.request_id for row in rows if row.kind == "answer_accepted"]
        assert len(asked) == len(set(asked)) == len(PROMPTS)
        assert sorted(map(str, accepted)) == sorted(map(str, asked)), "each was decided once"
        assert self.told() <= len(PROMPTS)
        assert self.stage.slack.problems == []


@in_parts(PARTS)
async def test_killed_at_any_point_each_question_of_a_batch_is_decided_once(
    tmp_path: Path, part: int
) -> None:
    for kill_at, folder in each_point(tmp_path, part, PARTS, most=MOST_POINTS, least=2):
        async with LocalSlack(limits=SlackLimits.unlimited()) as slack:
            stage = Stage.build(slack, folder / "sayso.db")
            where, given = described(stage, 0)
            batch = [{"prompt": one, "to": [PLACE]} for one in PROMPTS]
            async with a_worker(where, {**given, "batch": batch}) as worker:
                game = Game(stage, worker, lambda person, card: person.press(card, "✅ Approve"))
                await game.play(kill_at)
                await game.check()
                assert len(game.cards()) <= 1 + kills(folder), "asked twice"
