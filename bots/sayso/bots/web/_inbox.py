"""The inbox's addresses: pages that decide nothing, and the few writes behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from markupsafe import Markup
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field

from sayso.adapters.cards import Card
from sayso.adapters.console import Rejected
from sayso.adapters.web import DevelopmentBar, Pages, Visitor, Waiting, read_answer
from sayso.bots.answers import Answered, Desk, has_voted
from sayso.bots.chats import card_of
from sayso.bots.http import (
    Caller,
    Credentials,
    Problem,
    RateLimit,
    Starts,
    TcpDoor,
    add_problems,
    check_rate,
    file_response,
)
from sayso.bots.people import Arrival
from sayso.bots.web._error_pages import add_error_pages
from sayso.bots.web._grants import GrantPages
from sayso.bots.web._history import History, Wanted
from sayso.bots.web._pages_of_cards import count, read_page
from sayso.bots.web._runs import Decide, Looks, Result, RunPages
from sayso.bots.web._sign_in import SignIn, Who, Writer, add_sign_in
from sayso.bots.web._starts import Start, StartPages
from sayso.bots.web._static import add_static
from sayso.config import Settings
from sayso.engine import AnswerAttempt, CardRecord, OutcomeKind, Question, Role, Store, Warrant, Workflow

_MOST_DECIDED_READ = 1000
_MOST_DECIDED = 20
_LATELY = timedelta(days=1)
_LONGEST_LISTED = 20_000
"""Characters of a question, with what was said on it, that a page shows beside others."""

_LONGEST_BEGINNING = 1000
_KEPT = frozenset({OutcomeKind.INVALID})


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Form(_Body):
    """A card's form as it was sent: its fields with all their values, and a key that names this attempt."""

    revision: int = Field(ge=1, le=2**31)
    key: str = Field(min_length=1, max_length=100)
    fields: dict[str, list[str]] = Field(default_factory=dict)
    comment: str | None = Field(default=None, max_length=10_000)


class Action(_Body):
    """Something beside an answer: `text` is to whom it is handed over, or the reason for going alone."""

    action: Literal["withdraw", "reassign", "break_glass"]
    revision: int = Field(ge=1, le=2**31)
    key: str = Field(min_length=1, max_length=100)
    text: str = Field(default="", max_length=10_000)


@dataclass(frozen=True, slots=True)
class InboxParts:
    """What the inbox works with."""

    store: Store
    desk: Desk
    settings: Settings
    credentials: Credentials
    door: TcpDoor
    answers: RateLimit
    sign_ins: RateLimit
    workflows: Mapping[str, Workflow]
    starts: Starts
    decide: Decide
    api: FastAPI
    development: DevelopmentBar | None = None

    @property
    def zone(self) -> tzinfo:
        """The time zone of times, until a browser puts them into its own."""
        return self.settings.zone


Place = Annotated[int | None, Query(ge=1, le=2**62)]


