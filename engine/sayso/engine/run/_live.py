"""A run in memory: what is known of it, the visit that is being executed, and who waits for it to come to rest.

The steps in which a run moves are always the same: load (or start), execute a visit, commit its end, go on. A run
rests when it is parked, has ended, waits for an operator, or, if it is stepped by hand, stands between two visits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import msgspec

from sayso.engine._graph import Workflow
from sayso.engine._records import (
    ENDED,
    Attention,
    LoadedRun,
    NodeStatus,
    RequestRecord,
    WorkflowStatus,
)
from sayso.engine._stray import text_of
from sayso.engine._values import copy_dict, decode_dict
from sayso.engine.errors import StoreError, StoreUnreadable
from sayso.engine.run._approvals import NOTHING, Approvals
from sayso.engine.run._ground import Ground
from sayso.engine.run._host import Halt, HaltKind, Surroundings, gone_node
from sayso.engine.run._phases import execute_visit
from sayso.engine.run._visit import Visit
from sayso.engine.store import Change, NewRun, Place, VisitEnd

logger = logging.getLogger("sayso.engine")


class Keeper(Protocol):
    """Who keeps runs in memory, as they tell how they move."""

    def on_parked(self, live: LiveRun) -> None: ...
    def on_moving(self, live: LiveRun) -> None: ...
    def on_rest(self, live: LiveRun) -> None: ...
    def on_stalled(self, live: LiveRun) -> None: ...
    def watch_deadlines(self) -> None: ...


class LiveRun:
    """One run on its driver's loop. Everything here is called on that loop."""

    __slots__ = (
        "__weakref__",
        "_again",
        "_error",
        "_ground",
        "_is_cut_off",
        "_keeper",
        "_moving",
        "_parked",
        "_shown",
        "_told",
        "_visit",
        "_waiters",
        "_workflow",
        "approvals",
        "around",
        "attention",
        "auto",
        "failure",
        "held_by",
        "history",
        "node_id",
        "pending",
        "run_id",
        "status",
        "visit_number",
    )

    def __init__(
        self,
        ground: Ground,
        keeper: Keeper,
        run_id: str,
        workflow: Workflow,
        around: Surroundings,
        *,
        auto: bool,
    ) -> None:
        self._ground = ground
        self._keeper = keeper
        self._is_cut_off = False
        self._told: str | None = None
        self._workflow = workflow
        self._visit: Visit | None = None
        self._moving = False
        self._parked = False
        self._again = False
        self._shown: str | None = None
        self._error: str | None = None
        self._waiters: tuple[asyncio.Future[None], ...] = ()
        self.around = around
        self.run_id = run_id
        self.auto = auto
        self.held_by = 0
        self.status = WorkflowStatus.RUNNING
        self.node_id: str | None = workflow.start.id
        self.visit_number = 1
        self.pending: tuple[RequestRecord, ...] = ()
        self.attention: Attention | None = None
        self.history: Mapping[str, NodeStatus] = NOTHING
        self.approvals = Approvals()
        self.failure: Exception | None = None

    # What others see.

    @property
    def resting(self) -> bool:
        """Whether nothing will happen by itself."""
        return not self._moving or (self._parked and not self._again)

    @property
    def fresh(self) -> bool:
        """Whether nothing has been loaded or executed yet."""
        return self._visit is None and self._shown is None and not self._moving

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return self.status in ENDED

    @property
    def error(self) -> str | None:
        """Why the run failed."""
        return self._error if self.status is WorkflowStatus.FAILED else None

    @property
    def shared(self) -> dict[str, Any]:
        """A copy of the run's state: live, as parked, or as it ended."""
        if self._visit is not None:
            return copy_dict(self._visit.shared)
        return {} if self._shown is None else decode_dict(self._shown)

    def open_requests(self) -> tuple[RequestRecord, ...]:
        """The open requests, in the order in which they were asked."""
        return self.pending if self._visit is None else tuple(self._visit.open_requests)

    def leave(self) -> None:
        """Nothing moves the run here any more: everybody who waits for it is told that it rests."""
        self._moving = False
        self._wake_waiters()

    async def rest(self, reached: Callable[[], bool]) -> None:
        """Wait until `reached()` or until the run rests."""
        while not (reached() or self.resting):
            waiter = asyncio.get_running_loop().create_future()
            self._waiters += (waiter,)
            await waiter

    # Moving.

    def take(self, loaded: LoadedRun) -> None:
        """Take in what is stored."""
        run = loaded.run
        self.status, self.node_id, self.visit_number = run.status, run.node_id, run.visit
        self._error, self._shown, self.attention = run.error, run.shared, run.attention
        self.pending = tuple(record for record in loaded.requests if record.open)
        self.approvals = Approvals(loaded.approvals)
        if (gone := gone_node(self._workflow, run.status, run.node_id)) is not None:
            self.status, self.attention = WorkflowStatus.NEEDS_ATTENTION, gone
            logger.warning("run %s needs attention: %s", run.run_id, gone.reason)

    def go(self) -> None:
        """Have the run move on from what is stored, unless it moves already."""
        if self._moving or self._ground.is_closing():
            return
        self._moving = True
        self._parked = False
        self.failure = None
        self._ground.carry_out(self._load_and_move(), self.run_id)

    def found(self) -> None:
        """Take note that this process found the run in the middle of a visit: another one may have died in it."""
        self._is_cut_off = True

    async def start(self, new: NewRun) -> None:
        """Store the run and execute its first visit, also when the caller is cancelled meanwhile.

        Raises `RunExists`, `StoreError`.
        """
        self._moving = True
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        started = self._ground.store.start(new)
        started.add_done_callback(partial(self._started, new, told))
        await told

    def _started(self, new: NewRun, told: asyncio.Future[None], done: asyncio.Future[Place]) -> None:
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or error is not None or self._ground.is_closing():
            self._stop_moving()
        else:
            self._begin(self._make_visit(done.result(), new.shared, 0, new.requested_by))
        if told.done():
            return
        if error is not None:
            told.set_exception(error)
        elif done.cancelled():
            told.cancel()
        else:
            told.set_result(None)

    async def _load_and_move(self) -> None:
        is_cut_off, self._is_cut_off = self._is_cut_off, False
        try:
            loaded, key = await self._load()
            if loaded is not None:
                self.take(loaded)
            if loaded is None or self.status is not WorkflowStatus.RUNNING or self._ground.is_closing():
                self._stop_moving()
                return
            run = loaded.run
            place = Place(run.run_key, self.run_id, run.workflow, run.visit, str(run.node_id), key)
            visit = self._read_visit(place, loaded)
            if is_cut_off and (attention := await self._ground.store.count_start(place)) is not None:
                self._hold(attention)
                self._stop_moving()
                return
        except Exception as error:  # noqa: BLE001 - what is stored of one run must not stop the others
            await self._failed(error)
            return
        self._begin(visit)

    def _hold(self, attention: Attention) -> None:
        self.status, self.attention = WorkflowStatus.NEEDS_ATTENTION, attention
        logger.error(
            "run %s needs attention: %s %s: %s", self.run_id, attention.kind, attention.name, attention.reason
        )

    async def _load(self) -> tuple[LoadedRun | None, int]:
        """What is stored, read again when a change came in meanwhile; None when the run was pruned."""
        key = await self._ground.definition_key(self._workflow)
        while True:
            self._again = False
            loaded = await self._ground.store.load(self.run_id)
            if not self._again:
                return loaded, key

    def _read_visit(self, place: Place, loaded: LoadedRun) -> Visit:
        run = loaded.run
        try:
            visit = self._make_visit(place, run.entry, run.resolutions, run.requested_by)
            visit.take_journal(loaded)
        except msgspec.DecodeError as error:
            raise StoreUnreadable(f"run {self.run_id}", repr(error)) from error
        return visit

    def _make_visit(self, place: Place, entry: str, resolutions: int, requested_by: str | None) -> Visit:
        return Visit(
            self._ground.store,
            place,
            entry,
            resolutions=resolutions,
            requested_by=requested_by,
            host=self,
            approvals=self.approvals,
        )

    def _begin(self, visit: Visit) -> None:
        self._visit = visit
        self.status, self.node_id, self.visit_number = (
            WorkflowStatus.RUNNING,
            visit.place.node_id,
            visit.place.visit,
        )
        self._note(visit.place.node_id, NodeStatus.RUNNING)
        self.pending, self._shown = (), None
        visit.task = self._ground.spawn(self._execute(visit), f"{self.run_id} {visit.place.node_id}")

    async def _execute(self, visit: Visit) -> None:
        store = self._ground.store
        try:
            try:
                end = await execute_visit(store, self._workflow, visit)
            except asyncio.CancelledError:
                end = self._end_of_cancelled(visit)
            if end is None:
                self._stop(visit)
                return
            visit.ended = True
            stored = store.end_visit(visit.place, visit.approvals.recorded(visit.place, end))
        except Exception as error:  # noqa: BLE001 - what one run fails with must not stop the others
            await self._failed(error)
            return
        # By a callback: the task has nothing left to do, and whatever cancels it takes no commit back.
        stored.add_done_callback(partial(self._end_stored, visit, end))

    def _end_of_cancelled(self, visit: Visit) -> VisitEnd | None:
        if visit.halted is not None or self.is_closing():
            visit.halt(Halt(HaltKind.SUSPENDED))
            return None
        # The node raised CancelledError by itself: a failure like any other.
        logger.error("run %s: node %s cancelled its own task", self.run_id, visit.place.node_id)
        error = "CancelledError: the node cancelled its own task"
        return VisitEnd(WorkflowStatus.FAILED, error=error, withdraw=bool(visit.open_requests))

    def _end_stored(self, visit: Visit, end: VisitEnd, done: asyncio.Future[str | None]) -> None:
        error = None if done.cancelled() else done.exception()
        if isinstance(error, Exception):
            visit.halt(Halt.by(error))
        elif done.cancelled() or (shared := done.result()) is None:
            visit.halt(Halt(HaltKind.GONE))
        elif visit.halted is None:
            self._visit_ended(visit, end, shared)
            return
        self._stop(visit)

    def _stop(self, visit: Visit) -> None:
        if self.is_closing():
            self._set_aside(visit)
            self._stop_moving()
        else:
            # In a task of its own: that of the visit has been cancelled.
            self._ground.carry_out(self._visit_stopped(visit), self.run_id)

    def _visit_ended(self, visit: Visit, end: VisitEnd, shared: str) -> None:
        visit.release()
        node_id = visit.place.node_id
        self._visit, self._shown, self._error, self._told = None, shared, end.error, None
        self.status = end.status
        failed = end.status is WorkflowStatus.FAILED
        self._note(node_id, NodeStatus.FAILED if failed else NodeStatus.COMPLETED)
        self.node_id = end.next_node
        if end.next_node is None:
            self._stop_moving()
            return
        self.visit_number = visit.place.visit + 1
        if not self.auto or self.is_closing():
            self._stop_moving()
            return
        place = msgspec.structs.replace(visit.place, visit=self.visit_number, node_id=end.next_node)
        self._wake_waiters()
        self._begin(self._make_visit(place, shared, visit.resolutions, visit.requested_by))

    def _set_aside(self, visit: Visit) -> None:
        visit.ended = True
        visit.release()
        self.pending = tuple(visit.open_requests)
        self._visit = None

    async def _visit_stopped(self, visit: Visit) -> None:
        """The visit was halted: what is stored says where the run stands."""
        self._set_aside(visit)
        halt = visit.halted
        assert halt is not None
        if halt.error is not None:
            await self._failed(halt.error)
            return
        try:
            if halt.attention is not None:
                logger.warning(
                    "run %s needs attention: %s %s", self.run_id, halt.attention.kind, halt.attention.name
                )
                await self._ground.store.hold(visit.place, halt.attention)
            if self.held_by or halt.kind is not HaltKind.SUSPENDED:
                loaded = await self._ground.store.load(self.run_id)
                if loaded is not None:
                    self.take(loaded)
        except Exception as error:  # noqa: BLE001 - as above
            await self._failed(error)
            return
        if self.status is WorkflowStatus.CANCELLED:
            self._note(visit.place.node_id, NodeStatus.CANCELLED)
        runs_on = self.auto and self.status is WorkflowStatus.RUNNING
        self._again = self._again or runs_on or halt.kind is HaltKind.STALE
        self._stop_moving()

    async def _failed(self, error: Exception) -> None:
        """Driving the run failed: the store did, or sayso itself."""
        if self._visit is not None:
            self._set_aside(self._visit)
        if not isinstance(error, StoreError):
            try:
                await self._hold_for_fault(error)
                return
            except StoreError as of_store:
                error = of_store
            except Exception as again:
                logger.exception(
                    "run %s is stopped until a restart: it could not be put on hold", self.run_id
                )
                self.failure = again
                self._stop_moving()
                return
        self._stall(error)

    async def _hold_for_fault(self, error: Exception) -> None:
        # What sayso does wrong with a run it would do wrong again: an operator decides when to try.
        logger.error("run %s is on hold: internal error in sayso", self.run_id, exc_info=error)
        attention = await self._ground.store.hold_run(self.run_id, text_of(error))
        if attention is not None:
            self._hold(attention)
        self._stop_moving()

    def _stall(self, error: StoreError) -> None:
        """The store failed, or what it holds cannot be read: what is stored is true, and the run goes on from it when
        that is mended.
        """
        if str(error) != self._told:
            self._told = str(error)
            logger.error("run %s cannot continue: %s", self.run_id, error)
        self.failure = error
        self._stop_moving()
        self._keeper.on_stalled(self)

    def _stop_moving(self) -> None:
        again, self._again = self._again, False
        self._moving = self._parked = False
        if again and not self.ended and self.failure is None and not self.is_closing():
            self.go()
            return
        self._keeper.on_rest(self)
        self._wake_waiters()

    def on_step(self, name: str) -> None:
        """A step may always run."""

    def is_closing(self) -> bool:
        """Whether the driver goes down."""
        return self._ground.is_closing()

    def on_deadline(self) -> None:
        """A question with a deadline was stored."""
        self._keeper.watch_deadlines()

    def on_parked(self) -> None:
        """The visit is parked, in memory and in the store."""
        assert self._visit is not None
        self._parked, self._told = True, None
        self.status = WorkflowStatus.WAITING_FOR_INPUT
        self._note(self._visit.place.node_id, NodeStatus.WAITING_FOR_INPUT)
        self._keeper.on_parked(self)
        if self._parked:
            self._wake_waiters()

    def evict(self) -> None:
        """Set the parked coroutine aside; its answer loads the run again."""
        if self._visit is not None and self._parked:
            self._parked = False
            self._visit.halt(Halt(HaltKind.SUSPENDED))

    # What was committed.

    def hear(self, change: Change) -> None:
        """Take in a committed change of this run."""
        if change.status is WorkflowStatus.CANCELLED:
            self._hear_cancelled()
        elif change.resolved is not None:
            self._hear_resolved(change)
        elif not self._moving:
            self.status = change.status
            if change.status is WorkflowStatus.RUNNING and self.auto:
                self.go()

    def _hear_cancelled(self) -> None:
        if self._visit is not None:
            self._parked = False
            self._visit.halt(Halt(HaltKind.GONE))
        elif not self._moving:
            self.status, self.node_id, self.pending = WorkflowStatus.CANCELLED, None, ()
            self._keeper.on_rest(self)
            self._wake_waiters()

    def _hear_resolved(self, change: Change) -> None:
        assert change.resolved is not None
        if self._visit is not None and self._visit.halted is None:
            self._parked = False
            self.status = change.status
            self._keeper.on_moving(self)
            self._visit.resolve(change.resolved, change.resolutions)
            return
        if self._moving:
            self._again = True
            return
        self.status = change.status
        self.pending = tuple(record for record in self.pending if record.id != change.resolved.request_id)
        if self.auto and change.status is WorkflowStatus.RUNNING:
            self.go()

    def _note(self, node_id: str, status: NodeStatus) -> None:
        """Remember how a node stands, for the handles; what was before the first of them is stored."""
        if self.held_by:
            self.history = {**self.history, node_id: status}

    def _wake_waiters(self) -> None:
        waiters, self._waiters = self._waiters, ()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
