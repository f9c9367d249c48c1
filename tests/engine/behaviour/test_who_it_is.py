"""Who somebody is when it counts: as of the transaction, not of the look-up before it or of the page that they saw."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import (
    ACCOUNTS_CHANGED,
    CredentialKind,
    Directory,
    Fact,
    OutcomeKind,
    Person,
    Policy,
    RightLapsed,
    Runtime,
    SQLiteStore,
    Stage,
    Store,
    Warrant,
    Workflow,
    node,
    request_approval,
)
from sayso.engine.store._queries import load_migrations
from tests.engine.support import ManualClock, kinds
from tests.engine.team import asking, begin, link

SLACK, TELEGRAM = "slack:T1:U5", "telegram:5"


async def test_what_was_looked_up_for_other_accounts_does_not_count(store: Store) -> None:
    """Unlinked while the look-up ran, an account would vote on what was found of the other one, which votes too."""
    policy = Policy(stages=[Stage(["group:sre"], need=2)])
    async with Runtime(store, [Workflow("ask", asking(policy))]) as runtime:
        await link(store, SLACK, TELEGRAM)
        ask = await begin(runtime)
        ids = await store.reader.ids_of(TELEGRAM)
        found = [Fact("group:sre", value=True, as_of=store.clock.now())]
        assert (await store.unlink(TELEGRAM)).startswith("Unlinked: ")
        refused = await ask(TELEGRAM, facts=found, warrant=Warrant(accounts=ids), event_key="k")
        assert (refused.kind, refused.reason) == (OutcomeKind.NOT_ALLOWED, ACCOUNTS_CHANGED)
        counted = await ask(SLACK, facts=found, warrant=Warrant(accounts=(SLACK,)))
        assert (counted.kind, counted.reason) == (OutcomeKind.COUNTED, "Your approval was counted: 1 of 2.")
        anew = await ask(TELEGRAM, facts=[], warrant=Warrant(accounts=(TELEGRAM,)), event_key="k")
        assert anew.reason.startswith("You aren't an approver for this."), (
            "the key was left for the next look-up"
        )
    assert await kinds(store, "answer_refused") == ["answer_refused"], "one kind of refusal is told once"


async def test_a_hand_over_on_what_was_found_for_other_accounts_is_refused(store: Store) -> None:
    policy = Policy(stages=[Stage(["group:sre"])])
    async with Runtime(store, [Workflow("ask", asking(policy))]) as runtime:
        await link(store, SLACK, TELEGRAM)
        ask = await begin(runtime)
        ids = await store.reader.ids_of(TELEGRAM)
        await store.unlink(TELEGRAM)
        outcome = await runtime.reassign(
            ask.id, 1, person=TELEGRAM, via="chat:1", to="web:bo", warrant=Warrant(accounts=ids),
            facts=[Fact("group:sre", value=True, as_of=store.clock.now())],
        )  # fmt: skip
        assert (outcome.kind, outcome.reason) == (OutcomeKind.NOT_ALLOWED, ACCOUNTS_CHANGED)


def asking_later(go: asyncio.Event) -> Workflow:
    """Asks only once something else happened."""

    @node
    async def ask(shared: dict[str, Any]) -> None:
        await go.wait()
        policy = Policy(stages=[Stage(["chat:1"])], exclude_requester=True)
        shared["approved"] = (
            await request_approval("Release?", request_id="release", policy=policy)
        ).approved

    return Workflow("later", ask)


@pytest.mark.parametrize("asked_by", [SLACK, TELEGRAM])
async def test_whoever_asked_stays_so_by_every_account_of_the_start(store: Store, asked_by: str) -> None:
    """Unlinked between the start and the question, the other account would approve."""
    go = asyncio.Event()
    async with Runtime(store, [asking_later(go)]) as runtime:
        await link(store, SLACK, TELEGRAM)
        run_id = await runtime.start("later", requested_by=asked_by)
        for account in (SLACK, TELEGRAM):
            await store.unlink(account)
        assert await store.reader.accounts() == []
        go.set()
        await runtime.wait(run_id)
        (request,) = await runtime.pending(run_id)
        for account in (SLACK, TELEGRAM):
            outcome = await runtime.answer(request.id, 1, "approve", person=account, via="chat:1")
            assert (outcome.kind, outcome.reason) == (
                OutcomeKind.NOT_ALLOWED, "You requested this, so someone else must approve it.",
            )  # fmt: skip
        assert (
            await runtime.answer(request.id, 1, "approve", person="slack:T1:U9", via="chat:1")
        ).kind is OutcomeKind.RESOLVED


async def test_an_upgrade_fixes_who_asked_for_the_runs_that_go_on(database: Path) -> None:
    """A database of the schema before: the accounts of the requester are those that it has for them."""
    scripts = list(load_migrations("sqlite").values())
    number = next(n for n, script in enumerate(scripts) if "requester_ids" in script)
    with closing(sqlite3.connect(database)) as connection:
        for script in scripts[:number]:
            connection.executescript(script)
        connection.execute("INSERT INTO schema_version VALUES (?)", (number,))
        connection.executemany(
            "INSERT INTO accounts (account, person, linked_at) VALUES (?, 'person:~1', 1)",
            [(SLACK,), (TELEGRAM,)],
        )
        connection.execute("INSERT INTO link_codes VALUES ('telegram:8', 'hash', 9)")
        for name, by in (("linked", SLACK), ("person", "person:~1"), ("alone", "web:ana"), ("nobody", None)):
            connection.execute(
                "INSERT INTO runs (run_id, workflow, status, visit, requested_by, created_at, updated_at)"
                " VALUES (?, 'ask', 'RUNNING', 1, ?, 1, 1)",
                (name, by),
            )
        connection.commit()
    async with SQLiteStore(database) as store:
        store.open()
    with closing(sqlite3.connect(database)) as connection:
        found: dict[str, str | None] = dict(connection.execute("SELECT run_id, requester_ids FROM runs"))
        assert connection.execute("SELECT count(*) FROM link_codes").fetchone() == (0,)
    theirs = sorted([SLACK, TELEGRAM, "person:~1"])
    assert {name: sorted(json.loads(ids or "[]")) for name, ids in found.items()} == {
        "linked": theirs, "person": theirs, "alone": ["web:ana"], "nobody": [],
    }  # fmt: skip


async def test_a_session_that_has_ended_decides_nothing_any_more(store: Store, clock: ManualClock) -> None:
    """Between the door and the commit somebody is shut out, signs out, or their session runs out."""
    policy = Policy(stages=[Stage(["web:ana"], need=1)])
    async with Runtime(store, [Workflow("ask", asking(policy, requested_by="web:ana"))]) as runtime:
        ask = await begin(runtime)
        for number, end in enumerate(("shut out", "signed out", "too late", "still in")):
            until = store.clock.now() + timedelta(minutes=5)
            await store.admit(CredentialKind.SESSION, f"hash-{number}", "web:ana", until)
            match end:
                case "shut out":
                    await store.revoke("web:ana", "local:op")
                case "signed out":
                    await store.sign_out(f"hash-{number}")
                case "too late":
                    clock.advance(timedelta(minutes=5))
                case _:
                    break
            warrant = Warrant(f"hash-{number}")
            outcome = await ask("web:ana", via="web", warrant=warrant)
            assert (outcome.kind, outcome.reason[:32]) == (
                OutcomeKind.NOT_ALLOWED, "You are no longer signed in, so ",
            ), end  # fmt: skip
            withdrawn = await runtime.withdraw(ask.id, person="web:ana", via="web", warrant=warrant)
            assert withdrawn.kind is OutcomeKind.NOT_ALLOWED
        outcome = await ask("web:ana", via="web", warrant=Warrant("hash-3"))
        assert outcome.kind is OutcomeKind.RESOLVED


async def test_an_account_operates_only_while_it_is_an_operators(store: Store) -> None:
    """It is read in the transaction: an unlinked account acts as operator for no instant longer."""
    directory = Directory({"ana": Person(("web:ana",))})
    flow = Workflow("ask", asking(Policy(stages=[Stage(["web:bo"])])))
    operators = Warrant(operators=("person:ana", "web:op"))
    async with Runtime(store, [flow], directory=directory) as runtime:
        ask = await begin(runtime)
        await link(store, "web:ana", TELEGRAM)
        await store.unlink(TELEGRAM)
        for act in (
            runtime.start("ask", requested_by=TELEGRAM, warrant=operators),
            runtime.cancel(ask.run_id, person=TELEGRAM, warrant=operators),
            runtime.retry(ask.run_id, person=TELEGRAM, warrant=operators),
            runtime.attention(ask.run_id, "reask", person=TELEGRAM, warrant=operators),
        ):
            with pytest.raises(RightLapsed, match="no longer an operator, so nothing was done"):
                await act
        await link(store, "web:ana", TELEGRAM)
        await runtime.cancel(ask.run_id, person=TELEGRAM, warrant=operators)
        assert len(await store.reader.runs()) == 1
        assert await runtime.start("ask", requested_by=TELEGRAM, warrant=operators)
    assert await kinds(store, "run_cancelled") == ["run_cancelled"]


async def test_an_upgrade_writes_names_on_the_web_one_way(database: Path) -> None:
    """One vote of two was recorded by the release before, of `web:Ana`: the next one of `web:ana` is no second one."""
    policy = Policy(stages=[Stage(["operator", "web:cho"], need=2)])
    flow = Workflow("ask", asking(policy))
    async with Runtime(database, [flow]) as runtime:
        ask = await begin(runtime)
        assert (await ask("web:ana", via="web")).kind is OutcomeKind.COUNTED
    _take_back(database)
    async with Runtime(database, [flow]) as runtime:
        again = await runtime.answer(ask.id, 1, "approve", person="web:ana", via="web")
        assert again.kind is OutcomeKind.DUPLICATE
        other = await runtime.answer(ask.id, 1, "approve", person="web:CHO", via="inbox")
        assert other.kind is OutcomeKind.RESOLVED, "named with a capital letter in the policy of then"
        assert (await runtime.wait(ask.run_id)).shared["by"] == ["web:ana", "web:cho"]


def _take_back(database: Path) -> None:
    """Have a database as the release before left it, with names on the web as they were typed."""
    scripts = list(load_migrations("sqlite").values())
    number = next(n for n, script in enumerate(scripts) if "requester_ids" in script)
    older = database.with_name("older.db")
    with closing(sqlite3.connect(older)) as connection:
        for script in scripts[:number]:
            connection.executescript(script)
        connection.execute("ATTACH ? AS newer", (str(database),))
        tables = [
            name for (name,) in connection.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'")
        ]
        for table in tables:
            columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
            connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")  # noqa: S608
        connection.execute("UPDATE schema_version SET version = ?", (number,))
        connection.execute("UPDATE votes SET person = 'web:Ana'")
        connection.execute("UPDATE events SET person = 'web:Ana'")
        connection.execute("UPDATE requests SET policy = replace(policy, 'web:cho', 'web:Cho')")
        connection.commit()
    for name in (database.name, f"{database.name}-wal", f"{database.name}-shm"):
        database.with_name(name).unlink(missing_ok=True)
    older.rename(database)
