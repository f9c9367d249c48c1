"""The calls of the API and what each takes: every one needs a known caller, and of a program the scope that it names.
What they do is `_api`'s.

The routes are made once in a process, and find what they work with in the application that was called.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from msgspec.structs import asdict

from sayso.bots.http._api import Api, ApiParts
from sayso.bots.http._asks import Asks
from sayso.bots.http._bodies import (
    AttentionDecision,
    Consumption,
    NewAnswer,
    NewBatch,
    NewRequest,
    NewRun,
    Reassignment,
    Retry,
    Revival,
)
from sayso.bots.http._callers import Caller
from sayso.bots.http._granted import GrantCalls
from sayso.bots.http._parameters import After, GrantId, Key, Limit, RequestId, RunId, Wait
from sayso.bots.http._problems import add_problems
from sayso.bots.http._replies import describe_replies
from sayso.bots.http._scopes import NEEDS, check_scope, describe_scopes
from sayso.engine import WorkflowStatus

_ROW = re.compile(r"[0-9]{1,18}")

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
        self.state.asks = Asks(self.state.api, parts)
        self.state.grants = GrantCalls(parts.store, parts.answers)
        self.state.clock = parts.store.clock
        add_problems(self)

    def openapi(self) -> dict[str, Any]:
        """The description, made when somebody first asks for it."""
        return describe_api()


_ABOUT: Mapping[str, Any] = {
    "title": "sayso",
    "version": "1",
    "description": "Start runs, answer requests, and follow what happens. Send a token with each call; `sayso token "
    "NAME` creates one. Errors are problem details (RFC 9457). A GET decides nothing. Times are ISO 8601 in UTC. Later "
    "versions may add members to what is returned.",
    "servers": [{"url": "/api/v1"}],
    "docs_url": None,
    "redoc_url": None,
}


@cache
def _routes() -> APIRouter:
    # The names of the functions are the ids of the operations in the description. Each call finds out by `Who` who
    # calls; said here too, it is worked out twice.
    router = APIRouter(generate_unique_id_function=lambda route: route.name)
    _add_callers(router)
    _add_runs(router)
    _add_operators_runs(router)
    _add_requests(router)
    _add_answers(router)
    _add_asks(router)
    _add_batches(router)
    _add_files(router)
    _add_grants(router)
    _add_news(router)
    _add_destinations(router)
    return router


@cache
def describe_api() -> dict[str, Any]:
    described = FastAPI(**_ABOUT, routes=list(_routes().routes)).openapi()
    return describe_scopes(describe_replies(described))


def _api(request: Request) -> Api:
    api: Api = request.app.state.api
    return api


def _asks(request: Request) -> Asks:
    asks: Asks = request.app.state.asks
    return asks


def _grants(request: Request) -> GrantCalls:
    grants: GrantCalls = request.app.state.grants
    return grants


def _add_callers(router: APIRouter) -> None:
    """Who calls, and what they may start."""

    @router.get("/me", summary="Show who calls")
    async def get_me(caller: Who) -> dict[str, Any]:
        """The caller, whether they are an operator, and what a token may do until when."""
        scopes = None if caller.scopes is None else sorted(caller.scopes)
        return {
            "person": caller.person,
            "via": caller.via,
            "operator": caller.is_operator,
            "scopes": scopes,
            "bounds": None if caller.bounds is None else asdict(caller.bounds),
            "expires_at": None if caller.until is None else caller.until.isoformat(),
        }

    @router.get("/workflows", summary="List the workflows that the caller may start")
    async def list_workflows(request: Request, caller: Who) -> dict[str, Any]:
        """Operators may start all of them; others, those that list them among their `starters` in `sayso.toml`."""
        return _api(request).workflows(caller)

    _ = get_me, list_workflows


def _add_runs(router: APIRouter) -> None:
    """Runs."""

    @router.post("/runs", status_code=201, summary="Start a run")
    async def start_run(request: Request, body: NewRun, caller: Who, key: Key = None) -> dict[str, str]:
        """The run begins at once. If `shared` does not fit the workflow's `inputs`, the call is refused with 422, and
        `errors` names the field.
        """
        return await _api(request).start(caller, body, key)

    @router.get("/runs", summary="List runs, the newest first")
    async def list_runs(
        request: Request,
        caller: Who,
        status: Annotated[WorkflowStatus | None, Query(description="Only runs with this status.")] = None,
        workflow: Annotated[str | None, Query(description="Only runs of this workflow.")] = None,
        limit: Annotated[int, Query(ge=1, le=1000, description="Maximum number of runs to return.")] = 100,
    ) -> dict[str, Any]:
        """Operators see all runs; others, those that they started."""
        return await _api(request).runs(caller, status, workflow, limit)

    @router.get("/runs/{run_id}", summary="Get a run, or wait for its end")
    async def get_run(
        request: Request,
        run_id: RunId,
        caller: Who,
        wait: Wait = 0,
        until: Annotated[
            Literal["ended", "rests"],
            Query(
                description="What to wait for. `ended`: the run ended or needs an operator. `rests`: it also waits for "
                "answers."
            ),
        ] = "ended",
    ) -> dict[str, Any]:
        """The run as it is now; with `wait`, once it is as `until` says. Repeat the call until it is."""
        return await _api(request).run(caller, run_id, wait, until)

    @router.get("/runs/{run_id}/requests", summary="List everything that a run has asked")
    async def list_run_requests(
        request: Request, run_id: RunId, caller: Who, after: After = 0, limit: Limit = 1000
    ) -> dict[str, Any]:
        """The requests of a run, open and closed, with their answers, the oldest first."""
        return await _api(request).run_requests(caller, run_id, after, limit)

    _ = start_run, list_runs, get_run, list_run_requests


def _add_operators_runs(router: APIRouter) -> None:
    """What operators do to runs."""

    @router.post("/runs/{run_id}/cancel", summary="Cancel a run (operators)")
    async def cancel_run(request: Request, run_id: RunId, caller: Who, key: Key = None) -> dict[str, str]:
        """Its open requests are cancelled with it."""
        return await _api(request).cancel(caller, run_id, key)

    @router.post("/runs/{run_id}/retry", summary="Retry a failed run (operators)")
    async def retry_run(
        request: Request, run_id: RunId, body: Retry, caller: Who, key: Key = None
    ) -> dict[str, str]:
        """The node that failed runs again. Answers and step results of the failed visit are used again, unless
        `ask_again` discards them.
        """
        return await _api(request).retry(caller, run_id, body, key)

    @router.post("/runs/{run_id}/attention", summary="Decide about a run that needs attention (operators)")
    async def decide_run(
        request: Request, run_id: RunId, body: AttentionDecision, caller: Who, key: Key = None
    ) -> dict[str, str]:
        """The run's `attention` says what it is held for."""
        return await _api(request).attention(caller, run_id, body, key)

    _ = cancel_run, retry_run, decide_run


