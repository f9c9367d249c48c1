"""The application behind the control socket: the API as operators of this machine call it, and who is let in over TCP.

The kernel says who they are.
"""

from __future__ import annotations

import os
import pwd
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import Depends, FastAPI, Request

from sayso.bots.http._api import ApiParts
from sayso.bots.http._bodies import Body
from sayso.bots.http._callers import Caller, Credentials
from sayso.bots.http._problems import Problem, add_problems
from sayso.bots.http._routes import ApiApp
from sayso.engine import Bounds, PersonId, Scope, Store

CONSOLE = "console"
_ROOT = 0


class NewCredential(Body):
    """Somebody to let in."""

    name: str


class NewToken(NewCredential):
    """A program to let in: what its token may do, for how long, and within which bounds."""

    scopes: list[Scope]
    lives: timedelta
    policies: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()


async def caller_at_socket(request: Request) -> Caller:
    """Who is at the other end, as `local:<name>`: the service's own user, or root. Anybody else is refused."""
    client = request.client
    if client is None or client.host != "uid" or client.port not in (_ROOT, os.getuid()):
        raise Problem.not_allowed("the control socket serves only its own user")
    try:
        name = pwd.getpwuid(client.port).pw_name
    except KeyError:
        name = str(client.port)
    return Caller(PersonId(f"local:{name}"), CONSOLE, is_operator=True)


Who = Annotated[Caller, Depends(caller_at_socket)]


def sign_in_url(address: str, secret: str) -> str:
    """The link that signs in. Behind the #, the secret reaches neither a server's log nor a preview of the link."""
    return f"{address}/sign-in#{secret}"


def control_app(parts: ApiParts, credentials: Credentials, address: str | None) -> FastAPI:
    """The application of the control socket; `address` is where the inbox is, None where there is none."""
    app = FastAPI(
        title="sayso control",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(caller_at_socket)],
    )
    add_problems(app)
    store: Store = parts.store

    @app.post("/access/links")
    async def make_link(body: NewCredential) -> dict[str, str]:
        if address is None:
            raise Problem(
                HTTPStatus.NOT_FOUND, "NoInbox", "This service has no web inbox: it runs without HTTP."
            )
        return {"url": sign_in_url(address, await credentials.make_link(body.name))}

    @app.post("/access/tokens")
    async def make_token(body: NewToken) -> dict[str, str]:
        bounds = Bounds(body.policies, body.to, body.workflows)
        token, until = await credentials.make_token(body.name, body.scopes, body.lives, bounds)
        return {"token": token, "expires_at": until.isoformat()}

    @app.get("/access")
    async def admitted() -> dict[str, Any]:
        found = await store.reader.credentials(store.clock.now())
        return {"credentials": msgspec.to_builtins(found)}

    @app.delete("/access/{person}")
    async def revoke(person: str, caller: Who) -> dict[str, int]:
        return {"removed": await credentials.revoke(person, caller.person)}

    _ = make_link, make_token, admitted, revoke
    app.mount("/api/v1", ApiApp(parts, caller_at_socket))
    return app
