"""The control API: another process, or the page in a browser, does what tests do in Python."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx

from sayso.testing.telegram import FaultKind, LocalTelegram
from tests.testing.telegram.support import YES_NO, RawBot


async def _post(bot: RawBot, path: str, **body: Any) -> httpx.Response:
    return await bot.client.post(f"{bot.telegram.url}/control/{path}", json=body)


async def _get(bot: RawBot, path: str) -> Any:
    return (await bot.client.get(f"{bot.telegram.url}/control/{path}")).json()


async def test_people_act_over_http(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = (await _post(bot, "people", name="Ana", username="ana_a")).json()["id"]
    group = (await _post(bot, "groups", title="Releases", members=[ana])).json()["id"]
    state = await _get(bot, "state")
    assert state["people"] == [{"id": ana, "name": "Ana", "username": "ana_a"}]
    assert state["groups"][0]["title"] == "Releases"
    await bot.confirm_all()
    sent = await bot.send(group, "Publish?", reply_markup=YES_NO)
    where = {"chat_id": group, "message_id": sent["message_id"]}
    async with asyncio.TaskGroup() as tasks:
        press = tasks.create_task(_post(bot, f"people/{ana}/press", label="Approve", **where))
        (update,) = await bot.updates(timeout=20)
        answer = {"callback_query_id": update["callback_query"]["id"], "text": "Approved."}
        await bot.call("answerCallbackQuery", **answer)
    assert press.result().json()["text"] == "Approved."
    await bot.confirm_all()
    await _post(bot, f"people/{ana}/reply", text="yes", **where)
    await _post(bot, f"people/{ana}/say", text="/pending", chat_id=group)
    await _post(bot, f"people/{ana}/start", payload="r_1")
    texts = [u["message"]["text"] for u in await bot.confirm_all()]
    assert texts == ["yes", "/pending", "/start r_1"]
    private, shared = await _get(bot, f"people/{ana}/chats")
    assert [m["text"] for m in private["messages"]] == ["/start r_1"]
    assert shared["messages"][1]["keyboard"][0][0]["label"] == "Approve"
    assert telegram.problems == []


async def test_clock_faults_and_calls(telegram: LocalTelegram, bot: RawBot) -> None:
    before = telegram.clock.now()
    await _post(bot, "clock", seconds=150)
    assert telegram.clock.now() >= before + timedelta(seconds=150)
    await _post(bot, "faults", kind="server_error", method="getMe")
    assert (await bot.call("getMe")).status == 500
    (call,) = await _get(bot, "calls")
    assert (call["method"], call["status"], call["fault"]) == ("getMe", 500, FaultKind.SERVER_ERROR)


async def test_a_page_waits_for_the_next_change(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    revision = (await _get(bot, "state"))["revision"]
    async with asyncio.TaskGroup() as tasks:
        change = tasks.create_task(_get(bot, f"changes?after={revision}"))
        await ana.say(None, "hello")
    assert change.result()["revision"] > revision


async def test_what_cannot_be_done_is_said(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    for path, body, status in (
        (f"people/{ana.id}/press", {"message_id": 1, "label": "Approve"}, 409),
        (f"people/{ana.id}/fly", {}, 409),
        ("people/1/say", {"text": "x"}, 409),
        ("people", {}, 400),
        ("faults", {"kind": "earthquake"}, 400),
    ):
        response = await _post(bot, path, **body)
        assert response.status_code == status, path
        assert response.json()["error"]


async def test_only_json_from_this_machine_is_taken(telegram: LocalTelegram, bot: RawBot) -> None:
    """A page of somebody else's, open in the same browser, must not press buttons here."""
    url = f"{telegram.url}/control/people"
    assert (await bot.client.post(url, content=b'{"name": "x"}')).status_code == 403
    elsewhere = {"Host": "evil.example"}
    assert (await bot.client.get(f"{telegram.url}/control/state", headers=elsewhere)).status_code == 403
    assert telegram.people() == []
