"""Answers in Telegram that take more than a press: replies, choices page by page, forms step by step."""

from __future__ import annotations

from typing import Any

import pytest

from sayso.testing.telegram import Person, SeenMessage
from tests.bots.telegram.stage import Stage

FORM: dict[str, Any] = {
    "type": "object",
    "required": ["name", "seats"],
    "properties": {
        "name": {"type": "string", "title": "Name"},
        "seats": {"type": "integer", "title": "Seats", "minimum": 1},
        "remote": {"type": "boolean", "title": "Remote"},
    },
}


async def asked(stage: Stage, person: Person, card: SeenMessage, label: str) -> SeenMessage:
    """Press the button that begins a conversation; the message that asks."""
    before = stage.count()
    assert (await person.press(card, label)).is_acknowledged
    return await newest(stage, before)


async def newest(stage: Stage, before: int) -> SeenMessage:
    """The message that comes after so many."""
    await stage.telegram.until(lambda: stage.count() > before)
    return await stage.ana.last(stage.group)


async def replied(stage: Stage, person: Person, message: SeenMessage, text: str) -> SeenMessage:
    """Reply, and what the bot says to it."""
    before = stage.count()
    await person.reply(message, text)
    return await newest(stage, before)


@pytest.mark.parametrize(
    ("input_type", "wrong", "typed", "value", "said"),
    [
        ("number", "forty", "40", 40, "40"),
        ("date", "tomorrow", "2026-12-31", "2026-12-31", "31 Dec 2026"),
    ],
)
async def test_a_reply_is_read_and_what_cannot_be_read_is_asked_again_with_the_reason(
    stage: Stage, input_type: str, wrong: str, typed: str, value: Any, said: str
) -> None:
    run_id, card = await stage.ask(input_type=input_type, prompt="How much?")
    prompt = await asked(stage, stage.ana, card, "✍️ Answer")
    assert prompt.asks_reply
    again = await replied(stage, stage.ana, prompt, wrong)
    assert wrong in again.text
    end = await replied(stage, stage.ana, again, typed)
    assert end.text == f"Recorded: {said}. The workflow continues."
    assert await stage.service.answer(run_id) == value


async def test_somebody_elses_reply_counts_for_nobody(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="text")
    prompt = await asked(stage, stage.ana, card, "✍️ Answer")
    said = await replied(stage, stage.bo, prompt, "mine")
    assert said.text == "Somebody else is answering here. To answer yourself, use the buttons of the card."
    await replied(stage, stage.ana, prompt, "hers")
    assert await stage.service.answer(run_id) == "hers"


async def test_an_anonymous_administrator_is_nobody(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="text")
    prompt = await asked(stage, stage.ana, card, "✍️ Answer")
    before = stage.count()
    await stage.ana.reply(prompt, "who am I", anonymous=True)
    said = await newest(stage, before)
    assert said.text.startswith("Anonymous administrators and bots belong to nobody.")
    assert (await stage.service.card(run_id)).request.open


@pytest.mark.parametrize("count", [3, 30])
async def test_several_options_are_chosen_page_by_page(stage: Stage, count: int) -> None:
    options = [f"option {number}" for number in range(count)]
    run_id, card = await stage.ask(input_type="multiselect", options=options)
    picker = await asked(stage, stage.ana, card, "☑️ Choose")
    await stage.ana.press(picker, "⬜ option 2")
    await stage.until(picker, lambda seen: ["☑️ option 2"] in seen.labels)
    if count > 8:
        await stage.ana.press(picker, "▶")
        await stage.until(picker, lambda seen: ["⬜ option 9"] in seen.labels)
        await stage.ana.press(picker, "⬜ option 9")
        await stage.until(picker, lambda seen: ["☑️ option 9"] in seen.labels)
    chosen = ["option 2", "option 9"] if count > 8 else ["option 2"]
    await stage.ana.press(picker, f"Done ({len(chosen)})")
    assert await stage.service.answer(run_id) == chosen


async def test_one_of_many_options_is_found_by_its_name(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="select", options=[f"town {number}" for number in range(101)])
    assert "101 options" in card.text
    prompt = await asked(stage, stage.ana, card, "🔎 Find by name")
    nothing = await replied(stage, stage.ana, prompt, "village")
    assert "No option's name has “village” in it." in nothing.text
    found = await replied(stage, stage.ana, nothing, "town 42")
    assert found.labels == [["town 42"]]
    result = await stage.ana.press(found, "town 42")
    assert result.text == "Recorded: town 42. The workflow continues."
    assert await stage.service.answer(run_id) == "town 42"