def _add_requests(router: APIRouter) -> None:
    """Requests."""

    @router.get("/requests", summary="List the open requests that the caller may see, the oldest first")
    async def list_requests(
        request: Request,
        caller: Who,
        run_id: Annotated[str | None, Query(description="Only requests of this run.")] = None,
        after: After = 0,
        limit: Limit = 1000,
        *,
        mine: Annotated[
            bool, Query(description="Only those that the caller asked without a workflow.")
        ] = False,
    ) -> dict[str, Any]:
        """Operators see all of them; others, those that they may answer or asked for. A token that only asks sees what
        it asked.
        """
        return await _api(request).requests(caller, run_id, after, limit, mine=mine)

    @router.get("/requests/{request_id}", summary="Get a request, or wait until it is closed")
    async def get_request(
        request: Request, request_id: RequestId, caller: Who, wait: Wait = 0
    ) -> dict[str, Any]:
        """The request as it is now; with `wait`, once it is closed. Repeat the call until it is. If an approval counts
        only from people who opened everything, this call counts as opening it.
        """
        return await _api(request).request(caller, request_id, wait)

    @router.get(
        "/requests/{request_id}/files/{sha256}",
        summary="Download a picture or file that a request shows",
        response_class=Response,
    )
    async def get_request_file(
        request: Request,
        request_id: RequestId,
        sha256: Annotated[str, Path(description="The `sha256` in the details of the request.")],
        caller: Who,
    ) -> Response:
        """Sent as an attachment: a picture with its media type, any other file as `application/octet-stream`."""
        return await _api(request).file(caller, request_id, sha256)

    _ = list_requests, get_request, get_request_file


