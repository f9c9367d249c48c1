"""Lists in Telegram: entry by entry, the last of which can be taken back, until it is done."""

from __future__ import annotations

from typing import Any

from sayso.testing.telegram import SeenMessage
from tests.bots.telegram.stage import Stage
from tests.bots.telegram.test_conversations import asked, newest, replied
from tests.bots.telegram.test_starting import typed


def form(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


def listed(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": {"type": kind}, **more}


async def opened_in_private(stage: Stage, schema: dict[str, Any]) -> tuple[str, SeenMessage]:
    """Ask Ana in her own chat; the run, and the message that asks for the first field."""
    before = stage.count()
    run_id = await stage.service.ask([f"telegram:{stage.ana.id}"], input_type="form", schema=schema)
    await stage.telegram.until(lambda: stage.count() > before)
    before = stage.count()
    await stage.ana.press(await stage.ana.last(), "✍️ Answer")
    await stage.telegram.until(lambda: stage.count() > before)
    return run_id, await stage.ana.last()


async def test_a_list_is_sent_entry_by_entry_and_the_last_is_taken_back(stage: Stage) -> None:
    schema = form(tools=listed("string", description="What she needs."), seats=listed("integer"))
    run_id, first = await opened_in_private(stage, schema)
    assert first.text == "Tools (1 of 2)\nWhat she needs.\nSend the first entry: text."
    assert first.labels == [["Leave out"], ["Cancel"]]
    one = await typed(stage, "a, b")
    assert one.text == "Tools (1 of 2)\nWhat she needs.\n1. a, b\nSend another entry: text, or press Done."
    assert one.labels == [["Remove the last", "Done (1)"], ["Cancel"]]
    three = await typed(stage, "c\n\nd")
    assert "1. a, b\n2. c\n3. d\n" in three.text
    await stage.ana.press(three, "Remove the last")
    two = await stage.until_shows(three, "2. c\nSend")
    twice = await stage.ana.press(three, "Remove the last", old_view=True)
    assert twice.is_acknowledged
    asked_anew = await stage.until(two, lambda seen: seen.version > two.version)
    assert "2. c\nSend" in asked_anew.text, "a press that comes twice takes nothing more back"
    await stage.ana.press(asked_anew, "Done (2)")
    await stage.until_shows(two, "Seats (2 of 2)")
    wrong = await typed(stage, "three")
    assert wrong.text.startswith('Seats 1: "three" is not a number.')
    await typed(stage, "3")
    done = await typed(stage, "1.000\n4")
    assert done.text.startswith('Seats 2: "1.000" could be')
    await stage.ana.press(done, "Done (1)")
    assert await stage.service.answer(run_id) == {"tools": ["a, b", "c"], "seats": [3]}


async def test_a_list_is_replied_entry_by_entry_in_a_group(stage: Stage) -> None:
    schema = form(
        days={"type": "array", "items": {"type": "string", "format": "date"}, "default": ["2026-12-01"]}
    )
    run_id, card = await stage.ask(input_type="form", schema=schema)
    first = await asked(stage, stage.ana, card, "✍️ Answer")
    assert first.asks_reply
    assert "Reply with the first entry: a date as" in first.text
    assert "/skip takes the default: " in first.text
    one = await replied(stage, stage.ana, first, "2026-12-31")
    two = await replied(stage, stage.ana, one, "2027-01-01")
    assert "/done ends the list, /remove removes the last. /cancel stops." in two.text
    one = await replied(stage, stage.ana, two, "/remove")
    assert "2." not in one.text
    await replied(stage, stage.ana, one, "/done")
    assert await stage.service.answer(run_id) == {"days": ["2026-12-31"]}


async def test_entries_of_yes_and_no_are_pressed(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="form", schema=form(open=listed("boolean")))
    message = await asked(stage, stage.ana, card, "✍️ Answer")
    assert message.labels == [["Yes", "No"], ["Leave out"], ["Cancel"]]
    await stage.ana.press(message, "No")
    message = await stage.until_shows(message, "1. no")
    await stage.ana.press(message, "Yes")
    message = await stage.until_shows(message, "2. yes")
    await stage.ana.press(message, "Done (2)")
    assert await stage.service.answer(run_id) == {"open": [False, True]}


async def test_a_list_goes_on_after_a_restart(stopped: Stage) -> None:
    async with stopped.running():
        run_id, card = await stopped.ask(input_type="form", schema=form(tools=listed("string")))
        one = await replied(stopped, stopped.ana, await asked(stopped, stopped.ana, card, "✍️ Answer"), "a")
    async with stopped.running() as service:
        two = await replied(stopped, stopped.ana, one, "b")
        await replied(stopped, stopped.ana, two, "/done")
        assert await service.answer(run_id) == {"tools": ["a", "b"]}


async def test_how_many_entries_a_list_takes_is_said(stage: Stage) -> None:
    schema = form(("tools",), tools=listed("string", minItems=2, maxItems=2))
    run_id, card = await stage.ask(input_type="form", schema=schema)
    first = await asked(stage, stage.ana, card, "✍️ Answer")
    none = await replied(stage, stage.ana, first, "/done")
    assert none.text.startswith("Ana: Tools: At least 2 entries.")
    one = await replied(stage, stage.ana, none, "a")
    few = await replied(stage, stage.ana, one, "/done")
    assert few.text.startswith("Ana: Tools: At least 2 entries.")
    many = await replied(stage, stage.ana, few, "b\nc")
    assert many.text.startswith("Ana: At most 2 entries.")
    two = await replied(stage, stage.ana, many, "b")
    assert "2. b\nAt most 2 entries. /done ends the list" in two.text
    await replied(stage, stage.ana, two, "/done")
    assert await stage.service.answer(run_id) == {"tools": ["a", "b"]}


async def test_a_long_list_shows_its_latest_entries(stage: Stage) -> None:
    _, card = await stage.ask(input_type="form", schema=form(tools=listed("string")))
    first = await asked(stage, stage.ana, card, "✍️ Answer")
    before = stage.count()
    await stage.ana.reply(first, "\n".join(f"{number} {'x' * 90}" for number in range(1, 31)))
    message = await newest(stage, before)
    assert message.text.count("x" * 90) == 15
    assert "… 15 more\n16. 16 xxx" in message.text
