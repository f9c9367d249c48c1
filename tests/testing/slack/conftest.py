"""A local Slack, and a bot without a library in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sayso.testing.slack import LocalSlack
from tests.testing.slack.client import Client


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack() as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


@pytest.fixture
def client(slack: LocalSlack, session: aiohttp.ClientSession) -> Client:
    return Client(slack, session)
