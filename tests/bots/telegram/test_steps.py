"""How long the way of a press in Telegram is."""

from __future__ import annotations

from tests.bots.steps import MOST_STEPS, counted
from tests.bots.telegram.stage import Stage


async def test_a_press_takes_few_steps_to_its_commit(stage: Stage) -> None:
    """Every step is one that somebody who reads it has to follow, and at which it could wait."""
    for most in (2 * MOST_STEPS, MOST_STEPS):  # the first makes Ana's name known
        _, card = await stage.ask(options=["approve", "reject"], input_type="select")
        with counted() as counts:
            toast = await stage.ana.press(card, "✅ approve")
        assert toast.text == "Approved. The workflow continues."
        assert 0 < len(counts.steps) <= most, counts.steps
