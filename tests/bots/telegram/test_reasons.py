"""Rejecting with a reason in Telegram: one press asks why, with the policy's reasons as buttons."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.config import PolicySettings, StageSettings
from sayso.engine import Code, File, Json
from sayso.testing.telegram import LocalTelegram, Person, SeenMessage
from tests.bots.telegram.stage import Stage
from tests.bots.telegram.test_presses import call

REASONS = ("Not tested", "Release freeze until the end of the month")
REQUIRED = [["Not tested"], ["2. Release freeze until the end of the mon…"], ["✍️ Other reason"], ["Cancel"]]
OPTIONAL = [*REQUIRED[:3], ["Reject without a reason"], ["Cancel"]]
DONE = "Rejected. The workflow continues."


@pytest.fixture
async def stopped(telegram: LocalTelegram, tmp_path: Path) -> Stage:
    stage = await Stage.build(telegram, tmp_path / "sayso.db")
    who = tuple(f"telegram:{one.id}" for one in (stage.ana, stage.bo, stage.eve))
    one, two = (StageSettings(approvers=who, need=need, reject_at=need) for need in (1, 2))
    policies = {
        "suggests": PolicySettings(stages=(one,), reject_reasons=REASONS),
        "requires": PolicySettings(stages=(one,), reject_reasons=REASONS, comment=("reject",)),
        "two": PolicySettings(stages=(two,), reject_reasons=REASONS),
    }
    stage.settings = stage.settings.model_copy(update={"policies": policies})
    return stage


async def below(stage: Stage, person: Person, message: SeenMessage) -> SeenMessage:
    """The bot's next message below one."""
    place = stage.group if message.chat_id == stage.group.id else None
    while True:
        revision = stage.telegram.revision
        for one in await person.sees(place):
            if one.sender == "sayso" and one.message_id > message.message_id:
                return one
        await stage.until_revision(revision)


async def pressed(stage: Stage, person: Person, message: SeenMessage, label: str) -> str | None:
    """Press a button of what asks why; what they hear."""
    heard = (await person.press(message, label)).text
    await stage.until(message, lambda seen: not seen.labels)
    return heard


async def comment(stage: Stage, run_id: str) -> str | None:
    (vote,) = (await stage.service.card(run_id)).votes
    return vote.comment


async def is_open(stage: Stage, run_id: str) -> bool:
    return (await stage.service.card(run_id)).request.open


async def test_a_reason_is_picked_by_a_button(stage: Stage) -> None:
    run_id, card = await stage.ask(policy="suggests", prompt="Release 4.2.0?")
    asks = await stage.asked_why(stage.ana, card)
    assert asks.text.replace("\u2060", "") == (
        "Ana: Why reject? Release 4.2.0?\n1. Not tested\n2. Release freeze until the end of the month\n"
        "Choose a reason, or reply with your own."
    )
    assert asks.labels == OPTIONAL
    assert await pressed(stage, stage.ana, asks, OPTIONAL[1][0]) == DONE
    assert await stage.service.answer(run_id) == "reject"
    assert await comment(stage, run_id) == REASONS[1]
    await stage.until_shows(card, "❌ Rejected", REASONS[1])


async def test_a_reason_may_be_left_out_where_the_policy_lets_them(stage: Stage) -> None:
    run_id, card = await stage.ask(policy="suggests")
    asks = await stage.asked_why(stage.ana, card)
    assert await pressed(stage, stage.ana, asks, "Reject without a reason") == DONE
    assert await comment(stage, run_id) is None


async def test_a_required_reason_is_picked_or_written(stage: Stage) -> None:
    run_id, card = await stage.ask(policy="requires")
    asks = await stage.asked_why(stage.ana, card)
    assert asks.labels == REQUIRED
    await stage.ana.press(asks, "✍️ Other reason")
    own = await below(stage, stage.ana, asks)
    assert "Reply with the reason; your answer counts then. /back shows the reasons." in own.text
    await stage.ana.reply(own, "  on Friday? ")
    assert (await below(stage, stage.ana, own)).text == DONE
    assert await comment(stage, run_id) == "on Friday?"


