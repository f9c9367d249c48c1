"""A chain for each run and one of the store's own, with anchors: what somebody does to the trail by hand is found, and
no run's rows depend on another's.
"""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from sayso.engine import (
    AuditReport,
    CredentialKind,
    Store,
    WorkflowStatus,
    open_reader,
    open_store,
    verify_audit,
)
from sayso.engine._records import AuditRow
from sayso.engine.store import NO_HASH, VisitEnd
from sayso.engine.store._anchors import ANCHORED_EVERY, MOST_UNDER_NONE
from tests.engine.older_file import rewrite_as_before
from tests.engine.older_postgres import rewrite_as_one_chain
from tests.engine.store.situation import GatedClock, a_vote, begin, put
from tests.engine.store.story import told
from tests.engine.support import ANA, START, ManualClock
from tests.postgres import Cluster

COMPLETED = VisitEnd(WorkflowStatus.COMPLETED, "{}")

KILLED = """
import asyncio, os, signal, sys
from sayso.engine import open_store
from sayso.engine.store import _writer
from tests.engine.store.situation import begin, put

def die():
    os.kill(os.getpid(), signal.SIGKILL)

async def work():
    async with open_store(sys.argv[1]) as store:
        await put(store, await begin(store, "killed"))
        real = _writer.anchor
        def anchor(tx):
            real(tx)
            if sys.argv[2] == "after":
                tx.commit()
            die()
        if sys.argv[2] == "without":
            die()
        _writer.anchor = anchor

asyncio.run(work())
"""


def by_hand(location: str, *statements: str) -> None:
    """Write into a database, whatever it is."""
    if location.startswith("postgresql:"):
        with psycopg.connect(location) as other:
            for statement in statements:
                other.execute(statement.encode())
        return
    with closing(sqlite3.connect(location)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


async def verified(location: str, head: str | None = None) -> AuditReport:
    async with open_reader(location) as reader:
        return await verify_audit(reader, head)


async def trail(location: str) -> list[AuditRow]:
    async with open_reader(location) as reader:
        return [row async for row in reader.audit()]


def reasons(report: AuditReport) -> str:
    return "; ".join(problem.reason for problem in report.problems)


async def three_runs(store: Store) -> None:
    """Runs that were started, asked and answered in turns, so that their rows alternate."""
    places = [await begin(store, name) for name in ("one", "two", "three")]
    asked = [await put(store, place) for place in places]
    for request_id in asked:
        assert (await store.answer(a_vote(request_id))).accepted


@pytest.fixture
async def anchored(location: str) -> str:
    """A closed store with three runs under an anchor, and a fourth under another."""
    async with open_store(location, clock=ManualClock()) as store:
        await store.admit(CredentialKind.LINK, "link", ANA, START + timedelta(minutes=5))
        await three_runs(store)
    async with open_store(location, clock=ManualClock()) as store:
        await begin(store, "four")
    return location


async def test_each_run_has_a_chain_of_its_own_that_no_other_run_is_in(anchored: str) -> None:
    rows = await trail(anchored)
    assert [(row.run_id, row.position) for row in rows] == [
        (None, 1),
        *((name, position) for position in (1, 2, 3) for name in ("one", "two", "three")),
        (None, 2),
        ("four", 1),
        (None, 3),
    ]
    report = await verified(anchored)
    assert (report.problems, report.rows, report.anchors, report.since_anchor) == ((), 13, 2, 0)
    assert report.head == f"{rows[-1].sequence}:{rows[-1].hash}"


async def test_an_anchor_holds_the_ends_of_the_chains_that_grew(anchored: str) -> None:
    rows = await trail(anchored)
    first, second = (row.payload for row in rows if row.kind == "anchored")
    ends = {row.run_id: [row.run_id, row.position, row.hash] for row in rows}
    assert first == {"ends": [ends["one"], ends["three"], ends["two"]]}
    assert second == {"ends": [ends["four"]]}


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE audit SET person = 'local:mallory' WHERE run_id = 'two' AND position = 3",
        "UPDATE audit SET payload_digest = 'x' WHERE run_id = 'two' AND position = 2",
        "UPDATE audit SET hash = 'x' WHERE run_id = 'two' AND position = 1",
        "UPDATE audit SET position = 4 WHERE run_id = 'two' AND position = 3",
        "UPDATE audit SET position = NULL WHERE run_id = 'two' AND position = 3",
        "UPDATE audit SET position = 7 WHERE run_id IS NULL AND position = 1",
        "UPDATE audit SET run_id = 'five' WHERE run_id = 'two'",
        "UPDATE audit SET run_id = 'one', position = 4 WHERE run_id = 'two' AND position = 3",
        "UPDATE audit SET run_id = 'four', position = 2 WHERE run_id = 'two' AND position = 3",
        "UPDATE audit SET run_id = NULL, position = 4 WHERE run_id = 'two' AND position = 3",
        "UPDATE audit SET run_id = 'two', position = 4 WHERE run_id IS NULL AND position = 1",
        "UPDATE audit SET sequence = 99 WHERE run_id = 'two' AND position = 3",
        "DELETE FROM audit WHERE run_id = 'two' AND position = 1",
        "DELETE FROM audit WHERE run_id = 'two' AND position = 2",
        "DELETE FROM audit WHERE run_id = 'two' AND position = 3",
        "DELETE FROM audit WHERE run_id = 'two'",
        "DELETE FROM audit WHERE run_id IS NULL AND position = 1",
        "DELETE FROM audit WHERE kind = 'anchored' AND position = 2",
        "UPDATE audit SET payload = NULL WHERE kind = 'anchored' AND position = 2",
        "UPDATE audit SET payload = '{}' WHERE kind = 'anchored' AND position = 2",
        "UPDATE audit SET payload = replace(payload, 'two', 'too') WHERE kind = 'anchored' AND position = 2",
        "UPDATE audit SET kind = 'admitted' WHERE kind = 'anchored' AND position = 2",
        "UPDATE audit SET kind = 'anchored' WHERE run_id IS NULL AND position = 1",
        """INSERT INTO audit SELECT 99, at, kind, 'forged', request_id, person, via, payload, payload_digest, hash,
                                    facts, position FROM audit WHERE run_id = 'one' AND position = 1""",
    ],
)  # fmt: skip
async def test_whatever_somebody_does_to_a_chain_is_found(anchored: str, forgery: str) -> None:
    by_hand(anchored, forgery)
    assert (await verified(anchored)).found > 0


