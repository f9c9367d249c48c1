"""Where a process can be killed: before and after every write call of a store, and before and after every effect.

Points are counted as they are reached; the process kills itself with SIGKILL at the one it was told.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, cast

from sayso.engine import SQLiteStore, Store

WRITES = frozenset(
    name
    for name, call in inspect.getmembers(SQLiteStore, inspect.isfunction)
    if "_submit" in call.__code__.co_names
)
"""The calls that change what is stored: those that hand the writer a transaction."""


class Log:
    """What happened, one fsynced line a time, in a file that outlives every kill."""

    def __init__(self, path: Path, process: int) -> None:
        self._path = path
        self._process = process

    def write(self, what: str, **fields: Any) -> None:
        """Append a line; when this returns, it is on disk."""
        line = json.dumps({"process": self._process, "what": what, **fields}) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def lines(self, what: str) -> list[dict[str, Any]]:
        """The lines of one kind, of all processes so far."""
        return [line for line in read_log(self._path) if line["what"] == what]


def read_log(path: Path) -> list[dict[str, Any]]:
    """Every line of a log."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


class KillPoints:
    """Counts the points that are reached and kills the process at the `kill_at`th; 0 is never. Or at the first one of
    the name `kill_on`.

    With `only_after`, the points that follow a committed write are the only ones that count.
    """

    def __init__(self, log: Log, kill_at: int, *, kill_on: str = "", only_after: bool = False) -> None:
        self.log = log
        self.names: list[str] = []
        self._kill_at = kill_at
        self._kill_on = kill_on
        self._only_after = only_after
        self._lock = threading.Lock()

    def reach(self, name: str) -> None:
        """A point; the process may end here."""
        with self._lock:
            if self._only_after and not name.endswith(" after"):
                return
            self.names.append(name)
            if len(self.names) == self._kill_at or name == self._kill_on:
                self.log.write("kill", point=name)
                os.kill(os.getpid(), signal.SIGKILL)

    def effect(self, name: str) -> None:
        """Do something in the outside world that cannot be taken back: a line in the log."""
        self.reach(f"effect {name} before")
        self.log.write("effect", name=name)
        self.reach(f"effect {name} after")


class CrashingStore:
    """A store with a kill point before each write call is handed on and one after its result is committed."""

    def __init__(self, store: Store, points: KillPoints) -> None:
        self._store = store
        self._points = points

    async def __aenter__(self) -> Self:
        self._store.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._store.close()

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._store, name)
        return self._watched(name, attribute) if name in WRITES else attribute

    def _watched(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            self._points.reach(f"{name} before")
            result = call(*arguments, **named)
            if inspect.iscoroutine(result):
                result = asyncio.ensure_future(result)
            result.add_done_callback(self._done(name))
            return result

        return watched

    def _done(self, name: str) -> Callable[[asyncio.Future[Any]], None]:
        def done(result: asyncio.Future[Any]) -> None:
            if not result.cancelled() and result.exception() is None:
                self._points.reach(f"{name} after")

        return done


def crashing(store: Store, points: KillPoints) -> SQLiteStore:
    """The store with kill points, as the engine's constructors take it: it has everything that a store has."""
    return cast("SQLiteStore", CrashingStore(store, points))