async def test_the_way_back_from_ones_own_reason_shows_the_others(stage: Stage) -> None:
    """In one's own chat nothing has to be a reply."""
    run_id, _ = await stage.ask(policy="requires")
    while not (cards := await stage.eve.sees()):
        await stage.until_revision(stage.telegram.revision)
    asks = await stage.asked_why(stage.eve, cards[0])
    await stage.eve.press(asks, "✍️ Other reason")
    own = await below(stage, stage.eve, asks)
    await stage.eve.say(None, "/back")
    again = await below(stage, stage.eve, own)
    assert again.labels == REQUIRED
    await stage.eve.say(None, "too late in the week")
    assert (await below(stage, stage.eve, again)).text == DONE
    assert await comment(stage, run_id) == "too late in the week"


async def test_cancelling_decides_nothing(stage: Stage) -> None:
    run_id, card = await stage.ask(policy="suggests")
    asks = await stage.asked_why(stage.ana, card)
    heard = await pressed(stage, stage.ana, asks, "Cancel")
    assert heard is not None
    assert "Nothing was decided" in heard
    assert await is_open(stage, run_id)
    assert (await stage.ana.press(card, "✅ approve")).text == "Approved. The workflow continues."


async def test_no_is_asked_why_as_a_rejection_is(stage: Stage) -> None:
    run_id, card = await stage.ask(policy="suggests", input_type="confirm")
    asks = await stage.asked_why(stage.ana, card, "❌ No")
    assert "Why no?" in asks.text
    await pressed(stage, stage.ana, asks, "Not tested")
    assert await stage.service.answer(run_id) is False
    assert await comment(stage, run_id) == "Not tested"


async def test_a_plain_approval_is_rejected_with_a_reason_in_one_step_behind_the_press(stage: Stage) -> None:
    run_id, card = await stage.ask(prompt="Release 4.2.0?", details={"Change": "14 commits", "Risk": "high"})
    asks = await stage.asked_why(stage.ana, card)
    assert asks.text.replace("\u2060", "") == (
        "Ana: Why reject? Release 4.2.0?\nChange: 14 commits\nRisk: high\n"
        "Reply with the reason; your answer counts then."
    )
    assert asks.labels == [["Reject without a reason", "Cancel"]]
    assert (asks.reply_to, asks.notified) == (card.message_id, ())
    await stage.ana.reply(asks, "not on a Friday")
    assert (await below(stage, stage.ana, asks)).text == DONE
    assert await comment(stage, run_id) == "not on a Friday"
    await stage.until_shows(card, "❌ Rejected", "not on a Friday")
    over = await stage.until(asks, lambda seen: not seen.labels and "Reply with" not in seen.text)
    assert over.text.endswith(DONE), "it asks no more"


async def test_what_asks_why_points_at_nothing_below_it(stage: Stage) -> None:
    """What its details leave out stands below the card, not below the message that asks."""
    code = Code("\n".join(f"line {at}" for at in range(40)), "python")
    _, card = await stage.ask(shown={"Plan": code, "Report": File(b"a,b\n1,2\n", "report.csv")})
    assert "… 25 more lines, below" in card.text
    asks = await stage.asked_why(stage.ana, card)
    assert "… 25 more lines\n" in asks.text
    assert "report.csv" in asks.text
    assert "below" not in asks.text


async def test_a_plain_approval_is_rejected_without_a_reason_in_one_step_behind_the_press(
    stage: Stage,
) -> None:
    run_id, card = await stage.ask()
    assert await stage.reject(stage.ana, card) == DONE
    assert await stage.service.answer(run_id) == "reject"
    assert await comment(stage, run_id) is None


