"""Answers that take more than a press: modals, pickers and lists."""

from __future__ import annotations

from typing import Any

import pytest

from sayso.testing.slack import SeenMessage, SeenView, SlackPerson
from tests.bots.slack.stage import Stage
from tests.engine.moved_file import move_away, move_back

FORM: dict[str, Any] = {
    "type": "object",
    "required": ["name", "seats", "starts"],
    "properties": {
        "name": {"type": "string", "title": "Name"},
        "seats": {"type": "integer", "title": "Seats", "minimum": 1},
        "starts": {"type": "string", "format": "date", "title": "Starts"},
        "plan": {"enum": ["basic", "team"], "title": "Plan"},
        "remote": {"type": "boolean", "title": "Remote"},
        "tools": {"type": "array", "items": {"type": "string"}, "title": "Tools"},
    },
}


async def opened(stage: Stage, person: SlackPerson, card: SeenMessage, label: str) -> SeenView:
    """Press the button that opens a modal, and wait until it is filled."""
    assert (await (await person.press(card, label)).result()).is_acknowledged
    await stage.slack.until(lambda: person.view is not None and "One moment" not in person.view.text)
    assert person.view is not None
    return person.view


async def sent(person: SlackPerson, **values: Any) -> SeenView:
    """Send the modal; what it shows then."""
    assert (await (await person.submit(values)).result()).is_acknowledged
    assert person.view is not None
    return person.view


@pytest.mark.parametrize(
    ("input_type", "label", "typed", "value", "words"),
    [
        ("text", "Your answer", "green tea", "green tea", "Recorded: green tea. The workflow continues."),
        ("number", "A number", "40", 40, "Recorded: 40. The workflow continues."),
        ("date", "A date", "2026-12-31", "2026-12-31", "Recorded: 12/31/2026. The workflow continues."),
    ],
)
async def test_one_input_is_answered_in_a_modal(
    stage: Stage, input_type: str, label: str, typed: str, value: Any, words: str
) -> None:
    details = {"Plan": "a\nb", "Budget": "40"}
    run_id, card = await stage.ask(input_type=input_type, prompt="How much?", details=details)
    view = await opened(stage, stage.ana, card, "✍️ Answer")
    assert (view.title, view.text) == ("Answer the question", "How much?\nPlan: \na\nb\nBudget: 40")
    assert [one.label for one in view.inputs] == [label]
    confirmed = await sent(stage.ana, **{label: typed})
    assert (confirmed.title, confirmed.text, confirmed.submit) == ("Answered", words, None)
    assert await stage.service.answer(run_id) == value
    await stage.until_shows(card, "Answered ·", "finished", "Ana today")


async def test_a_form_says_what_is_wrong_by_field_and_keeps_what_was_typed(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="form", schema=FORM)
    await opened(stage, stage.bo, card, "✍️ Answer")
    given = {"Name": "Cho", "Seats": "0", "Starts": "2026-12-01", "Plan": "team", "Remote": "Yes"}
    view = await sent(stage.bo, **given)
    assert list(view.errors) == ["Seats"]
    await sent(stage.bo, **{"Seats": "2", "Tools 1": "laptop, phone"})
    assert await stage.service.answer(run_id) == {
        "name": "Cho", "seats": 2, "starts": "2026-12-01", "plan": "team", "remote": True, "tools": ["laptop, phone"],
    }  # fmt: skip


@pytest.mark.parametrize("count", [3, 30, 101])
async def test_several_options_are_chosen(stage: Stage, count: int) -> None:
    options = [f"option {number}" for number in range(count)]
    run_id, card = await stage.ask(input_type="multiselect", options=options)
    await opened(stage, stage.ana, card, "☑️ Choose")
    await sent(stage.ana, Choose=["option 2", "option 0"])
    assert await stage.service.answer(run_id) == ["option 0", "option 2"]


@pytest.mark.parametrize(("count", "rows"), [(5, 1), (6, 1), (25, 1), (26, 0), (100, 0), (101, 0)])
async def test_options_are_buttons_then_a_list_then_a_searchable_list(
    stage: Stage, count: int, rows: int
) -> None:
    options = [f"option {number}" for number in range(count)]
    run_id, card = await stage.ask(input_type="select", options=options)
    assert len(card.keyboard) == rows
    assert [one.is_searched for one in card.selects] == ([] if rows else [count > 100])
    if rows:
        await stage.press(stage.ana, card, options[-1])
    else:
        assert f"{count} options" in card.text
        await (await stage.ana.choose(card, options[-1])).result()
    assert await stage.service.answer(run_id) == options[-1]


async def test_a_searchable_list_shows_what_was_typed(stage: Stage) -> None:
    _, card = await stage.ask(input_type="select", options=[f"town {number}" for number in range(300)])
    assert await stage.ana.search(card, "TOWN 29") == ["town 29", *(f"town 29{digit}" for digit in range(10))]
    assert await stage.ana.search(card, "village") == []
    assert len(await stage.ana.search(card, "")) == 100


