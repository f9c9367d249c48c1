"""What the trail says against what stands in the tables: whatever somebody writes into the file by hand is named."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sayso.engine import AuditReport, LinkStep, SQLiteReader, SQLiteStore, verify_audit
from sayso.engine.store import OUTSIDE
from sayso.engine.store._evidence import SEALED, seal
from sayso.engine.store._session import Session
from sayso.engine.store.sqlite._connection import SQL
from tests.engine.older_file import rewrite_as_before
from tests.engine.store.situation import GatedClock, a_vote, begin, count, put, rows
from tests.engine.store.story import told
from tests.engine.support import BO

pytestmark = pytest.mark.slow


def columns_of(database: Path, table: str) -> list[str]:
    return [row[0] for row in rows(database, "SELECT name FROM pragma_table_info(?)", table)]


def covered(database: Path) -> list[tuple[str, str]]:
    """Every column that is compared, from the schema."""
    return [
        (table, column)
        for (table,) in rows(database, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        if table not in OUTSIDE and table != "audit" and not table.startswith("sqlite_")
        for column in columns_of(database, table)
        if f"{table}.{column}" not in OUTSIDE
    ]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("story") / "sayso.db"
    asyncio.run(told(database))
    return database


def check(database: Path) -> AuditReport:
    async def work() -> AuditReport:
        async with SQLiteReader(database) as reader:
            return await verify_audit(reader)

    return asyncio.run(work())


def changed(story: Path, statement: str, *parameters: object, cascade: bool = False) -> Path:
    """A copy with something written into it by hand, whatever the schema's own checks would have said."""
    copy = story.with_name("copy.db")
    for leftover in story.parent.glob("copy.db*"):
        leftover.unlink()
    shutil.copy(story, copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA foreign_keys = {int(cascade)}")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for (trigger,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        try:
            done = connection.execute(statement, parameters)
        except sqlite3.IntegrityError:  # a key that is taken, or a column that must have a value
            assume(False)
            raise
        assert done.rowcount >= 1
    return copy


def sealed_events(database: Path) -> list[tuple[str, int]]:
    """The events that the trail tells of; refusals that repeat are counted instead."""
    facts = [msgspec.json.decode(text) for (text,) in rows(database, "SELECT facts FROM audit")]
    return [(fact[1], fact[2]) for row in facts for fact in row if fact[0] == "events"]


def the_rows(database: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a table that are compared, with the columns that make them known."""
    names = columns_of(database, table)
    found = [dict(zip(names, row, strict=True)) for row in rows(database, f"SELECT * FROM {table}")]  # noqa: S608 - a name of our own
    if table == "credentials":
        with closing(sqlite3.connect(database)) as connection:
            session = Session(connection, SQL)
            return [row for row in found if seal(session, (table, row["hash"])) is not None]
    if table != "events":
        return found
    ids = dict(rows(database, "SELECT request_key, id FROM requests"))
    told_of = set(sealed_events(database))
    return [row for row in found if (ids[row["request_key"]], row["event"]) in told_of]


def where(row: dict[str, Any]) -> tuple[str, list[object]]:
    return " AND ".join(f"{column} IS ?" for column in row), list(row.values())


def another(value: object, others: list[object]) -> st.SearchStrategy[Any]:
    """Another value for a column: that of another row, or one close to its own, or none."""
    choices = [st.none(), st.sampled_from(others)]
    if isinstance(value, int):
        choices.append(st.sampled_from([value + 1, value - 1, 0, value * 2]))
    elif isinstance(value, str):
        choices.append(
            st.sampled_from(
                [f"{value} ", value[:-1], value.swapcase(), "person:ana", '"approve"', "ANSWERED"]
            )
        )
    else:
        choices.append(st.sampled_from([1, "local:mallory"]))
    return st.one_of(choices).filter(lambda one: one != value or type(one) is not type(value))


def named(report: AuditReport) -> set[str]:
    return {problem.table for problem in report.problems}


def test_nobody_wrote_into_the_story(story: Path) -> None:
    """It has everything in it: each kind of row, each state of a request, all that is compared."""
    report = check(story)
    assert report.problems == ()
    assert (report.found, report.before) == (0, 0)
    assert set(report.checked) == set(SEALED)
    statuses = {status for (status,) in rows(story, "SELECT status FROM requests")}
    assert statuses == {"PENDING", "ANSWERED", "EXPIRED", "WITHDRAWN", "CANCELLED"}
    assert {kind for (kind,) in rows(story, "SELECT kind FROM credentials")} == {"LINK", "SESSION", "TOKEN"}
    assert report.redacted > 3


def test_every_column_is_compared_or_said_to_be_outside(story: Path) -> None:
    """A new column has to be decided on: into an `evidence_` statement, or into `OUTSIDE` with the reason."""
    with closing(sqlite3.connect(story)) as connection:
        read = {
            (table, name)
            for table, statement in SEALED.items()
            for column in connection.execute(
                SQL[statement], (None, None)[: SQL[statement].count("?")]
            ).description
            for name in column[0].split(", ")  # one that holds two
        }
    assert set(covered(story)) <= read
    tables = {table for (table,) in rows(story, "SELECT name FROM sqlite_schema WHERE type = 'table'")}
    known = tables | {f"{table}.{column}" for table in tables for column in columns_of(story, table)}
    assert set(OUTSIDE) <= known, "what is gone need not be explained"
    assert not {(table, column) for table, column in read if f"{table}.{column}" in OUTSIDE}


@given(data=st.data())
def test_any_changed_column_of_any_row_is_named(story: Path, data: st.DataObject) -> None:
    table, column = data.draw(st.sampled_from(covered(story)))
    row = data.draw(st.sampled_from(the_rows(story, table)))
    others = [other[column] for other in the_rows(story, table)]
    value = data.draw(another(row[column], others))
    condition, parameters = where(row)
    copy = changed(story, f"UPDATE OR FAIL {table} SET {column} = ? WHERE {condition}", value, *parameters)  # noqa: S608 - names of our own
    report = check(copy)
    if (table, column) == ("runs", "status") and {row[column], value} <= {"RUNNING", "WAITING_FOR_INPUT"}:
        assert report.problems == (), "where a live run stands"
    else:
        assert table in named(report)


@given(data=st.data())
def test_any_removed_row_is_named(story: Path, data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(sorted(SEALED)))
    condition, parameters = where(data.draw(st.sampled_from(the_rows(story, table))))
    cascade = data.draw(st.booleans())
    copy = changed(story, f"DELETE FROM {table} WHERE {condition}", *parameters, cascade=cascade)  # noqa: S608 - names of our own
    assert table in named(check(copy))


@given(data=st.data())
def test_any_inserted_row_is_named(story: Path, data: st.DataObject) -> None:
    """A copy of a row under a key of its own."""
    table = data.draw(st.sampled_from(sorted(SEALED)))
    row = dict(data.draw(st.sampled_from(the_rows(story, table))))
    if table == "events":
        assume(row["outcome"] in ("resolved", "counted", "held"))
    for column in ("run_key", "request_key", "event"):
        if column == next(iter(row)) and table in ("runs", "requests"):
            row[column] = None
        elif column == "event" and table == "events":
            row[column] += data.draw(st.integers(1, 9))
    for column in ("run_id", "id", "name", "person", "form", "account", "hash", "destination", "event_key"):
        if isinstance(row.get(column), str):
            row[column] += data.draw(st.sampled_from(["x", "-2"]))
    names = ", ".join(row)
    statement = f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})"  # noqa: S608 - names of our own
    assert table in named(check(changed(story, statement, *row.values())))


@given(data=st.data())
def test_any_payload_that_was_emptied_is_named(story: Path, data: st.DataObject) -> None:
    full = [row for (row,) in rows(story, "SELECT sequence FROM audit WHERE payload IS NOT NULL")]
    sequence = data.draw(st.sampled_from(full))
    report = check(changed(story, "UPDATE audit SET payload = NULL WHERE sequence = ?", sequence))
    assert ("audit", sequence) in {(problem.table, problem.sequence) for problem in report.problems}


@given(column=st.sampled_from(["at", "kind", "payload", "facts", "hash", "person"]), data=st.data())
def test_whatever_stands_in_a_row_of_the_trail_it_is_named(
    story: Path, column: str, data: st.DataObject
) -> None:
    """Also what is no JSON, and no instant."""
    sequence = data.draw(st.integers(1, count(story, "audit")))
    odd = st.sampled_from(
        [2**62, -(2**62)] if column == "at" else ["", "{", "[[]]", "[[1]]", '[["runs"]]', "null", "{}"]
    )
    value = data.draw(odd)
    assume(rows(story, f"SELECT {column} FROM audit WHERE sequence = ?", sequence) != [(value,)])  # noqa: S608 - a name of our own
    copy = changed(story, f"UPDATE audit SET {column} = ? WHERE sequence = ?", value, sequence)  # noqa: S608 - a name of our own
    assert sequence in {problem.sequence for problem in check(copy).problems}


def test_a_null_in_the_place_of_a_payload_that_was_removed_is_named(story: Path) -> None:
    """JSON's null is a payload, and no row has it; what was removed is none."""
    sequence = rows(story, "SELECT sequence FROM audit WHERE payload IS NULL")[0][0]
    report = check(changed(story, "UPDATE audit SET payload = 'null' WHERE sequence = ?", sequence))
    assert sequence in {problem.sequence for problem in report.problems}


def test_a_payload_that_was_put_back_is_named(story: Path) -> None:
    sequence, run_id = rows(
        story, "SELECT sequence, run_id FROM audit WHERE payload IS NULL AND kind = 'run_started'"
    )[-1]
    report = check(
        changed(story, 'UPDATE audit SET payload = \'{"workflow":"flow"}\' WHERE sequence = ?', sequence)
    )
    assert run_id == "voted"
    assert "somebody put it back" in report.problems[0].reason


async def test_a_link_to_which_the_other_account_never_agreed_is_named(tmp_path: Path) -> None:
    """Codes have no seals; whoever writes into the file that somebody agreed to one is found by the link itself."""
    database = tmp_path / "sayso.db"
    async with SQLiteStore(database, clock=GatedClock()) as store:
        await store.begin_link("web:mallory", "code", store.clock.now() + timedelta(minutes=5))
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE link_codes SET presented_by = 'slack:T1:UBO', agreed = 1")
        connection.commit()
    async with SQLiteStore(database, clock=GatedClock()) as store:
        assert (await store.link("web:mallory", "code", is_sure=True)).step is LinkStep.LINKED
        problems = (await verify_audit(store.reader)).problems
    assert [problem.reason for problem in problems] == [
        "it links accounts, and no row says that the other one agreed"
    ]


# Databases from before.


@pytest.fixture(params=["CREATE TABLE renderings", "ADD COLUMN facts"], ids=["released", "latest"])
def older(story: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Of the first schema that had links, where names on the web were kept as they were typed, and of the last one
    without digests.
    """
    database = tmp_path / "older.db"
    shutil.copy(story, database)
    rewrite_as_before(database, request.param, respelled=request.param == "CREATE TABLE renderings")
    return database


async def opened(database: Path) -> AuditReport:
    async with SQLiteStore(database, clock=GatedClock()) as store:
        return await verify_audit(store.reader)


async def test_a_database_from_before_opens_and_verifies(older: Path) -> None:
    """What had ended is counted as compared in part; what is open, accounts and ways in are sealed as found."""
    trail = count(older, "audit")
    report = await opened(older)
    assert report.problems == ()
    assert report.sealed_since is not None
    assert report.sealed_since[0] == trail + 1
    assert report.before > 0
    again = await opened(older)
    assert (again.rows, again.before) == (report.rows, report.before), "sealed once"


async def test_a_name_that_was_spelled_otherwise_is_the_same_person(older: Path) -> None:
    """The trail keeps what was typed then; the tables have its one form since."""
    typed = {person for (person,) in rows(older, "SELECT person FROM audit WHERE run_id = 'on the web'")}
    report = await opened(older)
    stored = {
        person for (person,) in rows(older, "SELECT requested_by FROM runs WHERE run_id = 'on the web'")
    }
    assert (typed - {None} <= {"web:Ivy", "web:ivy"}, stored, report.problems) == (True, {"web:ivy"}, ())


async def test_a_database_from_before_goes_on_with_seals(older: Path) -> None:
    async with SQLiteStore(older, clock=GatedClock()) as store:
        request = next(one for one in await store.reader.pending() if one.run_id == "fresh")
        assert (await store.answer(a_vote(request.id))).accepted
        await store.cancel("fresh", BO, "console")
        await put(store, await begin(store, "new"))
    assert (await opened(older)).problems == ()


FORGED = [
    ("requests", "UPDATE requests SET answer = '\"no\"' WHERE answer = '\"yes\"'"),
    (
        "requests",
        "UPDATE requests SET question = replace(question, 'Go?', 'Stay?') WHERE status = 'ANSWERED'",
    ),
    ("requests", "UPDATE requests SET resolved_by = 'local:mallory' WHERE status = 'ANSWERED'"),
    ("requests", "UPDATE requests SET status = 'WITHDRAWN' WHERE status = 'EXPIRED'"),
    ("requests", "UPDATE requests SET policy = '[\"local:mallory\"]' WHERE status = 'ANSWERED'"),
    (
        "requests",
        "UPDATE requests SET policy = replace(policy, 'local:ana', 'local:eve') WHERE status = 'PENDING'",
    ),
    ("runs", "UPDATE runs SET status = 'COMPLETED' WHERE status = 'FAILED'"),
    ("events", "UPDATE events SET person = 'local:mallory' WHERE outcome = 'resolved'"),
    ("events", "UPDATE events SET value = '\"no\"' WHERE outcome = 'resolved' AND value = '\"yes\"'"),
    ("events", "DELETE FROM events WHERE outcome = 'resolved'"),
    ("votes", "DELETE FROM votes"),
    ("accounts", "UPDATE accounts SET person = 'person:mallory' WHERE account = 'telegram:7'"),
    (
        "credentials",
        (
            "INSERT INTO credentials (hash, kind, person, made_at, expires_at) "
            "VALUES ('forged', 'SESSION', 'web:ana', 1, 9999999999999999)"
        ),
    ),
    ("runs", "DELETE FROM runs WHERE run_id = 'answered'"),
    (
        "requests",
        """INSERT INTO requests (id, run_key, visit, name, node_id, attempt, question, digest, digest_version, policy,
                                 asked_at, status)
           SELECT 'forged', run_key, visit, 'forged', node_id, attempt, question, digest, digest_version, policy,
                  asked_at, 'PENDING' FROM requests WHERE status = 'ANSWERED' LIMIT 1""",
    ),
]


@pytest.mark.parametrize(("table", "forgery"), FORGED)
async def test_nothing_forged_hides_as_from_before(older: Path, table: str, forgery: str) -> None:
    await opened(older)
    with closing(sqlite3.connect(older)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(forgery)
        connection.commit()
    async with SQLiteReader(older) as reader:
        assert table in named(await verify_audit(reader))


async def test_a_row_that_claims_to_be_from_before_is_named(older: Path) -> None:
    """A row chained in the old way, without digests, behind rows that have them."""
    from sayso.engine.store import chain_hash

    await opened(older)
    ((sequence, last),) = rows(older, "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
    own = (sequence + 1, 1, "run_started", "forged", None, "local:mallory", None)
    with closing(sqlite3.connect(older)) as connection:
        connection.execute(
            "INSERT INTO audit (sequence, at, kind, run_id, request_id, person, via, payload, payload_digest, hash)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, '{}', ?, ?)",
            (*own, EMPTY, chain_hash(last, *own, EMPTY)),
        )
        connection.commit()
    async with SQLiteReader(older) as reader:
        reasons = [problem.reason for problem in (await verify_audit(reader)).problems]
    assert reasons == [
        "its position does not continue its chain",
        "it has no position, and rows before it have one",
        "it has no digests, and rows before it have them",
        "it is missing",
    ]


EMPTY = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
"""The digest of `{}`."""
