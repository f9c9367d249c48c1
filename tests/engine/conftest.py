"""Fixtures of the engine's tests: a store on a clock that the test moves, and how many runs stay in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sayso.engine import SQLiteStore
from tests.engine.support import ManualClock


@pytest.fixture(params=["0", None], ids=["no-residents", "unbounded"])
def resident(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int | None:
    """A test that uses this holds however many parked runs stay in memory."""
    if request.param is None:
        monkeypatch.delenv("SAYSO_RESIDENT", raising=False)
        return None
    monkeypatch.setenv("SAYSO_RESIDENT", request.param)
    return int(request.param)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "sayso.db"


@pytest_asyncio.fixture
async def store(database: Path, clock: ManualClock) -> AsyncIterator[SQLiteStore]:
    async with SQLiteStore(database, clock=clock) as opened:
        yield opened
