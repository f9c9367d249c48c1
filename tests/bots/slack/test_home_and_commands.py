"""The app's home, direct messages, and /sayso."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sayso.testing.slack import SeenView, SlackPerson
from tests.bots.crowd import crowd
from tests.bots.slack.stage import PLACE, Stage


async def said(stage: Stage, person: SlackPerson, text: str) -> str:
    """Type `/sayso TEXT` in the channel; the answer, which nobody else sees."""
    before = len(person.words(stage.channel))
    result = await (await person.command("/sayso", text, stage.channel)).result()
    assert result.is_acknowledged
    return await stage.told(person, before, stage.channel)


async def test_start_pending_answer_and_status(stage: Stage) -> None:
    words = await said(stage, stage.ana, f'start flow {{"ask": {{"prompt": "Go?", "to": ["{PLACE}"]}}}}')
    assert words.startswith("Started flow: run ")
    run = words.removeprefix("Started flow: run ").split(".")[0]
    await stage.slack.until(lambda: stage.count() == 1)
    pending = (await said(stage, stage.bo, "pending")).splitlines()
    assert pending[0] == "1 waiting for your answer:"
    address = next(word.strip("[]():,") for word in pending[1].split() if "@" in word)
    assert (
        await said(stage, stage.bo, f"answer {address} green tea")
        == "Recorded: green tea. The workflow continues."
    )
    await stage.until_shows(stage.ana.last(stage.channel), "Bo today", "finished")
    assert f"{run}" in await said(stage, stage.ana, "status")


async def test_a_question_is_withdrawn_by_its_id_and_not_by_a_guess(stage: Stage) -> None:
    """Where one question is open, every single character begins its id or none: neither names it."""
    await said(stage, stage.ana, f'start flow {{"ask": {{"prompt": "Go?", "to": ["{PLACE}"]}}}}')
    await stage.slack.until(lambda: stage.count() == 1)
    (request,) = await stage.service.runtime.pending()
    for guess in ("@", "@1", request.id[0], request.id[:5], f"{request.id[:5]}@1"):
        assert (await said(stage, stage.ana, f"withdraw {guess}")).startswith(
            "Write it as /sayso withdraw ID"
        )
    assert [one.id for one in await stage.service.runtime.pending()] == [request.id]
    assert (await said(stage, stage.ana, f"withdraw {request.id[:6]}")).startswith("Withdrawn.")


async def test_who_is_no_starter_starts_nothing(stage: Stage) -> None:
    words = await said(stage, stage.bo, "start flow")
    assert "There is no workflow that you may start." in words
    assert stage.person_id(stage.bo) in words


async def test_an_unknown_command_gets_the_help(stage: Stage) -> None:
    words = await said(stage, stage.eve, "dance")
    assert words.startswith("There is no command dance.")
    assert "/sayso pending" in words


async def test_a_channel_sees_nothing_of_somebodys_command(stage: Stage) -> None:
    await said(stage, stage.ana, "pending")
    assert stage.bo.messages(stage.channel) == []


async def test_a_command_that_takes_long_is_acknowledged_and_answered_later(stage: Stage) -> None:
    """The database may be busy for longer than the three seconds that Slack waits."""
    await said(stage, stage.ana, "help")  # the service has begun
    busy = sqlite3.connect(stage.database, isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")
    assert await said(stage, stage.ana, f'start flow {{"ask": {{"to": ["{PLACE}"]}}}}') == "One moment …"
    busy.close()
    assert (await stage.told(stage.ana, 2, stage.channel)).startswith("Started flow: run ")


async def test_a_list_that_may_be_too_short_says_so(stage: Stage) -> None:
    """Where somebody belongs could not be looked up in time: nobody hears that nothing waits for them."""
    await stage.ask()
    missing = "It could not be checked that you belong to #releases: requests there may be missing."
    held = stage.slack.hold("conversations.members")
    assert (await said(stage, stage.ana, "pending")).startswith(missing)
    home = await open_home(stage, stage.ana)
    assert home.text.startswith(missing)
    held.release()


async def test_a_direct_message_is_answered_by_its_one_person(stage: Stage) -> None:
    run_id = await stage.service.ask([f"slack:@{stage.eve.id}"])
    await stage.slack.until(lambda: stage.count() == 1)
    assert (await said(stage, stage.eve, "pending")).startswith("1 waiting for your answer:")
    _, words = await stage.press(stage.eve, stage.eve.last(), "✅ approve")
    assert words == "Approved. The workflow continues."
    assert await stage.service.answer(run_id) == "approve"


async def home_of(stage: Stage, person: SlackPerson, holds: Callable[[SeenView], bool]) -> SeenView:
    """Somebody's home, once it is as wanted."""
    await stage.slack.until(lambda: person.home is not None and holds(person.home))
    assert person.home is not None
    return person.home


