"""Webhooks: signed, in order for each chat, again until 2xx, and lost when too old."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from sayso.testing.telegram import LocalTelegram
from tests.testing.telegram.support import YES_NO, RawBot


@dataclass
class Hook:
    """A bot's endpoint: it answers with the next of `answers`, then with 200."""

    url: str = ""
    answers: list[web.Response] = field(default_factory=list[web.Response])
    received: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    headers: list[str | None] = field(default_factory=list[str | None])
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.Request) -> web.Response:
        async with self.news:
            self.received.append(await request.json())
            self.headers.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
            self.news.notify_all()
        return self.answers.pop(0) if self.answers else web.Response()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with self.news:
            await self.news.wait_for(condition)

    @property
    def texts(self) -> list[str]:
        return [update["message"]["text"] for update in self.received]


@asynccontextmanager
async def _listening(hook: Hook) -> AsyncGenerator[Hook]:
    app = web.Application()
    app.router.add_post("/hook", hook.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield hook
    await runner.cleanup()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with _listening(Hook()) as listening:
        yield listening


async def test_updates_are_pushed_with_the_secret(telegram: LocalTelegram, bot: RawBot, hook: Hook) -> None:
    ana = telegram.add_person("Ana")
    await ana.say(None, "before")
    await bot.call("setWebhook", url=hook.url, secret_token="s_1")
    await ana.say(None, "after")
    await hook.until(lambda: len(hook.received) == 2)
    assert hook.texts == ["before", "after"]
    assert hook.headers == ["s_1", "s_1"]
    await telegram.until(lambda: telegram.pending_updates == [])
    info = (await bot.call("getWebhookInfo")).result
    assert (info["url"], info["pending_update_count"]) == (hook.url, 0)
    assert telegram.problems == []


async def test_the_same_update_comes_again_until_2xx(
    telegram: LocalTelegram, bot: RawBot, hook: Hook
) -> None:
    """The first repeat comes at once, the next after growing pauses; later updates of that chat wait."""
    ana, bo = telegram.add_person("Ana"), telegram.add_person("Bo")
    telegram.clock.freeze()
    hook.answers += [web.Response(status=500), web.Response(status=500)]
    await bot.call("setWebhook", url=hook.url)
    await ana.say(None, "one")
    await hook.until(lambda: len(hook.received) == 2)
    await ana.say(None, "two")
    await bo.say(None, "mine")
    await hook.until(lambda: len(hook.received) == 3)
    assert hook.texts == ["one", "one", "mine"]
    await telegram.until(lambda: telegram.webhook_failures == 2)
    telegram.clock.advance(timedelta(seconds=2))
    await hook.until(lambda: len(hook.received) == 5)
    assert hook.texts[3:] == ["one", "two"]
    assert hook.received[0] == hook.received[1] == hook.received[3]
    info = (await bot.call("getWebhookInfo")).result
    assert info["last_error_message"] == "Wrong response from the webhook: 500 Internal Server Error"


async def test_retry_after_is_honoured(telegram: LocalTelegram, bot: RawBot, hook: Hook) -> None:
    ana = telegram.add_person("Ana")
    telegram.clock.freeze()
    hook.answers.append(web.Response(status=503, headers={"Retry-After": "30"}))
    await bot.call("setWebhook", url=hook.url)
    await ana.say(None, "one")
    await telegram.until(lambda: telegram.webhook_failures == 1)
    telegram.clock.advance(timedelta(seconds=29))
    assert len(telegram.pending_updates) == 1
    telegram.clock.advance(timedelta(seconds=2))
    await hook.until(lambda: len(hook.received) == 2)
    assert hook.texts == ["one", "one"]


async def test_a_press_that_no_webhook_took_is_lost(telegram: LocalTelegram, bot: RawBot, hook: Hook) -> None:
    ana = telegram.add_person("Ana")
    await bot.send(ana.id, reply_markup=YES_NO)
    telegram.clock.freeze()
    hook.answers += [web.Response(status=500), web.Response(status=500)]
    await bot.call("setWebhook", url=hook.url)
    await ana.tap(await ana.last(), "Approve")
    await telegram.until(lambda: telegram.webhook_failures == 2)
    telegram.clock.advance(timedelta(seconds=151))
    assert [update.kind for update in telegram.lost_updates] == ["callback_query"]
    await ana.say(None, "still here")
    await hook.until(lambda: len(hook.received) == 3)
    assert "message" in hook.received[-1]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://bot.example/hook", "HTTPS URL must be provided"),
        ("https://bot.example:9000/", "only on ports"),
    ],
)
async def test_a_webhook_elsewhere_must_be_https_on_known_ports(bot: RawBot, url: str, words: str) -> None:
    status, description = (await bot.call("setWebhook", url=url)).refusal
    assert status == 400
    assert words in description
