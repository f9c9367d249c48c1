"""Looking after a database: audit, prune, backup, check-parked; and what every command has in common."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sayso.bots.cli import EXIT_CODES, ExitCode
from tests.bots.command import SAYSO, TerminalSession, environment, sayso
from tests.bots.workflows import write_shop

COMMANDS = (
    ["demo"],
    ["run"],
    ["runs"],
    ["requests"],
    ["answer"],
    ["cancel"],
    ["retry"],
    ["attention"],
    ["check-parked"],
    ["audit", "verify"],
    ["audit", "export"],
    ["audit", "redact"],
    ["prune"],
    ["backup"],
    ["restore"],
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_shop(tmp_path)
    return tmp_path


def ask(shop: Path, *more: str) -> Any:
    ran = sayso(shop, "run", "shop:release_flow", "--json", *more)
    assert ran.code == 6, ran
    return ran.json["pending"][0]


def change(shop: Path, statement: str, *values: Any) -> None:
    with sqlite3.connect(shop / "sayso.db") as connection:
        connection.execute(statement, values)
    connection.close()


def test_an_untouched_trail_verifies_and_a_changed_one_does_not(shop: Path) -> None:
    ask(shop)
    fine = sayso(shop, "audit", "verify", "--json")
    assert (fine.code, fine.json["ok"], fine.json["rows"]) == (0, True, 3)
    assert (fine.json["anchors"], fine.json["since_anchor"]) == (1, 0)
    assert (fine.json["checked"], fine.json["before"], fine.json["found"]) == (
        {"requests": 1, "runs": 1},
        0,
        0,
    )
    change(shop, "UPDATE audit SET person = 'local:mallory' WHERE sequence = 1")
    changed = sayso(shop, "audit", "verify")
    assert (changed.code, "Verification FAILED" in changed.out) == (1, True)
    assert "Compared with the trail: requests 1, runs 1." in changed.out
    assert all(line.split()[0] in changed.out for line in ("Not covered:", *fine.json["not_covered"]))
    assert sayso(shop, "audit", "verify", "--json").json["problems"][0]["sequence"] == 1


def test_rows_cut_off_show_against_a_head_noted_before(shop: Path) -> None:
    """Where what they tell of is there still, without one, too."""
    asked = ask(shop)
    head = sayso(shop, "audit", "verify", "--json").json["head"]
    change(shop, "DELETE FROM audit WHERE sequence >= 2")
    (problem,) = sayso(shop, "audit", "verify", "--json").json["problems"]
    assert (problem["table"], problem["name"]) == ("requests", asked["id"])
    for table in ("concerned", "requests", "visits", "runs", "audit"):
        change(shop, f"DELETE FROM {table}")  # noqa: S608 - names of our own
    assert sayso(shop, "audit", "verify").code == 0
    against = sayso(shop, "audit", "verify", "--head", head)
    assert (against.code, "cut off" in against.out) == (1, True)


def test_a_head_that_is_none_is_explained(shop: Path) -> None:
    ask(shop)
    ran = sayso(shop, "audit", "verify", "--head", "nonsense")
    assert (ran.code, "is not a head" in ran.err) == (2, True)


def test_the_trail_is_exported_as_json_lines_of_one_run_or_all(shop: Path) -> None:
    asked = ask(shop)
    ask(shop)
    everything = sayso(shop, "audit", "export").out.splitlines()
    of_one = [
        json.loads(line) for line in sayso(shop, "audit", "export", "--run", asked["run_id"]).out.splitlines()
    ]
    kinds = [json.loads(line)["kind"] for line in everything]
    assert kinds == ["run_started", "requested", "anchored"] * 2
    assert {row["run_id"] for row in of_one} == {asked["run_id"]}
    assert [row["kind"] for row in of_one] == ["run_started", "requested"]


def test_an_export_for_spreadsheets_holds_no_formula(shop: Path) -> None:
    """A name that a spreadsheet runs as a formula would run on the auditor's machine."""
    ask(shop, "--requested-by", '=cmd|"/c calc"!A1')
    rows = list(csv.DictReader(io.StringIO(sayso(shop, "audit", "export", "--format", "csv").out)))
    assert [row["person"] for row in rows] == [*['\'=cmd|"/c calc"!A1'] * 2, ""]
    assert json.loads(rows[0]["payload"]) == {"workflow": "release"}
    assert [fact[0] for fact in json.loads(rows[1]["facts"])] == ["requests", "votes", "deliveries"]
    assert sayso(shop, "audit", "export", "--format", "csv", "--json").code == 2


def test_the_trail_of_one_request(shop: Path) -> None:
    one, other = ask(shop), ask(shop)
    sayso(shop, "answer", f"{one['id']}@1", "approve")
    told = [
        json.loads(line) for line in sayso(shop, "audit", "export", "--request", one["id"]).out.splitlines()
    ]
    assert [row["kind"] for row in told] == ["requested", "answer_accepted"]
    assert {row["request_id"] for row in told} == {one["id"]} != {other["id"]}
    assert sayso(shop, "audit", "export", "--request", "nothing").code == 3
    assert sayso(shop, "audit", "export", "--request", one["id"], "--run", one["run_id"]).code == 2


