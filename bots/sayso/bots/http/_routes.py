"""The calls of the API and what each takes: every one needs a known caller, and of a program the scope that it names.
What they do is `_api`'s.

The routes are made once in a process, and find what they work with in the application that was called.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from sayso.bots.http._api import LONGEST_WAIT, Api, ApiParts
from sayso.bots.http._bodies import Decision, NewAnswer, NewRun, Reassignment, Retry, Revival
from sayso.bots.http._callers import Caller
from sayso.bots.http._problems import add_problems
from sayso.bots.http._scopes import NEEDS, check_scope, describe_scopes
from sayso.engine import WorkflowStatus

_ROW = re.compile(r"[0-9]{1,18}")

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Idempotency key for this caller: repeating a call with the same key returns the first result.",
    ),
]
Wait = Annotated[
    float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for it; what there is then comes back.")
]


After = Annotated[
    int, Query(ge=0, le=2**62, description="The `next` of the page before. On the last page it is null.")
]
Limit = Annotated[int, Query(ge=1, le=1000, description="A page may have fewer, also where more follow.")]

CallerOf = Callable[[Request], Awaitable[Caller]]


async def known_caller(request: Request) -> Caller:
    """Who calls, as the application knows them, and may with their token; or a refusal."""
    caller_of: CallerOf = request.app.state.caller_of
    caller = await caller_of(request)
    called = (request.method, request.scope["route"].path)
    check_scope(caller.scopes, caller.person, NEEDS.get(called, frozenset()))
    return caller


Who = Annotated[Caller, Depends(known_caller)]


class ApiApp(FastAPI):
    """The API with its description at `openapi.json`. `caller_of` says who calls, or raises `Problem`."""

    def __init__(self, parts: ApiParts, caller_of: CallerOf) -> None:
        super().__init__(**_ABOUT, routes=list(_routes().routes))
        self.state.caller_of = caller_of
        self.state.api = Api(parts)
        self.state.parts = parts
        add_problems(self)

    def openapi(self) -> dict[str, Any]:
        """The description, made when somebody first asks for it."""
        return _description()


_ABOUT: Mapping[str, Any] = {
    "title": "sayso",
    "version": "1",
    "description": "Start runs, answer requests, follow what happens. Errors are problem details (RFC 9457).",
    "docs_url": None,
    "redoc_url": None,
}


@cache
def _routes() -> APIRouter:
    router = APIRouter()  # each call finds out by `Who` who calls; said here too, it is worked out twice
    _add_runs(router)
    _add_operators_runs(router)
    _add_requests(router)
    _add_news(router)
    return router


@cache
def _description() -> dict[str, Any]:
    return describe_scopes(FastAPI(**_ABOUT, routes=list(_routes().routes)).openapi())


def _api(request: Request) -> Api:
    api: Api = request.app.state.api
    return api


def _parts(request: Request) -> ApiParts:
    parts: ApiParts = request.app.state.parts
    return parts


def _add_runs(router: APIRouter) -> None:
    """Who calls, and runs."""

    @router.get("/me", summary="Who calls")
    async def me(caller: Who) -> dict[str, Any]:
        scopes = None if caller.scopes is None else sorted(caller.scopes)
        return {
            "person": caller.person,
            "via": caller.via,
            "operator": caller.is_operator,
            "scopes": scopes,
            "expires_at": None if caller.until is None else caller.until.isoformat(),
        }

    @router.get("/workflows", summary="The workflows that the caller may start, and what with")
    async def workflows(request: Request, caller: Who) -> dict[str, Any]:
        return _api(request).workflows(caller)

    @router.post("/runs", status_code=201, summary="Start a run")
    async def start(request: Request, body: NewRun, caller: Who, key: Key = None) -> dict[str, str]:
        return await _api(request).start(caller, body, key)

    @router.get("/runs", summary="The newest runs: all for operators, else those that the caller started")
    async def runs(
        request: Request,
        caller: Who,
        status: WorkflowStatus | None = None,
        workflow: str | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        return await _api(request).runs(caller, status, workflow, limit)

    @router.get("/runs/{run_id}", summary="One run, at once or when it has ended or rests")
    async def run(
        request: Request, run_id: str, caller: Who, wait: Wait = 0, until: Literal["ended", "rests"] = "ended"
    ) -> dict[str, Any]:
        return await _api(request).run(caller, run_id, wait, until)

    @router.get("/runs/{run_id}/requests", summary="Everything that a run has asked, with the answers")
    async def run_requests(
        request: Request, run_id: str, caller: Who, after: After = 0, limit: Limit = 1000
    ) -> dict[str, Any]:
        return await _api(request).run_requests(caller, run_id, after, limit)

    _ = me, workflows, start, runs, run, run_requests


def _add_operators_runs(router: APIRouter) -> None:
    """What operators do to runs."""

    @router.post("/runs/{run_id}/cancel", summary="Cancel a run (operators)")
    async def cancel(request: Request, run_id: str, caller: Who, key: Key = None) -> dict[str, str]:
        return await _api(request).operate(
            caller,
            run_id,
            lambda: _parts(request).runtime.cancel(
                run_id, person=caller.person, via=caller.via, event_key=key, warrant=caller.operating
            ),
        )

    @router.post("/runs/{run_id}/retry", summary="Let a failed run try again (operators)")
    async def retry(
        request: Request, run_id: str, body: Retry, caller: Who, key: Key = None
    ) -> dict[str, str]:
        return await _api(request).operate(
            caller,
            run_id,
            lambda: _parts(request).runtime.retry(
                run_id,
                person=caller.person,
                via=caller.via,
                ask_again=body.ask_again,
                event_key=key,
                seen=body.seen,
                warrant=caller.operating,
            ),
        )

    @router.post("/runs/{run_id}/attention", summary="Decide about a run that needs it (operators)")
    async def attention(
        request: Request, run_id: str, body: Decision, caller: Who, key: Key = None
    ) -> dict[str, str]:
        return await _api(request).operate(
            caller,
            run_id,
            lambda: _parts(request).runtime.attention(
                run_id,
                body.action,
                person=caller.person,
                via=caller.via,
                result=body.result,
                event_key=key,
                seen=body.seen,
                warrant=caller.operating,
            ),
        )

    _ = cancel, retry, attention


def _add_requests(router: APIRouter) -> None:
    """Requests and answers."""

    @router.get(
        "/requests", summary="The open requests that the caller may see, the oldest first, page by page"
    )
    async def requests(
        request: Request, caller: Who, run_id: str | None = None, after: After = 0, limit: Limit = 1000
    ) -> dict[str, Any]:
        return await _api(request).requests(caller, run_id, after, limit)

    @router.get("/requests/{request_id}", summary="One request, at once or when it is closed")
    async def request(request: Request, request_id: str, caller: Who, wait: Wait = 0) -> dict[str, Any]:
        return await _api(request).request(caller, request_id, wait)

    @router.get(
        "/requests/{request_id}/files/{sha256}",
        summary="A picture or file that a request shows, by the SHA-256 in its details",
        response_class=Response,
        responses={200: {"content": {"application/octet-stream": {}}}},
    )
    async def file(request: Request, request_id: str, sha256: str, caller: Who) -> Response:
        return await _api(request).file(caller, request_id, sha256)

    @router.post("/requests/{request_id}/answers", summary="Answer a request")
    async def answer(
        request: Request, request_id: str, body: NewAnswer, caller: Who, key: Key = None
    ) -> dict[str, Any]:
        return await _api(request).answer(caller, request_id, body, key, _parts(request).store.clock.now())

    @router.post("/requests/{request_id}/withdrawal", summary="Withdraw what the caller asked for")
    async def withdraw(request: Request, request_id: str, caller: Who) -> dict[str, Any]:
        return await _api(request).withdraw(caller, request_id)

    @router.post(
        "/requests/{request_id}/reassignment", summary="Have somebody else asked in the caller's place"
    )
    async def reassign(request: Request, request_id: str, body: Reassignment, caller: Who) -> dict[str, Any]:
        return await _api(request).reassign(caller, request_id, body)

    _ = requests, request, file, answer, withdraw, reassign


def _add_news(router: APIRouter) -> None:
    """What happens, and destinations."""

    @router.get(
        "/changes", summary="What happened behind a row of the audit trail, at once or when it happens"
    )
    async def changes(
        request: Request,
        caller: Who,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        wait: Wait = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        return await _api(request).changes(caller, after, wait, limit)

    @router.get("/events", summary="What happens, as server-sent events", response_class=StreamingResponse)
    async def events(
        request: Request,
        caller: Who,
        after: Annotated[int | None, Query(ge=0, le=2**62, description="Begin behind this row.")] = None,
        last: Annotated[str | None, Header(alias="Last-Event-ID", description="Wins over `after`.")] = None,
    ) -> StreamingResponse:
        return _api(request).events(caller, after if last is None else _row_of(last))

    @router.get("/destinations/dead", summary="Unreachable destinations (operators)")
    async def dead(request: Request, caller: Who) -> dict[str, Any]:
        return await _api(request).dead(caller)

    @router.post("/destinations/revive", summary="Try unreachable destinations again (operators)")
    async def revive(request: Request, body: Revival, caller: Who) -> dict[str, int]:
        return await _api(request).revive(caller, body)

    _ = changes, events, dead, revive


def _row_of(last: str | None) -> int | None:
    """The row that a stream is to go on behind; None where that cannot be read, and so from now on."""
    return int(last) if last is not None and _ROW.fullmatch(last) else None
