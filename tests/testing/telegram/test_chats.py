"""Chats that open and close: blocks, kicks, upgrades, privacy mode, topics, administrators who hide."""

from __future__ import annotations

import pytest
from telegram.error import ChatMigrated, Forbidden
from telegram.ext import ExtBot

from sayso.testing.telegram import Impossible, LocalTelegram
from tests.testing.telegram.support import YES_NO, RawBot


async def test_a_bot_cannot_write_first(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana", has_started=False)
    assert (await bot.call("sendMessage", chat_id=ana.id, text="x")).refusal == (
        400,
        "Bad Request: chat not found",
    )
    await telegram.add_group("Releases", [ana])
    reply = await bot.call("sendMessage", chat_id=ana.id, text="x")
    assert reply.refusal == (403, "Forbidden: bot can't initiate conversation with a user")
    await ana.start()
    assert await bot.send(ana.id, "hello")
    assert (await bot.call("getChat", chat_id=1)).refusal == (400, "Bad Request: chat not found")
    assert telegram.problems == []


async def test_a_block_closes_the_chat_until_it_is_lifted(
    telegram: LocalTelegram, library_bot: ExtBot[None]
) -> None:
    ana = telegram.add_person("Ana")
    await ana.block()
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await library_bot.send_message(ana.id, "x")
    with pytest.raises(Impossible, match="unblock"):
        await ana.say(None, "hello")
    await ana.unblock()
    await library_bot.send_message(ana.id, "x")
    updates = await library_bot.get_updates()
    changes = [u.my_chat_member for u in updates if u.my_chat_member]
    assert [change.new_chat_member.status for change in changes] == ["kicked", "member"]
    await ana.delete_account()
    with pytest.raises(Forbidden, match="user is deactivated"):
        await library_bot.send_message(ana.id, "x")


@pytest.mark.parametrize(("supergroup", "kind"), [(True, "supergroup"), (False, "group")])
async def test_a_bot_that_was_kicked_or_left_cannot_write(
    telegram: LocalTelegram, bot: RawBot, *, supergroup: bool, kind: str
) -> None:
    ana = telegram.add_person("Ana")
    group = await telegram.add_group("Releases", [ana], supergroup=supergroup)
    assert [list(u)[1] for u in await bot.confirm_all()] == ["my_chat_member", "message"]
    await group.kick_bot()
    reply = await bot.call("sendMessage", chat_id=group.id, text="x")
    assert reply.refusal == (403, f"Forbidden: bot was kicked from the {kind} chat")
    await group.add_bot()
    await group.restrict_bot()
    reply = await bot.call("sendMessage", chat_id=group.id, text="x")
    assert reply.refusal == (400, "Bad Request: not enough rights to send text messages to the chat")
    assert (await bot.call("leaveChat", chat_id=group.id)).result is True
    reply = await bot.call("sendMessage", chat_id=group.id, text="x")
    assert reply.refusal == (403, f"Forbidden: bot is not a member of the {kind} chat")


async def test_an_upgraded_group_lives_on_under_a_new_id(
    telegram: LocalTelegram, bot: RawBot, library_bot: ExtBot[None]
) -> None:
    ana = telegram.add_person("Ana")
    group = await telegram.add_group("Releases", [ana], supergroup=False)
    sent = await bot.send(group.id, reply_markup=YES_NO)
    seen = await ana.last(group)
    await bot.confirm_all()
    await group.upgrade()
    assert group.former_id
    reply = await bot.call(
        "editMessageText", chat_id=group.former_id, message_id=sent["message_id"], text="x"
    )
    assert reply.refusal == (400, "Bad Request: group chat was upgraded to a supergroup chat")
    assert reply.body["parameters"] == {"migrate_to_chat_id": group.id}
    with pytest.raises(ChatMigrated) as caught:
        await library_bot.send_message(group.former_id, "x")
    assert caught.value.new_chat_id == group.id
    old, new = (update["message"] for update in await bot.confirm_all())
    assert (old["chat"]["id"], old["migrate_to_chat_id"]) == (group.former_id, group.id)
    assert (new["chat"]["id"], new["migrate_from_chat_id"]) == (group.id, group.former_id)
    await ana.tap(seen, "Approve")
    assert (await bot.updates())[0]["callback_query"]["message"]["chat"]["id"] == group.former_id
    assert await bot.send(group.id, "x")
    assert telegram.problems == []


async def test_privacy_mode_shows_the_bot_only_what_is_for_it(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    group = await telegram.add_group("Releases", [ana])
    await bot.send(group.id, "Publish?")
    asked = await ana.last(group)
    await bot.confirm_all()
    await ana.say(group, "just talking, @sayso_bot")
    await ana.command(group, "/pending")
    await ana.command(group, "/pending@sayso_bot now")
    await ana.command(group, "/pending@other_bot")
    chat = await ana.reply(asked, "yes")
    await ana.reply(chat, "and no")
    texts = [u["message"]["text"] for u in await bot.confirm_all()]
    assert texts == ["/pending", "/pending@sayso_bot now", "yes"]
    await group.promote_bot()
    await ana.say(group, "now it hears all")
    assert [list(u)[1] for u in await bot.confirm_all()] == ["my_chat_member", "message"]


async def test_a_topic_keeps_its_thread(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    forum = await telegram.add_group("Forum", [ana], forum=True)
    topic = await forum.open_topic("Releases")
    sent = await bot.send(forum.id, "Publish?", message_thread_id=topic)
    assert (sent["message_thread_id"], sent["is_topic_message"]) == (topic, True)
    seen = await ana.last(forum)
    assert (seen.thread_id, seen.topic) == (topic, "Releases")
    await bot.confirm_all()
    await ana.command(forum, "/pending", topic=topic)
    await ana.reply(seen, "yes")
    command, reply = (update["message"] for update in await bot.confirm_all())
    assert command["message_thread_id"] == reply["message_thread_id"] == topic
    assert "forum_topic_created" in command["reply_to_message"]
    assert reply["reply_to_message"]["message_id"] == sent["message_id"]
    await forum.delete_topic(topic)
    gone = await bot.call("sendMessage", chat_id=forum.id, text="x", message_thread_id=topic)
    assert gone.refusal == (400, "Bad Request: message thread not found")
    assert telegram.problems == []


async def test_an_anonymous_administrator_writes_as_nobody_but_presses_as_themselves(
    telegram: LocalTelegram, bot: RawBot
) -> None:
    ana, bo = telegram.add_person("Ana"), telegram.add_person("Bo")
    group = await telegram.add_group("Releases", [ana, bo])
    await group.promote(bo, anonymous=True)
    await bot.send(group.id, reply_markup=YES_NO)
    seen = await bo.last(group)
    await bot.confirm_all()
    await bo.reply(seen, "yes")
    await bo.tap(seen, "Approve")
    with pytest.raises(Impossible, match="only administrators"):
        await telegram.people()[0].say(None, "x", anonymous=True)
    typed, pressed = await bot.confirm_all()
    assert typed["message"]["from"]["id"] == 1087968824
    assert typed["message"]["sender_chat"]["id"] == group.id
    assert pressed["callback_query"]["from"]["id"] == bo.id
    assert telegram.problems == []


async def test_members_are_told_by_status(telegram: LocalTelegram, bot: RawBot) -> None:
    ana, bo, cy = (telegram.add_person(name) for name in ("Ana", "Bo", "Cy"))
    group = await telegram.add_group("Releases", [ana, bo])

    async def status(account_id: int) -> str:
        return str((await bot.call("getChatMember", chat_id=group.id, user_id=account_id)).result["status"])

    assert [await status(person.id) for person in (ana, bo, cy)] == ["creator", "member", "left"]
    await group.promote(bo)
    await group.kick(cy) if cy.id in group.members else await group.add(cy)
    assert [await status(bo.id), await status(cy.id)] == ["administrator", "member"]
    await group.kick(cy)
    await bo.leave(group)
    assert [await status(bo.id), await status(cy.id)] == ["left", "kicked"]
    administrators = (await bot.call("getChatAdministrators", chat_id=group.id)).result
    assert [member["user"]["id"] for member in administrators] == [ana.id]
    assert (await bot.call("getChatMemberCount", chat_id=group.id)).result == 2
    unknown = await bot.call("getChatMember", chat_id=group.id, user_id=1)
    assert unknown.refusal == (400, "Bad Request: user not found")
    with pytest.raises(Impossible, match="is not in"):
        await bo.sees(group)
    assert telegram.problems == []


async def test_an_administrator_bot_hears_of_members_if_it_asks(telegram: LocalTelegram, bot: RawBot) -> None:
    ana, bo = telegram.add_person("Ana"), telegram.add_person("Bo")
    group = await telegram.add_group("Releases", [ana, bo])
    await group.promote_bot()
    await bot.confirm_all()
    await bot.updates(allowed_updates=["chat_member"])
    await group.kick(bo)
    (update,) = await bot.confirm_all()
    assert update["chat_member"]["new_chat_member"]["status"] == "kicked"


async def test_the_bot_describes_itself(telegram: LocalTelegram, library_bot: ExtBot[None]) -> None:
    me = await library_bot.get_me()
    assert (me.username, me.can_read_all_group_messages) == ("sayso_bot", False)
    await library_bot.set_my_commands([("pending", "What waits for me")])
    assert [c.command for c in await library_bot.get_my_commands()] == ["pending"]
    await library_bot.set_chat_menu_button()
    ana = telegram.add_person("Ana")
    assert (await library_bot.get_chat(ana.id)).first_name == "Ana"
    assert telegram.problems == []
