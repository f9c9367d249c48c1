"""Who hears of what is committed: known to every thread, whoever changes it meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sayso.engine import Store, WorkflowStatus
from sayso.engine.store import Change, Hub, Listener
from sayso.engine.store._transaction import Transaction
from tests.engine.store.situation import begin, put

THREADS = 4
TIMES = 2000


class Driver:
    """Drives as long as the test wants."""

    alive = True


@pytest.fixture
def hasty() -> Generator[None]:
    """Threads take turns between any two steps."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(work: Callable[[int], None]) -> None:
    """Have threads do something at the same time."""
    together = threading.Barrier(THREADS)

    def begin(thread: int) -> None:
        together.wait()
        for _ in range(TIMES):
            work(thread)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(begin, range(THREADS)))


@pytest.mark.usefixtures("hasty")
async def test_no_listener_is_lost_and_none_comes_back_whoever_comes_and_goes_beside_it() -> None:
    """A feed that nobody tells of news stands still; one that is told after its end is told for ever."""
    hub, loop, changes = Hub(), asyncio.get_running_loop(), [Change("run", "flow", WorkflowStatus.RUNNING)]
    cards = [hub.listen_cards(loop, print) for _ in range(40)]
    audit = [hub.listen_audit(loop, print) for _ in range(40)]
    of_run = [Listener(loop, changes.append) for _ in range(40)]
    for listener in of_run:
        hub.listen(listener, run_id="run")

    def come_and_go(thread: int) -> None:
        del thread
        guest = Listener(loop, changes.append)
        hub.listen(guest, run_id="run")
        hub.ignore_cards(hub.listen_cards(loop, print))
        hub.ignore_audit(hub.listen_audit(loop, print))
        hub.ignore(guest, run_id="run")

    await asyncio.to_thread(at_once, come_and_go)
    assert list(hub.card_listeners) == cards
    assert list(hub.audit_listeners) == audit
    assert list(hub.listeners(changes[0])) == of_run


@pytest.mark.usefixtures("hasty")
async def test_drivers_come_and_go_on_any_thread() -> None:
    hub = Hub()

    def come_and_go(thread: int) -> None:
        driver = Driver()
        hub.drive(driver, run_id=f"run {id(driver)}")
        hub.drive(driver, workflows=[f"flow {thread}"])
        assert hub.driver_of("another", f"flow {thread}") is driver
        hub.drop(driver)

    await asyncio.to_thread(at_once, come_and_go)
    assert (hub.run_drivers, hub.workflow_drivers) == ({}, {})


@pytest.mark.sqlite
async def test_whoever_begins_to_listen_during_a_commit_hears_of_it(store: Store) -> None:
    """What they read before it was committed did not have it."""
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    waits: list[str] = []

    def note(statement: str) -> None:
        if waits and statement == "COMMIT":
            waits.clear()
            store.hub.listen_audit(loop, heard.set)

    def trace(tx: Transaction) -> None:
        assert isinstance(tx.connection, sqlite3.Connection)
        tx.connection.set_trace_callback(note)

    place = await begin(store)
    await store._submit(trace)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    waits.append("for the next commit")
    await put(store, place)
    async with asyncio.timeout(10):
        await heard.wait()
