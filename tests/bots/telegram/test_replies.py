"""Which question a text in Telegram answers: the one that the person saw and meant, or none, and then they hear why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sayso.config import PolicySettings, StageSettings
from sayso.engine import Json
from sayso.testing.telegram import FaultKind, LocalTelegram, Person, SeenMessage
from tests.bots.telegram.stage import Stage

FORM: dict[str, Any] = {
    "type": "object",
    "required": ["name", "seats"],
    "properties": {"name": {"type": "string"}, "seats": {"type": "integer"}},
}
NO_REPLY = "Replies to that message are not read."
REPLY_TO = "Not taken: please reply to the message that asks, or press a button in its card."


async def asked_alone(stage: Stage, person: Person, **question: Any) -> tuple[str, SeenMessage]:
    """Have something asked in a person's own chat; the run, and the card."""

    def count() -> int:
        return [str(call.parameters["chat_id"]) for call in stage.telegram.calls_of("sendMessage")].count(
            str(person.id)
        )

    before = count()
    run_id = await stage.service.ask([f"telegram:{person.id}"], **question)
    await stage.telegram.until(lambda: count() > before)
    return run_id, await person.last()


async def prompted(stage: Stage, person: Person, card: SeenMessage, label: str = "✍️ Answer") -> SeenMessage:
    """Press what begins a conversation; the message that asks."""
    before = stage.count()
    await person.press(card, label)
    await stage.telegram.until(lambda: stage.count() > before)
    return next(one for one in reversed(await person.sees(place(stage, card))) if one.sender == "sayso")


def place(stage: Stage, message: SeenMessage) -> Any:
    return stage.group if message.chat_id == stage.group.id else None


async def told(stage: Stage, before: int, person: Person, message: SeenMessage | None = None) -> str:
    """What the bot says next where the message stands, or in the person's own chat."""
    await stage.telegram.until(lambda: stage.count() > before)
    return (await person.last(None if message is None else place(stage, message))).text


async def says(stage: Stage, person: Person, text: str) -> str:
    """Write into one's own chat without a reply; what comes back."""
    before = stage.count()
    await person.say(None, text)
    return await told(stage, before, person)


async def replies(stage: Stage, person: Person, message: SeenMessage, text: str) -> str:
    """Reply; what comes back."""
    before = stage.count()
    await person.reply(message, text)
    return await told(stage, before, person, message)


async def is_open(stage: Stage, run_id: str) -> bool:
    return (await stage.service.card(run_id)).request.open


# A text that is no reply.


async def test_a_text_below_a_newer_card_is_no_answer_to_the_older_question(stage: Stage) -> None:
    region, card = await asked_alone(stage, stage.eve, prompt="Which region?", input_type="text")
    prompt = await prompted(stage, stage.eve, card)
    deletion, _ = await asked_alone(stage, stage.eve, prompt="Delete the backups?", input_type="text")
    assert await says(stage, stage.eve, "no, keep them") == REPLY_TO
    assert await is_open(stage, region)
    assert await is_open(stage, deletion)
    assert await replies(stage, stage.eve, prompt, "eu") == "Recorded: eu. The workflow continues."


async def test_a_newer_card_counts_over_a_restart_too(stopped: Stage) -> None:
    async with stopped.running():
        region, card = await asked_alone(stopped, stopped.eve, prompt="Which region?", input_type="text")
        await prompted(stopped, stopped.eve, card)
        await asked_alone(stopped, stopped.eve, prompt="Delete the backups?", input_type="text")
    async with stopped.running():
        assert await says(stopped, stopped.eve, "no, keep them") == REPLY_TO
        assert await is_open(stopped, region)


async def test_turning_the_pages_of_an_older_picker_does_not_make_it_the_newest(stage: Stage) -> None:
    options = [f"option {number}" for number in range(30)]
    run_id, card = await asked_alone(stage, stage.eve, input_type="multiselect", options=options)
    picker = await prompted(stage, stage.eve, card, "☑️ Choose")
    await asked_alone(stage, stage.eve, prompt="Delete the backups?", input_type="text")
    await stage.eve.press(picker, "⬜ option 2")
    await stage.until(picker, lambda seen: ["☑️ option 2"] in seen.labels)
    assert await says(stage, stage.eve, "option 3") == REPLY_TO
    assert await is_open(stage, run_id)


async def test_another_message_of_ours_below_the_prompt_makes_a_text_no_answer(stage: Stage) -> None:
    run_id, card = await asked_alone(stage, stage.eve, prompt="Which region?", input_type="text")
    prompt = await prompted(stage, stage.eve, card)
    assert "/help" in (await says(stage, stage.eve, "/help")).replace("\u2060", "")
    assert await says(stage, stage.eve, "thanks") == REPLY_TO
    assert await is_open(stage, run_id)
    assert await replies(stage, stage.eve, prompt, "eu") == "Recorded: eu. The workflow continues."


