"""Files come in three steps, of which the last one is seen, and works once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from sayso.testing.slack import LocalSlack
from tests.testing.slack.client import Client


class Hands:
    """A bot that uploads, in a channel that Ana reads."""

    def __init__(self, slack: LocalSlack, client: Client, session: aiohttp.ClientSession) -> None:
        self.slack, self.client, self._session = slack, client, session
        self.ana = slack.add_person("Ana")
        self.place = slack.add_channel("general", [self.ana])

    async def begin(self, length: int = 3) -> dict[str, Any]:
        return await self.client.ok("files.getUploadURLExternal", filename="a.txt", length=length)

    async def send(self, begun: dict[str, Any], content: bytes = b"abc") -> int:
        async with self._session.post(begun["upload_url"], data=content) as response:
            return response.status

    async def complete(self, begun: dict[str, Any], **more: Any) -> str:
        given: dict[str, Any] = {
            "files": [{"id": begun["file_id"], "title": "A"}],
            "channel_id": self.place.id,
            **more,
        }
        return str((await self.client.call("files.completeUploadExternal", **given)).get("error", "ok"))


@pytest.fixture
def hands(slack: LocalSlack, client: Client, session: aiohttp.ClientSession) -> Hands:
    return Hands(slack, client, session)


async def test_a_file_is_seen_once_it_is_complete_and_no_second_time(hands: Hands) -> None:
    begun = await hands.begin()
    assert await hands.send(begun) == 200
    assert hands.ana.messages(hands.place) == []
    assert await hands.complete(begun) == "ok"
    assert await hands.complete(begun) == "file_not_found"
    (message,) = hands.ana.messages(hands.place)
    assert [(one.name, one.content) for one in message.files] == [("a.txt", b"abc")]


async def test_bytes_of_another_length_are_not_taken_and_what_has_none_is_no_file(hands: Hands) -> None:
    begun = await hands.begin(length=4)
    assert await hands.send(begun) == 400
    assert await hands.complete(begun) == "file_not_found"


async def test_an_upload_does_not_wait_for_ever(hands: Hands) -> None:
    early, late = await hands.begin(), await hands.begin()
    assert await hands.send(early) == 200
    hands.slack.clock.advance(timedelta(minutes=31))
    assert await hands.send(late) == 400
    assert await hands.complete(early) == "file_not_found"


async def test_files_go_where_the_bot_is_and_stay_there_for_another_try(hands: Hands) -> None:
    begun = await hands.begin()
    await hands.send(begun)
    hands.place.remove_bot()
    assert await hands.complete(begun) == "not_in_channel"
    hands.place.add_bot()
    assert await hands.complete(begun, channel_id="C0NONE") == "channel_not_found"
    assert await hands.complete({"file_id": "F0NONE"}) == "file_not_found"
    assert await hands.complete(begun) == "ok"


async def test_without_the_scope_there_are_no_files(hands: Hands) -> None:
    hands.slack.scopes = "chat:write"
    answer = await hands.client.call("files.getUploadURLExternal", filename="a.txt", length=3)
    assert (answer["error"], answer["needed"]) == ("missing_scope", "files:write")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"length": 0}, "invalid_arguments"),
        ({"filename": ""}, "invalid_arguments"),
        ({"alt_txt": "x" * 1001}, "alt_txt_too_large"),
    ],
)
async def test_what_is_announced_wrongly_is_refused(
    hands: Hands, changes: dict[str, Any], error: str
) -> None:
    given: dict[str, Any] = {"filename": "a.png", "length": 3, **changes}
    assert (await hands.client.call("files.getUploadURLExternal", **given))["error"] == error
