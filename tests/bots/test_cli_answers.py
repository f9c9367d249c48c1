"""Answering from the command line: by id and revision, once, or refused out loud."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import local_person
from tests.bots.command import sayso
from tests.bots.workflows import write_shop


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_shop(tmp_path)
    return tmp_path


def ask(shop: Path, flow: str = "release_flow") -> Any:
    ran = sayso(shop, "run", f"shop:{flow}", "--json")
    assert ran.code == 6, ran
    return ran.json["pending"][0]


def test_the_beginning_of_an_id_is_enough(shop: Path) -> None:
    asked = ask(shop)
    ran = sayso(shop, "answer", f"{asked['id'][:6]}@1", "approve", "--json")
    assert (ran.code, ran.json["id"], ran.json["outcome"]) == (0, asked["id"], "resolved")


def test_what_the_listing_shows_can_be_answered(shop: Path) -> None:
    ask(shop)
    row = sayso(shop, "requests").out.splitlines()[1]
    assert "Release 4.2.0? [approve / reject]" in row
    assert sayso(shop, "answer", row.split()[0], "Approve").code == 0
    assert sayso(shop, "requests").out == "No open requests.\n"


def test_the_beginning_of_two_ids_is_refused(shop: Path) -> None:
    """An answer must never reach a question by guessing."""
    first, second = ask(shop), ask(shop)
    with sqlite3.connect(shop / "sayso.db") as connection:
        for number, asked in enumerate((first, second)):
            connection.execute(
                "UPDATE requests SET id = ? WHERE id = ?", (f"abcdef{number}" + "0" * 25, asked["id"])
            )
    connection.close()
    ran = sayso(shop, "answer", "abcdef@1", "approve")
    assert (ran.code, "abcdef matches 2 requests" in ran.err) == (2, True)
    assert sayso(shop, "answer", "abcdef1@1", "approve").code == 0


def test_a_closed_question_keeps_its_short_id_from_one_asked_since(shop: Path) -> None:
    """Whoever read the first one means that: an answer for it must not reach the other."""
    first = ask(shop)
    assert sayso(shop, "answer", f"{first['id'][:8]}@1", "approve").code == 0
    second = ask(shop)
    alike = first["id"][:8] + second["id"][8:]
    with sqlite3.connect(shop / "sayso.db") as connection:
        connection.execute("UPDATE requests SET id = ? WHERE id = ?", (alike, second["id"]))
    connection.close()
    ran = sayso(shop, "answer", f"{first['id'][:8]}@1", "reject")
    assert (ran.code, f"{first['id'][:8]} matches 2 requests" in ran.err) == (2, True)
    assert len(sayso(shop, "requests", "--json").json["requests"]) == 1
    again = sayso(shop, "answer", f"{first['id'].upper()}@1", "reject", "--json")
    assert again.json["outcome"] == "already_answered", "a whole id is always enough"


@pytest.mark.parametrize("address", ["abcde@1", "abcdef", "abcdef@", "abcdef@x", "../etc@1", "@1"])
def test_what_is_no_address_is_explained(shop: Path, address: str) -> None:
    ask(shop)
    ran = sayso(shop, "answer", address, "approve")
    assert (ran.code, "invalid ID@REV" in ran.err) == (2, True)


def test_a_question_is_withdrawn_by_its_id_and_not_by_a_guess(shop: Path) -> None:
    asked = ask(shop)
    for guess in ("", asked["id"][0], asked["id"][:5], "@"):
        ran = sayso(shop, "withdraw", guess)
        assert (ran.code, "invalid request ID" in ran.err) == (2, True)
    assert len(sayso(shop, "requests", "--json").json["requests"]) == 1
    assert sayso(shop, "withdraw", asked["id"][:6]).code == 0
    assert sayso(shop, "requests").out == "No open requests.\n"


def test_an_unknown_question_is_not_found(shop: Path) -> None:
    ask(shop)
    assert sayso(shop, "answer", "abcdef@1", "approve").code == 3
    whole = sayso(shop, "answer", f"{'0' * 32}@1", "approve", "--json")
    assert (whole.code, whole.json["outcome"]) == (3, "unknown")


def test_an_answer_to_another_revision_is_refused(shop: Path) -> None:
    """What the person saw is not what is asked now."""
    asked = ask(shop)
    late = sayso(shop, "answer", f"{asked['id']}@2", "approve", "--json")
    assert (late.code, late.json["outcome"]) == (1, "superseded")


@pytest.mark.parametrize(
    ("value", "said"),
    [("perhaps", "Please choose one of: approve, reject"), ("1", "not an option")],
)
def test_a_value_that_does_not_fit_is_refused_and_the_question_stays_open(
    shop: Path, value: str, said: str
) -> None:
    asked = ask(shop)
    ran = sayso(shop, "answer", f"{asked['id']}@1", value)
    assert (ran.code, said in ran.out) == (1, True)
    assert sayso(shop, "answer", f"{asked['id']}@1", "approve").code == 0


def test_a_second_answer_changes_nothing(shop: Path) -> None:
    asked = ask(shop)
    assert sayso(shop, "answer", f"{asked['id']}@1", "approve").code == 0
    same = sayso(shop, "answer", f"{asked['id']}@1", "approve", "--json")
    other = sayso(shop, "answer", f"{asked['id']}@1", "reject", "--json")
    assert (same.code, same.json["outcome"]) == (0, "duplicate")
    assert (other.code, other.json["outcome"]) == (1, "already_answered")
    assert sayso(shop, "run", "shop:release_flow", asked["run_id"], "--json").json["shared"] == {
        "decision": "approve"
    }


def test_a_repeated_event_key_returns_what_happened_the_first_time(shop: Path) -> None:
    """A script that does not know whether its call came through may simply call again."""
    asked = ask(shop)
    first = sayso(shop, "answer", f"{asked['id']}@1", "approve", "--event-key", "job-7", "--json")
    again = sayso(shop, "answer", f"{asked['id']}@1", "approve", "--event-key", "job-7", "--json")
    assert (first.json["repeated"], again.json["repeated"]) == (False, True)
    assert (again.code, again.json["outcome"]) == (0, "resolved")


def test_an_answer_needs_a_database_that_is_there(tmp_path: Path) -> None:
    """A misspelt --database must not become a new, empty file."""
    for command in (
        ["answer", "abcdef@1", "yes"],
        ["runs"],
        ["requests"],
        ["cancel", "r"],
        ["retry", "r"],
        ["attention", "r"],
        ["attention", "r", "cancel"],
        ["audit", "verify"],
        ["audit", "export"],
        ["audit", "redact", "r"],
        ["prune", "--older-than", "1d"],
        ["backup", "copy.db"],
    ):
        ran = sayso(tmp_path, *command, "--database", "nothing.db")
        assert (command, ran.code, "not found" in ran.err) == (command, 3, True)
    assert list(tmp_path.iterdir()) == []


def test_every_input_type_can_be_answered(shop: Path) -> None:
    run_id = ask(shop, "everything_flow")["run_id"]
    values = ("red, BLUE", "yes", "-40", '{"item": "tea", "count": 3}', "=no")
    for value in values:
        asked = sayso(shop, "requests", "--run", run_id, "--json").json["requests"][0]
        assert sayso(shop, "answer", f"{asked['id']}@1", "--", value).code == 0, value
        sayso(shop, "run", "shop:everything_flow", run_id)
    assert sayso(shop, "run", "shop:everything_flow", run_id, "--json").json["shared"] == {
        "many": ["red", "blue"],
        "sure": True,
        "count": -40,
        "order": {"item": "tea", "count": 3},
        "text": "=no",
    }


TEAM = """
from sayso.engine import Workflow, node, request_approval

