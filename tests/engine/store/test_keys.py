"""What is deleted leaves its number to nothing else: who still knows it changes nothing under it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from sayso.engine import (
    Notice,
    NoticeKind,
    Policy,
    Runtime,
    SQLiteStore,
    Stage,
    Store,
    Workflow,
    WorkflowStatus,
    node,
    request_input,
    verify_audit,
)
from sayso.engine.store import VisitEnd
from tests.engine.older_file import rewrite_as_before
from tests.engine.store.situation import an_ask, begin, put
from tests.engine.support import ANA, ManualClock

HOUR = timedelta(hours=1)
CHANNEL = "slack:#sre"


@node
async def ask(shared: dict[str, Any]) -> None:
    policy = Policy(stages=[Stage([CHANNEL])], remind_every=HOUR)
    shared["said"] = await request_input("Release?", ["approve", "reject"], "select", "go", policy=policy)


async def next_notice(store: Store) -> Notice:
    found = await store.reader.notice(CHANNEL, store.clock.now())
    assert isinstance(found, Notice)
    return found


async def test_a_reminder_that_was_sent_late_ends_no_later_one(store: Store, clock: ManualClock) -> None:
    """While it is on its way, the next one takes its place."""
    async with Runtime(store, [Workflow("ask", ask)]) as runtime:
        await runtime.wait(await runtime.start("ask"))
        clock.advance(HOUR)
        await store.act_due(None)
        on_its_way = await next_notice(store)
        clock.advance(2 * HOUR)
        await store.act_due(None)
        await store.end_notice(on_its_way)
        later = await next_notice(store)
        assert (later.kind, later.at) == (NoticeKind.REMINDER, clock.now())
        await store.fail_notice(on_its_way, clock.now() + HOUR)
        assert (await next_notice(store)).attempts == 0


async def test_a_node_of_a_run_that_was_deleted_does_nothing_to_a_later_run(
    store: Store, clock: ManualClock
) -> None:
    """Its thread may go on for as long as it likes."""
    place = await begin(store, "first")
    await store.cancel("first", ANA, "console")
    clock.advance(HOUR)
    assert await store.prune(clock.now(), ANA, "console") == 1
    later = await begin(store, "later")
    assert later.run_key != place.run_key
    await put(store, later)
    before = await store.load("later")
    assert await store.ask(place, [an_ask("other")], None) is None
    assert not await store.end_visit(place, VisitEnd(WorkflowStatus.COMPLETED, "{}"))
    assert await store.load("later") == before


async def test_what_an_earlier_sayso_left_is_sent_and_its_numbers_are_not_given_again(
    database: Path, clock: ManualClock
) -> None:
    async with SQLiteStore(database, clock=clock) as store, Runtime(store, [Workflow("ask", ask)]) as runtime:
        await runtime.wait(await runtime.start("ask", run_id="asking"))
        clock.advance(HOUR)
        await store.act_due(None)
        left = await next_notice(store)
    rewrite_as_before(database, "AUTOINCREMENT")
    async with SQLiteStore(database, clock=clock) as store:
        assert await next_notice(store) == left
        await store.end_notice(left)
        clock.advance(2 * HOUR)
        await store.act_due(None)
        assert (await next_notice(store)).notice_key > left.notice_key
        assert (await begin(store, "later")).run_key == 2
        assert (await verify_audit(store.reader)).problems == ()
