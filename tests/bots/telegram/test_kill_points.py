"""kill -9 at every point between a question and the last edit of its card, and then the same service once more.

An acknowledged answer is never lost or doubled, nobody is asked twice, and every card that is known ends true. A card
whose reference was never received is locked at its first press.
"""

from __future__ import annotations

import re
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sayso.testing.telegram import FaultKind, LocalTelegram, Press, SeenMessage, TelegramLimits
from tests.bots.crash_process import Worker, a_worker, decided, each_point, in_parts, kills
from tests.bots.telegram.stage import Stage

pytestmark = pytest.mark.timeout(300)

RUNS = 2
PARTS = 8
MOST_POINTS = 120
CROWD = 50
_QUESTION = re.compile(r"Release \d+(?=\?)")


def described(stage: Stage, runs: int) -> tuple[Path, dict[str, Any]]:
    """The folder and what the worker is told."""
    telegram = {
        "token": stage.telegram.token,
        "api_url": stage.telegram.url,
        "chat_per_second": 1000.0,
        "group_per_minute": 10_000,
        "all_per_second": 10_000,
    }
    people = [f"telegram:{stage.ana.id}", f"telegram:{stage.bo.id}"]
    return stage.database.parent, {
        "place": stage.place,
        "runs": runs,
        "settings": {
            "time_zone": "UTC",
            "destinations": {stage.place: {"audience": people, "name": "Releases"}},
            "telegram": telegram,
            "http": {"port": 0},
        },
    }


def _question(card: SeenMessage) -> str:
    """What a card asks, whatever became of it: `Release 7`."""
    found = _QUESTION.search(card.text)
    assert found is not None
    return found[0]


class Game:
    """Ana approves what she sees; once the service was killed and is back, Bo rejects what is still open."""

    def __init__(self, stage: Stage, worker: Worker, runs: int) -> None:
        self.stage = stage
        self.telegram = stage.telegram
        self.worker = worker
        self.runs = runs
        self.pressed: list[tuple[SeenMessage, Press]] = []

    async def cards(self) -> list[SeenMessage]:
        return [seen for seen in await self.stage.ana.sees(self.stage.group) if _QUESTION.search(seen.text)]

    async def play(self, kill_at: int) -> None:
        """Process 1 until it dies or all is done; process 2 until all is done."""
        await self.worker.play(self.press_all("✅ approve"), kill_at)
        await self.worker.play(self.press_all("❌ reject"), 0)

    async def press_all(self, label: str) -> None:
        """Press every card once it is there, and return when all of them show the end."""
        person = self.stage.ana if label == "✅ approve" else self.stage.bo
        done: set[tuple[int, int]] = set()
        while True:
            revision = self.telegram.revision
            cards = await self.cards()
            for card in cards:
                if card.labels and (card.message_id, card.version) not in done:
                    done.add((card.message_id, card.version))
                    self.pressed.append((card, await person.tap(card, label)))
            if len({_question(card) for card in cards}) == self.runs and all(
                any(words in card.text for words in ("finished", "copy", "Posted again")) for card in cards
            ):
                return
            await self._change(revision)

    async def _change(self, revision: int) -> None:
        await self.telegram.until(lambda: self.telegram.revision != revision)

    async def check(self) -> None:
        """The exact account."""
        approved = await self._acknowledged_approvals()
        answers = await decided(self.stage.database, self.runs)
        for question in approved:
            run_id = question.replace("Release ", "run-")
            assert answers[run_id] == "approve", "an acknowledged approval was lost"
        assert self.telegram.problems == []

    async def _acknowledged_approvals(self) -> set[str]:
        self.telegram.clock.advance(timedelta(minutes=2))
        said: set[str] = set()
        for card, press in self.pressed:
            result = await press.result()
            if result.text == "Approved. The workflow continues.":
                said.add(_question(card))
        return said


async def build(tmp_path: Path, telegram: LocalTelegram, name: str) -> Stage:
    folder = tmp_path / name
    folder.mkdir()
    return await Stage.build(telegram, folder / "sayso.db")


@in_parts(PARTS)
async def test_killed_at_any_point_nothing_is_lost_doubled_or_asked_twice(tmp_path: Path, part: int) -> None:
    for kill_at, folder in each_point(tmp_path, part, PARTS, most=MOST_POINTS, least=4):
        async with LocalTelegram(limits=TelegramLimits.unlimited()) as telegram:
            stage = await Stage.build(telegram, folder / "sayso.db")
            async with a_worker(*described(stage, RUNS)) as worker:
                game = Game(stage, worker, RUNS)
                await game.play(kill_at)
                await game.check()
                # Sent when the service died, and nobody heard of it: at most one for each question.
                assert len(await game.cards()) <= RUNS + RUNS * kills(folder), "asked twice"


@pytest.mark.parametrize("fault", [FaultKind.HANG, FaultKind.HANG_AFTER])
@pytest.mark.parametrize("method", ["sendMessage", "getUpdates", "answerCallbackQuery", "editMessageText"])
async def test_killed_while_a_call_of_the_platform_hangs(
    tmp_path: Path, method: str, fault: FaultKind
) -> None:
    """Before the platform did it, and after it did and nobody heard."""
    async with LocalTelegram(limits=TelegramLimits.unlimited()) as telegram:
        stage = await build(tmp_path, telegram, "hangs")
        async with a_worker(*described(stage, RUNS)) as worker:
            game = Game(stage, worker, RUNS)
            telegram.fail(fault, method)
            hangs = telegram.until(lambda: telegram.faults.remaining == 0)
            await worker.die_when(hangs, game.press_all("✅ approve"))
            await game.play(0)
            await game.check()


async def test_a_crowd_in_flight_survives_a_kill(tmp_path: Path) -> None:
    """Fifty questions are open and pressed at once when the service dies."""
    async with LocalTelegram(limits=TelegramLimits.unlimited()) as telegram:
        stage = await build(tmp_path, telegram, "crowd")
        async with a_worker(*described(stage, CROWD)) as worker:
            game = Game(stage, worker, CROWD)
            half = telegram.until(lambda: len(telegram.calls_of("answerCallbackQuery")) >= CROWD // 2)
            await worker.die_when(half, game.press_all("✅ approve"))
            await game.play(0)
            await game.check()
            assert len(await game.cards()) <= CROWD + 32


async def test_a_command_that_was_cut_short_is_carried_out_after_the_kill(tmp_path: Path) -> None:
    """Telegram sends it again: "taken already" would have lost it."""
    async with LocalTelegram(limits=TelegramLimits.unlimited()) as telegram:
        stage = await build(tmp_path, telegram, "command")
        folder, given = described(stage, 0)
        given["settings"]["destinations"][stage.place]["audience"] = "members"
        async with a_worker(folder, given) as worker:
            await worker.run(0)
            await telegram.until(lambda: telegram.is_polled)
            telegram.fail(FaultKind.HANG, "getChatMember")
            await stage.ana.command(None, "/pending")
            await telegram.until(lambda: telegram.faults.remaining == 0)
            worker.kill(signal.SIGKILL)
            await worker.watch()
            await worker.run(0)
            await telegram.until(lambda: stage.count() == 1)
            assert (await stage.ana.last()).text == "You're all caught up."
            worker.kill(signal.SIGTERM)
            await worker.watch()
