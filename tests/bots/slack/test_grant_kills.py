"""kill -9 at every point around choosing in Slack to approve for longer, and the same service once more.

Each choice that counts makes one grant, none is made without one, and each grant is used as often as was said.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.config import Settings
from sayso.testing.slack import LocalSlack, SlackLimits
from tests.bots.crash_process import a_worker
from tests.bots.grants import LONGER, check_grants, granting
from tests.bots.slack.stage import PLACE, Stage
from tests.bots.slack.test_batch_kills import EACH_PART, MOST_POINTS, PARTS, Game
from tests.bots.slack.test_kill_points import described
from tests.engine.crash.points import read_log

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("part", EACH_PART)
async def test_killed_at_any_point_each_choice_that_counts_makes_one_grant(tmp_path: Path, part: int) -> None:
    reached = 0
    for kill_at in range(part + 1, MOST_POINTS, PARTS):
        async with LocalSlack(limits=SlackLimits.unlimited()) as slack:
            folder = tmp_path / f"at-{kill_at}"
            folder.mkdir()
            stage = Stage.build(slack, folder / "sayso.db")
            where, given = described(stage, 0)
            given = granting(given, PLACE)
            async with a_worker(where, given) as worker:
                game = Game(stage, worker, lambda person, card: person.choose(card, LONGER))
                await game.play(kill_at)
                rows = await game.check()
                await worker.ended.wait()
            stage.settings = Settings(**given["settings"])
            async with stage.running() as service:
                await check_grants(service, rows)
            killed = [line for line in read_log(folder / "log") if line["what"] == "kill"]
        if not killed:
            break
        reached += 1
    assert reached > 1
