"""The rules of [hooks]: what is allowed without people is exactly what was written, and nothing that looks like it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.bots.hooks import InvalidRules, Rules, ToolCall, rules_from
from tests.bots.hooks.calls import call, shell


def answer(rules: Rules, of: ToolCall) -> str:
    found = rules.find(of)
    return "ask" if found is None else found[1].answer


def rules(*given: dict[str, Any], **more: Any) -> Rules:
    return rules_from({"rules": list(given), **more})


def allowing(*commands: str, **more: Any) -> Rules:
    return rules({"answer": "allow", "commands": list(commands), **more})


def test_what_no_rule_names_asks() -> None:
    assert answer(rules(), shell("ls")) == "ask"


def test_the_first_rule_that_matches_decides() -> None:
    both = rules({"answer": "deny", "commands": ["git push **"]}, {"answer": "allow", "commands": ["git **"]})
    assert answer(both, shell("git push origin main")) == "deny"
    assert answer(both, shell("git status")) == "allow"


@pytest.mark.parametrize(
    ("pattern", "command"),
    [
        ("git status", "git status"),
        ("git status", "  git   status "),
        ("git status", "'git' \"status\""),
        ("git diff *", "git diff main"),
        ("git diff **", "git diff main HEAD src/app.py"),
        ("git diff **", "git diff"),
        ("git log -n*", "git log -n5"),
        ("make -C * test", "make -C services/api test"),
        ("pytest tests/*", "pytest tests/unit/test_app.py"),
        ("echo *", "echo 'a; rm -rf / && $(reboot)'"),
    ],
)
def test_an_allowed_command_is_covered(pattern: str, command: str) -> None:
    assert answer(allowing(pattern), shell(command)) == "allow"


@pytest.mark.parametrize(
    ("pattern", "command"),
    [
        ("git status", "git status; rm -rf /"),
        ("git status", "git status && rm -rf /"),
        ("git status", "git status | sh"),
        ("git status", "git status & rm -rf /"),
        ("git status", "git status\nrm -rf /"),
        ("git status", "git status\rrm"),
        ("git status", "git status > /etc/passwd"),
        ("git status", "git status < /etc/passwd"),
        ("git status", "git status --short"),
        ("git status", "./git status"),
        ("git status", "git"),
        ("git status", "PATH=/tmp git status"),
        ("git status", "git status # and more"),
        ("git status", "{ git status; }"),
        ("git status", "!git status"),
        ("git status", "git status 'unfinished"),
        ("echo *", "echo $(reboot)"),
        ("echo *", "echo `reboot`"),
        ("echo *", 'echo "$(reboot)"'),
        ("echo *", "echo $HOME"),
        ("echo *", "echo *"),
        ("echo *", "echo ~root"),
        ("echo *", "echo {a,b}"),
        ("echo *", "echo a\\;reboot"),
        ("echo *", "echo =reboot"),
        ("echo *", "echo one two"),
        ("git diff **", "git diff --output=/etc/passwd"),
        ("git diff **", "git diff main --ext-diff"),
        ("git log *", "git log -p"),
        ("cat docs/*", "cat docs/../../etc/shadow"),
        ("make -C * test", "make -C services/.. test"),
        ("pytest tests/*", "pytest"),
    ],
)
def test_what_only_looks_like_an_allowed_command_asks(pattern: str, command: str) -> None:
    assert answer(allowing(pattern), shell(command)) == "ask"


@given(st.text(alphabet=";&|<>()$`\n\\!{}*?[]#~'\" abc", max_size=12))
def test_no_character_of_the_shell_widens_what_is_allowed(rest: str) -> None:
    """A command is allowed only if a shell hands the program the words of the pattern, and runs nothing else."""
    command = f"git status{rest}"
    is_allowed = answer(allowing("git status"), shell(command)) == "allow"
    assert not is_allowed or command.replace("'", "").replace('"', "").strip(" ") == "git status"


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf build",
        "cd /srv && rm -rf build",
        "ls | xargs -0 rm -rf",
        "sudo -n rm x",
        "FOO=1 /bin/rm x",
        "echo $(rm x)",
        "echo `rm x`",
        "bash -c 'cd /srv; rm x'",
        "true\nrm x",
        "echo 'unfinished; rm x",
    ],
)
@pytest.mark.parametrize("verdict", ["deny", "ask"])
def test_a_denied_command_is_found_inside_others(verdict: str, command: str) -> None:
    given = rules(
        {"answer": verdict, "commands": ["rm **"], "tools": ["Bash"]}, {"answer": "allow", "tools": ["*"]}
    )
    assert answer(given, shell(command)) == verdict


def test_a_command_that_is_too_long_to_be_read_is_not_allowed() -> None:
    """Reading one takes time, which the service has for everybody."""
    long = "echo " + "a" * 20_000
    assert answer(allowing("echo *"), shell(long)) == "ask"
    assert answer(rules({"answer": "deny", "commands": ["rm **"]}), shell(long)) == "deny"


@pytest.mark.parametrize(
    ("pattern", "word", "matches"),
    [
        ("a*", "a", True),
        ("*a", "ba", True),
        ("a*a", "a", False),
        ("a*b*c", "axbxc", True),
        ("a*b*c", "acb", False),
        ("a*bb*bc", "abbbc", True),
        ("a*bb*bc", "abbc", False),
        ("a.c*", "abc", False),
    ],
)
def test_a_star_stands_for_any_part_of_an_argument(pattern: str, word: str, *, matches: bool) -> None:
    expected = "allow" if matches else "ask"
    assert answer(allowing(f"echo {pattern}"), shell(f"echo {word}")) == expected


def test_a_command_that_leaves_the_sandbox_is_not_what_a_rule_allows() -> None:
    """The agent itself would ask before it does; a rule for a command says nothing about that."""
    given = allowing("npm test")
    inside = {"command": "npm test", "dangerouslyDisableSandbox": False}
    assert answer(given, call("Bash", inside)) == "allow"
    assert answer(given, call("Bash", {**inside, "dangerouslyDisableSandbox": True})) == "ask"


def test_commands_are_those_of_shells_alone() -> None:
    """The same word in another tool's input is not a command."""
    assert answer(allowing("make"), call("mcp__ci__run", {"command": "make"})) == "ask"


