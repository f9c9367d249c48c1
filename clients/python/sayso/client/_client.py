"""The two clients. Both run the same programs; only how they send and wait differs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from sayso.client._errors import Unreachable
from sayso.client._exchange import Call, NoReply, Pause, Program, Reply, read, repeatedly
from sayso.client._http import arguments, event_in, find_address, no_reply, reply_of, short_path
from sayso.client._programs import Caller
from sayso.client._values import Consumption, Question, Request

T = TypeVar("T")

TIMEOUT = 30.0
PATIENCE = 20.0


class Client:
    """Calls of one service, which block. `url` is an `http` or `https` address, or `unix:` and the path of the socket
    next to the service's database; without it `SAYSO_URL` says where, and `SAYSO_TOKEN` the token. Each part of a call
    may take `timeout` seconds. While the service does not respond, a call is tried again for `patience` seconds; it is
    carried out once.

    Each method raises `Refused` where the service refuses, and `Unreachable` where nobody was heard; the constructor
    raises `InvalidAddress`. One client may be used by several threads.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = TIMEOUT,
        patience: float = PATIENCE,
    ) -> None:
        address = find_address(url, token)
        self._caller = Caller(timeout, patience)
        with ExitStack() as opened:
            path = opened.enter_context(short_path(address.socket))
            self._http = httpx.Client(
                base_url=address.url,
                headers=address.headers,
                transport=None if path is None else httpx.HTTPTransport(uds=path, verify=False),
            )
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. A repeat is harmless."""
        self._http.close()
        self._opened.close()

    def ask(self, question: Question, *, key: str | None = None) -> Request:
        """Ask people; the request, which may be decided already. The same key and question again is the same request,
        so a program that was killed finds its question under its key. Raises `KeyReused` for another question.
        """
        return self._run(self._caller.ask(question, key))

    def ask_batch(
        self, questions: Sequence[Question], *, key: str | None = None, keys: Sequence[str] | None = None
    ) -> list[Request]:
        """Ask several questions together, which share a card in chats: their requests in the same order. All are asked,
        or none; from then on each is decided, withdrawn and used by itself. One `key` stands for the whole batch. With
        `keys`, one for each question, those that were asked before under theirs are found, and the others are asked.
        """
        return self._run(self._caller.ask_batch(questions, key, keys))

    def request(self, id: str, *, wait: float = 0.0) -> Request:
        """The current state of a request, or its end if it closes within `wait` seconds, up to 60."""
        return self._run(self._caller.request(id, wait))

    def wait(self, id: str, *, timeout: float | None = None) -> Request:
        """A request once it is closed, or its state after `timeout` seconds. It keeps waiting while the service is down
        and raises `Unreachable` only if it is still down when the time is over.
        """
        return self._run(self._caller.wait(id, timeout))

    def withdraw(self, id: str) -> Request:
        """Withdraw what the caller asked for; a repeat is harmless. Raises `Refused` (409) where it is decided."""
        return self._run(self._caller.withdraw(id))

    def consume(self, id: str, *, key: str) -> Consumption:
        """Use an approval: it lets one thing run once, which `key` names. Only where this returns may it run. Raises
        `NotApproved`, and `AlreadyUsed` also where this program used it and was killed before it heard so.
        """
        return self._run(self._caller.consume(id, key))

    def requests(self, *, mine: bool = False) -> list[Request]:
        """The open requests that the caller may see, or asked itself, the oldest first."""
        return self._run(self._caller.requests(mine=mine))

    def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, Any] | None = None,
        key: str | None = None,
        waits: float = 0.0,
    ) -> Any:
        """Any other call: its JSON. It is repeated like the others, so a write needs a `key`, or must be harmless when
        it is repeated. `waits` is how many seconds the service may take before it answers.
        """
        call = self._caller.call(method, path, body=body, query=query, key=key, waits=waits)
        return self._run(repeatedly(call, object, self._caller.patience))

    def events(self, after: int | None = None) -> Generator[dict[str, Any]]:
        """What happens, as it happens, each with its row's number in `sequence`: from now on, or after a row. It ends
        where the service ends it, and raises `Unreachable` where the connection breaks: continue after the last row.
        """
        try:
            with self._http.stream(**arguments(self._caller.events(after))) as response:
                if not response.is_success:
                    response.read()
                    read(reply_of(response), object)
                for line in response.iter_lines():
                    if (event := event_in(line)) is not None:
                        yield event
        except httpx.HTTPError as error:
            raise Unreachable(no_reply(error).reason) from error

    def _run(self, program: Program[T]) -> T:
        reply: Reply | NoReply | None = None
        while True:
            try:
                step = program.send(reply)
            except StopIteration as end:
                found: T = end.value
                return found
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                reply = None
            else:
                reply = self._send(step)

    def _send(self, call: Call) -> Reply | NoReply:
        try:
            return reply_of(self._http.request(**arguments(call)))
        except httpx.HTTPError as error:
            return no_reply(error)


class AsyncClient:
    """The same calls as `Client` has, to be awaited in asyncio. A cancelled call may have been carried out. `transport`
    carries calls to an `http` or `https` address in another way than httpx's own, such as into an ASGI application.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = TIMEOUT,
        patience: float = PATIENCE,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        address = find_address(url, token)
        self._caller = Caller(timeout, patience)
        with ExitStack() as opened:
            path = opened.enter_context(short_path(address.socket))
            self._http = httpx.AsyncClient(
                base_url=address.url,
                headers=address.headers,
                transport=transport if path is None else httpx.AsyncHTTPTransport(uds=path, verify=False),
            )
            self._opened = opened.pop_all()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """See `Client.close`."""
        await self._http.aclose()
        self._opened.close()

    async def ask(self, question: Question, *, key: str | None = None) -> Request:
        """See `Client.ask`."""
        return await self._run(self._caller.ask(question, key))

    async def ask_batch(
        self, questions: Sequence[Question], *, key: str | None = None, keys: Sequence[str] | None = None
    ) -> list[Request]:
        """See `Client.ask_batch`."""
        return await self._run(self._caller.ask_batch(questions, key, keys))

    async def request(self, id: str, *, wait: float = 0.0) -> Request:
        """See `Client.request`."""
        return await self._run(self._caller.request(id, wait))

    async def wait(self, id: str, *, timeout: float | None = None) -> Request:  # noqa: ASYNC109 - see `Client.wait`
        """See `Client.wait`."""
        return await self._run(self._caller.wait(id, timeout))

    async def withdraw(self, id: str) -> Request:
        """See `Client.withdraw`."""
        return await self._run(self._caller.withdraw(id))

    async def consume(self, id: str, *, key: str) -> Consumption:
        """See `Client.consume`."""
        return await self._run(self._caller.consume(id, key))

    async def requests(self, *, mine: bool = False) -> list[Request]:
        """See `Client.requests`."""
        return await self._run(self._caller.requests(mine=mine))

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, Any] | None = None,
        key: str | None = None,
        waits: float = 0.0,
    ) -> Any:
        """See `Client.call`."""
        call = self._caller.call(method, path, body=body, query=query, key=key, waits=waits)
        return await self._run(repeatedly(call, object, self._caller.patience))

    async def events(self, after: int | None = None) -> AsyncGenerator[dict[str, Any]]:
        """See `Client.events`."""
        try:
            async with self._http.stream(**arguments(self._caller.events(after))) as response:
                if not response.is_success:
                    await response.aread()
                    read(reply_of(response), object)
                async for line in response.aiter_lines():
                    if (event := event_in(line)) is not None:
                        yield event
        except httpx.HTTPError as error:
            raise Unreachable(no_reply(error).reason) from error

    async def _run(self, program: Program[T]) -> T:
        reply: Reply | NoReply | None = None
        while True:
            try:
                step = program.send(reply)
            except StopIteration as end:
                found: T = end.value
                return found
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                reply = None
            else:
                reply = await self._send(step)

    async def _send(self, call: Call) -> Reply | NoReply:
        try:
            return reply_of(await self._http.request(**arguments(call)))
        except httpx.HTTPError as error:
            return no_reply(error)