class Inbox:
    """What the pages show and what their forms do."""

    def __init__(self, parts: InboxParts) -> None:
        self._parts = parts
        self._store = parts.store
        grants = any(one.grants is not None for one in parts.settings.policies.values())
        self.pages = Pages(parts.zone, parts.development, has_grants=grants)
        self.grants = GrantPages(parts.store, self.pages)
        looks = Looks(self.listed, self.line)
        self.runs = RunPages(parts.store, self.pages, parts.workflows, looks, parts.decide)
        self.history = History(parts.store, self.pages, parts.settings, parts.workflows)

    async def visitor(self, request: Request, caller: Caller) -> Visitor:
        """Whose page is rendered, what waits for them, and as of when: what is read behind this holds all that happened
        before.
        """
        head = await self._store.reader.audit_head()
        waiting = await self.waiting(caller)
        return Visitor(caller.name, self._parts.door.csrf(request), head, caller.is_operator, waiting)

    async def waiting(self, caller: Caller) -> Waiting:
        """How many questions wait for somebody, as many as a page of the inbox shows."""
        asked = self._store.reader.concerning(caller.interests(asked=False), newest_first=True)
        return await count(asked, lambda one: _waits(one, caller))

    def card(self, record: CardRecord, caller: Caller, *, whole: bool = True) -> Markup:
        """A card as somebody sees it; where it need not be shown `whole`, one that is very long is shown in short, and
        answered on its own page.
        """
        request = record.request
        may_answer = caller.may_answer(request.audience, request.policy, record.votes)
        if not whole and _length(record) > _LONGEST_LISTED:
            return self.pages.short_card(self.line(record, caller), request.run_id, may_answer=may_answer)
        card = card_of(record, self._parts.settings, reader=caller.person)
        actions = _actions(record, caller, may_answer=may_answer) if request.open else ()
        return self.pages.card(
            card, request.run_id, may_answer=may_answer, actions=actions, whole=whole, locale=caller.locale
        )

    def listed(self, record: CardRecord, caller: Caller) -> Markup:
        """A card beside others."""
        return self.card(record, caller, whole=False)

    def line(self, record: CardRecord, caller: Caller) -> Card:
        """What a line about a request says: the beginning of its card."""
        return card_of(_beginning(record), self._parts.settings, reader=caller.person)

    async def overview(
        self, request: Request, caller: Caller, before: int | None = None, also_before: int | None = None
    ) -> str:
        """The inbox: first what waits for them, then what they have voted on or asked for; both page by page."""
        visitor = await self.visitor(request, caller)
        reader = self._store.reader

        def waits(one: CardRecord) -> bool:
            return _waits(one, caller)

        def is_other(one: CardRecord) -> bool:
            request = one.request
            concerns = caller.may_answer(request.concerned) or caller.asked(request.requested_by)
            return concerns and not waits(one)

        def render(one: CardRecord) -> Markup:
            return self.listed(one, caller)

        asked = reader.concerning(caller.interests(asked=False), start=before, newest_first=True)
        mine = await read_page(asked, waits, reader.named, render, to_the_end=True)
        both = reader.concerning(caller.interests(), start=also_before, newest_first=True)
        others = await read_page(both, is_other, reader.named, render, to_the_end=False)
        decided, left_out = ([], "") if before or also_before else await self._decided(caller)
        lately = [render(one) for one in decided]
        missing = await self._missing(caller)
        return self.pages.inbox(
            visitor, mine, others, lately, left_out, is_first=before is None, missing=missing
        )

    async def _missing(self, caller: Caller) -> str:
        """Why their lists may lack something: where they belong could not be looked up, and something is open there."""
        names: list[str] = []
        for name in caller.unknown:
            async for _ in self._store.reader.concerning([(Role.ANSWERS, name)]):
                names.append(name)
                break
        return self._parts.desk.unchecked(names)

    async def _decided(self, caller: Caller) -> tuple[list[CardRecord], str]:
        """What was decided lately of what somebody was asked or asked for, with or without them, and what of it is left
        out.
        """
        since = self._store.clock.now() - _LATELY
        decided = await self._store.reader.decided(since, _MOST_DECIDED_READ)
        concerning = [
            one for one in decided if caller.may_answer(one.concerned) or caller.asked(one.requested_by)
        ]
        found = [await self._store.reader.card(one.id) for one in concerning[:_MOST_DECIDED]]
        left_out = ""
        if len(concerning) > _MOST_DECIDED:
            left_out = f"These are the newest {_MOST_DECIDED}."
        elif len(decided) == _MOST_DECIDED_READ:
            left_out = f"Only the newest {_MOST_DECIDED_READ} decisions of everybody were looked at."
        return [one for one in found if one is not None], left_out

    async def act(self, request_id: str, caller: Caller, action: Action) -> dict[str, Any]:
        """Withdraw, hand over, or approve alone; and the card as it stands then."""
        check_rate(self._parts.answers, caller.person)
        record = await self.known(request_id, caller)
        desk, via = self._parts.desk, caller.via
        value: Any = True if record.request.question.input_type == "confirm" else "approve"
        attempt = AnswerAttempt(
            request_id,
            action.revision,
            value,
            caller.person,
            via,
            event_key=action.key,
            received_at=self._store.clock.now(),
            comment=action.text.strip() or None,
            break_glass=True,
            warrant=Warrant(caller.credential),
        )
        arrival = Arrival.now(self._store.clock, name=caller.own_name)
        match action.action:
            case "withdraw":
                words = await desk.withdraw(request_id, caller.person, via, caller.credential)
            case "reassign":
                words = await desk.reassign(attempt, arrival, action.text.strip())
            case _:
                words = await desk.heard(await desk.answer(attempt, arrival), caller.locale)
        after = await self.find(request_id, caller)
        card = None if after is None else self.card(after, caller)
        return {"outcome": None, "words": self.pages.words(words), "errors": {}, "card": card}

    async def open(self, record: CardRecord, caller: Caller) -> Markup:
        """A card with all of its request, for who has opened it: where it is to be read before it is approved, that is
        recorded.
        """
        request = record.request
        if (
            request.open
            and request.question.read_all
            and caller.may_answer(request.audience, request.policy, record.votes)
        ):
            await self._store.open_all(request.id, request.revision, caller.person, caller.via)
        return self.card(record, caller)

    async def find(self, request_id: str, caller: Caller) -> CardRecord | None:
        """A request that somebody may see."""
        record = await self._store.reader.card(request_id)
        if record is None or not caller.may_see(record.request.concerned, record.request.requested_by):
            return None
        return record

    async def known(self, request_id: str, caller: Caller) -> CardRecord:
        record = await self.find(request_id, caller)
        if record is None:
            raise Problem(HTTPStatus.NOT_FOUND, "UnknownRequest", "Not found, or you don't have access.")
        return record

    async def answer(self, request_id: str, caller: Caller, form: Form) -> dict[str, Any]:
        """Take a form, or say what is wrong with it; and the card as it stands then."""
        check_rate(self._parts.answers, caller.person)
        received_at = self._store.clock.now()
        record = await self.known(request_id, caller)
        value: Any = None
        grant = "".join(form.fields.get("grant", ())) or None
        if grant is not None:
            value = True if record.request.question.input_type == "confirm" else "approve"
        elif record.request.open and record.request.revision == form.revision:
            read = read_answer(card_of(record, self._parts.settings), form.fields, caller.locale)
            if isinstance(read, Rejected):
                return {"outcome": OutcomeKind.INVALID, "words": "", "errors": read.errors, "card": None}
            value = read.value
        arrival = Arrival.now(self._store.clock, name=caller.own_name)
        attempt = AnswerAttempt(
            request_id,
            form.revision,
            value,
            caller.person,
            caller.via,
            event_key=form.key,
            received_at=received_at,
            comment=form.comment or None,
            warrant=Warrant(caller.credential),
            offer=grant,
        )
        return await self._said(await self._parts.desk.answer(attempt, arrival), caller)

    async def _said(self, answered: Answered, caller: Caller) -> dict[str, Any]:
        """What the page does with it: words, and the card anew unless it keeps what was typed."""
        kept = answered.outcome is None or answered.outcome.kind in _KEPT
        desk = self._parts.desk
        words = self.pages.words(await desk.heard(answered, caller.locale))
        record = None if kept else await desk.card_after(answered.attempt.request_id)
        return {
            "outcome": None if answered.outcome is None else answered.outcome.kind,
            "words": "" if answered.asks_why else words,
            "errors": {"comment": words} if answered.asks_why else {},
            "card": None if record is None else self.card(record, caller),
        }


