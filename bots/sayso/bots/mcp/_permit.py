"""`permit`: what Claude Code's `--permission-prompt-tool` calls before it uses a tool that no rule allows.

It sends `tool_name`, `input` and `tool_use_id`, and takes one text block: `{"behavior": "allow", "updatedInput": ...}`
or `{"behavior": "deny", "message": ...}`.
"""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from sayso.bots.mcp._arguments import Permit
from sayso.bots.mcp._tools import Tools
from sayso.client import Code


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
        found = await tools.permit(given.tool_name, _shown(given), key)
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


def _shown(given: Permit) -> dict[str, Any]:
    """A call as people see it: its command as code, or all of its input."""
    command = given.input.get("command")
    if isinstance(command, str) and "tool" not in given.input:
        return {"tool": given.tool_name, **given.input, "command": Code(command, "sh")}
    text = msgspec.json.format(msgspec.json.encode(given.input), indent=2).decode()
    return {"tool": given.tool_name, "input": Code(text, "json")}
