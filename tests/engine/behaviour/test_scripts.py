"""Real processes: scripts that never close anything, and runs that go on in another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import OutcomeKind, SQLiteStore, WorkflowEngine, WorkflowStatus
from tests.engine.support import asking, say, waiting

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("resident")]

WORKFLOW = """
import asyncio, json, sys
from sayso.engine import Node, WorkflowEngine

class Draft(Node):
    async def prepare(self, shared, request_input):
        shared["drafts"] = shared.get("drafts", 0) + 1

class Review(Node):
    async def prepare(self, shared, request_input):
        shared["visits"] = shared.get("visits", 0) + 1
        shared["decision"] = await request_input(
            prompt="Publish?", options=["approve", "reject"], input_type="select", request_id="publish"
        )
        shared["name"] = await request_input(prompt="Name?", request_id="name_field")

draft, review = Draft(), Review()
draft > review
"""

METHOD_1 = (
    WORKFLOW
    + """
answers = {"publish": "approve", "name_field": "Alice"}

async def main():
    workflow = WorkflowEngine(nodes=[draft, review], start=draft)
    while True:
        await workflow.run()
        if workflow.execution_state.awaiting_input:
            request = workflow.execution_state.awaiting_input
            if request["input_type"] == "select":
                assert request["options"] == ["approve", "reject"]
            await workflow.step({request["request_id"]: answers[request["request_id"]]})
            continue
        break
    print(json.dumps([workflow.execution_state.workflow_status.name, workflow.execution_state.shared]))

asyncio.run(main())
"""
)

START_AND_LEAVE = (
    WORKFLOW
    + """
async def main():
    workflow = WorkflowEngine(nodes=[draft, review], start=draft)
    state = await workflow.run()
    print(json.dumps([workflow.run_id, state.awaiting_input["id"], state.shared]))

asyncio.run(main())
"""
)

RESUME_AND_LEAVE = (
    WORKFLOW
    + """
async def main():
    workflow = WorkflowEngine(nodes=[draft, review], start=draft, run_id=sys.argv[1])
    state = await workflow.run(json.loads(sys.argv[2]))
    waiting = state.awaiting_input and state.awaiting_input["id"]
    print(json.dumps([state.workflow_status.name, waiting, state.shared]))

asyncio.run(main())
"""
)

LEAVE_EVERYTHING_OPEN = (
    WORKFLOW
    + """
from sayso.engine import Runtime, SQLiteStore, Workflow

async def main():
    store = SQLiteStore()
    store.open()
    await store.reader.runs()
    handles = [WorkflowEngine(nodes=[draft, review], start=draft) for _ in range(3)]
    for handle in handles:
        await handle.run()
    runtime = Runtime(None, [Workflow("other", Review())])
    await runtime.__aenter__()
    await runtime.wait(await runtime.start("other"))
    await runtime.pending()
    print(json.dumps(len(await store.reader.pending())))

asyncio.run(main())
"""
)


class Scripts:
    """Runs scripts in a directory; each must exit by itself, with code 0 and a clean standard error."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = {key: value for key, value in os.environ.items() if key != "SAYSO_DATABASE"}

    def run(self, script: str, *arguments: str) -> Any:
        path = self.directory / "script.py"
        path.write_text(script)
        finished = subprocess.run(
            [sys.executable, "-W", "error", str(path), *arguments],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=15,
            check=False,
        )
        assert finished.stderr == ""
        assert finished.returncode == 0
        return json.loads(finished.stdout)


@pytest.fixture
def scripts(tmp_path: Path, resident: int | None) -> Scripts:
    """Made after the environment says how many runs are resident, which the processes inherit."""
    return Scripts(tmp_path)


def test_the_seeds_loop_works_as_written_and_exits_by_itself(scripts: Scripts) -> None:
    shared = {"drafts": 1, "visits": 1, "decision": "approve", "name": "Alice"}
    assert scripts.run(METHOD_1) == ["COMPLETED", shared]
    assert (scripts.directory / "sayso.db").exists()


def test_sayso_database_names_the_file(scripts: Scripts) -> None:
    for named in ("elsewhere.db", f"sqlite:///{scripts.directory / 'by-url.db'}"):
        scripts.environment["SAYSO_DATABASE"] = named
        scripts.run(METHOD_1)
    assert sorted(path.name for path in scripts.directory.glob("*.db")) == ["by-url.db", "elsewhere.db"]


def test_a_script_that_leaves_its_run_parked_exits_by_itself(scripts: Scripts) -> None:
    _, _, shared = scripts.run(START_AND_LEAVE)
    assert shared == {"drafts": 1, "visits": 1}


def test_a_script_that_leaves_handles_runtime_store_and_reader_open_exits_by_itself(
    scripts: Scripts,
) -> None:
    assert scripts.run(LEAVE_EVERYTHING_OPEN) == 4


def test_a_run_goes_on_in_another_process_with_its_card_and_answers(scripts: Scripts) -> None:
    run_id, request_id, _ = scripts.run(START_AND_LEAVE)
    assert scripts.run(RESUME_AND_LEAVE, run_id, "{}")[:2] == ["WAITING_FOR_INPUT", request_id]
    status, second, shared = scripts.run(RESUME_AND_LEAVE, run_id, json.dumps({"publish": "reject"}))
    assert (status, shared["visits"]) == ("WAITING_FOR_INPUT", 1)
    assert second not in (None, request_id)
    status, waiting_for, shared = scripts.run(RESUME_AND_LEAVE, run_id, json.dumps({second: "Bob"}))
    assert (status, waiting_for) == ("COMPLETED", None)
    assert shared == {"drafts": 1, "visits": 1, "decision": "reject", "name": "Bob"}


async def test_a_run_that_a_script_left_goes_on_here(scripts: Scripts) -> None:
    """Both ways between processes: this one opens the file that the other has let go."""
    script = START_AND_LEAVE.replace('request_id="publish"', 'request_id="publish", to="console"')
    run_id, request_id, _ = scripts.run(script)
    async with SQLiteStore(scripts.directory / "sayso.db") as store:
        [record] = await store.reader.pending()
        assert (record.id, record.run_id) == (request_id, run_id)
        async with WorkflowEngine(start=asking(), store=store) as engine:
            outcome = await say(engine, record.as_dict(), "approve")
            assert outcome.kind is OutcomeKind.RESOLVED
            await say(engine, waiting(await engine.run()), "an answer of its own")
            assert (await engine.run()).workflow_status is WorkflowStatus.COMPLETED
    assert scripts.run(RESUME_AND_LEAVE, run_id, "{}")[2]["decision"] == "approve"
