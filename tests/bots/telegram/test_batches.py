"""Several questions of a batch on one card in Telegram: numbered, with numbered buttons, each decided by itself."""

from __future__ import annotations

import json
from datetime import timedelta

from sayso.config import PolicySettings, StageSettings
from sayso.engine import RequestRecord, RequestStatus
from sayso.testing.telegram import PressResult, SeenMessage
from tests.bots.telegram.stage import Stage
from tests.bots.telegram.test_conversations import asked as in_conversation
from tests.bots.telegram.test_conversations import replied
from tests.bots.telegram.test_presses import REDRAWN, call, keyboard

PROMPTS = ("Install requests?", "Run the migration?", "Push to main?")


def row(number: int) -> list[str]:
    return [f"{number} ✅ Approve", f"{number} ❌ Reject"]


async def cards(stage: Stage) -> list[SeenMessage]:
    return [one for one in await stage.ana.sees(stage.group) if "requests" in one.text]


async def asked(stage: Stage, **question: object) -> tuple[list[RequestRecord], SeenMessage]:
    """Three questions, and their one card."""
    requests = await stage.service.ask_batch([stage.place], *PROMPTS, **question)
    (card,) = await cards(stage)
    return requests, card


async def statuses(stage: Stage, requests: list[RequestRecord]) -> list[RequestStatus]:
    return [await stage.service.status(one) for one in requests]


async def press(stage: Stage, card: SeenMessage, label: str) -> PressResult:
    return await stage.ana.press(await stage.ana.now(card), label)


async def test_each_question_on_the_card_is_decided_by_its_own_buttons(stage: Stage) -> None:
    """A press on the second question touches neither the first nor the third."""
    requests, card = await asked(stage)
    assert card.labels == [row(1), row(2), row(3)]
    told = await press(stage, card, "2 ✅ Approve")
    assert told.text == "2. Run the migration? · Approved. The workflow continues."
    assert await statuses(stage, requests) == ["PENDING", "ANSWERED", "PENDING"]
    seen = await stage.until_shows(card, "2. ✅ Approved · Run the migration?", "3 requests · 2 open")
    assert seen.labels == [row(1), row(3)]
    await press(stage, card, "3 ✅ Approve")
    await stage.until_shows(card, "3. ✅ Approved · Push to main?", "3 requests · 1 open")
    await press(stage, card, "1 ✅ Approve")
    seen = await stage.until_shows(card, "1. ✅ Approved · Install requests?")
    assert seen.labels == []
    decided = [await stage.service.store.reader.request(one.id) for one in requests]
    assert [json.loads(one.answer or "") for one in decided if one] == ["approve"] * 3
    assert len(await cards(stage)) == 1, "the card was edited, never posted again"


async def test_a_press_on_a_card_with_a_forged_question_counts_for_none_of_them(stage: Stage) -> None:
    """Whoever changes the words of one question has changed what the presser of another one saw."""
    requests, card = await asked(stage)
    where = {"chat_id": stage.group.id, "message_id": card.message_id}
    markup = {"inline_keyboard": keyboard(stage)}
    await call(
        stage, "editMessageText", **where, text=card.text.replace("Push", "Pizza"), reply_markup=markup
    )
    assert (await press(stage, card, "2 ✅ Approve")).text == REDRAWN
    assert await statuses(stage, requests) == ["PENDING"] * 3
    await stage.until(card, lambda seen: (seen.labels, seen.text) == (card.labels, card.text))
    await press(stage, card, "2 ✅ Approve")
    assert await statuses(stage, requests) == ["PENDING", "ANSWERED", "PENDING"]


async def test_buttons_that_were_moved_to_another_number_count_for_none(stage: Stage) -> None:
    requests, card = await asked(stage)
    (first, *_), (second, *_), _ = rows = keyboard(stage)
    first["callback_data"], second["callback_data"] = second["callback_data"], first["callback_data"]
    where = {"chat_id": stage.group.id, "message_id": card.message_id}
    await call(stage, "editMessageReplyMarkup", **where, reply_markup={"inline_keyboard": rows})
    assert (await press(stage, card, "1 ✅ Approve")).text == REDRAWN
    assert await statuses(stage, requests) == ["PENDING"] * 3


async def test_a_press_that_comes_twice_decides_once(stage: Stage) -> None:
    requests, card = await asked(stage)
    first = await stage.ana.tap(card, "3 ✅ Approve")
    await first.result()
    await stage.ana.press_again(first)
    await stage.until_shows(card, "3. ✅ Approved")
    assert await statuses(stage, requests) == ["PENDING", "PENDING", "ANSWERED"]


