"""Connections to Slack: several sockets, refused handshakes, dropped lines, signed requests."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from sayso.testing.slack import LocalSlack
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
        await slack.until(
            lambda: len(slack.calls_of("apps.connections.open")) >= opened + 2 and slack.connections == 2
        )
        await socket_stage.press(socket_stage.ana, card, "✅ approve")
        await socket_stage.until_shows(card, "APPROVED")


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
        await socket_stage.until_shows(card, "CANCELLED")


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
