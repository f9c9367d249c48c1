"""Runs on the command line without a terminal: started, listed, answered, retried, decided about."""

from __future__ import annotations

import shlex
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import local_person
from tests.bots.command import SAYSO, Ran, sayso
from tests.bots.workflows import write_shop


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_shop(tmp_path)
    return tmp_path


def start(shop: Path, flow: str, *more: str) -> Any:
    """Start a run that parks; what the command says about it."""
    ran = sayso(shop, "run", f"shop:{flow}", "--json", *more)
    assert ran.code == 6, ran
    return ran.json


def answer(shop: Path, told: Any, value: str, *more: str) -> Ran:
    command = shlex.split(told["pending"][0]["answer_command"])
    assert command[0] == Path(SAYSO).name
    return sayso(shop, *[value if part == "VALUE" else part for part in command[1:]], *more)


def go_on(shop: Path, told: Any, *more: str) -> Ran:
    """Run the very command that was printed for going on."""
    command = shlex.split(told["resume"])
    return sayso(shop, *command[1:], *more)


def test_without_a_terminal_a_run_parks_and_says_which_commands_go_on(shop: Path) -> None:
    """A run in a cron job must not wait for a person who cannot come."""
    ran = sayso(shop, "run", "shop:release_flow")
    assert ran.code == 6
    assert "Release 4.2.0?" in ran.out
    answering = next(line for line in ran.out.splitlines() if line.startswith("sayso answer "))
    answered = sayso(shop, *shlex.split(answering.replace("VALUE", "approve"))[1:])
    assert (answered.code, answered.out.splitlines()[0]) == (0, "Approved. The workflow continues.")
    resuming = ran.out.splitlines()[-1].strip()
    assert resuming.startswith("sayso run shop:release_flow ")
    ended = sayso(shop, *shlex.split(resuming)[1:])
    assert ended.code == 0
    assert "completed." in ended.out


@pytest.mark.parametrize(
    "command",
    [
        ("run", "shop:release_flow"),
        ("attention",),
        ("cancel",),
        ("retry",),
        ("requests", "--run"),
        ("audit", "export", "--run"),
        ("audit", "redact"),
    ],
    ids="-".join,
)
def test_every_command_takes_the_beginning_of_a_run_s_id_and_none_guesses(
    shop: Path, command: tuple[str, ...]
) -> None:
    """What a card and the listing in a chat show of it is enough everywhere."""
    runs = [start(shop, "release_flow")["run_id"] for _ in range(2)]
    alike = runs[0][:8] + "-alike"
    with sqlite3.connect(shop / "sayso.db") as connection:
        connection.execute("UPDATE runs SET run_id = ? WHERE run_id = ?", (alike, runs[1]))
    connection.close()
    ran = sayso(shop, *command, runs[0][:8])
    assert (ran.code, f"{runs[0][:8]} matches 2 runs" in ran.err) == (2, True), ran
    ran = sayso(shop, *command, runs[0][:9])
    assert "is stored here" not in ran.err, ran
    assert runs[0] in ran.out + ran.err, ran
    assert alike not in ran.out + ran.err, ran


def test_with_json_nothing_but_json_reaches_standard_output(shop: Path) -> None:
    """The workflow's own prints would break whoever parses it."""
    told = start(shop, "release_flow")
    assert told["status"] == "WAITING_FOR_INPUT"
    assert answer(shop, told, "reject", "--json").json["outcome"] == "resolved"
    ended = go_on(shop, told, "--json")
    assert ended.code == 0
    assert (ended.json["status"], ended.json["shared"]) == ("COMPLETED", {"decision": "reject"})
    assert "release runs" in ended.err


def test_a_run_begins_with_the_state_and_the_person_it_was_given(shop: Path) -> None:
    ran = sayso(
        shop, "run", "shop:quick_flow", "--shared", '{"title": "Tea"}', "--requested-by", "local:bo", "--json"
    )
    assert ran.json["shared"] == {"title": "Tea", "done": True}
    assert sayso(shop, "runs", "--json").json["runs"][0]["requested_by"] == "local:bo"


@pytest.mark.parametrize("shared", ["{", "[1]"])
def test_a_state_that_is_none_is_refused_before_anything_is_stored(shop: Path, shared: str) -> None:
    assert sayso(shop, "run", "shop:quick_flow", "--shared", shared).code == 2
    assert not (shop / "sayso.db").exists()