def _add_answers(router: APIRouter) -> None:
    """What people and programs do to requests."""

    @router.post("/requests/{request_id}/answers", summary="Answer a request")
    async def answer_request(
        request: Request, request_id: RequestId, body: NewAnswer, caller: Who, key: Key = None
    ) -> dict[str, Any]:
        """The response is sent once the answer is stored. A refused answer changes nothing, and the problem's `outcome`
        says why: 403 `not_allowed`, 404 `unknown`, 422 `invalid`, 409 for every other outcome.
        """
        return await _api(request).answer(caller, request_id, body, key, request.app.state.clock.now())

    @router.post("/requests/{request_id}/withdrawal", summary="Withdraw a request of the caller's own")
    async def withdraw_request(request: Request, request_id: RequestId, caller: Who) -> dict[str, Any]:
        """Only whoever started the run may withdraw what it asks."""
        return await _api(request).withdraw(caller, request_id)

    @router.post("/requests/{request_id}/reassignment", summary="Hand over the caller's vote")
    async def reassign_request(
        request: Request, request_id: RequestId, body: Reassignment, caller: Who
    ) -> dict[str, Any]:
        """Somebody else is asked instead of the caller, where the policy allows that."""
        return await _api(request).reassign(caller, request_id, body)

    _ = answer_request, withdraw_request, reassign_request


def _add_asks(router: APIRouter) -> None:
    """Questions without a workflow of one's own."""

    @router.post(
        "/requests",
        status_code=201,
        summary="Ask a question",
        responses={200: {"description": "The request, if it was asked before under the same key."}},
    )
    async def ask_question(
        request: Request, response: Response, body: NewRequest, caller: Who, key: Key = None
    ) -> dict[str, Any]:
        """Repeating it with its key and content returns the same request, also after the service was killed. The key
        with other content is refused with 409 of kind `KeyReused`, a question that cannot be asked with 422 of kind
        `InvalidQuestion`.
        """
        asked, is_new = await _asks(request).ask(caller, body, key)
        response.status_code = 201 if is_new else 200
        return asked

    @router.delete("/requests/{request_id}", summary="Withdraw a request that the caller asked")
    async def delete_request(request: Request, request_id: RequestId, caller: Who) -> dict[str, Any]:
        """It can no longer be answered. A request that is closed is refused with 409."""
        return await _api(request).withdraw(caller, request_id)

    @router.post(
        "/requests/{request_id}/consumption",
        status_code=201,
        summary="Use an approval, once",
        responses={200: {"description": "This call, with this key, had used it before."}},
    )
    async def use_approval(
        request: Request,
        response: Response,
        request_id: RequestId,
        body: Consumption,
        caller: Who,
        key: Key = None,
    ) -> dict[str, Any]:
        """Call it right before you run what was approved, with a new `Idempotency-Key` for every attempt. Refused with
        409: of kind `NotApproved` without a yes, `AlreadyUsed` where it was used before.
        """
        used, is_new = await _asks(request).use(caller, request_id, body, key)
        response.status_code = 201 if is_new else 200
        return used

    _ = ask_question, delete_request, use_approval


def _add_batches(router: APIRouter) -> None:
    """Questions that are asked together."""

    @router.post(
        "/batches",
        status_code=201,
        summary="Ask several questions together",
        responses={200: {"description": "They were asked before under the same key: those requests."}},
    )
    async def ask_batch(
        request: Request, response: Response, body: NewBatch, caller: Who, key: Key = None
    ) -> dict[str, Any]:
        """All are asked, or none. In chats they share a card; each is a request of its own, which is decided,
        withdrawn and used by itself. Keys and refusals are those of `POST /requests`; an invalid field is named with
        the position of its question.
        """
        asked, is_new = await _asks(request).ask_batch(caller, body, key)
        response.status_code = 201 if is_new else 200
        return asked

    _ = ask_batch


