"""The named statements: all of them are used, all that are used exist, and none of the hot ones scans a table."""

from __future__ import annotations

import ast
import asyncio
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import sayso.engine.store as store_package
from sayso.engine import SQLiteStore
from sayso.engine.store._queries import load_statements
from sayso.engine.store.sqlite._connection import SQL

PACKAGE = Path(store_package.__file__).parent

COLD = {
    "audit_redact": "as rare as a request to be forgotten",
    "accounts_forget_directory": "once at a start, a row for each account that the settings list",
    "accounts_list": "a listing of people's accounts",
    "accounts_in_forms": "once at a start",
    "accounts_of_gone_people": "once at a start",
    "forms_list": "once at a start, a row for each account with several forms",
    "link_codes_forget": "the handful of codes of the last ten minutes",
    "renderings_adopt": "once, over the cards that a version without teams left",
    "person_excluded": "as rare as somebody who unlinks an account",
    "person_voting": "as rare as somebody who unlinks an account",
    "credentials_list": "a listing of the handful of people and programs that are let in",
    "deliveries_mark_open": "once, when a backup is put in the place of a database",
    "deliveries_retry_refused": "once at a start, over the runs that have not ended",
    "evidence_account_ids": "a check of the whole trail",
    "evidence_begun": "stops at the first row, once at a start of a database without a trail",
    "evidence_credential_ids": "a check of the whole trail",
    "evidence_forms": "a check of the whole trail",
    "evidence_live_runs": "once, when a database of a sayso is opened that kept no digests",
    "evidence_stray_rows": "a check of the whole trail",
    "evidence_trail": "a check of the whole trail",
    "evidence_untold_runs": "a check of the whole trail",
    "grants_list": "a listing of what people granted, bounded by its limit, that walks from the newest back",
    "grants_of_people": "as rare as an operator who shuts somebody out",
    "runs_list": "a listing, bounded by its limit, that walks from the newest run back",
    "sessions_remove": "as rare as an operator who shuts somebody out",
    "tables": "the schema's own table, at opening",
    "version": "one row, at opening",
}
"""What may walk through a table, and why. All else runs for every request, answer, visit, listing or start, where a
scan would grow with what is stored."""

ORDERED_WALKS = {
    "account_owners": "SCAN wanted VIRTUAL TABLE INDEX 1:",
    "audit_head": "SCAN audit",
    "audit_head_of_store": "SCAN audit USING INDEX audit_of_store",
    "audit_last": "SCAN audit",
    "audit_last_anchor": "SCAN audit USING INDEX audit_of_store",
    "audit_next_of_run": "SCAN a",
    "audit_next_of_store": "SCAN a",
    "before_answer": "SCAN own",
    "callbacks_due": "SCAN c USING INDEX callbacks_open",
    "cards_open": "SCAN wanted VIRTUAL TABLE INDEX 1:",
    "concerned_after": "SCAN w VIRTUAL TABLE INDEX 1:",
    "grants_covering": "SCAN json_each VIRTUAL TABLE INDEX 1:",
    "concerned_before": "SCAN w VIRTUAL TABLE INDEX 1:",
    "dead_places": "SCAN deliveries USING INDEX deliveries_dead",
    "deliveries_mark_progress": "SCAN n",
    "deliveries_post_anew": "SCAN q USING INDEX requests_open",
    "ids_of_entry": "SCAN CONSTANT ROW",
    "held_count": "SCAN r USING INDEX runs_held",
    "next_deadline": "SCAN q USING COVERING INDEX requests_due",
    "next_escalation": "SCAN q USING COVERING INDEX requests_escalate",
    "next_reminder": "SCAN q USING COVERING INDEX requests_remind",
    "pending_count": "SCAN q USING INDEX requests_open; SCAN o USING INDEX requests_open",
    "people_names": "SCAN wanted VIRTUAL TABLE INDEX 1:",
    "places_waiting": "SCAN deliveries USING INDEX deliveries_due; SCAN notices USING COVERING INDEX notices_at",
    "requests_closed": "SCAN json_each VIRTUAL TABLE INDEX 1:",
    "requests_pending_of_asker": "SCAN json_each VIRTUAL TABLE INDEX 1:",
    "runs_of_people": "SCAN w VIRTUAL TABLE INDEX 1:",
    "undelivered_count": "SCAN deliveries USING INDEX deliveries_due",
}
"""Plans that SQLite calls a scan: they stop at their first row, or walk a partial index, which holds only what is dead,
due, held or not ended, or the handful of names that were asked for."""


