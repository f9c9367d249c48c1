"""People are looked up until one instant each, and whoever takes long holds up nobody else."""

from __future__ import annotations

import asyncio
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
        assert (await stage.ana.press(card, "✅ approve")).text == "Approved. The run goes on."


async def test_presses_of_one_person_are_decided_in_their_order(looked_up: Stage) -> None:
    """The second waits for the first, and both are decided within the time of one."""
    stage = looked_up
    async with stage.running():
        (_, first), (_, second) = await stage.ask(), await stage.ask()
        held = stage.telegram.hold("getChatMember")
        presses = [await stage.ana.tap(card, "✅ approve") for card in (first, second)]
        loop = asyncio.get_running_loop()
        begin = loop.time()
        assert [(await one.result()).text for one in presses] == [UNCHECKED, UNCHECKED]
        assert loop.time() - begin < 3
        told = [
            call.parameters["callback_query_id"] for call in stage.telegram.calls_of("answerCallbackQuery")
        ]
        assert told == [one.query_id for one in presses]
        held.release()
