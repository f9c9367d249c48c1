"""Payloads on their way: sockets, acknowledgements, retries, triggers, response addresses."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sayso.testing.slack import FaultKind, Impossible, LocalSlack, Place, SlackPerson
from tests.testing.slack.client import Client

BUTTON = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
BLOCKS = [{"type": "actions", "elements": [BUTTON]}]
VIEW: dict[str, Any] = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "T"},
    "blocks": [{"type": "divider"}],
}
Socket = aiohttp.ClientWebSocketResponse


@pytest.fixture
def ana(slack: LocalSlack) -> SlackPerson:
    return slack.add_person("Ana")


@pytest.fixture
async def place(slack: LocalSlack, client: Client, ana: SlackPerson) -> Place:
    channel = slack.add_channel("general", [ana])
    await client.ok("chat.postMessage", channel=channel.id, text="x", blocks=BLOCKS)
    return channel


async def connect(slack: LocalSlack, client: Client, session: aiohttp.ClientSession) -> Socket:
    """One socket behind its hello."""
    opened = await client.ok("apps.connections.open", token=slack.app_token)
    socket = await session.ws_connect(str(opened["url"]))
    assert (await socket.receive_json())["type"] == "hello"
    return socket


async def envelope(socket: Socket, kind: str) -> dict[str, Any]:
    """The next envelope of a kind; all others are acknowledged."""
    while True:
        found: dict[str, Any] = await socket.receive_json()
        if found["type"] == kind:
            return found
        await socket.send_json({"envelope_id": found["envelope_id"]})


async def test_a_ticket_opens_one_socket(
    slack: LocalSlack, client: Client, session: aiohttp.ClientSession
) -> None:
    opened = await client.ok("apps.connections.open", token=slack.app_token)
    async with session.ws_connect(str(opened["url"])):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(str(opened["url"]))
    assert len(slack.problems) == 1


async def test_a_press_goes_to_one_socket_and_is_acknowledged_by_it(
    slack: LocalSlack, client: Client, session: aiohttp.ClientSession, ana: SlackPerson, place: Place
) -> None:
    socket = await connect(slack, client, session)
    press = await ana.press(ana.last(place), "Go")
    brought = await envelope(socket, "interactive")
    assert brought["accepts_response_payload"] is True
    assert brought["payload"]["actions"][0]["action_id"] == "go"
    assert brought["payload"]["message"]["ts"] == ana.last(place).ts
    await socket.send_json({"envelope_id": brought["envelope_id"]})
    assert (await press.result()).is_acknowledged
    assert slack.problems == []


@pytest.mark.slow
async def test_a_press_that_nobody_acknowledges_in_three_seconds_has_failed_for_the_person(
    slack: LocalSlack, client: Client, session: aiohttp.ClientSession, ana: SlackPerson, place: Place
) -> None:
    socket = await connect(slack, client, session)
    press = await ana.press(ana.last(place), "Go")
    brought = await envelope(socket, "interactive")
    slack.clock.advance(timedelta(seconds=3))
    assert not (await press.result()).is_acknowledged
    await socket.send_json({"envelope_id": brought["envelope_id"]})
    await slack.until(lambda: slack.late_acknowledgements == ["interactive"])


async def test_an_event_that_nobody_acknowledges_comes_again(
    slack: LocalSlack, client: Client, session: aiohttp.ClientSession, ana: SlackPerson
) -> None:
    socket = await connect(slack, client, session)
    await ana.open_home()
    first = await socket.receive_json()
    slack.clock.advance(timedelta(seconds=3))
    slack.clock.advance(timedelta(minutes=1))
    again = await socket.receive_json()
    assert again["payload"]["event_id"] == first["payload"]["event_id"]
    assert (first["retry_attempt"], again["retry_attempt"]) == (0, 1)


async def test_events_wait_for_a_connection(
    slack: LocalSlack, client: Client, session: aiohttp.ClientSession, ana: SlackPerson
) -> None:
    await ana.open_home()
    socket = await connect(slack, client, session)
    assert (await socket.receive_json())["payload"]["event"]["type"] == "app_home_opened"


async def test_a_trigger_opens_one_modal_within_three_seconds(
    slack: LocalSlack, client: Client, session: aiohttp.ClientSession, ana: SlackPerson, place: Place
) -> None:
    socket = await connect(slack, client, session)
    triggers: list[str] = []
    for _ in range(2):
        await ana.press(ana.last(place), "Go")
        brought = await envelope(socket, "interactive")
        await socket.send_json({"envelope_id": brought["envelope_id"]})
        triggers.append(brought["payload"]["trigger_id"])
    first, second = triggers
    await client.ok("views.open", trigger_id=first, view=VIEW)
    assert ana.view is not None
    assert (await client.call("views.open", trigger_id=first, view=VIEW))["error"] == "exchanged_trigger_id"
    slack.clock.advance(timedelta(seconds=3.1))
    assert (await client.call("views.open", trigger_id=second, view=VIEW))["error"] == "expired_trigger_id"


async def test_a_response_address_works_five_times(
    slack: LocalSlack, client: Client, session: aiohttp.ClientSession, ana: SlackPerson, place: Place
) -> None:
    socket = await connect(slack, client, session)
    await ana.press(ana.last(place), "Go")
    address = (await envelope(socket, "interactive"))["payload"]["response_url"]
    statuses: list[int] = []
    for _ in range(6):
        async with session.post(address, json={"text": "psst", "response_type": "ephemeral"}) as response:
            statuses.append(response.status)
    assert statuses == [200] * 5 + [404]
    assert ana.words(place) == ["psst"] * 5


async def test_a_response_address_is_throttled_and_hangs_as_any_method(
    slack: LocalSlack, client: Client, session: aiohttp.ClientSession, ana: SlackPerson, place: Place
) -> None:
    """What meets a throttle was not said, and uses nothing up."""
    socket = await connect(slack, client, session)
    await ana.press(ana.last(place), "Go")
    address = (await envelope(socket, "interactive"))["payload"]["response_url"]
    words = {"text": "psst", "response_type": "ephemeral"}
    slack.fail(FaultKind.TOO_MANY_REQUESTS, "response_url", times=5, retry_after=7)
    for _ in range(5):
        async with session.post(address, json=words) as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "7")
    held = slack.hold("response_url")
    async with asyncio.TaskGroup() as group:
        says = group.create_task(session.post(address, json=words))
        await slack.until(lambda: held.waiting == 1)
        assert ana.words(place) == []
        held.release()
    says.result().release()
    assert ana.words(place) == ["psst"]
    assert [call.status for call in slack.calls_of("response_url")] == [429] * 5 + [200]


async def test_a_person_can_press_only_what_is_there(ana: SlackPerson, place: Place) -> None:
    with pytest.raises(Impossible, match="sees no button 'Stop'"):
        await ana.press(ana.last(place), "Stop")
    with pytest.raises(Impossible, match="has no modal open"):
        await ana.submit({})


async def test_channels_and_waiting_events_survive_the_process(tmp_path: Path) -> None:
    file = tmp_path / "slack.json"
    async with LocalSlack(state_file=file) as slack:
        ana = slack.add_person("Ana")
        await ana.write("hello", slack.add_channel("general", [ana]))
    async with LocalSlack(state_file=file) as slack, aiohttp.ClientSession() as session:
        ana = slack.people()[0]
        assert ana.last(slack.channels()[0]).text == "hello"
        socket = await connect(slack, Client(slack, session), session)
        assert (await socket.receive_json())["payload"]["event"]["text"] == "hello"


async def test_the_control_api_takes_json_from_this_machine_alone(
    slack: LocalSlack, session: aiohttp.ClientSession
) -> None:
    address = f"{slack.url}/control/people"
    async with session.post(address, json={"name": "Bo"}) as response:
        assert (await response.json())["id"] == slack.people()[0].id
    async with session.post(address, data='{"name": "Mallory"}') as response:
        assert response.status == 403
    async with session.post(address, json={"name": "Mallory"}, headers={"Host": "evil.example"}) as response:
        assert response.status == 403
    assert len(slack.people()) == 1
