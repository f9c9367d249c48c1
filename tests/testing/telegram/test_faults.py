"""Faults on demand, and a server that goes away and comes back with everything it knew."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from telegram.error import NetworkError, RetryAfter, TimedOut
from telegram.ext import ExtBot

from sayso.testing.telegram import FaultKind, LocalTelegram
from tests.testing.telegram.support import YES_NO, RawBot


@pytest.mark.parametrize(
    ("kind", "arrives"),
    [
        (FaultKind.SERVER_ERROR, False),
        (FaultKind.SERVER_ERROR_AFTER, True),
        (FaultKind.BAD_GATEWAY, False),
        (FaultKind.BAD_GATEWAY_AFTER, True),
        (FaultKind.RESET, False),
        (FaultKind.RESET_AFTER, True),
        (FaultKind.HANG, False),
        (FaultKind.HANG_AFTER, True),
    ],
)
async def test_a_send_fails_and_may_have_arrived(
    telegram: LocalTelegram, library_bot: ExtBot[None], kind: FaultKind, *, arrives: bool
) -> None:
    """The library cannot tell the two apart: a time-out means unknown, never failed."""
    ana = telegram.add_person("Ana")
    telegram.fail(kind, "sendMessage")
    with pytest.raises(NetworkError):
        await library_bot.send_message(ana.id, "x", read_timeout=0.2)
    assert [message.text for message in await ana.sees()] == (["x"] if arrives else [])
    (call,) = telegram.calls_of("sendMessage")
    assert call.fault is kind
    await library_bot.send_message(ana.id, "y")
    assert telegram.faults.remaining == 0
    assert telegram.problems == []


@pytest.mark.filterwarnings("ignore:.*retry_after")  # the library is about to change the type
async def test_a_flood_refusal_on_demand(telegram: LocalTelegram, library_bot: ExtBot[None]) -> None:
    ana = telegram.add_person("Ana")
    telegram.fail(FaultKind.TOO_MANY_REQUESTS, times=2, retry_after=30)
    for _ in range(2):
        with pytest.raises(RetryAfter) as caught:
            await library_bot.send_message(ana.id, "x")
        assert caught.value.retry_after in {30, timedelta(seconds=30)}
    assert await ana.sees() == []


async def test_a_slow_body_arrives_or_times_out(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    telegram.fail(FaultKind.SLOW, "sendMessage", times=2, delay=timedelta(seconds=0.3))
    assert (await bot.send(ana.id, "slow"))["text"] == "slow"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bot.send(ana.id, "slower"), 0.1)


async def test_a_restart_keeps_port_chats_and_unconfirmed_updates(
    telegram: LocalTelegram, bot: RawBot
) -> None:
    ana = telegram.add_person("Ana")
    await bot.send(ana.id, reply_markup=YES_NO)
    await ana.tap(await ana.last(), "Approve")
    url = telegram.url
    before = await bot.updates()
    await telegram.stop()
    with pytest.raises(httpx.ConnectError):
        await bot.updates()
    await ana.say(None, "while it was away")
    await telegram.start()
    assert telegram.url == url
    assert (await bot.updates())[:1] == before
    assert len(await bot.updates()) == 2
    assert len(await ana.sees()) == 2


async def test_a_poll_that_waits_is_cut_by_a_restart(
    telegram: LocalTelegram, library_bot: ExtBot[None]
) -> None:
    async with asyncio.TaskGroup() as group:
        poll = group.create_task(_outcome(library_bot))
        await telegram.until(lambda: telegram.is_polled)
        await telegram.restart()
    assert poll.result() is NetworkError


async def _outcome(bot: ExtBot[None]) -> type[Exception] | None:
    try:
        await bot.get_updates(timeout=50)
    except TimedOut:
        return TimedOut
    except NetworkError:
        return NetworkError
    return None


async def test_the_state_file_survives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "telegram.json"
    async with LocalTelegram(state_file=path) as telegram, httpx.AsyncClient() as client:
        ana = telegram.add_person("Ana")
        group = await telegram.add_group("Releases", [ana], forum=True)
        topic = await group.open_topic("Gates")
        bot = RawBot(client, telegram)
        await bot.send(
            group.id, "<b>Publish?</b>", parse_mode="HTML", reply_markup=YES_NO, message_thread_id=topic
        )
        await bot.client.post(f"{bot.url}/sendDocument", data={"chat_id": ana.id}, files={"document": b"all"})
        press = await ana.tap(await ana.last(group), "Approve")
        await bot.call("getMe")
        seen = await ana.sees(group)
        kept = json.loads(path.read_bytes())  # what a killed process would leave
        assert [update["kind"] for update in kept["updates"]][-1] == "callback_query"
    async with LocalTelegram(state_file=path) as telegram, httpx.AsyncClient() as client:
        (ana,), (group,) = telegram.people(), telegram.groups()
        assert await ana.sees(group) == seen
        document = (await ana.last()).document
        assert document
        assert document.content == b"all"
        bot = RawBot(client, telegram)
        assert (await bot.updates())[-1]["callback_query"]["id"] == press.query_id
        assert (await bot.call("answerCallbackQuery", callback_query_id=press.query_id)).result is True


@pytest.mark.parametrize("method", ["getChatMember", "getChatAdministrators"])
async def test_look_ups_hang_until_they_are_let_go(telegram: LocalTelegram, bot: RawBot, method: str) -> None:
    ana = telegram.add_person("Ana")
    group = await telegram.add_group("team", [ana])
    given = {"chat_id": group.id} | ({"user_id": ana.id} if method == "getChatMember" else {})
    held = telegram.hold(method)
    async with asyncio.TaskGroup() as tasks:
        look_up = tasks.create_task(bot.call(method, **given))
        await telegram.until(lambda: held.waiting == 1)
        assert (await bot.call("getMe")).result["is_bot"] is True
        assert not look_up.done()
        held.release()
    assert look_up.result().body["ok"] is True


async def test_a_strict_server_knows_methods_in_their_own_letter_case_alone(
    telegram: LocalTelegram, bot: RawBot
) -> None:
    ana = telegram.add_person("Ana")
    assert (await bot.call("sendmessage", chat_id=ana.id, text="x")).status == 200
    telegram.knows_exact_names_alone = True
    refused = await bot.call("sendmessage", chat_id=ana.id, text="x")
    assert refused.refusal == (404, "Not Found: method not found")
    assert (await bot.call("sendMessage", chat_id=ana.id, text="x")).status == 200
