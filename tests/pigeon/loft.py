"""A loft: the small chat's server, over real HTTP, and people who use it. It is strict: what a correct bot never does,
it notes in `problems`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from sayso.testing.conformance import Failure, Sending

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

TOKEN = "the-pigeons-secret"


@dataclass(frozen=True)
class Message:
    id: str
    place: str
    text: str
    buttons: tuple[tuple[str, str], ...]
    """Labels with their data."""

    replies: str | None

    def as_json(self) -> dict[str, Any]:
        buttons = [{"label": label, "data": data} for label, data in self.buttons]
        return {**vars(self), "buttons": buttons}


@dataclass
class Place:
    title: str
    members: list[str]
    is_open: bool = True
    sent: list[datetime] = field(default_factory=list[datetime])


@dataclass(frozen=True)
class Event:
    id: str
    person: str
    message: str
    data: str
    text: str | None


class Loft:
    """The server. `deliveries` are events in the order in which the bot gets them; one that is delivered again stands
    there again.
    """

    def __init__(self) -> None:
        self.people: dict[str, str] = {}
        self.places: dict[str, Place] = {}
        self.messages: dict[str, Message] = {}
        self.deliveries: list[Event] = []
        self.confirmed = 0
        self.heard: dict[str, str] = {}
        self.problems: list[str] = []
        self.failures: list[tuple[Sending, Failure]] = []
        self.fetches = 0
        self.revision = 0
        self.url = ""
        self._changed = asyncio.Condition()

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncGenerator[Loft]:
        loft = cls()
        app = web.Application(middlewares=[loft._let_in])
        app.add_routes(
            [
                web.get("/me", loft._me),
                web.get("/people/{person}", loft._person),
                web.get("/places/{place}", loft._place),
                web.post("/places/{place}/messages", loft._post),
                web.put("/messages/{message}", loft._edit),
                web.get("/events", loft._events),
                web.post("/events/{event}/reply", loft._reply),
            ]
        )
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        loft.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield loft
        finally:
            await runner.cleanup()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(holds)

    async def change(self) -> None:
        self.revision += 1
        async with self._changed:
            self._changed.notify_all()

    # People.

    async def do(self, person: str, message: Message, data: str, text: str | None = None) -> str:
        """Press a button, or reply; what they hear."""
        event = Event(f"e{len(self.deliveries) + 1}", person, message.id, data, text)
        self.deliveries.append(event)
        await self.change()
        await self.until(lambda: event.id in self.heard)
        return self.heard[event.id]

    async def deliver_again(self) -> None:
        """The latest event once more, as if it had not been confirmed."""
        self.deliveries.append(self.deliveries[-1])
        await self.change()

    # The bot.

    @web.middleware
    async def _let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401, text="unknown token")
        return await handler(request)

    async def _me(self, request: web.Request) -> web.Response:
        return web.json_response({"name": "sayso"})

    async def _person(self, request: web.Request) -> web.Response:
        name = self.people.get(request.match_info["person"])
        return web.Response(status=404) if name is None else web.json_response({"name": name})

    async def _place(self, request: web.Request) -> web.Response:
        place = self.places.get(request.match_info["place"])
        if place is None or not place.is_open:
            return web.Response(status=403, text="the bot is not in this place")
        return web.json_response({"title": place.title, "members": place.members})

    async def _post(self, request: web.Request) -> web.StreamResponse:
        place = self.places.get(request.match_info["place"])
        if place is None or not place.is_open:
            return web.Response(status=403, text="the bot is not in this place")
        failure = self._failure(Sending.SEND)
        if failure is Failure.SERVER_ERROR:
            return web.Response(status=500)
        place.sent.append(datetime.now(UTC))
        message = self.add(request.match_info["place"], await request.json())
        return await self._answer(request, message, failure)

    async def _edit(self, request: web.Request) -> web.StreamResponse:
        known = self.messages.get(request.match_info["message"])
        if known is None:
            return web.Response(status=404)
        if not self.places[known.place].is_open:
            return web.Response(status=403, text="the bot is not in this place")
        failure = self._failure(Sending.EDIT)
        if failure is Failure.SERVER_ERROR:
            return web.Response(status=500)
        message = self.put(known, await request.json())
        return await self._answer(request, message, failure)

    def add(self, place: str, shown: dict[str, Any]) -> Message:
        message = Message(f"m{len(self.messages) + 1}", place, "", (), None)
        return self.put(message, shown)

    def put(self, message: Message, shown: dict[str, Any]) -> Message:
        if set(shown) != {"text", "buttons", "replies"} or not shown["text"]:
            self.problems.append(f"a message of another shape: {shown}")
        buttons = tuple((one["label"], one["data"]) for one in shown["buttons"])
        changed = replace(message, text=shown["text"], buttons=buttons, replies=shown["replies"])
        self.messages[message.id] = changed
        return changed

    async def _events(self, request: web.Request) -> web.Response:
        after, wait = int(request.query["after"]), float(request.query["wait"])
        if after > len(self.deliveries):
            self.problems.append(f"{after} was confirmed, and there are {len(self.deliveries)}")
        self.confirmed = max(after, self.confirmed)
        self.fetches += 1
        await self.change()
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self.until(lambda: len(self.deliveries) > self.confirmed)
        told = list(enumerate(self.deliveries, 1))[self.confirmed :]
        return web.json_response([self._told(number, event) for number, event in told])

    def _told(self, number: int, event: Event) -> dict[str, Any]:
        return {
            "number": number, "id": event.id, "data": event.data, "text": event.text,
            "person": {"id": event.person, "name": self.people[event.person]},
            "message": self.messages[event.message].as_json(),
        }  # fmt: skip

    async def _reply(self, request: web.Request) -> web.Response:
        event, text = request.match_info["event"], (await request.json())["text"]
        if event not in {one.id for one in self.deliveries} or not text:
            self.problems.append(f"a reply {text!r} to {event}")
        self.heard[event] = text
        await self.change()
        return web.json_response({})

    def _failure(self, sending: Sending) -> Failure | None:
        if self.failures and self.failures[0][0] is sending:
            return self.failures.pop(0)[1]
        return None

    async def _answer(
        self, request: web.Request, message: Message, failure: Failure | None
    ) -> web.StreamResponse:
        """Answer, and only then show it to people."""
        response = web.json_response(message.as_json())
        if failure is None:
            await response.prepare(request)
            await response.write_eof()
        await self.change()
        if failure is Failure.SILENCE:
            await asyncio.Event().wait()  # until whoever asked goes away
        if failure is Failure.RESET and request.transport is not None:
            request.transport.abort()
        return response
