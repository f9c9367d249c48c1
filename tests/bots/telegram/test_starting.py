"""Starting a workflow in Telegram: which one, its form field by field, a summary, and an end in words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from sayso.testing.telegram import LocalTelegram, Person, SeenMessage
from tests.bots.chat_service import chat_service
from tests.bots.telegram.stage import Stage
from tests.engine.support import ManualClock


async def heard(stage: Stage, before: int, person: Person, chat: Any = None) -> SeenMessage:
    """What the bot says next there."""
    await stage.telegram.until(lambda: stage.count() > before)
    return next(one for one in reversed(await person.sees(chat)) if one.sender == "sayso")


async def begun(stage: Stage, text: str = "/run", chat: Any = None) -> SeenMessage:
    """Write the command; the message that asks."""
    before = stage.count()
    await stage.ana.command(chat, text)
    return await heard(stage, before, stage.ana, chat)


async def typed(stage: Stage, text: str) -> SeenMessage:
    """Write into Ana's own chat; the message that asks next."""
    before = stage.count()
    await stage.ana.say(None, text)
    return await heard(stage, before, stage.ana)


async def pressed(stage: Stage, message: SeenMessage, label: str, *shows: str) -> SeenMessage:
    """Press a button; the same message once it shows what is wanted."""
    assert (await stage.ana.press(message, label)).is_acknowledged
    return await stage.until_shows(message, *shows)


async def filled_in(stage: Stage) -> SeenMessage:
    """A trip's form up to its summary."""
    await begun(stage, "/run trip")
    await typed(stage, "Cho")
    await typed(stage, "2")
    country = await typed(stage, "Rome")
    by = await pressed(stage, country, "Default: IT", "By")
    days = await pressed(stage, by, "Default: train", "Days")
    days = await pressed(stage, days, "⬜ Tue", "Days")
    await stage.until(days, lambda seen: ["☑️ Tue"] in seen.labels)
    stops = await pressed(stage, days, "Done (1)", "Stops")
    return await pressed(stage, stops, "Leave out", "Start trip?")


async def test_a_workflow_is_chosen_filled_in_and_started(stage: Stage) -> None:
    choice = await begun(stage)
    assert choice.text == "Start a workflow\nChoose one."
    assert choice.labels == [["flow"], ["trip"], ["Cancel"]]
    traveller = await pressed(stage, choice, "trip", "Traveller (1 of 7)")
    assert traveller.text.endswith("Send text.")
    assert traveller.labels == [["Cancel"]]
    nights = await typed(stage, "Cho")
    assert "Nights (2 of 7)" in nights.text
    again = await typed(stage, "forty")
    assert again.text.startswith('Nights: "forty" is not a number. Please send a number, for example 40.')
    city = await typed(stage, "2")
    assert city.text.startswith("To: City (3 of 7)")
    country = await typed(stage, "Rome")
    assert country.labels == [["Default: IT"], ["Back", "Cancel"]]
    by = await pressed(stage, country, "Default: IT", "By (5 of 7)")
    assert by.labels == [["train", "plane"], ["Default: train"], ["Back", "Cancel"]]
    days = await pressed(stage, by, "plane", "Days (6 of 7)")
    await pressed(stage, days, "Leave out", "Stops (7 of 7)")
    stops = await typed(stage, "Pisa\nSiena")
    summary = await pressed(stage, stops, "Done (2)", "Start trip?")
    lines = ["Traveller: Cho", "Nights: 2", "To: City: Rome", "To: Country: IT (default)", "By: plane"]
    assert summary.text.splitlines() == ["Start trip?", "", *lines, "Days: not given", "Stops: Pisa, Siena"]
    assert summary.labels == [["▶ Start", "Change", "Cancel"]]
    before = stage.count()
    ended = await pressed(stage, summary, "▶ Start", "Started trip: run ")
    assert ended.text.startswith("Start trip\nStarted trip: run ")
    assert ended.labels == []
    card = await heard(stage, before, stage.ana)
    assert card.text.startswith("Which seat?")
    assert (await stage.ana.press(card, "aisle")).text == "Recorded: aisle. The workflow continues."
    (run,) = await stage.service.store.reader.runs(requested_by=f"telegram:{stage.ana.id}")
    state = await stage.service.runtime.wait(run.run_id)
    assert state.shared == {
        "traveller": "Cho",
        "nights": 2,
        "to": {"city": "Rome", "country": "IT"},
        "by": "plane",
        "days": [],
        "stops": ["Pisa", "Siena"],
        "seat": "aisle",
    }


async def test_what_was_filled_in_can_be_changed_before_the_start(stage: Stage) -> None:
    summary = await filled_in(stage)
    assert "Days: Tue" in summary.text
    which = await pressed(stage, summary, "Change", "Change what?")
    assert which.labels[1] == ["Nights: 2"]
    nights = await pressed(stage, which, "Nights: 2", "Nights (2 of 7)")
    summary = await pressed(stage, nights, "Back", "Start trip?")
    which = await pressed(stage, summary, "Change", "Change what?")
    await pressed(stage, which, "Nights: 2", "Nights (2 of 7)")
    summary = await typed(stage, "14")
    assert "Traveller: Cho\nNights: 14\nTo: City: Rome" in summary.text
    await pressed(stage, summary, "▶ Start", "Started trip")


