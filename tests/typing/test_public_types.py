"""The public types, asserted: mypy and pyright check this file; running it proves only that the names exist.

Nothing here is called by the tests: each function is code as a user would write it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any, assert_type

from sayso.bots.service import Hosted, Sayso
from sayso.config import Settings
from sayso.engine import (
    Attention,
    AuditRow,
    Clock,
    Decision,
    ExecutionState,
    Finding,
    Node,
    NodeStatus,
    Outcome,
    OutcomeKind,
    PersonId,
    RequestRecord,
    RequestStatus,
    RunSummary,
    Runtime,
    SQLiteReader,
    SQLiteStore,
    SystemClock,
    Verdict,
    Workflow,
    WorkflowEngine,
    WorkflowStatus,
    check_parked,
    local_person,
    node,
    request_approval,
    request_input,
    step,
    step_key,
    verify_audit,
)
from sayso.engine.store import AnswerAttempt, Place, Store


class Review(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared["decision"] = await request_input(prompt="Publish?")


class Publish(Node):
    def execute(self, prepared: str) -> int:
        return len(prepared)


@node
async def plain(shared: dict[str, Any]) -> None:
    assert_type(await request_input("Name?"), Any)
    assert_type(await step("charge", len, "x", once=True), Any)
    assert_type(step_key(), str)
    decision = await request_approval("Ship", {"version": 1}, expires_after=timedelta(hours=1))
    assert_type(decision, Decision)
    assert_type(decision.approved, bool)
    assert_type(decision.comment, str | None)
    assert_type(Decision.from_dict(decision.as_dict()), Decision)


@node(id="named", max_retries=3, wait=timedelta(seconds=1))
def synchronous(shared: dict[str, Any]) -> None:
    shared["x"] = 1


def rejected(shared: dict[str, Any]) -> bool:
    return bool(shared["decision"] == "no")


def graph() -> Workflow:
    review, publish = Review(), Publish("publish", max_retries=2)
    assert_type(review.id, str)
    assert_type(review > publish, Node)
    assert_type(review - "shared['decision'] == 'yes'" > publish, Node)
    assert_type(review - rejected > plain, Node)
    assert_type(plain > synchronous, Node)
    return Workflow("flow", review)


async def handle(store: SQLiteStore) -> None:
    engine = WorkflowEngine(nodes=[plain], start=plain, store="sqlite:///x.db", initial_shared_state={"a": 1})
    assert_type(engine.run_id, str)
    assert_type(await engine.run({"name": "Ana"}), ExecutionState)
    assert_type(await engine.step(), ExecutionState)
    assert_type(await WorkflowEngine.resume("id", [plain], plain, store=store), WorkflowEngine)
    state = engine.execution_state
    assert_type(state.workflow_status, WorkflowStatus)
    assert_type(state.awaiting_input, dict[str, Any] | None)
    assert_type(state.node_statuses, dict[str, NodeStatus])
    assert_type(state.shared, dict[str, Any])
    assert_type(state.next_node_id, str | None)
    assert_type(state.error, str | None)
    assert_type(state.attention, Attention | None)


async def many(store: SQLiteStore, person: PersonId) -> None:
    async with Runtime(store, [graph()], resident=10) as runtime:
        assert_type(runtime, Runtime)
        run_id = await runtime.start("flow", {"a": 1}, requested_by=person)
        assert_type(run_id, str)
        outcome = await runtime.answer("id", 1, ["any", {"json": None}], person=person, via="console")
        assert_type(outcome, Outcome)
        assert_type(outcome.kind, OutcomeKind)
        assert_type(outcome.reason, str)
        assert_type(outcome.repeated, bool)
        assert_type(outcome.accepted, bool)
        assert_type(await runtime.wait(run_id), ExecutionState)
        assert_type(await runtime.pending(run_id), list[RequestRecord])
        await runtime.cancel(run_id, person=person)
        await runtime.retry(run_id, person=person, ask_again=True, seen=1)
        await runtime.attention(run_id, "done", person=person, result={"a": 1}, seen=2)


async def reading(reader: SQLiteReader) -> None:
    assert_type(await reader.runs(status=WorkflowStatus.FAILED), list[RunSummary])
    assert_type(await reader.run("id"), RunSummary)
    assert_type((await reader.run("id")).stops, int)
    request = await reader.request("id")
    assert_type(request, RequestRecord | None)
    if request is not None:
        assert_type(request.status, RequestStatus)
        assert_type(request.deadline, datetime | None)
    assert_type(reader.audit(), AsyncIterator[AuditRow])
    assert_type((await verify_audit(reader)).head, str)
    assert_type(await check_parked(reader, graph()), list[Finding])


async def storing(store: SQLiteStore) -> None:
    """A store is what the engine's protocol asks for, and its clock can be given."""
    protocol: Store = store
    assert_type(await protocol.answer(AnswerAttempt("id", 1, "yes", "local:ana", "console")), Outcome)
    clock: Clock = SystemClock()
    assert_type(SQLiteStore("x.db", clock=clock), SQLiteStore)
    async with store as opened:
        assert_type(opened, SQLiteStore)


def people() -> None:
    assert_type(local_person(), PersonId)
    verdict = Verdict(decided=True, value="yes", refused={})
    assert_type(verdict.decided, bool)


async def embedding() -> None:
    """Workflows are given bare or hosted, and what is inside is as typed as what stands alone."""
    async with Sayso(Settings(), workflows=[graph(), Hosted(graph())], platforms=(), http=False) as sayso:
        assert_type(sayso, Sayso)
        assert_type(sayso.runtime, Runtime)
        assert_type(sayso.store, Store)
        assert_type(sayso.url, str)
        assert_type(sayso.problems, dict[str, str])
        assert_type(await sayso.make_link(), str)


USES: list[Callable[..., Any]] = [graph, handle, many, reading, storing, people, embedding]


def test_the_graph_that_is_checked_can_be_built() -> None:
    assert sorted(graph().nodes) == ["Review", "named", "plain", "publish"]
    assert len(USES) == 7
    assert Place.__struct_fields__[0] == "run_key"