async def test_options_are_turned_page_by_page(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="select", options=[f"town {number}" for number in range(26)])
    assert card.labels[8] == ["◀", "1/4", "▶"]
    await stage.ana.press(card, "▶")
    page = await stage.until(card, lambda seen: ["town 8"] in seen.labels)
    await stage.ana.press(page, "town 9")
    assert await stage.service.answer(run_id) == "town 9"


async def test_a_form_is_filled_in_step_by_step_with_a_way_back(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="form", schema=FORM)
    name = await asked(stage, stage.ana, card, "✍️ Answer")
    assert "Name (1 of 3)" in name.text
    seats = await replied(stage, stage.ana, name, "Cho")
    assert "Seats (2 of 3)" in seats.text
    name = await replied(stage, stage.ana, seats, "/back")
    assert "Name (1 of 3)" in name.text
    seats = await replied(stage, stage.ana, name, "Chau")
    wrong = await replied(stage, stage.ana, seats, "0")
    assert "Seats" in wrong.text
    remote = await replied(stage, stage.ana, wrong, "2")
    assert "Remote (3 of 3)" in remote.text
    await stage.ana.press(remote, "Yes")
    assert await stage.service.answer(run_id) == {"name": "Chau", "seats": 2, "remote": True}


async def test_a_form_can_be_given_up(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="form", schema=FORM)
    name = await asked(stage, stage.ana, card, "✍️ Answer")
    said = await replied(stage, stage.ana, name, "/cancel")
    assert said.text == "Cancelled. Nothing was decided."
    assert (await stage.service.card(run_id)).request.open


async def test_a_form_goes_on_after_a_restart(stopped: Stage) -> None:
    async with stopped.running():
        run_id, card = await stopped.ask(input_type="form", schema=FORM)
        name = await asked(stopped, stopped.ana, card, "✍️ Answer")
        seats = await replied(stopped, stopped.ana, name, "Cho")
        calls = stopped.count()
        await stopped.telegram.until(lambda: stopped.count() == calls)
    async with stopped.running() as service:
        remote = await replied(stopped, stopped.ana, seats, "3")
        await stopped.ana.press(remote, "Leave out")
        assert await service.answer(run_id) == {"name": "Cho", "seats": 3}


async def test_whoever_may_not_answer_hears_it_before_they_type(stage: Stage) -> None:
    _, card = await stage.ask(input_type="text")
    await stage.group.add(stage.eve)
    result = await stage.eve.press(card, "✍️ Answer")
    assert result.text == "You aren't an approver for this. Approvers: Releases."


async def test_in_a_private_chat_a_message_is_a_reply(stage: Stage) -> None:
    before = stage.count()
    run_id = await stage.service.ask([f"telegram:{stage.eve.id}"], input_type="text", prompt="Which?")
    await stage.telegram.until(lambda: stage.count() > before)
    card = await stage.eve.last()
    before = stage.count()
    await stage.eve.press(card, "✍️ Answer")
    await stage.telegram.until(lambda: stage.count() == before + 1)
    await stage.eve.say(None, "this one")
    await stage.telegram.until(lambda: stage.count() == before + 2)
    assert await stage.service.answer(run_id) == "this one"


async def test_whoever_is_writing_hears_at_once_that_somebody_else_has_decided(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="number", prompt="How much?")
    hers = await asked(stage, stage.ana, card, "✍️ Answer")
    his = await asked(stage, stage.bo, card, "✍️ Answer")
    before = stage.count()
    await stage.bo.reply(his, "40")
    await stage.telegram.until(lambda: stage.count() == before + 2)
    said = [one.text for one in await stage.ana.sees(stage.group)][-2:]
    assert "Recorded: 40. The workflow continues." in said
    assert any(one.startswith("Bo already answered this at ") for one in said)
    assert await stage.service.answer(run_id) == 40
    late = await replied(stage, stage.ana, hers, "41")
    assert late.text.startswith("Bo already answered this at ")


async def test_whoever_is_choosing_hears_at_once_that_the_time_is_over(stage: Stage) -> None:
    _, card = await stage.ask(input_type="multiselect", options=["eu", "us"], seconds=1)
    picker = await asked(stage, stage.ana, card, "☑️ Choose")
    closed = await stage.until_shows(picker, "This closed at ")
    assert closed.labels == []
