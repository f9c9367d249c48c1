"""The service's front over HTTP: one server on TCP for people, programs and platforms, one on the control socket."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount, Route, Router

from sayso.bots.github import DeploymentWebhook
from sayso.bots.hooks import InvalidRules, Rules, rules_from
from sayso.bots.http import (
    AgentHooks,
    Api,
    ApiApp,
    ApiParts,
    ConnectionLimits,
    Guard,
    HttpServer,
    RateLimit,
    Starts,
    TcpDoor,
    TrustedProxy,
    control_app,
    public_app,
    sign_in_url,
)
from sayso.bots.people import look_up_deadline
from sayso.bots.web import InboxParts, add_development, add_inbox
from sayso.config import HttpSettings, InvalidSettings, host_and_port, needs_extra, read_secret, why_nobody
from sayso.engine import local_person

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from fastapi import APIRouter

    from sayso.bots.answers import Desk, WaysIn
    from sayso.bots.http import Credentials, Feed
    from sayso.bots.service._health import Health
    from sayso.bots.service._hosted import Hosted
    from sayso.bots.service._metrics import Metrics
    from sayso.bots.web import Development
    from sayso.config import Settings
    from sayso.engine import Runtime, Store

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MOST_LOOKS = 300
"""Looks at what happened, a minute for each person or program; who waits for news needs few."""

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - only compared with


def own_user() -> str:
    """The user as whom this process runs, and who may sign in to the inbox by that name."""
    return local_person().partition(":")[2]


@dataclass(frozen=True, slots=True)
class Inbox:
    """Where the inbox is, on a port that is bound, and the links that let people in."""

    settings: HttpSettings
    port: int
    credentials: Credentials

    @property
    def address(self) -> str:
        """Where people find it."""
        if self.settings.public_url is not None:
            return self.settings.public_url
        host = "127.0.0.1" if self.settings.host in _EVERYWHERE else self.settings.host
        return f"http://{host_and_port(host, self.port)}"

    @property
    def url(self) -> str:
        """The server itself, as this machine reaches it."""
        return f"http://{host_and_port(self.settings.host, self.port)}"

    async def link(self) -> str:
        """A link that signs the user in whom the service runs as, once. Raises `StoreError`."""
        return sign_in_url(self.address, await self.credentials.make_link(own_user()))

    async def link_of(self, person: str) -> str:
        """A link that signs somebody's account in, once. Raises `StoreError`."""
        return sign_in_url(self.address, await self.credentials.make_link_of(person))


