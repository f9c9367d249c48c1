"""All ways to ask from outside, with kills of asker and service and late and doubled answers: one account."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.ask_chaos import ask_chaos
from tests.bots.hooks.stage import build

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("tasks", "lives"), [(4, (1.5, 3.0)), pytest.param(40, (2.0, 6.0), marks=pytest.mark.more)]
)
@pytest.mark.timeout(900)
def test_nothing_runs_without_a_yes_or_twice_and_no_yes_is_lost(
    tmp_path: Path, unused_tcp_port: int, tasks: int, lives: tuple[float, float]
) -> None:
    account = ask_chaos(build(tmp_path, unused_tcp_port), tasks=tasks, seed=tasks, lives=lives)
    assert (account.without_a_yes, account.twice, account.lost) == ([], [], [])
    assert len(account.told) == 3 * tasks
    assert account.runs
    assert account.kills > 0
    assert account.cut_off
