"""The calls of the API and what each takes: every one needs a known caller, and of a program the scope that it names.
What they do is `_api`'s.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.responses import StreamingResponse

from sayso.bots.http._api import LONGEST_WAIT, Api, ApiParts
from sayso.bots.http._bodies import Decision, NewAnswer, NewRun, Reassignment, Retry, Revival
from sayso.bots.http._callers import Caller
from sayso.bots.http._problems import add_problems
from sayso.bots.http._scopes import NEEDS, check_scope, describe_scopes
from sayso.engine import Runtime, SQLiteStore, WorkflowStatus

_ROW = re.compile(r"[0-9]{1,18}")

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Names this attempt of this caller: repeated, it does nothing again and returns what became of it.",
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


def api_app(parts: ApiParts, caller_of: CallerOf) -> FastAPI:
    """The API with its description at `openapi.json`. `caller_of` says who calls, or raises `Problem`."""
    app = FastAPI(
        title="sayso",
        version="1",
        description="Start runs, answer requests, follow what happens. Errors are problem details (RFC 9457).",
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(known_caller)],  # no call without a known caller
    )
    app.state.caller_of = caller_of
    add_problems(app, parts.exit_code)
    api = Api(parts)
    _add_runs(app, api)
    _add_operators_runs(app, api, parts.runtime)
    _add_requests(app, api, parts.store)
    _add_news(app, api)
    describe_scopes(app)
    return app


def _add_runs(app: FastAPI, api: Api) -> None:
    """Who calls, and runs."""

    @app.get("/me", summary="Who calls")
    async def me(caller: Who) -> dict[str, Any]:
        scopes = None if caller.scopes is None else sorted(caller.scopes)
        return {
            "person": caller.person,
            "via": caller.via,
            "operator": caller.is_operator,
            "scopes": scopes,
            "expires_at": None if caller.until is None else caller.until.isoformat(),
        }

    @app.post("/runs", status_code=201, summary="Start a run")
    async def start(body: NewRun, caller: Who, key: Key = None) -> dict[str, str]:
        return await api.start(caller, body, key)

    @app.get("/runs", summary="The newest runs: all for operators, else those that the caller started")
    async def runs(
        caller: Who,
        status: WorkflowStatus | None = None,
        workflow: str | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        return await api.runs(caller, status, workflow, limit)

    @app.get("/runs/{run_id}", summary="One run, at once or when it has ended or rests")
    async def run(
        run_id: str, caller: Who, wait: Wait = 0, until: Literal["ended", "rests"] = "ended"
    ) -> dict[str, Any]:
        return await api.run(caller, run_id, wait, until)

    @app.get("/runs/{run_id}/requests", summary="Everything that a run has asked, with the answers")
    async def run_requests(run_id: str, caller: Who, after: After = 0, limit: Limit = 1000) -> dict[str, Any]:
        return await api.run_requests(caller, run_id, after, limit)

    _ = me, start, runs, run, run_requests


def _add_operators_runs(app: FastAPI, api: Api, runtime: Runtime) -> None:
    """What operators do to runs."""

    @app.post("/runs/{run_id}/cancel", summary="Cancel a run (operators)")
    async def cancel(run_id: str, caller: Who, key: Key = None) -> dict[str, str]:
        return await api.operate(
            caller,
            run_id,
            lambda: runtime.cancel(
                run_id, person=caller.person, via=caller.via, event_key=key, warrant=caller.operating
            ),
        )

    @app.post("/runs/{run_id}/retry", summary="Let a failed run try again (operators)")
    async def retry(run_id: str, body: Retry, caller: Who, key: Key = None) -> dict[str, str]:
        return await api.operate(
            caller,
            run_id,
            lambda: runtime.retry(
                run_id,
                person=caller.person,
                via=caller.via,
                ask_again=body.ask_again,
                event_key=key,
                seen=body.seen,
                warrant=caller.operating,
            ),
        )

    @app.post("/runs/{run_id}/attention", summary="Decide about a run that needs it (operators)")
    async def attention(run_id: str, body: Decision, caller: Who, key: Key = None) -> dict[str, str]:
        return await api.operate(
            caller,
            run_id,
            lambda: runtime.attention(
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


def _add_requests(app: FastAPI, api: Api, store: SQLiteStore) -> None:
    """Requests and answers."""

    @app.get("/requests", summary="The open requests that the caller may see, the oldest first, page by page")
    async def requests(
        caller: Who, run_id: str | None = None, after: After = 0, limit: Limit = 1000
    ) -> dict[str, Any]:
        return await api.requests(caller, run_id, after, limit)

    @app.get("/requests/{request_id}", summary="One request, at once or when it is closed")
    async def request(request_id: str, caller: Who, wait: Wait = 0) -> dict[str, Any]:
        return await api.request(caller, request_id, wait)

    @app.post("/requests/{request_id}/answers", summary="Answer a request")
    async def answer(request_id: str, body: NewAnswer, caller: Who, key: Key = None) -> dict[str, Any]:
        return await api.answer(caller, request_id, body, key, store.clock.now())

    @app.post("/requests/{request_id}/withdrawal", summary="Withdraw what the caller asked for")
    async def withdraw(request_id: str, caller: Who) -> dict[str, Any]:
        return await api.withdraw(caller, request_id)

    @app.post("/requests/{request_id}/reassignment", summary="Have somebody else asked in the caller's place")
    async def reassign(request_id: str, body: Reassignment, caller: Who) -> dict[str, Any]:
        return await api.reassign(caller, request_id, body)

    _ = requests, request, answer, withdraw, reassign


def _add_news(app: FastAPI, api: Api) -> None:
    """What happens, and destinations."""

    @app.get("/changes", summary="What happened behind a row of the audit trail, at once or when it happens")
    async def changes(
        caller: Who,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        wait: Wait = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        return await api.changes(caller, after, wait, limit)

    @app.get("/events", summary="What happens, as server-sent events", response_class=StreamingResponse)
    async def events(
        caller: Who,
        after: Annotated[int | None, Query(ge=0, le=2**62, description="Begin behind this row.")] = None,
        last: Annotated[str | None, Header(alias="Last-Event-ID", description="Wins over `after`.")] = None,
    ) -> StreamingResponse:
        return api.events(caller, after if last is None else _row_of(last))

    @app.get("/destinations/dead", summary="Destinations that were given up (operators)")
    async def dead(caller: Who) -> dict[str, Any]:
        return await api.dead(caller)

    @app.post("/destinations/revive", summary="Try given-up destinations again (operators)")
    async def revive(body: Revival, caller: Who) -> dict[str, int]:
        return await api.revive(caller, body)

    _ = changes, events, dead, revive


def _row_of(last: str | None) -> int | None:
    """The row that a stream is to go on behind; None where that cannot be read, and so from now on."""
    return int(last) if last is not None and _ROW.fullmatch(last) else None
