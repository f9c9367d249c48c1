"""The databases that this process writes: each once, with what all handles on it share.

It is the only state that a module of the engine keeps.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from abc import abstractmethod
from collections.abc import Callable
from typing import TypeVar

from sayso.engine._clock import Clock
from sayso.engine.store._opened import Opened
from sayso.engine.store._transaction import Transaction, TransactionFunction
from sayso.engine.store._writer import Writer

T = TypeVar("T")

_EXIT_TIMEOUT = 10.0


class OpenDatabase(Opened):
    """A database that this process writes, by one thread on the connection that `connect` makes. Raises what that
    raises. `name` says in errors which it is.
    """

    def __init__(self, name: str, clock: Clock, connect: Callable[[], Transaction]) -> None:
        super().__init__(clock)
        self.name = name
        self.users = 0
        self.of_parent = False
        self._writer = Writer(name, connect, clock, self.hub)
        self._writer.start()

    def submit(self, function: TransactionFunction[T], *, reads: bool = False) -> asyncio.Future[T]:
        """Queue a transaction of its one writer."""
        return self._writer.submit(function, reads=reads)

    def close(self, timeout: float | None = None) -> None:
        """Commit what is queued and let go of it."""
        self._writer.stop(timeout)

    @abstractmethod
    def forget(self) -> None:
        """In a forked child: close what it inherited; the parent keeps it."""

    def leave_to_parent(self) -> None:
        """In a forked child: neither the parent's lock nor its writer thread came along."""
        self.of_parent = True
        self.forget()


D = TypeVar("D", bound=OpenDatabase)

_open_databases: dict[str, OpenDatabase] = {}
"""By name; one that is being closed stands here until it is closed."""

_registry = threading.Condition()


def _close_all() -> None:
    for database in list(_open_databases.values()):
        database.close(_EXIT_TIMEOUT)
    _open_databases.clear()


atexit.register(_close_all)


def _forget_parents() -> None:
    for database in _open_databases.values():
        database.leave_to_parent()
    _open_databases.clear()
    _registry.release()


# Nobody forks while another thread is in the registry: the child would find its lock taken for ever.
os.register_at_fork(
    before=_registry.acquire, after_in_parent=_registry.release, after_in_child=_forget_parents
)


def share(name: str, kind: type[D], make: Callable[[], D]) -> D:
    """The database of a name, made by the first handle on it. Raises `StoreInUse`, `StoreUnreadable` and its like.

    While the last handle of before still closes it, this waits: of two writers at once, one would lose.
    """
    with _registry:
        while (database := _open_databases.get(name)) is not None and database.users == 0:
            _registry.wait()
        if database is None:
            database = _open_databases[name] = make()
        assert isinstance(database, kind)  # its name says which it is
        database.users += 1
        return database


def leave(database: OpenDatabase) -> None:
    """One handle fewer; the last one commits what is queued and closes the database."""
    with _registry:
        database.users -= 1
        if database.users > 0 or _open_databases.get(database.name) is not database:
            return
    try:
        database.close()
    finally:
        with _registry:
            if _open_databases.get(database.name) is database:  # else a child, forked meanwhile
                del _open_databases[database.name]
            _registry.notify_all()
