"""What a coding agent says when it is about to use a tool: read strictly, and the same for all agents from here on."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

PRE_TOOL_USE = "PreToolUse"
PERMISSION_REQUEST = "PermissionRequest"

SHELLS = frozenset({"Bash"})
"""Tools that hand a command to a POSIX shell. Codex calls each of its shells so for hooks as well."""

PATCH = "apply_patch"
_EDITS = frozenset({"Edit", "MultiEdit", "Write", "NotebookEdit", PATCH})
_FILES: Mapping[str, str] = {
    "Edit": "file_path",
    "MultiEdit": "file_path",
    "Write": "file_path",
    "NotebookEdit": "notebook_path",
    "Read": "file_path",
}
"""The member of a tool's input that names its file."""

_SEARCHES = frozenset({"Grep", "Glob", "LS"})
"""Tools that look through a folder, which their input may name; a tool that is in none of these may touch anything."""

_PATCHED = re.compile(r"^[^\S\n]*\*\*\* (?:(?:Add|Update|Delete) File|Move to): (.+)$", re.MULTILINE)
"""A line of a patch that names a file. Codex ignores the spaces around it (codex-rs, apply-patch/parser.rs)."""

_ALTERNATIVES = re.compile(r"\{[^{}/.~]*\}")
"""Alternatives in a pattern that cannot lead out of a folder by themselves."""


class Agent(StrEnum):
    """A coding agent whose hooks are understood here."""

    CLAUDE_CODE = "claude-code"
    CODEX = "codex"

    @property
    def shown(self) -> str:
        """What people call it."""
        return {"claude-code": "Claude Code", "codex": "Codex"}[self.value]

    @property
    def key(self) -> str:
        """What its keys begin with."""
        return {"claude-code": "claude", "codex": "codex"}[self.value]


class UnknownEvent(Exception):
    """What came is no event of a tool call that sayso could judge. The text says why."""


class _Event(msgspec.Struct, frozen=True):
    session_id: str
    cwd: str
    hook_event_name: str
    tool_name: str
    tool_input: dict[str, Any]
    tool_use_id: str | None = None
    transcript_path: str | None = None
    agent_id: str | None = None
    agent_type: str | None = None


class _Named(msgspec.Struct, frozen=True):
    hook_event_name: str


class ToolCall(msgspec.Struct, frozen=True):
    """A tool that an agent is about to use. `subagent` is what the agent calls the one of its helpers that does."""

    agent: Agent
    event: str
    session: str
    directory: str
    tool: str
    arguments: Mapping[str, Any]
    use_id: str | None = None
    transcript: str | None = None
    subagent: str | None = None

    @property
    def is_permission_request(self) -> bool:
        """Whether a dialog in the terminal asks the same at the same time."""
        return self.event == PERMISSION_REQUEST

    @property
    def command(self) -> str | None:
        """What a shell is to run."""
        command = self.arguments.get("command")
        return command if self.tool in SHELLS and isinstance(command, str) else None

    @property
    def leaves_sandbox(self) -> bool:
        """Whether a command is to run outside the agent's sandbox."""
        return bool(self.arguments.get("dangerouslyDisableSandbox"))

    @property
    def patch(self) -> str | None:
        """A patch in the form that Codex applies."""
        patch = self.arguments.get("command", self.arguments.get("input"))
        return patch if self.tool == PATCH and isinstance(patch, str) else None

    @property
    def changes_files(self) -> bool:
        """Whether the tool is there to change files."""
        return self.tool in _EDITS

    @property
    def paths(self) -> tuple[str, ...] | None:
        """The files and folders that the call names, absolute and without `..`; None where it may touch others."""
        if self.patch is not None:
            return tuple(map(self._absolute, _PATCHED.findall(self.patch))) or None
        if self.tool in SHELLS:
            return ()
        file = self.arguments.get(_FILES.get(self.tool, ""))
        named = self._searched() if self.tool in _SEARCHES else [file]
        known = [self._absolute(one) for one in named if isinstance(one, str)]
        return tuple(known) if len(known) == len(named) else None

    def _searched(self) -> list[Any]:
        """The folder that is looked through, and where a pattern leads."""
        folder: Any = self.arguments.get("path", self.directory)
        pattern: Any = self.arguments.get("pattern")
        if self.tool != "Glob" or not (isinstance(folder, str) and isinstance(pattern, str)):
            return [folder]
        led = _ALTERNATIVES.sub("", pattern)
        return [folder, None if "{" in led else posixpath.join(folder.strip(), led.strip())]

    def _absolute(self, path: str) -> str:
        """As agents read a path: without spaces around it, `~` as their user's home."""
        return normal(posixpath.join(self.directory, posixpath.expanduser(path.strip())))


def normal(path: str) -> str:
    """A path without `.`, `..` and doubled slashes."""
    return "/" + posixpath.normpath(path).lstrip("/")


def read_call(agent: Agent, given: bytes) -> ToolCall:
    """The call that a hook was told of. Raises `UnknownEvent`."""
    try:
        name = msgspec.json.decode(given, type=_Named).hook_event_name
        if name not in (PRE_TOOL_USE, PERMISSION_REQUEST):
            raise UnknownEvent(
                f"{name} is not an event that can be approved; use PreToolUse or PermissionRequest"
            )
        event = msgspec.json.decode(given, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnknownEvent(f"the event cannot be read: {error}") from error
    if name == PRE_TOOL_USE and not event.tool_use_id:
        raise UnknownEvent("the event has no tool_use_id")
    if not event.session_id or not event.tool_name or not event.cwd.startswith("/"):
        raise UnknownEvent("the event has no session, tool or working directory")
    return ToolCall(
        agent,
        name,
        event.session_id,
        normal(event.cwd),
        event.tool_name,
        event.tool_input,
        event.tool_use_id,
        event.transcript_path,
        (event.agent_type or event.agent_id) if event.agent_id else None,
    )
