"""The shortest ways into the situations that the store's tests are about."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sayso.engine import Directory, Question, SQLiteReader, Store
from sayso.engine._questions import question_digest
from sayso.engine.store import AnswerAttempt, Ask, NewRun, Park, Place
from tests.engine.support import ANA, ManualClock

PATIENCE = 20.0


class GatedClock(ManualClock):
    """A manual clock at which the writer can be held: it reads the time once, at the beginning of every commit."""

    def __init__(self) -> None:
        super().__init__()
        self.commits = 0
        self._gate = threading.Event()
        self._gate.set()
        self._reached = threading.Event()

    def now(self) -> datetime:
        """The present instant, once the gate is open."""
        self.commits += 1
        self._reached.set()
        assert self._gate.wait(PATIENCE)
        return super().now()

    @asynccontextmanager
    async def held(self, store: Store) -> AsyncGenerator[None]:
        """Whatever is queued inside shares one commit: the writer stands still before the commit ahead of it."""
        self._reached.clear()
        self._gate.clear()
        ahead = store.define("ahead", "{}")
        try:
            assert await asyncio.to_thread(self._reached.wait, PATIENCE)
            yield
        finally:
            self._gate.set()
        await ahead


async def back_up(database: Path, target: Path) -> None:
    """Copy a file's database as it is at one instant."""
    async with SQLiteReader(database) as reader:
        await reader.backup(target)


async def a_run(
    store: Store,
    run_id: str = "run",
    *,
    workflow: str = "flow",
    node_id: str = "ask",
    shared: str = "{}",
    requested_by: str | None = None,
) -> NewRun:
    """A run that can be started."""
    definition_key = await store.define(workflow, "{}")
    return NewRun(run_id, workflow, definition_key, node_id, shared, requested_by)


async def begin(store: Store, run_id: str = "run", **more: Any) -> Place:
    """A run at its first visit."""
    return await store.start(await a_run(store, run_id, **more))


def question(prompt: str = "Go?") -> str:
    """The text of a choice between yes and no."""
    return Question(prompt, ["yes", "no"], "select", None, None).text()


def an_ask(
    name: str = "go",
    *,
    prompt: str = "Go?",
    to: tuple[str, ...] = ("operator",),
    expires_after: timedelta | None = None,
    default: str | None = None,
    known_id: str | None = None,
    requested_by: str | None = None,
) -> Ask:
    """A question to be stored; `known_id` says that its name is recorded, under another text."""
    text = question(prompt)
    return Ask(
        id=known_id or secrets.token_hex(16),
        name=name,
        attempt=0,
        text=text,
        digest=question_digest(text),
        audience=to,
        requested_by=requested_by,
        note=None,
        expires_after=expires_after,
        default=default,
        known=known_id is not None,
        places=Directory().places_of(to),
    )


async def put(store: Store, place: Place, name: str = "go", *, park: bool = True, **terms: Any) -> str:
    """An open question of a parked run; its id."""
    asked = await store.ask(place, [an_ask(name, **terms)], Park(None, 0) if park else None)
    assert asked is not None
    assert asked.parked is park
    assert asked.records[0] is not None
    return asked.records[0].id


def a_vote(
    request_id: str,
    value: Any = "yes",
    person: str = ANA,
    *,
    revision: int = 1,
    via: str = "console",
    **more: Any,
) -> AnswerAttempt:
    """Somebody's answer, at the terminal unless said otherwise."""
    return AnswerAttempt(request_id, revision, value, person, via, **more)


def rows(database: Path, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """What stands in the file, read by a connection that has nothing to do with the store."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(statement, parameters).fetchall()


def count(database: Path, table: str) -> int:
    """How many rows a table has."""
    return int(rows(database, f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 - a name of our own


async def is_stored(store: Store, run_id: str) -> bool:
    """Whether a run is stored."""
    return await store.load(run_id) is not None
