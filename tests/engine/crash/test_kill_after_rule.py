"""SIGKILL right after a rule has decided: that is heard after the restart, whatever the rules say by then."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sayso.engine import (
    Policy,
    Rule,
    Runtime,
    Stage,
    Workflow,
    node,
    open_store,
    request_approval,
    verify_audit,
)
from tests.engine.crash.points import KillPoints, Log, crashing

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.slow


@node(id="ask")
async def ask(shared: dict[str, object]) -> None:
    """Asks, and does what was approved."""
    decision = await request_approval("Run it?", {"tool": "Read"}, request_id="tool", policy="tools")
    shared["by"] = [decision.approved, *(vote["person"] for vote in decision.votes)]


def policies(answer: str) -> dict[str, Policy]:
    """One rule, which answers everything so."""
    rule = Rule("True", "approve" if answer == "approve" else "reject", "ana")
    return {"tools": Policy(stages=[Stage(["web:ana"])], rules=[rule])}


async def drive(folder: Path, location: str, kill_on: str, answer: str) -> list[object]:
    """Start the run or go on with it, under a rule that answers so; killed at a point if one is named."""
    points = KillPoints(Log(folder / "log", 1), 0, kill_on=kill_on)
    async with crashing(open_store(location), points) as store:  # noqa: SIM117 - the store first
        async with Runtime(store, [Workflow("flow", ask)], policies=policies(answer)) as runtime:
            if kill_on:
                await runtime.start("flow", run_id="run")
            state = await runtime.wait("run")
            assert (await verify_audit(store.reader)).problems == ()
            kinds = [row.kind async for row in store.reader.audit("run")]
            return [*state.shared["by"], kinds.count("answered_by_rule")]


@pytest.mark.parametrize("point", ["ask before", "ask after"])
async def test_what_a_rule_decided_is_heard_after_a_kill(tmp_path: Path, location: str, point: str) -> None:
    """Killed before the commit, nothing is decided, and the rules of then apply."""
    code = "import asyncio, pathlib, sys; from tests.engine.crash.test_kill_after_rule import drive; "
    code += "asyncio.run(drive(pathlib.Path(sys.argv[1]), *sys.argv[2:], 'approve'))"
    killed = subprocess.run(  # noqa: ASYNC221 - nothing else runs on this loop
        [sys.executable, "-c", code, str(tmp_path), location, point], cwd=ROOT, timeout=60, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    is_approved = point == "ask after"
    assert await drive(tmp_path, location, "", "reject") == [is_approved, "rule:tools/1", 1]