def test_a_redacted_run_leaves_a_trail_that_verifies(shop: Path) -> None:
    asked = ask(shop)
    assert sayso(shop, "audit", "redact", asked["run_id"], "--json").json == {
        "run_id": asked["run_id"],
        "rows": 2,
    }
    assert "Release 4.2.0" not in sayso(shop, "audit", "export").out
    after = sayso(shop, "audit", "verify", "--json")
    assert (after.code, after.json["redacted"]) == (0, 2)


def test_only_runs_that_ended_long_ago_are_pruned(shop: Path) -> None:
    asked = ask(shop)
    sayso(shop, "run", "shop:quick_flow")
    assert sayso(shop, "prune", "--older-than", "1d", "--json").json["runs"] == 0
    assert sayso(shop, "prune", "--older-than", "0s", "--dry-run", "--json").json["runs"] == 1
    assert len(sayso(shop, "runs", "--json").json["runs"]) == 2
    assert sayso(shop, "prune", "--older-than", "0s", "--json").json["runs"] == 1
    assert [run["run_id"] for run in sayso(shop, "runs", "--json").json["runs"]] == [asked["run_id"]]
    assert sayso(shop, "audit", "verify").code == 0


@pytest.mark.parametrize("age", ["30", "d", "30 days", "-1d", ""])
def test_an_age_that_is_none_is_explained(shop: Path, age: str) -> None:
    ask(shop)
    ran = sayso(shop, "prune", f"--older-than={age}")
    assert (ran.code, "for example 30d" in ran.err) == (2, True)


def test_a_backup_is_a_database_that_works_and_overwrites_nothing(shop: Path) -> None:
    asked = ask(shop)
    assert sayso(shop, "backup", "copy.db").code == 0
    copied = sayso(shop, "requests", "--database", "copy.db", "--json").json["requests"]
    assert [one["id"] for one in copied] == [asked["id"]]
    before = (shop / "copy.db").read_bytes()
    again = sayso(shop, "backup", "copy.db")
    assert (again.code, "never overwrites" in again.err) == (5, True)
    assert (shop / "copy.db").read_bytes() == before


def test_a_backup_into_no_folder_is_refused_in_words(shop: Path) -> None:
    ask(shop)
    ran = sayso(shop, "backup", "nowhere/copy.db")
    assert (ran.code, "[Errno" in ran.err) == (5, False)
    assert (
        "nowhere/copy.db cannot be used: there is no folder nowhere. Create it, or check the path." in ran.err
    )
    begun = sayso(shop, "run", "shop:release_flow", "--database", "nowhere/sayso.db")
    assert "there is no folder" in begun.err
    assert "[Errno" not in begun.err


def test_before_a_deploy_parked_runs_are_compared_with_the_new_code(shop: Path) -> None:
    asked = ask(shop)
    same = sayso(shop, "check-parked", "shop:release_flow", "--json")
    assert (same.code, [one["severity"] for one in same.json["findings"]]) == (0, ["same"])
    source = (shop / "shop.py").read_text()
    (shop / "shop.py").write_text(source.replace('"release"\n    )', '"release", note="new"\n    )'))
    changed = sayso(shop, "check-parked", "shop:release_flow")
    assert (changed.code, "has changed" in changed.out) == (0, True)
    assert "1 parked run: 0 lost their node, 1 changed, 0 look unchanged." in changed.out
    (shop / "shop.py").write_text(
        source.replace('Workflow("release", release)', 'Workflow("release", quick)')
    )
    broken = sayso(shop, "check-parked", "shop:release_flow")
    assert (broken.code, "is gone" in broken.out, asked["run_id"] in broken.out) == (6, True, True)


def test_what_was_not_looked_at_gets_no_clean_bill(shop: Path) -> None:
    """What a node asks may come from elsewhere: only a replay sees that it has changed."""
    ask(shop)
    source = (shop / "shop.py").read_text()
    (shop / "shop.py").write_text(f'PROMPT = "Release 5.0.0?"\n{source}')
    looked = sayso(shop, "check-parked", "shop:release_flow")
    assert "1 parked run: 0 lost their node, 0 changed, 1 look unchanged." in looked.out
    assert "Questions were not compared" in looked.out
    assert "would need attention." not in looked.out.splitlines()[2]
    replayed = sayso(shop, "check-parked", "shop:release_flow", "--replay")
    assert (replayed.code, "in other words" in replayed.out) == (6, True)
    assert "1 parked run: 1 would need attention, 0 changed, 0 unchanged." in replayed.out


