"""What other processes do to a store, for tests that need real ones: `python -m tests.engine.store.other_process`.

Each speaks one JSON value a line on standard output.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import resource
import signal
import sqlite3
import sys
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

from sayso.engine import SQLiteReader, SQLiteStore, Store, StoreError, restore_backup
from tests.engine.store.situation import a_run, a_vote, begin, put
from tests.engine.support import ANA

NOBODY = 65534


def tell(value: object) -> None:
    """Say something to the test."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


async def hold(path: Path) -> None:
    """Write a question, then keep the store open until killed or until standard input ends; a line answers it."""
    store = SQLiteStore(path)
    request_id = await put(store, await begin(store, "theirs"))
    tell(request_id)
    while await asyncio.to_thread(sys.stdin.readline):
        tell((await store.answer(a_vote(request_id))).kind)
    await store.close()


async def read(path: Path) -> None:
    """Have the file open as another program has it, until standard input ends."""
    with closing(sqlite3.connect(path)) as connection:
        tell(connection.execute("SELECT count(*) FROM runs").fetchone())
        await asyncio.to_thread(sys.stdin.read)


async def restore(path: Path, backup: str) -> None:
    """Restore a backup, a line of standard input each time: in a child that is killed right before its first call that
    opens or changes a file beside the database, then before its second, until one comes to its end.
    """
    _restore_in_children(path, Path(backup))


def _restore_in_children(path: Path, backup: Path) -> None:
    for point in itertools.count(1):
        child = os.fork()
        if child == 0:
            _kill_at(path.name, point)
            restore_backup(path, backup, ANA, "console")
            os._exit(0)
        tell(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        sys.stdin.readline()


def _kill_at(name: str, point: int) -> None:
    calls = itertools.count(1)

    def count_calls(event: str, given: tuple[Any, ...]) -> None:
        if event in _TOUCHES and name in str(given[0]) and next(calls) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count_calls)


_TOUCHES = {"open", "os.chown", "os.link", "os.remove", "os.rename", "sqlite3.connect"}


async def forget(path: Path) -> None:
    """Write without ever closing, or even awaiting, as a script does."""
    store = SQLiteStore(path)
    runs = [await a_run(store, str(number)) for number in range(300)]
    started = [store.start(run) for run in runs]
    await store.reader.runs()
    tell(f"{len(started)} not waited for")


async def fork(path: Path) -> None:
    """Try to write from a forked child with the parent's open store, then write in the parent."""
    store = SQLiteStore(path)
    place = await begin(store, "parent's")
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(_write_as_child(store))
        finally:
            os._exit(0)
    await asyncio.to_thread(os.waitpid, child, 0)
    request_id = await put(store, place)
    tell((await store.answer(a_vote(request_id))).kind)
    await store.close()


async def fork_and_hold(path: Path) -> None:
    """Have a forked child live on beside the open store, until killed."""
    store = SQLiteStore(path)
    await begin(store, "parent's")
    child = os.fork()
    if child == 0:
        tell(os.getpid())
    signal.pause()


async def read_and_write(path: Path) -> None:
    """Read first, then write with everything that opens the file; once told to, write more, and wait to be killed."""
    async with SQLiteReader(path) as early, SQLiteReader(path) as late:
        await early.runs()
        store, other = SQLiteStore(path), SQLiteStore(path)
        await begin(store, "ours")
        await begin(other, "others")
        await late.runs()
        await late.at_once(lambda session: session.row("pending_count"))
        await store.reader.backup(path.with_name("copy.db"))
        await early.close()
        await other.close()
        tell("open")
        await asyncio.to_thread(sys.stdin.readline)
        tell([(await begin(store, f"later {number}")).run_id for number in range(5)])
        await asyncio.to_thread(sys.stdin.read)


async def _write_as_child(store: Store) -> None:
    try:
        async with asyncio.timeout(5):
            await begin(store, "child's")
        tell("written")
    except (StoreError, TimeoutError) as error:
        tell(f"{type(error).__name__} {error}")


async def read_only(path: Path) -> None:
    """Try to write where this user may not: root may everywhere, so root becomes nobody first."""
    if os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    await _try_to_open(path)


async def open_it(path: Path) -> None:
    """Try to open the store."""
    await _try_to_open(path)


async def _try_to_open(path: Path) -> None:
    try:
        async with SQLiteStore(path):
            tell("opened")
    except StoreError as error:
        tell([type(error).__name__, str(error), getattr(error, "process_id", None)])


async def fill_the_disk(path: Path) -> None:
    """Fill the "disk" in the middle of a batch: from some size on, the kernel refuses to let a file of ours grow."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = SQLiteStore(path)
    await begin(store, "before")
    shared = json.dumps({"text": "x" * 1000})
    runs = [await a_run(store, str(number), shared=shared) for number in range(200)]
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = max(file.stat().st_size for file in path.parent.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40_000, hard))
    results = await asyncio.gather(*(store.start(run) for run in runs), return_exceptions=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    stored = [await store.load(str(n)) is not None for n in range(200)]
    tell([[type(result).__name__, found] for result, found in zip(results, stored, strict=True)])
    await begin(store, "after")
    tell(await store.load("after") is not None)
    await store.close()


_ALL = (
    hold,
    read,
    restore,
    forget,
    fork,
    fork_and_hold,
    read_and_write,
    read_only,
    open_it,
    fill_the_disk,
)
PARTS: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {part.__name__: part for part in _ALL}

if __name__ == "__main__":
    asyncio.run(PARTS[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:]))
