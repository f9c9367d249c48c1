"""The writer: one thread that owns the only write connection and commits what has queued up together.

Transactions are plain functions, handed in from any event loop. One that raises is undone alone; results are delivered
only after the commit, on the loops that asked. A function may be called twice: see `_work_off`.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from sayso.engine._clock import Clock
from sayso.engine.errors import StoreClosed, StoreError, StoreFull, StoreUnreadable
from sayso.engine.store._hub import Change, CommitListener, Hub, Listener
from sayso.engine.store._transaction import Transaction, TransactionFunction
from sayso.engine.store._upgrading import begin_evidence
from sayso.engine.store.sqlite._connection import OpenedFiles
from sayso.engine.store.sqlite._transaction import SQLiteTransaction

logger = logging.getLogger("sayso.engine.store")

T = TypeVar("T")

LARGEST_BATCH = 256

_UNDOES_ALL = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_READONLY,
    }
)
"""Primary result codes after which the whole batch is rolled back: sqlite.org/lang_transaction.html, "Response To
Errors Within A Transaction"."""


class _Job:
    """A transaction function and where its result goes; one that only reads leaves nothing to undo."""

    __slots__ = ("function", "future", "loop", "reads")

    def __init__(self, function: Callable[[Transaction], Any], *, reads: bool) -> None:
        self.function = function
        self.reads = reads
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()


class _Delivery:
    """What one transaction came to: its result or error, and what the hub's listeners hear of it."""

    __slots__ = ("changes", "error", "future", "result")

    def __init__(
        self, future: asyncio.Future[Any], result: Any, error: Exception | None, changes: list[Change]
    ) -> None:
        self.future = future
        self.result = result
        self.error = error
        self.changes = changes


_News: TypeAlias = "_Delivery | tuple[Listener, Change] | CommitListener"
"""What one hop to a loop brings."""


