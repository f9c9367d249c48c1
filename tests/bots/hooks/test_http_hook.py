"""The hook that Claude Code calls by itself: the same verdicts, and a refusal for whatever is wrong with the call."""

from __future__ import annotations

import json
import socket
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.bots.command import sayso
from tests.bots.hooks.calls import event, permission_request
from tests.bots.hooks.stage import Stage

DEEP = b'{"tool_input": ' + b"[" * 100_000

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def fresh(**more: Any) -> dict[str, Any]:
    """A call that nobody has asked about."""
    return event(tool_use_id=f"toolu_{uuid4().hex}", session_id=str(uuid4()), **more)


def post(
    stage: Stage, body: bytes | dict[str, Any], *, wait: str = "20s", token: str | None = None
) -> httpx.Response:
    """Call the hook as Claude Code does."""
    secret = stage.secrets["agent"] if token is None else token
    return httpx.post(
        f"{stage.url}/hooks/claude-code",
        params={"wait": wait},
        content=body if isinstance(body, bytes) else json.dumps(body),
        headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
        timeout=60,
    )


def verdict(response: httpx.Response) -> tuple[str, str]:
    """The decision and its reason."""
    assert response.status_code == 200, response.text
    said = response.json()["hookSpecificOutput"]
    assert said["hookEventName"] == "PreToolUse"
    return said["permissionDecision"], said["permissionDecisionReason"]


@contextmanager
def calling(stage: Stage, body: dict[str, Any]) -> Generator[Future[httpx.Response]]:
    """A call that waits."""
    with ThreadPoolExecutor(1) as threads:
        yield threads.submit(post, stage, body)


def test_a_tool_runs_after_a_yes_and_once(running: Stage) -> None:
    given = fresh()
    with calling(running, given) as answered:
        (request,) = running.asked()
        assert request.requested_by == "token:agent"
        running.answer(request)
        assert verdict(answered.result()) == ("allow", "Approved by token:operator")
    decision, reason = verdict(post(running, given))
    assert decision == "deny"
    assert "has been used" in reason


def test_a_no_and_no_answer_block(running: Stage) -> None:
    with calling(running, fresh()) as answered:
        (request,) = running.asked()
        running.answer(request, "reject", "not today")
        assert verdict(answered.result()) == (
            "deny",
            "Rejected by token:operator: not today. Nothing was run.",
        )
    decision, reason = verdict(post(running, fresh(), wait="1s"))
    assert (decision, reason) == ("deny", "Nobody approved it in time. Nothing was run.")
    assert running.open() == []


def test_the_rules_are_the_services(running: Stage) -> None:
    read = fresh(tool_name="Read", tool_input={"file_path": "/srv/app/a.py"})
    assert verdict(post(running, read)) == ("allow", "Allowed by rule 1 of [hooks]")
    assert verdict(post(running, fresh(tool_input={"command": "rm -rf x"})))[0] == "deny"


def test_a_dialog_is_answered(running: Stage) -> None:
    with calling(running, permission_request()) as answered:
        (request,) = running.asked()
        running.answer(request)
        assert answered.result().json() == {
            "hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": {"behavior": "allow"}}
        }


def test_the_question_goes_when_the_agent_hangs_up(running: Stage) -> None:
    """The person at the terminal has answered, or ended the session."""
    body = json.dumps(permission_request()).encode()
    head = (
        "POST /hooks/claude-code HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {running.secrets['agent']}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(head.encode() + body)
        (request,) = running.asked()
    decision = running.closed(request).decision
    assert decision is not None
    assert decision.outcome == "withdrawn"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"hook_event_name": "Stop"}', DEEP])
def test_what_is_no_call_is_blocked(running: Stage, body: bytes) -> None:
    assert verdict(post(running, body))[0] == "deny"


@pytest.mark.parametrize("who", ["nobody", "operator"])
def test_a_token_that_may_not_ask_is_blocked_also_where_a_rule_allows(running: Stage, who: str) -> None:
    """Claude Code runs the tool after 401 and 403, so it gets a verdict."""
    read = fresh(tool_name="Read", tool_input={"file_path": "/srv/app/a.py"})
    assert verdict(post(running, read, token=running.secrets.get(who, "wrong")))[0] == "deny"


def test_a_call_that_is_too_large_is_blocked(running: Stage) -> None:
    """Also where it does not say beforehand how large it is."""
    parts = [b'{"tool_input": "', *[b"a" * 1_000_000] * 3]
    response = httpx.post(
        f"{running.url}/hooks/claude-code",
        content=iter(parts),
        headers={"Authorization": f"Bearer {running.secrets['agent']}"},
        timeout=30,
    )
    assert verdict(response)[0] == "deny"


def test_a_service_that_stops_blocks_at_once(stage: Stage) -> None:
    with stage.serve() as service, calling(stage, fresh()) as answered:
        stage.asked()
        assert service.stop() == 0
        assert verdict(answered.result())[1].startswith("sayso is stopping.")


def test_a_service_does_not_start_with_rules_that_cannot_be_meant(stage: Stage) -> None:
    settings = stage.folder / "sayso.toml"
    settings.write_text(settings.read_text().replace('tools = ["Read"]', "tools = []"))
    ran = sayso(stage.folder, "serve")
    assert ran.code == 2
    assert "rule 1 of hooks.rules: a rule that allows has to name tools or commands" in ran.err
