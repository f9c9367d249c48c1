"""Connections to Slack: several sockets, refused handshakes, dropped lines, signed requests."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from sayso.testing.slack import FaultKind, LocalSlack
from tests.bots.slack.stage import Stage


@pytest.fixture
def socket_stage(slack: LocalSlack, tmp_path: Path) -> Stage:
    return Stage.build(slack, tmp_path / "sayso.db")


@pytest.fixture
def http_stage(slack: LocalSlack, tmp_path: Path) -> Stage:
    return Stage.build(slack, tmp_path / "sayso.db", slack={"mode": "http"})


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
async def test_slack_asks_for_new_connections_and_gets_them(socket_stage: Stage, reason: str) -> None:
    slack = socket_stage.slack
    async with socket_stage.running():
        _, card = await socket_stage.ask()
        opened = len(slack.calls_of("apps.connections.open"))
        await slack.disconnect(reason)
        await slack.until(lambda: len(slack.calls_of("apps.connections.open")) >= opened + 2)
        await slack.until(lambda: slack.connections >= 2)
        await slack.hang_up()
        await slack.until(lambda: slack.connections == 2)
        await socket_stage.press(socket_stage.ana, card, "✅ approve")
        await socket_stage.until_shows(card, "✅ Approved ·")


async def test_at_no_moment_is_there_no_connection(socket_stage: Stage) -> None:
    """The new ones are greeted before the old ones are let go, also where Slack leaves their end unanswered."""
    slack = socket_stage.slack
    slack.answers_closes = False
    async with socket_stage.running():
        for reason in ("warning", "refresh_requested"):
            await slack.disconnect(reason, still_delivers=True)
            await slack.until(lambda: slack.connections == 4)
            await slack.hang_up()
            await slack.until(lambda: slack.connections == 2)
        assert slack.without_sockets == timedelta(0)
        await slack.stop()


async def test_a_press_behind_the_farewell_counts_and_is_acknowledged_where_it_came(
    socket_stage: Stage,
) -> None:
    slack = socket_stage.slack
    async with socket_stage.running() as service:
        run_id, card = await socket_stage.ask()
        slack.fail(FaultKind.SERVER_ERROR, "apps.connections.open", times=1000)
        await slack.disconnect(still_delivers=True)
        result, _ = await socket_stage.press(socket_stage.ana, card, "✅ approve")
        assert result.is_acknowledged
        assert await service.answer(run_id) == "approve"


async def test_connections_that_end_with_their_greeting_are_opened_ever_more_rarely(
    socket_stage: Stage,
) -> None:
    slack = socket_stage.slack
    async with socket_stage.running():
        before = len(slack.calls_of("apps.connections.open"))
        slack.turn_away(1000)
        slack.drop()
        begun = slack.now()
        await slack.until(lambda: len(slack.calls_of("apps.connections.open")) >= before + 4)
        assert slack.now() - begun >= timedelta(seconds=0.5 + 1), "two each time, and the pause is doubled"


async def test_slack_says_when_the_next_connection_may_be_opened(socket_stage: Stage) -> None:
    slack = socket_stage.slack
    async with socket_stage.running():
        before = len(slack.calls_of("apps.connections.open"))
        slack.fail(FaultKind.TOO_MANY_REQUESTS, "apps.connections.open", retry_after=2)
        slack.drop()
        begun = slack.now()
        await slack.until(lambda: slack.connections == 2)
        assert slack.now() - begun >= timedelta(seconds=2)
        assert len(slack.calls_of("apps.connections.open")) == before + 3


async def test_a_refused_handshake_is_tried_with_a_new_ticket(socket_stage: Stage) -> None:
    """The library's client would ask for ever with the ticket that was refused."""
    slack = socket_stage.slack
    slack.refuse_handshakes(2)
    async with socket_stage.running():
        assert len(slack.calls_of("apps.connections.open")) >= 4
        _, card = await socket_stage.ask()
        await socket_stage.press(socket_stage.ana, card, "✅ approve")


async def test_after_a_hard_drop_both_connections_come_back(socket_stage: Stage) -> None:
    slack = socket_stage.slack
    async with socket_stage.running() as service:
        run_id, card = await socket_stage.ask()
        slack.drop()
        await slack.until(lambda: slack.connections == 2)
        await socket_stage.press(socket_stage.ana, card, "✅ approve")
        assert await service.answer(run_id) == "approve"


async def test_slack_restarts_and_the_card_is_edited_when_it_is_back(socket_stage: Stage) -> None:
    slack = socket_stage.slack
    async with socket_stage.running() as service:
        run_id, card = await socket_stage.ask(input_type="text", prompt="Which?")
        await slack.stop()
        record = await service.card(run_id)
        await service.runtime.cancel(run_id, person="local:ana")
        await slack.start()
        await slack.until(lambda: slack.connections == 2)
        assert record.request.open
        await socket_stage.until_shows(card, "Cancelled ·")


async def test_only_requests_that_slack_signed_are_taken(http_stage: Stage) -> None:
    body = b'{"type":"url_verification","challenge":"abc","token":"x"}'
    slack = http_stage.slack
    json = {"Content-Type": "application/json"}
    async with http_stage.running(), aiohttp.ClientSession() as session:
        assert slack.request_url is not None

        async def status(body: bytes, headers: dict[str, str]) -> int:
            async with session.post(
                str(slack.request_url), data=body, headers={**json, **headers}
            ) as response:
                return response.status

        signed = slack.signature(body)
        old = slack.signature(body, at=slack.now() - timedelta(minutes=6))
        assert await status(body, signed) == 200
        assert await status(body + b" ", signed) == 401, "a changed body"
        assert await status(body, {}) == 401, "no signature"
        assert await status(body, old) == 401, "a replayed request"


async def test_a_command_means_what_was_typed_whatever_words_are_in_it(http_stage: Stage) -> None:
    """Bolt's own reading of requests looks for the word payload, and takes such a command for an empty one."""
    async with http_stage.running():
        await http_stage.ana.command("/sayso", "start payload")
        assert "payload" in await http_stage.told(http_stage.ana, 0, None)


async def test_a_wrong_token_leaves_the_service_up_and_says_what_to_do(
    http_stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    http_stage.slack.bot_token = "xoxb-another"
    async with http_stage.running() as service, aiohttp.ClientSession() as session:
        await http_stage.slack.until(lambda: len(http_stage.slack.calls_of("auth.test")) > 1)
        async with session.get(f"{service.url}/readyz") as response:
            assert response.status == 503
            assert "Slack refuses the token" in await response.text()
    assert "xoxb" not in caplog.text


async def test_a_card_goes_out_once_whoever_presses_it_is_heard(slack: LocalSlack, tmp_path: Path) -> None:
    """Before the first socket is open, Slack could bring no press."""
    stage = Stage.build(slack, tmp_path / "sayso.db")
    slack.fail(FaultKind.SLOW, "apps.connections.open", times=2, delay=timedelta(seconds=0.7))
    async with stage.running(connections=0):
        run_id, card = await stage.ask()
        assert slack.connections
        await stage.press(stage.ana, card, "✅ approve")
        assert await stage.service.answer(run_id) == "approve"
