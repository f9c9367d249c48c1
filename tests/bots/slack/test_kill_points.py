"""kill -9 at every point between a question in Slack and the last edit of its card, and the same service once more.

An acknowledged answer is never lost or doubled, nobody is asked twice, and every card that is known ends true. A card
whose reference was never received is locked at its first press.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from sayso.testing.slack import FaultKind, LocalSlack, SeenMessage, SlackLimits, SlackPress
from tests.bots.crash_process import Worker, a_worker, decided, each_point, in_parts, kills
from tests.bots.slack.stage import PLACE, Stage

pytestmark = pytest.mark.timeout(300)

RUNS = 2
PARTS = 8
MOST_POINTS = 120
CROWD = 50
_QUESTION = re.compile(r"Release \d+(?=\?)")


def described(stage: Stage, runs: int) -> tuple[Path, dict[str, Any]]:
    """The folder and what the worker is told."""
    slack = {
        "bot_token": stage.slack.bot_token,
        "app_token": stage.slack.app_token,
        "api_url": stage.slack.api_url,
        "posts_per_second": 1000.0,
        "updates_per_minute": 100_000,
    }
    people = [stage.person_id(stage.ana), stage.person_id(stage.bo)]
    place = {"id": stage.channel.id, "audience": people, "name": "#releases"}
    return stage.database.parent, {
        "place": PLACE,
        "runs": runs,
        "settings": {"time_zone": "UTC", "destinations": {PLACE: place}, "slack": slack, "http": {"port": 0}},
    }


def _question(card: SeenMessage) -> str:
    """What a card asks, whatever became of it: `Release 7`."""
    found = _QUESTION.search(card.text)
    assert found is not None
    return found[0]


class Game:
    """Ana approves what she sees; once the service was killed and is back, Bo rejects what is still open.

    Slack brings a press once: where it is not acknowledged, the person sees that, and presses again. So they do where
    the card was drawn anew because nobody had heard what it shows.
    """

    def __init__(self, stage: Stage, worker: Worker, runs: int) -> None:
        self.stage = stage
        self.slack = stage.slack
        self.worker = worker
        self.runs = runs

    def cards(self) -> list[SeenMessage]:
        seen = self.stage.ana.messages(self.stage.channel)
        return [one for one in seen if _QUESTION.search(one.text) and not one.is_ephemeral]

    async def play(self, kill_at: int) -> None:
        """Process 1 until it dies or all is done; process 2 until all is done."""
        await self.worker.play(self.press_all("✅ approve"), kill_at)
        await self.worker.play(self.press_all("❌ reject"), 0)

    async def press_all(self, label: str) -> None:
        """Press every card once it is there, again where nothing took it, until all of them show the end."""
        person = self.stage.ana if label == "✅ approve" else self.stage.bo
        pressed: dict[tuple[str, int], SlackPress] = {}
        await self.slack.until(lambda: self.slack.connections > 0)
        async with asyncio.TaskGroup() as group:
            while True:
                revision = self.slack.revision
                cards = self.cards()
                for card in cards:
                    if card.labels and (card.ts, card.version) not in pressed:
                        pressed[card.ts, card.version] = await person.press(card, label)
                        group.create_task(self._listen(card, pressed))
                if len({_question(card) for card in cards}) == self.runs and all(
                    any(words in card.text for words in ("finished", "copy", "Posted again"))
                    for card in cards
                ):
                    return
                await self.slack.until(lambda: self.slack.revision != revision)  # noqa: B023 - awaited at once

    async def _listen(self, card: SeenMessage, pressed: dict[tuple[str, int], SlackPress]) -> None:
        result = await pressed[card.ts, card.version].result()
        if not result.is_acknowledged:
            del pressed[card.ts, card.version]
            self.slack.changed()

    @property
    def told(self) -> int:
        """How many approvals Ana was told to count."""
        return self.stage.ana.words(self.stage.channel).count("Approved. The workflow continues.")

    async def check(self) -> None:
        """The exact account."""
        answers = await decided(self.stage.database, self.runs)
        approved = list(answers.values()).count("approve")
        assert approved >= self.told, "an approval was lost that its person was told of"
        assert self.slack.problems == []


def build(tmp_path: Path, slack: LocalSlack, name: str) -> Stage:
    folder = tmp_path / name
    folder.mkdir()
    return Stage.build(slack, folder / "sayso.db")


@in_parts(PARTS)
async def test_killed_at_any_point_nothing_is_lost_doubled_or_asked_twice(tmp_path: Path, part: int) -> None:
    for kill_at, folder in each_point(tmp_path, part, PARTS, most=MOST_POINTS, least=4):
        async with LocalSlack(limits=SlackLimits.unlimited()) as slack:
            stage = Stage.build(slack, folder / "sayso.db")
            async with a_worker(*described(stage, RUNS)) as worker:
                game = Game(stage, worker, RUNS)
                await game.play(kill_at)
                await game.check()
                # Sent when the service died, and nobody heard of it: at most one for each question.
                assert len(game.cards()) <= RUNS + RUNS * kills(folder), "asked twice"


@pytest.mark.parametrize("fault", [FaultKind.HANG, FaultKind.HANG_AFTER])
@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update", "response_url"])
async def test_killed_while_a_call_of_the_platform_hangs(
    tmp_path: Path, method: str, fault: FaultKind
) -> None:
    """Before the platform did it, and after it did and nobody heard."""
    async with LocalSlack(limits=SlackLimits.unlimited()) as slack:
        stage = build(tmp_path, slack, "hangs")
        async with a_worker(*described(stage, RUNS)) as worker:
            game = Game(stage, worker, RUNS)
            slack.fail(fault, method)
            hangs = slack.until(lambda: slack.faults.remaining == 0)
            await worker.die_when(hangs, game.press_all("✅ approve"))
            await game.play(0)
            await game.check()


async def test_a_crowd_in_flight_survives_a_kill(tmp_path: Path) -> None:
    """Fifty questions are open and pressed at once when the service dies."""
    async with LocalSlack(limits=SlackLimits.unlimited()) as slack:
        stage = build(tmp_path, slack, "crowd")
        async with a_worker(*described(stage, CROWD)) as worker:
            game = Game(stage, worker, CROWD)
            half = slack.until(lambda: game.told >= CROWD // 2)
            await worker.die_when(half, game.press_all("✅ approve"))
            await game.play(0)
            await game.check()
