"""`sayso demo` as a newcomer meets it, and killed at every question."""

from __future__ import annotations

from pathlib import Path

import sayso.bots.cli._content_creation as linked
from tests.bots.command import SAYSO, TerminalSession, sayso

CONVERSATION = (
    ("What should the article be about?", "Your answer", "Green Tea"),
    ("Version  1", "Your choice [1-3]", "2"),
    ("What should change?", "Your answer", "shorter"),
    ("Version  2", "Your choice [1-3]", "approve"),
    ("Publish it as published/green-tea.md?", "[yes/no]", "yes"),
)


def test_the_demo_talks_an_article_through_to_its_file(tmp_path: Path) -> None:
    with TerminalSession(tmp_path, SAYSO, "demo") as terminal:
        terminal.wait_for("Nothing is published until you approve it")
        for question, hint, reply in CONVERSATION:
            terminal.wait_for(question, hint)
            assert not (tmp_path / "published").exists()
            terminal.type(reply)
        terminal.wait_for("completed.", "published/green-tea.md")
        assert terminal.end() == 0
    assert "Resuming where you left off" not in terminal.text
    assert "shorter" in (tmp_path / "published" / "green-tea.md").read_text()


def test_killed_at_every_question_the_demo_goes_on_where_it_was(tmp_path: Path) -> None:
    """kill -9 is always safe: no question is lost, none is asked twice."""
    for question, hint, reply in CONVERSATION:
        with TerminalSession(tmp_path, SAYSO, "demo") as killed:
            killed.wait_for(question, hint)
            killed.kill()
        with TerminalSession(tmp_path, SAYSO, "demo") as terminal:
            terminal.wait_for("Resuming where you left off", question, hint)
            terminal.type(reply)
            terminal.wait_for("The workflow continues")
            terminal.kill()
    finished = sayso(tmp_path, "demo", "--json")
    runs = sayso(tmp_path, "runs", "--database", "sayso-demo.db", "--json").json["runs"]
    # The last kill may have come before or after the run's end; in both cases the article is published, once.
    assert finished.json["status"] in {"COMPLETED", "WAITING_FOR_INPUT"}
    assert runs[-1]["status"] == "COMPLETED"
    assert [path.name for path in (tmp_path / "published").iterdir()] == ["green-tea.md"]
    asked = sayso(tmp_path, "audit", "export", "--database", "sayso-demo.db", "--run", runs[-1]["run_id"]).out
    assert asked.count('"requested"') == len(CONVERSATION)


def test_two_demos_at_once_are_refused_with_the_way_on(tmp_path: Path) -> None:
    with TerminalSession(tmp_path, SAYSO, "demo") as first:
        first.wait_for("Your answer")
        second = sayso(tmp_path, "demo")
        assert second.code == 4
        assert f"process {first.process.pid} writes it" in second.err


def test_without_a_terminal_the_demo_says_what_to_do(tmp_path: Path) -> None:
    ran = sayso(tmp_path, "demo")
    assert ran.code == 6
    assert "VALUE --database sayso-demo.db" in ran.out
    assert "Resuming where you left off" in sayso(tmp_path, "demo").out


def test_a_finished_demo_begins_anew(tmp_path: Path) -> None:
    first = sayso(tmp_path, "demo", "--json").json
    sayso(tmp_path, "cancel", first["run_id"], "--database", "sayso-demo.db")
    assert sayso(tmp_path, "demo", "--json").json["run_id"] != first["run_id"]


def test_the_demo_is_the_example_itself() -> None:
    """One copy of the code: the module in the package is a link into examples/."""
    assert linked.__file__ is not None
    example = Path(__file__).resolve().parents[2] / "examples" / "content_creation.py"
    assert Path(linked.__file__).resolve() == example
