"""Several people on several platforms: voting, changing, linking, leaving groups, while time passes and the process
crashes; held against a model that was written from the decision table.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sayso.engine import (
    Directory,
    Fact,
    LinkStep,
    OutcomeKind,
    Person,
    Policy,
    RequestStatus,
    Stage,
    Workflow,
    node,
    request_approval,
)
from tests.engine.model.team import (
    ACCOUNTS,
    ESCALATES,
    EVE,
    EXPIRES,
    LISTED,
    MINUTE,
    REMINDS,
    REQUESTER,
    Request,
    Team,
)
from tests.engine.model.world import Code, World, a_file
from tests.postgres import Cluster

pytestmark = pytest.mark.slow

DIRECTORY = Directory(
    people={
        name: Person(tuple(account for account, person in LISTED.items() if person == f"person:{name}"))
        for name in ("ana", "bo", "cho", "dee")
    }
)
POLICY = Policy(
    stages=[
        Stage(["group:sre"], need=2, reject_at=2, veto=["person:ana"]),
        Stage(["person:bo", "person:cho"]),
    ],
    exclude_requester=True,
    expires_after=EXPIRES,
    on_expiry="reject",
    remind_every=REMINDS,
    escalate_after=ESCALATES,
    escalate_to=["person:dee"],
    break_glass=["person:cho"],
)


def build(_code: Code) -> Workflow:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        decision = await request_approval("Release?", request_id="release", policy=POLICY)
        shared["approved"] = decision.approved

    return Workflow("team", ask)


class Machine(RuleBasedStateMachine):
    """Every rule is done to the engine and to the model, and both must say the same."""

    database = staticmethod(a_file)

    @initialize(resident=st.sampled_from([0, None]))
    def begin(self, resident: int | None) -> None:
        self.stack = ExitStack()
        self.resident = resident
        self.world = World(self.stack.enter_context(self.database()), build, DIRECTORY)
        self.world.start(Code.FIRST, resident)
        self.keys = 0
        self.asked = 0
        self._ask()
        self.team = Team(self.world.clock.now())

    def _ask(self) -> None:
        self.asked += 1
        self.run_id = f"run-{self.asked}"
        self.world.do(self.world.runtime.start("team", run_id=self.run_id, requested_by=REQUESTER))
        self.world.state(self.run_id)
        (request,) = self.world.do(self.world.runtime.pending(self.run_id))
        self.request_id = request.id

    def _vote(self, account: str, *, approves: bool, alone: bool) -> OutcomeKind:
        self.keys += 1
        facts = [Fact("group:sre", self.team.in_group(account), self.world.clock.now())]
        outcome = self.world.answer(
            self.request_id,
            1,
            "approve" if approves else "reject",
            account,
            via="chat",
            event_key=f"key {self.keys}",
            facts=facts,
            break_glass=alone,
            comment="the site is down" if alone else None,
        )
        return outcome.kind

    @rule(account=st.sampled_from(ACCOUNTS), approves=st.booleans())
    def vote(self, account: str, approves: bool) -> None:
        expected = self.team.vote(account, self.world.clock.now(), approves=approves)
        found = self._vote(account, approves=approves, alone=False)
        if (found, expected) == (OutcomeKind.DUPLICATE, OutcomeKind.ALREADY_ANSWERED):
            return  # whoever decided it says the same again
        assert found is expected

    @rule(account=st.sampled_from(["slack:T1:U3", "slack:T1:U1"]))
    def break_the_glass(self, account: str) -> None:
        expected = self.team.vote(account, self.world.clock.now(), approves=True, alone=True)
        found = self._vote(account, approves=True, alone=True)
        if (found, expected) != (OutcomeKind.DUPLICATE, OutcomeKind.ALREADY_ANSWERED):
            assert found is expected

    @rule(who=st.sampled_from(["person:ana", "person:bo", "person:cho", "person:dee", *EVE, "eve"]))
    def join_or_leave(self, who: str) -> None:
        self.team.group ^= {who}

    @rule()
    def link_or_unlink_eve(self) -> None:
        if not self.team.is_eve_linked:
            assert self.world.do(self._link()) is LinkStep.LINKED
            self.team.is_eve_linked = True
            return
        has_voted = self.team.request.status is RequestStatus.PENDING and any(
            account in EVE for account in self.team.request.ballots
        )
        said = self.world.do(self._unlink())
        assert said.startswith("You have voted" if has_voted else "Unlinked: ")
        self.team.is_eve_linked = has_voted

    async def _link(self) -> LinkStep:
        store = self.world.store
        hashed = hashlib.sha256(b"code").hexdigest()
        await store.begin_link(EVE[0], hashed, store.clock.now() + timedelta(minutes=10))
        for is_sure in (False, True):
            await store.link(EVE[1], hashed, is_sure=is_sure)
        return (await store.link(EVE[0], hashed, is_sure=True)).step

    async def _unlink(self) -> str:
        return await self.world.store.unlink(EVE[1])

    @rule(minutes=st.sampled_from([1, 15, 45, 200]))
    def let_time_pass(self, minutes: int) -> None:
        self.world.advance(minutes * MINUTE + timedelta(seconds=7))
        self.team.tick(self.world.clock.now())

    @rule(crash=st.booleans())
    def restart(self, crash: bool) -> None:
        if crash:
            self.world.crash()
        else:
            self.world.close()
        self.world.start(Code.FIRST, self.resident)

    @precondition(lambda self: self.team.request.status is not RequestStatus.PENDING)
    @rule()
    def ask_again(self) -> None:
        assert self.world.state(self.run_id).shared == {"approved": self.team.request.approved}
        self._ask()
        self.team.request = Request(self.world.clock.now())

    @invariant()
    def both_say_the_same(self) -> None:
        if not hasattr(self, "team"):
            return
        record = self.world.do(self.world.store.reader.card(self.request_id))
        assert record is not None
        assert record.request.status is self.team.request.status
        expected = self.team.request
        if expected.status is RequestStatus.PENDING:
            assert len(record.votes) == len({self.team.person(one) for one in expected.ballots})
            assert ("person:dee" in record.request.audience) == expected.is_escalated
        reminders = self.world.do(self._reminders())
        assert reminders == expected.reminders

    async def _reminders(self) -> int:
        rows = [row async for row in self.world.store.reader.audit(self.run_id)]
        return sum(row.kind == "request_reminded" for row in rows)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.end()
            self.stack.close()


Machine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestTeam = Machine.TestCase


@pytest.mark.slow
def test_a_team_on_postgres_decides_as_the_model_says(postgres: Cluster) -> None:
    class OnPostgres(Machine):
        database = staticmethod(postgres.database)

    run_state_machine_as_test(
        OnPostgres, settings=settings(max_examples=5, stateful_step_count=30, deadline=None)
    )
