"""Claude Code and Codex themselves, against local fakes of their models: they treat hooks as `agents.py` says.

They are proprietary or large, so `make test-agents` alone starts them, with `claude` and `codex` on the path.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.bots.command import SAYSO, environment, sayso
from tests.bots.hooks.agents import FakeAgent
from tests.bots.hooks.models import FakeModel
from tests.bots.hooks.stage import Stage

pytestmark = [pytest.mark.agents, pytest.mark.slow, pytest.mark.timeout(180)]

PROGRAMS = {"claude-code": ("claude", "--version"), "codex": ("codex", "--version")}
CONFIG = """
model = "fake"
model_provider = "fake"

[model_providers.fake]
name = "fake"
base_url = "{url}/v1"
wire_api = "responses"
"""


@dataclass(frozen=True)
class Real:
    """An agent in a home of its own, which may run every tool that no hook blocks."""

    stage: Stage
    name: str
    model: FakeModel
    home: Path
    work: Path

    @property
    def variables(self) -> Mapping[str, str]:
        """What it is started with."""
        return environment(
            HOME=str(self.home),
            CODEX_HOME=str(self.home / ".codex"),
            ANTHROPIC_BASE_URL=self.model.url,
            ANTHROPIC_API_KEY="fake",
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
            SAYSO_URL=self.stage.url,
            SAYSO_TOKEN=self.stage.secrets["agent"],
        )

    @property
    def settings(self) -> Path:
        """Where its hooks stand."""
        return self.home / (".codex/hooks.json" if self.name == "codex" else ".claude/settings.json")

    def install(self, *options: str) -> None:
        """Install sayso's hook."""
        ran = sayso(self.work, "hook", "install", self.name, *options, HOME=str(self.home))
        assert ran.code == 0, ran.err

    def hook(self, command: str, **more: Any) -> None:
        """Install another hook."""
        self.settings.parent.mkdir(exist_ok=True)
        handler = {"type": "command", "command": command, "timeout": 3, **more}
        self.settings.write_text(json.dumps({"hooks": {"PreToolUse": [{"hooks": [handler]}]}}))

    def begin(self) -> subprocess.Popen[str]:
        """Start it on its task."""
        if self.name == "codex":
            (self.home / ".codex").mkdir(exist_ok=True)
            (self.home / ".codex" / "config.toml").write_text(CONFIG.format(url=self.model.url))
            bypass = ("--dangerously-bypass-approvals-and-sandbox", "--dangerously-bypass-hook-trust")
            return self._start("codex", "exec", "--skip-git-repo-check", *bypass, "go")
        return self._start("claude", "-p", "go", "--allowedTools", "Bash", "--output-format", "json")

    def resume(self, session: str) -> subprocess.Popen[str]:
        """Resume it with sayso."""
        rest = ("--", "--allowedTools", "Bash", "--output-format", "json")
        return self._start(SAYSO, "resume", "claude", session, *rest)

    def _start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.work,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @property
    def ran(self) -> list[str]:
        """Which commands have run, how often."""
        found = self.work / "ran"
        return sorted(found.read_text().split()) if found.exists() else []


def real(stage: Stage, name: str, model: FakeModel) -> Real:
    """An agent in folders of its own."""
    home, work = stage.folder / f"home-{name}", stage.folder / f"work-{name}"
    for folder in (home, work):
        folder.mkdir()
    return Real(stage, name, model, home, work)


def end(process: subprocess.Popen[str]) -> str:
    """Wait for its end; what it said."""
    out, _ = process.communicate(timeout=120)
    return out


ONE = (("echo one >> ran",),)
TWO = (("echo one >> ran", "echo two >> ran"),)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize(("value", "ran"), [("approve", ["one"]), ("reject", [])])
def test_a_tool_runs_after_a_yes_alone(stage: Stage, name: str, value: str, ran: list[str]) -> None:
    with stage.serve(), FakeModel(ONE) as model:
        agent = real(stage, name, model)
        agent.install()
        process = agent.begin()
        (request,) = stage.asked()
        assert request.prompt == "Run “echo one >> ran”?"
        assert agent.ran == []
        stage.answer(request, value)
        said = end(process)
        assert agent.ran == ran, said


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize(
    ("command", "more"),
    [
        ("exit 1", {}),
        ("exit 1", {"onFailure": "block"}),
        ("exit 2", {}),
        ("echo no >&2; exit 2", {}),
        ("sleep 9", {}),
        ("sleep 9", {"onFailure": "block"}),
        ("kill -9 $$", {}),
        ("kill -9 $$", {"onFailure": "block"}),
        ("echo {", {}),
        ("/nowhere", {}),
        (
            """echo '{"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "deny"}}'""",
            {},
        ),
    ],
)
def test_a_hook_without_a_verdict_is_treated_as_the_fixture_does(
    tmp_path: Path, name: str, command: str, more: dict[str, str]
) -> None:
    with FakeModel(ONE) as model:
        agent = real(Stage(tmp_path, 1, {"agent": ""}), name, model)
        agent.hook(command, **more)
        said = end(agent.begin())
        event = {"hook_event_name": "PreToolUse", "tool_use_id": "one"}
        fixture = FakeAgent(agent.settings, tmp_path / "fixture", is_codex=name == "codex")
        expected = fixture.use(event)
        assert agent.ran == fixture.runs, (said, expected)


def test_a_deferred_call_is_resumed_and_runs_once(stage: Stage) -> None:
    with FakeModel(ONE) as model:
        agent = real(stage, "claude-code", model)
        agent.install("--defer", "--wait", "1s")
        with stage.serve() as service:
            first = json.loads(end(agent.begin()))
            assert first["stop_reason"] == "tool_deferred"
            (request,) = stage.asked()
            service.kill()
        with stage.serve():
            process = agent.resume(first["session_id"])
            stage.answer(request)
            last = json.loads(end(process))
            assert (last["stop_reason"], agent.ran) == ("end_turn", ["one"])
            assert len(stage.open()) == 0


@pytest.mark.parametrize("streams", [True, False])
def test_of_two_calls_in_one_turn_none_runs_without_a_yes(stage: Stage, *, streams: bool) -> None:
    """What Claude Code takes in one piece it does not defer: it ran both, before the hook looked for that."""
    with stage.serve(), FakeModel(TWO, streams=streams) as model:
        agent = real(stage, "claude-code", model)
        agent.install("--defer", "--wait", "1s")
        said = end(agent.begin())
        assert agent.ran == [], said
        assert len(stage.open()) == (1 if streams else 0)


def test_it_is_tried_with_the_programs_themselves() -> None:
    for command in PROGRAMS.values():
        assert subprocess.run(command, check=True, capture_output=True, text=True).stdout, os.environ["PATH"]
