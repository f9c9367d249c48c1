"""A tool call as a question: what people read before they let it run. The same call is the same question each time."""

from __future__ import annotations

import difflib
import json
import posixpath
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from sayso.bots.hooks._calls import PATCH, ToolCall
from sayso.bots.hooks._rules import Rule, Rules
from sayso.client import Code, Diff, Question, Table

_LONGEST_IN_TITLE = 60
_LONGEST_IN_TABLE = 200
_LONGEST_COMPARED = 100_000
"""Characters of a passage and its replacement of which the common lines are found; that takes long for many lines."""

_LANGUAGES = {
    ".c": "c", ".css": "css", ".go": "go", ".html": "html", ".java": "java", ".js": "javascript", ".json": "json",
    ".md": "markdown", ".py": "python", ".rb": "ruby", ".rs": "rust", ".sh": "bash", ".sql": "sql", ".toml": "toml",
    ".ts": "typescript", ".yaml": "yaml", ".yml": "yaml",
}  # fmt: skip


def question_for(call: ToolCall, rules: Rules, expires_after: float) -> Question:
    """The question whether a call may run, asked of whom the rules say; `expires_after` is in seconds."""
    found = rules.find(call)
    asked = Rule() if found is None else found[1]
    details = {
        **shown(call),
        "Tool": call.tool,
        "Directory": call.directory,
        "Agent": call.agent.shown
        if call.subagent is None
        else f"{call.agent.shown}, subagent {call.subagent}",
        "Session": call.session,
    }
    return Question(
        prompt=title(call),
        details=details,
        policy=asked.policy if asked.policy or asked.to else rules.policy,
        to=(asked.to or (() if asked.policy else rules.to)) or None,
        requested_by=rules.requested_by,
        expires_after=expires_after,
    )


def title(call: ToolCall) -> str:
    """The question in a line."""
    if call.command is not None:
        command = call.command.strip()
        is_short = len(command) <= _LONGEST_IN_TITLE and command.isprintable()
        return f"Run “{command}”?" if is_short else "Run this command?"
    paths = call.paths
    if call.changes_files and paths:
        first, *others = paths
        verb = {"Write": "Write", PATCH: "Change"}.get(call.tool, "Edit")
        more = f" and {len(others)} more" if others else ""
        return f"{verb} {_short(first, call.directory)}{more}?"
    return f"Use {call.tool}?"


def _short(path: str, directory: str) -> str:
    inside = path.startswith(f"{directory.rstrip('/')}/")
    name = posixpath.relpath(path, directory) if inside else path
    return name if len(name) <= _LONGEST_IN_TITLE else f"…{name[-_LONGEST_IN_TITLE:]}"


def shown(call: ToolCall) -> dict[str, Any]:
    """What the call does, and every other member of its input."""
    rest = dict(call.arguments)
    shown: dict[str, Any] = {}
    if call.command is not None:
        shown["Command"] = Code(rest.pop("command"), "bash")
        if isinstance(rest.get("description"), str):
            shown["Described as"] = rest.pop("description")
    elif call.patch is not None:
        rest.pop("command" if "command" in rest else "input")
        shown["Change"] = Diff(unified(call.patch))
    elif call.changes_files:
        shown |= _change(rest)
    if shown:
        # What is off counts as not there.
        rest = {name: value for name, value in rest.items() if value is not False and value is not None}
        if rest and all(map(_fits, rest.values())):
            return shown | {"Options": ", ".join(f"{name}: {_plain(value)}" for name, value in rest.items())}
    return shown | ({"Arguments": _table(rest)} if rest else {})


def _change(rest: dict[str, Any]) -> dict[str, Any]:
    """The change to a file; takes from `rest` what it shows."""
    shown: dict[str, Any] = {}
    pairs = _pairs(rest.get("edits"))
    match rest:
        case {"file_path": str(path), "old_string": str(old), "new_string": str(new)}:
            shown["Change"] = Diff(_diff(path, [(old, new)]))
            taken = ["file_path", "old_string", "new_string"]
        case {"file_path": str(path)} if pairs:
            shown["Change"] = Diff(_diff(path, pairs))
            taken = ["file_path", "edits"]
        case {"file_path": str(path), "content": str(content)}:
            shown |= {"File": path, "New content": Code(content, _language(path))}
            taken = ["file_path", "content"]
        case {"notebook_path": str(path), "new_source": str(source)}:
            shown |= {"File": path, "New source": Code(source)}
            taken = ["notebook_path", "new_source"]
        case _:
            taken = []
    for one in taken:
        rest.pop(one)
    return shown


class _Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    old_string: str
    new_string: str


def _pairs(edits: Any) -> list[tuple[str, str]]:
    """The edits, where a diff shows all that they say."""
    try:
        known = msgspec.convert(edits, list[_Edit])
    except msgspec.ValidationError:
        return []
    return [(one.old_string, one.new_string) for one in known]


def _diff(path: str, edits: list[tuple[str, str]]) -> str:
    """What edits of passages replace. Where in the file they stand is not known, so hunks count from 1."""
    lines = [f"--- {path}", f"+++ {path}"]
    for old, new in edits:
        if old.endswith("\n") and new.endswith("\n"):
            old, new = old[:-1], new[:-1]  # noqa: PLW2901 - else each hunk ended with an empty line
        if len(old) + len(new) > _LONGEST_COMPARED:
            lines += [f"-{one}" for one in _lines(old)] + [f"+{one}" for one in _lines(new)]
            continue
        lines += list(difflib.unified_diff(_lines(old), _lines(new), lineterm=""))[2:]
    return "\n".join(lines)


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def unified(patch: str) -> str:
    """A patch of Codex with headers as unified diffs have them."""
    lines: list[str] = []
    given = patch.strip().split("\n")
    for number, line in enumerate(given):
        if found := re.fullmatch(r"\s*\*\*\* (Add|Update|Delete) File: (.+)", line):
            kind, path = found[1], found[2].strip()
            lines.append(f"--- {'/dev/null' if kind == 'Add' else path}")
            lines.append(f"+++ {'/dev/null' if kind == 'Delete' else path}")
        elif (number, line.strip()) not in ((0, "*** Begin Patch"), (len(given) - 1, "*** End Patch")):
            lines.append(line)
    return "\n".join(lines).strip("\n")


def _language(path: str) -> str | None:
    return _LANGUAGES.get(posixpath.splitext(path)[1].lower())


def _table(arguments: Mapping[str, Any]) -> Table | Code:
    """Arguments that fit into rows; others as JSON."""
    if all(_fits(one) for one in arguments.values()):
        return Table(["Argument", "Value"], [[name, value] for name, value in arguments.items()])
    return Code(json.dumps(arguments, indent=2, ensure_ascii=False), "json")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _fits(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_IN_TABLE and value.isprintable()
    return value is None or isinstance(value, bool | int | float)