async def test_what_is_withdrawn_or_expired_is_redrawn_in_place(stage: Stage) -> None:
    requests, card = await asked(stage)
    await stage.service.runtime.withdraw(requests[0].id, person="token:agent", via="api")
    seen = await stage.until_shows(card, "1. Withdrawn · Install requests?", "3 requests · 2 open")
    assert seen.labels == [row(2), row(3)]
    await press(stage, card, "2 ✅ Approve")
    assert await statuses(stage, requests) == ["WITHDRAWN", "ANSWERED", "PENDING"]
    short = await stage.service.ask_batch([stage.place], "Now?", "And now?", expires_after=0.2)
    seen = await stage.until_shows((await cards(stage))[-1], "1. Expired · Now?", "2. Expired · And now?")
    assert seen.labels == []
    assert await statuses(stage, short) == ["EXPIRED"] * 2
    assert await stage.service.status(requests[2]) == "PENDING"


async def test_a_restart_between_two_presses_loses_neither(stopped: Stage) -> None:
    async with stopped.running():
        requests, card = await asked(stopped)
        await press(stopped, card, "1 ✅ Approve")
    async with stopped.running():
        await stopped.until_shows(card, "1. ✅ Approved")
        await press(stopped, card, "2 ✅ Approve")
        await stopped.until_shows(card, "2. ✅ Approved")
        assert await statuses(stopped, requests) == ["ANSWERED", "ANSWERED", "PENDING"]
    assert len(await cards(stopped)) == 1


async def test_other_kinds_of_questions_stand_on_the_card_with_buttons_of_their_own(stage: Stage) -> None:
    """Five options have a button each; a text is asked for behind one button."""
    options = ["a", "b", "c", "d", "e"]
    await stage.service.ask_batch(
        [stage.place], "One?", "Two?", kind="input", input_type="select", options=options
    )
    (card,) = await cards(stage)
    assert [one for labels in card.labels for one in labels][:5] == [f"1 {one}" for one in options]
    (one, _) = await stage.service.ask_batch([stage.place], "Why?", "When?", kind="input")
    card = (await cards(stage))[-1]
    assert card.labels == [["1 ✍️ Answer"], ["2 ✍️ Answer"]]
    prompt = await in_conversation(stage, stage.ana, card, "1 ✍️ Answer")
    await replied(stage, stage.ana, prompt, "because")
    await stage.until_shows(card, "1. Answered · Why?")
    assert await stage.service.status(one) == "ANSWERED"


async def test_a_long_detail_is_cut_on_the_card_and_whole_below(stage: Stage) -> None:
    command = "\n".join(f"echo {number}" for number in range(200))
    requests, card = await asked(stage, details={"command": command})
    assert "(continues below)" in card.text
    await stage.service.told(requests[0].run_id)
    below = [one for one in await stage.ana.sees(stage.group) if one.message_id != card.message_id]
    whole = "".join(one.text for one in below)
    assert all(f"The rest of {number}:" in whole for number in (1, 2, 3)), whole
    assert whole.count("echo 199") == 3
    await press(stage, card, "2 ✅ Approve")
    await stage.until_shows(card, "2. ✅ Approved")
    again = [one for one in await stage.ana.sees(stage.group) if one.message_id != card.message_id]
    assert [one.message_id for one in again] == [one.message_id for one in below], "no rest was sent again"


async def test_a_rejection_with_its_reason_goes_to_its_own_question(stage: Stage) -> None:
    requests, card = await asked(stage)
    await stage.reject(stage.ana, card, "2 ❌ Reject", "not today")
    await stage.until_shows(card, "2. ❌ Rejected · Run the migration?", "not today")
    assert await statuses(stage, requests) == ["PENDING", "ANSWERED", "PENDING"]


async def test_a_reminder_of_several_questions_is_one_message_and_posts_their_card_anew_once(
    stopped: Stage,
) -> None:
    stage = stopped
    approvers = StageSettings(approvers=(f"telegram:{stage.ana.id}", f"telegram:{stage.bo.id}"))
    patient = PolicySettings(stages=(approvers,), remind_every=timedelta(seconds=1))
    stage.settings = stage.settings.model_copy(update={"policies": {"patient": patient}})
    async with stage.running():
        _, card = await asked(stage, policy="patient")
        await stage.until_shows(card, "Posted again below.")
        seen = await stage.ana.sees(stage.group)
        reminders = [one for one in seen if one.text.startswith("Still waiting")]
        assert [line.partition("? ")[0] for line in reminders[0].text.splitlines()] == [
            "Still waiting: Install requests", "Still waiting: Run the migration", "Still waiting: Push to main",
        ]  # fmt: skip
        anew = [one for one in seen if one.text.startswith("3 requests ·")]
        assert len(anew) == len(reminders)
        told = await press(stage, anew[-1], "2 ✅ Approve")
        assert told.text == "2. Run the migration? · Approved. The workflow continues."