async def open_home(stage: Stage, person: SlackPerson) -> SeenView:
    """Look at the home, and wait until it is drawn for that."""
    before = len(stage.slack.calls_of("views.publish"))
    await person.open_home()
    return await home_of(stage, person, lambda _: len(stage.slack.calls_of("views.publish")) > before)


def lines_of(home: SeenView) -> list[str]:
    return home.text.splitlines()


async def test_the_home_shows_what_waits_and_takes_answers(stage: Stage) -> None:
    first, _ = await stage.ask(prompt="Release 1?")
    second, _ = await stage.ask(prompt="Release 2?")
    lines = lines_of(await open_home(stage, stage.ana))
    assert lines[0] == "2 waiting for your answer:"
    assert lines.index("Release 2?") < lines.index("Release 1?"), "the newest comes first"
    await (await stage.ana.press_at_home("✅ approve")).result()
    home = await home_of(stage, stage.ana, lambda home: home.text.startswith("1 waiting"))
    assert "Approved. The workflow continues." in lines_of(home)
    assert await stage.service.answer(second) == "approve"
    assert (await stage.service.card(first)).request.open


async def test_the_home_shows_the_whole_question_as_its_card_does(stage: Stage) -> None:
    """A press there decides about the details as well: who pays a bill has to see to whom."""
    options = [{"value": "approve", "description": "The bank is told at once."}, "reject"]
    details = {"Payee": "Evil Ltd", "Amount": "90,000 EUR", "IBAN": "DE00 1234"}
    run_id, card = await stage.ask(
        prompt="Pay this invoice?", details=details, options=options, input_type="select"
    )
    home = await open_home(stage, stage.ana)
    whole = card.text.split("Requested ")[0].strip().splitlines()
    assert "IBAN: DE00 1234" in whole
    assert "1. approve: The bank is told at once." in whole
    assert [line for line in home.text.splitlines() if line in whole] == whole
    await (await stage.ana.press_at_home("✅ approve")).result()
    assert await stage.service.answer(run_id) == "approve"


@pytest.mark.parametrize("question", [
    {"prompt": "word " * 700},
    {"prompt": "Pay this invoice?", "details": {"Terms": "word " * 700, "IBAN": "DE00 1234"}},
])  # fmt: skip
async def test_a_question_that_the_home_cannot_show_whole_has_no_buttons_there(
    stage: Stage, question: dict[str, Any]
) -> None:
    await stage.ask(prompt="Release 2?")
    run_id, card = await stage.ask(**question)
    home = await open_home(stage, stage.ana)
    assert home.labels == [["✅ approve", "❌ reject"]], "those of the other one"
    assert (
        "This is too long to be shown here whole. Please read and answer it in its card: #releases."
        in home.text
    )
    assert "DE00 1234" not in home.text
    await stage.press(stage.ana, card, "✅ approve")
    assert await stage.service.answer(run_id) == "approve"


async def test_a_long_question_that_somebody_gets_alone_is_answered_there(stage: Stage) -> None:
    await stage.service.ask([f"slack:@{stage.eve.id}"], prompt="word " * 700)
    await stage.slack.until(lambda: stage.count() > 0)
    home = await open_home(stage, stage.eve)
    assert home.labels == []
    assert "Please read and answer it in its card: our direct messages." in home.text


async def test_what_was_answered_at_home_stays_in_its_place(stage: Stage) -> None:
    """Were it gone, the next question's buttons would come up under the pointer, and a double click would decide it."""
    options = [{"value": "approve", "label": f"approve {'now ' * 9}"}, "reject"]
    for number in (1, 2, 3):
        await stage.ask(prompt=f"Release {number}?", options=options, input_type="select")
    label = (await open_home(stage, stage.ana)).keyboard[0][0].label
    await stage.ask(prompt="Release 4?")
    await (await stage.ana.press_at_home(label, 1)).result()
    home = await home_of(stage, stage.ana, lambda home: "Approved. The workflow continues." in home.text)
    lines = lines_of(home)
    assert lines[0] == "3 waiting for your answer, 2 of which are shown here; the others are in their cards:"
    at = [next(i for i, line in enumerate(lines) if line == f"Release {number}?") for number in (3, 2, 1)]
    assert at == sorted(at)
    answered = lines[at[1] : at[2]]
    assert any(line.startswith("1. approve now") for line in answered), "the question stays as it was read"
    assert any(line.startswith("Ana today") for line in answered)
    assert "Approved. The workflow continues." in answered
    assert len(home.labels) == 2
    await (await stage.ana.press_at_home(label, 1)).result()
    home = await home_of(stage, stage.ana, lambda home: home.text.startswith("2 waiting"))
    assert len(home.labels) == 1
    home = await open_home(stage, stage.ana)
    assert [line for line in lines_of(home) if line.startswith("Release")] == ["Release 4?", "Release 3?"]


