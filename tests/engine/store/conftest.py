"""The store that the suite is held against. Another backend would be another `store` fixture."""

from __future__ import annotations

import pytest

from tests.engine.store.situation import GatedClock


@pytest.fixture
def clock() -> GatedClock:
    """The clock of the `store` fixture: with it, a test decides what shares a commit."""
    return GatedClock()