def _waits(record: CardRecord, caller: Caller) -> bool:
    """Whether it waits for somebody's answer."""
    request = record.request
    asked = caller.may_answer(request.audience, request.policy, record.votes)
    return asked and not has_voted(record, (caller.person, *caller.ids))


def _length(record: CardRecord) -> int:
    """About how much text a card has."""
    request = record.request
    said = sum(len(vote.comment or "") for vote in record.votes)
    return len(request.text) + len(request.note or "") + len(request.answer or "") + said


def _beginning(record: CardRecord) -> CardRecord:
    """The request as far as a short card shows it: making a long text fit to be shown takes long as well."""
    question = record.request.question
    prompt = None if question.prompt is None else question.prompt[:_LONGEST_BEGINNING]
    text = Question(prompt, question.options, question.input_type, question.schema, None).text()
    request = replace(record.request, text=text, note=None)
    return replace(record, request=request)


def _actions(record: CardRecord, caller: Caller, *, may_answer: bool) -> tuple[str, ...]:
    """What somebody may do with an open request beside answering it."""
    policy = record.request.policy
    may = {
        "reassign": may_answer and policy is not None,
        "break_glass": policy is not None
        and any(one in policy.break_glass for one in (caller.person, *caller.ids)),
        "withdraw": caller.asked(record.request.requested_by),
    }
    return tuple(name for name, allowed in may.items() if allowed)


def add_inbox(app: FastAPI, parts: InboxParts) -> Pages:
    """Add the inbox's addresses to the public application. Returns its pages, for callers that add others."""
    inbox = Inbox(parts)
    add_problems(app)

    async def problem_page(request: Request, title: str, words: str) -> str:
        caller = await parts.door.by_session(request)
        visitor = None if caller is None else await inbox.visitor(request, caller)
        return inbox.pages.problem(visitor, title, words)

    add_error_pages(app, inbox.pages, problem_page)
    is_secure = (parts.settings.http.public_url or "").startswith("https://")
    add_sign_in(app, SignIn(parts.credentials, parts.door, parts.sign_ins, is_secure), inbox.pages)
    _add_requests(app, inbox, parts)
    _add_runs(app, inbox, parts.api)
    _add_starts(app, inbox, StartPages(parts.starts, inbox.pages, parts.answers))
    add_static(app)
    return inbox.pages


