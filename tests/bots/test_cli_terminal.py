"""Runs talked through in a real terminal."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.bots.command import SAYSO, TerminalSession, sayso
from tests.bots.workflows import write_shop


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_shop(tmp_path)
    return tmp_path


def talk(shop: Path, flow: str, *more: str) -> TerminalSession:
    return TerminalSession(shop, SAYSO, "run", f"shop:{flow}", *more)


def test_every_input_type_is_asked_and_every_refusal_explained(shop: Path) -> None:
    with talk(shop, "everything_flow", "--json") as terminal:
        terminal.wait_for("everything / many", "Which?", "1.  red", "3.  blue", "Your choices [1-3")
        terminal.type("1,9")
        terminal.wait_for("There is no option 9", "Your choices")
        terminal.type("1, blue")
        terminal.wait_for("Recorded: red, blue.", "Sure?", "[yes/no]")
        terminal.type("perhaps")
        terminal.wait_for("neither yes nor no", "[yes/no]")
        terminal.type("y")
        terminal.wait_for("How many?", "a number")
        terminal.type("forty")
        terminal.wait_for('"forty" is not a number', "a number")
        terminal.type("40")
        terminal.wait_for("The order?", "Item [text]")
        terminal.type("")
        terminal.wait_for("Please type an answer", "Item [text]")
        terminal.type("tea")
        terminal.wait_for("Count [a whole number]")
        terminal.type("1.5")
        terminal.wait_for("is not of type 'integer'", "Count [a whole number]")
        terminal.type("2")
        terminal.wait_for("Note [text, optional]")
        terminal.type("")
        terminal.wait_for("Anything else?", "Your answer")
        terminal.type("no [bold]thanks[/bold]")
        terminal.wait_for("Recorded: no [bold]thanks[/bold].", '"status": "COMPLETED"')
        assert terminal.end() == 0
    assert json.loads(terminal.text.splitlines()[-1])["shared"] == {
        "many": ["red", "blue"],
        "sure": True,
        "count": 40,
        "order": {"item": "tea", "count": 2, "note": ""},
        "text": "no [bold]thanks[/bold]",
    }


def test_ctrl_c_leaves_the_run_parked_and_prints_the_command_that_goes_on(shop: Path) -> None:
    with talk(shop, "release_flow", "--database", "a file.db") as terminal:
        terminal.wait_for("Your choice")
        terminal.press("c")
        assert terminal.end() == 130
    assert "Traceback" not in terminal.text
    resuming = terminal.text.strip().splitlines()[-1].strip()
    with TerminalSession(shop, SAYSO, *shlex.split(resuming)[1:]) as again:
        again.wait_for("Release 4.2.0?", "Your choice")
        again.type("2")
        again.wait_for("Why reject?", "Your reason [empty for none]:")
        again.type("")
        again.wait_for("Rejected. The workflow continues.", "completed.")
        assert again.end() == 0


def test_ctrl_d_leaves_the_run_parked(shop: Path) -> None:
    with talk(shop, "release_flow") as terminal:
        terminal.wait_for("Your choice")
        terminal.press("d")
        terminal.wait_for("To resume:", "sayso run shop:release_flow")
        assert terminal.end() == 6


def test_what_was_typed_before_a_question_was_shown_does_not_answer_it(shop: Path) -> None:
    """An answer reaches exactly the question that the person saw: a pasted second line saw none."""
    with talk(shop, "two_texts_flow") as terminal:
        terminal.wait_for("First?", "Your answer")
        terminal.type("one\nmeant for nobody")
        terminal.wait_for("Recorded: one.", "Second?", "Your answer")
        terminal.type("two")
        terminal.wait_for("Recorded: two.", "completed.")
        assert terminal.end() == 0


def test_a_line_that_the_terminal_cuts_off_is_not_taken(shop: Path) -> None:
    """Linux keeps 4095 bytes of a line and drops the rest without a word."""
    with talk(shop, "two_texts_flow") as terminal:
        terminal.wait_for("First?", "Your answer")
        terminal.type("x" * 5000)
        terminal.wait_for("was not recorded", "Your answer")
        terminal.type("y" * 4000)
        terminal.wait_for("Recorded: yyyy", "Second?")


def test_a_question_that_expires_meanwhile_closes_and_the_run_goes_on(shop: Path) -> None:
    with talk(shop, "soon_flow") as terminal:
        terminal.wait_for("Quickly?", "Due", "today", "Your answer")
        terminal.wait_for("closed while you were typing", "completed.", "too late")
        assert terminal.end() == 0


def test_a_question_for_others_is_named_and_the_run_stays_parked(shop: Path) -> None:
    with talk(shop, "chat_flow") as terminal:
        terminal.wait_for("can't answer at this terminal", "chat: slack:#releases", "resume with")
        assert terminal.end() == 6


def test_whoever_has_voted_is_not_asked_again(shop: Path) -> None:
    with talk(shop, "together_flow") as terminal:
        terminal.wait_for("Together?", "Your choice")
        terminal.type("approve")
        terminal.wait_for("Your approval was counted: 1 of 2.", "together: ", "resume with")
        assert terminal.end() == 6
    assert terminal.text.count("Your choice") == 1


def test_a_rejection_is_asked_why_with_the_reasons_numbered(shop: Path) -> None:
    with talk(shop, "gated_flow", "--json") as terminal:
        terminal.wait_for("Release?", "Your choice")
        terminal.type("reject")
        terminal.wait_for(
            "Why reject?",
            "1. Not tested",
            "2. Release freeze",
            "Your reason [1-2 or your own words, empty for none]",
        )
        terminal.type("2")
        terminal.wait_for("Rejected.", '"why": "Release freeze"')
        assert terminal.end() == 0


@pytest.mark.parametrize(("typed", "why"), [("", "null"), ("3", '"3"'), ("on Friday?", '"on Friday?"')])
def test_a_reason_may_be_ones_own_or_none(shop: Path, typed: str, why: str) -> None:
    with talk(shop, "gated_flow", "--json") as terminal:
        terminal.wait_for("Your choice")
        terminal.type("reject")
        terminal.wait_for("Your reason")
        terminal.type(typed)
        terminal.wait_for("Rejected.", f'"why": {why}')
        assert terminal.end() == 0


def test_a_required_reason_is_asked_for_until_it_is_given(shop: Path) -> None:
    (run,) = [sayso(shop, "run", "shop:gated_flow", "--shared", '{"comment": ["reject"]}', "--json")]
    request = sayso(shop, "requests", "--json").json["requests"][0]
    assert run.code == 6
    address = f"{request['id'][:8]}@1"
    silent = sayso(shop, "answer", address, "reject")
    assert silent.code != 0
    assert "This rejection needs a comment. Say why." in silent.out
    with TerminalSession(shop, SAYSO, "answer", address, "reject") as terminal:
        terminal.wait_for("Why reject?", "1. Not tested", "Your reason [1-2 or your own words]")
        terminal.type("")
        terminal.wait_for("Please type an answer", "Your reason")
        terminal.type("1")
        terminal.wait_for("Rejected.")
        assert terminal.end() == 0
    kept = [one for one in sayso(shop, "audit", "export").out.splitlines() if "answer_accepted" in one]
    assert json.loads(kept[0])["payload"]["comment"] == "Not tested"


def test_who_leaves_before_saying_why_has_answered_nothing(shop: Path) -> None:
    sayso(shop, "run", "shop:gated_flow", "--json")
    request = sayso(shop, "requests", "--json").json["requests"][0]
    with TerminalSession(shop, SAYSO, "answer", f"{request['id'][:8]}@1", "reject") as terminal:
        terminal.wait_for("Your reason")
        terminal.press("d")
        terminal.wait_for("Stopped before an answer was recorded.")
        assert terminal.end() == 130
    assert len(sayso(shop, "requests", "--json").json["requests"]) == 1


def test_a_hostile_prompt_is_shown_and_does_not_touch_the_terminal(shop: Path) -> None:
    with talk(shop, "hostile_flow") as terminal:
        terminal.wait_for("\\x1b]0;owned\\x07\\x1b[2J[bold]Approved[/bold]\\x9b31m", "Your answer")
        terminal.type("ok")
        terminal.wait_for("completed.")
    for sequence in (b"\x1b]", b"\x07", b"\x1b[2J", "\x9b".encode()):
        assert sequence not in terminal.raw


def test_a_run_that_was_killed_is_listed_and_goes_on(shop: Path) -> None:
    with talk(shop, "two_texts_flow") as terminal:
        terminal.wait_for("First?", "Your answer")
        terminal.type("one")
        terminal.wait_for("Second?", "Your answer")
        terminal.kill()
    run_id = sayso(shop, "runs", "--json").json["runs"][0]["run_id"]
    with talk(shop, "two_texts_flow", run_id) as again:
        assert "First?" not in again.wait_for("Second?", "Your answer")
        again.type("two")
        again.wait_for("completed.", "one", "two")


def test_what_a_workflow_starts_with_is_asked_field_by_field(shop: Path) -> None:
    with talk(shop, "ordered_flow", "--json") as terminal:
        terminal.wait_for("ordered starts with:", "Item [text]")
        terminal.type("")
        terminal.wait_for("Please type an answer", "Item [text]")
        terminal.type("tea")
        terminal.wait_for("Count [a whole number]")
        terminal.type("1.000")
        terminal.wait_for('Count: "1.000" could be 1.0 or 1000', "Count [a whole number]")
        terminal.type("1 000")
        terminal.wait_for("Note [text, optional]")
        terminal.type("")
        terminal.wait_for('"status": "COMPLETED"')
        assert terminal.end() == 0
    assert json.loads(terminal.text.splitlines()[-1])["shared"] == {"item": "tea", "count": 1000, "note": ""}


def test_a_list_is_entered_entry_by_entry_until_a_line_is_empty(shop: Path) -> None:
    with talk(shop, "packed_flow", "--json") as terminal:
        terminal.wait_for("packed starts with:", "Tools 1 [text]")
        terminal.type("")
        terminal.wait_for("Please type an answer", "Tools 1 [text]")
        terminal.type("tea, coffee")
        terminal.wait_for("Tools 2 [text, empty line when done]")
        terminal.type("cups")
        terminal.wait_for("Tools 3 [text, empty line when done]")
        terminal.type("")
        terminal.wait_for("Days 1 [a date as ", ", optional]")
        terminal.type("someday")
        terminal.wait_for("Days 1: ", "Days 1 [a date as ")
        terminal.type("2026-12-31")
        terminal.wait_for("Days 2 [a date as ", ", empty line when done]")
        terminal.type("")
        terminal.wait_for('"status": "COMPLETED"')
        assert terminal.end() == 0
    shared = json.loads(terminal.text.splitlines()[-1])["shared"]
    assert shared == {"tools": ["tea, coffee", "cups"], "days": ["2026-12-31"]}


def test_the_result_of_a_step_whose_type_is_known_is_asked_field_by_field(shop: Path) -> None:
    """Nobody types JSON, and what returns nothing is asked for nothing."""
    assert sayso(shop, "run", "shop:settled_flow").code == -9
    run_id = sayso(shop, "runs", "--json").json["runs"][0]["run_id"]
    assert sayso(shop, "run", "shop:settled_flow", run_id).code == 6
    assert "record the step's result, as you enter it" in sayso(shop, "attention", run_id).out
    assert sayso(shop, "attention", run_id, "done").code == 2, "nobody is there to ask"
    with TerminalSession(shop, SAYSO, "attention", run_id, "done") as terminal:
        terminal.wait_for("Deciding about step_unfinished: settle", "Result: Lines 1 [text]")
        terminal.type("tea")
        terminal.wait_for("Result: Lines 2 [text, empty line when done]")
        terminal.type("")
        terminal.wait_for("Result: Number [a whole number]")
        terminal.type("7")
        terminal.wait_for("Decided.")
        assert terminal.end() == 0
    assert sayso(shop, "run", "shop:settled_flow", run_id).code == -9
    assert sayso(shop, "run", "shop:settled_flow", run_id).code == 6
    assert sayso(shop, "attention", run_id, "done").code == 0
    ended = sayso(shop, "run", "shop:settled_flow", run_id, "--json")
    assert ended.json["shared"] == {"receipt": {"number": 7, "lines": ["tea"]}}


def test_without_a_terminal_a_start_that_does_not_fit_names_the_field(shop: Path) -> None:
    refused = sayso(shop, "run", "shop:ordered_flow", "--shared", '{"item": "tea", "count": "two"}')
    assert refused.code == 2
    assert "ordered was not started: count: 'two' is not of type 'integer'." in refused.err
    assert sayso(shop, "runs", "--json").json["runs"] == []