async def test_yes_and_no_look_different_without_colour(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="confirm")
    assert card.labels == [["✅ Yes", "❌ No"]]
    _, words = await stage.press(stage.ana, card, "❌ No")
    assert words == "Recorded: no. The workflow continues."
    assert await stage.service.answer(run_id) is False


async def test_whoever_may_not_answer_hears_it_before_they_type(stage: Stage) -> None:
    _, card = await stage.ask(input_type="text")
    stage.channel.remove(stage.bo)
    view = await opened(stage, stage.bo, card, "✍️ Answer")
    assert view.text == "You aren't an approver for this. Approvers: #releases."
    assert view.submit is None


async def test_a_modal_of_a_question_that_was_answered_meanwhile_changes_nothing(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="text")
    for person in (stage.ana, stage.bo):
        await opened(stage, person, card, "✍️ Answer")
    await sent(stage.ana, **{"Your answer": "first"})
    view = await sent(stage.bo, **{"Your answer": "second"})
    assert view.text.startswith("Ana already answered this ")
    assert (view.title, view.text.endswith("Nothing changed.")) == ("Not counted", True)
    assert await stage.service.answer(run_id) == "first"


async def test_a_modal_that_is_sent_while_the_database_is_away_says_so_and_stays(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="text")
    await stage.service.told(run_id)
    await opened(stage, stage.ana, card, "✍️ Answer")
    away = move_away(stage.database)
    view = await sent(stage.ana, **{"Your answer": "green tea"})
    assert list(view.errors.values()) == [
        "Not saved: the database file was moved or replaced. Your answer was NOT counted. Try again later."
    ]
    move_back(away)
    assert (await stage.service.card(run_id)).request.open


async def test_a_modal_opened_before_a_restart_can_be_sent_after_it(stopped: Stage) -> None:
    async with stopped.running():
        run_id, card = await stopped.ask(input_type="text")
        await opened(stopped, stopped.ana, card, "✍️ Answer")
    async with stopped.running() as service:
        await sent(stopped.ana, **{"Your answer": "still here"})
        assert await service.answer(run_id) == "still here"


@pytest.mark.parametrize("spares_inputs", [False, True])
async def test_what_people_type_is_stored_as_they_typed_it(stage: Stage, spares_inputs: bool) -> None:
    """Slack escapes some characters, at least in some places; nobody who types `R&D` means `R&amp;D`."""
    stage.slack.spares_inputs = spares_inputs
    run_id, card = await stage.ask(input_type="text", prompt="Which team?")
    await opened(stage, stage.ana, card, "✍️ Answer")
    view = await sent(stage.ana, **{"Your answer": 'R&D <3 "“q”"'})
    assert view.text == 'Recorded: R&D <3 "“q”". The workflow continues.'
    assert await stage.service.answer(run_id) == 'R&D <3 "“q”"'


async def test_a_field_left_empty_takes_the_default_that_the_modal_shows(stage: Stage) -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "stage": {"enum": ["staging", "production"], "default": "staging"},
            "note": {"type": "string", "default": "R&D"},
        },
    }
    run_id, card = await stage.ask(input_type="form", schema=schema)
    view = await opened(stage, stage.ana, card, "✍️ Answer")
    assert [one.hint for one in view.inputs] == ["", ""], "the defaults stand in the fields"
    await sent(stage.ana)
    assert await stage.service.answer(run_id) == {"stage": "staging", "note": "R&D"}


async def test_a_time_is_picked_and_stands_as_its_default(stage: Stage) -> None:
    when = {"type": "string", "format": "date-time", "title": "When", "default": "2026-12-31T17:30:00+01:00"}
    schema = {"type": "object", "properties": {"when": when}}
    run_id, card = await stage.ask(input_type="form", schema=schema)
    view = await opened(stage, stage.ana, card, "✍️ Answer")
    (block,) = [one for one in view.blocks if one["type"] == "input"]
    assert block["element"]["initial_date_time"] == 1798734600
    await sent(stage.ana, When="2026-12-31 18:30")
    assert await stage.service.answer(run_id) == {"when": "2026-12-31T18:30:00+00:00"}


async def test_a_number_in_a_command_is_read_in_the_persons_locale(stage: Stage) -> None:
    cho = stage.slack.add_person("Cho", locale="de-DE")
    run_id = await stage.service.ask([f"slack:@{cho.id}"], input_type="number", prompt="How much?")
    request = (await stage.service.card(run_id)).request
    await (await cho.command("/sayso", f"answer {request.id[:8]}@1 1.000,5")).result()
    assert await stage.service.answer(run_id) == 1000.5
    assert cho.words()[-1] == "Recorded: 1000,5. The workflow continues."
