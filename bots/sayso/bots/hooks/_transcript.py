"""Whether Claude Code would hold a call that is deferred, or run it.

It ignores `defer` in a session with a terminal, and where it took several calls of a turn in one piece; then the call
goes on as if there were no hook. Of several deferred calls in one turn it resumes the last alone. (Claude Code 2.1.332,
as tried.) So a call is deferred only where the transcript shows that it stands alone, or first among its siblings.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from sayso.bots.hooks._calls import PRE_TOOL_USE, Agent, ToolCall

_ENTRY_POINT = "CLAUDE_CODE_ENTRYPOINT"
_WITHOUT_TERMINAL = "sdk-"
_TAIL = 4_000_000
"""Bytes at the end of a transcript that are looked through for the turn."""


class _Block(msgspec.Struct, frozen=True):
    type: str | None = None
    id: str | None = None


class _Message(msgspec.Struct, frozen=True):
    id: str | None = None
    role: str | None = None
    content: Any = None


class _Entry(msgspec.Struct, frozen=True):
    message: _Message | None = None


def why_not_deferred(call: ToolCall, environment: Mapping[str, str]) -> str | None:
    """Why a call must not be deferred; None where the agent will hold it."""
    if call.agent is not Agent.CLAUDE_CODE or call.event != PRE_TOOL_USE:
        return "only PreToolUse of Claude Code can be deferred"
    if call.subagent is not None:
        return "a call of a subagent cannot be deferred"
    if not environment.get(_ENTRY_POINT, "").startswith(_WITHOUT_TERMINAL):
        return "calls can be deferred only in `claude -p`"
    entries = _entries_of_turn(call)
    if entries is None:
        return "the transcript does not show the call"
    if any(call.use_id in entry and len(entry) > 1 for entry in entries):
        return "it came in one piece with other calls, which Claude Code cannot defer"
    if entries[0][0] != call.use_id:
        return (
            "Claude Code can defer one call per turn, and another comes first. Run this one again on its own"
        )
    return None


def _entries_of_turn(call: ToolCall) -> list[list[str]] | None:
    """The ids of the calls in each entry of the message to which a call belongs; None where it is not there."""
    if call.transcript is None:
        return None
    try:
        with Path(call.transcript).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL))
            lines = file.read().split(b"\n")
    except OSError:
        return None
    turns: dict[str | None, list[list[str]]] = {}
    found: str | None = None
    for line in lines:
        try:
            message = msgspec.json.decode(line, type=_Entry).message
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if message is None or message.role != "assistant" or not (ids := _calls_in(message.content)):
            continue
        turns.setdefault(message.id, []).append(ids)
        if call.use_id in ids:
            found = message.id
    return turns.get(found)


def _calls_in(content: Any) -> list[str]:
    try:
        blocks = msgspec.convert(content, list[_Block])
    except msgspec.ValidationError:
        return []
    return [one.id for one in blocks if one.type == "tool_use" and one.id is not None]
