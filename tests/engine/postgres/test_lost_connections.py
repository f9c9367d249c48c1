"""Connections that are lost, silent or held up: whoever waits is told within seconds, and what is stored is heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest

from sayso.engine import (
    OutcomeKind,
    Runtime,
    Store,
    StoreFull,
    StoreUncertain,
    StoreUnreadable,
    Workflow,
    WorkflowStatus,
    node,
    open_store,
    request_input,
    verify_audit,
)
from sayso.engine.store import AnswerAttempt
from sayso.engine.store.postgres._connection import connect
from tests.engine.postgres.wire import Wire
from tests.engine.store.situation import a_vote, begin, put
from tests.engine.support import ANA
from tests.postgres import Cluster


@pytest.fixture
def url(postgres: Cluster) -> Iterator[str]:
    with postgres.database() as made:
        yield made


@pytest.fixture
def wire(url: str) -> Iterator[Wire]:
    wire = Wire(url)
    with wire.passing():
        yield wire


@pytest.fixture
async def store(wire: Wire) -> AsyncIterator[Store]:
    async with open_store(f"{wire.url}?connect_timeout=2") as opened:
        yield opened


@node(id="ask")
async def ask(shared: dict[str, object]) -> None:
    """Asks one question."""
    shared["answer"] = await request_input("Go?", request_id="go")


async def asked_by(runtime: Runtime) -> str:
    """The request of a run that has just been started."""
    await runtime.start("flow", run_id="run")
    state = await runtime.wait("run")
    assert state.awaiting_input is not None
    return str(state.awaiting_input["id"])


async def test_a_commit_whose_reply_was_lost_is_acknowledged_and_its_run_goes_on(
    wire: Wire, store: Store
) -> None:
    async with Runtime(store, [Workflow("flow", ask)]) as runtime:
        asked = await asked_by(runtime)
        wire.cut_at = b"COMMIT"
        outcome = await runtime.answer(asked, 1, "yes", person=ANA, via="console")
        assert wire.cut_at is None
        assert (outcome.kind, outcome.repeated) == (OutcomeKind.RESOLVED, False)
        assert (await runtime.wait("run")).workflow_status is WorkflowStatus.COMPLETED
    assert (await verify_audit(store.reader)).problems == ()


async def test_a_commit_that_did_not_reach_the_server_is_refused(wire: Wire, store: Store) -> None:
    request_id = await put(store, await begin(store))
    wire.cut_before = b"COMMIT"
    with pytest.raises(StoreUnreadable, match="the connection was lost"):
        await store.answer(a_vote(request_id))
    assert [request.id for request in await store.reader.pending()] == [request_id]


async def test_while_nobody_can_know_callers_are_told_so_and_runs_hear_once_it_is_known(
    wire: Wire, store: Store
) -> None:
    async with Runtime(store, [Workflow("flow", ask)]) as runtime:
        asked = await asked_by(runtime)
        attempt = AnswerAttempt(asked, 1, "yes", ANA, "console", event_key="press")
        wire.cut_at, wire.is_silent_after_cut = b"COMMIT", True
        with pytest.raises(StoreUncertain, match="perhaps recorded"):
            await store.answer(attempt)
        wire.come_back()
        again = await store.answer(attempt)
        assert (again.kind, again.repeated) == (OutcomeKind.RESOLVED, True)
        assert (await runtime.wait("run")).workflow_status is WorkflowStatus.COMPLETED


async def test_the_servers_end_of_a_lost_connection_does_not_keep_its_successor_out(
    wire: Wire, store: Store
) -> None:
    request_id = await put(store, await begin(store))
    wire.leave_half()
    with pytest.raises(StoreUnreadable):
        await store.answer(a_vote(request_id))
    assert (await store.answer(a_vote(request_id))).accepted


async def test_a_connection_on_which_nothing_comes_is_given_up(wire: Wire) -> None:
    with closing(connect(wire.url)) as connection:
        connection.allow(timedelta(milliseconds=100))
        wire.go_silent()
        with pytest.raises(psycopg.OperationalError, match="the server said nothing for 3 seconds"):
            connection.execute("SELECT 1")
        assert connection.is_lost


async def test_a_server_that_takes_connections_and_says_nothing_is_given_up(wire: Wire, store: Store) -> None:
    await begin(store)
    wire.go_silent()
    wire.leave_half(is_silent=True)
    reads = [store.reader.pending() for _ in range(20)]
    async with asyncio.timeout(6):  # as long as one attempt to connect takes, and not twenty
        told = await asyncio.gather(*reads, return_exceptions=True)
    assert {type(one) for one in told} == {StoreUnreadable}
    assert "the server cannot be reached" in str(told[0])


async def test_a_lock_that_somebody_else_keeps_fails_a_commit_within_seconds(url: str, store: Store) -> None:
    request_id = await put(store, await begin(store))
    with psycopg.connect(url) as other:
        other.execute("SELECT 1 FROM runs FOR UPDATE")
        with pytest.raises(StoreUnreadable, match="lock timeout"):
            await store.answer(a_vote(request_id))
    assert (await store.answer(a_vote(request_id))).accepted


async def test_a_full_server_is_told_as_a_full_disk_is(postgres: Cluster, url: str, store: Store) -> None:
    request_id = await put(store, await begin(store))
    postgres.run(
        """
        CREATE FUNCTION be_full() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
        CREATE TRIGGER full_disk BEFORE INSERT ON events EXECUTE FUNCTION be_full()
        """,
        url,
    )
    try:
        with pytest.raises(StoreFull, match="Nothing was changed"):
            await store.answer(a_vote(request_id))
    finally:
        postgres.run("DROP FUNCTION be_full CASCADE", url)
    assert (await store.answer(a_vote(request_id))).accepted


async def test_a_server_that_takes_no_changes_is_not_kept_as_the_writers(postgres: Cluster, url: str) -> None:
    name = url.rpartition("/")[2]
    postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        with pytest.raises(StoreUnreadable, match="it is a standby, or set to read-only"):
            open_store(url).open()
    finally:
        postgres.run(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    async with open_store(url) as store:
        await begin(store)
