"""The webhook: Telegram calls the service, and shows by a secret that it is Telegram."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from pydantic import SecretStr

from sayso.bots.telegram import TelegramSettings
from sayso.bots.telegram._api import make_api
from sayso.bots.telegram._chats import Chats
from sayso.bots.telegram._check import check_telegram
from sayso.bots.telegram._webhook import WebhookWatch
from sayso.engine import SQLiteStore
from sayso.testing.telegram import LocalTelegram
from tests.bots.chat_service import chat_service, health
from tests.bots.telegram.stage import Stage
from tests.engine.support import ManualClock

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
    assert (await hooked.ana.press(card, "✅ approve")).text == "Approved. The workflow continues."
    assert await hooked.service.answer(run_id) == "approve"
    assert hooked.telegram.calls_of("getUpdates") == []


async def test_the_same_update_twice_is_one_answer(hooked: Stage) -> None:
    run_id, card = await hooked.ask()
    press = await hooked.ana.tap(card, "✅ approve")
    await press.result()
    await hooked.ana.press_again(press)
    await hooked.until_shows(card, "finished")
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


async def test_a_webhook_that_telegram_cannot_reach_is_noticed_and_told_once(
    telegram: LocalTelegram, tmp_path: Path, unused_tcp_port: int
) -> None:
    """Nothing comes, so nothing fails here: Telegram has to be asked."""
    address = f"http://127.0.0.1:{unused_tcp_port}/telegram/webhook"
    hook = {"mode": "webhook", "webhook_url": address, "webhook_secret": SecretStr(SECRET)}
    stage = await Stage.build(telegram, tmp_path / "sayso.db", telegram=hook, port=unused_tcp_port)
    stage.settings = stage.settings.model_copy(update={"operator": f"telegram:{stage.eve.id}"})
    async with chat_service(stage.database, stage.settings) as service:
        stage.current = service
        assert await health(service, lambda found: not found) == {}
        run_id, card = await stage.ask()
        telegram.webhook_is_cut = True
        press = await stage.ana.tap(card, "✅ approve")
        problems = await health(service, lambda found: "telegram" in found)
        assert problems["telegram"].startswith("Telegram cannot reach the webhook: Connection failed")
        assert problems["telegram"].endswith("(1 update waits)")
        await telegram.until(lambda: stage.count() == 2)
        assert "Telegram cannot reach sayso: Connection failed" in (await stage.eve.last()).text
        telegram.webhook_is_cut = False
        telegram.clock.advance(timedelta(seconds=20))  # it tries again
        assert (await press.result()).text == "Approved. The workflow continues."
        assert await health(service, lambda found: not found) == {}
        assert await service.answer(run_id) == "approve"
        assert [row.kind async for row in service.store.reader.audit()].count("webhook_failing") == 1


@asynccontextmanager
async def holding_hook() -> AsyncGenerator[str]:
    """The address of a webhook of somebody who keeps everything that comes waiting, until the end."""
    released = asyncio.Event()

    async def take(_: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    finally:
        released.set()
        await runner.cleanup()


async def test_an_old_error_is_no_outage(telegram: LocalTelegram, tmp_path: Path) -> None:
    """Its date stands there for ever, also beside an update that is on its way."""
    stage = await Stage.build(telegram, tmp_path / "sayso.db")
    settings = stage.settings.section(TelegramSettings)
    assert settings is not None
    api, person = make_api(settings), telegram.people()[0]

    async def complaints(address: str) -> list[str]:
        hooked = settings.model_copy(update={"mode": "webhook", "webhook_url": address})
        found = await check_telegram(api, Chats(stage.settings), stage.settings, hooked)
        return [one.what for one in found if one.subject == "Telegram updates" and not one.is_good]

    alarms: list[str] = []
    async with holding_hook() as address, SQLiteStore(tmp_path / "sayso.db") as store, api:
        with api.calling() as bot:
            await bot.set_webhook(address)
        watch = WebhookWatch(api, store, address, lambda: alarms.append("one"))
        assert await watch.look() is None
        telegram.webhook_is_cut = True
        await person.say(None, "hello")
        await telegram.until(lambda: telegram.webhook_failures > 0)
        assert await watch.look() is not None, "it waits, and an error is new"
        assert len(await complaints(address)) == 1
        telegram.webhook_is_cut = False
        telegram.clock.advance(timedelta(hours=25))
        assert await watch.look() is None, "nothing waits any more: it has expired"
        assert await complaints(address) == []
        await person.say(None, "hello again")
        assert len(telegram.pending_updates) == 1
        assert await watch.look() is None, "one is on its way, and the error is the old one"
        with api.calling() as bot:
            await bot.delete_webhook()
        assert "is set to no address" in str(await watch.look())
        assert alarms == []
        assert await watch.look() is not None
        assert alarms == ["one"], "a second look in a row found it so"


async def test_after_an_outage_of_the_webhook_the_open_cards_are_posted_anew(
    telegram: LocalTelegram, tmp_path: Path, unused_tcp_port: int
) -> None:
    """The service ran all the time; the press that could not be delivered has expired."""
    address = f"http://127.0.0.1:{unused_tcp_port}/telegram/webhook"
    hook = {"mode": "webhook", "webhook_url": address, "webhook_secret": SecretStr(SECRET)}
    stage = await Stage.build(telegram, tmp_path / "sayso.db", telegram=hook, port=unused_tcp_port)
    clock = ManualClock()
    async with chat_service(stage.database, stage.settings, clock=clock) as service:
        stage.current = service
        await health(service, lambda found: not found)
        run_id, card = await stage.ask()
        telegram.webhook_is_cut = True
        await stage.ana.tap(card, "✅ approve")
        await health(service, lambda found: "telegram" in found)
        clock.advance(timedelta(minutes=10))
        telegram.clock.advance(timedelta(minutes=10))
        telegram.webhook_is_cut = False
        await stage.until_shows(card, "Posted again below.")
        anew = await stage.card()
        assert "Buttons pressed then were lost; please press again." in anew.text
        assert len(telegram.lost_updates) == 1
        assert (await stage.ana.press(anew, "✅ approve")).text == "Approved. The workflow continues."
        assert await service.answer(run_id) == "approve"
