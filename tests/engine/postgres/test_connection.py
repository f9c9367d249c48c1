"""The connection to a server: who may write, what is told where it fails, and what a lost one loses."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sayso.engine import OutcomeKind, StoreInUse, StoreUnreadable, open_reader, open_store, verify_audit
from sayso.engine.store import AnswerAttempt
from tests.engine.store.situation import a_vote, begin, put
from tests.engine.support import ANA
from tests.postgres import Cluster

OTHER = """
import sys
from sayso.engine import StoreInUse, open_store
try:
    open_store(sys.argv[1]).open()
except StoreInUse as refused:
    print(refused)
"""
HOLDER = """
import asyncio, sys
from sayso.engine import open_store
from sayso.engine.store import NewRun

async def hold():
    async with open_store(sys.argv[1]) as store:
        key = await store.define("flow", "{}")
        await store.start(NewRun("held", "flow", key, "ask", "{}", None))
        print("open", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


def python(script: str, url: str) -> subprocess.Popen[str]:
    """A process that runs a script on a database."""
    return subprocess.Popen([sys.executable, "-c", script, url], stdout=subprocess.PIPE, text=True)


async def holder(url: str) -> subprocess.Popen[str]:
    """A process that writes a database, once it does."""
    process = python(HOLDER, url)
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline) == "open\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL, and wait for the end."""
    process.kill()
    process.communicate()


@pytest.fixture
def url(postgres: Cluster) -> Iterator[str]:
    with postgres.database() as made:
        yield made


async def test_handles_of_one_process_share_a_database_and_another_process_is_refused(url: str) -> None:
    async with open_store(url) as store, open_store(url) as other:
        place = await begin(store)
        assert (await other.answer(a_vote(await put(store, place)))).accepted
        said, _ = await asyncio.to_thread(python(OTHER, url).communicate)
        assert "is in use: another process writes it" in said


async def test_a_killed_process_leaves_the_database_to_the_next_one(url: str) -> None:
    kill(await holder(url))
    async with open_store(url) as store:
        rows = [row.kind async for row in store.reader.audit()]
    assert rows[:1] == ["run_started"]


async def test_what_a_cut_connection_did_not_commit_is_refused_and_the_next_call_has_a_new_one(
    postgres: Cluster, url: str
) -> None:
    async with open_store(url) as store:
        request_id = await put(store, await begin(store))
        assert await store.reader.pending()
        postgres.cut(url)
        attempt = AnswerAttempt(request_id, 1, "yes", ANA, "console", event_key="press-1")
        with pytest.raises(StoreUnreadable):
            await store.answer(attempt)
        assert (await store.answer(attempt)).kind is OutcomeKind.RESOLVED
        again = await store.answer(attempt)
        assert (again.kind, again.repeated) == (OutcomeKind.RESOLVED, True)
        assert await store.reader.pending() == []
        assert (await verify_audit(store.reader)).problems == ()


async def test_whoever_lost_the_connection_to_another_process_writes_nothing_more(
    postgres: Cluster, url: str
) -> None:
    async with open_store(url) as store:
        request_id = await put(store, await begin(store))
        postgres.cut(url)
        with pytest.raises(StoreUnreadable):
            await store.answer(a_vote(request_id))
        other = await holder(url)
        with pytest.raises(StoreInUse):
            await store.answer(a_vote(request_id))
        kill(other)
        assert (await store.answer(a_vote(request_id))).accepted
        assert (await verify_audit(store.reader)).problems == ()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("postgresql://ana:secret@127.0.0.1:1/sayso", "the server cannot be reached"),
        (
            "postgresql://ana:secret@127.0.0.1:1/sayso?nonsense=1",
            "this is not a URL of a PostgreSQL database",
        ),
        ("mysql://ana:secret@127.0.0.1/sayso", "only sqlite:///path and postgresql:// are supported"),
    ],
)
async def test_a_location_that_is_none_is_named_without_its_password(given: str, says: str) -> None:
    with pytest.raises(StoreUnreadable) as refused:
        open_store(given).open()
    assert says in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_a_database_of_somebody_else_and_an_empty_one_are_told_apart(postgres: Cluster) -> None:
    with postgres.database(is_empty=True) as url:
        assert not open_store(url).is_there()
        async with open_reader(url) as reader:
            with pytest.raises(StoreUnreadable, match="there is no sayso database there yet"):
                await reader.runs()
        async with open_store(url) as store:
            await begin(store)
        assert open_store(url).is_there()
    with postgres.database(is_empty=True) as url:
        postgres.run("CREATE TABLE orders (id int)", url)
        with pytest.raises(StoreUnreadable, match="not one of sayso's"):
            open_store(url).open()


async def test_a_text_with_nul_is_kept_readable(url: str) -> None:
    async with open_store(url) as store:
        request_id = await put(store, await begin(store))
        attempt = AnswerAttempt(request_id, 1, "yes", ANA, "console", comment="a\0b")
        assert (await store.answer(attempt)).accepted
        decided = await store.reader.card(request_id)
        assert decided is not None
        assert (await verify_audit(store.reader)).problems == ()
