"""The webhook: Telegram calls the service, and shows by a secret that it is Telegram."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from sayso.testing.telegram import LocalTelegram
from tests.bots.chat_service import chat_service
from tests.bots.telegram.stage import Stage

SECRET = "a-secret-of-the-webhook"


@pytest.fixture
async def hooked(telegram: LocalTelegram, tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[Stage]:
    """The service on a port that is known before it starts, for Telegram is told its address."""
    address = f"http://127.0.0.1:{unused_tcp_port}/telegram/webhook"
    hook = {"mode": "webhook", "webhook_url": address, "webhook_secret": SecretStr(SECRET)}
    stage = await Stage.build(telegram, tmp_path / "sayso.db", telegram=hook, port=unused_tcp_port)
    async with chat_service(stage.database, stage.settings) as service:
        stage.current = service
        await telegram.until(lambda: bool(telegram.calls_of("setWebhook")))
        yield stage


async def test_a_press_comes_by_the_webhook(hooked: Stage) -> None:
    run_id, card = await hooked.ask()
    assert (await hooked.ana.press(card, "✅ approve")).text == "Approved. The run goes on."
    assert await hooked.service.answer(run_id) == "approve"
    assert hooked.telegram.calls_of("getUpdates") == []


async def test_the_same_update_twice_is_one_answer(hooked: Stage) -> None:
    run_id, card = await hooked.ask()
    press = await hooked.ana.tap(card, "✅ approve")
    await press.result()
    await hooked.ana.press_again(press)
    await hooked.until_shows(card, "done")
    assert len((await hooked.service.card(run_id)).votes) == 1


async def test_who_does_not_know_the_secret_is_turned_away(hooked: Stage) -> None:
    address = f"{hooked.service.url}/telegram/webhook"
    header = "X-Telegram-Bot-Api-Secret-Token"
    async with httpx.AsyncClient() as client:
        update = {"update_id": 1}
        assert (await client.post(address, json=update)).status_code == 403
        assert (await client.post(address, json=update, headers={header: "guess"})).status_code == 403
        assert (await client.post(address, content=b"{", headers={header: SECRET})).status_code == 400
        assert (await client.post(address, json=update, headers={header: SECRET})).status_code == 200
