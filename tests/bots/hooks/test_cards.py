"""What people read before they let an agent use a tool: everything that it would do, as code and not as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sayso.bots.hooks import Agent, Rules, UnknownEvent, read_call, rules_from
from sayso.bots.hooks._card import question_for
from sayso.client import Code, Diff, Question, Table
from tests.bots.hooks.calls import SESSION, call, event, shell


def question(tool: str, arguments: dict[str, Any], **more: Any) -> Question:
    return question_for(call(tool, arguments, **more), Rules(), 60)


def details(tool: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return dict(question(tool, arguments, **more).details or {})


def test_a_command_is_shown_as_code_with_where_it_runs() -> None:
    asked = question(
        "Bash", {"command": "make deploy", "description": "Deploys", "run_in_background": True, "timeout": 0}
    )
    assert asked.prompt == "Run “make deploy”?"
    assert asked.details == {
        "Command": Code("make deploy", "bash"),
        "Described as": "Deploys",
        "Options": "run_in_background: true, timeout: 0",
        "Tool": "Bash",
        "Directory": "/srv/app",
        "Agent": "Claude Code",
        "Session": SESSION,
    }


@pytest.mark.parametrize("command", ["x" * 61, "two\nlines", "a\u202eb"])
def test_a_command_that_a_title_cannot_show_is_not_in_the_title(command: str) -> None:
    assert question("Bash", {"command": command}).prompt == "Run this command?"


def test_an_edit_is_shown_as_a_diff() -> None:
    arguments = {"file_path": "/srv/app/src/a.py", "old_string": "a\n-- b\nc", "new_string": "a\n++ b\nc"}
    asked = question("Edit", {**arguments, "replace_all": True})
    assert asked.prompt == "Edit src/a.py?"
    shown = dict(asked.details or {})
    assert shown["Change"] == Diff(
        "--- /srv/app/src/a.py\n+++ /srv/app/src/a.py\n@@ -1,3 +1,3 @@\n a\n--- b\n+++ b\n c"
    )
    assert shown["Options"] == "replace_all: true"


def test_a_large_edit_is_shown_without_looking_for_what_stays() -> None:
    old = "\n".join(["same"] * 15_000)
    shown = details("Edit", {"file_path": "/srv/app/a", "old_string": old, "new_string": f"{old}\nmore"})
    assert len(shown["Change"].text.split("\n")) == 2 + 15_000 + 15_001


def test_options_that_are_off_are_left_out() -> None:
    arguments = {"file_path": "/srv/app/a", "old_string": "a\n", "new_string": "b\n", "replace_all": False}
    shown = details("Edit", arguments)
    assert shown["Change"].text.endswith("\n-a\n+b")
    assert "Options" not in shown
    assert "Arguments" not in shown


def test_each_of_several_edits_is_in_the_diff() -> None:
    edits = [{"old_string": "a", "new_string": "b"}, {"old_string": "--- c", "new_string": ""}]
    shown = details("MultiEdit", {"file_path": "/srv/app/a", "edits": edits})
    assert shown["Change"].text.split("\n") == [
        "--- /srv/app/a", "+++ /srv/app/a", "@@ -1 +1 @@", "-a", "+b", "@@ -1 +0,0 @@", "---- c",
    ]  # fmt: skip


def test_what_a_diff_would_hide_is_shown_whole() -> None:
    edits = [{"old_string": "a", "new_string": "b", "replace_all": True}]
    shown = details("MultiEdit", {"file_path": "/srv/app/a", "edits": edits})
    assert "Change" not in shown
    assert "replace_all" in shown["Arguments"].text


def test_a_new_file_is_shown_whole() -> None:
    shown = details("Write", {"file_path": "/srv/app/a.py", "content": "print()\n"})
    assert (shown["File"], shown["New content"]) == ("/srv/app/a.py", Code("print()\n", "python"))


def test_a_patch_of_codex_is_shown_as_a_diff() -> None:
    patch = "*** Begin Patch\n*** Add File: b.py\n+x\n*** Update File: a.py\n@@\n-old\n+new\n*** End Patch"
    asked = question("apply_patch", {"command": patch}, agent=Agent.CODEX)
    assert asked.prompt == "Change b.py and 1 more?"
    shown = dict(asked.details or {})
    assert shown["Agent"] == "Codex"
    assert shown["Change"] == Diff("--- /dev/null\n+++ b.py\n+x\n--- a.py\n+++ a.py\n@@\n-old\n+new")


def test_a_file_of_a_patch_is_named_also_where_spaces_stand_around_it() -> None:
    """Codex leaves them out, so that what looks like a line of one file is another file."""
    patch = "*** Begin Patch\n*** Delete File: a.py\n *** Add File: /etc/b \n+x\n *** End Patch"
    asked = question("apply_patch", {"command": patch}, agent=Agent.CODEX)
    assert asked.prompt == "Change a.py and 1 more?"
    shown = dict(asked.details or {})
    assert shown["Change"] == Diff("--- a.py\n+++ /dev/null\n--- /dev/null\n+++ /etc/b\n+x")


def test_other_tools_are_shown_with_all_their_arguments() -> None:
    assert details("WebFetch", {"url": "https://example.org", "limit": 3})["Arguments"] == Table(
        ["Argument", "Value"], [["url", "https://example.org"], ["limit", 3]]
    )
    shown = details("mcp__db__query", {"sql": "SELECT 1;\nDROP TABLE t", "tags": ["a"]})["Arguments"]
    assert shown == Code('{\n  "sql": "SELECT 1;\\nDROP TABLE t",\n  "tags": [\n    "a"\n  ]\n}', "json")


def test_a_subagent_is_named() -> None:
    shown = details("Bash", {"command": "ls"}, agent_id="a1", agent_type="reviewer")
    assert shown["Agent"] == "Claude Code, subagent reviewer"


def test_a_rule_says_who_is_asked() -> None:
    rules = rules_from(
        {
            "policy": "agents",
            "requested_by": "person:ana",
            "rules": [
                {"commands": ["make deploy"], "to": ["slack:#ops"]},
                {"tools": ["Write"], "policy": "two"},
            ],
        }
    )
    deploy = question_for(shell("make deploy"), rules, 60)
    other = question_for(shell("ls"), rules, 60)
    write = question_for(call("Write", {"file_path": "/a", "content": ""}), rules, 60)
    assert (deploy.policy, deploy.to, deploy.requested_by) == (None, ("slack:#ops",), "person:ana")
    assert (other.policy, other.to) == ("agents", None)
    assert (write.policy, write.to) == ("two", None)


def test_the_same_call_is_the_same_question() -> None:
    """A resumed session asks again under the same key; another question would be refused."""
    assert question("Bash", {"command": "ls"}).as_body() == question("Bash", {"command": "ls"}).as_body()


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"tool_input": ' + b"[" * 100_000,
        b'{"hook_event_name": "PreToolUse"}',
        b'{"hook_event_name": "PostToolUse", "session_id": "s"}',
        b'{"hook_event_name": "PreToolUse", "session_id": "s", "cwd": "/", "tool_name": "Bash", "tool_input": {}}',
        json.dumps(event(tool_input="rm")).encode(),
        json.dumps(event(cwd="app")).encode(),
        json.dumps(event(session_id="")).encode(),
    ],
)
def test_what_is_no_event_is_refused(given: bytes) -> None:
    with pytest.raises(UnknownEvent):
        read_call(Agent.CLAUDE_CODE, given)
