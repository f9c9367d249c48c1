"""Edits: what is not said again is gone, what is unchanged is refused, and only the bot's own messages change."""

from __future__ import annotations

import pytest

from sayso.testing.platform import Impossible
from sayso.testing.telegram import LocalTelegram
from tests.testing.telegram.support import YES_NO, RawBot


async def test_an_edit_without_markup_drops_the_keyboard(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    sent = await bot.send(ana.id, "Publish?", reply_markup=YES_NO)
    seen = await ana.last()
    assert seen.labels == [["Approve", "Reject"]]
    edited = await bot.call(
        "editMessageText", chat_id=ana.id, message_id=sent["message_id"], text="Published"
    )
    assert "reply_markup" not in edited.result
    assert edited.result["edit_date"] >= sent["date"]
    now = await ana.now(seen)
    assert (now.text, now.labels, now.version) == ("Published", [], 2)


async def test_the_markup_alone_can_change(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    sent = await bot.send(ana.id, "Publish?", reply_markup=YES_NO)
    await bot.call("editMessageReplyMarkup", chat_id=ana.id, message_id=sent["message_id"])
    assert ((await ana.last()).text, (await ana.last()).labels) == ("Publish?", [])


async def test_an_edit_that_changes_nothing_is_refused_but_is_no_bug(
    telegram: LocalTelegram, bot: RawBot
) -> None:
    ana = telegram.add_person("Ana")
    sent = await bot.send(ana.id, "Publish?", reply_markup=YES_NO)
    reply = await bot.call(
        "editMessageText", chat_id=ana.id, message_id=sent["message_id"], text="Publish?", reply_markup=YES_NO
    )
    status, words = reply.refusal
    assert status == 400
    assert words.startswith("Bad Request: message is not modified: specified new message content")
    assert telegram.problems == []


async def test_people_edit_forward_and_attach(telegram: LocalTelegram, bot: RawBot) -> None:
    ana, bo = telegram.add_person("Ana"), telegram.add_person("Bo")
    group = await telegram.add_group("Releases", [ana, bo])
    await bot.send(group.id)
    asked = await ana.last(group)
    await bot.confirm_all()
    said = await ana.reply(asked, "yes")
    assert (await ana.edit(said, "no")).version == 2
    await ana.forward(None, "yes", author="Bo")
    await ana.reply(asked, "", file=b"a picture")
    with pytest.raises(Impossible, match="somebody else's"):
        await bo.edit(said, "maybe")
    _, edited, forwarded, file = await bot.confirm_all()
    assert (edited["edited_message"]["text"], edited["edited_message"]["message_id"]) == (
        "no",
        said.message_id,
    )
    assert edited["edited_message"]["reply_to_message"]["message_id"] == asked.message_id
    assert forwarded["message"]["forward_origin"]["sender_user_name"] == "Bo"
    assert "text" not in file["message"]
    assert file["message"]["document"]["file_name"] == "attached"
    assert telegram.problems == []


async def test_an_edit_takes_no_reply_keyboard(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    sent = await bot.send(ana.id)
    markup = {"force_reply": True}
    reply = await bot.call(
        "editMessageText", chat_id=ana.id, message_id=sent["message_id"], text="y", reply_markup=markup
    )
    assert "inline keyboard expected" in reply.refusal[1]


async def test_what_is_not_there_or_not_ours_cannot_be_edited(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    said = await ana.say(None, "hello")
    sent = await bot.send(ana.id)
    assert (await bot.call("deleteMessage", chat_id=ana.id, message_id=sent["message_id"])).result is True
    for message_id, words in (
        (said.message_id, "message can't be edited"),
        (sent["message_id"], "message to edit not found"),
        (999, "message to edit not found"),
    ):
        reply = await bot.call("editMessageText", chat_id=ana.id, message_id=message_id, text="x")
        assert reply.refusal == (400, f"Bad Request: {words}")
    gone = await bot.call("deleteMessage", chat_id=ana.id, message_id=sent["message_id"])
    assert gone.refusal == (400, "Bad Request: message to delete not found")


async def test_a_reply_needs_its_message_unless_it_may_go_without(
    telegram: LocalTelegram, bot: RawBot
) -> None:
    ana = telegram.add_person("Ana")
    reply = await bot.call("sendMessage", chat_id=ana.id, text="x", reply_parameters={"message_id": 99})
    assert reply.refusal == (400, "Bad Request: message to be replied not found")
    sent = await bot.send(
        ana.id, "x", reply_parameters={"message_id": 99, "allow_sending_without_reply": True}
    )
    assert "reply_to_message" not in sent
    again = await bot.send(ana.id, "y", reply_parameters={"message_id": sent["message_id"]})
    assert again["reply_to_message"]["message_id"] == sent["message_id"]
    assert (await ana.last()).reply_to == sent["message_id"]
