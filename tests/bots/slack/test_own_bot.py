"""sayso and a team's own Bolt app as one Slack app: a guest in it, or the host that hands on what is not its own.

The team's app does something of its own: a button, a command, its Home tab, and it hears messages.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sayso.bots.slack import guest, host
from sayso.testing.slack import LocalSlack
from tests.bots.chat_service import chat_service, health
from tests.bots.slack.stage import Stage
from tests.bots.slack.team import Team


@pytest.fixture
def team(slack: LocalSlack) -> Team:
    return Team(slack.bot_token, slack.api_url, slack.signing_secret)


@asynccontextmanager
async def serving(team: Team, slack: LocalSlack, mode: str, port: int) -> AsyncGenerator[None]:
    """The team's app in Bolt's own ways to take payloads."""
    if mode == "socket":
        async with team.connected(slack.app_token):
            await slack.until(lambda: slack.connections == 1)
            yield
        return
    async with team.called(port):
        slack.request_url = f"http://127.0.0.1:{port}/slack/events"
        yield
    slack.request_url = None


@pytest.fixture(params=["socket", "http"])
async def as_guest(
    slack: LocalSlack, team: Team, tmp_path: Path, request: pytest.FixtureRequest, unused_tcp_port: int
) -> AsyncIterator[Stage]:
    """sayso within the team's app, with no token but the bot's."""
    none = {"app_token": None, "signing_secret": None}
    stage = Stage.build(slack, tmp_path / "sayso.db", slack=none)
    platform = guest(team.app)
    team.listen()
    async with (
        serving(team, slack, request.param, unused_tcp_port),
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
    await as_guest.until_shows(card, "✅ Approved ·")
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
    slack: LocalSlack, team: Team, tmp_path: Path, unused_tcp_port: int
) -> None:
    """Nobody may believe that an answer counted which nobody took."""
    stage = Stage.build(slack, tmp_path / "sayso.db")
    platform = guest(team.app)
    team.listen()
    async with serving(team, slack, "socket", unused_tcp_port):
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