async def test_two_rows_that_changed_places_are_found(anchored: str) -> None:
    numbers = {(row.run_id, row.position): row.sequence for row in await trail(anchored)}
    one, two = numbers["one", 2], numbers["two", 2]
    by_hand(
        anchored,
        f"UPDATE audit SET sequence = -1 WHERE sequence = {one}",  # noqa: S608 - numbers of our own
        f"UPDATE audit SET sequence = {one} WHERE sequence = {two}",  # noqa: S608
        f"UPDATE audit SET sequence = {two} WHERE sequence = -1",  # noqa: S608
    )
    assert {one, two} <= {problem.sequence for problem in (await verified(anchored)).problems}


@pytest.mark.parametrize("removed", ["run_id = 'two'", "run_id = 'two' AND position > 1"])
async def test_what_an_anchor_holds_cannot_vanish_together_with_all_it_tells_of(
    anchored: str, removed: str
) -> None:
    """The chain itself is whole without its end, and the tables are as it says."""
    by_hand(anchored, f"DELETE FROM audit WHERE {removed}")  # noqa: S608 - a text of our own
    if "position" in removed:
        by_hand(
            anchored, "DELETE FROM requests WHERE run_key = (SELECT run_key FROM runs WHERE run_id = 'two')"
        )
    else:
        by_hand(anchored, "DELETE FROM runs WHERE run_id = 'two'")
    report = await verified(anchored)
    assert "the trail of run two is not as it was when this anchor was written" in reasons(report)
    assert "the trail of run one" not in reasons(report)


async def test_before_an_anchor_holds_it_the_end_of_a_chain_shows_only_by_its_number(
    store: Store, location: str
) -> None:
    """SQLite numbers rows without gaps. PostgreSQL leaves out the numbers of what was undone, so there it does not."""
    await begin(store, "gone")
    await begin(store, "there")
    by_hand(location, "DELETE FROM audit WHERE run_id = 'gone'", "DELETE FROM runs WHERE run_id = 'gone'")
    report = await verified(location)
    assert (report.anchors, report.since_anchor) == (0, 1)
    is_postgres = location.startswith("postgresql:")
    assert reasons(report) == ("" if is_postgres else "rows 1 to 1 are missing")


