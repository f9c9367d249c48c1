"""The API under `/api/v1`: the same behind the control socket, where the kernel says who calls, and on TCP, where a
token or a session does. A GET decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.responses import StreamingResponse

from sayso.bots.http._bodies import Decision, NewAnswer, NewRun, Reassignment, Retry, Revival
from sayso.bots.http._callers import Caller
from sayso.bots.http._feed import Feed
from sayso.bots.http._limits import RateLimit
from sayso.bots.http._problems import Problem, add_problems
from sayso.bots.http._scopes import NEEDS, check_scope, describe_scopes
from sayso.engine import (
    ENDED,
    CardRecord,
    Fact,
    Outcome,
    OutcomeKind,
    RequestRecord,
    RunSummary,
    Runtime,
    SaysoError,
    SQLiteStore,
    UnknownRun,
    Warrant,
    WorkflowStatus,
    canonical,
)

LONGEST_WAIT = 60
IDLE = 15.0
"""Seconds after which a silent stream says that it is alive."""

_ROW = re.compile(r"[0-9]{1,18}")
_RESTS = frozenset(WorkflowStatus) - {WorkflowStatus.RUNNING}
_TAKEN = frozenset({OutcomeKind.RESOLVED, OutcomeKind.COUNTED, OutcomeKind.HELD, OutcomeKind.DUPLICATE})


Act = Callable[[tuple[Fact, ...], Warrant], Awaitable[Outcome]]
"""Does something to a request for somebody, with what was looked up of them."""

_UNKNOWN = Outcome(OutcomeKind.UNKNOWN, "sayso does not know this question (any more).")


@dataclass(frozen=True, slots=True)
class ApiParts:
    """What the API works with. `starters` are, by workflow, those who may start it beside operators; `looked_up`
    does something to a request for somebody, with the chats and groups of it that they belong to; `successor` looks up
    whoever is to be asked instead of them.
    """

    runtime: Runtime
    store: SQLiteStore
    feed: Feed
    answers: RateLimit
    starters: Callable[[str], frozenset[str]]
    looked_up: Callable[[str, Caller, Act], Awaitable[Outcome]]
    successor: Callable[[CardRecord, str], Awaitable[tuple[tuple[str, ...], tuple[Fact, ...]]]]
    exit_code: Callable[[SaysoError], int]


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


class Api:
    """What the calls do. Every one takes who calls."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self._runtime = parts.runtime
        self._store = parts.store

    # Runs.

    async def start(self, caller: Caller, body: NewRun, key: str | None) -> dict[str, str]:
        starters = {canonical(one) for one in self._parts.starters(body.workflow)}
        may_start = not starters.isdisjoint((caller.person, *caller.ids))
        if not (may_start or caller.is_operator):
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "NotAllowed",
                f"{caller.person} may not start {body.workflow!r}: an operator lists starters in sayso.toml.",
            )
        run_id = await self._runtime.start(
            body.workflow,
            body.shared,
            body.run_id,
            requested_by=caller.person,
            event_key=key,
            warrant=Warrant(caller.credential) if may_start else caller.operating,
        )
        return {"run_id": run_id}

    async def runs(
        self, caller: Caller, status: WorkflowStatus | None, workflow: str | None, limit: int
    ) -> dict[str, Any]:
        mine = None if caller.is_operator else caller.person
        found = await self._store.reader.runs(
            status=status, workflow=workflow, requested_by=mine, limit=limit
        )
        return {"runs": [run_as_dict(run, caller) for run in found]}

    async def run(
        self, caller: Caller, run_id: str, wait: float, until: Literal["ended", "rests"]
    ) -> dict[str, Any]:
        await self.check_run(caller, run_id)
        wanted = ENDED | {WorkflowStatus.NEEDS_ATTENTION} if until == "ended" else _RESTS
        run = await self._parts.feed.wait_for(
            wait,
            lambda: self._store.reader.run(run_id),
            lambda found: found.status in wanted,
            lambda event: event.run_id == run_id,
        )
        return run_as_dict(run, caller)

    async def run_requests(self, caller: Caller, run_id: str) -> dict[str, Any]:
        await self.check_run(caller, run_id)
        found = [card.request for card in await self._store.reader.run_cards(run_id)]
        seen = [one for one in found if caller.may_see(one.concerned, one.requested_by)]
        return {"requests": [request_as_dict(one) for one in seen]}

    async def check_run(self, caller: Caller, run_id: str) -> RunSummary:
        """A run that somebody may see. Raises `UnknownRun`, also for one that they may not."""
        run = await self._store.reader.run(run_id)
        if caller.is_operator or caller.asked(run.requested_by):
            return run
        cards = await self._store.reader.run_cards(run_id)
        if any(caller.may_answer(card.request.concerned) for card in cards):
            return run
        raise UnknownRun(run_id)

    async def operate(
        self, caller: Caller, run_id: str, act: Callable[[], Awaitable[None]]
    ) -> dict[str, str]:
        _check_operator(caller)
        await act()
        return {"run_id": run_id}

    # Requests.

    async def requests(self, caller: Caller, run_id: str | None, limit: int) -> dict[str, Any]:
        found = await self._store.reader.pending(run_id, limit)
        seen = [one for one in found if caller.may_see(one.concerned, one.requested_by)]
        return {"requests": [one.as_dict() for one in seen]}

    async def request(self, caller: Caller, request_id: str, wait: float) -> dict[str, Any]:
        await self._request(caller, request_id)
        found = await self._parts.feed.wait_for(
            wait,
            lambda: self._request(caller, request_id),
            lambda one: not one.open,
            lambda event: event.request_id == request_id or event.request_id is None,
        )
        return request_as_dict(found)

    async def _request(self, caller: Caller, request_id: str) -> RequestRecord:
        record = await self._store.reader.request(request_id)
        if record is None or not caller.may_see(record.concerned, record.requested_by):
            raise Problem(
                HTTPStatus.NOT_FOUND, "UnknownRequest", f"there is no request {request_id!r} for you"
            )
        return record

    async def answer(
        self, caller: Caller, request_id: str, body: NewAnswer, key: str | None, received_at: datetime
    ) -> dict[str, Any]:
        self._check_pace(caller)
        await self._check_not_own(caller, request_id)

        async def act(facts: tuple[Fact, ...], warrant: Warrant) -> Outcome:
            return await self._runtime.answer(
                request_id,
                body.revision,
                body.value,
                person=caller.person,
                via=caller.via,
                event_key=key,
                comment=body.comment,
                received_at=received_at,
                facts=(*_own_facts(caller), *facts),
                break_glass=body.break_glass,
                warrant=warrant,
            )

        outcome = await self._parts.looked_up(request_id, caller, act)
        if outcome.kind not in _TAKEN:
            raise Problem.of_outcome(outcome)
        return {"outcome": outcome.kind, "reason": outcome.reason, "repeated": outcome.repeated}

    async def withdraw(self, caller: Caller, request_id: str) -> dict[str, Any]:
        self._check_pace(caller)
        await self._changeable(caller, request_id)

        async def act(_facts: tuple[Fact, ...], warrant: Warrant) -> Outcome:
            return await self._runtime.withdraw(
                request_id, person=caller.person, via=caller.via, warrant=warrant
            )

        return _done(await self._parts.looked_up(request_id, caller, act))

    async def reassign(self, caller: Caller, request_id: str, body: Reassignment) -> dict[str, Any]:
        self._check_pace(caller)
        await self._check_not_own(caller, request_id)
        record = await self._store.reader.card(request_id)
        to_ids, to_facts = ((), ()) if record is None else await self._parts.successor(record, body.to)

        async def act(facts: tuple[Fact, ...], warrant: Warrant) -> Outcome:
            return await self._runtime.reassign(
                request_id, body.revision, person=caller.person, via=caller.via, to=body.to,
                facts=(*_own_facts(caller), *facts), warrant=warrant, to_ids=to_ids, to_facts=to_facts,
            )  # fmt: skip

        return _done(await self._parts.looked_up(request_id, caller, act))

    def _check_pace(self, caller: Caller) -> None:
        if wait := self._parts.answers.wait(caller.person):
            raise Problem.too_often(wait)

    async def _check_not_own(self, caller: Caller, request_id: str) -> None:
        """Raises `Problem` for a request that the caller may not see, and for a program that asked for it itself, with
        this token or with an earlier one of its name.
        """
        record = await self._changeable(caller, request_id)
        if caller.scopes is not None and caller.asked(record.requested_by):
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "NotAllowed",
                f"{caller.person} asked for this, so another person or program must answer it.",
            )

    async def _changeable(self, caller: Caller, request_id: str) -> RequestRecord:
        """A request that the caller may see. Raises `Problem`, the same for others as for an unknown id."""
        record = await self._store.reader.request(request_id)
        if record is None or not caller.may_see(record.concerned, record.requested_by):
            raise Problem.of_outcome(_UNKNOWN)
        return record

    # What happens.

    async def changes(self, caller: Caller, after: int, wait: float, limit: int) -> dict[str, Any]:
        found, last = await self._parts.feed.wait_for(
            wait,
            lambda: self._parts.feed.read(caller, after, limit),
            lambda seen: bool(seen[0]),
            lambda event: event.concerns(caller),
        )
        return {"changes": [one.as_dict() for one in found], "last": last}

    def events(self, caller: Caller, after: int | None) -> StreamingResponse:
        async def lines() -> AsyncGenerator[bytes]:
            yield b"retry: 1000\n\n"
            async for events in self._parts.feed.stream(caller, after, IDLE):
                if caller.until is not None and caller.until <= self._store.clock.now():
                    return
                yield b"".join(event.line for event in events) or b": alive\n\n"

        return StreamingResponse(
            lines(),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    # Destinations.

    async def dead(self, caller: Caller) -> dict[str, Any]:
        _check_operator(caller)
        return {
            "destinations": [
                msgspec.to_builtins(asdict(one)) for one in await self._store.reader.dead_places()
            ]
        }

    async def revive(self, caller: Caller, body: Revival) -> dict[str, int]:
        _check_operator(caller)
        return {"cards": await self._store.revive(body.destinations)}


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
    async def run_requests(run_id: str, caller: Who) -> dict[str, Any]:
        return await api.run_requests(caller, run_id)

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

    @app.get("/requests", summary="The open requests that the caller may see, the oldest first")
    async def requests(
        caller: Who, run_id: str | None = None, limit: Annotated[int, Query(ge=1, le=1_000_000)] = 1000
    ) -> dict[str, Any]:
        return await api.requests(caller, run_id, limit)

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


def _own_facts(caller: Caller) -> tuple[Fact, ...]:
    """What counts of a program because its token says it; what counts of people is looked up."""
    return () if caller.scopes is None else caller.facts


def _done(outcome: Outcome) -> dict[str, Any]:
    if outcome.kind is not OutcomeKind.DONE:
        raise Problem.of_outcome(outcome)
    return {"outcome": outcome.kind, "reason": outcome.reason}


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


def run_as_dict(run: RunSummary, caller: Caller) -> dict[str, Any]:
    """A run as JSON, with its texts for operators alone."""
    found: dict[str, Any] = msgspec.to_builtins(run if caller.is_operator else run.outline())
    return found


def request_as_dict(record: RequestRecord) -> dict[str, Any]:
    """A request as JSON, with its end once it has one."""
    return record.as_dict() | {
        "status": record.status,
        "answer": None if record.answer is None else msgspec.json.decode(record.answer),
        "resolved_at": None if record.resolved_at is None else record.resolved_at.isoformat(),
    }


def _check_operator(caller: Caller) -> None:
    if not caller.is_operator:
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "NotAllowed",
            f"{caller.person} is no operator. An operator is listed in http.operators of sayso.toml.",
        )
