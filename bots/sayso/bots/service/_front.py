"""The service's front over HTTP: one server on TCP for people, programs and platforms, one on the control socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi.routing import APIRoute

from sayso.bots.http import (
    ApiApp,
    ApiParts,
    ConnectionLimits,
    Credentials,
    Feed,
    Guard,
    Health,
    HttpServer,
    RateLimit,
    TcpDoor,
    TrustedProxy,
    control_app,
    public_app,
    sign_in_url,
    socket_path,
)
from sayso.bots.people import look_up_deadline
from sayso.bots.web import InboxParts, add_inbox
from sayso.config import HttpSettings, host_and_port, read_secret
from sayso.engine import local_person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import APIRouter

    from sayso.bots.answers import Desk, WaysIn
    from sayso.bots.http import Metrics
    from sayso.bots.service._sayso import Plan
    from sayso.engine import Runtime, SQLiteStore

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MOST_LOOKS = 300
"""Looks at what happened, a minute for each person or program; who waits for news needs few."""

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - only compared with


def _proxy_of(settings: HttpSettings) -> TrustedProxy | None:
    """The proxy whose word is taken. Raises `InvalidSettings` for a secret's file that cannot be read."""
    secret = read_secret(settings.proxy_secret, settings.proxy_secret_file, "http.proxy_secret")
    if settings.user_header is None or not secret:
        return None
    return TrustedProxy(settings.user_header, frozenset(settings.trusted_proxies), secret)


@dataclass(frozen=True, slots=True)
class FrontParts:
    """What the front serves."""

    runtime: Runtime
    store: SQLiteStore
    desk: Desk
    ways_in: WaysIn
    metrics: Metrics
    health: Health


class Front:
    """Puts both servers together; whoever enters `http` and `control` serves them."""

    def __init__(self, plan: Plan, parts: FrontParts, routers: Sequence[APIRouter]) -> None:
        settings = plan.settings.http
        store = parts.store
        self._settings = settings
        self.feed = Feed(store)
        self.socket = socket_path(store.path)
        self._user = local_person().partition(":")[2]
        self._credentials = Credentials(
            store, settings.operators, f"web:{self._user}", parts.ways_in.standing
        )
        api = ApiParts(
            runtime=parts.runtime,
            store=store,
            feed=self.feed,
            answers=RateLimit(settings.answers_per_minute),
            looks=RateLimit(_MOST_LOOKS),
            starters=lambda workflow: plan.starters.get(workflow, frozenset()),
            looked_up=parts.desk.looked_up,
            successor=lambda record, to: parts.ways_in.successor(record, to, look_up_deadline()),
            exit_code=plan.exit_code,
        )
        door = TcpDoor(self._credentials, _proxy_of(settings))
        api_below = ApiApp(api, door)
        public = public_app(parts.health, parts.metrics, store, routers, {"/api/v1": api_below})
        add_inbox(
            public,
            InboxParts(
                store=store,
                desk=parts.desk,
                settings=plan.settings,
                credentials=self._credentials,
                door=door,
                answers=api.answers,
                sign_ins=RateLimit(settings.sign_ins_per_minute),
                workflows={workflow.name: workflow for workflow in plan.workflows},
                api=api_below,
                exit_code=plan.exit_code,
            ),
        )
        webhooks = [one.path for router in routers for one in router.routes if isinstance(one, APIRoute)]
        within = settings.request_timeout
        self.http = HttpServer(
            Guard(public, hosts=self._hosts(), open_paths=webhooks),
            ConnectionLimits.of_public(
                settings.connections, settings.connections_per_address, within, settings.trusted_proxies
            ),
            host=settings.host,
            port=settings.port,
        )
        self.control = HttpServer(
            control_app(api, self._credentials, lambda: self.address),
            ConnectionLimits.of_control(within),
            path=self.socket,
        )

    @property
    def address(self) -> str:
        """Where people find the inbox. Known once `http` is entered."""
        if self._settings.public_url is not None:
            return self._settings.public_url
        host = "127.0.0.1" if self._settings.host in _EVERYWHERE else self._settings.host
        return f"http://{host_and_port(host, self.http.port)}"

    @property
    def url(self) -> str:
        """The server itself, as this machine reaches it."""
        return f"http://{host_and_port(self._settings.host, self.http.port)}"

    async def link(self) -> str:
        """A link that signs the user in whom the service runs as, once. Raises `StoreError`."""
        return sign_in_url(self.address, await self._credentials.make_link(self._user))

    async def link_of(self, person: str) -> str:
        """A link that signs somebody's account in, once. Raises `StoreError`."""
        return sign_in_url(self.address, await self._credentials.make_link_of(person))

    def _hosts(self) -> list[str]:
        public = urlsplit(self._settings.public_url or "").hostname
        return [*_LOOPBACK, self._settings.host, *([public] if public else [])]
