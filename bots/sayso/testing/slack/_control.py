"""The control API: over HTTP what tests do in Python, for the page in the browser and for other processes.

Everything stands under `/control/` and speaks JSON. Only this machine may use it, and only with
`Content-Type: application/json`, so that no page of somebody else's can press a button here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from aiohttp import web

from sayso.testing.platform import Call, FaultKind, Impossible, LocalClock, guarded, read_json
from sayso.testing.slack._people import SlackPerson, SlackPress
from sayso.testing.slack._places import Place
from sayso.testing.slack._view import SeenMessage

LONGEST_WAIT = timedelta(seconds=25)


class Controlled(Protocol):
    """What the control API needs of the server."""

    problems: list[str]
    calls: list[Call]
    clock: LocalClock

    @property
    def revision(self) -> int:
        """Counts changes."""
        ...

    @property
    def connections(self) -> int:
        """How many sockets are open."""
        ...

    def people(self) -> list[SlackPerson]:
        """Everybody."""
        ...

    def channels(self) -> list[Place]:
        """Every channel."""
        ...

    def add_person(self, name: str, *, is_bot: bool, is_restricted: bool, is_stranger: bool) -> SlackPerson:
        """A new person."""
        ...

    def add_channel(
        self, name: str, members: Iterable[SlackPerson], *, is_private: bool, has_bot: bool
    ) -> Place:
        """A new channel."""
        ...

    def fail(self, kind: FaultKind, method: str | None, *, times: int, retry_after: int) -> None:
        """Plan a fault."""
        ...

    def drop(self) -> None:
        """Tear all sockets down."""
        ...

    async def until(self, condition: Callable[[], bool], *, by: datetime | None = None) -> None:
        """Wait for a condition."""
        ...


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Body of `POST /control/people`."""

    name: str
    is_bot: bool = False
    is_restricted: bool = False
    is_stranger: bool = False


@dataclass(frozen=True, slots=True)
class NewChannel:
    """Body of `POST /control/channels`; `members` are people's ids."""

    name: str
    members: list[str] = field(default_factory=list[str])
    is_private: bool = False
    has_bot: bool = True


@dataclass(frozen=True, slots=True)
class Act:
    """Body of `POST /control/people/ID/ACTION`. Without `channel` it is about the direct messages with the bot."""

    channel: str | None = None
    ts: str | None = None
    thread: str | None = None
    label: str = ""
    action_id: str | None = None
    number: int = 0
    text: str = ""
    values: dict[str, str | list[str]] = field(default_factory=dict[str, "str | list[str]"])


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


