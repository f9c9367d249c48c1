"""The audit trail: what tampering `verify` finds, what only a kept head shows, and what is counted, not appended. The
chains of runs and their anchors are tried in `test_chains`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from sayso.engine import OutcomeKind, SQLiteReader, SQLiteStore, Store, WorkflowStatus, verify_audit
from sayso.engine._clock import to_microseconds
from sayso.engine._values import digest, encode_sorted
from sayso.engine.audit import AuditReport
from sayso.engine.store import NO_HASH, VisitEnd, chain_hash
from tests.engine.store.situation import GatedClock, a_vote, back_up, begin, count, put, rows
from tests.engine.support import ANA, BO, START


async def verified(database: Path, head: str | None = None) -> AuditReport:
    async with SQLiteReader(database) as reader:
        return await verify_audit(reader, head)


@pytest.fixture
async def trail(database: Path) -> Path:
    """A closed store with a trail of nine rows, of three runs that were started, asked and answered, and an anchor."""
    async with SQLiteStore(database) as store:
        for run_id in ("one", "two", "three"):
            await store.answer(a_vote(await put(store, await begin(store, run_id))))
    assert count(database, "audit") == 10
    return database


def tamper(database: Path, script: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(script)


async def write_anew(database: Path, person: str) -> None:
    """Chain all rows again, as somebody else's, with the anchors."""
    async with SQLiteReader(database) as reader:
        trail_rows = [row async for row in reader.audit()]
    ends: dict[str | None, tuple[int | None, str]] = {}
    since: set[str] = set()
    with closing(sqlite3.connect(database)) as connection:
        for row in trail_rows:
            said = row.payload
            if row.kind == "anchored":
                said = {"ends": [[run_id, *ends[run_id]] for run_id in sorted(since)]}
                since.clear()
            elif row.run_id is not None:
                since.add(row.run_id)
            text = encode_sorted(said).decode()
            own = (
                row.sequence,
                to_microseconds(row.at),
                row.kind,
                row.run_id,
                row.request_id,
                person,
                row.via,
            )
            _, previous = ends.get(row.run_id, (None, NO_HASH))
            chained = chain_hash(previous, *own, digest(text), row.facts)
            ends[row.run_id] = row.position, chained
            connection.execute(
                "UPDATE audit SET person = ?, payload = ?, payload_digest = ?, hash = ? WHERE sequence = ?",
                (person, text, digest(text), chained, row.sequence),
            )
        connection.commit()


async def test_an_untouched_trail_verifies(trail: Path) -> None:
    report = await verified(trail)
    assert (report.rows, report.redacted, report.problems) == (10, 0, ())
    assert (report.anchors, report.since_anchor) == (1, 0)
    assert report.head == "{}:{}".format(
        *rows(trail, "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")[0]
    )
    assert (await verified(trail, report.head)).problems == ()


async def test_an_empty_trail_verifies(database: Path) -> None:
    async with SQLiteStore(database):
        pass
    report = await verified(database)
    assert report == AuditReport(0, 0, f"0:{NO_HASH}", 0, 0, 0, (), {}, 0, None)
    async with SQLiteStore(database) as store:
        await begin(store)
    assert (await verified(database, report.head)).problems == ()


@pytest.mark.parametrize(
    "change",
    [
        "at = at + 1",
        "kind = 'answer_refused'",
        "run_id = 'four'",
        "request_id = 'other'",
        "person = 'local:mallory'",
        "via = 'code'",
        "payload_digest = 'x'",
        "hash = 'x'",
        "payload = replace(payload, 'yes', 'no')",
        "payload = '{}'",
    ],
)
async def test_a_changed_row_is_found(trail: Path, change: str) -> None:
    tamper(trail, f"UPDATE audit SET {change} WHERE sequence = 6")  # noqa: S608 - a text of our own
    report = await verified(trail)
    assert 6 in {problem.sequence for problem in report.problems}


