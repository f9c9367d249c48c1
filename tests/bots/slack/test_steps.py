"""How long the way of a press in Slack is."""

from __future__ import annotations

from pathlib import Path

from sayso.testing.slack import LocalSlack
from tests.bots.slack.stage import Stage
from tests.bots.steps import MOST_STEPS, counted


async def test_a_press_takes_few_steps_to_its_commit(slack: LocalSlack, tmp_path: Path) -> None:
    """Every step is one that somebody who reads it has to follow, and at which it could wait."""
    stage = Stage.build(slack, tmp_path / "sayso.db")
    stage.settings = stage.make_settings(audience=(stage.person_id(stage.ana),))
    async with stage.running():
        for most in (2 * MOST_STEPS, MOST_STEPS):  # the first has Slack asked who Ana is
            _, card = await stage.ask(options=["approve", "reject"], input_type="select")
            with counted() as counts:
                _, words = await stage.press(stage.ana, card, "✅ approve")
            assert words == "Approved. The workflow continues."
            assert 0 < len(counts.steps) <= most, counts.steps
