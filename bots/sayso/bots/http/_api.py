"""What the calls of the API under `/api/v1` do: the same behind the control socket, where the kernel says who calls,
and on TCP, where a token or a session does. A GET decides nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal

import msgspec
from fastapi import Response
from fastapi.responses import StreamingResponse
from msgspec.structs import replace

from sayso.bots.http._bodies import AttentionDecision, NewAnswer, NewRun, Reassignment, Retry, Revival
from sayso.bots.http._callers import Caller
from sayso.bots.http._feed import Feed
from sayso.bots.http._files import file_response
from sayso.bots.http._limits import RateLimit
from sayso.bots.http._problems import Problem, check_rate
from sayso.bots.http._starts import Starts
from sayso.engine import (
    ASK,
    ENDED,
    NOT_FOUND,
    AnswerAttempt,
    Before,
    CardRecord,
    Fact,
    Granted,
    Outcome,
    OutcomeKind,
    RequestRecord,
    RunSummary,
    Runtime,
    Scope,
    Store,
    UnknownRun,
    Warrant,
    WorkflowStatus,
    decision_of,
    kind_of,
    offered,
)

LONGEST_WAIT = 60
IDLE = 15.0
"""Seconds after which a silent stream says that it is alive."""

_LARGEST_PAGE = 4_000_000
"""The characters of the questions on one page: a question may have half a megabyte."""

_RESTS = frozenset(WorkflowStatus) - {WorkflowStatus.RUNNING}
_TAKEN = frozenset({OutcomeKind.RESOLVED, OutcomeKind.COUNTED, OutcomeKind.HELD, OutcomeKind.DUPLICATE})


Act = Callable[[tuple[Fact, ...], Warrant], Awaitable[Outcome]]
"""Does something to a request for somebody, with what was looked up of them."""

_UNKNOWN = Outcome(OutcomeKind.UNKNOWN, NOT_FOUND)


async def _nobody_vouches(_grant: Granted) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class ApiParts:
    """What the API works with. `looks` limits how often somebody reads what happened; `looked_up` does something to a
    request for somebody, with the chats and groups of it that they belong to; `successor` looks up whoever is to be
    asked instead of them. `public_url` is the address of the inbox where it has one, `callback_hosts` are those that
    may be told what became of a request; `why_nobody` says why an entry of those whom a program asks reaches nobody,
    `still_approves` whether whoever made a grant may still approve what it was made on.
    """

    runtime: Runtime
    store: Store
    feed: Feed
    answers: RateLimit
    looks: RateLimit
    starts: Starts
    looked_up: Callable[[Before, Caller, Act], Awaitable[Outcome]]
    successor: Callable[[CardRecord, str], Awaitable[tuple[tuple[str, ...], tuple[Fact, ...]]]]
    public_url: str | None = None
    callback_hosts: frozenset[str] = frozenset()
    why_nobody: Callable[[str], str | None] = lambda _entry: None
    still_approves: Callable[[Granted], Awaitable[bool]] = _nobody_vouches


class Api:
    """What the calls do. Every one takes who calls."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self._runtime = parts.runtime
        self._store = parts.store

    # Runs.

    async def start(self, caller: Caller, body: NewRun, key: str | None) -> dict[str, str]:
        run_id = await self._parts.starts.start(
            caller, body.workflow, body.shared, run_id=body.run_id, key=key
        )
        return {"run_id": run_id}

    def workflows(self, caller: Caller) -> dict[str, Any]:
        """The workflows that the caller may start, with the JSON Schema of what each is started with."""
        found = self._parts.starts.of(caller)
        return {"workflows": [{"name": one.name, "inputs": one.inputs} for one in found]}

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

    async def run_requests(self, caller: Caller, run_id: str, after: int, limit: int) -> dict[str, Any]:
        """A page of what a run has asked, and where the next one begins; None behind the last."""
        await self.check_run(caller, run_id)
        found = (
            (place, card.request) async for place, card in self._store.reader.run_cards(run_id, start=after)
        )
        seen, following = await _read_page(_visible_to(caller), found, after, limit)
        return {"requests": [self._shown(one) for one in seen], "next": following}

    async def check_run(self, caller: Caller, run_id: str) -> RunSummary:
        """A run that somebody may see. Raises `UnknownRun`, also for one that they may not."""
        run = await self._store.reader.run(run_id)
        if caller.is_operator or caller.asked(run.requested_by):
            return run
        concerned = await self._store.reader.run_concerns(run_id)
        if any(caller.may_answer(audience) for audience in concerned):
            return run
        raise UnknownRun(run_id)

    async def cancel(self, caller: Caller, run_id: str, key: str | None) -> dict[str, str]:
        _check_operator(caller)
        await self._runtime.cancel(
            run_id, person=caller.person, via=caller.via, event_key=key, warrant=caller.operating
        )
        return {"run_id": run_id}

    async def retry(self, caller: Caller, run_id: str, body: Retry, key: str | None) -> dict[str, str]:
        _check_operator(caller)
        await self._runtime.retry(
            run_id, person=caller.person, via=caller.via, ask_again=body.ask_again, event_key=key,
            seen=body.seen, warrant=caller.operating,
        )  # fmt: skip
        return {"run_id": run_id}

    async def attention(
        self, caller: Caller, run_id: str, body: AttentionDecision, key: str | None
    ) -> dict[str, str]:
        _check_operator(caller)
        await self._runtime.attention(
            run_id, body.action, person=caller.person, via=caller.via, result=body.result, event_key=key,
            seen=body.seen, warrant=caller.operating,
        )  # fmt: skip
        return {"run_id": run_id}

    # Requests.

    async def requests(
        self, caller: Caller, run_id: str | None, after: int, limit: int, *, mine: bool
    ) -> dict[str, Any]:
        """A page of the open requests, and where the next one begins; None behind the last. With `mine`, and for a
        program whose token only asks, those that the caller asked from outside.
        """
        if mine or not _reads(caller):
            asked = self._store.reader.asked_by((caller.person, *caller.ids), after=after)
            seen, following = await _read_page(lambda one: run_id in (None, one.run_id), asked, after, limit)
        else:
            found = self._open_requests(caller, run_id, after)
            seen, following = await _read_page(_visible_to(caller), found, after, limit)
        return {"requests": [self._shown(one) for one in seen], "next": following}

    async def _open_requests(
        self, caller: Caller, run_id: str | None, after: int
    ) -> AsyncIterator[tuple[int, RequestRecord]]:
        """The open requests that somebody may see, and perhaps others, each with its place in the order of asking."""
        if run_id is not None or caller.is_operator:
            async for found in self._store.reader.open_requests(run_id, after=after):
                yield found
        else:
            async for place, card in self._store.reader.concerning(caller.interests(), start=after):
                yield place, card.request

    async def request(self, caller: Caller, request_id: str, wait: float) -> dict[str, Any]:
        await self._request(caller, request_id)
        found = await self._parts.feed.wait_for(
            wait,
            lambda: self._request(caller, request_id),
            lambda one: not one.open,
            lambda event: event.request_id == request_id or event.request_id is None,
        )
        if found.open and found.question.read_all and _answers(caller) and caller.may_answer(found.concerned):
            await self._runtime.opened(request_id, found.revision, person=caller.person, via=caller.via)
        return self._shown(found)

    def _shown(self, record: RequestRecord) -> dict[str, Any]:
        return request_as_dict(record, self._parts.public_url)

    async def file(self, caller: Caller, request_id: str, sha256: str) -> Response:
        """A picture or file of a request that the caller may see."""
        return await file_response(self._store, await self._request(caller, request_id), sha256)

    async def _request(self, caller: Caller, request_id: str) -> RequestRecord:
        record = await self._store.reader.request(request_id)
        if record is not None:
            sees = self._sees if _reads(caller) else self._has_asked
            if await sees(caller, record):
                return record
        raise Problem(HTTPStatus.NOT_FOUND, "UnknownRequest", "Not found, or you don't have access.")

    async def asked(self, caller: Caller, request_id: str) -> RequestRecord:
        """A request that the caller asked from outside. Raises `Problem`, the same for others as for an unknown id."""
        record = await self._store.reader.request(request_id)
        if record is None or not await self._has_asked(caller, record):
            raise Problem(
                HTTPStatus.NOT_FOUND, "UnknownRequest", "Not found, or it was asked by somebody else."
            )
        return record

    async def _sees(self, caller: Caller, record: RequestRecord) -> bool:
        """Whether somebody sees a request."""
        seen = caller.may_see(record.concerned, record.requested_by)
        return seen or await self._has_asked(caller, record)

    async def _has_asked(self, caller: Caller, record: RequestRecord) -> bool:
        """Whether the caller asked it from outside, be it on somebody's behalf."""
        if record.node_id != ASK:
            return False
        run = await self._store.reader.run(record.run_id)
        return run.workflow == ASK and caller.asked(run.requested_by)

    async def answer(
        self, caller: Caller, request_id: str, body: NewAnswer, key: str | None, received_at: datetime
    ) -> dict[str, Any]:
        check_rate(self._parts.answers, caller.person)
        before = await self._before(caller, request_id)
        await self._check_not_own(caller, before.card.request)
        attempt = AnswerAttempt(
            request_id,
            body.revision,
            body.value,
            caller.person,
            caller.via,
            event_key=key,
            comment=body.comment,
            received_at=received_at,
            break_glass=body.break_glass,
            offer=body.grant,
        )

        async def act(facts: tuple[Fact, ...], warrant: Warrant) -> Outcome:
            found = (*_own_facts(caller), *facts)
            return await self._runtime.take(replace(attempt, facts=found, warrant=warrant))

        outcome = await self._parts.looked_up(before, caller, act)
        if outcome.kind not in _TAKEN:
            raise Problem.of_outcome(outcome)
        return {"outcome": outcome.kind, "reason": outcome.reason, "repeated": outcome.repeated}

    async def withdraw(self, caller: Caller, request_id: str) -> dict[str, Any]:
        check_rate(self._parts.answers, caller.person)
        before = await self._before(caller, request_id)

        async def act(_facts: tuple[Fact, ...], warrant: Warrant) -> Outcome:
            return await self._runtime.withdraw(
                request_id, person=caller.person, via=caller.via, warrant=warrant
            )

        return _done(await self._parts.looked_up(before, caller, act))

    async def reassign(self, caller: Caller, request_id: str, body: Reassignment) -> dict[str, Any]:
        check_rate(self._parts.answers, caller.person)
        before = await self._before(caller, request_id)
        await self._check_not_own(caller, before.card.request)
        to_ids, to_facts = await self._parts.successor(before.card, body.to)

        async def act(facts: tuple[Fact, ...], warrant: Warrant) -> Outcome:
            return await self._runtime.reassign(
                request_id, body.revision, person=caller.person, via=caller.via, to=body.to,
                facts=(*_own_facts(caller), *facts), warrant=warrant, to_ids=to_ids, to_facts=to_facts,
            )  # fmt: skip

        return _done(await self._parts.looked_up(before, caller, act))

    async def _before(self, caller: Caller, request_id: str) -> Before:
        """What there is before what the caller does to a request that they may see. Raises `Problem`, the same for
        others as for an unknown id.
        """
        before = await self._store.reader.before_answer(request_id, caller.person)
        if before is not None and await self._sees(caller, before.card.request):
            return before
        raise Problem.of_outcome(_UNKNOWN)

    async def _check_not_own(self, caller: Caller, record: RequestRecord) -> None:
        """Raises `Problem` for a program that asked it itself, with this token, with an earlier one of its name, or
        on somebody's behalf.
        """
        if caller.scopes is None:
            return
        if caller.asked(record.requested_by) or await self._has_asked(caller, record):
            raise Problem.not_allowed(
                f"{caller.person} requested this, so another person or program must answer it."
            )

    # What happens.

    async def changes(self, caller: Caller, after: int, wait: float, limit: int) -> dict[str, Any]:
        check_rate(self._parts.looks, caller.person)
        found = await self._parts.feed.wait_for(
            wait,
            lambda: self._parts.feed.read(caller, after, limit),
            lambda seen: bool(seen.events) or not seen.is_end,
            lambda event: event.concerns(caller),
        )
        return {"changes": [one.as_dict() for one in found.events], "last": found.last}

    def events(self, caller: Caller, after: int | None) -> StreamingResponse:
        check_rate(self._parts.looks, caller.person)

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
        return {"destinations": [msgspec.to_builtins(one) for one in await self._store.reader.dead_places()]}

    async def revive(self, caller: Caller, body: Revival) -> dict[str, int]:
        _check_operator(caller)
        return {"cards": await self._store.revive(body.destinations)}