class ControlApi:
    """The handlers; `add_routes` puts them into an application."""

    def __init__(self, server: Controlled) -> None:
        self._server = server

    def add_routes(self, app: web.Application) -> None:
        """Serve `/control/...`."""
        for method, path, handler in (
            ("GET", "/control/state", self._state),
            ("GET", "/control/changes", self._changes),
            ("GET", "/control/calls", self._calls),
            ("GET", "/control/people/{person}/chats", self._chats),
            ("POST", "/control/people", self._add_person),
            ("POST", "/control/people/{person}/{action}", self._act),
            ("POST", "/control/channels", self._add_channel),
            ("POST", "/control/clock", self._advance),
            ("POST", "/control/faults", self._fail),
            ("POST", "/control/drop", self._drop),
        ):
            app.router.add_route(method, path, guarded(handler))

    # --- looking -----------------------------------------------------------------------------------

    async def _state(self, _request: web.Request) -> Any:
        server = self._server
        return {
            "revision": server.revision,
            "now": server.clock.now(),
            "people": [{"id": one.id, "name": one.name} for one in server.people()],
            "channels": [
                {"id": one.id, "name": one.name, "members": one.members} for one in server.channels()
            ],
            "connections": server.connections,
            "problems": server.problems,
        }

    async def _changes(self, request: web.Request) -> Any:
        """Wait until something is newer than `?after=REVISION`."""
        server, after = self._server, int(request.query.get("after", "-1"))
        await server.until(lambda: server.revision > after, by=server.clock.now() + LONGEST_WAIT)
        return {"revision": server.revision}

    async def _calls(self, _request: web.Request) -> Any:
        return self._server.calls

    async def _chats(self, request: web.Request) -> Any:
        """All channels of a person as they see them, their direct messages first; their modal and their home."""
        person = self._person(request)
        joined = [one for one in self._server.channels() if person.id in one.members]
        chats: list[dict[str, Any]] = [{"id": None, "title": None, "messages": self._seen(person, None)}]
        chats += [{"id": one.id, "title": one.name, "messages": self._seen(person, one)} for one in joined]
        return {"chats": chats, "view": person.view, "home": person.home}

    @staticmethod
    def _seen(person: SlackPerson, place: Place | None) -> list[dict[str, Any]]:
        return [
            {"message": one, "thread": person.messages(place, thread=one.ts)}
            for one in person.messages(place)
        ]

    # --- doing -------------------------------------------------------------------------------------

    async def _add_person(self, request: web.Request) -> Any:
        new = await read_json(request, NewPerson)
        person = self._server.add_person(
            new.name, is_bot=new.is_bot, is_restricted=new.is_restricted, is_stranger=new.is_stranger
        )
        return {"id": person.id}

    async def _add_channel(self, request: web.Request) -> Any:
        new = await read_json(request, NewChannel)
        members = [person for person in self._server.people() if person.id in new.members]
        channel = self._server.add_channel(new.name, members, is_private=new.is_private, has_bot=new.has_bot)
        return {"id": channel.id}

    async def _advance(self, request: web.Request) -> Any:
        self._server.clock.advance(timedelta(seconds=(await read_json(request, Advance)).seconds))
        return {"now": self._server.clock.now()}

    async def _fail(self, request: web.Request) -> Any:
        fault = await read_json(request, PlannedFault)
        self._server.fail(fault.kind, fault.method, times=fault.times, retry_after=fault.retry_after)
        return {}

    async def _drop(self, _request: web.Request) -> Any:
        self._server.drop()
        return {}

    async def _act(self, request: web.Request) -> Any:
        person, act = self._person(request), await read_json(request, Act)
        done = await self._do(person, act, request.match_info["action"])
        return await done.result() if isinstance(done, SlackPress) else done

    async def _do(self, person: SlackPerson, act: Act, action: str) -> Any:
        place = self._place(act.channel)
        command, _, text = act.text.partition(" ")
        actions: dict[str, Callable[[], Any]] = {
            "press": lambda: person.press(
                self._message(person, place, act), act.label, action_id=act.action_id, number=act.number
            ),
            "choose": lambda: person.choose(
                self._message(person, place, act), act.label, action_id=act.action_id
            ),
            "search": lambda: person.search(self._message(person, place, act), act.text),
            "submit": lambda: person.submit(act.values),
            "close": person.close_view,
            "home": person.open_home,
            "press_at_home": lambda: person.press_at_home(act.label, act.number),
            "press_in_view": lambda: person.press_in_view(act.label, act.number),
            "command": lambda: person.command(command, text, place),
            "write": lambda: person.write(act.text, place, thread=act.thread),
        }
        if action not in actions:
            raise Impossible(person.name, f"there is no action {action!r} here")
        return await actions[action]()

    # --- who and what ------------------------------------------------------------------------------

    def _person(self, request: web.Request) -> SlackPerson:
        for person in self._server.people():
            if person.id == request.match_info["person"]:
                return person
        raise Impossible(request.match_info["person"], "is nobody here")

    def _place(self, channel: str | None) -> Place | None:
        if channel is None:
            return None
        for place in self._server.channels():
            if place.id == channel:
                return place
        raise Impossible(channel, "is no channel here")

    @staticmethod
    def _message(person: SlackPerson, place: Place | None, act: Act) -> SeenMessage:
        for message in person.messages(place):
            if message.ts == act.ts:
                return message
        raise Impossible(person.name, f"sees no message {act.ts}")
