"""Pictures and files of a card in its thread: there once, whatever happens in between, and never in a card's way."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sayso.config import HttpSettings
from sayso.engine import File, Image
from sayso.testing.slack import FaultKind, LocalSlack, SeenMessage, SlackLimits
from tests.bots.crash_process import a_worker
from tests.bots.slack.stage import PLACE, Stage
from tests.bots.slack.test_kill_points import build, described
from tests.bots.telegram.test_content import png

PICTURE = png(4, 3)
SHOWN = {"Errors": Image(PICTURE, "Errors since Monday"), "Report": File(b"a,b\n1,2\n", "report.csv")}


async def in_thread(stage: Stage, card: SeenMessage, count: int = 1) -> list[SeenMessage]:
    """What stands below a card, once there are so many messages."""
    await stage.slack.until(lambda: len(stage.ana.messages(stage.channel, thread=card.ts)) >= count)
    return stage.ana.messages(stage.channel, thread=card.ts)


async def test_pictures_and_files_stand_in_the_thread_in_one_message(stage: Stage) -> None:
    run_id, card = await stage.ask(shown=SHOWN)
    assert "Errors: Errors since Monday (image.png, " in card.text
    assert "Report: report.csv (8 bytes), in the thread" in card.text
    (message,) = await in_thread(stage, card)
    assert [(one.name, one.content) for one in message.files] == [
        ("image.png", PICTURE), ("report.csv", b"a,b\n1,2\n"),
    ]  # fmt: skip
    begun = stage.slack.calls_of("files.getUploadURLExternal")
    assert [one.parameters.get("alt_txt") for one in begun] == ["Errors since Monday", None]
    await stage.press(stage.ana, card, "✅ approve")
    await stage.until_shows(card, "publish finished")
    await stage.service.told(run_id)
    assert len(stage.ana.messages(stage.channel, thread=card.ts)) == 1


@pytest.mark.parametrize(
    "fault", [FaultKind.SERVER_ERROR, FaultKind.SERVER_ERROR_AFTER, FaultKind.RESET, FaultKind.RESET_AFTER]
)
@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
async def test_files_are_shared_once_where_nobody_knows_whether_they_were(
    stage: Stage, method: str, fault: FaultKind
) -> None:
    stage.slack.fail(fault, method)
    run_id, card = await stage.ask(shown={"Report": File(b"a", "a.txt")})
    await stage.service.told(run_id)
    assert [one.name for message in await in_thread(stage, card) for one in message.files] == ["a.txt"]
    assert len(stage.ana.messages(stage.channel, thread=card.ts)) == 1


@pytest.mark.parametrize("inbox", [None, "https://sayso.example.org"])
async def test_without_the_scope_the_card_stands_and_its_thread_says_where_the_files_are(
    stopped: Stage, inbox: str | None
) -> None:
    stopped.slack.scopes = stopped.slack.scopes.replace(",files:write", "")
    stopped.settings = stopped.settings.model_copy(update={"http": HttpSettings(port=0, public_url=inbox)})
    async with stopped.running():
        run_id, card = await stopped.ask(shown=SHOWN)
        (message,) = await in_thread(stopped, card)
        where = "They are in the inbox." if inbox is None else "Open them in the inbox."
        why = "the app lacks the scope files:write"
        assert message.text == f"Pictures and files could not be posted here: {why}. {where}"
        request = (await stopped.service.card(run_id)).request.id
        assert message.links == (() if inbox is None else (f"{inbox}/requests/{request}",))
        await stopped.press(stopped.ana, card, "✅ approve")
        await stopped.until_shows(card, "publish finished")
        assert len(stopped.ana.messages(stopped.channel, thread=card.ts)) == 1


async def test_files_that_the_workspace_refuses_are_in_nobodys_way(stage: Stage) -> None:
    stage.slack.refuse("file_uploads_disabled", "files.getUploadURLExternal")
    run_id, card = await stage.ask(prompt="x" * 40_000, shown={"Report": File(b"a", "a.txt")})
    rest, files = await in_thread(stage, card, 2)
    assert "file_uploads_disabled" in rest.text
    assert [one.name for one in files.files] == ["a.txt"]
    await stage.service.told(run_id)


@pytest.mark.parametrize("error", ["channel_not_found", "not_in_channel"])
async def test_what_slack_says_of_files_is_not_said_of_their_channel(stage: Stage, error: str) -> None:
    """The card stands there: the next question does so too."""
    stage.slack.refuse(error, "files.completeUploadExternal")
    _, card = await stage.ask(shown={"Report": File(b"a", "a.txt")})
    (message,) = await in_thread(stage, card)
    assert message.text.startswith("Pictures and files could not be posted here: Slack refused them: ")
    run_id, other = await stage.ask(prompt="And this?")
    await stage.press(stage.ana, other, "✅ approve")
    assert await stage.service.answer(run_id) == "approve"


async def test_files_that_were_refused_behind_an_error_are_not_taken_for_shared(stage: Stage) -> None:
    stage.slack.fail(FaultKind.SERVER_ERROR, "files.completeUploadExternal")
    stage.slack.refuse("file_uploads_disabled", "files.completeUploadExternal")
    _, card = await stage.ask(shown={"Report": File(b"a", "a.txt")})
    (message,) = await in_thread(stage, card)
    assert "file_uploads_disabled" in message.text


async def test_a_rest_is_sent_once_where_its_files_are_tried_again(stage: Stage) -> None:
    stage.slack.fail(FaultKind.SERVER_ERROR, "files.getUploadURLExternal", times=2)
    run_id, card = await stage.ask(prompt="word " * 800, shown={"Report": File(b"a", "a.txt")})
    await stage.service.told(run_id)
    below = await in_thread(stage, card, 2)
    assert [bool(one.files) for one in below] == [False, True]


async def test_bytes_that_are_gone_are_in_nobodys_way(stopped: Stage) -> None:
    async with stopped.running() as service:
        stopped.slack.fail(FaultKind.SERVER_ERROR, "chat.postMessage", times=3)
        run_id = await service.ask([PLACE], shown=SHOWN)
        await stopped.slack.until(lambda: stopped.slack.faults.remaining < 3)
    with closing(sqlite3.connect(stopped.database)) as database, database:
        assert database.execute("DELETE FROM request_files").rowcount == 2
    async with stopped.running() as service:
        await service.told(run_id)
        card = stopped.ana.last(stopped.channel)
        assert stopped.ana.messages(stopped.channel, thread=card.ts) == []
        await stopped.press(stopped.ana, card, "✅ approve")
        assert await service.answer(run_id) == "approve"


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("fault", [FaultKind.HANG, FaultKind.HANG_AFTER])
async def test_killed_while_files_are_being_shared(tmp_path: Path, fault: FaultKind) -> None:
    """kill -9 before Slack did it, and after it did and nobody heard; and the same service once more."""
    async with LocalSlack(limits=SlackLimits.unlimited()) as slack:
        stage = build(tmp_path, slack, "hangs")
        folder, given = described(stage, 1)
        async with a_worker(folder, {**given, "has_file": True}) as worker:
            slack.fail(fault, "files.completeUploadExternal")
            await worker.run(0)
            await worker.serves()
            await slack.until(lambda: slack.faults.remaining == 0)
            worker.kill(signal.SIGKILL)
            await worker.watch()
            await worker.run(0)
            await worker.serves()
            await slack.until(lambda: len(slack.calls_of("files.completeUploadExternal")) == 2)
            card = stage.ana.last(stage.channel)
            await (await stage.ana.press(card, "✅ approve")).result()
            await stage.until_shows(card, "publish finished")
            worker.kill(signal.SIGTERM)
            await worker.watch()
        assert [len(one.files) for one in stage.ana.messages(stage.channel, thread=card.ts)] == [1]
        assert slack.problems == []
