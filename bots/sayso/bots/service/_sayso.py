"""The service as one object: workflows on a loop of their own, platforms, outbox, HTTP, and an orderly stop.

Each part is whole when it is made: the address first, then what sends cards and looks people up, then what answers, and
last what takes events.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from sayso.bots.answers import Answering, Commands, Desk, Links, Offers, StandIns, WaysIn
from sayso.bots.chats import (
    Connection,
    Listener,
    Outbox,
    Parts,
    Platform,
    Presses,
    UnderWay,
    configured_platforms,
)
from sayso.bots.client import check_purpose, socket_path
from sayso.bots.github import GitHubApp
from sayso.bots.http import Credentials, Feed, bound_beside, bound_to
from sayso.bots.people import Groups
from sayso.bots.service._callbacks import Callbacks
from sayso.bots.service._crew import Crew
from sayso.bots.service._front import Front, Inbox, own_user
from sayso.bots.service._health import Health
from sayso.bots.service._hosted import Hosted, hosted
from sayso.bots.service._metrics import Metrics
from sayso.bots.service._operators import HeadLog, OperatorDesk
from sayso.bots.service._workflows import RuntimeThread, giving_way
from sayso.bots.web import Development
from sayso.config import InvalidSettings, Settings
from sayso.engine import ASK, CodeThreads, OperatorError, Runtime, Store, Workflow, ask_workflow, open_store

if TYPE_CHECKING:
    from socket import socket as Socket  # noqa: N812 - `socket` is a property here

    from fastapi import APIRouter


class NotServing(OperatorError):
    """A `Sayso` does not have this part: it is not entered, or the part is turned off. `part` says which."""

    def __init__(self, part: str) -> None:
        self.part = part
        super().__init__(
            f"{part} is not available: use it inside `async with sayso:`, with a Sayso that has it"
        )


@dataclass(frozen=True, slots=True)
class _Core:
    """What all parts work with. `news` is set when operators have something to hear."""

    store: Store
    runtime: Runtime
    metrics: Metrics
    health: Health
    news: asyncio.Event


@dataclass(frozen=True, slots=True)
class _Running:
    """What there is while a `Sayso` is entered."""

    core: _Core
    inbox: Inbox | None


class Sayso:
    """Serves while it is entered: workflows, their cards on platforms, HTTP with the web inbox and the API, and the
    control socket that the command line talks to; the last two can be turned off.

    A plain `Workflow` may be started by operators only; `Hosted` names others. Without `platforms`, those in the
    settings are used; `new_store` opens the database that the settings name. Entered again, it continues where it
    stopped. With a `Development` for `http`, it serves only the author of the workflows, on a database that no other
    `Sayso` serves.

    Entering raises `StoreError`, `InvalidWorkflow`, `InvalidSettings`, `MissingExtra`, and `OSError` for an address
    that is already in use. Leaving stops in order: it reports not ready, accepts no more events, finishes work in
    progress, sends cards for at most 5 s, then closes platforms and store. If the loop of the workflows ends by itself,
    the task that entered is cancelled, and leaving raises `WorkflowsEnded` in an `ExceptionGroup`. Leave it in the task
    that entered it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        workflows: Sequence[Workflow | Hosted] = (),
        platforms: Sequence[Platform[Answering]] | None = None,
        new_store: Callable[[], Store] | None = None,
        http: bool | Development = True,
        control: bool = True,
    ) -> None:
        self._settings = settings
        self._hosted = hosted(workflows)
        if platforms is None:
            platforms = cast("Sequence[Platform[Answering]]", configured_platforms(settings))
        self._platforms = tuple(platforms)
        self._new_store = new_store or (lambda: open_store(settings.database))
        self._http = bool(http)
        self._development = http if isinstance(http, Development) else None
        self._control = control
        self._entered: AbstractAsyncContextManager[_Running] | None = None
        self._running: _Running | None = None

    async def __aenter__(self) -> Self:
        self._entered = self._serve()
        self._running = await self._entered.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._entered is not None
        try:
            await self._entered.__aexit__(kind, error, trace)
        finally:
            self._running = None

    @property
    def store(self) -> Store:
        """The open store. Raises `NotServing`, like the members below."""
        return self._inside.core.store

    @property
    def runtime(self) -> Runtime:
        """Starts runs and takes answers, from any loop; the workflows run on a thread of their own."""
        return self._inside.core.runtime

    @property
    def url(self) -> str:
        """The address of the HTTP server on this machine."""
        return self._inbox.url

    @property
    def socket(self) -> str:
        """The path of the control socket."""
        if not self._control:
            raise NotServing("control socket")
        return str(socket_path(self.store.beside).path)

    @property
    def problems(self) -> dict[str, str]:
        """The present problems by part, as in `/readyz`; empty if everything works. Raises nothing."""
        if self._running is None:
            return {"service": "it is not running"}
        return self._running.core.health.problems

    async def make_link(self) -> str:
        """A link to the inbox that signs in, once, as the OS user of this process. Raises `StoreError`."""
        return await self._inbox.link()

    @property
    def _inside(self) -> _Running:
        if self._running is None:
            raise NotServing("service")
        return self._running

    @property
    def _inbox(self) -> Inbox:
        inbox = self._inside.inbox
        if inbox is None:
            raise NotServing("HTTP")
        return inbox

    @asynccontextmanager
    async def _serve(self) -> AsyncGenerator[_Running]:
        news, health = asyncio.Event(), Health()
        metrics = Metrics(news.set)
        health.report("service", "it is starting")
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(self._new_store())
            await check_purpose(store, is_development=self._development is not None)
            stack.enter_context(giving_way())
            thread = self._thread(store, metrics)
            runtime = await stack.enter_async_context(thread)
            core = _Core(store, runtime, metrics, health, news)
            bound = self._bind(stack) if self._http else None
            parts = Parts(self._settings, store, metrics, UnderWay())
            connections = [one.build(parts) for one in self._platforms]
            for one in connections:
                stack.push_async_callback(one.close)
            front = self._front(core, connections, bound)
            answering = self._answering(core, front, parts.under_way)
            listeners = {one.name: one.listen(answering) for one in connections}
            routers = _webhooks(listeners, are_served=self._http)
            if bound is not None:
                await stack.enter_async_context(front.public(bound, routers, health, metrics))
            if self._control:
                beside = stack.enter_context(bound_beside(socket_path(store.beside)))
                await stack.enter_async_context(front.control(beside))
            stack.callback(front.close)
            crew = self._crew(core, connections, listeners, parts.under_way)
            group = await stack.enter_async_context(_ending(asyncio.TaskGroup(), crew))
            crew.begin(group)
            group.create_task(thread.watch(), name="workflows")
            group.create_task(front.feed.run(), name="feed")
            health.report("service", None)
            yield _Running(core, front.inbox)
            health.report("service", "it is stopping")

    def _bind(self, stack: AsyncExitStack) -> Socket:
        """The address, for as long as it is served; a development server's outlives it."""
        if self._development is not None:
            return self._development.bound
        http = self._settings.http
        return stack.enter_context(bound_to(http.host, http.port))

    def _thread(self, store: Store, metrics: Metrics) -> RuntimeThread:
        """The workflows. What is wrong with their settings is raised here."""
        settings = self._settings
        policies, directory = settings.named_policies(), settings.directory()

        def runtime(own: Store) -> Runtime:
            return Runtime(
                own,
                [ask_workflow, *(one.workflow for one in self._hosted)],
                resident=settings.resident,
                audiences={one.name: one.to for one in self._hosted if one.to}
                | ({ASK: settings.ask.to} if settings.ask.to else {}),
                policies=policies,
                directory=directory,
                threads=CodeThreads(settings.threads, metrics.code_waits),
            )

        async def set_aside() -> None:
            await store.set_aside([ASK, *(one.name for one in self._hosted)])

        return RuntimeThread(runtime, self._new_store, set_aside)

    def _front(
        self, core: _Core, connections: Sequence[Connection[Answering]], bound: Socket | None
    ) -> Front:
        """Who is let in by which way, now that all platforms can be asked."""
        store, settings = core.store, self._settings
        memberships = {one.name: one.membership for one in connections}
        groups, development = Groups(settings, memberships, store.clock), self._development
        lets_in = WaysIn if development is None else StandIns
        ways_in = lets_in(store, settings, memberships, groups)
        operators = settings.http.operators if development is None else development.operators
        credentials = Credentials(store, operators, f"web:{own_user()}", ways_in.standing)
        return Front(
            settings=settings,
            hosted=self._hosted,
            runtime=core.runtime,
            store=store,
            desk=Desk(store, core.runtime, settings, ways_in, core.metrics),
            ways_in=ways_in,
            credentials=credentials,
            inbox=None if bound is None else Inbox(settings.http, bound.getsockname()[1], credentials),
            feed=Feed(store),
            development=development,
        )

    def _answering(self, core: _Core, front: Front, under_way: UnderWay) -> Answering:
        """What platforms hand on to what people do."""
        may_link = self._settings.listed_people_may_link
        offers = Offers(
            starters={one.name: one.starters for one in self._hosted},
            workflows={one.name: one.workflow for one in self._hosted},
            links=Links(core.store, core.metrics.accounts_changed, listed_may_link=may_link),
            sign_in=None if front.inbox is None else front.inbox.link_of,
        )
        return Answering(
            front.desk,
            Commands(core.store, core.runtime, front.desk, front.ways_in, offers),
            Presses(core.store, under_way, core.metrics),
        )

    def _crew(
        self,
        core: _Core,
        connections: Sequence[Connection[Answering]],
        listeners: dict[str, Listener],
        under_way: UnderWay,
    ) -> Crew:
        """The parts that work until the end."""
        surfaces = {one.name: one.surface for one in connections}
        return Crew(
            listeners,
            Outbox(core.store, surfaces.values(), core.metrics, under_way),
            OperatorDesk(core.store, surfaces, self._settings.operator, core.news),
            HeadLog(core.store.reader),
            Callbacks(core.store, self._settings.http.public_url, self._github_app(core)),
            core.health,
        )

    def _github_app(self, core: _Core) -> GitHubApp | None:
        """The app that reviews deployments. Raises `InvalidSettings` and `MissingExtra`."""
        github = self._settings.github
        if github.app_id is None:
            return None
        assert github.private_key_file is not None  # as the section demands
        return GitHubApp(github.app_id, github.private_key_file, github.api_url, core.store.clock)


def _webhooks(listeners: Mapping[str, Listener], *, are_served: bool) -> list[APIRouter]:
    """The webhooks of platforms. Raises `InvalidSettings` for one that nobody would serve: presses would be lost."""
    routers = {name: one.router for name, one in listeners.items() if one.router is not None}
    for name in () if are_served else routers:
        raise InvalidSettings(
            "sayso.toml",
            f"{name}.mode",
            "it receives requests over HTTP, and this Sayso was made with `http=False`",
            "Use the mode that fetches, or leave `http` on.",
        )
    return list(routers.values())


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
