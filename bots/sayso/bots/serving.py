"""`sayso serve`, put together: workflows on a loop of their own, platforms, outbox, HTTP, and an orderly stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from sayso.bots.chats import Presses, UnderWay
from sayso.bots.commands import Commands
from sayso.bots.desk import Desk
from sayso.bots.front import Front
from sayso.bots.groups import Groups
from sayso.bots.http import Health, Metrics
from sayso.bots.lifetime import Ready, Stopping, pause_after
from sayso.bots.links import Links
from sayso.bots.membership import Membership
from sayso.bots.operator import HeadLog, OperatorDesk
from sayso.bots.outbox import CardSurface, DeliveryProblem, Outbox
from sayso.bots.ways_in import WaysIn
from sayso.config import Settings
from sayso.engine import CodeThreads, Runtime, SaysoError, SQLiteStore, StoreError, Workflow

if TYPE_CHECKING:
    from fastapi import APIRouter

logger = logging.getLogger("sayso.serve")

_FIRST_BACK_OFF = timedelta(seconds=1)
_LONGEST_BACK_OFF = timedelta(minutes=1)
_STOPS_WITHIN = 3.0
"""Seconds that workflows have for ending when the service stops."""


class Platform(Protocol):
    """A chat platform's bot, as the service runs it."""

    @property
    def name(self) -> str:
        """`slack`, `telegram`."""
        ...

    @property
    def surface(self) -> CardSurface:
        """Where cards are shown."""
        ...

    @property
    def membership(self) -> Membership:
        """Who belongs to its chats."""
        ...

    @property
    def router(self) -> APIRouter | None:
        """Its webhooks, in the mode that has some."""
        ...

    async def run(self, ready: Ready) -> None:
        """Take events until `stop`, and finish those in flight. `ready` hears what is wrong, None when nothing is.

        May raise whatever goes wrong: it is logged, and the platform is run again after a while.
        """
        ...

    def stop(self) -> None:
        """Have `run` end. Stopping twice is harmless."""
        ...

    async def close(self) -> None:
        """Let go of the connections that cards are sent by."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a platform's bot is built from."""

    settings: Settings
    store: SQLiteStore
    runtime: Runtime
    desk: Desk
    ways_in: WaysIn
    commands: Commands
    metrics: Metrics
    under_way: UnderWay
    presses: Presses


class RuntimeThread:
    """The runtime on a loop and a thread of its own: user code never holds up those who receive and acknowledge.

    Nor does it end them: a task that raises SystemExit and code that stops the loop end nothing here, and leaving waits
    a bounded time for whatever goes on.
    """

    def __init__(self, make: Callable[[SQLiteStore], Runtime], store: Callable[[], SQLiteStore]) -> None:
        self._make = make
        self._new_store = store
        self._thread = threading.Thread(target=self._main, name="sayso workflows", daemon=True)
        self._entered: asyncio.Future[Runtime] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._outer: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self.ended = asyncio.Event()
        self.error: BaseException | None = None

    async def __aenter__(self) -> Runtime:
        self._outer = asyncio.get_running_loop()
        self._entered = self._outer.create_future()
        self._thread.start()
        return await self._entered

    async def __aexit__(self, *error: object) -> None:
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None and not self.ended.is_set():
            loop.call_soon_threadsafe(stop.set)
        try:
            async with asyncio.timeout(_STOPS_WITHIN):
                await self.ended.wait()
        except TimeoutError:
            logger.warning("workflows do not end within %g s and are left; their runs go on at the next start",
                           _STOPS_WITHIN)  # fmt: skip
        else:
            # What is left then are threads that the workflows' code began.
            await asyncio.to_thread(self._thread.join, _STOPS_WITHIN)

    def _main(self) -> None:
        assert self._outer is not None
        with asyncio.Runner() as runner:
            try:
                self._run_to_its_end(runner.get_loop())
            except BaseException as error:  # noqa: BLE001 - handed to the thread that entered
                self.error = error
                self._tell(self._failed, error)
            self._tell(self.ended.set)

    def _run_to_its_end(self, loop: asyncio.AbstractEventLoop) -> None:
        work: Awaitable[None] = self._run()
        while True:
            try:
                return loop.run_until_complete(work)
            except (SystemExit, KeyboardInterrupt, RuntimeError) as error:
                if self._task is None or self._task.done():
                    raise
                work = self._task
                # Of a task that a node began, which hands it to that node; or the code stopped the loop.
                logger.exception(
                    "the code of a workflow raised %s, which ends no service", type(error).__name__
                )

    def _tell(self, callback: Callable[..., object], *arguments: object) -> None:
        """Call something on the loop that entered, unless that has left and is closed."""
        assert self._outer is not None
        with contextlib.suppress(RuntimeError):
            self._outer.call_soon_threadsafe(callback, *arguments)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._task = asyncio.current_task()
        async with self._new_store() as store, self._make(store) as runtime:
            self._tell(self._succeeded, runtime)
            await self._stop.wait()

    def _succeeded(self, runtime: Runtime) -> None:
        assert self._entered is not None
        if not self._entered.done():
            self._entered.set_result(runtime)

    def _failed(self, error: BaseException) -> None:
        assert self._entered is not None
        if not self._entered.done():
            self._entered.set_exception(error)


