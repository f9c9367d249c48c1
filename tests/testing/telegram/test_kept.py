"""What the bot is answered, and what a press brings, is the message as Telegram keeps it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from sayso.testing.telegram import (
    CallbackQueryMode,
    Group,
    Impossible,
    LocalTelegram,
    Person,
    TelegramLimits,
)
from tests.testing.telegram.support import YES_NO, RawBot

DAY = timedelta(days=1)
HTML = {"parse_mode": "HTML"}
RAW = "  <b>R&amp;D</b> &copy\r\n<i>see</i> @alice_b\t\n"
TEXT = "R&D &copy\nsee @alice_b"
BOLD = {"type": "bold", "offset": 0, "length": 3}


@pytest.fixture
def ana(telegram: LocalTelegram) -> Person:
    return telegram.add_person("Ana")


async def pressed(bot: RawBot, press: Any) -> dict[str, Any]:
    """The callback query of a press."""
    await bot.confirm_all()
    await press
    (update,) = await bot.updates()
    query: dict[str, Any] = update["callback_query"]
    return query


async def test_answers_and_the_press_carry_one_and_the_same_message(bot: RawBot, ana: Person) -> None:
    sent = await bot.send(ana.id, RAW, reply_markup=YES_NO, **HTML)
    assert sent["text"] == TEXT
    assert sent["entities"][0] == BOLD
    assert [one["type"] for one in sent["entities"]] == ["bold", "italic", "mention"]
    assert sent["reply_markup"] == YES_NO
    query = await pressed(bot, ana.tap(await ana.last(), "Approve"))
    assert query["message"] == sent
    edited = (
        await bot.call(
            "editMessageText", chat_id=ana.id, message_id=sent["message_id"], text=" <u>x</u> ",
            reply_markup=YES_NO, **HTML,
        )
    ).result  # fmt: skip
    assert (edited["text"], edited["reply_markup"]) == ("x", YES_NO)
    assert (await pressed(bot, ana.tap(await ana.last(), "Approve")))["message"] == edited
    bare = (await bot.call("editMessageReplyMarkup", chat_id=ana.id, message_id=sent["message_id"])).result
    assert (bare["text"], "reply_markup" in bare) == ("x", False)


async def test_what_is_kept_already_is_not_modified(bot: RawBot, ana: Person) -> None:
    """An edit that says the same in other bytes changes nothing, and is answered without a message."""
    sent = await bot.send(ana.id, RAW, reply_markup=YES_NO, **HTML)
    where = {"chat_id": ana.id, "message_id": sent["message_id"]}
    reply = await bot.call("editMessageText", text=f"\n{RAW} ", reply_markup=YES_NO, **where, **HTML)
    assert reply.status == 400
    assert "message is not modified" in reply.body["description"]
    assert "result" not in reply.body


async def test_labels_and_addresses_of_buttons_come_back_as_telegram_writes_them(
    bot: RawBot, ana: Person
) -> None:
    rows = [
        [{"text": "Yes\r\u202e\tno", "callback_data": "\t1"}],
        [{"text": "Docs", "url": "https://A.example"}],
    ]
    sent = await bot.send(ana.id, reply_markup={"inline_keyboard": rows})
    assert sent["reply_markup"]["inline_keyboard"] == [
        [{"text": "Yes no", "callback_data": "\t1"}],
        [{"text": "Docs", "url": "https://a.example/"}],
    ]


PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
PICTURE = PNG + bytes([0, 0, 0, 9, 0, 0, 0, 9])


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (b"bytes", "IMAGE_PROCESS_FAILED"),
        (PNG + bytes([0, 0, 0, 1, 0, 0, 0, 21]), "PHOTO_INVALID_DIMENSIONS"),
        (PNG + bytes([0, 0, 0x20, 0, 0, 0, 0x20, 0]), "PHOTO_INVALID_DIMENSIONS"),
        (PICTURE + bytes(10_000_000), "file of size 10000024 bytes is too big for a photo"),
    ],
)
async def test_what_is_no_photo_is_refused(bot: RawBot, ana: Person, picture: bytes, words: str) -> None:
    """Or a card's picture would be lost with the real one alone."""
    response = await bot.client.post(
        f"{bot.url}/sendPhoto", data={"chat_id": str(ana.id)}, files={"photo": ("a.png", picture)}
    )
    assert (response.status_code, response.json()["description"]) == (400, f"Bad Request: {words}")


@pytest.mark.parametrize("kind", ["document", "photo"])
async def test_below_a_file_stands_a_caption_and_no_text(bot: RawBot, ana: Person, kind: str) -> None:
    fields = {"chat_id": str(ana.id), "caption": "<b>R&amp;D</b>?", "parse_mode": "HTML"}
    response = await bot.client.post(
        f"{bot.url}/send{kind.title()}",
        data={**fields, "reply_markup": '{"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}'},
        files={kind: ("a.png", PICTURE)},
    )
    sent = response.json()["result"]
    assert (sent["caption"], sent["caption_entities"], "text" in sent) == ("R&D?", [BOLD], False)
    assert kind in sent
    query = await pressed(bot, ana.tap(await ana.last(), "Go"))
    assert query["message"] == sent
    where = {"chat_id": ana.id, "message_id": sent["message_id"]}
    edited = await bot.call("editMessageCaption", caption="later", **where)
    assert (edited.result["caption"], kind in edited.result) == ("later", True)
    refused = await bot.call("editMessageText", text="x", **where)
    assert refused.refusal == (400, "Bad Request: there is no text in the message to edit")


async def test_a_message_without_a_file_has_no_caption(bot: RawBot, ana: Person) -> None:
    sent = await bot.send(ana.id)
    refused = await bot.call("editMessageCaption", chat_id=ana.id, message_id=sent["message_id"], caption="x")
    assert refused.refusal == (400, "Bad Request: there is no caption in the message to edit")


