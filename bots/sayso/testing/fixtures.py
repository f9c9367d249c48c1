"""Fixtures for pytest: `pytest_plugins = ["sayso.testing.fixtures"]` in your `conftest.py` (with pytest-asyncio).

Each gives an empty local platform, and fails the test that leaves a problem behind: something that a correct bot does
not send.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from sayso.testing.slack import LocalSlack
from sayso.testing.telegram import LocalTelegram


@pytest_asyncio.fixture
async def local_slack() -> AsyncIterator[LocalSlack]:
    """A Slack workspace of this test's own."""
    async with LocalSlack() as slack:
        yield slack
        assert slack.problems == []


@pytest_asyncio.fixture
async def local_telegram() -> AsyncIterator[LocalTelegram]:
    """A Telegram of this test's own."""
    async with LocalTelegram() as telegram:
        yield telegram
        assert telegram.problems == []
