"""Whoever presses or writes hears something true within seconds, by the way that Telegram leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sayso.testing.telegram import FaultKind
from tests.bots.telegram.stage import Stage

APPROVED = "Approved. The workflow continues."
PRESSED = "answerCallbackQuery"


async def until_told(stage: Stage, words: str) -> None:
    """Wait until Ana has these words in her own chat."""
    while not any(words in one.text.replace("\u2060", "") for one in await stage.ana.sees()):
        revision = stage.telegram.revision
        await stage.telegram.until(lambda: stage.telegram.revision != revision)  # noqa: B023 - awaited at once


async def test_a_press_that_may_not_be_acknowledged_yet_is_acknowledged_then(stage: Stage) -> None:
    run_id, card = await stage.ask()
    stage.telegram.fail(FaultKind.TOO_MANY_REQUESTS, PRESSED, retry_after=1)
    assert (await stage.ana.press(card, "✅ approve")).text == APPROVED
    first, second = stage.telegram.calls_of(PRESSED)
    assert second.received_at - first.received_at >= timedelta(seconds=1)
    assert await stage.service.answer(run_id) == "approve"


@pytest.mark.parametrize("kind", [FaultKind.TOO_MANY_REQUESTS, FaultKind.RESET, FaultKind.BAD_GATEWAY])
async def test_a_press_that_cannot_be_acknowledged_is_answered_in_the_persons_own_chat(
    stage: Stage, kind: FaultKind
) -> None:
    """Nobody looks at the button any more when Telegram allows it; what it was about is said beside it."""
    run_id, card = await stage.ask()
    stage.telegram.fail(kind, PRESSED, retry_after=600)
    await stage.ana.tap(card, "✅ approve")
    await until_told(stage, f"Release 4.2.0?\n{APPROVED}")
    assert await stage.service.answer(run_id) == "approve"


async def test_a_reply_that_is_throttled_comes_when_telegram_allows_it(stage: Stage) -> None:
    stage.telegram.fail(FaultKind.TOO_MANY_REQUESTS, "sendMessage", retry_after=1)
    await stage.ana.command(None, "/pending")
    await until_told(stage, "You're all caught up.")


async def test_a_question_that_is_throttled_is_asked_when_telegram_allows_it(stage: Stage) -> None:
    """Behind Answer comes a message that asks; where it is throttled, it comes as long as it is still asked."""
    run_id, card = await stage.ask(f"telegram:{stage.ana.id}", input_type="text")
    card = await stage.ana.last()
    stage.telegram.fail(FaultKind.TOO_MANY_REQUESTS, "sendMessage", retry_after=1)
    await stage.ana.press(card, "✍️ Answer")
    await until_told(stage, "Reply with")
    await stage.ana.reply(await stage.ana.last(), "today")
    await stage.until_shows(card, "Answered ·", "finished")
    assert await stage.service.answer(run_id) == "today"


async def test_a_question_that_was_answered_while_it_was_throttled_is_not_asked(stage: Stage) -> None:
    run_id, _ = await stage.ask(f"telegram:{stage.ana.id}", stage.place, input_type="text")
    await stage.telegram.until(lambda: stage.count() == 2)
    card = await stage.ana.last()
    stage.telegram.fail(FaultKind.TOO_MANY_REQUESTS, "sendMessage", retry_after=1)
    await stage.ana.press(card, "✍️ Answer")
    await stage.telegram.until(lambda: stage.count() == 3)
    request = (await stage.service.card(run_id)).request
    await stage.bo.command(None, f"/answer {request.id}@1 today")
    await until_told(stage, "Bo already answered this at ")
    assert not any("Reply with" in one.text for one in await stage.ana.sees())
