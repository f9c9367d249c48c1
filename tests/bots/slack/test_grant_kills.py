"""kill -9 at every point around choosing in Slack to approve for longer, and the same service once more.

Each choice that counts makes one grant, none is made without one, and each grant is used as often as was said.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.config import Settings
from sayso.testing.slack import LocalSlack, SlackLimits
from tests.bots.crash_process import a_worker, each_point, in_parts
from tests.bots.grants import LONGER, check_grants, granting
from tests.bots.slack.stage import PLACE, Stage
from tests.bots.slack.test_batch_kills import MOST_POINTS, PARTS, Game
from tests.bots.slack.test_kill_points import described

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@in_parts(PARTS)
async def test_killed_at_any_point_each_choice_that_counts_makes_one_grant(tmp_path: Path, part: int) -> None:
    for kill_at, folder in each_point(tmp_path, part, PARTS, most=MOST_POINTS, least=2):
        async with LocalSlack(limits=SlackLimits.unlimited()) as slack:
            stage = Stage.build(slack, folder / "sayso.db")
            where, given = described(stage, 0)
            given = granting(given, PLACE)
            async with a_worker(where, given) as worker:
                game = Game(stage, worker, lambda person, card: person.choose(card, LONGER))
                await game.play(kill_at)
                await game.check()
                await worker.ended.wait()
            stage.settings = Settings(**given["settings"])
            async with stage.running() as service:
                await check_grants(service)