def test_tools_match_by_patterns_and_case() -> None:
    given = rules({"answer": "allow", "tools": ["Read", "mcp__docs__*"]})
    assert answer(given, call("mcp__docs__search", {"q": "x"})) == "allow"
    assert answer(given, call("read", {"file_path": "/srv/app/x"})) == "ask"
    assert answer(given, call("ReadAll", {})) == "ask"


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        ("Read", {"file_path": "/srv/app/src/a.py"}, "allow"),
        ("Read", {"file_path": "/srv/app/../../etc/shadow"}, "ask"),
        ("Read", {"file_path": "/srv/application/a.py"}, "ask"),
        ("Edit", {"file_path": "/etc/passwd", "old_string": "a", "new_string": "b"}, "ask"),
        ("Grep", {"pattern": "x"}, "allow"),
        ("Grep", {"pattern": "x", "path": "/etc"}, "ask"),
        ("Glob", {"pattern": "src/*.py"}, "allow"),
        ("Glob", {"pattern": "/etc/*"}, "ask"),
        ("NotebookEdit", {"notebook_path": "/srv/other/a.ipynb", "new_source": ""}, "ask"),
        ("apply_patch", {"command": "*** Begin Patch\n*** Update File: a.py\n*** Move to: b.py"}, "allow"),
        ("apply_patch", {"command": "*** Begin Patch\n*** Update File: a.py\n*** Move to: ../b.py"}, "ask"),
        (
            "apply_patch",
            {"command": "*** Begin Patch\n*** Delete File: a.py\n *** Delete File: /etc/b"},
            "ask",
        ),
        (
            "apply_patch",
            {"command": "*** Begin Patch\n*** Delete File: a.py\n\u00a0*** Add File: /etc/b"},
            "ask",
        ),
        ("apply_patch", {"command": "*** Begin Patch\n*** Update File: ~/.profile"}, "ask"),
        ("apply_patch", {"command": "nothing that names a file"}, "ask"),
        ("Read", {"file_path": " /etc/shadow"}, "ask"),
        ("Write", {"file_path": "~/.profile", "content": ""}, "ask"),
        ("Write", {"file_path": " ~/.profile", "content": ""}, "ask"),
        ("Write", {"file_path": ["/etc/passwd"], "content": ""}, "ask"),
        ("Write", {"content": ""}, "ask"),
        ("Glob", {"pattern": "../x/*", "path": "/srv/app"}, "ask"),
        ("Glob", {"pattern": "{/etc,/srv}/*"}, "ask"),
        ("Glob", {"pattern": "{.,}./*"}, "ask"),
        ("Glob", {"pattern": ".{x,}./*"}, "ask"),
        ("Glob", {"pattern": "src/*.{py,toml}"}, "allow"),
        ("mcp__files__write", {"path": "/srv/app/a.py"}, "ask"),
    ],
)
def test_a_directory_allows_only_what_certainly_stays_in_it(
    tool: str, arguments: dict[str, Any], expected: str
) -> None:
    given = rules({"answer": "allow", "tools": ["*"], "directories": ["/srv/app"]})
    assert answer(given, call(tool, arguments)) == expected