async def test_a_refused_press_at_home_is_answered_beside_its_buttons(stage: Stage) -> None:
    await stage.ask(prompt="Release 1?")
    run_id, _ = await stage.ask(prompt="Release 2?")
    await open_home(stage, stage.ana)
    stage.channel.remove(stage.ana)
    await (await stage.ana.press_at_home("✅ approve")).result()
    home = await home_of(stage, stage.ana, lambda home: "You aren't an approver for this." in home.text)
    lines = lines_of(home)
    refused = next(i for i, line in enumerate(lines) if line.startswith("You aren't an approver for this."))
    assert lines.index("Release 2?") < refused < lines.index("Release 1?")
    assert (await stage.service.card(run_id)).request.open


async def publish(stage: Stage, person: SlackPerson, view: dict[str, Any]) -> None:
    """Publish a home as somebody would who has the bot's token."""
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {stage.slack.bot_token}"}) as client:
        answer = await client.post(
            f"{stage.slack.api_url}views.publish", json={"user_id": person.id, "view": view}
        )
    assert answer.json()["ok"], answer.text


@pytest.mark.parametrize("forged", ["details", "swapped"])
async def test_a_press_at_home_is_compared_with_the_whole_question(stage: Stage, forged: str) -> None:
    """Neither without its details nor below another question of the same home."""
    run_id, _ = await stage.ask(prompt="Pay this invoice?", details={"Payee": "Evil Ltd"})
    other, _ = await stage.ask(prompt="Order pizza?", details={"Payee": "Luigi"})
    await open_home(stage, stage.ana)
    view = stage.slack.calls_of("views.publish")[-1].parameters["view"]
    text = view if isinstance(view, str) else json.dumps(view)
    if forged == "details":
        text = text.replace("Evil Ltd", "Luigi")
    else:
        ids = [(await stage.service.card(one)).request.id for one in (run_id, other)]
        text = text.replace(ids[0], "X").replace(ids[1], ids[0]).replace("X", ids[1])
    await publish(stage, stage.ana, json.loads(text))
    number = 1 if forged == "details" else 0
    await (await stage.ana.press_at_home("✅ approve", number)).result()
    home = await home_of(stage, stage.ana, lambda home: "This card was out of date" in home.text)
    assert "Payee: Evil Ltd" in home.text, "it is drawn anew"
    assert (await stage.service.card(run_id)).request.open


async def test_a_home_shows_nothing_that_somebody_may_not_answer(stage: Stage) -> None:
    await stage.ask()
    await stage.eve.open_home()
    await stage.slack.until(lambda: stage.eve.home is not None)
    assert stage.eve.home is not None
    assert stage.eve.home.text == "You're all caught up."


async def test_commands_are_taken_as_phones_and_pastes_write_them(stage: Stage) -> None:
    """With line breaks, several blanks, curly quotes and a capital letter."""
    words = await said(stage, stage.ana, f"Start\n\nflow  {{“ask”: {{“prompt”: “R&D?”, “to”: [“{PLACE}”]}}}}")
    assert words.startswith("Started flow: run ")
    await stage.slack.until(lambda: stage.count() == 1)
    (request,) = await stage.service.runtime.pending()
    assert request.question.prompt == "R&D?"
    words = await said(stage, stage.bo, f"answer   {request.id[:8].upper()}@1\nR&D, <soon>")
    assert words == "Recorded: R&D, <soon>. The workflow continues."
    assert await stage.service.answer(request.run_id) == "R&D, <soon>"


async def test_a_start_that_cannot_be_read_says_where_and_why(stage: Stage) -> None:
    words = await said(stage, stage.ana, 'start flow {"a": 1,\n"b" 2}')
    assert "line 2, column 5: a colon is missing here" in words


async def test_a_short_id_is_that_of_a_closed_question_as_well(stage: Stage) -> None:
    """It stays that of the question that was read: one asked since, whose id begins alike, is not answered by it."""
    run_id, card = await stage.ask(input_type="confirm", prompt="First?")
    closed = (await stage.service.card(run_id)).request.id
    await stage.press(stage.ana, card, "✅ Yes")
    words = await said(stage, stage.bo, f"answer {closed[:8]}@1 no")
    assert words.startswith("Ana already answered this today at ")


