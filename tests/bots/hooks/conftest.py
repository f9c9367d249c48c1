"""The stage of the hooks' tests."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bots.hooks.stage import Stage, build


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A folder whose service does not run."""
    return build(tmp_path, _free_port())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage whose service runs through all tests of a module."""
    made = build(tmp_path_factory.mktemp("hooks"), _free_port())
    with made.serve():
        yield made


@pytest.fixture
def running(shared: Stage) -> Stage:
    """The same, without what an earlier test left."""
    (shared.folder / "ran").unlink(missing_ok=True)
    with shared.operator() as client:
        for request in client.requests():
            shared.answer(request, "reject")
    return shared
