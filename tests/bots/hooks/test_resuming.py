"""`sayso resume claude`: a stopped session continues when people have answered what it waits for, and not before."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from tests.bots.command import DEADLINE, SAYSO, environment
from tests.bots.hooks.agents import DEFERRED, transcript
from tests.bots.hooks.calls import event
from tests.bots.hooks.stage import Stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def deferred(stage: Stage, work: Path) -> str:
    """A session whose one call waits for people."""
    session = str(uuid4())
    path = transcript(stage.folder / f"{session}.jsonl", ["toolu_01"])
    agent = stage.agent("--defer", "--wait", "1s", extra={"CLAUDE_CODE_ENTRYPOINT": "sdk-cli"})
    used = agent.use(event(session_id=session, transcript_path=path, cwd=str(work)))
    assert (used.outcome, used.words) == (
        DEFERRED,
        f"Waiting for people. To continue, run: sayso resume claude {session}",
    )
    return session


@pytest.fixture
def claude(running: Stage, tmp_path: Path) -> Path:
    """The folder of a program `claude` that notes with what and where it was started."""
    program = tmp_path / "bin" / "claude"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$PWD" "$@" > "$NOTES"\n')
    program.chmod(0o755)
    return program.parent


def resume(stage: Stage, programs: Path, *arguments: str) -> subprocess.Popen[str]:
    """Resume a session; `claude` notes in `notes` beside its folder."""
    return subprocess.Popen(
        [SAYSO, "resume", "claude", *arguments],
        env=environment(
            SAYSO_URL=stage.url,
            SAYSO_TOKEN=stage.secrets["agent"],
            CLAUDE_CONFIG_DIR=str(programs.parent),
            NOTES=str(programs.parent / "notes"),
            PATH=f"{programs}{os.pathsep}{os.environ['PATH']}",
        ),
        cwd=programs.parent,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_session_is_resumed_in_its_directory_once_it_is_answered(running: Stage, claude: Path) -> None:
    work = claude.parent / "work"
    work.mkdir()
    session = deferred(running, work / "src")
    began = claude.parent / "projects" / "work" / f"{session}.jsonl"
    began.parent.mkdir(parents=True)
    began.write_text(f'{{"type": "mode"}}\nnot JSON\n{{"cwd": "{work}"}}\n{{"cwd": "{work}/src"}}\n')
    process = resume(running, claude, session, "--", "--model", "opus")
    (request,) = running.asked()
    assert not (claude.parent / "notes").exists()
    running.answer(request)
    _, words = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, words
    assert (claude.parent / "notes").read_text().split() == [
        str(work), "-p", "--resume", session, "--model", "opus",
    ]  # fmt: skip


def test_a_session_that_still_waits_is_left_alone(running: Stage, claude: Path) -> None:
    session = deferred(running, claude)
    process = resume(running, claude, session, "--wait", "1s")
    _, words = process.communicate(timeout=DEADLINE)
    assert (process.returncode, words) == (6, "Still waiting for people. Run this command again later.\n")
    assert not (claude.parent / "notes").exists()


def test_a_session_without_open_questions_is_resumed_at_once(running: Stage, claude: Path) -> None:
    process = resume(running, claude, "another")
    _, words = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, words
    assert (claude.parent / "notes").read_text().split()[1:] == ["-p", "--resume", "another"]


def test_a_session_is_not_resumed_while_sayso_refuses(running: Stage, claude: Path) -> None:
    """Resuming while the hook cannot ask would spend the call."""
    process = resume(running, claude, "another", "--url", f"{running.url}/elsewhere")
    _, words = process.communicate(timeout=DEADLINE)
    assert process.returncode == 3
    assert "was not resumed" in words
    assert not (claude.parent / "notes").exists()


@pytest.mark.parametrize("arguments", [("../x",), ("another", "--wait", "soon")])
def test_what_cannot_be_meant_is_refused(running: Stage, claude: Path, arguments: tuple[str, ...]) -> None:
    process = resume(running, claude, *arguments)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 2
    assert not (claude.parent / "notes").exists()


def test_without_claude_nothing_is_lost(running: Stage, claude: Path) -> None:
    (claude / "claude").unlink()
    process = resume(running, claude, "another")
    _, words = process.communicate(timeout=DEADLINE)
    assert process.returncode == 3
    assert words.endswith("claude: No such file or directory. The session was not resumed.\n")