async def test_an_approval_a_no_and_a_choice_are_one_press(stage: Stage) -> None:
    _, suggested = await stage.ask(policy="suggests")
    assert (await stage.ana.press(suggested, "✅ approve")).text == "Approved. The workflow continues."
    _, no = await stage.ask(input_type="confirm")
    assert (await stage.ana.press(no, "❌ No")).text == "Recorded: no. The workflow continues."
    _, choice = await stage.ask(options=["approve", "reject", "later"], input_type="select")
    assert (await stage.ana.press(choice, "❌ reject")).text == DONE


async def test_the_reasons_outlive_a_restart_and_are_one_persons(stopped: Stage) -> None:
    stage = stopped
    async with stage.running():
        run_id, card = await stage.ask(policy="suggests")
        asks = await stage.asked_why(stage.ana, card)
    async with stage.running():
        theirs = await stage.bo.press(asks, "Not tested")
        assert theirs.text == (
            "Somebody else is answering here. To answer yourself, use the buttons of the card."
        )
        assert await is_open(stage, run_id)
        assert await pressed(stage, stage.ana, asks, "Not tested") == DONE
        assert await comment(stage, run_id) == "Not tested"


async def test_a_reason_for_a_question_that_is_decided_is_refused_out_loud(stage: Stage) -> None:
    run_id, card = await stage.ask(policy="suggests")
    asks = await stage.asked_why(stage.ana, card)
    await stage.bo.press(card, "✅ approve")
    over = await stage.until(asks, lambda seen: not seen.labels)
    assert "Bo already approved this at" in over.text
    heard = (await stage.ana.press(asks, "Not tested", old_view=True)).text
    assert heard is not None
    assert heard.startswith("Bo already approved this at")
    assert await stage.service.answer(run_id) == "approve"


async def test_a_reason_for_a_question_that_changed_is_refused_out_loud(stage: Stage) -> None:
    run_id, card = await stage.ask(policy="suggests")
    asks = await stage.asked_why(stage.ana, card)
    key = f"conversation:{stage.group.id}:{asks.message_id}"
    while not isinstance(kept := await stage.service.store.kept("telegram", key), dict):
        pass  # it is kept once Telegram has taken the message
    of_before: dict[str, Json] = {**kept, "revision": 0}
    await stage.service.store.keep("telegram", key, of_before)
    heard = (await stage.ana.press(asks, "Not tested", old_view=True)).text
    assert heard is not None
    assert heard.startswith("The question changed")
    assert await is_open(stage, run_id)


async def test_a_vote_is_changed_with_a_reason_and_not_asked_for_twice(stage: Stage) -> None:
    run_id, card = await stage.ask(policy="two")
    await stage.ana.press(card, "✅ approve")
    card = await stage.until_shows(card, "1 of 2 approved")
    asks = await stage.asked_why(stage.ana, card)
    assert await pressed(stage, stage.ana, asks, "Not tested") == "Changed to reject."
    card = await stage.until_shows(card, "0 of 2 approved")
    assert (await stage.ana.press(card, "❌ reject")).text == "You already rejected this."
    assert await comment(stage, run_id) == "Not tested"


async def test_reasons_that_were_edited_from_outside_are_asked_for_again(stage: Stage) -> None:
    """Whoever has the bot's token can put other words above its buttons."""
    run_id, card = await stage.ask(policy="suggests")
    asks = await stage.asked_why(stage.ana, card)
    sent = [
        one.parameters
        for one in stage.telegram.calls_of("sendMessage")
        if "Why" in str(one.parameters["text"])
    ]
    await call(
        stage, "editMessageText", chat_id=stage.group.id, message_id=asks.message_id, text="Why approve?",
        reply_markup=sent[-1]["reply_markup"],
    )  # fmt: skip
    forged = await stage.until(asks, lambda seen: "Why approve?" in seen.text)
    heard = (await stage.ana.press(forged, "Not tested")).text
    assert heard == "This was out of date. It is asked again: check it and answer there."
    assert await is_open(stage, run_id)
    again = await stage.until(asks, lambda seen: "Why reject?" in seen.text)
    assert await pressed(stage, stage.ana, again, "Not tested") == DONE