async def test_what_waits_for_somebody_is_found_behind_what_waits_for_others(stage: Stage) -> None:
    """Thousands of older questions to other people change nothing in a person's lists."""
    await crowd(stage.service.store, 1500)
    await stage.ask(prompt="Release 4.2.0?")
    lines = (await said(stage, stage.ana, "pending")).splitlines()
    assert lines[0] == "1 waiting for your answer:"
    assert "Release 4.2.0?" in lines[1]
    assert lines_of(await open_home(stage, stage.ana))[0] == "1 waiting for your answer:"


async def test_lists_say_how_many_more_there_are_and_how_to_see_them(stage: Stage) -> None:
    to = [f"slack:@{stage.eve.id}"]
    await crowd(stage.service.store, 30, to)
    lines = (await said(stage, stage.eve, "pending")).splitlines()
    assert (lines[0], lines[21]) == (
        "30 waiting for your answer:",
        "and 10 more: /sayso inbox shows them all.",
    )
    heading = lines_of(await open_home(stage, stage.eve))[0]
    assert heading == "30 waiting for your answer, 20 of which are shown here; the others are in their cards:"
    await crowd(stage.service.store, 475, to, run_id="more")
    heading = lines_of(await open_home(stage, stage.eve))[0]
    assert heading.startswith("More than 500 waiting for your answer, 20 of which are shown here")
    lines = (await said(stage, stage.eve, "pending")).splitlines()
    assert (lines[0], lines[21]) == (
        "More than 500 waiting for your answer:",
        "and more than 480 more: /sayso inbox shows them all.",
    )


async def test_a_start_that_does_not_fit_names_the_field_and_leads_to_the_form(stage: Stage) -> None:
    words = await said(stage, stage.ana, 'start trip {"traveller": "Ana", "nights": 2, "to": {}}')
    assert (
        words == "Not started: to.city: Required.\nIts form is in the inbox, on the page Start: /sayso inbox"
    )
    assert await stage.service.store.reader.runs() == []
    words = await said(
        stage, stage.ana, 'start trip {"traveller": "Ana", "nights": 2, "to": {"city": "Rome"}}'
    )
    assert words.startswith("Started trip: run ")
    await stage.slack.until(lambda: stage.count() == 1)
    (request,) = await stage.service.runtime.pending()
    assert request.audience == (stage.person_id(stage.ana),)


async def shown(stage: Stage, label: str) -> SeenView:
    """The modal once it has an input, or a button, of this label."""
    await stage.slack.until(
        lambda: (
            (view := stage.ana.view) is not None
            and (label in view.text or label in [one.label for one in view.inputs])
        )
    )
    assert stage.ana.view is not None
    return stage.ana.view


async def test_a_workflow_is_picked_and_started_in_a_modal(stage: Stage) -> None:
    await (await stage.ana.command("/sayso", "start", stage.channel)).result()
    await stage.slack.until(lambda: stage.ana.view is not None and "One moment" not in stage.ana.view.text)
    await (await stage.ana.press_in_view("trip")).result()
    view = await shown(stage, "To: City")
    assert [one.label for one in view.inputs] == [
        "Traveller",
        "Nights",
        "To: City",
        "To: Country",
        "By",
        "Days",
        "Stops 1",
    ]
    assert (
        await (await stage.ana.press_in_view("Add another", values={"Stops 1": "Pisa"})).result()
    ).is_acknowledged
    await shown(stage, "Stops 2")
    given = {
        "Traveller": "Cho",
        "Nights": "2",
        "To: City": "Rome",
        "By": "plane",
        "Days": ["Mon"],
        "Stops 2": "Siena",
    }
    assert (await (await stage.ana.submit(given)).result()).is_acknowledged
    assert stage.ana.view is not None
    assert stage.ana.view.text.startswith("Started trip: run ")
    (run,) = await stage.service.store.reader.runs()
    assert run.requested_by == stage.person_id(stage.ana)
    assert (await stage.service.runtime.wait(run.run_id)).shared["stops"] == ["Pisa", "Siena"]
    await stage.slack.until(lambda: stage.count() == 1)


async def test_a_start_in_a_modal_says_what_is_wrong_by_field(stage: Stage) -> None:
    await (await stage.ana.command("/sayso", "start trip", stage.channel)).result()
    await shown(stage, "To: City")
    await (await stage.ana.submit({"Traveller": " ", "Nights": "2", "To: City": "Rome"})).result()
    assert stage.ana.view is not None
    assert stage.ana.view.errors == {"Traveller": "Required"}
    assert await stage.service.store.reader.runs() == []
