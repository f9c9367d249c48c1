"""What a development server (`sayso dev`) adds to the inbox: a link that works as often as it is opened, answering as
somebody else, and news of the code.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import socket
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from sayso.adapters.web import LoadedCode, Pages
from sayso.bots.http import Caller, Credentials, Problem, begin_session, session_of
from sayso.bots.web._sign_in import known_writer

_WAITS = 20.0
"""Seconds for which a page waits for news of the code, before it asks again."""

Writer = Annotated[Caller, Depends(known_writer)]


class CodeNews:
    """Which code is loaded, and who waits for other code."""

    def __init__(self, code: LoadedCode) -> None:
        self._code = code
        self._changed = asyncio.Event()
        self._is_closed = False

    @property
    def code(self) -> LoadedCode:
        """What there is to say now."""
        return self._code

    def tell(self, code: LoadedCode) -> None:
        """There is something new."""
        self._code = code
        self._wake()

    def close(self) -> None:
        """Have nobody wait any more."""
        self._is_closed = True
        self._wake()

    async def after(self, number: int) -> LoadedCode:
        """What there is to say once that is something else than under this number, or after a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_WAITS):
                while self._code.number == number and not self._is_closed:
                    await self._changed.wait()
        return self._code

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


@dataclass(frozen=True, slots=True)
class Development:
    """A development server: the socket on which it is reached, which is `bound` already and outlives it, the `token`
    that signs its author in, the names that they can answer by, their own first, and the news of their code.
    """

    bound: socket.socket
    token: str
    people: tuple[str, ...]
    news: CodeNews

    @property
    def code(self) -> LoadedCode:
        """The code, for the pages."""
        return self.news.code

    @property
    def operators(self) -> tuple[str, ...]:
        """Its people, who see and do everything."""
        return tuple(f"web:{name}" for name in self.people)


def development_path(token: str) -> str:
    """Where a development server signs its author in."""
    return f"/dev/{token}"


def add_development(
    app: FastAPI, development: Development, credentials: Credentials, pages: Pages, home: str
) -> None:
    """Add its addresses. After signing in, people see the page on which the workflow called `home` is started."""

    async def sign_in(request: Request, name: str, response: Response) -> Response:
        await credentials.sign_out(session_of(request) or "")
        found = await credentials.sign_in(await credentials.make_link(name))
        assert found is not None  # the link was made just now
        begin_session(request, response, found[0])
        return response

    @app.get("/dev/code")
    async def code(after: int, caller: Writer) -> JSONResponse:
        del caller
        return JSONResponse({"html": pages.code(await development.news.after(after))})

    @app.post("/dev/people/{name}")
    async def be(name: str, request: Request, caller: Writer) -> Response:
        del caller
        if name not in development.people:
            raise Problem(HTTPStatus.NOT_FOUND, "UnknownPerson", "Not found.")
        return await sign_in(request, name, JSONResponse({}))

    @app.get("/dev/{token}")
    async def enter(token: str, request: Request) -> Response:
        if not hmac.compare_digest(token.encode(), development.token.encode()):
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "UnknownLink",
                "This link is from an earlier start of sayso dev. Open the one that it printed last.",
            )
        to = RedirectResponse(f"/start/{quote(home, safe='')}", HTTPStatus.SEE_OTHER)
        return await sign_in(request, development.people[0], to)

    _ = code, be, enter
