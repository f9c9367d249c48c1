"""Both local platforms, in both transports of both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sayso.testing.slack import LocalSlack, SlackLimits
from sayso.testing.telegram import LocalTelegram, TelegramLimits
from tests.acceptance.both import Both


@pytest.fixture(params=["socket", "http"])
async def both(tmp_path: Path, unused_tcp_port: int, request: pytest.FixtureRequest) -> AsyncIterator[Both]:
    """Socket Mode with polling, and signed requests with a webhook."""
    async with (
        LocalSlack(limits=SlackLimits.unlimited()) as slack,
        LocalTelegram(limits=TelegramLimits.unlimited()) as telegram,
    ):
        yield await Both.build(slack, telegram, tmp_path, request.param, unused_tcp_port)
        assert (slack.problems, telegram.problems) == ([], [])
