"""The connections of Socket Mode by themselves: their ages, and which of them an acknowledgement goes back by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from sayso.bots.slack._api import Api
from sayso.bots.slack._listeners import Listeners
from sayso.bots.slack._sockets import Pace, Sockets
from sayso.testing.slack import LocalSlack

APART = 0.5


async def nothing(_kind: str, _payload: dict[str, Any]) -> None:
    """Acknowledge whatever comes."""


@pytest.fixture
async def api(slack: LocalSlack) -> AsyncIterator[Api]:
    made = Api(slack.bot_token, slack.api_url, slack.app_token)
    await made.open()
    yield made
    await made.close()


async def test_of_two_connections_of_one_age_one_is_renewed_and_nothing_is_without_one(
    slack: LocalSlack, api: Api
) -> None:
    """Slack ends connections by their age: it must not end all of them at once."""
    sockets = Sockets(Listeners(nothing), api, 2, lambda _problem: None, Pace(apart=APART))
    async with asyncio.TaskGroup() as group:
        group.create_task(sockets.start_async())
        await slack.until(lambda: slack.connections == 2)
        begun = slack.now()
        await slack.until(lambda: len(slack.calls_of("apps.connections.open")) == 3)
        assert slack.now() - begun >= timedelta(seconds=APART / 2)
        await slack.until(lambda: slack.connections == 2)
        assert slack.without_sockets == timedelta(0)
        sockets.stop()
    assert slack.connections == 0