class WorkflowsEnded(SaysoError):
    """The loop of the workflows ended though nobody asked for it; the service ends with it, to be started again."""

    def __init__(self) -> None:
        super().__init__("the loop of the workflows was ended, such as by code that cancels all its tasks")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be served."""

    settings: Settings
    new_store: Callable[[], SQLiteStore]
    workflows: Sequence[Workflow]
    starters: Mapping[str, frozenset[str]]
    audiences: Mapping[str, tuple[str, ...]]
    platforms: Callable[[Parts], list[Platform]]
    exit_code: Callable[[SaysoError], int]


@dataclass(frozen=True, slots=True)
class Serving:
    """A service that runs: where its HTTP server listens. `make_link` makes a link that signs its own user in, once."""

    url: str
    socket: str
    make_link: Callable[[], Awaitable[str]]


class _Memberships(dict[str, Membership]):
    """Filled once the platforms exist, which need the desk, which needs this."""


@asynccontextmanager
async def serve(plan: Plan) -> AsyncGenerator[Serving]:
    """Serve while inside. On leaving: not ready, no more events, what is in flight is finished, the outbox is flushed
    for at most 5 s, the platforms are closed, the store is closed.

    Raises `StoreError`, `InvalidWorkflow`, and `OSError` for an address that cannot be had. Ends itself, by
    cancelling who is inside, when the thread of the workflows dies.
    """
    health, metrics = Health(), Metrics()
    health.report("service", "it is starting")
    async with AsyncExitStack() as stack:
        policies, directory = plan.settings.named_policies(), plan.settings.directory()
        store = await stack.enter_async_context(plan.new_store())
        thread = RuntimeThread(
            lambda own: Runtime(
                own,
                plan.workflows,
                resident=plan.settings.resident,
                audiences=plan.audiences,
                policies=policies,
                directory=directory,
                threads=CodeThreads(plan.settings.threads, metrics.code_waits),
            ),
            plan.new_store,
        )
        stack.push_async_callback(_set_aside_stuck, thread, store, [one.name for one in plan.workflows])
        runtime = await stack.enter_async_context(thread)
        memberships = _Memberships()
        ways_in = WaysIn(store, plan.settings, memberships, Groups(plan.settings, memberships, store.clock))
        desk = Desk(store, runtime, plan.settings, ways_in, metrics)
        links = Links(store, metrics.accounts_changed, listed_may_link=plan.settings.listed_people_may_link)
        commands = Commands(store, runtime, desk, ways_in, plan.starters, links)
        under_way = UnderWay()
        presses = Presses(store, under_way, metrics)
        parts = Parts(plan.settings, store, runtime, desk, ways_in, commands, metrics, under_way, presses)
        platforms = plan.platforms(parts)
        memberships.update({one.name: one.membership for one in platforms})
        for one in platforms:
            stack.push_async_callback(one.close)
        front = Front(plan, parts, health, platforms)
        commands.sign_in = front.link_of
        await stack.enter_async_context(front.http)
        await stack.enter_async_context(front.control)
        stack.callback(front.feed.close)
        crew = _Crew(plan, parts, platforms, health)
        group = await stack.enter_async_context(_ending(asyncio.TaskGroup(), crew))
        crew.begin(group)
        group.create_task(_watch(thread), name="workflows")
        group.create_task(front.feed.run(), name="feed")
        health.report("service", None)
        yield Serving(front.url, str(front.socket.path), front.link)
        health.report("service", "it is stopping")


async def _set_aside_stuck(thread: RuntimeThread, store: SQLiteStore, workflows: Sequence[str]) -> None:
    """Record what a loop that does not end can no longer record itself: that its runs were stopped in order."""
    if not thread.ended.is_set():
        await store.set_aside(workflows)


async def _watch(thread: RuntimeThread) -> None:
    await thread.ended.wait()
    if isinstance(thread.error, Exception):
        raise thread.error
    raise WorkflowsEnded


@asynccontextmanager
async def _ending(group: asyncio.TaskGroup, crew: _Crew) -> AsyncGenerator[asyncio.TaskGroup]:
    """A task group whose tasks are asked to end when the inside is left, and cancelled when it is left by an error."""
    try:
        async with group:
            yield group
            await crew.end()
            raise _Ended  # noqa: TRY301 - has the group cancel what watches
    except* _Ended:
        pass


class _Ended(Exception):
    """Ends the service's task group from within."""


