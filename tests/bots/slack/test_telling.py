"""Whoever presses hears something true within seconds, by the way that Slack leaves."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from sayso.testing.platform import Fault
from sayso.testing.slack import FaultKind, SeenMessage
from tests.bots.slack.stage import PLACE, Stage

APPROVED = "Approved. The workflow continues."
INBOX = "answer in the inbox: /sayso inbox"
NOT_OPENED = f"Slack could not open this. Nothing was counted. Press again in a minute, or {INBOX}"
NOT_SHOWN = (
    f"Slack could not show this. Nothing was counted. Close it and press again in a minute, or {INBOX}"
)
EXPIRED = f"This took too long to open. Nothing was counted. Press again, or {INBOX}"
BY_ADDRESS, IN_CHANNEL = "response_url", "chat.postEphemeral"
SECONDS = timedelta(seconds=5)
KINDS = [
    FaultKind.TOO_MANY_REQUESTS,
    FaultKind.HANG,
    FaultKind.BAD_GATEWAY,
    FaultKind.FORBIDDEN,
    FaultKind.RESET,
]


async def seconds_until_told(stage: Stage, card: SeenMessage, label: str, words: str) -> timedelta:
    """Press; how long it takes until Ana hears just this."""
    begin = stage.slack.now()
    _, told = await stage.press(stage.ana, card, label)
    assert told == words
    return stage.slack.now() - begin


@pytest.mark.parametrize("kind", KINDS)
async def test_words_come_by_another_way_where_the_first_fails(stage: Stage, kind: FaultKind) -> None:
    """The address that comes with a press may be throttled, or hang; Slack has another way to one person alone."""
    run_id, card = await stage.ask()
    stage.slack.fail(kind, BY_ADDRESS, retry_after=600)
    assert await seconds_until_told(stage, card, "✅ approve", APPROVED) < SECONDS
    assert await stage.service.answer(run_id) == "approve"


async def test_words_that_are_throttled_everywhere_come_when_slack_allows_it(stage: Stage) -> None:
    run_id, card = await stage.ask()
    for way, after in ((BY_ADDRESS, 1), (IN_CHANNEL, 600)):
        stage.slack.fail(FaultKind.TOO_MANY_REQUESTS, way, retry_after=after)
    assert timedelta(seconds=1) <= await seconds_until_told(stage, card, "✅ approve", APPROVED) < SECONDS
    assert len(stage.slack.calls_of(BY_ADDRESS)) == 2, "as soon as the first way is open"
    assert await stage.service.answer(run_id) == "approve"


async def test_words_that_are_not_true_any_more_are_not_sent(stage: Stage) -> None:
    """While Slack throttles what Ana should hear, Bo answers: she is not asked to press again."""
    run_id, card = await stage.ask(input_type="text")
    stage.slack.fail(FaultKind.SERVER_ERROR, "views.open")
    for way in (BY_ADDRESS, IN_CHANNEL):
        stage.slack.fail(FaultKind.TOO_MANY_REQUESTS, way, retry_after=2)
    await stage.ana.press(card, "✍️ Answer")
    await stage.slack.until(lambda: bool(stage.slack.calls_of(IN_CHANNEL)))
    request = (await stage.service.card(run_id)).request
    await stage.bo.command("/sayso", f"answer {request.id}@1 today", stage.channel)
    assert (await stage.told(stage.ana, 0, stage.channel)).startswith("Bo already answered this ")


async def test_words_that_slack_throttles_do_not_hold_up_the_end(stopped: Stage) -> None:
    """What was decided is in the card; the service stops at once."""
    async with stopped.running():
        run_id, card = await stopped.ask()
        for way in (BY_ADDRESS, IN_CHANNEL):
            stopped.slack.fail(FaultKind.TOO_MANY_REQUESTS, way, retry_after=600)
        await (await stopped.ana.press(card, "✅ approve")).result()
        await stopped.slack.until(lambda: bool(stopped.slack.calls_of(IN_CHANNEL)))
        assert await stopped.service.answer(run_id) == "approve"
        loop = asyncio.get_running_loop()
        begin = loop.time()
    assert loop.time() - begin < SECONDS.total_seconds()


async def test_words_about_what_cannot_be_read_come_when_slack_allows_it(stage: Stage) -> None:
    _, card = await stage.ask()
    stage.slack.fail(FaultKind.TOO_MANY_REQUESTS, BY_ADDRESS, retry_after=1)
    await stage.ana.press(card, "✅ approve", odd={"actions": []})
    assert "cannot be read" in await stage.told(stage.ana, 0, stage.channel)


@pytest.mark.parametrize("kind", [*KINDS, FaultKind.HANG_AFTER])
async def test_whoever_opens_a_form_that_does_not_open_hears_it(stage: Stage, kind: FaultKind) -> None:
    run_id, card = await stage.ask(input_type="text")
    stage.slack.fail(kind, "views.open")
    assert await seconds_until_told(stage, card, "✍️ Answer", NOT_OPENED) < SECONDS
    if stage.ana.view is not None:  # it opened, and Slack did not say so
        assert stage.ana.view.text == "One moment … If nothing more comes, close this and press again."
    assert (await stage.service.card(run_id)).request.open


async def test_whoever_rejects_and_is_not_asked_why_in_time_hears_that_nothing_counted(stage: Stage) -> None:
    run_id, card = await stage.ask()
    stage.slack.faults.add(Fault(FaultKind.REFUSED, "views.open", error="expired_trigger_id"))
    assert await seconds_until_told(stage, card, "❌ reject", EXPIRED) < SECONDS
    assert (await stage.service.card(run_id)).request.open


@pytest.mark.parametrize("method", ["views.open", "views.update"])
async def test_whoever_may_not_answer_hears_so_also_where_the_form_does_not_open(
    stage: Stage, method: str
) -> None:
    """To press again would not help them."""
    _, card = await stage.ask(input_type="text")
    stage.channel.remove(stage.bo)
    stage.slack.fail(FaultKind.SERVER_ERROR, method, times=2)
    _, told = await stage.press(stage.bo, card, "✍️ Answer")
    assert told == "You aren't an approver for this. Approvers: #releases."


@pytest.mark.parametrize("kind", [FaultKind.TOO_MANY_REQUESTS, FaultKind.HANG, FaultKind.SERVER_ERROR])
async def test_whoever_opens_a_form_that_stays_empty_hears_it(stage: Stage, kind: FaultKind) -> None:
    _, card = await stage.ask(input_type="text")
    stage.slack.fail(kind, "views.update", times=2)
    assert await seconds_until_told(stage, card, "✍️ Answer", NOT_SHOWN) < SECONDS


@pytest.mark.parametrize("kind", [FaultKind.SERVER_ERROR, FaultKind.RESET_AFTER])
async def test_a_form_that_failed_once_is_shown(stage: Stage, kind: FaultKind) -> None:
    """Where Slack showed it and did not say so, it is filled once more, and what is sent then counts."""
    run_id, card = await stage.ask(input_type="text")
    stage.slack.fail(kind, "views.update")
    await stage.ana.press(card, "✍️ Answer")
    await stage.slack.until(lambda: len(stage.slack.calls_of("views.update")) == 2)
    await (await stage.ana.submit({"Your answer": "today"})).result()
    assert await stage.service.answer(run_id) == "today"


@pytest.mark.parametrize("is_decided", [False, True])
async def test_a_copy_of_a_card_with_a_form_is_closed_when_it_is_pressed(
    stage: Stage, is_decided: bool
) -> None:
    """The send was applied and not heard: the card was sent again, and one of both belongs to nothing."""
    stage.slack.fail(FaultKind.RESET_AFTER, "chat.postMessage")
    run_id = await stage.service.ask([PLACE], input_type="text")
    await stage.slack.until(lambda: len(stage.ana.messages(stage.channel)) == 2)
    copy, card = stage.ana.messages(stage.channel)
    request = (await stage.service.card(run_id)).request
    if is_decided:
        await stage.bo.command("/sayso", f"answer {request.id}@1 today", stage.channel)
        await stage.until_shows(card, "Answered ·", "finished")
    await stage.ana.press(copy, "✍️ Answer")
    closed = await stage.until(copy, lambda seen: not seen.labels)
    assert "This is a copy of the card." in closed.text or "Posted again below." in closed.text