@pytest.mark.parametrize("removed", [1, 5, 8])
async def test_a_removed_row_is_found(trail: Path, removed: int) -> None:
    tamper(trail, f"DELETE FROM audit WHERE sequence = {removed}")  # noqa: S608 - a number of our own
    reasons = [problem.reason for problem in (await verified(trail)).problems]
    assert any(f"rows {removed} to {removed} are missing" in reason for reason in reasons)


async def test_rows_that_were_moved_up_to_hide_a_removal_are_found(trail: Path) -> None:
    tamper(
        trail,
        "DELETE FROM audit WHERE sequence = 5; UPDATE audit SET sequence = sequence - 1 WHERE sequence > 5",
    )
    assert {problem.sequence for problem in (await verified(trail)).problems} == {5, 6, 7, 8, 9}


async def test_an_inserted_row_is_found(trail: Path) -> None:
    tamper(
        trail,
        "UPDATE audit SET sequence = sequence + 100 WHERE sequence > 5;"
        "UPDATE audit SET sequence = sequence - 99 WHERE sequence > 100;"
        "INSERT INTO audit SELECT 6, at, kind, run_id, request_id, 'local:mallory', via, payload, payload_digest, hash,"
        " facts, position FROM audit WHERE sequence = 5;",
    )
    assert 6 in {problem.sequence for problem in (await verified(trail)).problems}


async def test_truncation_shows_in_what_it_no_longer_tells_of(trail: Path) -> None:
    tamper(trail, "DELETE FROM audit WHERE sequence > 6")
    (problem,) = (await verified(trail)).problems
    assert (problem.table, problem.name) == ("runs", "three")
    assert problem.reason == "no row of the trail says that it was started"


async def test_truncation_together_with_the_tables_shows_only_against_a_kept_head(trail: Path) -> None:
    head = (await verified(trail)).head
    tamper(
        trail,
        "PRAGMA foreign_keys = ON; DELETE FROM audit WHERE sequence > 6; DELETE FROM runs WHERE run_id = 'three'",
    )
    assert (await verified(trail)).problems == ()
    problems = (await verified(trail, head)).problems
    assert [problem.sequence for problem in problems] == [10]
    assert "cut off" in problems[0].reason


async def test_a_chain_written_anew_shows_only_against_a_kept_head(trail: Path) -> None:
    head = (await verified(trail)).head
    await write_anew(trail, "local:mallory")
    assert (await verified(trail)).problems == ()
    problems = (await verified(trail, head)).problems
    assert [problem.reason for problem in problems] == [
        "its hash differs from the head given: the trail was rewritten"
    ]


async def test_a_head_of_yesterday_still_holds_today(trail: Path) -> None:
    head = (await verified(trail)).head
    async with SQLiteStore(trail) as store:
        await begin(store, "four")
    report = await verified(trail, head)
    assert (report.rows, report.problems) == (12, ())


@pytest.mark.parametrize("head", ["", "9", "nine:" + NO_HASH, "9:abc"])
async def test_what_is_no_head_is_refused(trail: Path, head: str) -> None:
    with pytest.raises(ValueError, match="is not a head"):
        await verified(trail, head)


async def test_a_redacted_trail_verifies_and_says_how_much_is_gone(trail: Path) -> None:
    head = (await verified(trail)).head
    async with SQLiteStore(trail) as store:
        assert await store.redact("two", BO, "console") == 3
    report = await verified(trail, head)
    assert (report.rows, report.redacted, report.problems) == (12, 3, ())


async def test_a_change_beside_a_redacted_payload_is_still_found(trail: Path) -> None:
    async with SQLiteStore(trail) as store:
        await store.redact("two", BO, "console")
    tamper(trail, "UPDATE audit SET person = 'local:mallory' WHERE sequence = 6")
    assert 6 in {problem.sequence for problem in (await verified(trail)).problems}


async def test_the_chain_goes_on_where_it_ended(trail: Path) -> None:
    async with SQLiteStore(trail) as store:
        await store.cancel("one", ANA, "console")
    report = await verified(trail)
    assert (report.rows, report.problems) == (12, ())


