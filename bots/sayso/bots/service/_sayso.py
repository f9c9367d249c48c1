"""`sayso serve`, put together: workflows on a loop of their own, platforms, outbox, HTTP, and an orderly stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from sayso.bots.answers import Answering, Commands, Desk, Links, WaysIn
from sayso.bots.chats import Connection, Outbox, Parts, Presses, UnderWay
from sayso.bots.http import Health, Metrics
from sayso.bots.people import Groups, Membership
from sayso.bots.service._crew import Crew
from sayso.bots.service._front import Front, FrontParts
from sayso.bots.service._operators import HeadLog, OperatorDesk
from sayso.bots.service._workflows import RuntimeThread, WorkflowsEnded
from sayso.config import Settings
from sayso.engine import CodeThreads, Runtime, SaysoError, SQLiteStore, Workflow

logger = logging.getLogger("sayso.serve")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be served."""

    settings: Settings
    new_store: Callable[[], SQLiteStore]
    workflows: Sequence[Workflow]
    starters: Mapping[str, frozenset[str]]
    audiences: Mapping[str, tuple[str, ...]]
    platforms: Callable[[Parts], list[Connection[Answering]]]
    exit_code: Callable[[SaysoError], int]


@dataclass(frozen=True, slots=True)
class Serving:
    """A service that runs: where its HTTP server listens. `make_link` makes a link that signs its own user in, once."""

    store: SQLiteStore
    runtime: Runtime
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
    news = asyncio.Event()
    health, metrics = Health(), Metrics(news.set)
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
        answering = Answering(desk, commands, presses)
        platforms = plan.platforms(Parts(plan.settings, store, metrics, under_way))
        memberships.update({one.name: one.membership for one in platforms})
        for one in platforms:
            stack.push_async_callback(one.close)
        listeners = {one.name: one.listen(answering) for one in platforms}
        routers = [one.router for one in listeners.values() if one.router is not None]
        front = Front(plan, FrontParts(runtime, store, desk, ways_in, metrics, health), routers)
        commands.sign_in = front.link_of
        await stack.enter_async_context(front.http)
        await stack.enter_async_context(front.control)
        stack.callback(front.feed.close)
        surfaces = {one.name: one.surface for one in platforms}
        outbox = Outbox(store, surfaces.values(), metrics, under_way)
        names = frozenset(workflow.name for workflow in plan.workflows)
        operator = OperatorDesk(store, surfaces, plan.settings.operator, names, news)
        crew = Crew(listeners, outbox, operator, HeadLog(store.reader), health)
        group = await stack.enter_async_context(_ending(asyncio.TaskGroup(), crew))
        crew.begin(group)
        group.create_task(_watch(thread), name="workflows")
        group.create_task(front.feed.run(), name="feed")
        health.report("service", None)
        yield Serving(store, runtime, front.url, str(front.socket.path), front.link)
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
async def _ending(group: asyncio.TaskGroup, crew: Crew) -> AsyncGenerator[asyncio.TaskGroup]:
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
