"""Coding agents as far as their hooks go: they start what their settings name, and treat failures as the real ones do.

The tables are of Claude Code 2.1.332 and Codex 0.171.0, as tried against the programs themselves; `test_real_agents.py`
tries them again where they are installed. A tool that runs leaves a line in a file, so that tests can count.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from tests.bots.command import DEADLINE, environment

RAN, BLOCKED, DEFERRED = "ran", "blocked", "deferred"


@dataclass(frozen=True)
class Used:
    """What became of a tool call: `ran`, `blocked` or `deferred`, and what the agent was told."""

    outcome: str
    words: str = ""


@dataclass(frozen=True)
class StartedHook:
    """A hook that judges a call."""

    agent: FakeAgent
    event: Mapping[str, Any]
    handler: Mapping[str, Any]
    process: subprocess.Popen[bytes]

    def hang_up(self) -> int:
        """The agent ends without a word: nobody reads the hook's output any more. The exit code of the hook."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        try:
            return self.process.wait(DEADLINE)
        finally:
            self.process.stderr.close()

    def signal_hook(self, number: signal.Signals) -> None:
        """Signal the hook itself, and not the shell that started it."""
        for child in self.children():
            os.kill(child, number)

    def children(self) -> list[int]:
        """The processes that the agent's shell started; the shell's own where it made way for the hook."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(one) for one in task.read_text().split()] or [self.process.pid]

    def end(self) -> Used:
        """Wait for its verdict, and run the tool if it says so."""
        timeout = float(self.handler["timeout"])
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()
            return self.agent.failed(self.event, self.handler, "timed out")
        return self.agent.judge(self.event, self.handler, self.process.returncode, out.decode(), err.decode())


@dataclass(frozen=True)
class FakeAgent:
    """An agent with the settings at `path`. `ran` is where its tools leave their lines."""

    path: Path
    ran: Path
    extra: Mapping[str, str] = field(default_factory=dict[str, str])
    honours_on_failure: bool = True
    is_codex: bool = False

    def use(self, event: Mapping[str, Any]) -> Used:
        """Use a tool, unless the hook blocks it."""
        return self.begin(event).end()

    def begin(self, event: Mapping[str, Any]) -> StartedHook:
        """Start the hook for a tool."""
        handler = self.handler(str(event["hook_event_name"]))
        process = subprocess.Popen(
            ["sh", "-c", handler["command"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(**self.extra),
            start_new_session=True,
        )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin as given:  # a hook may end without reading
            given.write(json.dumps(event).encode())
        process.stdin = None
        return StartedHook(self, event, handler, process)

    def handler(self, event: str) -> dict[str, Any]:
        """The one hook for an event."""
        settings = msgspec.json.decode(self.path.read_bytes(), type=dict[str, Any])
        (group,) = settings["hooks"][event]
        handlers: list[dict[str, Any]] = group["hooks"]
        (handler,) = handlers
        return handler

    @property
    def runs(self) -> list[str]:
        """The calls that ran."""
        return self.ran.read_text().split() if self.ran.exists() else []

    def judge(
        self, event: Mapping[str, Any], handler: Mapping[str, Any], code: int, out: str, err: str
    ) -> Used:
        """What the agent makes of a hook that ended."""
        if code == 2 and (err.strip() or not self.is_codex):
            return Used(BLOCKED, err)
        if code != 0:
            return self.failed(event, handler, f"exit {code}: {err}")
        if not out.strip():
            return self._run(event)
        try:
            said = msgspec.json.decode(out, type=dict[str, dict[str, Any]])["hookSpecificOutput"]
        except (msgspec.DecodeError, KeyError):
            return self.failed(event, handler, f"not JSON: {out}")
        if said.get("hookEventName") != event["hook_event_name"]:
            return self.failed(event, handler, f"another event: {out}")
        if event["hook_event_name"] == "PermissionRequest":
            decision = said.get("decision", {})
            allows = decision.get("behavior") == "allow"
            return self._run(event) if allows else Used(BLOCKED, decision.get("message", ""))
        return self._decide(
            event, handler, str(said.get("permissionDecision")), said.get("permissionDecisionReason")
        )

    def _decide(
        self, event: Mapping[str, Any], handler: Mapping[str, Any], decision: str, reason: Any
    ) -> Used:
        words = str(reason or "")
        if decision == "deny" and (words.strip() or not self.is_codex):
            return Used(BLOCKED, words)
        if self.is_codex or decision not in ("allow", "defer"):
            return self.failed(event, handler, f"not supported: {decision}")
        return Used(DEFERRED, words) if decision == "defer" else self._run(event)

    def failed(self, event: Mapping[str, Any], handler: Mapping[str, Any], why: str) -> Used:
        """A hook without a verdict: both agents run the tool, unless Claude Code knows `onFailure` and it blocks."""
        if self.honours_on_failure and not self.is_codex and handler.get("onFailure") == "block":
            return Used(BLOCKED, why)
        return self._run(event)

    def _run(self, event: Mapping[str, Any]) -> Used:
        with self.ran.open("a") as file:
            file.write(f"{event.get('tool_use_id', 'dialog')}\n")
        return Used(RAN)


def transcript(path: Path, *messages: list[str]) -> str:
    """A transcript of Claude Code: a message has an entry for each of its calls, as they came in a stream."""
    lines = [
        {"message": {"id": f"msg_{n}", "role": "assistant", "content": [{"type": "tool_use", "id": id}]}}
        for n, ids in enumerate(messages)
        for id in ids
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    return str(path)