async def test_who_begins_another_answer_gives_none_to_the_question_of_before(stage: Stage) -> None:
    """Also where the message that asks does not reach them."""
    region, card = await asked_alone(stage, stage.eve, prompt="Which region?", input_type="text")
    _, other = await asked_alone(stage, stage.eve, prompt="Delete the backups?", input_type="text")
    await prompted(stage, stage.eve, card)
    stage.telegram.fail(FaultKind.SERVER_ERROR, "sendMessage")
    await stage.eve.press(other, "✍️ Answer")
    await stage.telegram.until(lambda: stage.telegram.faults.remaining == 0)
    assert await says(stage, stage.eve, "no, keep them") == REPLY_TO
    assert await is_open(stage, region)


async def test_a_text_to_the_bot_that_answers_nothing_is_not_met_with_silence(stage: Stage) -> None:
    assert await says(stage, stage.eve, "hello?") == REPLY_TO


async def careful(telegram: LocalTelegram, database: Path) -> Stage:
    """A rejection needs a comment, and two approve."""
    stage = await Stage.build(telegram, database)
    both = (f"telegram:{stage.ana.id}", f"telegram:{stage.eve.id}")
    policy = PolicySettings(stages=(StageSettings(approvers=both, need=2),), comment=("reject",))
    stage.settings = stage.settings.model_copy(update={"policies": {"careful": policy}})
    return stage


async def test_who_approves_after_all_rejects_nothing_with_their_next_words(
    telegram: LocalTelegram, tmp_path: Path
) -> None:
    stage = await careful(telegram, tmp_path / "sayso.db")
    async with stage.running() as service:
        run_id, card = await asked_alone(stage, stage.eve, prompt="Release <b>4.2.0</b>?", policy="careful")
        prompt = await prompted(stage, stage.eve, card, "❌ reject")
        assert prompt.text.replace("\u2060", "").startswith("Why reject? Release <b>4.2.0</b>?\n")
        assert (await stage.eve.press(card, "✅ approve")).text == "Your approval was counted: 1 of 2."
        words = "You have answered this since. The card shows what counts, and its buttons change it."
        assert await says(stage, stage.eve, "thanks, all fine") == words
        assert (await replies(stage, stage.eve, prompt, "because")).startswith(NO_REPLY)
        assert [vote.value for vote in (await service.card(run_id)).votes] == ["approve"]


async def test_who_has_approved_may_still_reject_with_a_reason(
    telegram: LocalTelegram, tmp_path: Path
) -> None:
    stage = await careful(telegram, tmp_path / "sayso.db")
    async with stage.running() as service:
        run_id, card = await asked_alone(stage, stage.eve, policy="careful")
        await stage.eve.press(card, "✅ approve")
        await prompted(stage, stage.eve, card, "❌ reject")
        await says(stage, stage.eve, "too early")
        assert await service.answer(run_id) == "reject"


# What is not the person's own words.


async def test_a_forwarded_text_is_somebody_elses(stage: Stage) -> None:
    run_id, card = await asked_alone(stage, stage.eve, input_type="number", prompt="How much?")
    prompt = await prompted(stage, stage.eve, card)
    before = stage.count()
    await stage.eve.forward(None, "40", author="Bo")
    words = await told(stage, before, stage.eve)
    assert words == "Not taken: what was forwarded is not in your own words. Please write it yourself."
    assert await is_open(stage, run_id)
    assert await replies(stage, stage.eve, prompt, "41") == "Recorded: 41. The workflow continues."


async def test_a_forwarded_command_is_not_carried_out(stage: Stage) -> None:
    run_id, _ = await asked_alone(stage, stage.eve, input_type="text", prompt="Which region?")
    request = (await stage.service.card(run_id)).request
    before = stage.count()
    await stage.eve.forward(None, f"/answer {request.id}@1 eu", author="Bo")
    assert (await told(stage, before, stage.eve)).startswith("Not taken: what was forwarded")
    assert await is_open(stage, run_id)


