"""The control API: over HTTP what tests do in Python, for the page in the browser and for other processes.

Everything stands under `/control/` and speaks JSON. Only this machine may use it, and only with
`Content-Type: application/json`, so that no page of somebody else's can press a button here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from aiohttp import web

from sayso.testing.platform import Call, FaultKind, Impossible, LocalClock, guarded, read_json
from sayso.testing.telegram._groups import Group
from sayso.testing.telegram._people import Person
from sayso.testing.telegram._state import PendingUpdate
from sayso.testing.telegram._view import SeenMessage

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
    def pending_updates(self) -> list[PendingUpdate]:
        """What the bot has not confirmed."""
        ...

    def people(self) -> list[Person]:
        """Everybody."""
        ...

    def groups(self) -> list[Group]:
        """Every group."""
        ...

    def add_person(
        self, name: str, *, username: str | None, language: str | None, has_started: bool
    ) -> Person:
        """A new person."""
        ...

    async def add_group(self, title: str, members: list[Person], *, supergroup: bool, forum: bool) -> Group:
        """A new group."""
        ...

    def fail(self, kind: FaultKind, method: str | None, *, times: int, retry_after: int) -> None:
        """Plan a fault."""
        ...

    async def until(self, condition: Callable[[], bool], *, by: datetime | None = None) -> None:
        """Wait for a condition."""
        ...


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Body of `POST /control/people`."""

    name: str
    username: str | None = None
    language: str | None = "en"
    has_started: bool = True


@dataclass(frozen=True, slots=True)
class NewGroup:
    """Body of `POST /control/groups`; `members` are people's ids."""

    title: str
    members: list[int] = field(default_factory=list[int])
    supergroup: bool = True
    forum: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """Body of `POST /control/people/ID/ACTION`. Without `chat_id` the chat is the person's own with the bot."""

    chat_id: int | None = None
    message_id: int | None = None
    label: str = ""
    position: int | None = None
    text: str = ""
    topic: int | None = None
    payload: str | None = None
    anonymous: bool = False


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
            ("POST", "/control/groups", self._add_group),
            ("POST", "/control/clock", self._advance),
            ("POST", "/control/faults", self._fail),
        ):
            app.router.add_route(method, path, guarded(handler))

    # --- looking -----------------------------------------------------------------------------------

    async def _state(self, _request: web.Request) -> Any:
        server = self._server
        return {
            "revision": server.revision,
            "now": server.clock.now(),
            "people": [{"id": p.id, "name": p.name, "username": p.username} for p in server.people()],
            "groups": [{"id": g.id, "title": g.title, "members": g.members} for g in server.groups()],
            "pending_updates": server.pending_updates,
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
        """All chats of a person as they see them; the chat with the bot has their own id."""
        person = self._person(request)
        chats: list[dict[str, Any]] = []
        if person.has_private_chat:
            chats.append({"id": person.id, "title": None, "messages": await person.sees()})
        joined = [group for group in self._server.groups() if person.id in group.members]
        return chats + [{"id": g.id, "title": g.title, "messages": await person.sees(g)} for g in joined]

    # --- doing -------------------------------------------------------------------------------------

    async def _add_person(self, request: web.Request) -> Any:
        new = await read_json(request, NewPerson)
        person = self._server.add_person(
            new.name, username=new.username, language=new.language, has_started=new.has_started
        )
        return {"id": person.id}

    async def _add_group(self, request: web.Request) -> Any:
        new = await read_json(request, NewGroup)
        members = [person for person in self._server.people() if person.id in new.members]
        group = await self._server.add_group(new.title, members, supergroup=new.supergroup, forum=new.forum)
        return {"id": group.id}

    async def _advance(self, request: web.Request) -> Any:
        self._server.clock.advance(timedelta(seconds=(await read_json(request, Advance)).seconds))
        return {"now": self._server.clock.now()}

    async def _fail(self, request: web.Request) -> Any:
        fault = await read_json(request, PlannedFault)
        self._server.fail(fault.kind, fault.method, times=fault.times, retry_after=fault.retry_after)
        return {}

    async def _act(self, request: web.Request) -> Any:
        person, act = self._person(request), await read_json(request, Act)
        group = self._group(act.chat_id) if act.chat_id not in (None, person.id) else None
        match request.match_info["action"]:
            case "press":
                message = await self._message(person, group, act)
                return await person.press(message, act.label or None, position=act.position)
            case "follow":
                return {"url": await person.follow(await self._message(person, group, act), act.label)}
            case "reply":
                message = await self._message(person, group, act)
                return await person.reply(message, act.text, anonymous=act.anonymous)
            case "say":
                return await person.say(group, act.text, topic=act.topic, anonymous=act.anonymous)
            case "start":
                return await person.start(act.payload)
            case "block":
                return await person.block()
            case "unblock":
                return await person.unblock()
            case "leave" if group is not None:
                return await person.leave(group)
            case action:
                raise Impossible(person.name, f"there is no action {action!r} here")

    # --- who and what ------------------------------------------------------------------------------

    def _person(self, request: web.Request) -> Person:
        for person in self._server.people():
            if str(person.id) == request.match_info["person"]:
                return person
        raise Impossible(request.match_info["person"], "is nobody here")

    def _group(self, chat_id: int | None) -> Group:
        for group in self._server.groups():
            if group.id == chat_id:
                return group
        raise Impossible(str(chat_id), "is no chat here")

    @staticmethod
    async def _message(person: Person, group: Group | None, act: Act) -> SeenMessage:
        for message in await person.sees(group):
            if message.message_id == act.message_id:
                return message
        raise Impossible(person.name, f"sees no message {act.message_id}")
