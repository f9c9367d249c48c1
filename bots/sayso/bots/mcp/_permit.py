"""`permit`: what Claude Code's `--permission-prompt-tool` calls before it uses a tool that no rule allows.

It sends `tool_name`, `input` and `tool_use_id`, and takes one text block: `{"behavior": "allow", "updatedInput": ...}`
or `{"behavior": "deny", "message": ...}`.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import msgspec

from sayso.bots.hooks import Agent, ToolCall, shown, title
from sayso.bots.mcp._arguments import Permit
from sayso.bots.mcp._tools import Tools


class Permissions:
    """Asks for permissions. A question that nobody has answered yet is found again when exactly the same call comes
    again; its yes is used once, so it never covers a repeat.
    """

    def __init__(self) -> None:
        self._waiting: dict[bytes, str] = {}

    async def permit(self, tools: Tools, given: Permit) -> dict[str, Any]:
        """What the client is to do with a call."""
        call = msgspec.json.encode([given.tool_name, given.input], order="sorted")
        key = self._waiting.pop(call, None) or f"permit:{given.tool_use_id or uuid.uuid4().hex}"
        tool_call = ToolCall(
            agent=Agent.CLAUDE_CODE,
            event="permit",
            session="",
            directory=str(Path.cwd()),
            tool=given.tool_name,
            arguments=given.input,
            use_id=given.tool_use_id,
        )
        details = {**shown(tool_call), "Tool": tool_call.tool, "Directory": tool_call.directory}
        found = await tools.permit(title(tool_call), details, key)
        match found.status:
            case "approved":
                return {"behavior": "allow", "updatedInput": given.input}
            case "waiting" | "unreachable":
                self._waiting[call] = key
                why = "nobody has answered yet" if found.status == "waiting" else "sayso did not answer"
                return self.deny(f"Not allowed: {why}. Repeat exactly the same call to wait for the answer.")
            case "rejected":
                return self.deny(f"Rejected by {', '.join(found.by)}. {found.comment or ''}".strip())
            case "used":
                return self.deny("Not allowed: the approval for this call has been used already.")
            case _:
                return self.deny(found.message)

    @staticmethod
    def deny(why: str) -> dict[str, Any]:
        """No, and why."""
        return {"behavior": "deny", "message": why}
