"""What becomes of a tool call, and how each agent is told so.

Told wrongly, an agent runs the tool: each form here is one that was seen to hold (Claude Code 2.1, Codex 0.171).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from sayso.bots.hooks._calls import PRE_TOOL_USE, Agent, ToolCall
from sayso.bots.hooks._rules import Rules


class Allowed(msgspec.Struct, frozen=True):
    """The call may run, once."""

    reason: str


class Denied(msgspec.Struct, frozen=True):
    """The call must not run."""

    reason: str


class Deferred(msgspec.Struct, frozen=True):
    """The call stops the agent; it is asked for again when the agent is resumed."""

    reason: str


Verdict: TypeAlias = Allowed | Denied | Deferred


def ruled(call: ToolCall, rules: Rules) -> Allowed | Denied | None:
    """The verdict of the rules alone; None where people are asked."""
    found = rules.find(call)
    if found is None or found[1].answer == "ask":
        return None
    number, rule = found
    by = f"by rule {number} of [hooks]" + (f": {rule.reason}" if rule.reason else "")
    return Allowed(f"Allowed {by}") if rule.answer == "allow" else Denied(f"Denied {by}")


def said(call: ToolCall, verdict: Verdict) -> bytes:
    """What the hook writes to standard output, with exit code 0."""
    if call.is_permission_request:
        return _encoded(_decision(call, verdict))
    if isinstance(verdict, Allowed) and call.agent is Agent.CODEX:
        return b""  # Codex reports an explicit `allow` as an error; what is not blocked goes on
    kind = {Allowed: "allow", Denied: "deny", Deferred: "defer"}[type(verdict)]
    return _encoded(
        {
            "hookEventName": call.event,
            "permissionDecision": kind,
            "permissionDecisionReason": verdict.reason,
        }
    )


def refused(reason: str) -> bytes:
    """What is answered to something that is no call."""
    return _encoded(
        {"hookEventName": PRE_TOOL_USE, "permissionDecision": "deny", "permissionDecisionReason": reason}
    )


def _decision(call: ToolCall, verdict: Verdict) -> dict[str, Any]:
    if isinstance(verdict, Allowed):
        return {"hookEventName": call.event, "decision": {"behavior": "allow"}}
    return {"hookEventName": call.event, "decision": {"behavior": "deny", "message": verdict.reason}}


def _encoded(output: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"hookSpecificOutput": output}) + b"\n"