class Writer:
    """The thread that writes. `connect` makes the connection, on that thread; a failure is raised by `start`.

    `files`, known once it has started, are what it writes into. Nothing is committed while its path names others.
    """

    files: OpenedFiles

    def __init__(self, path: str, connect: Callable[[], sqlite3.Connection], clock: Clock, hub: Hub) -> None:
        self._path = path
        self._connect = connect
        self._clock = clock
        self._hub = hub
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._closing = threading.Lock()  # nothing is queued behind the end
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=f"sayso writer {path}", daemon=True)

    def start(self) -> None:
        """Open the connection; blocks until it is open, which takes milliseconds, or raises why it is not."""
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            raise self._failure

    def submit(self, function: TransactionFunction[T], *, reads: bool = False) -> asyncio.Future[T]:
        """Queue a transaction; the future of the running loop gets its result once it is committed.

        Cancelling the future does not take the transaction back. `reads` promises that it changes nothing.
        """
        job = _Job(function, reads=reads)
        future: asyncio.Future[T] = job.future
        with self._closing:
            if not self._closed:
                self._jobs.put(job)
                return future
        future.set_exception(StoreClosed(self._path))
        return future

    def stop(self, timeout: float | None = None) -> None:
        """Commit what is queued, close the connection, end the thread. Stopping twice is harmless."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        if self._thread is not threading.current_thread() and self._thread.is_alive():
            self._thread.join(timeout)

    def _work(self) -> None:
        try:
            connection = self._connect()
            transaction = SQLiteTransaction(connection)
            self._begin_evidence(transaction)
            self.files = OpenedFiles.at(Path(self._path))
        except BaseException as error:  # noqa: BLE001 - handed to whoever starts the writer
            self._failure = error
            return
        finally:
            self._started.set()
        try:
            while (batch := self._next_batch()) is not None:
                self._commit(transaction, batch)
        finally:
            connection.close()

    def _begin_evidence(self, transaction: SQLiteTransaction) -> None:
        connection = transaction.connection
        try:
            transaction.begin(self._clock.now())
            begin_evidence(transaction)
            connection.execute("COMMIT")
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.Error):
                raise _translate(error, self._path) from error
            raise

    def _next_batch(self) -> list[_Job] | None:
        job = self._jobs.get()
        batch: list[_Job] = []
        while job is not None:
            batch.append(job)
            if len(batch) == LARGEST_BATCH:
                return batch
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch
        self._jobs.put(None)  # the end: met again once the batch, if there is one, is done
        return batch or None

    def _commit(self, transaction: SQLiteTransaction, batch: list[_Job]) -> None:
        connection = transaction.connection
        mark = transaction.mark()
        try:
            deliveries = self._work_off(transaction, batch)
            self.files.check()
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - the commit is the unit of work; its callers get the error
            with suppress(sqlite3.Error):  # its own failure must not hide the first, nor end the thread
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            transaction.undo(mark)
            reason = _translate(error, self._path)
            logger.error("a commit of %d transactions failed: %s", len(batch), reason)  # noqa: TRY400 - the reason says it all
            deliveries = [_Delivery(job.future, None, _translate(error, self._path), []) for job in batch]
        listeners = self._hub.card_listeners if transaction.take_cards_marked() else ()
        if transaction.mark() != mark:
            listeners += self._hub.audit_listeners
        self._deliver(batch, deliveries, listeners)

    def _work_off(self, transaction: SQLiteTransaction, batch: list[_Job]) -> list[_Delivery]:
        """Call the functions of a batch, inside a transaction of SQLite's that is left open.

        Hardly ever does one raise, and a savepoint for each costs a fifth of its time. So the first that raises has the
        batch undone and done again from its beginning, at the same instant, each function in a savepoint of its own.
        """
        connection = transaction.connection
        mark = transaction.mark()
        instant = self._clock.now()
        transaction.begin(instant)
        try:
            return [self._attempt(transaction, job) for job in batch]
        except Exception as error:
            if _undoes_all(connection, error):
                raise
        connection.execute("ROLLBACK")
        transaction.undo(mark)
        transaction.begin(instant)
        return [self._attempt_alone(transaction, job) for job in batch]

    def _attempt(self, transaction: SQLiteTransaction, job: _Job) -> _Delivery:
        """Call a function; what one raises that only reads is its result."""
        try:
            result = job.function(transaction)
        except Exception as error:
            if not job.reads or _undoes_all(transaction.connection, error):
                raise
            return _Delivery(job.future, None, _translate(error, self._path), [])
        return _Delivery(job.future, result, None, transaction.take_changes())

    def _attempt_alone(self, transaction: SQLiteTransaction, job: _Job) -> _Delivery:
        """As `_attempt`, but undo what a function did that raises."""
        if job.reads:
            return self._attempt(transaction, job)
        connection = transaction.connection
        mark = transaction.mark()
        connection.execute("SAVEPOINT one")
        try:
            delivery = self._attempt(transaction, job)
        except Exception as error:
            if _undoes_all(connection, error):
                raise
            connection.execute("ROLLBACK TO one")
            transaction.undo(mark)
            delivery = _Delivery(job.future, None, _translate(error, self._path), [])
        connection.execute("RELEASE one")
        return delivery

    def _deliver(
        self, batch: list[_Job], deliveries: list[_Delivery], listeners: tuple[CommitListener, ...]
    ) -> None:
        """One hop to each loop, with all that the commit means to it in the writer's order; first to those who wait for
        it, who acknowledge before runs go on.
        """
        by_loop: dict[asyncio.AbstractEventLoop, list[_News]] = {job.loop: [] for job in batch}
        for job, delivery in zip(batch, deliveries, strict=True):
            for change in delivery.changes:
                for of_run in self._hub.listeners(change):
                    if of_run.wants(change):
                        by_loop.setdefault(of_run.loop, []).append((of_run, change))
            by_loop[job.loop].append(delivery)
        for listener in listeners:
            by_loop.setdefault(listener.loop, []).append(listener)
        for loop, news in by_loop.items():
            try:
                loop.call_soon_threadsafe(_arrive, loop, news)
            except RuntimeError:
                logger.debug("a loop was closed before %d results arrived; they are committed", len(news))


def _arrive(loop: asyncio.AbstractEventLoop, news: list[_News]) -> None:
    """Everything is scheduled, not called, so that listeners and the callbacks of futures keep the writer's order."""
    for item in news:
        if isinstance(item, CommitListener):
            loop.call_soon(item.callback)
        elif isinstance(item, tuple):
            listener, change = item
            loop.call_soon(listener.callback, change)
        elif item.future.done():
            continue
        elif item.error is None:
            item.future.set_result(item.result)
        else:
            item.future.set_exception(item.error)


def _undoes_all(connection: sqlite3.Connection, error: Exception) -> bool:
    """Whether nothing of a batch can stand behind what one of its functions raised."""
    fatal = isinstance(error, sqlite3.Error) and _primary_code(error) in _UNDOES_ALL
    return fatal or not connection.in_transaction


def _primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _translate(error: Exception, path: str) -> Exception:
    """The store's own error for what SQLite raised; anything else is itself."""
    if isinstance(error, StoreError) or not isinstance(error, sqlite3.Error):
        return error
    if _primary_code(error) == sqlite3.SQLITE_FULL:
        translated: StoreError = StoreFull(path)
    else:
        translated = StoreUnreadable(path, str(error))
    translated.__cause__ = error
    return translated