def used_names() -> set[str]:
    """Every string in the package's code that is a statement's name or is used as one."""
    strings: set[str] = set()
    for module in PACKAGE.rglob("*.py"):
        if module.name == "_moving.py":  # which learns from the database what tables there are
            continue
        for found in ast.walk(ast.parse(module.read_text())):
            if isinstance(found, ast.Constant) and isinstance(found.value, str):
                strings.add(found.value)
    return strings


def names_looked_up() -> set[str]:
    """The literal names that code hands to `SQL[...]`, `run`, `row`, `rows` and `_rows`."""
    names: set[str] = set()
    for module in PACKAGE.rglob("*.py"):
        for found in ast.walk(ast.parse(module.read_text())):
            match found:
                case ast.Subscript(value=ast.Name(id="SQL"), slice=ast.Constant(value=str(name))):
                    names.add(name)
                case ast.Call(
                    func=ast.Attribute(attr="run" | "row" | "rows" | "stream" | "_rows"),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    names.add(name)
                case _:
                    pass
    return names


def parameters(statement: str) -> Any:
    """A value for every parameter, so that the statement can be explained."""
    named = re.findall(r":(\w+)", statement)
    numbers = [int(number) for number in re.findall(r"\?(\d+)", statement)]
    return dict.fromkeys(named, 1) if named else (1,) * max(numbers, default=statement.count("?"))


def test_every_statement_is_used() -> None:
    assert sorted(set(SQL) - used_names()) == []


def test_every_name_that_is_used_exists() -> None:
    assert len(names_looked_up()) > 40
    assert sorted(names_looked_up() - set(SQL) - set(load_statements("postgres"))) == []


def test_what_may_scan_is_there() -> None:
    assert set(COLD) | set(ORDERED_WALKS) <= set(SQL)


def test_no_name_stands_twice() -> None:
    """The second would silently replace the first."""
    folder = files("sayso.engine.store") / "sql"
    texts = [(folder / "queries.sql").read_text(), (folder / "sqlite" / "queries.sql").read_text()]
    for names in (re.findall(r"^-- name: (\w+)$", text, re.MULTILINE) for text in texts):
        assert len(names) == len(set(names))


def test_python_assembles_no_sql() -> None:
    """But for pragmas, savepoints, the schema's own table, whose statements are fixed, and moving all tables."""
    allowed = ("PRAGMA ", "SELECT name FROM sqlite_schema", "SELECT version FROM schema_version")
    statement = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH) ")
    stray = {
        text
        for text in used_names()
        if statement.match(text) and not text.startswith(allowed) and "schema_version" not in text
    }
    assert stray == set()


@pytest.fixture(scope="module")
def young(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A database in which nothing has happened yet; explaining statements changes nothing."""
    path = tmp_path_factory.mktemp("young") / "sayso.db"

    async def create() -> None:
        async with SQLiteStore(path):
            pass

    asyncio.run(create())
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def test_migrations_are_numbered_one_by_one() -> None:
    """Two of one number would run in the order of their names, and a database that has one of them would miss one."""
    scripts = sorted(
        one.name for one in (files("sayso.engine.store") / "sql" / "sqlite" / "migrations").iterdir()
    )
    assert [int(name.split("_")[0]) for name in scripts] == list(range(1, len(scripts) + 1))


@pytest.mark.parametrize("name", sorted(SQL))
def test_every_statement_fits_the_schema(young: sqlite3.Connection, name: str) -> None:
    assert young.execute(f"EXPLAIN {SQL[name]}", parameters(SQL[name])).fetchall()


@pytest.mark.parametrize("name", sorted(set(SQL) - set(COLD)))
def test_a_hot_query_scans_no_table(young: sqlite3.Connection, name: str) -> None:
    """Planned without statistics, as in a young database."""
    explained = young.execute(f"EXPLAIN QUERY PLAN {SQL[name]}", parameters(SQL[name]))
    plan = [row[3] for row in explained]
    known = ORDERED_WALKS.get(name, "").split("; ")
    scans = [line for line in plan if line.startswith("SCAN") and line not in known]
    assert scans == [], plan
    assert not [line for line in plan if "AUTOMATIC" in line], plan
