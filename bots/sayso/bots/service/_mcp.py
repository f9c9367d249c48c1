"""The tools for agents at `/mcp` on the service, for whoever has a token with the scope `ask`.

Each call stands by itself: no session is kept, so a restart of the service ends none. Where a client goes away or
cancels a call, that call ends and uses no approval.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, cast

import httpx
import msgspec
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sayso.bots.http import LARGEST_BODY, Caller, Problem, TcpDoor, check_scope
from sayso.bots.mcp import Context, Fixed, Tools, Unheard, new_server
from sayso.client import AsyncClient
from sayso.engine import Scope as TokenScope

PATH = "/mcp"
_INSIDE = "http://sayso"
_SESSION = "mcp-session-id"


class McpApp:
    """Serves the tools over streamable HTTP. They call `api`, the service's own API, with the caller's token, so they
    may do what that may and count towards its limits.
    """

    def __init__(self, api: ASGIApp, door: TcpDoor) -> None:
        self._api = api
        self._door = door
        self._unheard = Unheard()
        self._server = new_server(self._tools_of)
        self._under_way = dict[_Call, asyncio.Task[None]]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            caller = await self._check(request)
            body = await request.body()
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return
        except HTTPException as error:  # the guard's, for a body that is too large
            too_large = Problem(HTTPStatus(error.status_code), "TooLarge", error.detail)
            await too_large.response()(scope, receive, send)
            return
        session = request.headers.get(_SESSION)
        message = _read(body)
        call = _Call(caller.credential, session, repr(message.id))
        if message.method == "notifications/cancelled":
            self._cancel(replace(call, id=repr(message.params.get("requestId"))))
        reply = _Reply(send, names_session=message.method == "initialize")
        async with asyncio.TaskGroup() as group:
            answer = group.create_task(self._answer(scope, body, reply), name="mcp call")
            watch = group.create_task(_left(receive, answer), name="mcp client")
            answer.add_done_callback(lambda _: watch.cancel())
            self._under_way[call] = answer
            answer.add_done_callback(lambda done: self._forget(call, done))
        if answer.cancelled() and not reply.has_begun:
            await Response(status_code=HTTPStatus.ACCEPTED)(scope, receive, send)

    async def _check(self, request: Request) -> Caller:
        """Who calls. Raises `Problem` for whoever is not a program that may ask, and for what is no call."""
        caller = await self._door(request)
        if caller.scopes is None:
            raise Problem.not_allowed(
                "Agents call with a token. Create one with `sayso token NAME --scope ask`."
            )
        check_scope(caller.scopes, caller.person, {TokenScope.ASK})
        if request.method != "POST":
            raise Problem(
                HTTPStatus.METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "Only POST works here: the service keeps no sessions and sends nothing by itself.",
                headers={"Allow": "POST"},
            )
        return caller

    def _cancel(self, call: _Call) -> None:
        """End a call that its client no longer waits for (modelcontextprotocol.io, "Cancellation")."""
        found = self._under_way.get(call)
        if found is not None and call.session is not None:
            found.cancel()

    def _forget(self, call: _Call, done: asyncio.Task[None]) -> None:
        if self._under_way.get(call) is done:
            del self._under_way[call]

    async def _answer(self, scope: Scope, body: bytes, send: Send) -> None:
        sessions = StreamableHTTPSessionManager(
            self._server, json_response=True, stateless=True, max_request_body_size=LARGEST_BODY
        )
        async with sessions.run():
            await sessions.handle_request(scope, _replaying(body), send)

    @asynccontextmanager
    async def _tools_of(self, context: Context) -> AsyncGenerator[Tools]:
        headers = cast("Request", context.request).headers
        token = headers["authorization"].partition(" ")[2].strip()
        transport = httpx.ASGITransport(self._api, raise_app_exceptions=False)
        async with AsyncClient(_INSIDE, token, transport=transport) as client:
            yield Tools(client, Fixed(), self._unheard, is_service=True)


@dataclass(frozen=True, slots=True)
class _Call:
    """A call, as a notification that cancels it names it."""

    credential: str | None
    session: str | None
    id: str


class _Message(msgspec.Struct):
    """What says which call a message is, or cancels."""

    method: str = ""
    id: Any = None
    params: dict[str, Any] = {}


def _read(body: bytes) -> _Message:
    """What a body says of itself; whatever is wrong with it, the server behind this says."""
    try:
        return msgspec.json.decode(body, type=_Message)
    except msgspec.DecodeError:
        return _Message()


class _Reply:
    """What goes back. One that `names_session` carries the name of a new one, by which a client's calls are told from
    those of others; nothing is kept of it.
    """

    def __init__(self, send: Send, *, names_session: bool) -> None:
        self._send = send
        self._names_session = names_session
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            if self._names_session:
                named = (_SESSION.encode(), secrets.token_hex(16).encode())
                message["headers"] = [*message.get("headers", []), named]
        await self._send(message)


async def _left(receive: Receive, answer: asyncio.Task[None]) -> None:
    """End a call whose client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass
    answer.cancel()


def _replaying(body: bytes) -> Receive:
    """What an application receives of a request that was read: its body, and then nothing any more."""
    messages: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        message = next(messages, None)
        return await asyncio.Future[Message]() if message is None else message

    return receive