def test_a_replay_says_first_that_raw_code_does_run(shop: Path) -> None:
    ask(shop)
    ran = sayso(shop, "check-parked", "shop:release_flow", "--replay", "--json")
    assert ran.code == 0
    assert ran.json["findings"][0]["text"] == "waits at the same question"
    assert ran.err.index("DOES run") < ran.err.index("release runs")
    assert sayso(shop, "audit", "verify", "--json").json["rows"] == 3


def test_while_one_process_writes_others_read_and_are_told_who_writes(shop: Path) -> None:
    with TerminalSession(shop, SAYSO, "run", "shop:release_flow") as holder:
        holder.wait_for("Your choice")
        asked = sayso(shop, "requests", "--json").json["requests"][0]
        for command in (
            ["runs"],
            ["attention", asked["run_id"]],
            ["audit", "verify"],
            ["audit", "export"],
            ["backup", "copy.db"],
            ["check-parked", "shop:release_flow"],
            ["prune", "--older-than", "0s", "--dry-run"],
        ):
            assert (command, sayso(shop, *command).code) == (command, 0)
        for command in (
            ["answer", f"{asked['id']}@1", "approve"],
            ["cancel", asked["run_id"]],
            ["retry", asked["run_id"]],
            ["attention", asked["run_id"], "cancel"],
            ["audit", "redact", asked["run_id"]],
            ["prune", "--older-than", "0s"],
            ["run", "shop:release_flow"],
        ):
            ran = sayso(shop, *command)
            assert (command, ran.code) == (command, 4)
            assert f"is in use: process {holder.process.pid} writes it" in ran.err
        holder.type("approve")
        holder.wait_for("Approved.", "completed.")
        assert holder.end() == 0


def test_errors_are_json_too_when_json_was_asked_for(tmp_path: Path) -> None:
    for command, code, kind in (
        (["runs"], 3, "NoDatabase"),
        (["run", "nothing:here"], 3, "UnknownWorkflow"),
        (["runs", "--limit", "many"], 2, "UsageProblem"),
        (["nothing"], 2, "UsageProblem"),
        (["prune"], 2, "UsageProblem"),
    ):
        ran = sayso(tmp_path, *command, "--json")
        assert (ran.code, ran.err) == (code, "")
        assert (ran.json["error"]["kind"], ran.json["error"]["exit_code"]) == (kind, code)
        assert ran.json["error"]["message"]


def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    ran = sayso(tmp_path, "runs", SAYSO_RESIDENT="many")
    assert (ran.code, "SAYSO_RESIDENT" in ran.err) == (2, True)
    (tmp_path / "sayso.toml").write_text("databse = 1")
    assert "databse" in sayso(tmp_path, "runs").err


def test_the_database_is_named_by_option_before_environment_before_file(shop: Path) -> None:
    (shop / "sayso.toml").write_text('database = "file.db"')
    sayso(shop, "run", "shop:quick_flow")
    sayso(shop, "run", "shop:quick_flow", SAYSO_DATABASE="environment.db")
    sayso(shop, "run", "shop:quick_flow", "--database", "option.db", SAYSO_DATABASE="environment.db")
    assert {path.name for path in shop.glob("*.db")} == {"file.db", "environment.db", "option.db"}


@pytest.mark.parametrize("url", ["postgres://somewhere/db", "sqlite:///"])
def test_a_url_of_another_kind_is_refused(tmp_path: Path, url: str) -> None:
    assert sayso(tmp_path, "runs", "--database", url).code == 5


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "sayso.db").write_text("a shopping list, and not a short one" * 100)
    before = (tmp_path / "sayso.db").read_bytes()
    assert sayso(tmp_path, "runs").code == 5
    write_shop(tmp_path)
    assert sayso(tmp_path, "run", "shop:quick_flow").code == 5
    assert (tmp_path / "sayso.db").read_bytes() == before


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(tmp_path: Path, command: list[str]) -> None:
    ran = sayso(tmp_path, *command, "--help")
    assert ran.code == 0
    assert "--json" in ran.out
    assert "--database" in ran.out


def test_the_help_lists_every_command_and_exit_code(tmp_path: Path) -> None:
    text = sayso(tmp_path, "--help", COLUMNS="200").out
    for command in COMMANDS:
        assert f" {command[0]} " in text
    for code in ExitCode:
        assert f"{code.value}: {EXIT_CODES[code][:40]}" in text
    assert sayso(tmp_path).out.count("Exit codes") == 1


def test_the_version_is_told(tmp_path: Path) -> None:
    assert sayso(tmp_path, "--version").out.startswith("sayso ")


def test_a_reader_that_has_had_enough_is_not_an_error(shop: Path) -> None:
    """`sayso audit export | head -1` must end quietly."""
    ask(shop)
    for command in (["audit", "export"], ["runs"], ["runs", "--json"]):
        read_end, write_end = os.pipe()
        os.close(read_end)
        done = subprocess.run(
            [SAYSO, *command],
            cwd=shop,
            env=environment(),
            stdout=write_end,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(write_end)
        assert (command, done.returncode, done.stderr) == (command, 0, b"")
