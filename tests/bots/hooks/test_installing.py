"""`sayso hook install`: a hook that fails blocks, all else in the settings stays, and a repeat changes nothing."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.bots.command import SAYSO, Ran, sayso
from tests.bots.hooks.agents import BLOCKED, FakeAgent
from tests.bots.hooks.calls import event

OTHERS = {
    "model": "opus",
    "hooks": {
        "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "lint.sh"}]}],
        "Stop": [{"hooks": [{"type": "command", "command": "bell.sh"}]}],
    },
}


def run(home: Path, *arguments: str) -> Ran:
    return sayso(home, "hook", "install", *arguments, HOME=str(home))


def read(path: Path) -> dict[str, Any]:
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])


def test_claude_code_gets_a_hook_that_blocks_when_it_fails(tmp_path: Path) -> None:
    (tmp_path / "sayso.toml").write_text("[hooks]\nwait = '2m'\n")
    ran = run(tmp_path, "claude-code", "--settings", "sayso.toml", "--tools", "Bash|Edit")
    path = tmp_path / ".claude" / "settings.json"
    assert (ran.code, ran.out) == (0, f"Installed the hook in {path}.\n")
    (group,) = read(path)["hooks"]["PreToolUse"]
    (hook,) = group["hooks"]
    command, _, otherwise = hook["command"].partition(" || ")
    assert group["matcher"] == "Bash|Edit"
    assert (hook["type"], hook["timeout"], hook["onFailure"]) == ("command", 180, "block")
    assert shlex.split(command) == [
        SAYSO, "hook", "claude-code", "--wait", "2m", "--settings", str(tmp_path / "sayso.toml"),
    ]  # fmt: skip
    assert otherwise.endswith("exit 2'")


def test_codex_is_told_that_its_hooks_have_to_be_trusted(tmp_path: Path) -> None:
    ran = run(tmp_path, "codex", "--url", "https://sayso.example.org", "--wait", "1h")
    (group,) = read(tmp_path / ".codex" / "hooks.json")["hooks"]["PreToolUse"]
    (hook,) = group["hooks"]
    assert hook["timeout"] == 3660
    assert "onFailure" not in hook
    assert "only once you trust it: start codex, and open /hooks" in ran.out


def test_other_settings_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_text(json.dumps(OTHERS))
    path.chmod(0o600)
    run(tmp_path, "claude-code")
    installed = read(path)
    assert installed["hooks"]["PreToolUse"][0] == OTHERS["hooks"]["PreToolUse"][0]  # type: ignore[index]
    assert installed["hooks"]["Stop"] == OTHERS["hooks"]["Stop"]  # type: ignore[index]
    assert list(installed) == ["model", "hooks"]
    assert path.stat().st_mode & 0o777 == 0o600
    ran = run(tmp_path, "claude-code", "--uninstall")
    assert (ran.out, read(path)) == (f"Removed the hook from {path}.\n", OTHERS)
    assert run(tmp_path, "claude-code", "--uninstall").out == f"There is no sayso hook in {path}.\n"


def test_a_repeat_changes_nothing_and_other_options_replace_the_hook(tmp_path: Path) -> None:
    """Codex trusts a hook as it stands: one that were written anew would be skipped until it is trusted again."""
    path = tmp_path / ".codex" / "hooks.json"
    run(tmp_path, "codex", "--wait", "5m")
    first, written = path.read_text(), path.stat().st_mtime_ns
    assert f"The hook in {path} is up to date." in run(tmp_path, "codex", "--wait", "5m").out
    assert (path.read_text(), path.stat().st_mtime_ns) == (first, written)
    run(tmp_path, "codex", "--wait", "6m", "--permission-request")
    hooks = read(path)["hooks"]
    assert list(hooks) == ["PermissionRequest"]
    assert len(hooks["PermissionRequest"]) == 1


def test_a_project_has_settings_of_its_own(tmp_path: Path) -> None:
    run(tmp_path, "claude-code", "--project", "--defer")
    assert (
        " --defer || "
        in FakeAgent(tmp_path / ".claude" / "settings.json", tmp_path / "ran").handler("PreToolUse")[
            "command"
        ]
    )


def test_the_http_hook_sends_the_token_of_the_environment(tmp_path: Path) -> None:
    run(tmp_path, "claude-code", "--http", "https://sayso.example.org/", "--wait", "90s")
    (group,) = read(tmp_path / ".claude" / "settings.json")["hooks"]["PreToolUse"]
    assert group["hooks"] == [
        {
            "type": "http",
            "url": "https://sayso.example.org/hooks/claude-code?wait=90s",
            "headers": {"Authorization": "Bearer $SAYSO_TOKEN"},
            "allowedEnvVars": ["SAYSO_TOKEN"],
            "timeout": 150,
            "onFailure": "block",
        }
    ]


@pytest.mark.parametrize("text", ["{", "[]", '{"hooks": []}', '{"hooks": {"PreToolUse": {}}}'])
def test_settings_that_cannot_be_read_are_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_text(text)
    ran = run(tmp_path, "claude-code")
    assert ran.code == 2
    assert str(path) in ran.err
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("codex", "--defer"), "it ignores both"),
        (("codex", "--http", "https://sayso.example.org"), "it ignores both"),
        (("claude-code", "--http", "https://sayso.example.org", "--defer"), "leave out"),
        (("claude-code", "--permission-request", "--defer"), "cannot be combined"),
        (("claude-code", "--http", "sayso.example.org:8765"), "starts with https://"),
        (("claude-code", "--http", "ftp://sayso.example.org"), "starts with https://"),
        (("claude-code", "--wait", "soon"), "is not a time"),
        (("claude-code", "--settings", "none.toml"), "cannot be read"),
    ],
)
def test_what_would_run_tools_unasked_is_not_installed(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    ran = run(tmp_path, *arguments)
    assert ran.code == 2
    assert words in ran.err
    assert not (tmp_path / ".claude").exists()
    assert not (tmp_path / ".codex").exists()


@pytest.mark.parametrize("agent", ["claude-code", "codex"])
@pytest.mark.parametrize("program", ["missing", "exit 1", "kill -9 $$"])
def test_a_hook_that_cannot_run_blocks(tmp_path: Path, agent: str, program: str) -> None:
    """Both agents run the tool if the hook is not found, ends with 1, or is killed."""
    run(tmp_path, agent)
    path = tmp_path / (".codex/hooks.json" if agent == "codex" else ".claude/settings.json")
    broken = tmp_path / "broken"
    if program != "missing":
        broken.write_text(f"#!/bin/sh\n{program}\n")
        broken.chmod(0o755)
    path.write_text(path.read_text().replace(SAYSO, str(broken)))
    used = FakeAgent(path, tmp_path / "ran", honours_on_failure=False, is_codex=agent == "codex").use(event())
    assert used.outcome == BLOCKED, used.words