def _add_requests(app: FastAPI, inbox: Inbox, parts: InboxParts) -> None:
    @app.get("/")
    async def index(
        request: Request, caller: Who, before: Place = None, also_before: Place = None
    ) -> HTMLResponse:
        return HTMLResponse(await inbox.overview(request, caller, before, also_before))

    @app.get("/waiting")
    async def waiting(caller: Who) -> JSONResponse:
        return JSONResponse({"waiting": str(await inbox.waiting(caller))})

    @app.get("/requests/{request_id}")
    async def one_request(request_id: str, request: Request, caller: Who) -> HTMLResponse:
        visitor = await inbox.visitor(request, caller)
        record = await inbox.find(request_id, caller)
        card = None if record is None else await inbox.open(record, caller)
        status = HTTPStatus.NOT_FOUND if card is None else HTTPStatus.OK
        return HTMLResponse(inbox.pages.request(visitor, card), status)

    @app.get("/requests/{request_id}/card")
    async def card_alone(request_id: str, caller: Writer, whole: bool = False) -> JSONResponse:  # noqa: FBT001, FBT002 - of the address
        record = await inbox.known(request_id, caller)
        request = record.request
        is_mine = request.open and caller.may_answer(request.audience, request.policy, record.votes)
        card = await inbox.open(record, caller) if whole else inbox.listed(record, caller)
        return JSONResponse({"card": card, "is_mine": is_mine})

    @app.get("/requests/{request_id}/files/{sha256}")
    async def file(request_id: str, sha256: str, caller: Who) -> Response:
        record = await inbox.known(request_id, caller)
        return await file_response(parts.store, record.request, sha256)

    @app.post("/requests/{request_id}/answers")
    async def answer(request_id: str, form: Form, caller: Writer) -> JSONResponse:
        return JSONResponse(await inbox.answer(request_id, caller, form))

    @app.post("/requests/{request_id}/actions")
    async def act(request_id: str, action: Action, caller: Writer) -> JSONResponse:
        return JSONResponse(await inbox.act(request_id, caller, action))

    _ = index, waiting, one_request, card_alone, file, answer, act


def _add_runs(app: FastAPI, inbox: Inbox, api: FastAPI) -> None:
    @app.get("/history")
    async def history(request: Request, caller: Who, wanted: Annotated[Wanted, Query()]) -> HTMLResponse:
        visitor = await inbox.visitor(request, caller)
        return HTMLResponse(await inbox.history.page(visitor, caller, wanted))

    @app.get("/grants")
    async def grants(request: Request, caller: Who) -> HTMLResponse:
        return HTMLResponse(await inbox.grants.list(await inbox.visitor(request, caller), caller))

    @app.get("/grants/{grant_id}")
    async def grant(grant_id: str, request: Request, caller: Who) -> HTMLResponse:
        visitor = await inbox.visitor(request, caller)
        page = await inbox.grants.one(visitor, caller, grant_id)
        if page is None:
            raise Problem(HTTPStatus.NOT_FOUND, "UnknownGrant", "Not found, or you don't have access.")
        return HTMLResponse(page)

    @app.get("/runs")
    async def runs(request: Request, caller: Who) -> HTMLResponse:
        return HTMLResponse(await inbox.runs.list(await inbox.visitor(request, caller), caller))

    @app.get("/runs/{run_id}")
    async def run(
        run_id: str, request: Request, caller: Who, before: Place = None, visits_before: Place = None
    ) -> HTMLResponse:
        visitor = await inbox.visitor(request, caller)
        return HTMLResponse(await inbox.runs.one(visitor, caller, run_id, before, visits_before))

    @app.post("/runs/{run_id}/result")
    async def result(run_id: str, body: Result, caller: Writer) -> JSONResponse:
        return JSONResponse(await inbox.runs.record(caller, run_id, body))

    @app.get("/api")
    async def description(request: Request, caller: Who) -> HTMLResponse:
        visitor = await inbox.visitor(request, caller)
        return HTMLResponse(inbox.pages.api(visitor, api.openapi(), "/api/v1"))

    _ = history, grants, grant, runs, run, result, description


def _add_starts(app: FastAPI, inbox: Inbox, starts: StartPages) -> None:
    @app.get("/start")
    async def listed(request: Request, caller: Who) -> HTMLResponse:
        return HTMLResponse(starts.list(await inbox.visitor(request, caller), caller))

    @app.get("/start/{name}")
    async def form(name: str, request: Request, caller: Who) -> HTMLResponse:
        visitor = await inbox.visitor(request, caller)
        page = await starts.one(visitor, caller, name)
        if page is None:
            return HTMLResponse(starts.list(visitor, caller), HTTPStatus.NOT_FOUND)
        return HTMLResponse(page)

    @app.post("/start/{name}")
    async def start(name: str, body: Start, caller: Writer) -> JSONResponse:
        return JSONResponse(await starts.start(caller, name, body))

    _ = listed, form, start