async def test_the_last_anchor_is_missed_only_against_a_head_that_was_noted(anchored: str) -> None:
    head = (await verified(anchored)).head
    by_hand(
        anchored,
        "DELETE FROM audit WHERE run_id = 'four' OR (kind = 'anchored' AND position = 3)",
        "DELETE FROM runs WHERE run_id = 'four'",
    )
    report = await verified(anchored)
    assert (report.problems, report.anchors) == ((), 1)
    assert "cut off" in reasons(await verified(anchored, head))


async def test_any_row_that_was_noted_is_a_head(anchored: str) -> None:
    rows = await trail(anchored)
    for row in rows:
        assert (await verified(anchored, f"{row.sequence}:{row.hash}")).problems == ()
    assert "rewritten" in reasons(await verified(anchored, f"{rows[4].sequence}:{rows[5].hash}"))
    by_hand(anchored, "DELETE FROM audit WHERE run_id = 'three' AND position = 1")
    gone = next(row for row in rows if (row.run_id, row.position) == ("three", 1))
    assert "it is missing, and is the head given" in reasons(
        await verified(anchored, f"{gone.sequence}:{gone.hash}")
    )


# When anchors are written.


async def test_an_anchor_is_due_a_minute_after_the_first_row_that_is_under_none(
    store: Store, clock: ManualClock, location: str
) -> None:
    await begin(store, "first")
    clock.advance(ANCHORED_EVERY - timedelta(seconds=1))
    await begin(store, "second")
    assert (await verified(location)).anchors == 0
    clock.advance(timedelta(seconds=1))
    await store.next_due(None)  # whatever comes, an anchor is written behind it
    await store.next_due(None)
    report = await verified(location)
    assert (report.anchors, report.since_anchor, report.problems) == (1, 0, ())


async def test_an_anchor_is_due_after_so_many_rows(store: Store, location: str) -> None:
    await asyncio.gather(*(begin(store, str(number)) for number in range(MOST_UNDER_NONE)))
    await store.next_due(None)
    report = await verified(location)
    assert (report.anchors, report.problems) == (1, ())


async def test_nothing_is_anchored_where_no_run_went_on(location: str) -> None:
    for _ in range(2):
        async with open_store(location, clock=ManualClock()) as store:
            await store.admit(CredentialKind.LINK, "link", ANA, START + timedelta(minutes=5))
            await store.next_due(None)
    report = await verified(location)
    assert (report.rows, report.anchors, report.problems) == (2, 0, ())


@pytest.mark.parametrize("dies", ["without", "before", "after"])
async def test_what_a_killed_process_left_is_anchored_by_the_next(location: str, dies: str) -> None:
    """It was killed before it anchored anything, right before it committed an anchor, or right after."""
    killed = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", KILLED, location, dies], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    is_anchored = dies == "after"
    report = await verified(location)
    assert (report.anchors, report.since_anchor) == ((1, 0) if is_anchored else (0, 2))
    assert report.problems == ()
    async with open_store(location) as store:
        await store.next_due(None)
    report = await verified(location)
    assert (report.anchors, report.since_anchor, report.problems) == (1, 0, ())


