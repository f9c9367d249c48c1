"""A chaos run, in small each time and for ten minutes by `make test-more`; see `benchmarks/chaos.py`."""

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


@pytest.mark.more
@pytest.mark.timeout(1500)
async def test_ten_minutes_of_everything_come_to_a_right_account(tmp_path: Path) -> None:
    """Workspaces that install for themselves."""
    account = await chaos(tmp_path, seconds=600, count=500, seed=2)
    assert account.must_be_none == {name: [] for name in account.must_be_none}
    assert account.counts["requested"] == 500
    assert account.counts["files swapped"] > 5
    assert account.counts["deaths by code of users"] > 10
