"""The control API: over HTTP what tests do in Python, for the page in the browser and for other processes.

Everything stands under `/control/` and speaks JSON. Only this machine may use it, and only with
`Content-Type: application/json`, so that no page of somebody else's can press a button here. What people are, see and
do is each platform's; it says so in a class of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from aiohttp import web

from sayso.testing.platform._faults import FaultKind
from sayso.testing.platform._impossible import Impossible
from sayso.testing.platform._server import LocalServer

Handler = Callable[[web.Request], Awaitable[Any]]
LOCAL_HOSTS = {"127.0.0.1", "localhost"}
LONGEST_WAIT = timedelta(seconds=25)


class HasName(Protocol):
    """Anybody on a platform."""

    @property
    def id(self) -> int | str:
        """Their id there."""
        ...

    @property
    def name(self) -> str:
        """What they are called."""
        ...


Server = TypeVar("Server", bound=LocalServer[Any])
Person = TypeVar("Person", bound=HasName)
Act = TypeVar("Act")
Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class Advance:
    """Body of `POST /control/clock`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """Body of `POST /control/faults`."""

    kind: FaultKind
    method: str | None = None
    times: int = 1
    retry_after: int = 30


class ControlApi(ABC, Generic[Server, Person, Act]):
    """The handlers; `add_routes` puts them into an application. `Act` is the body of what people do."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def add_routes(self, app: web.Application) -> None:
        """Serve `/control/...`."""
        for method, path, handler in (
            ("GET", "/control/state", self._state),
            ("GET", "/control/changes", self._changes),
            ("GET", "/control/calls", self._calls),
            ("GET", "/control/people/{person}/chats", self._chats_of),
            ("POST", "/control/people", self._add_person),
            ("POST", "/control/people/{person}/{action}", self._act),
            ("POST", "/control/clock", self._advance),
            ("POST", "/control/faults", self._fail),
            *self._more_routes(),
        ):
            app.router.add_route(method, path, _guarded(handler))

    # --- the platform's own ------------------------------------------------------------------------

    @property
    @abstractmethod
    def _body_of_act(self) -> type[Act]:
        """The shape of what comes with something that somebody does."""

    @abstractmethod
    def _more_routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Addresses that only this platform has."""

    @abstractmethod
    def _people(self) -> Iterable[Person]:
        """Everybody."""

    @abstractmethod
    def _more_state(self) -> Mapping[str, Any]:
        """What is there beside what every platform has."""

    @abstractmethod
    async def _chats(self, person: Person) -> Any:
        """All that somebody sees, chat by chat."""

    @abstractmethod
    async def _add_person(self, request: web.Request) -> Any:
        """A new person; their id."""

    @abstractmethod
    async def _actions(self, person: Person, act: Act) -> Mapping[str, Callable[[], Awaitable[Any]]]:
        """What somebody can do, by the name of the action."""

    # --- what all have -----------------------------------------------------------------------------

    async def _state(self, _request: web.Request) -> Any:
        server = self._server
        common = {"revision": server.revision, "now": server.clock.now(), "problems": server.problems}
        return {**common, **self._more_state()}

    async def _changes(self, request: web.Request) -> Any:
        """Wait until something is newer than `?after=REVISION`."""
        server, after = self._server, int(request.query.get("after", "-1"))
        await server.until(lambda: server.revision > after, by=server.clock.now() + LONGEST_WAIT)
        return {"revision": server.revision}

    async def _calls(self, _request: web.Request) -> Any:
        return self._server.calls

    async def _chats_of(self, request: web.Request) -> Any:
        return await self._chats(self._person(request))

    async def _advance(self, request: web.Request) -> Any:
        self._server.clock.advance(timedelta(seconds=(await read_json(request, Advance)).seconds))
        return {"now": self._server.clock.now()}

    async def _fail(self, request: web.Request) -> Any:
        fault = await read_json(request, PlannedFault)
        self._server.fail(fault.kind, fault.method, times=fault.times, retry_after=fault.retry_after)
        return {}

    async def _act(self, request: web.Request) -> Any:
        person, action = self._person(request), request.match_info["action"]
        actions = await self._actions(person, await read_json(request, self._body_of_act))
        if action not in actions:
            raise Impossible(person.name, f"there is no action {action!r} here")
        return await actions[action]()

    def _person(self, request: web.Request) -> Person:
        wanted = request.match_info["person"]
        for person in self._people():
            if str(person.id) == wanted:
                return person
        raise Impossible(wanted, "is nobody here")


async def read_json(request: web.Request, kind: type[Body]) -> Body:
    """A request's body as a value of this kind. Raises `msgspec.MsgspecError`."""
    return msgspec.json.decode(await request.read() or b"{}", type=kind)


def _guarded(handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler for this machine alone, and for JSON alone; what it returns goes out as JSON."""

    async def handle(request: web.Request) -> web.Response:
        if request.url.host not in LOCAL_HOSTS or (
            request.method == "POST" and request.content_type != "application/json"
        ):
            return _json({"error": "only this machine, and only JSON"}, 403)
        try:
            return _json(await handler(request), 200)
        except Impossible as error:
            return _json({"error": str(error)}, 409)
        except (msgspec.MsgspecError, ValueError) as error:
            return _json({"error": str(error)}, 400)

    return handle


def _json(value: Any, status: int) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