@dataclass(frozen=True, slots=True)
class Front:
    """Makes both servers; whoever enters one serves it. There is no `inbox` where HTTP is left out."""

    settings: Settings
    hosted: Sequence[Hosted]
    runtime: Runtime
    store: Store
    desk: Desk
    ways_in: WaysIn
    credentials: Credentials
    inbox: Inbox | None
    feed: Feed
    development: Development | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def close(self) -> None:
        """Have nobody wait for news any more, so that the servers can end."""
        self.closing.set()
        self.feed.close()
        if self.development is not None:
            self.development.news.close()

    def public(
        self, bound: socket.socket, routers: Sequence[APIRouter], health: Health, metrics: Metrics
    ) -> HttpServer:
        """The server for people, programs and the webhooks of platforms."""
        settings = self.settings.http
        door = TcpDoor(self.credentials, _proxy_of(settings))
        api = self._api()
        api_below = ApiApp(api, door)
        hooks = AgentHooks(_rules_of(self.settings), _inside(api_below), door, self.closing)
        routers = [*routers, *self._github()]
        public = public_app(
            self.store,
            lambda: health.problems,
            lambda: metrics.render(self.store.reader, self.store.clock.now()),
            (*routers, hooks.router),
        )
        pages = add_inbox(
            public,
            InboxParts(
                store=self.store,
                desk=self.desk,
                settings=self.settings,
                credentials=self.credentials,
                door=door,
                answers=api.answers,
                sign_ins=RateLimit(settings.sign_ins_per_minute),
                workflows={one.name: one.workflow for one in self.hosted},
                starts=api.starts,
                decide=Api(api).attention,
                api=api_below,
                development=self.development,
            ),
        )
        if self.development is not None:
            add_development(public, self.development, self.credentials, pages, self.hosted[0].name)
        webhooks = [one.path for router in routers for one in router.routes if isinstance(one, APIRoute)]
        limits = ConnectionLimits.of_public(
            settings.connections,
            settings.connections_per_address,
            settings.request_timeout,
            settings.trusted_proxies,
        )
        # The API stands beside the pages and not below them: each application takes its time of every call.
        beside: list[BaseRoute] = [Mount("/api/v1", api_below)]
        if settings.mcp:
            beside.append(_tools_for_agents(api_below, door))
        both = Router(beside, default=public)
        return HttpServer(Guard(both, hosts=self._hosts(), open_paths=webhooks), limits, bound)

    def control(self, bound: socket.socket) -> HttpServer:
        """The server for operators of this machine."""
        app = control_app(self._api(), self.credentials, None if self.inbox is None else self.inbox.address)
        return HttpServer(app, ConnectionLimits.of_control(self.settings.http.request_timeout), bound)

    def _github(self) -> list[APIRouter]:
        """GitHub's webhook, where there is an app. Raises `InvalidSettings` for a secret that cannot be read."""
        github = self.settings.github
        secret = read_secret(github.webhook_secret, github.webhook_secret_file, "github.webhook_secret")
        if github.app_id is None or not secret:
            return []
        return [DeploymentWebhook(github, secret, self.settings.named_policies(), self.runtime).router]

    def _api(self) -> ApiParts:
        return ApiParts(
            runtime=self.runtime,
            store=self.store,
            feed=self.feed,
            answers=RateLimit(self.settings.http.answers_per_minute),
            looks=RateLimit(_MOST_LOOKS),
            starts=Starts(
                self.runtime,
                {one.name: one.workflow for one in self.hosted},
                {one.name: one.starters for one in self.hosted},
            ),
            looked_up=self.desk.looked_up,
            successor=lambda record, to: self.ways_in.successor(record, to, look_up_deadline()),
            public_url=self.settings.http.public_url,
            callback_hosts=frozenset(self.settings.ask.callback_hosts),
            why_nobody=lambda entry: why_nobody(self.settings, entry),
            still_approves=self.ways_in.still_approves,
        )

    def _hosts(self) -> list[str]:
        public = urlsplit(self.settings.http.public_url or "").hostname
        return [*_LOOPBACK, self.settings.http.host, *([public] if public else [])]


def _tools_for_agents(api: ApiApp, door: TcpDoor) -> Route:
    """The tools over MCP. Raises `MissingExtra`."""
    with needs_extra("http.mcp", "mcp"):
        from sayso.bots.service._mcp import PATH, McpApp
    return Route(PATH, McpApp(_inside(api), door))


def _inside(api: ApiApp) -> Router:
    """The API at its address, for those who call it in this process."""
    return Router([Mount("/api/v1", api)])


def _rules_of(settings: Settings) -> Rules:
    """The rules for coding agents. Raises `InvalidSettings`."""
    try:
        return rules_from(settings.hooks.model_dump(mode="json", exclude_none=True))
    except InvalidRules as error:
        raise InvalidSettings(
            "sayso.toml", "hooks", str(error), "docs/reference/settings.md has examples."
        ) from error


def _proxy_of(settings: HttpSettings) -> TrustedProxy | None:
    """The proxy whose word is taken. Raises `InvalidSettings` for a secret's file that cannot be read."""
    secret = read_secret(settings.proxy_secret, settings.proxy_secret_file, "http.proxy_secret")
    if settings.user_header is None or not secret:
        return None
    return TrustedProxy(settings.user_header, frozenset(settings.trusted_proxies), secret)
