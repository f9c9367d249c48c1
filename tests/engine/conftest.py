"""Fixtures of the engine's tests: a store on a clock that the test moves, and how many runs stay in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from sayso.engine import Store, open_store
from tests.engine.support import ManualClock
from tests.postgres import Cluster


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
    """A file, for what only SQLite has: a test that uses it does not run on PostgreSQL."""
    return tmp_path / "sayso.db"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "location" in metafunc.fixturenames:
        is_of_a_file = "database" in metafunc.fixturenames or metafunc.definition.get_closest_marker("sqlite")
        kinds = ["sqlite"] if is_of_a_file else ["sqlite", "postgres"]
        metafunc.parametrize("location", kinds, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, what holds with any number of residents is tried with none, where everything is loaded again."""
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        given: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
        is_twice = given.get("location") == "postgres" and given.get("resident", "0") is None
        (left_out if is_twice else kept).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


@pytest.fixture
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a new database is: in a file, and in PostgreSQL."""
    if request.param == "sqlite":
        yield str(tmp_path / "sayso.db")
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    with cluster.database() as url:
        yield url


@pytest_asyncio.fixture
async def store(location: str, clock: ManualClock) -> AsyncIterator[Store]:
    async with open_store(location, clock=clock) as opened:
        yield opened
