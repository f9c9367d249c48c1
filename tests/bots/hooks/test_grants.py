"""A coding agent whose session was granted a call: the same call runs again without people, and no other does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.bots.command import sayso
from tests.bots.hooks.agents import BLOCKED, RAN
from tests.bots.hooks.calls import event
from tests.bots.hooks.stage import Stage, build

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

POLICY = """
[[policies.agents.stages]]
approvers = ["operator"]

[policies.agents.grants]
longest = "8h"
session = "Session"
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A service whose hooks ask under a policy that offers grants for a session."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    made = build(tmp_path_factory.mktemp("hooks"), port)
    settings = made.folder / "sayso.toml"
    settings.write_text(settings.read_text().replace("[hooks]\n", '[hooks]\npolicy = "agents"\n') + POLICY)
    with made.serve():
        yield made


def call(session: str, command: str = "make test") -> dict[str, Any]:
    return event(tool_use_id=f"toolu_{uuid4().hex}", session_id=session, tool_input={"command": command})


@pytest.mark.parametrize("name", ["claude-code", "codex"])
def test_the_same_call_of_a_granted_session_runs_without_people(stage: Stage, name: str) -> None:
    agent = stage.agent("--settings", str(stage.folder / "sayso.toml"), name=name)
    session = str(uuid4())
    hook = agent.begin(call(session))
    (request,) = stage.asked()
    ran = sayso(stage.folder, "answer", f"{request.id}@1", "approve", "--grant", "session")
    assert ran.code == 0, ran.err
    assert hook.end().outcome == RAN

    again = agent.use(call(session))
    assert again.outcome == RAN
    assert stage.open() == []

    for other in (call(session, "make test; id"), call(str(uuid4()))):
        hook = agent.begin(other)
        (request,) = stage.asked()
        stage.answer(request, "reject")
        assert hook.end().outcome == BLOCKED
