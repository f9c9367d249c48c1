"""A local Slack with a channel and people in it, and the real bot in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sayso.testing.slack import LocalSlack, SlackLimits
from tests.bots.slack.stage import Stage


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    """Every payload in both directions is checked: a test that leaves a problem behind has failed."""
    async with LocalSlack(limits=SlackLimits.unlimited()) as server:
        yield server
        assert server.problems == []


@pytest.fixture(params=["socket", "http"])
def stopped(slack: LocalSlack, tmp_path: Path, request: pytest.FixtureRequest) -> Stage:
    """Ana and Bo in the channel and Eve outside, in both transports; a test starts and stops the service itself."""
    return Stage.build(slack, tmp_path / "sayso.db", slack={"mode": request.param})


@pytest.fixture
async def stage(stopped: Stage) -> AsyncIterator[Stage]:
    """The same, with the service running."""
    async with stopped.running():
        yield stopped
