"""sayso and a team's own Bolt app as one Slack app: a guest in it, or the host that hands on what is not its own.

The team's app does something of its own: a button, a command, its Home tab, and it hears messages.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sayso.bots.slack import guest, host
from sayso.testing.slack import LocalSlack
from tests.bots.chat_service import chat_service, health
from tests.bots.slack.stage import Stage

DEPLOY = {"type": "button", "text": {"type": "plain_text", "text": "Deploy"}, "action_id": "deploy"}
HOME = {"type": "section", "text": {"type": "mrkdwn", "text": "The team's own home"}}


class Team:
    """A team's Bolt app; `heard` is what came to its listeners."""

    def __init__(self, slack: LocalSlack) -> None:
        self.slack = slack
        self.heard: list[str] = []
        self.client: Any = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, timeout=10)
        self.app: Any = AsyncApp(client=self.client, signing_secret=slack.signing_secret)

    def listen(self) -> None:
        """Register what the app does of its own."""
        heard = self.heard

        async def deploy(ack: Any) -> None:
            heard.append("button")
            await ack()

        async def say(ack: Any, command: dict[str, Any]) -> None:
            heard.append(f"command {command['command']}")
            await ack(f"Deploying {command['text']}")

        async def draw_home(client: Any, event: dict[str, Any]) -> None:
            heard.append("home")
            await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [HOME]})

        async def hear(event: dict[str, Any]) -> None:
            heard.append(f"message {event['text']}")

        self.app.action("deploy")(deploy)
        self.app.command("/deploy")(say)
        self.app.event("app_home_opened")(draw_home)
        self.app.event("message")(hear)

    async def offer(self, stage: Stage) -> Any:
        """A message of the team's own with its button."""
        blocks = [{"type": "actions", "elements": [DEPLOY]}]
        await self.client.chat_postMessage(channel=stage.channel.id, text="Deploy?", blocks=blocks)
        return stage.ana.last(stage.channel)

    @asynccontextmanager
    async def serving(self, mode: str) -> AsyncGenerator[None]:
        """Bolt's own ways to take payloads."""
        if mode == "socket":
            handler: Any = AsyncSocketModeHandler(self.app, self.slack.app_token)
            await handler.connect_async()
            try:
                await self.slack.until(lambda: self.slack.connections == 1)
                yield
            finally:
                await handler.close_async()
            return
        runner = web.AppRunner(self.app.web_app("/slack/events"))
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            port = runner.addresses[0][1]
            self.slack.request_url = f"http://127.0.0.1:{port}/slack/events"
            yield
        finally:
            self.slack.request_url = None
            await runner.cleanup()


@pytest.fixture
def team(slack: LocalSlack) -> Team:
    return Team(slack)


@pytest.fixture(params=["socket", "http"])
async def as_guest(
    slack: LocalSlack, team: Team, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Stage]:
    """sayso within the team's app, with no token but the bot's."""
    none = {"app_token": None, "signing_secret": None}
    stage = Stage.build(slack, tmp_path / "sayso.db", slack=none)
    platform = guest(team.app)
    team.listen()
    async with (
        team.serving(request.param),
        chat_service(stage.database, stage.settings, platforms=[platform]) as service,
    ):
        stage.current = service
        await health(service, lambda problems: not problems)
        yield stage


@pytest.fixture(params=["socket", "http"])
async def as_host(
    slack: LocalSlack, team: Team, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Stage]:
    """The team's app behind sayso, which keeps the sockets or the address."""
    stage = Stage.build(slack, tmp_path / "sayso.db", slack={"mode": request.param})
    team.listen()
    async with stage.running(platforms=[host(team.app)]):
        yield stage


async def test_a_guest_takes_its_own_presses_and_commits_before_they_are_acknowledged(
    as_guest: Stage, team: Team
) -> None:
    run_id, card = await as_guest.ask()
    result, told = await as_guest.press(as_guest.ana, card, "✅ approve")
    assert result.is_acknowledged
    assert not (await as_guest.service.card(run_id)).request.open
    assert told
    await as_guest.until_shows(card, "APPROVED")
    assert "button" not in team.heard


async def test_a_guests_modal_takes_an_answer(as_guest: Stage) -> None:
    run_id, card = await as_guest.ask(input_type="text", prompt="Which?")
    await (await as_guest.ana.press(card, card.labels[0][0])).result()
    view = as_guest.ana.view
    await as_guest.slack.until(lambda: bool((seen := as_guest.ana.view) and seen.inputs))
    view = as_guest.ana.view
    assert view is not None
    await (await as_guest.ana.submit({view.inputs[0].label: "The blue one"})).result()
    assert await as_guest.service.answer(run_id) == "The blue one"


async def test_a_guest_leaves_the_rest_to_the_team(as_guest: Stage, team: Team) -> None:
    ana = as_guest.ana
    pressed = await ana.press(await team.offer(as_guest), "Deploy")
    assert (await pressed.result()).is_acknowledged
    typed = await ana.command("/deploy", "4.2")
    assert (await typed.result()).is_acknowledged
    await ana.open_home()
    await as_guest.slack.until(lambda: ana.home is not None)
    assert ana.home is not None
    assert "The team's own home" in ana.home.text
    assert {"button", "command /deploy", "home"} <= set(team.heard)
    assert not (await (await ana.command("/sayso", "help")).result()).is_acknowledged, (
        "it is the team's to answer"
    )


async def test_what_a_guest_does_not_serve_is_not_acknowledged(
    slack: LocalSlack, team: Team, tmp_path: Path
) -> None:
    """Nobody may believe that an answer counted which nobody took."""
    stage = Stage.build(slack, tmp_path / "sayso.db")
    platform = guest(team.app)
    team.listen()
    async with team.serving("socket"):
        async with chat_service(stage.database, stage.settings, platforms=[platform]) as service:
            stage.current = service
            run_id, card = await stage.ask()
        assert not (await (await stage.ana.press(card, "✅ approve")).result()).is_acknowledged
        async with chat_service(stage.database, stage.settings, platforms=[platform]) as service:
            stage.current = service
            await health(service, lambda problems: not problems)
            result, _ = await stage.press(stage.ana, card, "✅ approve")
            assert result.is_acknowledged
            assert await service.answer(run_id) == "approve"


async def test_a_host_hands_on_what_is_not_its_own(as_host: Stage, team: Team) -> None:
    ana = as_host.ana
    run_id, card = await as_host.ask()
    result, _ = await as_host.press(ana, card, "✅ approve")
    assert result.is_acknowledged
    assert await as_host.service.answer(run_id) == "approve"
    assert team.heard.count("button") == 0
    pressed = await ana.press(await team.offer(as_host), "Deploy")
    assert (await pressed.result()).is_acknowledged
    typed = await ana.command("/deploy", "4.2", as_host.channel)
    assert (await typed.result()).is_acknowledged
    assert "Deploying 4.2" in ana.words(as_host.channel)[-1]
    await ana.write("hello", as_host.channel)
    await as_host.slack.until(lambda: "message hello" in team.heard)
    assert {"button", "command /deploy"} <= set(team.heard)


async def test_a_host_keeps_its_command_and_its_home(as_host: Stage, team: Team) -> None:
    ana = as_host.ana
    assert (await (await ana.command("/sayso", "help", as_host.channel)).result()).is_acknowledged
    await ana.open_home()
    await as_host.slack.until(lambda: ana.home is not None)
    assert ana.home is not None
    assert "The team's own home" not in ana.home.text
    assert "home" not in team.heard
    assert "command /sayso" not in team.heard
