"""Who comes to the inbox: they sign in with a link and out again, and their browser tells how they read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from sayso.adapters.web import Pages
from sayso.bots.http import (
    Caller,
    Credentials,
    Problem,
    RateLimit,
    TcpDoor,
    begin_session,
    check_rate,
    cookie_name,
    session_of,
)
from sayso.engine import Locale


class Link(BaseModel):
    """The secret of a sign-in link."""

    model_config = ConfigDict(extra="forbid")

    link: str = Field(max_length=200)


@dataclass(frozen=True, slots=True)
class SignIn:
    """What signing in works with: with `is_secure`, browsers send the session over HTTPS alone."""

    credentials: Credentials
    door: TcpDoor
    attempts: RateLimit
    is_secure: bool


class _NotSignedIn(Exception):
    """A page was asked for by nobody that is known."""


async def known_visitor(request: Request) -> Caller:
    """Who asks for a page. Whoever is not signed in is led to the page for it."""
    find: Callable[[Request], Awaitable[Caller | None]] = request.app.state.by_session
    caller = await find(request)
    if caller is None:
        raise _NotSignedIn
    return replace(caller, locale=_locale(request))


async def known_writer(request: Request) -> Caller:
    """Who sends a form of ours."""
    door: TcpDoor = request.app.state.door
    return replace(await door.person(request), locale=_locale(request))


def _locale(request: Request) -> Locale:
    """How somebody writes numbers and dates, as their browser says. The page sends times in UTC."""
    return Locale.of(request.headers.get("accept-language"))


Who = Annotated[Caller, Depends(known_visitor)]
Writer = Annotated[Caller, Depends(known_writer)]


def add_sign_in(app: FastAPI, parts: SignIn, pages: Pages) -> None:
    """Add the addresses, and lead there whoever asks for a page without being signed in."""
    app.state.by_session = parts.door.by_session
    app.state.door = parts.door

    async def sign_in_first(_request: Request, _error: Exception) -> Response:
        return RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)

    app.add_exception_handler(_NotSignedIn, sign_in_first)

    @app.get("/sign-in")
    async def sign_in_page() -> HTMLResponse:
        return HTMLResponse(pages.sign_in())

    @app.post("/sign-in")
    async def sign_in(body: Link, request: Request) -> Response:
        check_rate(parts.attempts, request.client.host if request.client else "")
        found = await parts.credentials.sign_in(body.link.rpartition("#")[2].strip())
        if found is None and (known := await parts.door.by_session(request)) is not None:
            # Whoever opens their link again, or goes back to it, is signed in already: nothing has expired for them.
            return JSONResponse({"person": known.person})
        if found is None:
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "UnknownLink",
                "This link was used already, is older than ten minutes, or is not one of ours. Ask for another.",
            )
        session, caller = found
        response = JSONResponse({"person": caller.person})
        begin_session(request, response, session, secure=parts.is_secure)
        return response

    @app.post("/sign-out")
    async def sign_out(request: Request, caller: Writer) -> Response:
        del caller
        await parts.credentials.sign_out(session_of(request) or "")
        response = JSONResponse({"go": "/sign-in"})
        response.delete_cookie(cookie_name(request))
        return response

    _ = sign_in_page, sign_in, sign_out