async def test_buttons_with_the_same_data_or_label_are_pressed_by_their_place(
    bot: RawBot, ana: Person
) -> None:
    rows = [
        [{"text": "Approve", "callback_data": "1"}, {"text": "Reject", "callback_data": "1"}],
        [{"text": "Approve", "callback_data": "2"}],
    ]
    await bot.send(ana.id, reply_markup={"inline_keyboard": rows})
    seen = await ana.last()
    with pytest.raises(Impossible, match="2 buttons say 'Approve'"):
        await ana.tap(seen, "Approve")
    assert (await pressed(bot, ana.tap(seen, position=1)))["data"] == "1"
    assert (await pressed(bot, ana.tap(seen, "Approve", position=2)))["data"] == "2"
    with pytest.raises(Impossible, match="there is no button 'Reject' at 0"):
        await ana.tap(seen, "Reject", position=0)
    with pytest.raises(Impossible, match="there is no button '' at 3"):
        await ana.tap(seen, position=3)


# --- age ---------------------------------------------------------------------------------------------------


async def test_a_press_on_an_old_message_brings_nothing_of_it(
    telegram: LocalTelegram, bot: RawBot, ana: Person
) -> None:
    sent = await bot.send(ana.id, reply_markup=YES_NO)
    telegram.clock.advance(2 * DAY - timedelta(minutes=1))
    assert (await pressed(bot, ana.tap(await ana.last(), "Approve")))["message"] == sent
    telegram.clock.advance(timedelta(minutes=2))
    press = await ana.tap(await ana.last(), "Approve")
    await ana.press_again(press)
    *_, first, again = (one["callback_query"] for one in await bot.updates())
    assert first["message"] == {"chat": sent["chat"], "message_id": sent["message_id"], "date": 0}
    assert again == first
    assert first["data"] == "approve"


async def test_the_age_is_a_setting() -> None:
    limits = TelegramLimits(accessible_for=timedelta(hours=3))
    async with LocalTelegram(limits=limits) as telegram:
        ana = telegram.add_person("Ana")
        async with httpx.AsyncClient() as client:
            bot = RawBot(client, telegram)
            await bot.send(ana.id, reply_markup=YES_NO)
            telegram.clock.advance(timedelta(hours=4))
            query = await pressed(bot, ana.tap(await ana.last(), "Approve"))
    assert query["message"]["date"] == 0


async def test_the_bot_edits_its_own_old_messages_but_deletes_only_new_ones(
    telegram: LocalTelegram, bot: RawBot, ana: Person
) -> None:
    group = await telegram.add_group("team", [ana])
    places: list[dict[str, Any]] = []
    for chat_id in (ana.id, group.id):
        sent = await bot.send(chat_id, reply_markup=YES_NO)
        places.append({"chat_id": chat_id, "message_id": sent["message_id"]})
    telegram.clock.advance(10 * DAY)
    for place in places:
        assert (await bot.call("editMessageText", text="later", **place)).result["text"] == "later"
        refused = await bot.call("deleteMessage", **place)
        assert refused.refusal == (400, "Bad Request: message can't be deleted")
    await group.promote_bot()
    assert (await bot.call("deleteMessage", **places[-1])).result is True


# --- topics and inline presses -----------------------------------------------------------------------------


async def test_a_closed_topic_takes_nothing_until_it_is_open_again(
    telegram: LocalTelegram, bot: RawBot, ana: Person
) -> None:
    bo = telegram.add_person("Bo")
    forum: Group = await telegram.add_group("forum", [ana, bo], forum=True)
    topic = await forum.open_topic("releases")
    sent = await bot.send(forum.id, message_thread_id=topic, reply_markup=YES_NO)
    await bot.confirm_all()
    await forum.close_topic(topic)
    (closed,) = await bot.confirm_all()
    assert (closed["message"]["forum_topic_closed"], closed["message"]["message_thread_id"]) == ({}, topic)
    refused = await bot.call("sendMessage", chat_id=forum.id, text="x", message_thread_id=topic)
    assert refused.refusal == (400, "Bad Request: TOPIC_CLOSED")
    reply = {"message_id": sent["message_id"]}
    refused = await bot.call("sendMessage", chat_id=forum.id, text="x", reply_parameters=reply)
    assert refused.refusal == (400, "Bad Request: TOPIC_CLOSED")
    with pytest.raises(Impossible, match="is closed"):
        await bo.say(forum, "x", topic=topic)
    await ana.say(forum, "administrators may", topic=topic)
    await bot.confirm_all()
    await forum.reopen_topic(topic)
    (opened,) = await bot.confirm_all()
    assert opened["message"]["forum_topic_reopened"] == {}
    await bot.send(forum.id, message_thread_id=topic)
    with pytest.raises(Impossible, match="is not closed"):
        await forum.reopen_topic(topic)
    assert telegram.problems == []


async def test_a_press_can_come_with_a_name_for_its_message_alone(
    telegram: LocalTelegram, bot: RawBot, ana: Person
) -> None:
    await bot.send(ana.id, reply_markup=YES_NO)
    assert "callback_query_mode" not in (await bot.call("getMe")).result
    telegram.callback_query_mode = CallbackQueryMode.INLINE
    query = await pressed(bot, ana.tap(await ana.last(), "Approve"))
    assert "message" not in query
    assert (query["data"], bool(query["inline_message_id"])) == ("approve", True)
    assert (await bot.call("answerCallbackQuery", callback_query_id=query["id"])).result is True
    assert (await bot.call("getMe")).result["callback_query_mode"] == "inline"
    assert telegram.problems == []
