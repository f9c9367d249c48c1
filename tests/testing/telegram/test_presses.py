"""Presses: what the bot is told, what the person sees, and all the ways in which a press is late or strange."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import BadRequest
from telegram.ext import ExtBot

from sayso.testing.telegram import Impossible, LocalTelegram
from tests.testing.telegram.support import YES_NO, RawBot, keyboard

TOO_OLD = (400, "Bad Request: query is too old and response timeout expired or query ID is invalid")


async def test_a_person_sees_what_the_bot_answers(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    await bot.send(ana.id, reply_markup=YES_NO)
    press = await ana.tap(await ana.last(), "Approve")
    query = (await bot.updates())[0]["callback_query"]
    assert (query["data"], query["from"]["first_name"]) == ("approve", "Ana")
    assert query["message"]["reply_markup"] == YES_NO
    await bot.call("answerCallbackQuery", callback_query_id=query["id"], text="Approved.", show_alert=True)
    result = await press.result()
    assert (result.is_acknowledged, result.text, result.is_alert) == (True, "Approved.", True)
    assert result.took < timedelta(seconds=10)
    assert telegram.problems == []


async def test_press_waits_for_the_answer(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    await bot.send(ana.id, reply_markup=YES_NO)
    async with asyncio.TaskGroup() as group:
        press = group.create_task(ana.press(await ana.last(), "Reject"))
        query = (await bot.updates(timeout=20))[0]["callback_query"]
        await bot.call("answerCallbackQuery", callback_query_id=query["id"])
    assert (press.result().is_acknowledged, press.result().text) == (True, None)


async def test_a_press_can_be_answered_once_and_in_time(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    await bot.send(ana.id, reply_markup=YES_NO)
    first = await ana.tap(await ana.last(), "Approve")
    assert (await bot.call("answerCallbackQuery", callback_query_id=first.query_id)).result is True
    assert (await bot.call("answerCallbackQuery", callback_query_id=first.query_id)).refusal == TOO_OLD
    assert (await bot.call("answerCallbackQuery", callback_query_id="1")).refusal == TOO_OLD
    late = await ana.tap(await ana.last(), "Approve")
    telegram.clock.advance(timedelta(seconds=61))
    assert (await bot.call("answerCallbackQuery", callback_query_id=late.query_id)).refusal == TOO_OLD
    assert (await late.result()).is_acknowledged is False
    assert telegram.problems == []


async def test_a_press_on_an_old_view_carries_the_old_data(telegram: LocalTelegram, bot: RawBot) -> None:
    """An app that was offline shows the old keyboard still: every press must name the revision it saw."""
    ana = telegram.add_person("Ana")
    sent = await bot.send(ana.id, reply_markup=YES_NO)
    old = await ana.last()
    changed = keyboard(["Publish"])
    where = {"chat_id": ana.id, "message_id": sent["message_id"]}
    await bot.call("editMessageText", **where, text="Changed", reply_markup=changed)
    with pytest.raises(Impossible, match="Approve"):
        await ana.tap(old, "Approve")
    await ana.tap(old, "Approve", old_view=True)
    await bot.call("deleteMessage", **where)
    await ana.tap(old, "Reject", old_view=True)
    first, second = (update["callback_query"] for update in await bot.updates())
    assert (first["data"], first["message"]["text"]) == ("approve", "Changed")
    assert second["message"] == {
        "chat": first["message"]["chat"],
        "message_id": sent["message_id"],
        "date": 0,
    }
    assert telegram.problems == []


async def test_the_same_query_can_come_twice(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    await bot.send(ana.id, reply_markup=YES_NO)
    press = await ana.tap(await ana.last(), "Approve")
    await ana.press_again(press)
    first, second = await bot.updates()
    assert first["callback_query"] == second["callback_query"]
    assert first["update_id"] != second["update_id"]


async def test_the_library_reads_a_press_on_a_message_that_is_too_old(
    telegram: LocalTelegram, library_bot: ExtBot[None]
) -> None:
    ana = telegram.add_person("Ana")
    markup = InlineKeyboardMarkup.from_button(InlineKeyboardButton("Approve", callback_data="a"))
    await library_bot.send_message(ana.id, "Publish?", reply_markup=markup)
    press = await ana.tap(await ana.last(), "Approve", inaccessible=True)
    update = (await library_bot.get_updates())[0]
    assert isinstance(update, Update)
    assert update.callback_query
    assert update.callback_query.message
    assert not update.callback_query.message.is_accessible
    await update.callback_query.answer("Approved.")
    assert (await press.result()).text == "Approved."
    with pytest.raises(BadRequest, match="Query is too old"):
        await update.callback_query.answer("Again")


async def test_links_and_disabled_buttons_send_nothing(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana", has_started=True)
    rows: list[list[dict[str, Any]]] = [
        [{"text": "Docs", "url": "https://a.example"}, {"text": "Done", "disabled": {}}]
    ]
    await bot.send(ana.id, reply_markup={"inline_keyboard": rows})
    seen = await ana.last()
    assert (seen.keyboard[0][0].url, seen.keyboard[0][1].is_disabled) == ("https://a.example/", True)
    for label in ("Docs", "Done"):
        with pytest.raises(Impossible):
            await ana.tap(seen, label)
    assert await ana.follow(seen, "Docs") == "https://a.example/"
    assert await bot.updates() == []


async def test_a_deep_link_starts_the_bot_with_its_payload(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana", has_started=False)
    group = await telegram.add_group("Releases", [ana])
    url = "https://t.me/sayso_bot?start=r_8f3a"
    await bot.send(group.id, reply_markup={"inline_keyboard": [[{"text": "In private", "url": url}]]})
    await ana.follow(await ana.last(group), "In private")
    message = (await bot.updates())[-1]["message"]
    assert (message["text"], message["chat"]["type"]) == ("/start r_8f3a", "private")
    assert message["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]
