"""The service with its chat platforms in the test's own process, against local platforms, with one workflow that asks
whatever a test wants asked.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import httpx
import msgspec

from sayso.bots.answers import Answering
from sayso.bots.chats import Platform, Reference
from sayso.bots.service import Hosted, Sayso
from sayso.config import Settings
from sayso.engine import (
    AskedBatch,
    CardRecord,
    Clock,
    RequestRecord,
    RequestStatus,
    Runtime,
    SQLiteReader,
    SQLiteStore,
    Store,
    Workflow,
    node,
    read_asked,
    request_approval,
    request_input,
    verify_audit,
)

SHOWN: dict[str, dict[str, Any]] = {}
"""Details that a run's state cannot hold, such as files, by the names that it holds instead."""

GATES: dict[str, threading.Event] = {}
"""What runs wait for once they were answered, by the names that their state holds."""


@node
async def ask(shared: dict[str, Any]) -> None:
    question = dict(shared["ask"])
    if (seconds := question.pop("seconds", None)) is not None:
        question["expires_after"] = timedelta(seconds=seconds)
    if (shown := question.pop("shown", None)) is not None:
        question["details"] = SHOWN[shown]
    if question.pop("read_all", False):
        prompt, to, details = question["prompt"], question["to"], question.get("details")
        await request_approval(prompt, details, to=to, request_id="question", read_all=True)
        shared["answer"] = "approve"
        return
    shared["answer"] = await request_input(request_id="question", **question)
    if shared.get("fails"):
        raise RuntimeError("connection refused")


@node
def publish(shared: dict[str, Any]) -> None:
    if shared.get("gate"):
        GATES[shared["gate"]].wait()
    shared["published"] = True


ask > publish
workflow = Workflow("flow", start=ask)


class Address(msgspec.Struct):
    city: str
    country: str = "IT"


class Trip(msgspec.Struct):
    traveller: str
    nights: int
    to: Address
    by: Literal["train", "plane"] = "train"
    days: list[Literal["Mon", "Tue"]] = []
    stops: list[str] = []


@node
async def book(shared: dict[str, Any]) -> None:
    shared["seat"] = await request_input("Which seat?", ["aisle", "window"], "select", "seat", to="requester")


trip = Workflow("trip", start=book, inputs=Trip)


@dataclass
class ChatService:
    """A running service and the ways a test drives it from the workflows' side."""

    store: Store
    runtime: Runtime
    url: str

    async def ask(self, to: list[str], prompt: str = "Release 4.2.0?", **question: Any) -> str:
        """Start a run that asks this; the run's id. Choices are approve and reject unless said otherwise."""
        if "input_type" not in question:
            question |= {"options": ["approve", "reject"], "input_type": "select"}
        fails = question.pop("fails", False)
        if "shown" in question:
            shown = question["shown"]
            question["shown"] = f"details {len(SHOWN)}"
            SHOWN[question["shown"]] = shown
        shared: dict[str, Any] = {"fails": fails}
        if (gate := question.pop("gate", None)) is not None:
            shared["gate"] = f"gate {len(GATES)}"
            GATES[shared["gate"]] = gate
        return await self.runtime.start("flow", {"ask": {"prompt": prompt, "to": to, **question}, **shared})

    async def ask_batch(self, to: list[str], *prompts: str, **question: Any) -> list[RequestRecord]:
        """Ask for approvals together, as a program does; their requests, once each chat was sent them."""
        batch = AskedBatch(tuple(read_asked({"prompt": one, "to": to, **question}) for one in prompts))
        run_id = (await self.runtime.ask(batch, requested_by="token:agent")).run_id
        await self.runtime.wait(run_id)
        requests = [card.request async for _, card in self.store.reader.run_cards(run_id)]
        for one in requests:
            await self._sent_all(one.id)
        return requests

    async def status(self, request: RequestRecord) -> RequestStatus:
        """What became of a request."""
        now = await self.store.reader.request(request.id)
        assert now is not None
        return now.status

    async def told(self, run_id: str) -> None:
        """Return once it is recorded that every chat shows what is wanted of the run's question."""
        await self.told_of((await self.card(run_id)).request.id)

    async def told_of(self, request_id: str) -> None:
        """Return once it is recorded that every chat shows what is wanted of a question."""
        while any(
            one.revision_shown < one.revision_wanted for one in await self.store.reader.deliveries(request_id)
        ):
            pass

    async def sent(self, run_id: str) -> set[str]:
        """The platforms' own ids of the cards of the run's question, once each chat was sent one, or refused it.
        Lines about earlier questions may still come behind them.
        """
        return await self._sent_all((await self.card(run_id)).request.id)

    async def _sent_all(self, request_id: str) -> set[str]:
        while True:
            deliveries = await self.store.reader.deliveries(request_id)
            if all(one.reference or one.last_error or one.dead_since for one in deliveries):
                return {Reference.decode(one.reference).message for one in deliveries if one.reference}

    async def card(self, run_id: str) -> CardRecord:
        """What a card of the run's request shows, once the run rests."""
        await self.runtime.wait(run_id)
        asked = [row.request_id async for row in self.store.reader.audit(run_id) if row.kind == "requested"]
        record = await self.store.reader.card(str(asked[0]))
        assert record is not None
        return record

    async def answer(self, run_id: str) -> Any:
        """The answer with which the run went on."""
        return (await self.runtime.wait(run_id)).shared.get("answer")


@asynccontextmanager
async def chat_service(
    database: Path,
    settings: Settings,
    *,
    clock: Clock | None = None,
    new_store: Callable[[], Store] | None = None,
    starters: frozenset[str] = frozenset(),
    platforms: Sequence[Platform[Answering]] | None = None,
) -> AsyncGenerator[ChatService]:
    """The service while inside; entered again on the same database, it is the same service after a restart. When it
    has ended, its trail tells of all that stands in the tables.
    """
    async with Sayso(
        settings,
        workflows=[Hosted(workflow, starters), Hosted(trip, starters)],
        new_store=new_store or (lambda: SQLiteStore(database, clock=clock)),
        platforms=platforms,
    ) as sayso:
        yield ChatService(sayso.store, sayso.runtime, sayso.url)
    async with SQLiteReader(database) as reader:
        assert (await verify_audit(reader)).problems == ()


async def health(service: ChatService, holds: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """What is wrong by part, as `/readyz` tells it, once it is as wanted."""
    async with httpx.AsyncClient() as client, asyncio.timeout(20):
        while True:
            problems: dict[str, str] = (await client.get(f"{service.url}/readyz")).json()["problems"]
            if holds(problems):
                return problems
