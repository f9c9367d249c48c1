"""One process writes a file at a time; what the others get, and what a process leaves behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import OutcomeKind, SQLiteReader, SQLiteStore, Store, StoreInUse, verify_audit
from tests.engine.store.situation import PATIENCE, a_run, a_vote, begin, count, is_stored, rows

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
CLOSE_IN_CHILD = """
import asyncio, os, signal, sys
from sayso.engine import open_store
from tests.engine.store.situation import begin

async def use(run_id):
    await begin(store, run_id)
    await store.reader.runs()

store = open_store(sys.argv[1])
asyncio.run(use("before"))
child = os.fork()
if child == 0:
    signal.alarm(10)
    asyncio.run(store.close())
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
asyncio.run(use("after"))
asyncio.run(store.close())
"""


def start(part: str, database: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.engine.store.other_process", part, str(database), *more],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def running(part: str, database: Path, *more: str) -> Generator[subprocess.Popen[str]]:
    with start(part, database, *more) as process:
        try:
            yield process
        finally:
            process.kill()


def heard(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def said(part: str, database: Path) -> list[Any]:
    """Everything that a process says until it ends by itself, which it must do well."""
    with running(part, database) as process:
        output, _ = process.communicate(timeout=40)
        assert process.returncode == 0
    return [json.loads(line) for line in output.splitlines()]


async def test_a_second_process_learns_who_writes_the_file(database: Path) -> None:
    with running("hold", database) as process:
        heard(process)
        with pytest.raises(StoreInUse) as refused:
            SQLiteStore(database).open()
        assert refused.value.process_id == process.pid
        assert f"process {process.pid} writes it" in str(refused.value)


async def test_this_process_keeps_others_out(store: Store, database: Path) -> None:
    kind, text, process_id = said("open_it", database)[0]
    assert (kind, process_id) == ("StoreInUse", os.getpid())
    assert "reading (`sayso runs`, `sayso requests`) is possible meanwhile" in text


async def test_reading_is_possible_while_another_process_writes(database: Path) -> None:
    with running("hold", database) as process:
        request_id = heard(process)
        async with SQLiteReader(database) as reader:
            assert [record.id for record in await reader.pending()] == [request_id]
            assert (await verify_audit(reader)).problems == ()


async def test_kill_9_frees_the_file_and_loses_nothing_acknowledged(database: Path) -> None:
    with running("hold", database) as process:
        request_id = heard(process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        async with SQLiteStore(database) as store:
            assert (await store.answer(a_vote(request_id))).kind is OutcomeKind.RESOLVED


async def test_a_process_that_closes_lets_the_next_one_in(database: Path) -> None:
    with running("hold", database) as process:
        heard(process)
        process.communicate(timeout=20)
        assert process.returncode == 0
        async with SQLiteStore(database) as store:
            assert await is_stored(store, "theirs")


def test_a_script_that_closes_nothing_ends_by_itself_with_everything_committed(database: Path) -> None:
    assert said("forget", database) == ["300 not waited for"]
    assert count(database, "runs") == 300


def test_a_forked_child_cannot_write_with_its_parents_store(database: Path) -> None:
    """Two writers on one connection would corrupt the file; the child is told who has it instead."""
    child, parent = said("fork", database)
    assert child.startswith("StoreInUse")
    assert parent == OutcomeKind.RESOLVED
    assert count(database, "runs") == 1


def test_a_forked_child_can_close_its_parents_store_and_the_parent_keeps_it(location: str) -> None:
    """Whatever the store opened lets a process exit, and a child has none of its parent's threads."""
    ended = subprocess.run([sys.executable, "-c", CLOSE_IN_CHILD, location], cwd=ROOT, check=True, timeout=40)
    assert ended.returncode == 0


def test_a_directory_that_cannot_be_written_is_named() -> None:
    """Outside tmp_path, whose parents only their owner may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        kind, text, _ = said("read_only", folder / "sayso.db")[0]
        assert kind == "StoreUnreadable"
        assert str(folder / "sayso.db") in text
        assert "cannot be opened" in text


def test_a_full_disk_in_the_middle_of_a_batch_loses_whole_batches_and_says_so(database: Path) -> None:
    """Acknowledged is stored and refused is not, to the last transaction; with space again, the store works."""
    results, works_again = said("fill_the_disk", database)
    kinds = {kind for kind, _ in results}
    assert kinds - {"Place"} == {"StoreUnreadable"}
    assert all(found == (kind == "Place") for kind, found in results)
    assert works_again is True


async def test_begin_is_refused_before_the_file_is_touched(database: Path) -> None:
    with running("hold", database) as process:
        heard(process)
        with pytest.raises(StoreInUse):
            await begin(SQLiteStore(database), "mine")
    assert count(database, "runs") == 1


async def test_a_close_that_is_cancelled_lets_the_next_one_in(database: Path) -> None:
    store = SQLiteStore(database)
    await begin(store)
    await store.reader.runs()
    closing_it = asyncio.create_task(store.close())
    asyncio.get_running_loop().call_soon(closing_it.cancel)
    with pytest.raises(asyncio.CancelledError):
        await closing_it
    assert said("open_it", database) == ["opened"]


async def test_what_another_program_closes_takes_nothing_that_was_acknowledged(database: Path) -> None:
    """It takes itself for the last one where this process has lost its locks, and deletes the write-ahead log."""
    async with SQLiteStore(database) as store:
        await begin(store, "before")
    with running("read_and_write", database) as process:
        assert heard(process) == "open"
        with closing(sqlite3.connect(database)) as program:
            assert program.execute("SELECT count(*) FROM runs").fetchone() == (3,)
        assert process.stdin is not None
        process.stdin.write("go on\n")
        process.stdin.flush()
        acknowledged = heard(process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(acknowledged) == 5
    async with SQLiteStore(database) as store:
        assert [run_id for run_id in acknowledged if not await is_stored(store, run_id)] == []


async def test_what_this_process_does_to_the_lock_file_lets_nobody_in(store: Store, database: Path) -> None:
    """A record lock would be gone with the first file of that name that is closed anywhere in the process."""
    await begin(store)
    assert database.with_name(f"{database.name}.lock").read_text() == str(os.getpid())
    assert said("open_it", database)[0][0] == "StoreInUse"


async def test_a_forked_child_that_lives_on_does_not_keep_the_file(database: Path) -> None:
    with running("fork_and_hold", database) as process:
        child = heard(process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        try:
            async with SQLiteStore(database) as store:
                assert await is_stored(store, "parent's")
        finally:
            os.kill(child, signal.SIGKILL)


async def test_whoever_opens_a_file_that_is_being_closed_waits_until_it_is(database: Path) -> None:
    """Two writers at once would chain the trail twice, and the first to close would give up the lock of both."""

    def open_and_write(begun: threading.Event, name: str) -> None:
        async def write() -> None:
            async with SQLiteStore(database) as store:
                await begin(store, name)

        assert begun.wait(PATIENCE)
        asyncio.run(write())

    for turn in range(5):
        store, is_closing = SQLiteStore(database), threading.Event()
        runs = [await a_run(store, f"{turn}/{number}") for number in range(300)]
        loop = asyncio.get_running_loop()
        opened = loop.run_in_executor(None, open_and_write, is_closing, f"{turn}/next")
        queued = [store.start(run) for run in runs]
        is_closing.set()
        await store.close()
        await asyncio.gather(opened, *queued)
    assert count(database, "runs") == 5 * 301
    appended = count(database, "audit")
    assert rows(database, "SELECT max(sequence), sum(kind <> 'anchored') FROM audit") == [(appended, 5 * 301)]
