"""The writer: one thread that owns the only write connection and commits what has queued up together, whatever database
it is.

Transactions are plain functions, handed in from any event loop. One that raises is undone alone; results are delivered
only after the commit, on the loops that asked. A function may be called twice: see `_work_off`.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, TypeVar

from sayso.engine._clock import Clock
from sayso.engine.errors import StoreClosed, StoreUncertain, StoreUnreadable
from sayso.engine.store._anchors import Schedule, anchor
from sayso.engine.store._hub import Change, CommitListener, Hub, Listener
from sayso.engine.store._transaction import Transaction, TransactionFunction
from sayso.engine.store._upgrading import begin_trail

logger = logging.getLogger("sayso.engine.store")

T = TypeVar("T")

LARGEST_BATCH = 256


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


class _Batch(NamedTuple):
    """What one commit came to, and whether it gave cards news and the trail rows."""

    jobs: list[_Job]
    deliveries: list[_Delivery]
    has_news: bool = False
    has_rows: bool = False


def _failed(jobs: list[_Job], error: Exception) -> _Batch:
    return _Batch(jobs, [_Delivery(job.future, None, error, []) for job in jobs])


_News: TypeAlias = "_Delivery | tuple[Listener, Change] | CommitListener"
"""What one hop to a loop brings."""


class Writer:
    """The thread that writes. `connect` makes the connection, on that thread; a failure is raised by `start`.

    A lost connection is made anew. Whether a commit that it was lost in happened is asked on the new one: at once, or
    once there is one again; until then those who wait for it get `StoreUncertain`.
    """

    def __init__(self, name: str, connect: Callable[[], Transaction], clock: Clock, hub: Hub) -> None:
        self._name = name
        self._connect = connect
        self._clock = clock
        self._hub = hub
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._in_doubt: _Batch | None = None
        self._anchors = Schedule()
        self._closed = False
        self._closing = threading.Lock()  # nothing is queued behind the end
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=f"sayso writer {name}", daemon=True)

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
        future.set_exception(StoreClosed(self._name))
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
            transaction = self._begin()
        except BaseException as error:  # noqa: BLE001 - handed to whoever starts the writer
            self._failure = error
            return
        finally:
            self._started.set()
        try:
            while (batch := self._next_batch()) is not None:
                if transaction.is_lost:
                    transaction, reason = self._begin_again(transaction)
                    if reason is not None:
                        self._deliver(_failed(batch, reason))
                        self._anchors.postpone(self._clock.now())
                        continue
                if batch:
                    self._commit(transaction, batch)
                if self._in_doubt is not None:
                    transaction, _ = self._begin_again(transaction)
                elif self._anchors.is_due(transaction.instant if batch else self._clock.now()):
                    self._anchor(transaction)
            if self._anchors.has_rows and not transaction.is_lost:
                self._anchor(transaction)
        finally:
            transaction.close()

    def _begin(self) -> Transaction:
        transaction = self._connect()
        try:
            transaction.begin(self._clock.now())
            begin_trail(transaction)
            self._anchors.begin(transaction)
            transaction.commit()
        except BaseException as error:
            transaction.close()
            if isinstance(error, Exception):
                raise transaction.translated(error) from error
            raise
        return transaction

    def _begin_again(self, lost: Transaction) -> tuple[Transaction, Exception | None]:
        """A new connection in the place of a lost one, or the lost one and why there is none. What was in doubt is
        settled; of what is stored after all, runs and cards hear now.
        """
        batch = self._in_doubt
        try:
            transaction = self._begin()
            is_stored = batch is not None and transaction.has_committed(lost)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again at the next batch
            logger.warning("the database cannot be reached: %s", error)
            if batch is not None:
                self._deliver(_failed(batch.jobs, StoreUncertain(self._name)))
            return lost, error
        self._in_doubt = None
        if batch is not None:
            not_stored = StoreUnreadable(self._name, "the connection was lost", "Try again.")
            self._deliver(batch if is_stored else _failed(batch.jobs, not_stored))
        return transaction, None

    def _next_batch(self) -> list[_Job] | None:
        """What has queued up; nothing where an anchor is due before anything has, and None at the end."""
        batch: list[_Job] = []
        try:
            job = self._jobs.get(timeout=self._anchors.wait())
            while job is not None:
                batch.append(job)
                if len(batch) == LARGEST_BATCH:
                    return batch
                job = self._jobs.get_nowait()
        except queue.Empty:
            return batch
        self._jobs.put(None)  # the end: met again once the batch, if there is one, is done
        return batch or None

    def _anchor(self, transaction: Transaction) -> None:
        """Have the store's chain hold the ends of those of the runs, in a transaction of its own. Nobody waits for it:
        where it fails, it is tried again later.
        """
        try:
            transaction.begin(self._clock.now())
            anchor(transaction)
            transaction.commit()
        except Exception as error:  # noqa: BLE001 - the anchor is the unit of work
            transaction.abandon()
            logger.warning("the audit trail could not be anchored: %s", transaction.translated(error))
            self._anchors.postpone(transaction.instant)
        else:
            self._anchors.done()
            self._deliver(_Batch([], [], has_rows=transaction.take_appended() > 0))

    def _commit(self, transaction: Transaction, batch: list[_Job]) -> None:
        done: _Batch | None = None
        try:
            deliveries = self._work_off(transaction, batch)
            rows = transaction.take_appended()
            done = _Batch(batch, deliveries, transaction.take_cards_marked(), rows > 0)
            transaction.commit()
            self._anchors.add(rows, transaction.instant)
        except Exception as error:  # noqa: BLE001 - the commit is the unit of work; its callers get the error
            transaction.abandon()
            transaction.undo()
            reason = transaction.translated(error)
            logger.error("a commit of %d transactions failed: %s", len(batch), reason)  # noqa: TRY400 - the reason says it all
            if done is not None and transaction.is_lost:
                self._in_doubt = done
                return
            done = _failed(batch, reason)
        self._deliver(done)

    def _work_off(self, transaction: Transaction, batch: list[_Job]) -> list[_Delivery]:
        """Call the functions of a batch, inside one transaction of the database's that is left open.

        Hardly ever does one raise, and a savepoint for each costs a fifth of its time. So the first that raises has the
        batch undone and done again from its beginning, at the same instant, each function in a savepoint of its own.
        """
        instant = self._clock.now()
        transaction.begin(instant)
        try:
            return [self._attempt(transaction, job) for job in batch]
        except Exception as error:
            if transaction.is_undone_by(error):
                raise
        transaction.execute("ROLLBACK")
        transaction.undo()
        transaction.begin(instant)
        return [self._attempt_alone(transaction, job) for job in batch]

    def _attempt(self, transaction: Transaction, job: _Job) -> _Delivery:
        """Call a function; what one raises that only reads is its result, where the transaction can go on behind it."""
        try:
            result = job.function(transaction)
        except Exception as error:
            if not job.reads or transaction.is_spoilt_by(error):
                raise
            return _Delivery(job.future, None, transaction.translated(error), [])
        return _Delivery(job.future, result, None, transaction.take_changes())

    def _attempt_alone(self, transaction: Transaction, job: _Job) -> _Delivery:
        """As `_attempt`, but undo what a function did that raises."""
        transaction.execute("SAVEPOINT one")
        try:
            delivery = self._attempt(transaction, job)
        except Exception as error:
            if transaction.is_undone_by(error):
                raise
            transaction.execute("ROLLBACK TO SAVEPOINT one")
            transaction.undo()
            delivery = _Delivery(job.future, None, transaction.translated(error), [])
        transaction.execute("RELEASE SAVEPOINT one")
        return delivery

    def _deliver(self, batch: _Batch) -> None:
        """One hop to each loop, with all that the commit means to it in the writer's order; first to those who wait for
        it, who acknowledge before runs go on. Who listens is asked now: whoever began to listen before the commit, and
        did not see it yet, has to hear of it.
        """
        listeners = self._hub.card_listeners if batch.has_news else ()
        if batch.has_rows:
            listeners += self._hub.audit_listeners
        by_loop: dict[asyncio.AbstractEventLoop, list[_News]] = {job.loop: [] for job in batch.jobs}
        for job, delivery in zip(batch.jobs, batch.deliveries, strict=True):
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
