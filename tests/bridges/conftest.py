"""A service that agents ask, with people who answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bridges.frameworks import Shop


@pytest.fixture
def closed_shop(tmp_path: Path, unused_tcp_port: int) -> Shop:
    """A service in `tmp_path` that does not run yet."""
    return Shop(tmp_path, unused_tcp_port)


@pytest.fixture
def shop(closed_shop: Shop) -> Iterator[Shop]:
    """A running service."""
    with closed_shop.serving():
        yield closed_shop
