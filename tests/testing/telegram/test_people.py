"""What people see: plain text, buttons with colours, replies that the app opens for the right person."""

from __future__ import annotations

from sayso.testing.telegram import LocalTelegram, SeenEntity
from tests.testing.telegram.support import RawBot


async def test_a_person_sees_words_not_markup(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    text = (
        f'<b>Publish</b> &lt;b&gt;4.2&lt;/b&gt;? Ask <a href="tg://user?id={ana.id}">Ana</a>, see @releases'
    )
    buttons = [[{"text": "Approve", "callback_data": "a", "style": "success"}]]
    await bot.send(ana.id, text, parse_mode="HTML", reply_markup={"inline_keyboard": buttons})
    seen = await ana.last()
    assert (seen.sender, seen.text) == ("sayso", "Publish <b>4.2</b>? Ask Ana, see @releases")
    assert seen.entities == (
        SeenEntity("bold", "Publish", None),
        SeenEntity("text_mention", "Ana", str(ana.id)),
        SeenEntity("mention", "@releases", None),
    )
    assert seen.keyboard[0][0].style == "success"


async def test_a_selective_reply_opens_for_the_person_who_is_answered(
    telegram: LocalTelegram, bot: RawBot
) -> None:
    ana, bo = telegram.add_person("Ana"), telegram.add_person("Bo", username="bo_b")
    group = await telegram.add_group("Releases", [ana, bo])
    said = await ana.command(group, "/answer")
    force = {"force_reply": True, "selective": True, "input_field_placeholder": "a number"}
    reply_to = {"message_id": said.message_id}
    await bot.send(group.id, "Which number?", reply_parameters=reply_to, reply_markup=force)
    asked = await ana.last(group)
    assert (asked.asks_reply, asked.placeholder) == (True, "a number")
    assert not (await bo.last(group)).asks_reply
    await bot.send(group.id, "And you, @bo_b?", reply_markup=force)
    assert (await bo.last(group)).asks_reply
    assert not (await ana.last(group)).asks_reply
    await ana.reply(asked, "40")
    assert not (await ana.now(asked)).asks_reply
    replies = [u["message"] for u in await bot.updates() if "message" in u]
    assert replies[-1]["reply_to_message"]["text"] == "Which number?"


async def test_a_reply_for_all_opens_for_all(telegram: LocalTelegram, bot: RawBot) -> None:
    ana, bo = telegram.add_person("Ana"), telegram.add_person("Bo")
    group = await telegram.add_group("Releases", [ana, bo])
    await bot.send(group.id, "Which number?", reply_markup={"force_reply": True})
    assert (await ana.last(group)).asks_reply
    assert (await bo.last(group)).asks_reply


async def test_people_and_groups_can_be_listed(telegram: LocalTelegram) -> None:
    ana = telegram.add_person("Ana")
    group = await telegram.add_group("Releases", [ana])
    assert [person.name for person in telegram.people()] == ["Ana"]
    assert [found.id for found in telegram.groups()] == [group.id]
