"""A local Telegram with a group and people in it, and the real bot in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sayso.testing.telegram import LocalTelegram, TelegramLimits
from tests.bots.telegram.stage import Stage


@pytest.fixture
async def telegram() -> AsyncIterator[LocalTelegram]:
    """Every payload in both directions is checked, and methods are known in their own letter case alone: a test that
    leaves a problem behind has failed.
    """
    async with LocalTelegram(limits=TelegramLimits.unlimited()) as server:
        server.knows_exact_names_alone = True
        yield server
        assert server.problems == []


@pytest.fixture
async def stopped(telegram: LocalTelegram, tmp_path: Path) -> Stage:
    """Ana and Bo in the group and Eve outside; a test starts and stops the service itself."""
    return await Stage.build(telegram, tmp_path / "sayso.db")


@pytest.fixture
async def stage(stopped: Stage) -> AsyncIterator[Stage]:
    """The same, with the service running."""
    async with stopped.running():
        yield stopped
