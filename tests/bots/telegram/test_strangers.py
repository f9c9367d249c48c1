"""What somebody who was asked nothing gets out of the bot: nothing of others, and not more work than anybody makes."""

from __future__ import annotations

from sayso.engine import CredentialKind
from sayso.testing.telegram import Person
from tests.bots.telegram.stage import Stage

UNKNOWN = "Not found, or you don't have access."
COMMANDS = ("/answer {}@1 perhaps", "/reassign {}@1 person:eve", "/breakglass {}@1 because", "/withdraw {}")


async def said(stage: Stage, person: Person, text: str) -> str:
    """Write a command in the chat with the bot; the answer."""
    before = stage.count()
    await person.command(None, text)
    await stage.telegram.until(lambda: stage.count() > before)
    return (await person.last()).text


def unlike(request_id: str) -> str:
    """As much of an id that there is not."""
    return "".join("f" if digit != "f" else "0" for digit in request_id)


async def until_sent(stage: Stage, words: str) -> None:
    """Wait until the bot has sent a message with these words."""
    sent = stage.telegram.calls_of
    await stage.telegram.until(
        lambda: any(words in str(call.parameters["text"]) for call in sent("sendMessage"))
    )


async def test_who_may_not_see_a_request_hears_what_an_unknown_id_gives(stage: Stage) -> None:
    """By a few characters and by all of them, whatever they want with it: `/answer` told strangers the options."""
    await stage.ask(prompt="Dismiss Bo?")
    (request,) = await stage.service.runtime.pending()
    for length in (6, 32):
        prefix = request.id[:length]
        for command in COMMANDS:
            for given in (prefix, unlike(prefix)):
                assert await said(stage, stage.eve, command.format(given)) == UNKNOWN
    assert [row.kind async for row in stage.service.store.reader.audit(request.run_id)].count("refused") == 0
    options = await said(stage, stage.ana, f"/answer {request.id[:6]}@1 perhaps")
    assert "approve, reject" in options
    assert "Rejected" in await said(stage, stage.ana, f"/answer {request.id[:6]}@1 reject")
    assert await said(stage, stage.eve, f"/answer {request.id}@1 approve") == UNKNOWN, (
        "also once it is closed"
    )
    assert UNKNOWN not in await said(stage, stage.bo, f"/answer {request.id}@1 approve")


async def test_a_stranger_who_writes_without_end_gets_one_link_and_three_rows(stage: Stage) -> None:
    sent = stage.count()
    for number in range(60):
        await stage.eve.command(None, "/inbox" if number % 2 else "/start")
    await stage.bo.command(None, "/help")
    for words in ("[NAME] [JSON]", "Too many commands. Nothing was done. Please wait a minute."):
        await until_sent(stage, words)
    reader = stage.service.store.reader
    person = f"telegram:{stage.eve.id}"
    rows = [row.kind async for row in reader.audit() if row.person == person]
    assert rows == ["admitted"] * 3
    links = [one for one in await reader.credentials(stage.service.store.clock.now()) if one.person == person]
    assert [one.kind for one in links] == [CredentialKind.LINK]
    assert stage.count() - sent <= 20 + 1 + 1, "twenty answers, one refusal, and the answer to Bo"
