"""kill -9 for a team's application with sayso as its guest, while two people press at once; then the same once more."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from sayso.testing.telegram import Person, SeenMessage
from tests.bots.crash_process import Worker, a_worker, accepted
from tests.bots.telegram.stage import Stage
from tests.bots.telegram.test_kill_points import described

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

APPROVE, REJECT = "✅ approve", "❌ reject"
WANTED = {"run-0": "approve", "run-1": "reject"}
WAYS = pytest.mark.parametrize("way", ["polling", "webhook"])


async def card_of(stage: Stage, run_id: str) -> SeenMessage:
    """The card of a run, and the only one."""
    prompt = f"Release {run_id.removeprefix('run-')}?"
    found = [one for one in await stage.ana.sees(stage.group) if prompt in one.text]
    assert len(found) == 1, "nobody is asked twice"
    return found[0]


def presses(stage: Stage) -> dict[str, tuple[Person, str]]:
    """Who presses what, by run."""
    return {"run-0": (stage.ana, APPROVE), "run-1": (stage.bo, REJECT)}


@asynccontextmanager
async def a_team(stage: Stage, way: str, port: int, **more: bool) -> AsyncGenerator[Worker]:
    """The team's application in a process, whose handlers answer `/weather`."""
    folder, given = described(stage, len(WANTED))
    given["team"] = {
        "on": "telegram",
        "token": stage.telegram.token,
        "url": stage.telegram.url,
        "port": port if way == "webhook" else None,
        **more,
    }
    async with a_worker(folder, given) as worker:
        yield worker


async def asked(stage: Stage, worker: Worker) -> None:
    """Return when both cards are there and presses arrive."""
    await worker.serves()
    await stage.telegram.until(lambda: stage.count() >= len(WANTED))


async def weather(stage: Stage) -> str | None:
    """What the team's own button says, behind its own command."""
    before = stage.count()
    await stage.ana.command(None, "/weather")
    await stage.telegram.until(lambda: stage.count() > before)
    return (await stage.ana.press(await stage.ana.last(), "More")).text


@pytest.mark.parametrize("point", ["answer before", "answer after"])
@WAYS
async def test_a_killed_guest_doubles_and_misroutes_nothing(
    stopped: Stage, unused_tcp_port: int, way: str, point: str
) -> None:
    """What counted stands. What did not comes again, or is pressed again, for the card still asks."""
    async with a_team(stopped, way, unused_tcp_port) as worker:
        await worker.run(0, point)
        await asked(stopped, worker)
        assert await weather(stopped) == "More rain."
        for run_id, (who, label) in presses(stopped).items():
            await who.tap(await card_of(stopped, run_id), label)
        await worker.watch()
        counted = await accepted(stopped.database)
        assert bool(counted) == (point == "answer after")
        assert counted.items() <= WANTED.items()

        await worker.run(0)
        await asked(stopped, worker)
        for run_id, (who, label) in presses(stopped).items():
            if run_id not in counted:
                await who.tap(await card_of(stopped, run_id), label, old_view=True)
            await stopped.until_shows(await card_of(stopped, run_id), "finished")
        assert await accepted(stopped.database) == WANTED
        assert await weather(stopped) == "More rain."


@WAYS
async def test_what_is_confirmed_and_not_committed_is_lost_and_its_card_still_asks(
    stopped: Stage, unused_tcp_port: int, way: str
) -> None:
    """As the how-to says: the application confirms before it is done, and Telegram does not send it again."""
    async with a_team(stopped, way, unused_tcp_port, holds=True) as worker:
        await worker.run(0)
        await asked(stopped, worker)
        cards = {run_id: await card_of(stopped, run_id) for run_id in WANTED}
        for run_id, (who, label) in presses(stopped).items():
            await who.tap(cards[run_id], label)
        await stopped.telegram.until(lambda: not stopped.telegram.pending_updates)
        worker.kill(signal.SIGKILL)
        await worker.watch()
    async with a_team(stopped, way, unused_tcp_port) as worker:
        await worker.run(0)
        await asked(stopped, worker)
        assert await weather(stopped) == "More rain."
        assert await accepted(stopped.database) == {}
        for run_id, (who, label) in presses(stopped).items():
            now = await card_of(stopped, run_id)
            assert now.labels == cards[run_id].labels
            told = await who.press(now, label)
            assert told.text in {"Approved. The workflow continues.", "Rejected. The workflow continues."}
        assert await accepted(stopped.database) == WANTED