def test_going_on_takes_no_new_state(shop: Path) -> None:
    assert sayso(shop, "run", "shop:quick_flow", "some-run", "--shared", "{}").code == 2


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("shop", "write it as MODULE:WORKFLOW"),
        ("examples/shop.py", "examples.shop:workflow"),
        ("shop.py:release_flow", "MODULE:WORKFLOW"),
        ("shoop:release_flow", "no module named 'shoop'"),
        ("shop:relaese", "no 'relaese'. Workflows in it: chat_flow, "),
        ("shop:not_one", "'not_one' is a int, not a Workflow"),
    ],
)
def test_a_workflow_that_is_not_there_is_explained(shop: Path, reference: str, said: str) -> None:
    ran = sayso(shop, "run", reference)
    assert ran.code == 3
    assert said in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("code", "said"),
    [("import no_such_thing", "no_such_thing"), ("1 / 0", "ZeroDivisionError"), ("def", "SyntaxError")],
)
def test_a_module_that_cannot_be_imported_is_named_with_its_line(
    tmp_path: Path, code: str, said: str
) -> None:
    (tmp_path / "broken.py").write_text(f"x = 1\n{code}\n")
    ran = sayso(tmp_path, "run", "broken:workflow")
    assert ran.code == 1
    assert said in ran.err
    assert "broken.py" in ran.err
    assert "Traceback" not in ran.err


def test_a_run_of_another_workflow_is_not_touched(shop: Path) -> None:
    told = start(shop, "release_flow")
    ran = sayso(shop, "run", "shop:chat_flow", told["run_id"])
    assert ran.code == 1
    assert "it belongs to workflow 'release'" in ran.err


def test_an_unknown_run_is_not_found(shop: Path) -> None:
    start(shop, "release_flow")
    for command in (
        ["run", "shop:release_flow", "nobody"],
        ["cancel", "nobody"],
        ["retry", "nobody"],
        ["attention", "nobody"],
        ["requests", "--run", "nobody"],
        ["audit", "export", "--run", "nobody"],
        ["audit", "redact", "nobody"],
    ):
        assert (sayso(shop, *command).code, command) == (3, command)


def test_a_question_for_others_is_not_answered_here(shop: Path) -> None:
    told = start(shop, "chat_flow")
    assert "Waiting for slack:#releases" in sayso(shop, "run", "shop:chat_flow", told["run_id"]).out
    ran = answer(shop, told, "yes", "--json")
    assert (ran.code, ran.json["outcome"]) == (1, "not_allowed")


def test_a_failed_run_says_so_and_can_be_retried_with_its_answers(shop: Path) -> None:
    told = start(shop, "fragile_flow")
    assert answer(shop, told, "yes").code == 0
    failed = go_on(shop, told)
    assert failed.code == 1
    assert "the printer is on \\x1b[5mfire" in failed.out
    assert "Traceback" in failed.err
    assert "\x1b" not in failed.err, "a workflow's error may not steer the terminal"
    assert f"sayso retry {told['run_id']}" in failed.out
    (shop / "mended").touch()
    stale = sayso(shop, "retry", told["run_id"], "--seen", "0")
    assert (stale.code, "has moved on since you looked: it failed: RuntimeError" in stale.err) == (1, True)
    assert sayso(shop, "retry", told["run_id"], "--json").json == {
        "run_id": told["run_id"],
        "action": "retry",
        "ask_again": False,
    }
    assert go_on(shop, told).code == 0
    again = sayso(shop, "retry", told["run_id"])
    assert (again.code, "only a failed run can be retried" in again.err) == (1, True)


def test_a_retry_that_asks_again_forgets_the_answer(shop: Path) -> None:
    told = start(shop, "fragile_flow")
    answer(shop, told, "yes")
    go_on(shop, told)
    assert sayso(shop, "retry", told["run_id"], "--ask-again").code == 0
    asked = go_on(shop, told, "--json").json["pending"]
    assert asked[0]["id"] != told["pending"][0]["id"]


def test_a_cancelled_run_ends_with_its_question(shop: Path) -> None:
    told = start(shop, "release_flow")
    assert sayso(shop, "cancel", told["run_id"]).code == 0
    assert answer(shop, told, "approve", "--json").json["outcome"] == "cancelled"
    ended = go_on(shop, told, "--json")
    assert (ended.code, ended.json["status"]) == (1, "CANCELLED")
    assert sayso(shop, "cancel", told["run_id"]).code == 1


