"""Who calls over TCP: a program by its token, or a person by their session, whose writes prove that they come from our
own page.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Request, Response

from sayso.bots.http._callers import (
    SESSION_LIVES,
    Caller,
    Credentials,
    InvalidName,
    TokenExpired,
    csrf_token,
)
from sayso.bots.http._problems import Problem

CSRF_HEADER = "X-CSRF-Token"
PROXY_SECRET_HEADER = "X-Sayso-Proxy-Secret"  # noqa: S105 - a header's name
"""In it, the trusted proxy shows that it is that."""
_READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class TrustedProxy:
    """A proxy that says in `user_header` who has signed in with it: from one of its addresses, and with its secret, for
    whatever else runs on its machine has its address too.
    """

    user_header: str
    addresses: frozenset[str]
    secret: str


class TcpDoor:
    """Lets callers in. Raises `Problem` for everybody else."""

    def __init__(self, credentials: Credentials, proxy: TrustedProxy | None = None) -> None:
        self._credentials = credentials
        self._proxy = proxy
        self._secret = secrets.token_hex(16)

    async def __call__(self, request: Request) -> Caller:
        """Who calls."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return await self._program(token.strip())
        caller = await self.by_session(request)
        if caller is None:
            raise _unknown(
                "Send a token (Authorization: Bearer ...), or sign in: `sayso sign-in NAME` prints a link."
            )
        if request.method not in _READS:
            self.check_origin(request)
        return caller

    async def person(self, request: Request) -> Caller:
        """Who writes from one of our pages, which no program does: its token is for the API alone."""
        caller = await self(request)
        if caller.scopes is not None:
            raise Problem.not_allowed("Pages are for people. Programs call the API under /api/v1.")
        return caller

    async def _program(self, token: str) -> Caller:
        try:
            caller = await self._credentials.by_token(token)
        except TokenExpired as error:
            raise _unknown(str(error), "TokenExpired") from error
        if caller is None:
            raise _unknown("Unknown token. Create one with `sayso token NAME`.")
        return caller

    async def by_session(self, request: Request) -> Caller | None:
        """Who has the session that a request carries, or whom a trusted proxy says that it is of. Raises `Problem` for
        what a proxy must not say.
        """
        name = self._said_by_proxy(request)
        if name is not None:
            try:
                return await self._credentials.by_name(name)
            except InvalidName as error:
                raise Problem.not_allowed(str(error)) from error
        session = session_of(request)
        return None if session is None else await self._credentials.by_session(session)

    def csrf(self, request: Request) -> str:
        """What a page has to send back with its writes, which another site cannot know."""
        name = self._said_by_proxy(request)
        return csrf_token(session_of(request) or "" if name is None else f"{self._secret} {name}")

    def _said_by_proxy(self, request: Request) -> str | None:
        """The name in the proxy's header; from anywhere else, such a header says nothing."""
        proxy, peer = self._proxy, request.client
        if proxy is None or peer is None or peer.host not in proxy.addresses:
            return None
        names = request.headers.getlist(proxy.user_header)
        if not any(name.strip() for name in names):
            return None
        given = request.headers.get(PROXY_SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(), proxy.secret.encode()):
            raise Problem.not_allowed(
                f"{proxy.user_header} requires the proxy's secret in {PROXY_SECRET_HEADER}."
            )
        if len(names) > 1:
            raise Problem.not_allowed(
                f"{proxy.user_header} was sent {len(names)} times; the proxy must remove the header from "
                "incoming requests."
            )
        return names[0]

    def check_origin(self, request: Request) -> None:
        """Raises `Problem` unless our own page sent this with its session's token."""
        given = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(), self.csrf(request).encode()):
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "NotFromOurPage",
                "This request did not come from a page of this session, so nothing was done. "
                "Reload the page and try again.",
            )


def cookie_name(request: Request) -> str:
    """The session's cookie; by port, for cookies of one name are shared by all ports of a host."""
    return f"sayso_session_{request.scope['server'][1]}"


def begin_session(request: Request, response: Response, session: str, *, secure: bool = False) -> None:
    """Have whoever is answered carry a session from now on; `secure` where people come by https."""
    response.set_cookie(
        cookie_name(request), session, max_age=round(SESSION_LIVES.total_seconds()), httponly=True,
        samesite="lax", secure=secure,
    )  # fmt: skip


def session_of(request: Request) -> str | None:
    """The session that a request carries."""
    return request.cookies.get(cookie_name(request))


def _unknown(words: str, kind: str = "NotSignedIn") -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, kind, words, headers={"WWW-Authenticate": "Bearer"})
