"""Whom a message rings for, and which mentions Telegram keeps."""

from __future__ import annotations

from typing import Any

from sayso.testing.telegram import LocalTelegram, Person
from tests.testing.telegram.support import YES_NO, RawBot


def named(*people: Person) -> dict[str, Any]:
    links = [f'<a href="tg://user?id={one.id}">{one.name}</a>' for one in people]
    return {"text": " ".join(links), "parse_mode": "HTML"}


async def test_a_group_rings_for_those_present_whom_a_message_mentions(
    telegram: LocalTelegram, bot: RawBot
) -> None:
    ana, bo, cho = (telegram.add_person(name) for name in ("Ana", "Bo", "Cho"))
    group = await telegram.add_group("Team", [ana, bo])
    await bot.call("sendMessage", chat_id=group.id, **named(ana, cho))
    await bot.call("sendMessage", chat_id=group.id, **named(bo), disable_notification=True)
    sent = await bot.send(group.id, "nobody in particular")
    await bot.call("editMessageText", chat_id=group.id, message_id=sent["message_id"], **named(ana))
    loud, silent, edited = (await ana.sees(group))[-3:]
    assert (loud.notified, silent.notified, edited.notified) == ((ana.id,), (), ())
    assert (loud.is_silent, silent.is_silent) == (False, True)


async def test_a_mention_of_a_stranger_is_not_kept(telegram: LocalTelegram, bot: RawBot) -> None:
    """Who never wrote to the bot, pressed nothing and is not there has their privacy; the name stays as text."""
    ana = telegram.add_person("Ana")
    stranger = telegram.add_person("Eve", has_started=False)
    group = await telegram.add_group("Team", [ana])
    sent = (await bot.call("sendMessage", chat_id=group.id, **named(stranger))).result
    assert (sent["text"], sent.get("entities")) == ("Eve", None)
    await group.add(stranger)
    sent = (await bot.call("sendMessage", chat_id=group.id, reply_markup=YES_NO, **named(stranger))).result
    assert sent["entities"][0]["user"]["id"] == stranger.id