def _add_files(router: APIRouter) -> None:
    """Pictures and files for questions."""

    @router.put(
        "/files",
        summary="Send a picture or file for a question",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    async def upload_file(request: Request, caller: Who) -> dict[str, Any]:
        """The body is the file's bytes. Ask about it within a day: a detail that is named in `rich` shows it as
        `{"type": "file", "sha256": ..., "name": ...}` or `{"type": "image", "sha256": ..., "alt": ...}`.
        """
        return await _asks(request).upload(caller, await request.body())

    _ = upload_file


def _add_grants(router: APIRouter) -> None:
    """Approvals that hold for a while."""

    @router.get("/grants", summary="List grants, the newest first")
    async def list_grants(
        request: Request,
        caller: Who,
        *,
        ended: Annotated[bool, Query(description="Also those that have ended.")] = False,
    ) -> dict[str, Any]:
        """Operators see the newest thousand of everybody; others, those that they made."""
        return await _grants(request).list(caller, ended=ended)

    @router.get("/grants/{grant_id}", summary="Get a grant, with its latest uses")
    async def get_grant(request: Request, grant_id: GrantId, caller: Who) -> dict[str, Any]:
        """The requests that it approved are named by their `id`."""
        return await _grants(request).one(caller, grant_id)

    @router.delete("/grants/{grant_id}", summary="Revoke a grant")
    async def revoke_grant(request: Request, grant_id: GrantId, caller: Who) -> dict[str, Any]:
        """The next request is put to people. A grant that has ended already is refused with 409."""
        return await _grants(request).revoke(caller, grant_id)

    _ = list_grants, get_grant, revoke_grant


def _add_news(router: APIRouter) -> None:
    """What happens."""

    @router.get("/changes", summary="List what happened, or wait until something does")
    async def list_changes(
        request: Request,
        caller: Who,
        after: Annotated[
            int,
            Query(
                ge=0, le=2**62, description="Only rows after this one: the `last` of the call before, or 0."
            ),
        ] = 0,
        wait: Wait = 0,
        limit: Annotated[int, Query(ge=1, le=1000, description="Maximum number of changes to return.")] = 100,
    ) -> dict[str, Any]:
        """The rows of the audit trail that concern the caller, in outline. With `wait`, if there are none, as soon as
        there is one.
        """
        return await _api(request).changes(caller, after, wait, limit)

    @router.get(
        "/events", summary="Follow what happens, as server-sent events", response_class=StreamingResponse
    )
    async def stream_events(
        request: Request,
        caller: Who,
        after: Annotated[
            int | None,
            Query(
                ge=0, le=2**62, description="Start after this row. Default: with what happens from now on."
            ),
        ] = None,
        last: Annotated[
            str | None,
            Header(
                alias="Last-Event-ID",
                description="The `id` of the last event received, which browsers send when they reconnect. It takes "
                "precedence over `after`.",
            ),
        ] = None,
    ) -> StreamingResponse:
        """The same as `/changes`, while the connection stays open. `data` is a `Change` as JSON, and `id` its
        `sequence`. Lines that begin with a colon say that the stream is alive.
        """
        return _api(request).events(caller, after if last is None else _row_of(last))

    _ = list_changes, stream_events


def _add_destinations(router: APIRouter) -> None:
    """The destinations of cards."""

    @router.get("/destinations/dead", summary="List unreachable destinations (operators)")
    async def list_dead_destinations(request: Request, caller: Who) -> dict[str, Any]:
        """The chats that cards could not be sent to, for example because the bot was removed from them."""
        return await _api(request).dead(caller)

    @router.post("/destinations/revive", summary="Try unreachable destinations again (operators)")
    async def revive_destinations(request: Request, body: Revival, caller: Who) -> dict[str, int]:
        """Cards that wait for them are sent again."""
        return await _api(request).revive(caller, body)

    _ = list_dead_destinations, revive_destinations


def _row_of(last: str | None) -> int | None:
    """The row that a stream is to go on behind; None where that cannot be read, and so from now on."""
    return int(last) if last is not None and _ROW.fullmatch(last) else None
