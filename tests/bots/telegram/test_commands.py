"""What people write to the Telegram bot."""

from __future__ import annotations

import json

from sayso.testing.telegram import Group, Person
from tests.bots.crowd import crowd
from tests.bots.telegram.stage import Stage


async def said(stage: Stage, person: Person, text: str, group: Group | None = None) -> str:
    """Write a command; the answer."""
    before = stage.count()
    await person.command(group, text)
    await stage.telegram.until(lambda: stage.count() > before)
    return (await person.last(group)).text


async def test_run_pending_answer_and_status(stage: Stage) -> None:
    words = await said(
        stage, stage.ana, f'/run flow {{"ask": {{"prompt": "Go?", "to": ["{stage.place}"]}}}}', stage.group
    )
    assert "Started flow: run " in words or "Go?" in words
    await stage.telegram.until(lambda: stage.count() == 2)
    pending = (await said(stage, stage.bo, "/pending")).splitlines()
    assert pending[0] == "1 waiting for your answer:"
    address = next(word for word in pending[1].split() if "@" in word).replace("\u2060", "")
    words = await said(stage, stage.bo, f"/answer {address} green tea")
    assert words.splitlines()[0] == "Recorded: green tea. The workflow continues."
    assert "flow: " in await said(stage, stage.ana, "/status")


async def test_who_is_no_starter_starts_nothing(stage: Stage) -> None:
    words = await said(stage, stage.bo, "/run flow")
    assert "There is no workflow that you may start." in words
    assert f"telegram:{stage.bo.id}" in words


async def test_what_stands_behind_the_name_must_be_json(stage: Stage) -> None:
    assert (await said(stage, stage.ana, "/run flow {nonsense")).startswith("Not started: ")


async def test_start_greets_and_tells_the_id(stage: Stage) -> None:
    before = stage.count()
    await stage.eve.start("from-a-link")
    await stage.telegram.until(lambda: stage.count() > before)
    words = (await stage.eve.last()).text
    assert words.startswith("Hello Eve.")
    assert f"You are telegram:{stage.eve.id}." in words
    assert words.endswith("You're all caught up.")


async def test_who_follows_a_link_to_the_bot_sees_what_waits_for_them(stage: Stage) -> None:
    _, card = await stage.ask(prompt="Release 4.2.0?", seconds=3600)
    before = stage.count()
    await stage.ana.start("from-a-link")
    await stage.telegram.until(lambda: stage.count() > before)
    words = (await stage.ana.last()).text
    assert "1 waiting for your answer:" in words
    assert "Release 4.2.0?  due " in words
    assert card.labels == [["✅ approve", "❌ reject"]]


async def test_the_command_menu_is_set_at_the_start(stage: Stage) -> None:
    menu = json.loads(stage.telegram.calls_of("setMyCommands")[0].parameters["commands"])
    assert [one["command"] for one in menu] == ["pending", "run", "answer", "status", "help"]


async def test_a_command_for_another_bot_is_none_of_our_business(stage: Stage) -> None:
    before = stage.count()
    await stage.ana.command(stage.group, "/pending@other_bot")
    assert "/pending" in (await said(stage, stage.ana, "/help", stage.group)).replace("\u2060", "")
    assert stage.count() == before + 1


async def test_commands_in_replies_can_be_tapped_and_what_people_wrote_cannot(stage: Stage) -> None:
    """A tap sends a command of one word as it stands, and copies one that needs more."""
    await stage.ask(prompt="See /runbook for @ana?")
    before = stage.count()
    await stage.ana.command(None, "/pending")
    await stage.telegram.until(lambda: stage.count() > before)
    listed = await stage.ana.last()
    assert "/\u2060runbook for @\u2060ana" in listed.text
    assert [(one.type, one.words) for one in listed.entities] == [("code", "/answer ID@REVISION VALUE")]
    before = stage.count()
    await stage.ana.command(None, "/help")
    await stage.telegram.until(lambda: stage.count() > before)
    shown = await stage.ana.last()
    assert "\u2060" not in shown.text
    acts = [(one.type, one.words) for one in shown.entities]
    assert ("code", "/withdraw ID") in acts
    assert ("bot_command", "/pending") in acts


async def test_in_a_group_pending_lists_what_is_asked_there_and_no_more(stage: Stage) -> None:
    """The others in the group read it too, and were not asked the rest."""
    await stage.ask(prompt="Release 4.2.0?")
    before = stage.count()
    await stage.service.ask([f"telegram:{stage.ana.id}"], prompt="Dismiss Bo?")
    await stage.telegram.until(lambda: stage.count() > before)
    lines = (await said(stage, stage.ana, "/pending", stage.group)).splitlines()
    assert lines[0] == "1 waiting for your answer:"
    assert "Release 4.2.0?" in lines[1]
    assert lines[2] == "and 1 more: ask me in a private chat."
    assert "Dismiss" not in "".join(lines)
    assert "Dismiss Bo?" in await said(stage, stage.ana, "/pending")


async def test_in_a_group_where_nothing_is_asked_pending_says_how_much_waits_elsewhere(stage: Stage) -> None:
    before = stage.count()
    await stage.service.ask([f"telegram:{stage.ana.id}"], prompt="Dismiss Bo?")
    await stage.telegram.until(lambda: stage.count() > before)
    words = await said(stage, stage.ana, "/pending", stage.group)
    assert (
        words
        == "No request that was made here is waiting for you. 1 waits elsewhere: ask me in a private chat."
    )
    assert await said(stage, stage.bo, "/pending", stage.group) == "You're all caught up."


async def test_commands_are_taken_as_phones_and_pastes_write_them(stage: Stage) -> None:
    """With line breaks, several blanks, curly quotes and a capital letter."""
    words = await said(
        stage, stage.ana, f"/Run\n\nflow  {{“ask”: {{“prompt”: “R&D?”, “to”: [“telegram:{stage.ana.id}”]}}}}"
    )
    await stage.telegram.until(lambda: stage.count() == 2)
    (request,) = await stage.service.runtime.pending()
    assert (request.question.prompt, "Not started" in words) == ("R&D?", False)
    words = await said(stage, stage.ana, f"/answer   {request.id[:8].upper()}@1\nR&D, <soon>")
    assert words.splitlines()[0] == "Recorded: R&D, <soon>. The workflow continues."
    assert await stage.service.answer(request.run_id) == "R&D, <soon>"


async def test_a_start_that_cannot_be_read_says_where_and_why(stage: Stage) -> None:
    words = await said(stage, stage.ana, '/run flow {"a": 1,\n"b" 2}')
    assert "line 2, column 5: a colon is missing here" in words


async def test_pending_says_how_many_more_there_are_and_how_to_see_them(stage: Stage) -> None:
    await crowd(stage.service.store, 1500)
    await crowd(stage.service.store, 30, [f"telegram:{stage.ana.id}"], run_id="hers")
    lines = (await said(stage, stage.ana, "/pending")).splitlines()
    assert lines[0] == "30 waiting for your answer:"
    assert len(lines) == 23
    assert lines[21].replace("\u2060", "") == "and 10 more: /inbox shows them all."


async def test_a_group_hears_no_clean_bill_from_a_list_that_was_cut(stage: Stage) -> None:
    await crowd(stage.service.store, 505, [f"telegram:{stage.ana.id}"])
    words = await said(stage, stage.ana, "/pending", stage.group)
    assert (
        words
        == "None of the oldest 500 requests that are waiting for you was made here: ask me in a private chat."
    )
