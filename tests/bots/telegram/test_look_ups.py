"""People are looked up until one instant each, and whoever takes long holds up nobody else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sayso.testing.telegram import LocalTelegram
from tests.bots.telegram.stage import Stage

UNCHECKED = "Not counted: it could not be checked that you belong to Releases. Please try again in a minute."


@pytest.fixture
async def looked_up(telegram: LocalTelegram, tmp_path: Path) -> Stage:
    """Whoever belongs to the group may answer there."""
    stage = await Stage.build(telegram, tmp_path / "sayso.db", audience="members")
    await stage.group.promote_bot()
    return stage


async def test_a_slow_look_up_holds_up_nobody_elses_press(looked_up: Stage) -> None:
    """What comes behind it is taken meanwhile, and it is not confirmed before it is decided."""
    stage = looked_up
    async with stage.running() as service:
        _, card = await stage.ask()
        run_id = await service.ask([f"telegram:{stage.bo.id}"])
        await stage.telegram.until(lambda: stage.count() == 2)
        held = stage.telegram.hold("getChatMember")
        slow = await stage.ana.tap(card, "✅ approve")
        await stage.telegram.until(lambda: held.waiting == 1)
        for label in ("✅ approve", "❌ reject"):
            quick = await stage.bo.press(await stage.bo.last(), label, old_view=True)
            assert quick.is_acknowledged
            assert held.waiting == 1, "Ana is being looked up still"
            ours = [one for one in stage.telegram.pending_updates if one.kind == "callback_query"]
            assert ours[0].body["from"]["id"] == stage.ana.id, "her press is not confirmed"
        assert await service.answer(run_id) == "approve"
        assert (await slow.result()).text == UNCHECKED
        await stage.telegram.until(lambda: not stage.telegram.pending_updates)
        held.release()
        assert (await stage.ana.press(card, "✅ approve")).text == "Approved. The workflow continues."


async def test_presses_of_one_person_are_decided_in_their_order(looked_up: Stage) -> None:
    """The second is looked up at once and waits for the first, which is given up in time."""
    stage = looked_up
    async with stage.running() as service:
        _, card = await stage.ask()
        run_id = await service.ask([f"telegram:{stage.ana.id}"])
        await stage.telegram.until(lambda: stage.count() == 2)
        held = stage.telegram.hold("getChatMember")
        first = await stage.ana.tap(card, "✅ approve")
        await stage.telegram.until(lambda: held.waiting == 1)
        begin = stage.telegram.clock.now()
        second = await stage.ana.press(await stage.ana.last(), "✅ approve")
        assert second.text == "Approved. The workflow continues."
        assert stage.telegram.clock.now() - begin < timedelta(seconds=3)
        assert (await first.result()).text == UNCHECKED
        rows = [row async for row in service.store.reader.audit() if row.kind.startswith("answer_")]
        assert [row.kind for row in rows] == ["answer_refused", "answer_accepted"]
        assert await service.answer(run_id) == "approve"
        held.release()
