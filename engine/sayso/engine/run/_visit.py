"""One visit being executed: its journal, its open questions, what is in flight, and when it is parked.

A visit is parked when a request is open and no request or step begun in it is in flight. A woken coroutine counts as
in flight until its task has run to its next suspension, which `call_soon` tells: it runs when the task has given way.
Who goes on because a task has finished, asyncio tells nobody: it passes that on a turn of the loop later, and again for
each `gather` or `shield` around it. So a visit that was woken is left turns enough, of which no number is proof.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, NoReturn, TypeAlias, TypeVar, cast

from msgspec.structs import replace

from sayso.engine._questions import Question
from sayso.engine._records import (
    Attention,
    AttentionKind,
    LoadedRun,
    RequestRecord,
    RequestStatus,
    StepRecord,
)
from sayso.engine._stray import contained
from sayso.engine._values import Json, check, decode, decode_dict, digest, encode, encode_sorted
from sayso.engine.errors import InvalidRequest, NoCurrentVisit, RunSuspended, UnstorableValue, ValueTooLarge
from sayso.engine.run._approvals import Approvals
from sayso.engine.run._host import Halt, HaltKind, Terms, VisitHost, step_attention
from sayso.engine.run._names import Names
from sayso.engine.store import Ask, Asked, Park, Place, Resolution, VisitStore

T = TypeVar("T")

CURRENT: ContextVar[Visit] = ContextVar("sayso_current_visit")
STEP_KEY: ContextVar[str] = ContextVar("sayso_step_key")


class _Queued(NamedTuple):
    ask: Ask
    future: asyncio.Future[Resolution]


_Asks: TypeAlias = tuple[_Queued, ...]
_End: TypeAlias = Coroutine[Any, Any, tuple[RequestRecord, Resolution]]


class Visit:
    """What `request_input` and `step` work on. Lives on one loop, as one task with the node's own tasks around it."""

    __slots__ = (
        "_blocked",
        "_host",
        "_in_flight",
        "_loop",
        "_open",
        "_queued",
        "_replayed",
        "_request_names",
        "_step_names",
        "_store",
        "_stored_parked",
        "_waiting",
        "approvals",
        "attempt",
        "ended",
        "entry",
        "first_attempt",
        "halted",
        "phase_attempt",
        "place",
        "requested_by",
        "requests",
        "resolutions",
        "retry_at",
        "shared",
        "steps",
        "task",
    )

    def __init__(
        self,
        store: VisitStore,
        place: Place,
        entry: str,
        *,
        resolutions: int,
        requested_by: str | None,
        host: VisitHost,
        approvals: Approvals,
    ) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._host = host
        self._queued: _Asks = ()
        self._open: dict[str, str] = {}  # the names of open requests by their ids, in the order of asking
        self._blocked: tuple[asyncio.Future[Resolution], ...] = ()  # what goes on only when the visit ends
        self._waiting: dict[str, tuple[asyncio.Future[Resolution], ...]] = {}
        self._in_flight = 0
        self._replayed = False
        self._stored_parked = False
        self._request_names = Names("request")
        self._step_names = Names("step")
        self.place = place
        self.entry: str | None = entry  # until the first question: whoever waits for people keeps it once
        self.shared = decode_dict(entry)
        self.resolutions = resolutions
        self.requested_by = requested_by
        self.approvals = approvals
        self.attempt = 1
        self.first_attempt = 1
        self.phase_attempt = 0
        self.retry_at: datetime | None = None
        self.requests: dict[str, RequestRecord] = {}
        self.steps: dict[str, StepRecord] = {}
        self.task: asyncio.Task[None] | None = None
        self.halted: Halt | None = None
        self.ended = False

    # What the driver sees and does.

    def take_journal(self, loaded: LoadedRun) -> None:
        """Run again with what is recorded of this visit."""
        self._replayed = True
        self.requests = {record.name: record for record in loaded.requests}
        self._open = {record.id: record.name for record in loaded.requests if record.open}
        self.steps = {record.name: record for record in loaded.steps}
        self.attempt, self.first_attempt = loaded.run.attempt, loaded.run.first_attempt
        self.retry_at = loaded.run.retry_at

    @property
    def open_requests(self) -> list[RequestRecord]:
        """The requests that wait for an answer, in the order in which they were asked."""
        return [self.requests[name] for name in self._open.values()]

    @property
    def unused(self) -> RequestRecord | None:
        """An answered request that the code no longer asks for. One of an earlier attempt need not be asked again."""
        for record in self.requests.values():
            required = record.attempt in (0, self.attempt) and record.status is RequestStatus.ANSWERED
            if required and record.name not in self._request_names:
                return record
        return None

    def halt(self, halt: Halt) -> None:
        """Stop the visit: its tasks are cancelled, and what they do from now on is ignored."""
        if self.halted is None:
            self.halted = halt
        if self.task is not None:
            self.task.cancel()
        self.release()

    def release(self) -> None:
        """Wake every task of the node that still waits for an answer, by cancelling its wait."""
        waiting, self._waiting = self._waiting, {}
        blocked, self._blocked = self._blocked, ()
        for future in (*(one for futures in waiting.values() for one in futures), *blocked):
            future.cancel()

    def resolve(self, resolution: Resolution, resolutions: int) -> None:
        """Take in a committed end of a request and wake everybody who waits for it."""
        self.resolutions = max(self.resolutions, resolutions)
        self._stored_parked = False
        if (name := self._open.pop(resolution.request_id, None)) is not None:
            self.requests[name] = replace(
                self.requests[name],
                status=resolution.status,
                answer=resolution.answer,
                decided=resolution.decided,
                resolved_at=resolution.resolved_at,
                resolved_by=resolution.by,
            )
        for future in self._waiting.pop(resolution.request_id, ()):
            if not future.done():
                self._in_flight += 1
                future.set_result(resolution)
        if self._in_flight == 0:
            self._loop.call_soon(self._check_parked)

    def mark_names(self) -> tuple[Names, Names]:
        """The names used so far."""
        return self._request_names.copy(), self._step_names.copy()

    def restart_names(self, mark: tuple[Names, Names]) -> None:
        """A new attempt begins with the names as they were at the mark."""
        self._request_names, self._step_names = mark[0].copy(), mark[1].copy()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Awaitable[Any]:
        """Call the author's code, a coroutine function here, anything else in a thread: inside `contained()`."""
        if not inspect.iscoroutinefunction(function):
            return self._host.around.threads.finish(function, *arguments)
        return cast("Awaitable[Any]", function(*arguments))

    # Requests.

    def ask(self, question: Question, name: str | None, terms: Terms) -> _End:
        """Ask, or find the question in the journal. What is returned waits for its end, and keeps no more alive."""
        self.check_running()
        name = self._request_names.claim(name, self.place.node_id, own_task=self._in_own_task())
        text = question.text()
        self._limit(text, f"the question {name!r}")
        record = self.requests.get(name)
        changed = record is not None and not question.was_asked_as(record.digest)
        taken_back = record is not None and record.status is RequestStatus.WITHDRAWN
        if question.unread is not None:
            if record is None:
                raise InvalidRequest("details", question.unread)
            self._hold(Attention(AttentionKind.FILE_UNREADABLE, name, record.text, reason=question.unread))
            return self._block()
        if record is not None and taken_back and record.resolved_by is None:
            return self._block()  # by the node's own code, which withdraws it again
        if record is not None and changed and not record.open and not taken_back:
            self._hold(Attention(AttentionKind.QUESTION_CHANGED, name, record.text, text))
            return self._block()
        if record is not None and not record.open:
            return self._found(record)
        ask = None
        if record is None or changed:
            new = terms.make_ask(name, question, text, self.requested_by, self._host.around)
            kept = new.id if record is None else record.id  # so that its card shows what is new
            ask = replace(new, id=kept, attempt=self.phase_attempt, known=record is not None)
        future: asyncio.Future[Resolution] = self._loop.create_future()
        self._in_flight += 1
        if ask is not None:
            request_id = ask.id
            if not self._queued:  # what is begun in one turn is stored together: whether it parks is known
                self._loop.call_soon(self._store_queued)
            self._queued += (_Queued(ask, future),)
        else:
            assert record is not None
            request_id = record.id
            self._waiting[request_id] = (*self._waiting.get(request_id, ()), future)
            self._loop.call_soon(self._land)
            if record.revision > 1 and record.policy is not None:
                self._host.on_deadline()  # an operator may have had it asked again: its times count anew
        return self._wait(name, request_id, future)

    async def _found(self, record: RequestRecord) -> tuple[RequestRecord, Resolution]:
        return record, Resolution.of(record)

    def _store_queued(self) -> None:
        queued, self._queued = self._queued, ()
        if not queued or self.halted is not None or self.ended:
            return
        quiet = self._in_flight == len(queued)
        try:
            park = Park(self._shared_to_show(), self.resolutions, self._replayed) if quiet else None
        except (UnstorableValue, ValueTooLarge) as error:
            for one in queued:
                if not one.future.done():
                    one.future.set_exception(error)
            return
        self._stored_parked = self._stored_parked or quiet
        for one in queued:
            self._waiting[one.ask.id] = (*self._waiting.get(one.ask.id, ()), one.future)
        stored = self._store.ask(self.place, [one.ask for one in queued], park)
        stored.add_done_callback(partial(self._questions_stored, queued, self.resolutions))

    def _questions_stored(self, queued: _Asks, seen: int, done: asyncio.Future[Asked | None]) -> None:
        asked = self._result(done)
        if asked is None:
            return
        for one, record in zip(queued, asked.records, strict=True):
            if record is None:
                # Answered under its old text just before: the journal is read again, and an operator decides.
                self.halt(Halt(HaltKind.STALE))
                return
            self.requests[one.ask.name] = record
            self._open[record.id] = record.name
        if any(one.ask.is_timed for one in queued):
            self._host.on_deadline()
        self._in_flight -= len(queued)
        self._stored_parked = asked.parked and seen == self.resolutions
        self._check_parked()

    def _result(self, done: asyncio.Future[T]) -> T | None:
        """What a write returned; a failed one, or one that found the run elsewhere, stops the visit."""
        if done.cancelled():
            return None
        error = done.exception()
        if error is not None:
            assert isinstance(error, Exception)  # the writer catches no more
            self.halt(Halt.by(error))
            return None
        result = done.result()
        if result is None:
            self.halt(Halt(HaltKind.GONE))
        return result

    async def _wait(
        self, name: str, request_id: str, future: asyncio.Future[Resolution]
    ) -> tuple[RequestRecord, Resolution]:
        try:
            resolution = await future
        except asyncio.CancelledError:
            if self.halted is not None or self.ended or self._host.is_closing():
                raise
            if future.done() and not future.cancelled():
                return self.requests[name], future.result()
            withdrawn = await self._withdraw(name, request_id, future)
            if withdrawn is None or withdrawn.status not in _ANSWERS:
                raise
            resolution = withdrawn
        finally:
            self._loop.call_soon(self._land)
        return self.requests[name], resolution

    async def _withdraw(
        self, name: str, request_id: str, future: asyncio.Future[Resolution]
    ) -> Resolution | None:
        """The node's own code cancelled the wait: close the request, or take the answer that came first."""
        others = tuple(one for one in self._queued if one.future is not future)
        if len(others) < len(self._queued):
            self._queued = others
            return None
        self._in_flight += 1
        self._waiting[request_id] = tuple(one for one in self._waiting[request_id] if one is not future)
        if self._waiting[request_id]:
            return None
        self._stored_parked = False
        resolution = await self.committed(self._store.withdraw(self.place, request_id))
        if resolution is None and self._open.pop(request_id, None) is not None:
            self.requests[name] = replace(self.requests[name], status=RequestStatus.WITHDRAWN)
        return resolution

    # Steps.

    async def step(
        self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...], *, once: bool
    ) -> Json:
        """Run a piece of work whose result is recorded, or return what is recorded."""
        self.check_running()
        bound = self._bind(name, arguments)
        name = self._step_names.claim(name, self.place.node_id, own_task=self._in_own_task())
        self._in_flight += 1
        try:
            record = self.steps.get(name)
            if record is None:
                return await self._run_step(name, function, arguments, bound, once=once)
            if record.arguments == bound and record.result is not None:
                return decode(record.result)
            self._hold(step_attention(record, bound, function))
            return await self._block()
        finally:
            self._loop.call_soon(self._land)

    async def _run_step(
        self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...], bound: str, *, once: bool
    ) -> Json:
        self._host.on_step(name)
        if self.halted is not None:
            return await self._block()
        if self._stored_parked:
            self._stored_parked = False
            await self._guarded(self._store.stir(self.place))
        if once:
            self.steps[name] = StepRecord(name, bound, None)  # first: a cancelled wait takes no commit back
            await self._guarded(self._store.begin_step(self.place, name, bound))
        begun_at = self._store.clock.now()
        token = STEP_KEY.set(digest(f"{self.place.run_id}/{self.place.visit}/{name}")[:32])
        try:
            with contained():
                value = await self.call(function, *arguments)
        finally:
            STEP_KEY.reset(token)
        self.check_running()
        result = encode(value, f"the result of step {name!r}", self._store.value_limit)
        await self.committed(self._store.record_step(self.place, name, bound, result, begun_at))
        self.steps[name] = StepRecord(name, bound, result)
        return decode(result)

    def _bind(self, name: str, arguments: tuple[Any, ...]) -> str:
        path = f"step {name!r}: argument"
        try:
            for index, argument in enumerate(arguments):
                check(argument, f"{path}[{index}]", self._store.value_limit)
        except UnstorableValue as error:
            raise UnstorableValue(error.path, f"{error.reason} (bind it in a lambda instead)") from None
        bound = encode_sorted(list(arguments)).decode()
        self._limit(bound, path)
        return bound

    # Parking and stopping.

    def is_stopped(self) -> bool:
        """Whether what the node does is ignored: the visit was halted, or its driver goes down."""
        return self.halted is not None or self._host.is_closing()

    def check_running(self) -> None:
        """Raise `RunSuspended` when the visit has been stopped or has ended."""
        if self.is_stopped() or self.ended:
            raise RunSuspended(self.place.run_id)

    async def committed(self, write: asyncio.Future[T]) -> T:
        """Wait for a write to the end even if the caller is cancelled meanwhile; a stop of the visit ends the wait."""
        while True:
            try:
                return await self._guarded(asyncio.shield(write))
            except asyncio.CancelledError:
                if write.cancelled() or self.halted is not None or self._host.is_closing():
                    raise

    async def _guarded(self, write: asyncio.Future[T]) -> T:
        try:
            return await write
        except Exception as error:  # noqa: BLE001 - the visit is the unit of work; logged with its run's id
            self.halt(Halt.by(error))
            return await self._block()

    def _hold(self, attention: Attention) -> None:
        self.halt(Halt(HaltKind.HELD, attention))

    async def _block(self) -> NoReturn:
        """Wait until cancelled: a stopped visit's own task is at once, other tasks are told."""
        if self.halted is not None and not self._in_own_task():
            raise RunSuspended(self.place.run_id)
        never: asyncio.Future[Resolution] = self._loop.create_future()
        self._blocked += (never,)
        if self.halted is None:
            self._loop.call_soon(self._check_parked)
        await never
        raise RunSuspended(self.place.run_id)

    def _in_own_task(self) -> bool:
        return asyncio.current_task() is self.task

    def _land(self) -> None:
        self._in_flight -= 1
        self._settle(_TURNS_TO_SETTLE)

    def _settle(self, turns: int) -> None:
        """Look whether the visit is parked once what was woken had time to wake others."""
        if not self._is_quiet():
            return
        if turns:
            self._loop.call_soon(self._settle, turns - 1)
        else:
            self._check_parked()

    def _is_quiet(self) -> bool:
        """Whether nothing is in flight and a request is open."""
        return bool(self._open and not (self._in_flight or self._queued or self.halted or self.ended))

    def _check_parked(self) -> None:
        if not self._is_quiet():
            return
        if self._stored_parked:
            self._host.on_parked()
            return
        try:
            shown = self._shared_to_show()
        except (UnstorableValue, ValueTooLarge):
            shown = None  # for display only; the visit's end reports it
        self._stored_parked = True
        stored = self._store.park(self.place, Park(shown, self.resolutions, self._replayed))
        stored.add_done_callback(partial(self._park_stored, self.resolutions))

    def _park_stored(self, seen: int, done: asyncio.Future[bool]) -> None:
        parked = self._result(done)
        if parked is None:
            return
        self._stored_parked = self._stored_parked and parked and seen == self.resolutions
        if self._stored_parked:
            self._check_parked()

    def _shared_to_show(self) -> str | None:
        shown = encode(self.shared, "shared", self._store.value_limit)
        entry, self.entry = self.entry, None
        if shown == entry:
            return None
        self._replayed = True  # from now on the visit's row holds a state, which a later park must replace
        return shown

    def _limit(self, text: str, path: str) -> None:
        if len(text) > self._store.value_limit:
            raise ValueTooLarge(path, len(text), self._store.value_limit)


_TURNS_TO_SETTLE = 16
"""Enough for a result that comes through a dozen. A race that was won withdraws the losing question within them; a run
that parked before would, after a crash, wait for that question."""

_ANSWERS = frozenset({RequestStatus.ANSWERED, RequestStatus.EXPIRED})


def current_visit(function: str) -> Visit:
    """The visit that this code belongs to; raises `NoCurrentVisit`."""
    visit = CURRENT.get(None)
    if visit is None:
        raise NoCurrentVisit(function)
    return visit
