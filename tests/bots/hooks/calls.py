"""Events of coding agents, as they come to their hooks."""

from __future__ import annotations

import json
from typing import Any

from sayso.bots.hooks import Agent, ToolCall, read_call

SESSION = "9e9c87ed-2bba-4e78-ab35-60550037d8f3"


def event(tool: str = "Bash", arguments: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A PreToolUse event; `more` changes and adds members, None removes one."""
    given = {
        "session_id": SESSION,
        "transcript_path": "/home/ana/.claude/projects/-srv-app/session.jsonl",
        "cwd": "/srv/app",
        "permission_mode": "default",
        "hook_event_name": "PreToolUse",
        "tool_name": tool,
        "tool_input": {"command": "make deploy"} if arguments is None else arguments,
        "tool_use_id": "toolu_01",
    } | more
    return {name: value for name, value in given.items() if value is not None}


def call(
    tool: str = "Bash",
    arguments: dict[str, Any] | None = None,
    agent: Agent = Agent.CLAUDE_CODE,
    **more: Any,
) -> ToolCall:
    """The same, read."""
    return read_call(agent, json.dumps(event(tool, arguments, **more)).encode())


def shell(command: str, **more: Any) -> ToolCall:
    """A command for a shell."""
    return call("Bash", {"command": command}, **more)


def permission_request(tool: str = "Bash", arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    """What comes where a dialog in the terminal asks."""
    return event(
        tool, arguments, hook_event_name="PermissionRequest", tool_use_id=None, permission_suggestions=[]
    )
