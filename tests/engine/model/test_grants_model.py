"""Grants held against a small model: in whatever order they are made, used, revoked and outlived, also by restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from sayso.engine import (
    AnswerAttempt,
    AskedQuestion,
    Granted,
    Grants,
    OutcomeKind,
    Policy,
    RequestRecord,
    Runtime,
    Stage,
    Store,
    ask_workflow,
    open_store,
    verify_audit,
)
from tests.engine.model.world import a_file
from tests.engine.support import ManualClock
from tests.postgres import Cluster

OFFERED = Grants(
    timedelta(hours=2), durations=[timedelta(minutes=30), timedelta(hours=1)], times=2, session="Session"
)
LASTS = {
    "session": OFFERED.longest,
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "2x": OFFERED.longest,
}
POLICIES = {"tools": Policy(stages=[Stage(["web:ana"])], grants=OFFERED)}

Step: TypeAlias = tuple[str, str]
STEPS = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("grant"), st.sampled_from(sorted(LASTS))),
    st.tuples(st.just("reject"), st.just("")),
    st.tuples(st.just("wait"), st.sampled_from(["10", "30", "60"])),
    st.tuples(st.just("revoke"), st.sampled_from(["first", "last"])),
    st.tuples(st.just("restart"), st.just("")),
)


@dataclass
class Known:
    """A grant as the model has it."""

    session: str | None
    ends: datetime
    left: int | None
    is_revoked: bool = False

    def covers(self, session: str, now: datetime) -> bool:
        is_like = self.session in (None, session)
        return is_like and now < self.ends and self.left != 0 and not self.is_revoked


class Office:
    """The engine and its model, side by side."""

    def __init__(self, store: Store, runtime: Runtime, clock: ManualClock, known: list[Known]) -> None:
        self.store = store
        self.runtime = runtime
        self.clock = clock
        self.known = known
        self.open: list[tuple[RequestRecord, str]] = []

    async def ask(self, session: str) -> None:
        covering = [one for one in self.known if one.covers(session, self.clock.now())]

        async def still_approves(_grant: Granted) -> bool:
            return True

        asked = AskedQuestion("Run?", details={"Command": "ls", "Session": session}, policy="tools")
        run_id, _, _ = await self.runtime.ask(
            asked, requested_by="token:agent", still_approves=still_approves
        )
        await self.runtime.wait(run_id)
        (card,) = [one async for _, one in self.store.reader.run_cards(run_id)]
        assert card.request.open is not bool(covering)
        if card.request.open:
            self.open.append((card.request, session))
        elif all(one.left is not None for one in covering):  # what is counted is used last
            max(covering, key=lambda one: one.ends).left -= 1  # type: ignore[operator]

    async def answer(self, value: str, offer: str | None) -> None:
        if not self.open:
            return
        request, session = self.open.pop()
        attempt = AnswerAttempt(request.id, request.revision, value, "web:ana", "web", offer=offer)
        outcome = await self.runtime.take(attempt)
        assert outcome.kind is OutcomeKind.RESOLVED
        if offer is not None:
            of_session, left = session if offer == "session" else None, 2 if offer == "2x" else None
            self.known.append(Known(of_session, self.clock.now() + LASTS[offer], left))

    async def revoke(self, which: str) -> None:
        grants = (await self.store.reader.grants())[::-1]
        assert len(grants) == len(self.known)
        if not grants:
            return
        at, now = 0 if which == "first" else -1, self.clock.now()
        known = self.known[at]
        stands = known.covers(known.session or "a", now)
        outcome = await self.store.revoke_grant(grants[at].id, "web:ana", "web")
        assert outcome.kind is (OutcomeKind.DONE if stands else OutcomeKind.DUPLICATE)
        known.is_revoked = True

    async def check(self) -> None:
        """What is stored is what the model knows."""
        grants = (await self.store.reader.grants())[::-1]
        stored = [(one.expires_at, None if one.uses is None else one.uses - one.used) for one in grants]
        assert stored == [(one.ends, one.left) for one in self.known]
        for one in grants:
            uses = await self.store.reader.grant_uses(one.id)
            assert [use.use for use in uses] == list(range(one.used, 0, -1))
        assert (await verify_audit(self.store.reader)).problems == ()


@asynccontextmanager
async def opened(location: str, clock: ManualClock, known: list[Known]) -> AsyncGenerator[Office]:
    async with (
        open_store(location, clock=clock) as store,
        Runtime(store, [ask_workflow], policies=POLICIES) as runtime,
    ):
        yield Office(store, runtime, clock, known)


async def play(location: str, steps: list[Step]) -> None:
    clock = ManualClock()
    known: list[Known] = []
    parts: list[list[Step]] = [[]]
    for one in steps:
        parts += [[]] if one[0] == "restart" else []
        parts[-1].append(one)
    still_open: list[tuple[RequestRecord, str]] = []
    for part in parts:
        async with opened(location, clock, known) as office:
            office.open += still_open
            for what, how in part:
                match what:
                    case "ask":
                        await office.ask(how)
                    case "grant":
                        await office.answer("approve", how)
                    case "reject":
                        await office.answer("reject", None)
                    case "wait":
                        clock.advance(timedelta(minutes=int(how)))
                    case "revoke":
                        await office.revoke(how)
                    case _:
                        pass
            await office.check()
            still_open = office.open


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=14))
def test_grants_answer_what_the_model_says(steps: list[Step]) -> None:
    with a_file() as location:
        asyncio.run(play(location, steps))


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, max_size=14))
def test_grants_on_postgres_answer_what_the_model_says(postgres: Cluster, steps: list[Step]) -> None:
    with postgres.database() as location:
        asyncio.run(play(location, steps))
