"""Cards in a Slack channel: asked, pressed, and true until the run's end."""

from __future__ import annotations

from tests.bots.slack.stage import Stage


async def test_a_question_becomes_a_card_with_buttons(stage: Stage) -> None:
    _, card = await stage.ask(details={"Change": "14 commits"})
    assert card.labels == [["✅ approve", "❌ reject"]]
    assert card.text.splitlines()[0] == "Release 4.2.0?"
    assert "Change: 14 commits" in card.text
    assert "waiting for #releases" in card.text


async def test_a_press_decides_and_the_card_follows_the_run_to_its_end(stage: Stage) -> None:
    run_id, card = await stage.ask()
    result, words = await stage.press(stage.ana, card, "✅ approve")
    assert (result.is_acknowledged, words) == (True, "Approved. The workflow continues.")
    assert await stage.service.answer(run_id) == "approve"
    seen = await stage.until_shows(card, "✅ Approved ·", "finished", "Ana today", "publish finished")
    assert seen.labels == []


async def test_a_failure_is_shown_where_it_was_approved(stage: Stage) -> None:
    """Approvers care about the effect, not about the click."""
    _, card = await stage.ask(fails=True)
    await stage.press(stage.ana, card, "✅ approve")
    await stage.until_shows(card, "✅ Approved, then failed ·", "An operator can retry it.")


async def test_somebody_who_left_the_channel_is_refused(stage: Stage) -> None:
    run_id, card = await stage.ask()
    stage.channel.remove(stage.bo)
    result, words = await stage.press(stage.bo, card, "✅ approve")
    assert (result.is_acknowledged, words) == (
        True,
        "You aren't an approver for this. Approvers: #releases.",
    )
    assert (await stage.service.card(run_id)).request.open


async def test_the_second_press_hears_who_was_first(stage: Stage) -> None:
    _, card = await stage.ask()
    await stage.press(stage.ana, card, "✅ approve")
    _, words = await stage.press(stage.bo, card, "❌ reject", old_view=True)
    assert words.startswith("Ana already approved this today at ")


async def test_a_repeated_payload_is_one_answer(stage: Stage) -> None:
    run_id, card = await stage.ask()
    press = await stage.ana.press(card, "✅ approve")
    await press.result()
    await (await stage.ana.press_again(press)).result()
    await stage.until_shows(card, "finished")
    record = await stage.service.card(run_id)
    assert [vote.person for vote in record.votes] == [stage.person_id(stage.ana)]


async def test_buttons_from_before_a_restart_work_and_nothing_is_asked_again(stopped: Stage) -> None:
    async with stopped.running():
        run_id, card = await stopped.ask()
    sent = stopped.count()
    async with stopped.running() as service:
        _, words = await stopped.press(stopped.ana, card, "✅ approve")
        assert words == "Approved. The workflow continues."
        assert await service.answer(run_id) == "approve"
        await stopped.until_shows(card, "✅ Approved ·", "finished")
    assert stopped.count() == sent


async def test_a_press_while_the_service_is_down_is_seen_to_fail(stopped: Stage) -> None:
    """Slack sends no interaction twice: the person sees at once that nothing took it."""
    async with stopped.running():
        run_id, card = await stopped.ask()
    result = await (await stopped.ana.press(card, "✅ approve")).result()
    assert not result.is_acknowledged
    async with stopped.running() as service:
        assert (await service.card(run_id)).request.open


async def test_the_card_is_stamped_with_its_request(stage: Stage) -> None:
    run_id, _ = await stage.ask()
    record = await stage.service.card(run_id)
    sent = stage.slack.calls_of("chat.postMessage")[0].parameters
    assert sent["metadata"]["event_payload"] == {"request": record.request.id, "revision": 1}
