"""The engine and its runtime held against a small model, in whatever order hypothesis thinks of.

An answer reaches exactly its question, once, or is refused as the model says; and all ways to come back to a run
(resident, evicted, restarted, crashed, with other code) lead to the same state.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sayso.engine import NotApplicable, OutcomeKind, WorkflowStatus
from tests.engine.model.simple import EXACTLY_LATE, SHORT, Attempt, Question, Run
from tests.engine.model.world import EXPIRY, Code, World, a_file
from tests.postgres import Cluster

PEOPLE = st.sampled_from(["local:ana", "local:bo"])
NAMES = st.sampled_from(["colour", "size", "remark", "send"])
WHICH = st.integers(0, 3)
RESIDENT = st.sampled_from([0, 1, None])
VALUES: dict[str, list[Any]] = {
    "colour": ["red", "green"],
    "size": [1, 2],
    "remark": ["x", "y"],
    "send": [True, False],
}
UNFIT: dict[str, Any] = {"colour": "blue", "size": "large", "remark": 7, "send": "perhaps"}
ACCEPTED = (OutcomeKind.RESOLVED, OutcomeKind.HELD)


class Office(RuleBasedStateMachine):
    """People start runs, answer, press twice and too late; operators cancel, decide, restart and deploy."""

    database = staticmethod(a_file)

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.world = World(self.stack.enter_context(self.database()))
        self.model: dict[str, Run] = {}
        self.events: dict[str, tuple[str, Attempt, tuple[OutcomeKind, str]]] = {}
        self.code = Code.FIRST

    @initialize(resident=RESIDENT)
    def open(self, resident: int | None) -> None:
        self.world.start(self.code, resident)
        self.start()
        self.start()

    def run(self, which: int) -> Run:
        """One of the runs."""
        return self.model[f"run-{which % len(self.model)}"]

    def teardown(self) -> None:
        try:
            self.world.end()
        finally:
            self.stack.close()

    # People.

    @precondition(lambda self: self.code is not Code.GONE and len(self.model) < 4)
    @rule()
    def start(self) -> None:
        run_id = f"run-{len(self.model)}"
        self.world.do(self.world.runtime.start("order", run_id=run_id))
        run = self.model[run_id] = Run(run_id)
        run.begin(self.code, self.world.clock.now())
        self.learn_ids(run)

    @rule(which=WHICH, name=NAMES, pick=st.integers(0, 1), person=PEOPLE)
    def answer(self, which: int, name: str, pick: int, person: str) -> None:
        run = self.run(which)
        question = run.questions.get(name)
        if question is not None:
            self.attempt(run, question, Attempt(VALUES[name][pick], question.revision, person))

    @rule(which=WHICH, pick=st.integers(0, 1), person=PEOPLE, order=st.permutations(sorted(VALUES)))
    def answer_all_that_is_open(self, which: int, pick: int, person: str, order: list[str]) -> None:
        run = self.run(which)
        for name in order:
            question = run.questions.get(name)
            if question is not None and question.open:
                self.attempt(run, question, Attempt(VALUES[name][pick], question.revision, person))
                self.world.state(run.run_id)  # changed questions get their revision once the run runs again

    @rule(which=WHICH, name=NAMES, person=PEOPLE)
    def answer_what_does_not_fit(self, which: int, name: str, person: str) -> None:
        run = self.run(which)
        question = run.questions.get(name)
        if question is not None:
            self.attempt(run, question, Attempt(UNFIT[name], question.revision, person))

    @rule(which=WHICH, name=NAMES, person=PEOPLE, off=st.sampled_from([-1, 1]))
    def answer_another_revision(self, which: int, name: str, person: str, off: int) -> None:
        run = self.run(which)
        question = run.questions.get(name)
        if question is not None:
            self.attempt(run, question, Attempt(VALUES[name][0], question.revision + off, person))

    @rule(which=WHICH, name=NAMES, person=PEOPLE)
    def answer_from_where_it_was_not_asked(self, which: int, name: str, person: str) -> None:
        run = self.run(which)
        question = run.questions.get(name)
        if question is not None:
            attempt = Attempt(VALUES[name][0], question.revision, person, via="slack:#elsewhere")
            self.attempt(run, question, attempt)

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def press_twice(self, data: st.DataObject) -> None:
        """The platform delivers an event again: what was recorded for it stands. Garbled, it is refused."""
        key = data.draw(st.sampled_from(sorted(self.events)))
        id_, attempt, recorded = self.events[key]
        garbled = data.draw(st.booleans())
        value = ["garbled"] if garbled else attempt.value
        outcome = self.world.answer(
            id_, attempt.revision, value, attempt.person, via=attempt.via, event_key=key
        )
        if garbled:
            assert (outcome.kind, outcome.repeated) == (OutcomeKind.INVALID, False)
        else:
            assert (outcome.kind, outcome.reason, outcome.repeated) == (*recorded, True)

    def attempt(self, run: Run, question: Question, attempt: Attempt) -> None:
        expected = run.judge(question, attempt, self.world.clock.now(), self.code)
        key = f"event {len(self.events)}"
        outcome = self.world.answer(
            question.id, attempt.revision, attempt.value, attempt.person, via=attempt.via, event_key=key
        )
        assert (outcome.kind, outcome.repeated) == (expected, False)
        self.events[key] = (question.id, attempt, (outcome.kind, outcome.reason))
        if expected in ACCEPTED:
            run.resolve(question, "ANSWERED", attempt.value, attempt.person, self.code)
            self.learn_ids(run)

    # Time.

    @rule(span=st.sampled_from([SHORT, EXACTLY_LATE, 2 * EXPIRY]))
    def let_time_pass(self, span: Any) -> None:
        now = self.world.clock.now() + span
        self.world.advance(span)
        for run in self.model.values():
            run.expire(now, self.code)
            self.learn_ids(run)

    # Operators.

    @rule(which=WHICH, sure=st.integers(0, 5))
    def cancel(self, which: int, sure: int) -> None:
        run = self.run(which)
        if sure:
            return  # or few runs would come to their end
        ended = run.status in (WorkflowStatus.COMPLETED, WorkflowStatus.CANCELLED)
        try:
            self.world.do(self.world.runtime.cancel(run.run_id, person="local:operator"))
        except NotApplicable:
            assert ended
        else:
            assert not ended
            run.cancel()

    @rule(which=WHICH, action=st.sampled_from(["reask", "accept"]))
    def decide(self, which: int, action: str) -> None:
        run = self.run(which)
        waits = run.status is WorkflowStatus.NEEDS_ATTENTION
        try:
            self.world.do(self.world.runtime.attention(run.run_id, action, person="local:operator"))
        except NotApplicable:
            assert not waits
        else:
            assert waits
            run.attend(action, self.code)
            self.learn_ids(run)

    @rule(code=st.sampled_from(Code), resident=RESIDENT, crash=st.booleans())
    def deploy(self, code: Code, resident: int | None, *, crash: bool) -> None:
        """Stop or crash with every run at rest, and come back with other code or the same."""
        self.settled()
        if crash:
            self.world.crash()
        else:
            self.world.close()
        self.come_back(code, resident)

    @rule(which=WHICH, name=NAMES, pick=st.integers(0, 1), resident=RESIDENT)
    def crash_behind_the_answer(self, which: int, name: str, pick: int, resident: int | None) -> None:
        """The answer is acknowledged, the run has hardly moved, and everything ends; the code stays as it was, since
        how far the old code came is anybody's guess.
        """
        self.answer(which, name, pick, "local:ana")
        self.world.crash()
        self.come_back(self.code, resident)

    def come_back(self, code: Code, resident: int | None) -> None:
        self.code = code
        self.world.start(code, resident)
        for run in self.model.values():
            run.settle(code)
            self.learn_ids(run)

    # What must hold.

    @invariant()
    def settled(self) -> None:
        for run in self.model.values():
            state = self.world.state(run.run_id)
            assert state.workflow_status is run.shown_status(self.code)
            shown = {p["request_id"]: (p["id"], p["revision"], p["prompt"]) for p in state.pending}
            if run.node is not None:
                assert shown == run.pending()
            if run.status is WorkflowStatus.COMPLETED:
                assert state.shared == run.shared()

    def learn_ids(self, run: Run) -> None:
        """Ids are opaque: the model takes those of new questions from the engine, and never a second time."""
        new = [question for question in run.questions.values() if not question.id]
        if not new or run.is_gone(self.code):
            return
        state = self.world.state(run.run_id)
        by_name = {str(shown["request_id"]): str(shown["id"]) for shown in state.pending}
        for question in new:
            question.id = by_name[question.name]


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_engine_does_what_the_model_says() -> None:
    try_out(Office, examples=200)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_engine_on_postgres_does_what_the_model_says(postgres: Cluster) -> None:
    class OnPostgres(Office):
        database = staticmethod(postgres.database)

    try_out(OnPostgres, examples=10)


def try_out(machine: type[Office], *, examples: int) -> None:
    """Let hypothesis think of so many stories."""
    from hypothesis.stateful import run_state_machine_as_test

    profile = settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        derandomize=bool(os.environ.get("CI")),
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(machine, settings=profile)
