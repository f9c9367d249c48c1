"""The failure table of hooks: whatever fails, on whichever side, a tool runs only after a yes, and once."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from sayso.client import Request
from tests.bots.hooks.agents import BLOCKED, DEFERRED, RAN, transcript
from tests.bots.hooks.calls import event, permission_request
from tests.bots.hooks.stage import Stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

AGENTS = ("claude-code", "codex")
PRINTS = {"CLAUDE_CODE_ENTRYPOINT": "sdk-cli"}


def fresh(**more: Any) -> dict[str, Any]:
    """A call that nobody has asked about."""
    return event(tool_use_id=f"toolu_{uuid4().hex}", session_id=str(uuid4()), **more)


# What people say.


@pytest.mark.parametrize("name", AGENTS)
def test_a_tool_runs_after_a_yes(running: Stage, name: str) -> None:
    hook = running.agent(name=name).begin(fresh())
    (request,) = running.asked()
    assert running.agent(name=name).runs == []
    running.answer(request)
    assert hook.end().outcome == RAN
    assert len(hook.agent.runs) == 1


@pytest.mark.parametrize("name", AGENTS)
def test_a_tool_does_not_run_after_a_no_and_the_agent_hears_why(running: Stage, name: str) -> None:
    hook = running.agent(name=name).begin(fresh())
    (request,) = running.asked()
    running.answer(request, "reject", "not on a Friday")
    used = hook.end()
    assert (used.outcome, used.words) == (
        BLOCKED,
        "Rejected by token:operator: not on a Friday. Nothing was run.",
    )


@pytest.mark.parametrize("name", AGENTS)
def test_a_rule_answers_without_people(running: Stage, name: str) -> None:
    agent = running.agent("--settings", str(running.folder / "sayso.toml"), name=name)
    assert agent.use(fresh(tool_name="Read", tool_input={"file_path": "/srv/app/a.py"})).outcome == RAN
    denied = agent.use(fresh(tool_input={"command": "rm -rf build"}))
    assert (denied.outcome, denied.words) == (BLOCKED, "Denied by rule 2 of [hooks]: use git clean")
    assert running.open() == []


def test_one_yes_lets_a_call_run_once(running: Stage) -> None:
    """Two hooks of one call, as where two settings name it, ask once and share one yes: it blocks or runs once."""
    given = fresh()
    agent = running.agent()
    hooks = [agent.begin(given), agent.begin(given)]
    (request,) = running.asked()
    running.answer(request)
    assert sorted(one.end().outcome for one in hooks) == [BLOCKED, RAN]
    assert agent.use(given).outcome == BLOCKED
    assert len(agent.runs) == 1


def test_another_call_under_the_same_id_is_not_covered(running: Stage) -> None:
    given = fresh()
    agent = running.agent()
    hook = agent.begin(given)
    (request,) = running.asked()
    other = agent.use({**given, "tool_input": {"command": "make destroy"}})
    assert other.outcome == BLOCKED
    assert "in other words" in other.words
    running.answer(request)
    assert hook.end().outcome == RAN


# Time-outs.


@pytest.mark.parametrize("name", AGENTS)
def test_no_answer_is_no_yes_and_the_question_goes(running: Stage, name: str) -> None:
    hook = running.agent("--wait", "1s", name=name).begin(fresh())
    (request,) = running.asked()
    used = hook.end()
    assert used.outcome == BLOCKED
    assert "Nobody approved it in time" in used.words
    assert _outcome(running.closed(request)) == "withdrawn"


@pytest.mark.parametrize("on_failure", [True, False])
def test_an_agent_that_does_not_wait_for_its_hook(running: Stage, on_failure: bool) -> None:
    """The installed time-out is longer than the hook's wait. Where somebody shortens it, `onFailure` still blocks; an
    agent that does not know that runs the tool, so the time-out must not be changed.
    """
    agent = running.agent(honours_on_failure=on_failure)
    agent.path.write_text(agent.path.read_text().replace('"timeout": 660', '"timeout": 1.5'))
    hook = agent.begin(fresh())
    (request,) = running.asked()
    assert hook.end().outcome == (BLOCKED if on_failure else RAN)
    running.answer(request)
    assert _outcome(running.closed(request)) == "approved"


def _outcome(request: Request) -> str:
    assert request.decision is not None
    return request.decision.outcome


# The hook dies, or nobody waits for it.


@pytest.mark.parametrize("name", AGENTS)
def test_a_killed_hook_blocks(running: Stage, name: str) -> None:
    """Also with agents that know no `onFailure`: what the shell does after the hook makes it a refusal."""
    hook = running.agent(name=name, honours_on_failure=False).begin(fresh())
    running.asked()
    hook.signal_hook(signal.SIGKILL)
    used = hook.end()
    assert used.outcome == BLOCKED
    assert "ended without a verdict" in used.words


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_hook_that_is_told_to_end_withdraws_its_question(running: Stage, number: signal.Signals) -> None:
    hook = running.agent(honours_on_failure=False).begin(fresh())
    (request,) = running.asked()
    hook.signal_hook(number)
    assert hook.end().outcome == BLOCKED
    assert _outcome(running.closed(request)) == "withdrawn"


def test_the_question_goes_when_the_agent_is_killed(running: Stage) -> None:
    """A yes that came now would be used for nothing."""
    hook = running.agent().begin(fresh())
    (request,) = running.asked()
    assert hook.hang_up() == 2
    assert _outcome(running.closed(request)) == "withdrawn"


def test_a_killed_hook_leaves_a_question_that_ends_by_itself(running: Stage) -> None:
    hook = running.agent("--wait", "30s").begin(fresh())
    (request,) = running.asked()
    hook.signal_hook(signal.SIGKILL)
    hook.end()
    assert request.deadline is not None
    assert 80 < (request.deadline - request.asked_at).total_seconds() < 100


# Dialogs in the terminal.


@pytest.mark.parametrize(
    ("name", "value", "outcome"),
    [("claude-code", "approve", RAN), ("codex", "approve", RAN), ("codex", "reject", BLOCKED)],
)
def test_a_dialog_is_answered_from_the_chat(running: Stage, name: str, value: str, outcome: str) -> None:
    hook = running.agent("--permission-request", name=name).begin(permission_request())
    (request,) = running.asked()
    running.answer(request, value)
    assert hook.end().outcome == outcome


def test_an_answer_in_the_terminal_withdraws_the_question(running: Stage) -> None:
    hook = running.agent("--permission-request").begin(permission_request())
    (request,) = running.asked()
    hook.signal_hook(signal.SIGTERM)
    assert _outcome(running.closed(request)) == "withdrawn"
    assert hook.end().outcome == BLOCKED


def test_a_yes_to_a_dialog_covers_no_repeat(running: Stage) -> None:
    agent = running.agent("--permission-request")
    first = agent.begin(permission_request())
    (request,) = running.asked()
    running.answer(request)
    assert first.end().outcome == RAN
    second = agent.begin(permission_request())
    (again,) = running.asked()
    assert again.id != request.id
    running.answer(again, "reject")
    assert second.end().outcome == BLOCKED


# What is not understood.


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize(
    "change", [{"hook_event_name": "PostToolUse"}, {"tool_input": "make"}, {"session_id": None}]
)
def test_what_is_not_understood_blocks(running: Stage, name: str, change: dict[str, Any]) -> None:
    agent = running.agent(name=name, honours_on_failure=False)
    given = {name: value for name, value in (fresh() | change).items() if value is not None}
    text = agent.path.read_text()
    agent.path.write_text(text.replace('"PreToolUse"', f'"{given["hook_event_name"]}"'))
    assert agent.use(given).outcome == BLOCKED


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("codex", {"SAYSO_TOKEN": "wrong"}),
        ("claude-code", {"SAYSO_TOKEN": ""}),
        ("codex", {"SAYSO_URL": ""}),
        ("claude-code", {"SAYSO_URL": "nonsense"}),
        ("claude-code", {"SAYSO_URL": "unix:/nowhere/sayso.db.sock"}),
    ],
)
def test_a_hook_that_cannot_ask_blocks(running: Stage, name: str, extra: dict[str, str]) -> None:
    agent = running.agent("--wait", "1s", name=name, honours_on_failure=False, extra=extra)
    assert agent.use(fresh()).outcome == BLOCKED
    assert agent.runs == []


@pytest.mark.parametrize(
    "text", ["[hooks", "[hooks]\nwait = 'soon'", "[hooks]\nrules = [{ answer = 'allow' }]"]
)
def test_rules_that_cannot_be_read_block(running: Stage, tmp_path: Path, text: str) -> None:
    settings = tmp_path / "rules.toml"
    settings.write_text("")
    agent = running.agent("--settings", str(settings), honours_on_failure=False)
    settings.write_text(text)
    assert agent.use(fresh()).outcome == BLOCKED
    assert running.open() == []


# The service is away.


@pytest.mark.parametrize("name", AGENTS)
def test_nobody_is_asked_while_the_service_is_down(stage: Stage, name: str) -> None:
    agent = stage.agent("--wait", "1s", name=name, honours_on_failure=False)
    used = agent.use(fresh())
    assert used.outcome == BLOCKED
    assert "did not answer" in used.words


def test_a_yes_reaches_its_call_through_a_kill_of_the_service(stage: Stage) -> None:
    with stage.serve() as service:
        hook = stage.agent().begin(fresh())
        (request,) = stage.asked()
        service.kill()
    with stage.serve():
        (again,) = stage.asked()
        assert again.id == request.id
        stage.answer(request)
        assert hook.end().outcome == RAN
        assert len(hook.agent.runs) == 1


def test_a_service_that_goes_and_stays_away_is_no_yes(stage: Stage) -> None:
    with stage.serve() as service:
        hook = stage.agent("--wait", "3s", honours_on_failure=False).begin(fresh())
        stage.asked()
        service.kill()
        assert hook.end().outcome == BLOCKED
    assert hook.agent.runs == []


def test_after_a_kill_of_both_the_question_is_still_there_and_the_call_asks_again(stage: Stage) -> None:
    given = fresh()
    agent = stage.agent()
    with stage.serve() as service:
        hook = agent.begin(given)
        (request,) = stage.asked()
        service.kill()
        hook.signal_hook(signal.SIGKILL)
        assert hook.end().outcome == BLOCKED
    with stage.serve():
        again = agent.begin(given)
        (same,) = stage.asked()
        assert same.id == request.id
        stage.answer(same)
        assert again.end().outcome == RAN
        assert agent.use(given).outcome == BLOCKED
    assert len(agent.runs) == 1


# Sessions that stop and are resumed.


def deferring(stage: Stage, *options: str) -> Any:
    return stage.agent("--defer", *options, extra=PRINTS)


def resumable(folder: Path) -> dict[str, Any]:
    given = fresh()
    return given | {"transcript_path": transcript(folder / f"{uuid4()}.jsonl", [given["tool_use_id"]])}


def test_a_deferred_call_runs_when_it_is_resumed_after_a_yes(stage: Stage) -> None:
    given = resumable(stage.folder)
    agent = deferring(stage, "--wait", "1s")
    with stage.serve() as service:
        assert agent.use(given).outcome == DEFERRED
        service.kill()
    with stage.serve():
        (request,) = stage.asked()
        stage.answer(request)
        assert agent.use(given).outcome == RAN
        assert agent.use(given).outcome == BLOCKED
    assert len(agent.runs) == 1


def test_a_deferred_call_that_is_resumed_too_early_is_deferred_again(running: Stage) -> None:
    given = resumable(running.folder)
    agent = deferring(running, "--wait", "1s")
    assert [agent.use(given).outcome, agent.use(given).outcome] == [DEFERRED, DEFERRED]
    (request,) = running.asked()
    running.answer(request, "reject")
    assert agent.use(given).outcome == BLOCKED


def test_a_call_is_deferred_while_the_service_is_away(stage: Stage) -> None:
    """Resuming spends the call: were it blocked while sayso restarts, it could not be asked for again."""
    given = resumable(stage.folder)
    agent = deferring(stage, "--wait", "1s")
    assert agent.use(given).outcome == DEFERRED
    with stage.serve():
        hook = deferring(stage).begin(given)
        (request,) = stage.asked()
        stage.answer(request)
        assert hook.end().outcome == RAN


def test_of_two_calls_in_one_turn_one_is_deferred(running: Stage) -> None:
    first, second = fresh(), fresh()
    path = transcript(running.folder / f"{uuid4()}.jsonl", [first["tool_use_id"], second["tool_use_id"]])
    agent = deferring(running, "--wait", "1s")
    assert agent.use(first | {"transcript_path": path}).outcome == DEFERRED
    other = agent.use(second | {"transcript_path": path})
    assert other.outcome == BLOCKED
    assert "another comes first" in other.words
    assert len(running.open()) == 1


def test_with_a_terminal_nothing_is_deferred(running: Stage) -> None:
    """Claude Code ignores `defer` there, and runs what its own settings allow."""
    agent = running.agent("--defer", "--wait", "1s", extra={"CLAUDE_CODE_ENTRYPOINT": "cli"})
    used = agent.use(resumable(running.folder))
    assert used.outcome == BLOCKED
    assert "only in `claude -p`" in used.words