async def _read_page(
    sees: Callable[[RequestRecord], bool],
    found: AsyncIterator[tuple[int, RequestRecord]],
    after: int,
    limit: int,
) -> tuple[list[RequestRecord], int | None]:
    """As many of the requests found as a page carries and the caller sees, and the place behind which the next page
    begins; None where there is none.
    """
    seen: list[RequestRecord] = []
    last, size = after, 0
    async for place, one in found:
        if not sees(one):
            continue
        size += len(one.text) + len(one.answer or "")
        if seen and (len(seen) == limit or size > _LARGEST_PAGE):
            return seen, last
        seen.append(one)
        last = place
    return seen, None


def _visible_to(caller: Caller) -> Callable[[RequestRecord], bool]:
    return lambda one: caller.may_see(one.concerned, one.requested_by)


def _reads(caller: Caller) -> bool:
    """Whether a caller sees more than what it has asked from outside."""
    return caller.scopes is None or Scope.READ in caller.scopes


def _answers(caller: Caller) -> bool:
    """Whether what is sent to a caller is read by who answers: a person, or a program whose token may."""
    return caller.scopes is None or Scope.ANSWER in caller.scopes


def _own_facts(caller: Caller) -> tuple[Fact, ...]:
    """What counts of a program because its token says it; what counts of people is looked up."""
    return () if caller.scopes is None else caller.facts


