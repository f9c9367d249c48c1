"""A chaos run in small: `python -m benchmarks.chaos` plays the same for minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.chaos import chaos


@pytest.mark.timeout(240)
async def test_whatever_people_attackers_faults_and_kills_come_to_the_account_is_right(
    tmp_path: Path,
) -> None:
    """Installed in a whole Enterprise Grid."""
    account = await chaos(tmp_path, seconds=8, count=24, seed=1, lives=(2.0, 4.0))
    assert account.must_be_none == {name: [] for name in account.must_be_none}
    assert account.counts["requested"] == 24
    assert account.counts["kills"] > 0
    assert account.counts["votes"] >= 20
    assert any(how.startswith("forged") for how in account.told)