async def test_a_start_can_be_cancelled(stage: Stage) -> None:
    summary = await filled_in(stage)
    ended = await pressed(stage, summary, "Cancel", "Cancelled. Nothing was started.")
    assert ended.labels == []
    await begun(stage, "/run trip")
    assert (await typed(stage, "/cancel")).text == "Cancelled. Nothing was started."
    assert not await stage.service.store.reader.runs(requested_by=f"telegram:{stage.ana.id}")


async def test_a_start_goes_on_after_a_restart(stopped: Stage) -> None:
    async with stopped.running():
        await begun(stopped, "/run trip")
        await typed(stopped, "Cho")
    async with stopped.running():
        city = await typed(stopped, "2")
        assert "To: City (3 of 7)" in city.text


async def test_a_second_press_of_start_starts_nothing_again(stage: Stage) -> None:
    summary = await filled_in(stage)
    await pressed(stage, summary, "▶ Start", "Started trip")
    result = await stage.ana.press(summary, "▶ Start", old_view=True)
    assert result.text == "This is already done. Nothing changed."
    assert len(await stage.service.store.reader.runs(requested_by=f"telegram:{stage.ana.id}")) == 1


async def test_in_a_group_nobody_else_can_fill_it_in(stage: Stage) -> None:
    choice = await begun(stage, "/run", stage.group)
    result = await stage.bo.press(choice, "trip")
    assert result.text == "Somebody else is answering here. To answer yourself, use the buttons of the card."
    before = stage.count()
    await stage.ana.press(choice, "trip")
    traveller = await heard(stage, before, stage.ana, stage.group)
    assert traveller.asks_reply
    assert "Reply with text. /cancel stops." in traveller.text.replace("\u2060", "")


async def test_a_workflow_without_a_form_is_started_from_its_summary(stage: Stage) -> None:
    choice = await begun(stage)
    summary = await pressed(stage, choice, "flow", "Start flow?")
    assert summary.text == "Start flow?\nIt has nothing to fill in."
    assert summary.labels == [["▶ Start", "Cancel"]]


async def test_who_may_not_start_it_any_more_hears_so(stopped: Stage) -> None:
    """What they filled in is held against what they may when they press."""
    async with stopped.running():
        summary = await filled_in(stopped)
    async with chat_service(stopped.database, stopped.settings):
        words = "You may no longer start trip. Nothing was started."
        ended = await stopped.until_shows(summary, words)
        assert ended.labels == []


async def test_a_start_that_was_left_for_a_day_is_closed(telegram: LocalTelegram, tmp_path: Path) -> None:
    stage = await Stage.build(telegram, tmp_path / "sayso.db")
    clock = ManualClock()
    starters = frozenset({f"telegram:{stage.ana.id}"})
    async with chat_service(stage.database, stage.settings, clock=clock, starters=starters) as service:
        stage.current = service
        choice = await begun(stage)
        clock.advance(timedelta(days=1, minutes=1))
        before = stage.count()
        await service.ask([stage.place])
        await stage.telegram.until(lambda: stage.count() > before)
        await stage.until_shows(choice, "This was left for a day, so it is closed. Nothing was started.")


async def test_a_form_is_read_and_written_in_the_persons_locale(
    telegram: LocalTelegram, tmp_path: Path
) -> None:
    """Of the app's language, and in the zone of the settings."""
    stage = await Stage.build(telegram, tmp_path / "sayso.db")
    cho = telegram.add_person("Cho", language="de")
    properties: dict[str, Any] = {
        "price": {"type": "number", "title": "Price"},
        "at": {"type": "string", "format": "date-time", "title": "At"},
        "day": {"type": "string", "format": "date", "title": "Day", "default": "2026-12-31"},
    }
    schema = {"type": "object", "required": ["price", "at"], "properties": properties}
    stage.settings = stage.settings.model_copy(update={"time_zone": "Europe/Berlin"})

    async def said(text: str) -> SeenMessage:
        before = stage.count()
        await cho.say(None, text)
        return await heard(stage, before, cho)

    async with stage.running() as service:
        before = stage.count()
        run_id = await service.ask([f"telegram:{cho.id}"], input_type="form", schema=schema)
        card = await heard(stage, before, cho)
        before = stage.count()
        await cho.press(card, "✍️ Answer")
        await heard(stage, before, cho)
        at = await said("1.000")
        assert at.text.endswith("Send a date and time as 31.12.2026 17:30.")
        day = await said("01.07.2026 09:30")
        assert day.labels == [["Default: 31.12.2026"], ["Back", "Cancel"]]
        await cho.press(day, "Default: 31.12.2026")
        answered = {"price": 1000, "at": "2026-07-01T07:30:00+00:00", "day": "2026-12-31"}
        assert await service.answer(run_id) == answered