def _done(outcome: Outcome) -> dict[str, Any]:
    if outcome.kind is not OutcomeKind.DONE:
        raise Problem.of_outcome(outcome)
    return {"outcome": outcome.kind, "reason": outcome.reason}


def run_as_dict(run: RunSummary, caller: Caller) -> dict[str, Any]:
    """A run as JSON, with its texts for operators alone."""
    found: dict[str, Any] = msgspec.to_builtins(run if caller.is_operator else run.outline())
    return found


def request_as_dict(record: RequestRecord, public_url: str | None) -> dict[str, Any]:
    """A request as JSON, with where people find it, and its end once it has one."""
    return record.as_dict() | {
        "kind": kind_of(record),
        "offers": _offers(record),
        "url": None if public_url is None else f"{public_url.rstrip('/')}/requests/{record.id}",
        "decision": decision_of(record),
        "status": record.status,
        "answer": None if record.answer is None else msgspec.json.decode(record.answer),
        "resolved_at": None if record.resolved_at is None else record.resolved_at.isoformat(),
    }


def _offers(record: RequestRecord) -> list[dict[str, Any]]:
    """What an approver may grant while a request is open."""
    found = offered(record.policy, record.question) if record.open else ()
    return [{"key": one.key, "lasts": one.lasts.total_seconds(), "uses": one.uses} for one in found]


def _check_operator(caller: Caller) -> None:
    if not caller.is_operator:
        raise Problem.not_allowed(
            f"{caller.person} is not an operator. Operators are listed under http.operators in sayso.toml."
        )
