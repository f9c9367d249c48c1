"""SIGKILL among many runs with answers in flight: the exact account afterwards."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import SQLiteReader, verify_audit
from tests.engine.crash.crowd import RUNS
from tests.engine.crash.points import read_log
from tests.engine.store.situation import rows

ROOT = Path(__file__).parents[3]
SEED = 20260302
KILLS = 10

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


def play(folder: Path, kills: list[int]) -> list[Path]:
    subprocess.run(
        [sys.executable, "-m", "tests.engine.crash.crowd", str(folder), *map(str, kills)],
        cwd=ROOT,
        check=True,
        timeout=180,
    )
    return [folder / f"crowd-{kill_at}" for kill_at in kills]


def named(log: list[dict[str, Any]], what: str, process: int | None = None) -> list[str]:
    return [line["name"] for line in log if line["what"] == what and process in (None, line["process"])]


def check_steps(log: list[dict[str, Any]]) -> None:
    """A step whose record was acknowledged never runs again; one that was cut off runs once more, and no other."""
    done = Counter(named(log, "effect"))
    assert len(done) == 2 * RUNS
    acknowledged = set(named(log, "recorded", 1))
    assert acknowledged.isdisjoint(named(log, "effect", 2))
    cut_off = set(named(log, "effect", 1)) - acknowledged
    repeated = {name for name, times in done.items() if times > 1}
    assert repeated <= cut_off
    assert set(done.values()) <= {1, 2}


def check_answers(log: list[dict[str, Any]], database: Path) -> None:
    """An acknowledged answer is the one that its run ended with."""
    found = dict(rows(database, "SELECT run_id, shared FROM runs WHERE status = 'COMPLETED'"))
    assert len(found) == RUNS
    acknowledged = [line for line in log if line["what"] == "acknowledged"]
    assert len({line["run"] for line in acknowledged}) == len(acknowledged)
    for line in acknowledged:
        assert json.loads(found[line["run"]])["answer"] == line["value"]
    stored = rows(database, "SELECT r.run_id, q.id, q.answer FROM requests q JOIN runs r USING (run_key)")
    assert len(stored) == len({run_id for run_id, _, _ in stored}) == RUNS
    assert {line["id"] for line in acknowledged} <= {id_ for _, id_, _ in stored}
    assert all(json.loads(found[run_id])["answer"] == json.loads(answer) for run_id, _, answer in stored)


async def check_trail(database: Path) -> None:
    async with SQLiteReader(database) as reader:
        assert (await verify_audit(reader)).problems == ()
    for kind in ("run_started", "requested", "answer_accepted", "run_ended"):
        (amount,) = rows(database, "SELECT count(*) FROM audit WHERE kind = ?", kind)[0]
        assert amount == RUNS, kind


async def test_killed_among_fifty_runs_nothing_acknowledged_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (dry,) = play(tmp_path, [0])
    commits = len(json.loads((dry / "points-1").read_text()))
    kills = sorted(random.Random(SEED).sample(range(1, commits + 1), KILLS))
    for case in play(tmp_path, kills):
        assert json.loads((case / "codes").read_text()) == [-9, 0], case
        log = read_log(case / "log")
        check_steps(log)
        check_answers(log, case / "sayso.db")
        await check_trail(case / "sayso.db")
    with capsys.disabled():
        print(f"\n{RUNS} runs, killed after {kills} of {commits} committed writes")  # noqa: T201