def test_an_operator_decides_about_a_question_that_changed_after_its_answer(shop: Path) -> None:
    """The answer belongs to the words that were shown; nobody but a person may move it to others."""
    told = start(shop, "release_flow")
    answer(shop, told, "approve")
    write_shop(shop, prompt="Release 5.0.0, which drops all tables?")
    held = go_on(shop, told)
    assert held.code == 6
    assert "needs attention" in held.out
    shown = sayso(shop, "attention", told["run_id"])
    assert "Release 4.2.0?" in shown.out
    assert "Release 5.0.0, which drops all tables?" in shown.out
    assert sayso(shop, "attention", told["run_id"], "--json").json["actions"] == ["reask", "cancel"]
    assert "attention " + told["run_id"] + " accept" not in shown.out
    accepted = sayso(shop, "attention", told["run_id"], "accept")
    assert (accepted.code, "people approved something else" in accepted.err) == (1, True)
    assert sayso(shop, "attention", told["run_id"], "done", "1").code == 1
    assert f"sayso attention {told['run_id']} reask --seen 1" in shown.out
    stale = sayso(shop, "attention", told["run_id"], "reask", "--seen", "0")
    assert (stale.code, "has moved on since you looked" in stale.err) == (1, True)
    decided = sayso(shop, "attention", told["run_id"], "reask", "--seen", "1")
    assert (decided.code, decided.out.splitlines()[0]) == (0, "Deciding about question_changed: release")
    assert (
        go_on(shop, told, "--json").json["pending"][0]["prompt"] == "Release 5.0.0, which drops all tables?"
    )


def test_an_operator_says_that_a_step_that_was_cut_off_is_done(shop: Path) -> None:
    assert sayso(shop, "run", "shop:once_flow").code == -9
    run_id = sayso(shop, "runs", "--json").json["runs"][0]["run_id"]
    assert sayso(shop, "run", "shop:once_flow", run_id).code == 6
    for bad in ([], ["sent"]):
        assert sayso(shop, "attention", run_id, "done", *bad).code == 2
    assert sayso(shop, "attention", run_id, "done", '{"receipt": 7}').code == 0
    ended = sayso(shop, "run", "shop:once_flow", run_id, "--json")
    assert ended.json["shared"] == {"receipt": {"receipt": 7}}


def test_a_run_that_needs_nobody_says_so(shop: Path) -> None:
    told = start(shop, "release_flow")
    shown = sayso(shop, "attention", told["run_id"])
    assert (shown.code, "nothing to decide" in shown.out) == (0, True)
    assert "sayso check-parked MODULE:WORKFLOW" in shown.out
    assert sayso(shop, "attention", told["run_id"], "accept").code == 1
    assert sayso(shop, "attention", told["run_id"], "shrug").code == 2


def test_runs_are_listed_by_status_and_workflow(shop: Path) -> None:
    told = start(shop, "release_flow")
    sayso(shop, "run", "shop:quick_flow")
    assert len(sayso(shop, "runs", "--json").json["runs"]) == 2
    waiting = sayso(shop, "runs", "--status", "waiting_for_input", "--json").json["runs"]
    assert [run["run_id"] for run in waiting] == [told["run_id"]]
    assert sayso(shop, "runs", "--workflow", "nothing").out == "No runs.\n"
    assert told["run_id"] in sayso(shop, "runs", "--workflow", "release").out


def test_the_person_of_an_answer_is_who_is_logged_in(shop: Path) -> None:
    told = start(shop, "release_flow")
    answer(shop, told, "approve", "--comment", "looks good")
    rows = [line for line in sayso(shop, "audit", "export").out.splitlines() if "answer_accepted" in line]
    assert len(rows) == 1
    assert f'"person": "{local_person()}", "via": "console"' in rows[0]
    assert '"comment": "looks good"' in rows[0]


def test_a_store_of_a_newer_sayso_is_refused(shop: Path) -> None:
    start(shop, "release_flow")
    with sqlite3.connect(shop / "sayso.db") as connection:
        connection.execute("UPDATE schema_version SET version = 999")
    connection.close()
    for command in (["runs"], ["run", "shop:release_flow"]):
        ran = sayso(shop, *command)
        assert (ran.code, "pip install --upgrade sayso" in ran.err) == (5, True)
