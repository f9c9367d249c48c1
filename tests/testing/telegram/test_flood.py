"""Flood limits, on the server's clock: what is too much is refused, and the wait that is named is enough."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from sayso.testing.telegram import LocalTelegram, TelegramLimits
from tests.testing.telegram.support import RawBot, Reply


@pytest.fixture
async def telegram() -> AsyncIterator[LocalTelegram]:
    """With the real limits, on a clock that stands."""
    async with LocalTelegram() as server:
        server.clock.freeze()
        yield server


@pytest.fixture
async def bot(telegram: LocalTelegram) -> AsyncIterator[RawBot]:
    async with httpx.AsyncClient() as client:
        yield RawBot(client, telegram)


async def _send(bot: RawBot, chat_id: int, **parameters: Any) -> Reply:
    return await bot.call("sendMessage", chat_id=chat_id, text="x", **parameters)


async def test_one_chat_takes_a_short_burst_and_then_one_a_second(
    telegram: LocalTelegram, bot: RawBot
) -> None:
    ana, bo = telegram.add_person("Ana"), telegram.add_person("Bo")
    assert [(await _send(bot, ana.id)).status for _ in range(4)] == [200, 200, 200, 429]
    refused = await _send(bot, ana.id)
    assert refused.refusal == (429, "Too Many Requests: retry after 1")
    assert refused.body["parameters"] == {"retry_after": 1}
    assert refused.headers["Retry-After"] == "1"
    assert (await _send(bot, bo.id)).status == 200
    for _ in range(30):
        telegram.clock.advance(timedelta(seconds=1))
        assert (await _send(bot, ana.id)).status == 200
        assert (await _send(bot, ana.id)).status == 429
    assert telegram.problems == []


async def test_edits_count_and_acknowledgements_do_not(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    markup = {"inline_keyboard": [[{"text": "Approve", "callback_data": "a"}]]}
    sent = (await _send(bot, ana.id, reply_markup=markup)).result["message_id"]
    presses = [await ana.tap(await ana.last(), "Approve") for _ in range(9)]
    edits = [
        (
            await bot.call(
                "editMessageText", chat_id=ana.id, message_id=sent, text=f"{n}", reply_markup=markup
            )
        ).status
        for n in range(3)
    ]
    assert edits == [200, 200, 429]
    for press in presses:
        assert (await bot.call("answerCallbackQuery", callback_query_id=press.query_id)).status == 200


async def test_a_group_takes_twenty_a_minute(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    group = await telegram.add_group("Releases", [ana])
    for _ in range(20):
        assert (await _send(bot, group.id)).status == 200
        telegram.clock.advance(timedelta(seconds=1))
    refused = await _send(bot, group.id)
    assert refused.body["parameters"] == {"retry_after": 40}
    telegram.clock.advance(timedelta(seconds=40))
    assert (await _send(bot, group.id)).status == 200


async def test_three_seconds_apart_a_group_never_refuses(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    group = await telegram.add_group("Releases", [ana])
    for _ in range(60):
        assert (await _send(bot, group.id)).status == 200
        telegram.clock.advance(timedelta(seconds=3))


async def test_all_chats_together_take_thirty_a_second(telegram: LocalTelegram, bot: RawBot) -> None:
    people = [telegram.add_person(f"P{n}") for n in range(31)]
    assert [(await _send(bot, person.id)).status for person in people] == [200] * 30 + [429]
    telegram.clock.advance(timedelta(seconds=1))
    assert (await _send(bot, people[-1].id)).status == 200


async def test_limits_are_settings(telegram: LocalTelegram) -> None:
    limits = TelegramLimits(chat_burst=1, press_lifetime=timedelta(seconds=5))
    async with LocalTelegram(limits=limits) as other, httpx.AsyncClient() as client:
        other.clock.freeze()
        ana = other.add_person("Ana")
        bot = RawBot(client, other)
        assert [(await _send(bot, ana.id)).status for _ in range(2)] == [200, 429]
