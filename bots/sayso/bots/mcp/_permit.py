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
    """Asks for permissions. A question whose answer no call has heard yet is found again when exactly the same call
    comes again; its yes is used once, so it never covers a repeat.
    """

    def __init__(self) -> None:
        self._waiting: dict[bytes, list[str]] = {}

    async def permit(self, tools: Tools, given: Permit) -> dict[str, Any]:
        """What the client is to do with a call."""
        call = msgspec.json.encode([given.tool_name, given.input], order="sorted")
        key = self._take(call) or f"permit:{given.tool_use_id or uuid.uuid4().hex}"
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
        try:
            found = await tools.permit(title(tool_call), details, key)
        except BaseException:  # cancelled as well: it stays asked
            self._put_back(call, key)
            raise
        match found.status:
            case "approved":
                return {"behavior": "allow", "updatedInput": given.input}
            case "waiting" | "unreachable":
                self._put_back(call, key)
                why = "nobody has answered yet" if found.status == "waiting" else "sayso did not answer"
                return self.deny(f"Not allowed: {why}. Repeat exactly the same call to wait for the answer.")
            case "rejected":
                return self.deny(f"Rejected by {', '.join(found.by)}. {found.comment or ''}".strip())
            case "used":
                return self.deny("Not allowed: the approval for this call has been used already.")
            case _:
                return self.deny(found.message)

    def _take(self, call: bytes) -> str | None:
        """The key of a question about a call to be found again, if there is one. Two at once are never the same."""
        keys = self._waiting.pop(call, [])
        if keys[1:]:
            self._waiting[call] = keys[1:]
        return keys[0] if keys else None

    def _put_back(self, call: bytes, key: str) -> None:
        self._waiting.setdefault(call, []).append(key)

    @staticmethod
    def deny(why: str) -> dict[str, Any]:
        """No, and why."""
        return {"behavior": "deny", "message": why}
