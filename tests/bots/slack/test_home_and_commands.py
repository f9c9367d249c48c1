"""The app's home, direct messages, and /sayso."""

from __future__ import annotations

from sayso.testing.slack import FaultKind, SlackPerson
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
        await said(stage, stage.bo, f"answer {address} green tea") == "Recorded: green tea. The run goes on."
    )
    await stage.until_shows(stage.ana.last(stage.channel), "Answered by Bo", "done")
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
    """Looking members up may take longer than the three seconds that Slack waits."""
    for number in range(2):
        await stage.ask(prompt=f"Release {number}?")
    stage.slack.fail(FaultKind.HANG, "conversations.members", times=2)
    assert await said(stage, stage.ana, "pending") == "One moment …"
    words = await stage.told(stage.ana, 1, stage.channel)
    assert words.startswith("Nothing waits")


async def test_a_direct_message_is_answered_by_its_one_person(stage: Stage) -> None:
    run_id = await stage.service.ask([f"slack:@{stage.eve.id}"])
    await stage.slack.until(lambda: stage.count() == 1)
    assert (await said(stage, stage.eve, "pending")).startswith("1 waiting for your answer:")
    _, words = await stage.press(stage.eve, stage.eve.last(), "✅ approve")
    assert words == "Approved. The run goes on."
    assert await stage.service.answer(run_id) == "approve"


async def test_the_home_shows_what_waits_and_takes_answers(stage: Stage) -> None:
    first, _ = await stage.ask(prompt="Release 1?")
    second, _ = await stage.ask(prompt="Release 2?")
    await stage.ana.open_home()
    await stage.slack.until(lambda: stage.ana.home is not None)
    assert stage.ana.home is not None
    lines = stage.ana.home.text.splitlines()
    assert lines[0] == "2 waiting for your answer:"
    assert lines.index("Release 2?") < lines.index("Release 1?"), "the newest comes first"
    await (await stage.ana.press_at_home("✅ approve")).result()
    await stage.slack.until(lambda: stage.ana.home is not None and "1 waiting" in stage.ana.home.text)
    assert stage.ana.home.text.startswith("Approved. The run goes on.")
    assert await stage.service.answer(second) == "approve"
    assert (await stage.service.card(first)).request.open


async def test_a_home_shows_nothing_that_somebody_may_not_answer(stage: Stage) -> None:
    await stage.ask()
    await stage.eve.open_home()
    await stage.slack.until(lambda: stage.eve.home is not None)
    assert stage.eve.home is not None
    assert stage.eve.home.text == "Nothing waits for your answer."
