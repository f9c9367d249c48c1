"""Whom open requests concern: a person's list reads what is theirs, and passes over none of it."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from functools import cache
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sayso.engine import (
    Fact,
    OutcomeKind,
    Policy,
    SQLiteStore,
    Stage,
    Store,
    Vote,
    WorkflowStatus,
    evaluate,
    interests,
)
from sayso.engine.audit import verify_audit
from sayso.engine.store import GRACE, HandOver, VisitEnd
from sayso.engine.store._queries import load_migrations
from sayso.engine.store._rows import policy_text
from tests.engine.older_file import rewrite_as_before
from tests.engine.store.situation import GatedClock, a_vote, an_ask, begin, put, rows
from tests.engine.support import ANA, BO, START

MARKER = "CREATE TABLE concerned"
NOW = START

PEOPLE = ["person:ana", "slack:T1:U1", "telegram:7", "web:ana", "token:ci"]
ENTRIES = [*PEOPLE, "group:sre", "slack:#releases", "operator", "web", "console"]
entries = st.lists(st.sampled_from(ENTRIES), min_size=1, max_size=3, unique=True).map(tuple)
stages = st.builds(Stage, approvers=entries, veto=st.lists(st.sampled_from(ENTRIES), max_size=2))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Policies of every kind, as a request is bound to them."""
    if draw(st.booleans()):
        return Policy(draw(entries))
    found = draw(st.lists(stages, min_size=1, max_size=2))
    more = draw(st.lists(st.sampled_from(ENTRIES), max_size=2))
    return Policy(
        audience=tuple(dict.fromkeys(entry for stage in found for entry in (*stage.approvers, *stage.veto))),
        stages=found,
        escalate_after=timedelta(hours=1) if more else None,
        escalate_to=more,
        escalates_at=NOW + timedelta(hours=draw(st.sampled_from([-1, 1]))) if more else None,
        break_glass=draw(st.lists(st.sampled_from(PEOPLE), max_size=1)),
        excluded=tuple(draw(st.lists(st.sampled_from(PEOPLE), max_size=1))),
    )


votes = st.builds(
    Vote,
    person=st.sampled_from(PEOPLE),
    via=st.sampled_from(["slack", "telegram", "web", "inbox", "console", "api", "slack:#releases"]),
    value=st.none(),
    at=st.just(NOW),
    facts=st.lists(
        st.builds(
            Fact, st.sampled_from(["group:sre", "slack:#releases", "operator"]), st.booleans(), st.just(NOW)
        ),
        max_size=2,
    ).map(tuple),
    accounts=st.lists(st.sampled_from(PEOPLE), max_size=2).map(tuple),
)