@pytest.mark.parametrize("begins", ["x", "/answer {id}@1 x"])
@pytest.mark.parametrize("slow", [False, True])
async def test_a_text_that_the_app_may_have_split_is_not_taken(stage: Stage, begins: str, slow: bool) -> None:
    """The rest comes as a message of its own, and would answer for the whole, or the first part would; also where
    Telegram has shown the message that asks and not said so yet.
    """
    run_id, card = await asked_alone(stage, stage.eve, input_type="text", prompt="What happened?")
    if slow:
        stage.telegram.fail(FaultKind.SLOW, "sendMessage")
    await prompted(stage, stage.eve, card)
    begins = begins.format(id=(await stage.service.card(run_id)).request.id)
    before = stage.count()
    await stage.eve.say(None, begins + "🙂" * ((4096 - len(begins)) // 2) + "y" * (len(begins) % 2))
    await stage.eve.say(None, "and so on")
    await stage.telegram.until(lambda: stage.count() == before + 2)
    seen = [one.text for one in (await stage.eve.sees())[-2:]]
    assert any(
        one.startswith("Not taken: a text of 4096 characters may be a part of a longer") for one in seen
    )
    assert REPLY_TO in seen
    assert await is_open(stage, run_id)


# Replies that count for nothing.


async def test_done_after_somebody_else_has_answered_says_so_and_closes_the_picker(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="multiselect", options=["eu", "us"])
    hers = await prompted(stage, stage.ana, card, "☑️ Choose")
    his = await prompted(stage, stage.bo, card, "☑️ Choose")
    await stage.ana.press(hers, "⬜ eu")
    hers = await stage.until(hers, lambda seen: ["☑️ eu"] in seen.labels)
    await stage.bo.press(his, "⬜ us")
    his = await stage.until(his, lambda seen: ["☑️ us"] in seen.labels)
    await stage.bo.press(his, "Done (1)")
    assert await stage.service.answer(run_id) == ["us"]
    closed = await stage.until_shows(hers, "Bo already answered this at ")
    assert closed.labels == []
    result = await stage.ana.press(hers, "Done (1)", old_view=True)
    assert result.text is not None
    assert result.text.startswith("Bo already answered this at ")
    assert result.is_alert


async def test_a_reply_to_the_prompt_of_before_is_told_that_there_is_a_newer_one(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="number", prompt="How much?")
    prompt = await prompted(stage, stage.ana, card)
    assert "forty" in await replies(stage, stage.ana, prompt, "forty")
    words = "Please reply to the newest message that asks you, or use the buttons of the card."
    assert await replies(stage, stage.ana, prompt, "40") == f"{NO_REPLY} {words}"
    assert await is_open(stage, run_id)


async def test_a_reply_to_a_card_says_that_its_buttons_answer(stage: Stage) -> None:
    run_id, card = await stage.ask()
    assert (await replies(stage, stage.ana, card, "approve")).startswith(NO_REPLY)
    assert await is_open(stage, run_id)


async def test_people_who_reply_to_each_other_are_left_alone(stage: Stage) -> None:
    await stage.group.promote_bot()  # so that it reads everything
    before = stage.count()
    said = await stage.ana.say(stage.group, "lunch?")
    await stage.bo.reply(said, "yes")
    await stage.bo.reply(said, "", file=b"a menu")
    await stage.bo.edit(await stage.bo.reply(said, "no"), "maybe")
    await stage.bo.forward(stage.group, "the menu", author="Cook")
    await stage.bo.command(stage.group, "/help")
    await stage.telegram.until(lambda: stage.count() > before)
    await stage.telegram.until(lambda: stage.telegram.is_polled and not stage.telegram.pending_updates)
    assert stage.count() == before + 1


@pytest.mark.parametrize("caption", ["", "40"])
async def test_a_picture_or_a_voice_message_is_no_answer(stage: Stage, caption: str) -> None:
    run_id, card = await stage.ask(input_type="number", prompt="How much?")
    prompt = await prompted(stage, stage.ana, card)
    before = stage.count()
    await stage.ana.reply(prompt, caption, file=b"a picture")
    words = await told(stage, before, stage.ana, prompt)
    assert words == "Not taken: only a text can be read here. Please write it."
    assert await is_open(stage, run_id)
    assert await replies(stage, stage.ana, prompt, "40") == "Recorded: 40. The workflow continues."


async def test_editing_a_reply_changes_nothing_and_says_so(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="number", prompt="How much?")
    prompt = await prompted(stage, stage.ana, card)
    before = stage.count()
    reply = await stage.ana.reply(prompt, "40")
    assert await told(stage, before, stage.ana, prompt) == "Recorded: 40. The workflow continues."
    before = stage.count()
    await stage.ana.edit(reply, "4")
    words = await told(stage, before, stage.ana, prompt)
    assert words == "Not taken: editing a message changes nothing. The card shows what counts."
    assert await stage.service.answer(run_id) == 40


async def test_a_reply_that_begins_with_a_slash_is_an_answer(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="text", prompt="What is wrong?")
    prompt = await prompted(stage, stage.ana, card)
    assert (await replies(stage, stage.ana, prompt, "/opt is full")).startswith("Recorded: ")
    assert await stage.service.answer(run_id) == "/opt is full"


async def test_a_form_whose_question_changed_is_given_up_with_the_reason(stage: Stage) -> None:
    """The new schema may have other fields than those that were answered."""
    run_id, card = await asked_alone(stage, stage.eve, input_type="form", schema=FORM)
    name = await prompted(stage, stage.eve, card)
    key = f"conversation:{stage.eve.id}:{name.message_id}"
    await says(stage, stage.eve, "/help")  # goes out once it is kept what was asked before
    kept = await stage.service.store.kept("telegram", key)
    assert isinstance(kept, dict)
    of_before: dict[str, Json] = {**kept, "revision": 0, "values": ["Cho", 2, "of three"]}
    await stage.service.store.keep("telegram", key, of_before)
    assert (await replies(stage, stage.eve, name, "3")).startswith("The question changed")
    assert (await replies(stage, stage.eve, name, "3")).startswith(NO_REPLY)
    assert await is_open(stage, run_id)