def test_a_directory_is_where_its_links_lead(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "out").symlink_to("/etc")
    given = rules({"answer": "allow", "tools": ["Read"], "directories": [str(tmp_path / "app")]})
    cwd = str(tmp_path / "app")
    assert answer(given, call("Read", {"file_path": f"{cwd}/a.py"}, cwd=cwd)) == "allow"
    assert answer(given, call("Read", {"file_path": f"{cwd}/out/shadow"}, cwd=cwd)) == "ask"
    denying = rules({"answer": "deny", "directories": ["/etc"]}, {"answer": "allow", "tools": ["*"]})
    assert answer(denying, call("Read", {"file_path": f"{cwd}/out/shadow"}, cwd=cwd)) == "deny"


def test_a_directory_denies_whatever_touches_it() -> None:
    given = rules({"answer": "deny", "directories": ["/etc"]}, {"answer": "allow", "tools": ["*"]})
    assert answer(given, call("Edit", {"file_path": "/srv/../etc/passwd"})) == "deny"
    assert answer(given, shell("ls", cwd="/etc/ssl")) == "deny"
    assert answer(given, shell("ls")) == "allow"


@pytest.mark.parametrize("path", ["~/.ssh/id_ed25519", " ~/.ssh/id_ed25519", "~/work/../.ssh/id_ed25519"])
def test_a_directory_in_the_home_is_denied_also_where_it_is_called_so(path: str) -> None:
    """Agents read `~` as the home of their user, and leave out spaces around a path."""
    home = str(Path.home())
    given = rules({"answer": "deny", "directories": [f"{home}/.ssh"]}, {"answer": "allow", "tools": ["*"]})
    assert answer(given, call("Read", {"file_path": path})) == "deny"


@pytest.mark.parametrize(
    "path",
    [
        "/srv/app/.claude/settings.json",
        "/srv/app/.Claude/settings.json",
        "/home/ana/.codex/hooks.json",
        "/srv/sayso.toml",
    ],
)
def test_no_rule_lets_an_agent_change_its_own_rules(path: str) -> None:
    given = rules({"answer": "allow", "tools": ["*"]})
    assert answer(given, call("Write", {"file_path": path, "content": "{}"})) == "ask"


def test_no_link_leads_around_that(tmp_path: Path) -> None:
    (tmp_path / "notes").symlink_to(tmp_path / ".claude")
    given = rules({"answer": "allow", "tools": ["*"]})
    path = str(tmp_path / "notes" / "settings.json")
    assert answer(given, call("Write", {"file_path": path, "content": "{}"})) == "ask"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"rules": [{"answer": "allow"}]}, "has to name tools or commands"),
        ({"rules": [{"answer": "allow", "commands": ["* x"]}]}, "name of a program"),
        ({"rules": [{"answer": "allow", "commands": ["git ** x"]}]}, "before its end"),
        ({"rules": [{"answer": "deny", "tools": ["Bash"], "policy": "four-eyes"}]}, "asks nobody"),
        ({"rules": [{"answer": "allow", "tools": ["Bash"], "directories": ["src"]}]}, "absolute"),
        ({"rules": [{"answer": "maybe"}]}, "answer"),
        ({"rules": [{"tool": ["Bash"]}]}, "tool"),
        ({"wait": "soon"}, "hooks.wait"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(table: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRules, match=words):
        rules_from(table)
