"""kill -9 for a team's Bolt app with sayso as its guest, while two people press at once; then the same once more."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sayso.testing.slack import LocalSlack, SeenMessage, SlackPerson
from tests.bots.crash_process import a_worker, accepted
from tests.bots.slack.stage import Stage
from tests.bots.slack.team import Team
from tests.bots.slack.test_kill_points import described

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

APPROVE, REJECT = "✅ approve", "❌ reject"
WANTED = {"run-0": "approve", "run-1": "reject"}


def card_of(stage: Stage, run_id: str) -> SeenMessage:
    """The newest card of a run, and the only one."""
    prompt = f"Release {run_id.removeprefix('run-')}?"
    found = [one for one in stage.ana.messages(stage.channel) if prompt in one.text]
    assert len(found) == 1, "nobody is asked twice"
    return found[0]


@pytest.mark.parametrize("point", ["answer before", "answer after"])
@pytest.mark.parametrize("way", ["socket", "http"])
async def test_a_killed_guest_loses_doubles_and_misroutes_nothing(
    slack: LocalSlack, tmp_path: Path, unused_tcp_port: int, way: str, point: str
) -> None:
    """What counted stands though nobody was told; what did not was not acknowledged, and is pressed again."""
    stage = Stage.build(slack, tmp_path / "sayso.db")
    presses: dict[str, tuple[SlackPerson, str]] = {"run-0": (stage.ana, APPROVE), "run-1": (stage.bo, REJECT)}
    deploy = await Team(slack.bot_token, slack.api_url, slack.signing_secret).offer(stage)
    folder, given = described(stage, len(presses))
    given["settings"]["slack"].pop("app_token")
    given["team"] = {
        "on": "slack",
        "bot_token": slack.bot_token,
        "app_token": slack.app_token,
        "signing_secret": slack.signing_secret,
        "api_url": slack.api_url,
        "port": unused_tcp_port if way == "http" else None,
    }
    slack.request_url = f"http://127.0.0.1:{unused_tcp_port}/slack/events" if way == "http" else None
    async with a_worker(folder, given) as worker:
        await worker.run(0, point)
        await worker.serves()
        await slack.until(lambda: len(stage.ana.messages(stage.channel)) == 1 + len(presses))
        assert (await (await stage.bo.press(deploy, "Deploy")).result()).is_acknowledged
        cards = {run_id: card_of(stage, run_id) for run_id in presses}
        pressed = [await who.press(cards[run_id], label) for run_id, (who, label) in presses.items()]
        await worker.watch()
        slack.clock.advance(timedelta(seconds=4))
        counted = await accepted(stage.database)
        assert bool(counted) == (point == "answer after")
        assert counted.items() <= WANTED.items()
        assert not any([(await one.result()).is_acknowledged for one in pressed])

        await worker.run(0)
        await worker.serves()
        for run_id in counted:
            await stage.until_shows(card_of(stage, run_id), "finished")
        for run_id, (who, label) in presses.items():
            seen = cards[run_id] if run_id in counted else card_of(stage, run_id)
            again = await who.press(seen, label, old_view=True)
            assert (await again.result()).is_acknowledged
            await stage.until_shows(card_of(stage, run_id), "finished")
        assert await accepted(stage.database) == WANTED
        assert (await (await stage.bo.press(deploy, "Deploy")).result()).is_acknowledged