async def test_an_anchor_that_fails_is_written_later(location: str, caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    async with open_store(location, clock=clock) as store:
        await begin(store, "first")
        by_hand(location, "ALTER TABLE audit RENAME COLUMN kind TO sort")
        clock.advance(ANCHORED_EVERY)
        await store.next_due(None)
        await store.next_due(None)
        assert "the audit trail could not be anchored" in caplog.text
        by_hand(location, "ALTER TABLE audit RENAME COLUMN sort TO kind")
    report = await verified(location)
    assert (report.anchors, report.since_anchor, report.problems) == (1, 0, ())


# Runs that were deleted.


async def test_a_deleted_run_is_explained_by_its_chain_which_a_run_of_its_name_goes_on_with(
    location: str,
) -> None:
    clock = GatedClock()
    async with open_store(location, clock=clock) as store:
        for name in ("one", "two"):
            await store.end_visit(await begin(store, name), COMPLETED)
        clock.advance(timedelta(days=1))
        assert await store.prune(START + timedelta(hours=1), ANA, "console") == 2
        await begin(store, "one")
    assert (await verified(location)).problems == ()
    ones = [(row.kind, row.position) for row in await trail(location) if row.run_id == "one"]
    assert ones == [("run_started", 1), ("run_ended", 2), ("run_pruned", 3), ("run_started", 4)]
    by_hand(location, "DELETE FROM audit WHERE kind = 'run_pruned' AND run_id = 'two'")
    report = await verified(location)
    assert "the trail of run two is not as it was when this anchor was written" in reasons(report)
    assert "two" in {problem.name for problem in report.problems if problem.table == "runs"}


# Databases from before.


@pytest.fixture
async def one_chain(location: str) -> str:
    """All that the trail tells of, as one chain, as an earlier version kept it."""
    await told(location)
    if location.startswith("postgresql:"):
        rewrite_as_one_chain(location)
    else:
        rewrite_as_before(Path(location), "ADD COLUMN position")
    return location


def all_before(location: str) -> list[tuple[Any, ...]]:
    """The trail as it stands in a database of before, which no reader opens."""
    statement = "SELECT sequence, hash, run_id FROM audit ORDER BY sequence"
    if location.startswith("postgresql:"):
        with psycopg.connect(location) as other:
            return other.execute(statement.encode()).fetchall()
    with closing(sqlite3.connect(location)) as connection:
        return connection.execute(statement).fetchall()


async def test_a_trail_of_one_chain_goes_on_and_verifies(one_chain: str) -> None:
    before = all_before(one_chain)
    async with open_store(one_chain, clock=GatedClock()) as store:
        request = next(one for one in await store.reader.pending() if one.run_id == "fresh")
        assert (await store.answer(a_vote(request.id))).accepted
    rows = await trail(one_chain)
    assert [(row.sequence, row.hash, row.run_id) for row in rows[: len(before)]] == before
    begun, answered, anchor = rows[len(before) :]
    assert (begun.kind, begun.run_id, begun.position) == ("chains_begun", None, len(before) + 1)
    assert (answered.run_id, answered.position) == ("fresh", 1)
    assert (anchor.kind, anchor.position) == ("anchored", len(before) + 2)
    report = await verified(one_chain)
    assert (report.problems, report.before, report.anchors) == ((), 0, 1)
    sequence, hashed, _ = before[-1]
    assert (await verified(one_chain, f"{sequence}:{hashed}")).problems == ()
    assert (await verified(one_chain, f"{before[3][0]}:{before[3][1]}")).problems == ()
    assert "rewritten" in reasons(await verified(one_chain, f"{sequence}:{NO_HASH}"))


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE audit SET person = 'local:mallory' WHERE sequence = 9",
        "UPDATE audit SET run_id = 'fresh' WHERE sequence = 9",
        "UPDATE audit SET position = 1 WHERE sequence = 9",
        "DELETE FROM audit WHERE sequence = 9",
        "DELETE FROM audit WHERE sequence = (SELECT max(sequence) FROM audit WHERE position IS NULL)",
        """DELETE FROM audit
           WHERE position IS NULL AND sequence > (SELECT max(sequence) - 3 FROM audit WHERE position IS NULL)""",
        "DELETE FROM audit WHERE position IS NULL",
        "DELETE FROM audit WHERE kind = 'chains_begun'",
    ],
)  # fmt: skip
async def test_rows_of_one_chain_are_still_held_by_it(one_chain: str, forgery: str) -> None:
    """Also those at its end, by the first row behind it."""
    async with open_store(one_chain, clock=GatedClock()) as store:
        await begin(store, "new")
    by_hand(one_chain, forgery)
    assert "in its chain was changed, inserted or removed" in reasons(await verified(one_chain))


# Only PostgreSQL.


@pytest.fixture
def url(postgres: Cluster) -> Iterator[str]:
    with postgres.database() as made:
        yield made


A_ROW = """INSERT INTO audit (sequence, at, kind, run_id, payload_digest, hash, facts, position)
           SELECT nextval(pg_get_serial_sequence('audit', 'sequence')), at, kind, run_id, payload_digest, 'other',
                  facts, position + {later} FROM audit WHERE run_id = 'one'"""


async def test_a_run_waits_for_no_other_s_transaction(url: str) -> None:
    """Somebody else's that has appended to another run's chain and is still open."""
    async with open_store(url) as store:
        await begin(store, "one")
        with psycopg.connect(url) as other:
            other.execute(A_ROW.format(later=1).encode())
            request_id = await put(store, await begin(store, "two"))
            assert (await store.answer(a_vote(request_id))).accepted
            other.rollback()
        report = await verify_audit(store.reader)
    assert (report.problems, report.rows) == ((), 4)
    assert [row.sequence for row in await trail(url)] == [1, 3, 4, 5, 6]


async def test_a_chain_cannot_be_continued_twice_at_one_place(url: str) -> None:
    async with open_store(url) as store:
        await begin(store, "one")
    with pytest.raises(errors.UniqueViolation):
        by_hand(url, A_ROW.format(later=0))
