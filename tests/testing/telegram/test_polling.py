"""getUpdates: nothing is lost before it is confirmed, nothing comes after, and two receivers are told so."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, cast

from telegram import Update
from telegram.ext import ExtBot

from sayso.testing.telegram import LocalTelegram
from tests.testing.telegram.support import YES_NO, RawBot


async def test_an_update_comes_again_until_a_higher_offset_confirms_it(
    telegram: LocalTelegram, bot: RawBot
) -> None:
    ana = telegram.add_person("Ana")
    await ana.say(None, "one")
    await ana.say(None, "two")
    first, second = await bot.updates()
    assert [u["message"]["text"] for u in (first, second)] == ["one", "two"]
    assert second["update_id"] == first["update_id"] + 1
    assert await bot.updates() == [first, second]
    assert await bot.updates(limit=1) == [first]
    assert await bot.updates(second["update_id"]) == [second]
    assert await bot.updates(second["update_id"] + 1) == []
    assert await bot.updates() == []
    assert telegram.pending_updates == []


async def test_a_negative_offset_keeps_only_the_newest(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    for text in ("one", "two", "three"):
        await ana.say(None, text)
    assert [u["message"]["text"] for u in await bot.updates(-1)] == ["three"]
    assert len(telegram.pending_updates) == 1


async def test_a_long_poll_ends_when_something_happens(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    async with asyncio.TaskGroup() as group:
        poll = group.create_task(bot.updates(timeout=50))
        await telegram.until(lambda: telegram.is_polled)
        await ana.say(None, "hello")
    assert [u["message"]["text"] for u in poll.result()] == ["hello"]


async def test_a_second_poller_ends_the_first_with_409(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    async with asyncio.TaskGroup() as group:
        first = group.create_task(bot.call("getUpdates", timeout=50))
        await telegram.until(lambda: telegram.is_polled)
        second = group.create_task(bot.call("getUpdates", timeout=50))
        await telegram.until(lambda: first.done() or len(telegram.calls) == 1)
        await telegram.until(lambda: telegram.is_polled)
        await ana.say(None, "hello")
    status, words = first.result().refusal
    assert status == 409
    assert words.startswith("Conflict: terminated by other getUpdates request")
    assert len(second.result().result) == 1
    assert telegram.problems == []


async def test_who_polled_and_died_polls_no_more(telegram: LocalTelegram, bot: RawBot) -> None:
    async with asyncio.TaskGroup() as group:
        poll = group.create_task(bot.call("getUpdates", timeout=50))
        await telegram.until(lambda: telegram.is_polled)
        poll.cancel()
    await bot.call("getMe")
    assert not telegram.is_polled
    async with asyncio.TaskGroup() as group:
        poll = group.create_task(bot.call("getUpdates", timeout=50))
        await telegram.until(lambda: telegram.is_polled)
        await telegram.add_person("Ana").say(None, "hello")
    assert len(poll.result().result) == 1


async def test_a_webhook_ends_the_poll_and_forbids_the_next(telegram: LocalTelegram, bot: RawBot) -> None:
    async with asyncio.TaskGroup() as group:
        poll = group.create_task(bot.call("getUpdates", timeout=50))
        await telegram.until(lambda: telegram.is_polled)
        await bot.call("setWebhook", url="https://bot.example/hook")
    assert poll.result().refusal == (409, "Conflict: terminated by setWebhook request")
    status, words = (await bot.call("getUpdates")).refusal
    assert (status, "can't use getUpdates method while webhook is active" in words) == (409, True)
    await bot.call("deleteWebhook")
    assert await bot.updates() == []


async def test_a_press_is_lost_after_150_seconds_and_a_message_after_a_day(
    telegram: LocalTelegram, bot: RawBot
) -> None:
    """A bot that was down longer never learns of the press: it has to ask again."""
    ana = telegram.add_person("Ana")
    await bot.send(ana.id, reply_markup=YES_NO)
    telegram.clock.freeze()
    await ana.say(None, "hello")
    await ana.tap(await ana.now((await ana.sees())[0]), "Approve")
    telegram.clock.advance(timedelta(seconds=149))
    assert len(await bot.updates()) == 2
    telegram.clock.advance(timedelta(seconds=1))
    assert [list(update)[1] for update in await bot.updates()] == ["message"]
    assert [update.kind for update in telegram.lost_updates] == ["callback_query"]
    telegram.clock.advance(timedelta(hours=24))
    assert await bot.updates() == []


async def test_only_allowed_updates_are_kept(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    await bot.updates(allowed_updates=["callback_query"])
    await ana.say(None, "hello")
    assert await bot.updates() == []
    await bot.updates(allowed_updates=[])
    await ana.say(None, "again")
    assert len(await bot.updates()) == 1


async def test_the_library_reads_raw_updates(telegram: LocalTelegram, library_bot: ExtBot[None]) -> None:
    """The way in which a bot confirms only what it has committed; the library warns at the name in its own spelling."""
    ana = telegram.add_person("Ana", username="ana_a")
    sent = await library_bot.send_message(ana.id, "Publish?")
    await ana.reply(await ana.last(), "yes")
    raw = await library_bot.do_api_request(
        "getupdates", api_kwargs={"timeout": 5, "allowed_updates": ["message"]}
    )
    update = Update.de_json(cast("list[Any]", raw)[0], library_bot)
    assert update.message
    assert update.message.from_user
    assert (update.message.text, update.message.from_user.username) == ("yes", "ana_a")
    assert update.message.reply_to_message
    assert update.message.reply_to_message.message_id == sent.message_id
    assert telegram.problems == []