@node
async def ask(shared):
    decision = await request_approval("Drop the table?", request_id="drop", policy="team")
    shared["approved"] = decision.approved

workflow = Workflow("team", start=ask)
"""


def test_members_of_a_group_answer_without_a_service(tmp_path: Path) -> None:
    """The settings alone say who belongs to it; a group that only a platform knows is nobody here."""
    (tmp_path / "team.py").write_text(TEAM)
    me = local_person()
    settings = '[people.me]\naccounts = ["{who}"]\n[groups.sre]\nmembers = ["me"]\n'
    policy = '[policies.team]\nstages = [{ approvers = ["group:sre"] }]\n'
    (tmp_path / "sayso.toml").write_text(settings.format(who="web:somebody") + policy)
    asked = sayso(tmp_path, "run", "team:workflow", "--json").json["pending"][0]
    refused = sayso(tmp_path, "answer", f"{asked['id']}@1", "approve", "--json")
    assert (refused.code, refused.json["outcome"]) == (1, "not_allowed")
    (tmp_path / "sayso.toml").write_text(settings.format(who=me) + policy)
    answered = sayso(tmp_path, "answer", f"{asked['id']}@1", "approve", "--json")
    assert (answered.code, answered.json["outcome"]) == (0, "resolved")


def test_a_listing_that_was_cut_says_so(shop: Path) -> None:
    for _ in range(3):
        ask(shop)
    cut = sayso(shop, "requests", "--limit", "2", "--json").json
    assert (len(cut["requests"]), cut["more"]) == (2, True)
    assert "Showing the oldest 2." in sayso(shop, "requests", "--limit", "2").out
    whole = sayso(shop, "requests", "--limit", "3", "--json").json
    assert (len(whole["requests"]), whole["more"]) == (3, False)
