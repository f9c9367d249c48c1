"""Several questions of a batch on one card in Slack: each is decided by itself, and the card stays true of all."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

from sayso.config import PolicySettings, StageSettings
from sayso.engine import RequestRecord, RequestStatus
from sayso.testing.slack import LocalSlack, SeenMessage
from tests.bots.slack.stage import PLACE, Stage
from tests.bots.slack.test_presses import REDRAWN, call, controls, section, sent

PROMPTS = ("Install requests?", "Run the migration?", "Push to main?")
TWO_BUTTONS = ["✅ Approve", "❌ Reject"]


def cards(stage: Stage) -> list[SeenMessage]:
    return [
        one for one in stage.ana.messages(stage.channel) if not one.is_ephemeral and one.thread_ts is None
    ]


async def asked(stage: Stage, **question: object) -> tuple[list[RequestRecord], SeenMessage]:
    """Three questions, and their one card."""
    requests = await stage.service.ask_batch([PLACE], *PROMPTS, **question)
    (card,) = cards(stage)
    return requests, card


async def statuses(stage: Stage, requests: list[RequestRecord]) -> list[RequestStatus]:
    return [await stage.service.status(one) for one in requests]


async def press(stage: Stage, card: SeenMessage, label: str, number: int) -> str:
    """Press the `number`-th button of that label; what Ana is told."""
    before = len(stage.ana.words(stage.channel))
    result = await (await stage.ana.press(stage.ana.sees(card), label, number=number)).result()
    assert result.is_acknowledged
    return await stage.told(stage.ana, before, stage.channel)


async def test_each_question_on_the_card_is_decided_by_its_own_buttons(stage: Stage) -> None:
    """A press on the second question touches neither the first nor the third."""
    requests, card = await asked(stage)
    assert card.labels == [TWO_BUTTONS] * 3
    assert card.text.startswith(
        "3 requests\nagent requested just now · each is decided on its own\n1. Install"
    )
    assert (
        await press(stage, card, "✅ Approve", 1)
        == "2. Run the migration? · Approved. The workflow continues."
    )
    assert await statuses(stage, requests) == ["PENDING", "ANSWERED", "PENDING"]
    seen = await stage.until_shows(card, "2. ✅ Approved · Run the migration?", "3 requests\n2 open")
    assert seen.labels == [TWO_BUTTONS] * 2
    assert await press(stage, seen, "✅ Approve", 1) == "3. Push to main? · Approved. The workflow continues."
    await stage.until_shows(card, "3. ✅ Approved · Push to main?", "3 requests\n1 open")
    await press(stage, card, "✅ Approve", 0)
    seen = await stage.until_shows(card, "1. ✅ Approved · Install requests?")
    assert seen.labels == []
    assert await statuses(stage, requests) == ["ANSWERED"] * 3
    decided = [await stage.service.store.reader.request(one.id) for one in requests]
    assert [json.loads(one.answer or "") for one in decided if one] == ["approve"] * 3
    assert len(cards(stage)) == 1, "the card was edited, never posted again"


async def test_a_press_on_a_card_with_a_forged_question_counts_for_none_of_them(stage: Stage) -> None:
    """Whoever changes the words of one question has changed what the presser of another one saw."""
    requests, card = await asked(stage)
    blocks = sent(stage)
    forged = [section("Pizza for lunch?"), *controls(blocks)]
    await call(stage, "chat.update", channel=card.channel, ts=card.ts, text="-", blocks=forged)
    assert await press(stage, card, "✅ Approve", 1) == REDRAWN
    assert await statuses(stage, requests) == ["PENDING"] * 3
    redrawn = await stage.until(card, lambda seen: (seen.labels, seen.text) == (card.labels, card.text))
    await press(stage, redrawn, "✅ Approve", 1)
    assert await statuses(stage, requests) == ["PENDING", "ANSWERED", "PENDING"]


async def test_buttons_that_were_moved_to_another_question_count_for_none(stage: Stage) -> None:
    requests, card = await asked(stage)
    blocks = sent(stage)
    first, second, third = controls(blocks)
    swapped = {id(first): second, id(second): first}
    moved = [swapped.get(id(one), one) for one in blocks]
    assert third in moved
    await call(stage, "chat.update", channel=card.channel, ts=card.ts, text="-", blocks=moved)
    assert await press(stage, card, "✅ Approve", 0) == REDRAWN
    assert await statuses(stage, requests) == ["PENDING"] * 3


async def test_a_press_that_comes_twice_decides_once(stage: Stage) -> None:
    requests, card = await asked(stage)
    first = await stage.ana.press(card, "✅ Approve", number=2)
    assert (await first.result()).is_acknowledged
    assert (await (await stage.ana.press_again(first)).result()).is_acknowledged
    await stage.until_shows(card, "3. ✅ Approved")
    assert await statuses(stage, requests) == ["PENDING", "PENDING", "ANSWERED"]


async def test_what_is_withdrawn_or_expired_is_redrawn_in_place(stage: Stage) -> None:
    requests, card = await asked(stage)
    assert (
        await stage.service.runtime.withdraw(requests[0].id, person="token:agent", via="api")
    ).kind == "done"
    seen = await stage.until_shows(card, "1. Withdrawn · Install requests?", "3 requests\n2 open")
    assert seen.labels == [TWO_BUTTONS] * 2
    await press(stage, card, "✅ Approve", 0)
    assert await statuses(stage, requests) == ["WITHDRAWN", "ANSWERED", "PENDING"]
    short = await stage.service.ask_batch([PLACE], "Now?", "And now?", expires_after=0.2)
    brief = cards(stage)[-1]
    seen = await stage.until_shows(brief, "1. Expired · Now?", "2. Expired · And now?")
    assert seen.labels == []
    assert await statuses(stage, short) == ["EXPIRED"] * 2
    assert await stage.service.status(requests[2]) == "PENDING"


async def test_a_restart_between_two_presses_loses_neither(stopped: Stage) -> None:
    async with stopped.running():
        requests, card = await asked(stopped)
        await press(stopped, card, "✅ Approve", 0)
    async with stopped.running():
        await stopped.until_shows(card, "1. ✅ Approved")
        await press(stopped, card, "✅ Approve", 0)
        await stopped.until_shows(card, "2. ✅ Approved")
        assert await statuses(stopped, requests) == ["ANSWERED", "ANSWERED", "PENDING"]
    assert len(cards(stopped)) == 1


async def test_a_card_that_was_deleted_is_posted_again_with_what_was_decided(stage: Stage) -> None:
    requests, card = await asked(stage)
    await press(stage, card, "✅ Approve", 0)
    await stage.until_shows(card, "1. ✅ Approved")
    await call(stage, "chat.delete", channel=card.channel, ts=card.ts)
    await stage.service.runtime.withdraw(requests[2].id, person="token:agent", via="api")
    await stage.slack.until(lambda: bool(cards(stage)))
    (again,) = cards(stage)
    assert again.ts != card.ts
    seen = await stage.until_shows(again, "1. ✅ Approved", "2. Run the migration?", "3. Withdrawn")
    assert seen.labels == [TWO_BUTTONS]
    await press(stage, again, "✅ Approve", 0)
    assert await statuses(stage, requests) == ["ANSWERED", "ANSWERED", "WITHDRAWN"]


async def test_more_than_eight_share_several_cards_and_what_needs_room_stands_alone(stage: Stage) -> None:
    names = [f"Tool {number}?" for number in range(1, 11)]
    await stage.service.ask_batch([PLACE], *names)
    first, second = cards(stage)
    assert (len(first.labels), len(second.labels)) == (8, 2)
    assert "10. Tool 10?" in second.text
    await stage.service.ask_batch([PLACE], "Read this?", "And this?", read_all=True)
    alone = cards(stage)[2:]
    assert [len(one.labels) for one in alone] == [2, 2], (
        "each has its way to the whole request and its buttons"
    )


async def test_a_long_detail_is_cut_on_the_card_and_whole_below(stage: Stage) -> None:
    command = "\n".join(f"echo {number}" for number in range(400))
    requests, card = await asked(stage, details={"command": command})
    assert "(continues in Full request)" in card.text
    await stage.service.told(requests[0].run_id)
    replies = stage.ana.messages(stage.channel, thread=card.ts)
    whole = "".join(one.text for one in replies)
    assert all(f"The rest of {number}:" in whole for number in (1, 2, 3))
    assert "echo 399" in whole
    await press(stage, card, "✅ Approve", 1)
    await stage.until_shows(card, "2. ✅ Approved")
    assert await statuses(stage, requests) == ["PENDING", "ANSWERED", "PENDING"]
    assert stage.ana.messages(stage.channel, thread=card.ts) == replies


async def test_many_presses_at_once_cost_few_edits(slack: LocalSlack, stopped: Stage) -> None:
    """Edits count for the whole workspace: what was decided meanwhile goes into one."""
    stopped.settings = stopped.make_settings(slack={"updates_per_minute": 20})
    async with stopped.running(), asyncio.timeout(30):
        names = [f"Tool {number}?" for number in range(1, 9)]
        requests = await stopped.service.ask_batch([PLACE], *names)
        (card,) = cards(stopped)
        presses = [
            await stopped.ana.press(card, "✅ Approve", number=number, old_view=True) for number in range(8)
        ]
        assert all([(await one.result()).is_acknowledged for one in presses])
        seen = await stopped.until(card, lambda one: not one.labels)
        assert all(f"{number}. ✅ Approved" in seen.text for number in range(1, 9))
        assert await statuses(stopped, requests) == ["ANSWERED"] * 8
        assert len(slack.calls_of("chat.update")) <= len(requests)


async def test_a_rejection_with_its_reason_goes_to_its_own_question(stage: Stage) -> None:
    requests, card = await asked(stage)
    await stage.reject(stage.ana, card, "❌ Reject", "not today")
    await stage.until_shows(card, "1. ❌ Rejected · Install requests?", "not today")
    assert await statuses(stage, requests) == ["ANSWERED", "PENDING", "PENDING"]


async def test_a_reminder_of_several_questions_is_one_message(slack: LocalSlack, stopped: Stage) -> None:
    """So is that others are asked as well: both come due for all of a batch at once."""
    stage = stopped
    approvers = StageSettings(approvers=(stage.person_id(stage.ana),))
    second = timedelta(seconds=1)
    patient = PolicySettings(
        stages=(approvers,),
        remind_every=second,
        escalate_after=second,
        escalate_to=(stage.person_id(stage.bo),),
    )
    stage.settings = stage.settings.model_copy(update={"policies": {"patient": patient}})
    async with stage.running():
        await asked(stage, policy="patient")

        def said(beginning: str) -> list[list[str]]:
            seen = [one.text for one in stage.ana.messages(stage.channel) if one.text.startswith(beginning)]
            return [one.splitlines() for one in seen]

        await slack.until(lambda: bool(said("Still waiting") and said("Nobody has decided yet")))
        for beginning in ("Still waiting: ", "Nobody has decided yet: "):
            lines = said(beginning)[0]
            assert [
                one.startswith(f"{beginning}{prompt}") for one, prompt in zip(lines, PROMPTS, strict=True)
            ] == [True] * 3
