"""All ways to ask from outside, with kills of asker and service and late and doubled answers: one account."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.acceptance.ask_chaos import ask_chaos
from tests.acceptance.askers import ALL, LIGHT
from tests.bots.hooks.stage import build

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("ways", "tasks", "seed", "lives"),
    [
        pytest.param(LIGHT, 2, 4, (1.5, 3.0), id="light"),
        pytest.param(ALL, 10, 40, (2.0, 6.0), id="all", marks=pytest.mark.more),
    ],
)
@pytest.mark.timeout(900)
def test_nothing_runs_without_a_yes_or_twice_and_no_yes_is_lost(
    tmp_path: Path,
    unused_tcp_port: int,
    ways: tuple[str, ...],
    tasks: int,
    seed: int,
    lives: tuple[float, float],
) -> None:
    stage = build(tmp_path, unused_tcp_port, "mcp = true")
    account = ask_chaos(stage, ways, tasks=tasks, seed=seed, lives=lives)
    sys.stdout.write(f"{account}\n")
    assert (account.without_a_yes, account.twice, account.lost) == ([], [], [])
    assert len(account.told) == len(ways) * tasks
    assert account.runs
    assert account.refused
    assert min(account.kills.values()) > 0
