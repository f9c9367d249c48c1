"""Whether Claude Code would hold a call: where it ignores `defer`, the tool would run without anybody's yes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sayso.bots.hooks import Agent
from sayso.bots.hooks._transcript import why_not_deferred
from tests.bots.hooks.agents import transcript
from tests.bots.hooks.calls import call

PRINTS = {"CLAUDE_CODE_ENTRYPOINT": "sdk-cli"}


def why_not(path: str | None, environment: dict[str, str] = PRINTS, **more: Any) -> str:
    return why_not_deferred(call(transcript_path=path, **more), environment) or "deferred"


def test_a_call_that_stands_alone_is_deferred(tmp_path: Path) -> None:
    path = transcript(tmp_path / "session.jsonl", ["toolu_00"], ["toolu_01"])
    assert why_not(path) == "deferred"


def test_of_several_calls_in_one_turn_the_first_is_deferred(tmp_path: Path) -> None:
    """Claude Code 2.1.332 resumes one call of a turn: of several that were deferred, all but one would be lost."""
    path = transcript(tmp_path / "session.jsonl", ["toolu_01", "toolu_02"])
    assert why_not(path) == "deferred"
    assert "another comes first" in why_not(path, tool_use_id="toolu_02")


def test_calls_that_came_in_one_piece_are_not_deferred(tmp_path: Path) -> None:
    """Claude Code 2.1.332 ignores `defer` for them, and runs what its own settings allow."""
    path = tmp_path / "session.jsonl"
    path.write_text(
        '{"message": {"id": "m", "role": "assistant", "content": ['
        '{"type": "tool_use", "id": "toolu_01"}, {"type": "tool_use", "id": "toolu_02"}]}}\n'
    )
    assert "in one piece" in why_not(str(path))


@pytest.mark.parametrize("environment", [{}, {"CLAUDE_CODE_ENTRYPOINT": "cli"}])
def test_in_a_session_with_a_terminal_nothing_is_deferred(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """There, Claude Code 2.1.332 ignores `defer` too."""
    path = transcript(tmp_path / "session.jsonl", ["toolu_01"])
    assert "only in `claude -p`" in why_not(path, environment)


@pytest.mark.parametrize(
    "content", [None, "", "not JSON\n", '{"message": {"role": "user", "content": "toolu_01"}}\n']
)
def test_what_the_transcript_does_not_show_is_not_deferred(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "session.jsonl"
    if content is not None:
        path.write_text(content)
    assert "does not show" in why_not(str(path))
    assert "does not show" in why_not(None)


def test_neither_subagents_nor_other_agents_are_deferred(tmp_path: Path) -> None:
    path = transcript(tmp_path / "session.jsonl", ["toolu_01"])
    assert "subagent" in why_not(path, agent_id="a1")
    assert "only PreToolUse" in (
        why_not_deferred(call(agent=Agent.CODEX, transcript_path=path), PRINTS) or ""
    )
