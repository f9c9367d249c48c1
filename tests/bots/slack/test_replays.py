"""What somebody can do with payloads that Slack signed once: replay them, or have the answer sent elsewhere."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sayso.testing.slack import SlackPress
from tests.bots.chat_service import ChatService
from tests.bots.slack.stage import PLACE, Stage

TAKEN = "This command was already received. If you got no reply to it, please send it again."


class Elsewhere:
    """A server that is not Slack's; what it was called with."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._called)
        self.server = TestServer(app)

    async def _called(self, request: web.Request) -> web.Response:
        self.calls.append(request.path)
        return web.Response()


@pytest.fixture
async def elsewhere() -> AsyncIterator[Elsewhere]:
    found = Elsewhere()
    async with found.server:
        yield found


def changed(press: SlackPress, **fields: object) -> SlackPress:
    """The same again, with other fields."""
    return SlackPress({**press.payload, **fields}, press.kind, press.answered)


@pytest.mark.parametrize(
    "address",
    ["{there}/x", "{userinfo}/x", "https://hooks.slack.com.example.org/x", "https://slack.com/x", ""],
)
async def test_an_answer_goes_to_slack_alone(
    stopped: Stage, elsewhere: Elsewhere, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    there = str(elsewhere.server.make_url("")).rstrip("/")
    userinfo = f"{stopped.slack.api_url.removesuffix('/api/')}@{there.removeprefix('http://')}"
    address = address.format(there=there, userinfo=userinfo)
    async with stopped.running() as service:
        run_id, card = await stopped.ask()
        press = await stopped.ana.press(card, "✅ approve")
        await press.result()
        again = await stopped.ana.press_again(changed(press, response_url=address))
        assert (await again.result()).is_acknowledged
        assert await service.answer(run_id) == "approve"
    assert elsewhere.calls == []
    assert caplog.text.count("response_url is not Slack's") == 1


async def test_a_redirect_is_not_followed(
    stopped: Stage, elsewhere: Elsewhere, caplog: pytest.LogCaptureFixture
) -> None:
    stopped.slack.redirect_responses = str(elsewhere.server.make_url("/x"))
    async with stopped.running() as service:
        run_id, card = await stopped.ask()
        await (await stopped.ana.press(card, "✅ approve")).result()
        assert await service.answer(run_id) == "approve"
    assert elsewhere.calls == []
    assert "could not send a private reply: status 307" in caplog.text
    assert stopped.ana.words(stopped.channel) == ["Approved. The workflow continues."], "by another way"


async def test_a_late_answer_to_a_command_goes_to_slack_alone(
    stopped: Stage, elsewhere: Elsewhere, caplog: pytest.LogCaptureFixture
) -> None:
    async with stopped.running():
        press = await stopped.ana.command("/sayso", "status", stopped.channel)
        await press.result()
        busy = sqlite3.connect(stopped.database, isolation_level=None)
        busy.execute("BEGIN IMMEDIATE")
        there = str(elsewhere.server.make_url("/x"))
        late = changed(press, text="link", response_url=there, trigger_id="another")
        assert (await (await stopped.ana.press_again(late)).result()).is_acknowledged
        busy.close()
    assert elsewhere.calls == []
    assert "response_url is not Slack's" in caplog.text


async def told(stage: Stage, press: SlackPress) -> str:
    """What somebody is told once more."""
    before = len(stage.ana.words(stage.channel))
    assert (await (await stage.ana.press_again(press)).result()).is_acknowledged
    return await stage.told(stage.ana, before, stage.channel)


@pytest.mark.parametrize(
    "text", ["inbox", "link", "unlink", "pending", "status", "accounts", "help", "withdraw abcdef"]
)
async def test_a_command_is_taken_once_also_over_a_restart(stopped: Stage, text: str) -> None:
    """A replayed `/sayso inbox` gave whoever replayed it a fresh link that signs somebody else in."""
    async with stopped.running() as service:
        press = await stopped.ana.command("/sayso", text, stopped.channel)
        await press.result()
        assert await told(stopped, press) == TAKEN
        links = await links_of_ana(stopped, service)
    async with stopped.running() as service:
        assert await told(stopped, press) == TAKEN
        assert await links_of_ana(stopped, service) == links == int(text == "inbox")
        assert await told(stopped, changed(press, trigger_id="another")) != TAKEN


async def links_of_ana(stage: Stage, service: ChatService) -> int:
    """How many links have been made that sign her in."""
    rows = [row async for row in service.store.reader.audit() if row.kind == "admitted"]
    return sum(row.person == stage.person_id(stage.ana) for row in rows)


async def test_a_replayed_start_says_what_became_of_it(stage: Stage) -> None:
    press = await stage.ana.command(
        "/sayso", f'start flow {{"ask": {{"prompt": "Go?", "to": ["{PLACE}"]}}}}', stage.channel
    )
    await press.result()
    assert (await told(stage, press)).startswith("flow was started already: run ")
    assert len(await stage.service.store.reader.runs()) == 1
