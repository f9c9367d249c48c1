"""Cards in a Telegram group: asked, pressed, and true until the run's end."""

from __future__ import annotations

from tests.bots.telegram.stage import Stage


async def test_a_question_becomes_a_card_with_buttons(stage: Stage) -> None:
    _, card = await stage.ask(details={"Change": "14 commits"})
    assert card.labels == [["✅ approve", "❌ reject"]]
    assert card.text.splitlines()[0] == "Release 4.2.0?"
    assert "Change: 14 commits" in card.text
    assert "waiting for Releases" in card.text


async def test_a_press_decides_and_the_card_follows_the_run_to_its_end(stage: Stage) -> None:
    run_id, card = await stage.ask()
    result = await stage.ana.press(card, "✅ approve")
    assert (result.is_acknowledged, result.text) == (True, "Approved. The workflow continues.")
    assert await stage.service.answer(run_id) == "approve"
    seen = await stage.until_shows(card, "✅ Approved ·", "finished", "\nAna ", "publish finished")
    assert seen.labels == []


async def test_a_failure_is_shown_where_it_was_approved(stage: Stage) -> None:
    """Approvers care about the effect, not about the click."""
    _, card = await stage.ask(fails=True)
    await stage.ana.press(card, "✅ approve")
    await stage.until_shows(card, "✅ Approved, then failed ·", "An operator can retry it.")


async def test_somebody_outside_the_audience_is_refused(stage: Stage) -> None:
    run_id, card = await stage.ask()
    await stage.group.add(stage.eve)
    result = await stage.eve.press(card, "✅ approve")
    assert (result.text, result.is_alert) == ("You aren't an approver for this. Approvers: Releases.", True)
    assert (await stage.service.card(run_id)).request.open


async def test_the_second_press_hears_who_was_first(stage: Stage) -> None:
    _, card = await stage.ask()
    await stage.ana.press(card, "✅ approve")
    result = await stage.bo.press(card, "❌ reject", old_view=True)
    assert result.text is not None
    assert result.text.startswith("Ana already approved this at ")
    assert result.is_alert


async def test_a_repeated_press_is_one_answer(stage: Stage) -> None:
    run_id, card = await stage.ask()
    press = await stage.ana.tap(card, "✅ approve")
    await press.result()
    await stage.ana.press_again(press)
    await stage.until_shows(card, "finished")
    record = await stage.service.card(run_id)
    assert [vote.person for vote in record.votes] == [f"telegram:{stage.ana.id}"]


async def test_buttons_from_before_a_restart_work_and_nothing_is_asked_again(stopped: Stage) -> None:
    async with stopped.running():
        run_id, card = await stopped.ask()
    sent = stopped.count()
    async with stopped.running() as service:
        assert (await stopped.ana.press(card, "✅ approve")).text == "Approved. The workflow continues."
        assert await service.answer(run_id) == "approve"
        await stopped.until_shows(card, "✅ Approved ·", "finished")
    assert stopped.count() == sent


async def test_a_press_while_the_service_is_down_counts_when_it_is_back(stopped: Stage) -> None:
    async with stopped.running():
        run_id, card = await stopped.ask()
    press = await stopped.ana.tap(card, "✅ approve")
    async with stopped.running() as service:
        assert await service.answer(run_id) == "approve"
        assert (await press.result()).text == "Approved. The workflow continues."