class _Crew:
    """The parts that work while the service runs: platforms, outbox, operators' desk, the hourly line."""

    def __init__(self, plan: Plan, parts: Parts, platforms: list[Platform], health: Health) -> None:
        store, metrics = parts.store, parts.metrics
        self._store = store
        self._platforms = platforms
        self._health = health
        surfaces = {one.name: one.surface for one in platforms}
        self._outbox = Outbox(store, surfaces.values(), metrics, parts.under_way)
        names = frozenset(workflow.name for workflow in plan.workflows)
        self._operator = OperatorDesk(store, surfaces, plan.settings.operator, names)
        metrics.on_alarm.append(self._operator.wake)
        self._head = HeadLog(store.reader)
        self._stopping = Stopping()
        self._taking: list[asyncio.Task[None]] = []
        self._sending: asyncio.Task[None] | None = None

    def begin(self, group: asyncio.TaskGroup) -> None:
        """Start every part."""
        for platform in self._platforms:
            self._health.report(platform.name, "it is connecting")
            self._taking.append(
                group.create_task(self._again(platform.name, platform.run), name=platform.name)
            )
        self._sending = group.create_task(self._again("outbox", self._outbox.run), name="outbox")
        group.create_task(self._again("operators", self._operator.run), name="operators")
        group.create_task(self._again("audit head", self._head.run), name="audit head")

    async def end(self) -> None:
        """Take no more events, finish those in flight, then flush the outbox."""
        self._stopping.set()
        for platform in self._platforms:
            platform.stop()
        if self._taking:
            await asyncio.wait(self._taking)
        self._outbox.stop()
        if self._sending is not None:
            await asyncio.wait([self._sending])

    async def _again(self, name: str, run: Callable[[Ready], Awaitable[None]]) -> None:
        """Run a part, and again after a while when it fails: one part's failure is no other's. It is unwell from then
        on until it says itself that it works.
        """
        back_off = _FIRST_BACK_OFF

        def ready(problem: str | None) -> None:
            nonlocal back_off
            if problem is None:
                back_off = _FIRST_BACK_OFF
            self._health.report(name, problem)

        while not self._stopping.is_set():
            try:
                await run(ready)
            except Exception as error:
                pause = pause_after(error, back_off.total_seconds())
                if isinstance(error, DeliveryProblem | StoreError):  # the reason says it all
                    logger.error("%s failed: %s; it is begun again in %g s", name, error, pause)  # noqa: TRY400
                else:
                    logger.exception("%s failed; it is begun again in %g s", name, pause)
                self._health.report(name, f"{type(error).__name__}: {error}")
                await self._stopping.pause(pause)
                back_off = min(back_off * 2, _LONGEST_BACK_OFF)
            else:
                return