async def test_repeated_refusals_are_counted_not_appended(store: Store, database: Path) -> None:
    """Somebody who presses a button a hundred times must not fill the trail, and must not go unseen."""
    request_id = await put(store, await begin(store))
    for person, value in ((ANA, "maybe"), (BO, "perhaps")):
        for _ in range(50):
            assert (await store.answer(a_vote(request_id, value, person))).kind is OutcomeKind.INVALID
    await store.answer(a_vote(request_id, "yes", BO, revision=7))
    refused = rows(database, "SELECT person FROM audit WHERE kind = 'answer_refused' ORDER BY sequence")
    assert refused == [(ANA,), (BO,), (BO,)]
    counted = rows(database, "SELECT person, outcome, count FROM refusals ORDER BY 1, 2")
    assert counted == [(ANA, "invalid", 50), (BO, "invalid", 50), (BO, "superseded", 1)]
    assert (await verified(database)).problems == ()


async def test_a_run_s_trail_can_be_read_alone(trail: Path) -> None:
    async with SQLiteReader(trail) as reader:
        kinds = [row.kind async for row in reader.audit("two")]
    assert kinds == ["run_started", "requested", "answer_accepted"]


async def test_a_long_trail_is_read_page_by_page(store: Store) -> None:
    await asyncio.gather(*(begin(store, str(number)) for number in range(2100)))
    report = await verify_audit(store.reader)
    assert (report.rows - report.anchors, report.problems) == (2100, ())
    assert (report.anchors >= 1, report.since_anchor < 1000) == (True, True)


# While others write.


async def test_a_backup_taken_while_writing_is_a_whole_store(
    store: Store, database: Path, tmp_path: Path
) -> None:
    """Whatever was acknowledged before it began is in it, and its trail verifies."""
    copy = tmp_path / "copy.db"
    for number in range(50):
        await begin(store, f"before {number}")
    written = [begin(store, f"during {number}") for number in range(200)]
    await asyncio.gather(back_up(database, copy), *written)
    async with SQLiteReader(copy) as reader:
        runs = {run.run_id for run in await reader.runs(limit=1000)}
        report = await verify_audit(reader)
    assert {f"before {number}" for number in range(50)} <= runs
    assert report.problems == ()
    assert report.rows == len(runs)


async def test_a_check_while_others_write_sees_one_instant(store: Store) -> None:
    """No row of the trail is compared with a table that went on meanwhile."""
    places = [await begin(store, f"run {number}") for number in range(30)]
    asked = [await put(store, place) for place in places]
    checks = [verify_audit(store.reader) for _ in range(3)]
    answers = [store.answer(a_vote(request_id)) for request_id in asked]
    reports, _ = await asyncio.gather(asyncio.gather(*checks), asyncio.gather(*answers))
    assert [report.problems for report in reports] == [(), (), ()]
    assert (await verify_audit(store.reader)).checked["events"] == len(asked)


async def test_a_backup_never_overwrites(store: Store, database: Path, tmp_path: Path) -> None:
    from sayso.engine import StoreUnreadable

    target = tmp_path / "copy.db"
    target.write_text("precious")
    with pytest.raises(StoreUnreadable, match="never overwrites"):
        await back_up(database, target)
    assert target.read_text() == "precious"


async def test_a_backup_opens_as_a_store(store: Store, database: Path, tmp_path: Path) -> None:
    request_id = await put(store, await begin(store))
    copy = tmp_path / "copy.db"
    await back_up(database, copy)
    async with SQLiteStore(copy) as other:
        assert (await other.answer(a_vote(request_id))).accepted
    assert (await store.answer(a_vote(request_id))).accepted


async def test_pruning_while_writing_deletes_only_what_is_old(
    store: Store, clock: GatedClock, database: Path
) -> None:
    for number in range(40):
        place = await begin(store, f"old {number}")
        await store.end_visit(place, VisitEnd(WorkflowStatus.COMPLETED, "{}"))
    clock.advance(timedelta(days=1))
    before = START + timedelta(hours=1)
    places = [begin(store, f"new {number}") for number in range(100)]
    pruned, *_ = await asyncio.gather(store.prune(before, ANA, "console"), *places)
    assert pruned == 40
    assert count(database, "runs") == 100
    assert (await verified(database)).problems == ()
