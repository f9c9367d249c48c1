"""The oddities of Socket Mode: closes that nobody answers, farewells with the greeting, presses behind a farewell."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from sayso.testing.slack import FaultKind, LocalSlack, Place, SlackLimits, SlackPerson
from tests.testing.slack.client import Client
from tests.testing.slack.test_delivery import BLOCKS, connect, envelope


@pytest.fixture
def ana(slack: LocalSlack) -> SlackPerson:
    return slack.add_person("Ana")


@pytest.fixture
async def place(slack: LocalSlack, client: Client, ana: SlackPerson) -> Place:
    channel = slack.add_channel("general", [ana])
    await client.ok("chat.postMessage", channel=channel.id, text="x", blocks=BLOCKS)
    return channel


async def test_a_close_is_answered_unless_slack_is_to_stay_silent(
    slack: LocalSlack, client: Client, session: aiohttp.ClientSession
) -> None:
    answered = await connect(slack, client, session)
    assert await answered.close()
    slack.answers_closes = False
    silent = await connect(slack, client, session)
    assert slack.connections == 1
    async with asyncio.TaskGroup() as group:
        closing = group.create_task(silent.close())
        await slack.until(lambda: slack.connections == 0)
        assert not closing.done()
        await slack.stop()
    await slack.start()


async def test_a_press_behind_the_farewell_comes_on_the_old_socket(
    slack: LocalSlack, client: Client, session: aiohttp.ClientSession, ana: SlackPerson, place: Place
) -> None:
    socket = await connect(slack, client, session)
    await slack.disconnect(still_delivers=True)
    press = await ana.press(ana.last(place), "Go")
    assert (await envelope(socket, "disconnect"))["reason"] == "refresh_requested"
    brought = await envelope(socket, "interactive")
    await socket.send_json({"envelope_id": brought["envelope_id"]})
    assert (await press.result()).is_acknowledged
    await slack.disconnect()
    assert slack.connections == 0


@pytest.mark.usefixtures("place")
async def test_an_acknowledgement_by_another_socket_is_a_problem(
    slack: LocalSlack, client: Client, session: aiohttp.ClientSession
) -> None:
    one, other = [await connect(slack, client, session) for _ in range(2)]
    async with asyncio.TaskGroup() as group:
        waiting = {group.create_task(socket.receive_json()): socket for socket in (one, other)}
        [brought], rest = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        wrong = other if waiting[brought] is one else one
        await wrong.send_json({"envelope_id": brought.result()["envelope_id"]})
        await slack.until(lambda: bool(slack.problems))
        for task in rest:
            task.cancel()
    assert slack.problems == ["events_api was acknowledged by another socket than it came by"]


async def test_a_connection_can_be_turned_away_with_its_greeting(
    slack: LocalSlack, client: Client, session: aiohttp.ClientSession
) -> None:
    slack.turn_away(1)
    first = await connect(slack, client, session)
    assert await first.receive_json() == {
        "type": "disconnect", "reason": "refresh_requested", "debug_info": {},
    }  # fmt: skip
    assert slack.connections == 0
    await connect(slack, client, session)
    await slack.until(lambda: slack.connections == 1)


async def test_addresses_of_sockets_have_a_budget() -> None:
    async with (
        LocalSlack(limits=SlackLimits(connections=2)) as slack,
        aiohttp.ClientSession() as session,
    ):
        slack.clock.freeze()
        client = Client(slack, session)
        for _ in range(2):
            await client.ok("apps.connections.open", token=slack.app_token)
        refused = await client.call("apps.connections.open", token=slack.app_token)
        assert (refused["status"], refused["error"], refused["wait"]) == (429, "ratelimited", "60")


async def test_look_ups_hang_until_they_are_let_go_or_the_bot_gives_up(
    slack: LocalSlack, client: Client, ana: SlackPerson
) -> None:
    held = slack.hold("users.info")
    async with asyncio.TaskGroup() as group:
        gives_up = group.create_task(client.call("users.info", user=ana.id))
        waits = group.create_task(client.call("users.info", user=ana.id))
        await slack.until(lambda: held.waiting == 2)
        assert (await client.ok("auth.test"))["user_id"] == slack.bot_user_id, "other calls are answered"
        gives_up.cancel()
        held.release()
        assert (await waits)["user"]["id"] == ana.id
    assert (await client.ok("users.info", user=ana.id))["user"]["id"] == ana.id
    assert held.waiting == 0


async def test_a_page_of_html_comes_instead_of_json(
    slack: LocalSlack, session: aiohttp.ClientSession
) -> None:
    slack.add_channel("general")
    place = slack.channels()[0]
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    for kind, posted in ((FaultKind.BAD_GATEWAY, 0), (FaultKind.BAD_GATEWAY_AFTER, 1)):
        slack.fail(kind, "chat.postMessage")
        body = {"channel": place.id, "text": "x"}
        async with session.post(f"{slack.api_url}chat.postMessage", json=body, headers=headers) as response:
            assert (response.status, response.content_type) == (502, "text/html")
            assert (await response.text()).startswith("<html>")
        ana = slack.add_person("Ana")
        assert len(ana.messages(place)) == posted