@cache
def a_file() -> sqlite3.Connection:
    """A database with one open request, whose policy is changed again and again."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    for script in list(load_migrations("sqlite").values()):
        connection.executescript(script)
    connection.execute(
        "INSERT INTO definitions (definition_key, workflow, definition) VALUES (1, 'flow', '{}')"
    )
    connection.execute(
        "INSERT INTO runs (run_key, run_id, workflow, status, visit, node_id, created_at, updated_at)"
        " VALUES (1, 'run', 'flow', 'RUNNING', 1, 'ask', 0, 0)"
    )
    connection.execute(
        "INSERT INTO requests (request_key, id, run_key, visit, name, node_id, attempt, question, digest,"
        " digest_version, policy, asked_at, status)"
        " VALUES (1, 'a', 1, 1, 'go', 'ask', 1, '{}', '', 1, '[]', 0, 'PENDING')"
    )
    return connection


@given(policy=policies(), vote=votes)
def test_whoever_may_answer_finds_it_in_their_list(policy: Policy, vote: Vote) -> None:
    """A list that is read by entries leaves nothing out that the policy would let somebody answer."""
    connection = a_file()
    text = policy_text(policy.audience, policy if policy.stages else None)
    connection.execute("UPDATE requests SET policy = ?", (text,))
    found = set(connection.execute("SELECT role, entry FROM concerned"))
    alone = any(one in policy.break_glass for one in (vote.person, *vote.accounts))
    if vote.person not in evaluate(policy, [vote], NOW).refused or alone:
        assert found & {(role.value, entry) for role, entry in interests(vote)}


@given(policy=policies())
def test_nobody_is_in_the_list_whom_the_policy_does_not_name(policy: Policy) -> None:
    connection = a_file()
    text = policy_text(policy.audience, policy if policy.stages else None)
    connection.execute("UPDATE requests SET policy = ?", (text,))
    named = {*policy.audience, *policy.escalate_to, *policy.break_glass}
    named |= {entry for stage in policy.stages for entry in (*stage.approvers, *stage.veto)}
    assert {entry for (entry,) in connection.execute("SELECT entry FROM concerned")} == named


def listed(database: Path) -> list[tuple[str, str]]:
    """The names of open requests with the entries that they are listed by."""
    return [
        (str(name), str(entry))
        for name, entry in rows(
            database,
            "SELECT q.name, c.entry FROM concerned c JOIN requests q USING (request_key)"
            " ORDER BY q.request_key, c.role, c.entry",
        )
    ]


async def test_the_list_follows_every_change_of_a_question(store: Store, database: Path) -> None:
    place = await begin(store, requested_by=BO)
    first = await put(store, place, "first", park=False, to=("slack:#a", ANA))
    second = await put(store, place, "second", park=False, to=(ANA,))
    assert listed(database) == [("first", ANA), ("first", "slack:#a"), ("second", ANA)]
    changed = an_ask("second", prompt="Go now?", to=("web",), known_id=second)
    assert await store.ask(place, [changed], None) is not None
    assert listed(database) == [("first", ANA), ("first", "slack:#a"), ("second", "web")]
    wish = HandOver(first, 1, ANA, "console", "person:cho")
    assert (await store.hand_over(wish)).kind is OutcomeKind.DONE
    assert listed(database) == [("first", "person:cho"), ("first", "slack:#a"), ("second", "web")]
    assert (await store.answer(a_vote(first, person=BO, via="slack:#a"))).kind is OutcomeKind.RESOLVED
    assert listed(database) == [("second", "web")]
    assert await store.end_visit(place, VisitEnd(WorkflowStatus.COMPLETED, "{}", withdraw=True))
    assert listed(database) == []


async def test_what_expires_or_is_cancelled_leaves_the_list(
    store: Store, database: Path, clock: GatedClock
) -> None:
    await put(store, await begin(store), "late", expires_after=timedelta(hours=1), default='"no"')
    await put(store, await begin(store, "other"), "cancelled")
    assert len(listed(database)) == 2
    clock.advance(timedelta(hours=1) + 2 * GRACE)
    await store.act_due(None)
    assert listed(database) == [("cancelled", "operator")]
    await store.cancel("other", BO, "console")
    assert listed(database) == []


async def test_a_list_is_read_page_by_page_in_both_directions(store: Store) -> None:
    """Across pages, and by several entries that name the same request, each comes once and in order."""
    place = await begin(store)
    for number in range(70):
        to = (("operator",), (ANA, "operator"), (BO,), ("operator", "web"))[number % 4]
        await put(store, place, f"q{number:02}", park=False, to=to)
    whose = interests(Vote(ANA, "web", None, NOW))
    expected = [f"q{number:02}" for number in range(70) if number % 4 != 2]
    oldest = [(at, card.request.name) async for at, card in store.reader.concerning(whose)]
    newest = [(at, card.request.name) async for at, card in store.reader.concerning(whose, newest_first=True)]
    assert [name for _, name in oldest] == expected
    assert newest == oldest[::-1]
    start = oldest[30][0]
    rest = [card.request.name async for _, card in store.reader.concerning(whose, start=start)]
    assert rest == expected[31:]


async def test_a_database_from_before_lists_what_is_open(tmp_path: Path) -> None:
    """What was closed then is in no list; the trail stays whole."""
    database = tmp_path / "older.db"
    async with SQLiteStore(database, clock=GatedClock()) as store:
        place = await begin(store, requested_by=BO)
        await put(store, place, "open", park=False, to=("slack:#a", ANA))
        done = await put(store, place, "done", park=False)
        assert (await store.answer(a_vote(done))).accepted
    before = listed(database)
    rewrite_as_before(database, MARKER)
    async with SQLiteStore(database, clock=GatedClock()) as store:
        assert listed(database) == before == [("open", ANA), ("open", "slack:#a")]
        assert (await verify_audit(store.reader)).problems == ()


async def test_the_runs_of_somebody_are_found_behind_those_of_others(store: Store) -> None:
    """By all accounts, the newest first, by the beginning of their ids where that is wanted."""
    for number in range(60):
        await begin(store, f"{number:02}", requested_by=(ANA, BO, None)[number % 3])
    hers = [f"{number:02}" for number in range(60) if number % 3 == 0][::-1]
    assert [one.run_id for one in await store.reader.runs(requested_by=ANA)] == hers
    assert [one.run_id for one in await store.reader.runs(requested_by=ANA, limit=5)] == hers[:5]
    found = await store.reader.runs(requested_by=ANA, begins="3")
    assert [one.run_id for one in found] == ["39", "36", "33", "30"]
    assert await store.reader.runs(requested_by=ANA, status=WorkflowStatus.FAILED) == []


async def test_what_is_due_of_one_run_leaves_what_is_due_of_others(
    store: Store, clock: GatedClock, database: Path
) -> None:
    for run_id in ("first", "second"):
        await put(store, await begin(store, run_id), expires_after=timedelta(hours=1), default='"no"')
    clock.advance(timedelta(hours=1) + 2 * GRACE)
    await store.act_due("second")
    found = rows(database, "SELECT r.run_id, q.status FROM requests q JOIN runs r USING (run_key) ORDER BY 1")
    assert found == [("first", "PENDING"), ("second", "EXPIRED")]
