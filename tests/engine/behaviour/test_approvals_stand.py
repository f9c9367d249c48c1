"""An approval counts for exactly what people approved: no operator lets it stand for something else, and no state that
a run was started with stands for what its store recorded.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sayso.engine import (
    AttentionKind,
    Decision,
    Json,
    NotApplicable,
    NotApproved,
    Policy,
    Runtime,
    Stage,
    Store,
    Workflow,
    WorkflowStatus,
    attention_actions,
    node,
    request_approval,
    request_input,
)
from sayso.engine._records import Approval
from sayso.engine.run import Approvals
from sayso.engine.store import Place
from tests.engine.support import names

pytestmark = pytest.mark.usefixtures("resident")

ANA, BO, OPERATOR = "web:ana", "web:bo", "local:operator"
POLICY = Policy(stages=[Stage([ANA])])
ACTION = "Pay Bo?"
DETAILS: dict[str, Any] = {"amount": 100}
YES_NO = ["approve", "reject"]


def paying(kind: str, amount: int) -> Workflow:
    """Asks for an approval in one of the ways that there are, beside a question that keeps the visit open."""

    @node(id="pay")
    async def pay(shared: dict[str, Any]) -> None:
        details = {"amount": amount}
        if kind == "approval":
            shared["paid"] = (await request_approval(ACTION, details, request_id="pay")).approved
        elif kind == "policy":
            decision = await request_approval(ACTION, details, request_id="pay", policy=POLICY)
            shared["paid"] = decision.approved
        elif kind == "select":
            shared["paid"] = await request_input(ACTION, [*YES_NO, "later"], "select", "pay", details=details)
        else:
            shared["paid"] = await request_input(ACTION, None, "confirm", "pay", details=details)
        shared["amount"] = amount
        shared["note"] = await request_input("A note?", None, "text", "note")

    return Workflow("flow", pay)


async def answer(runtime: Runtime, name: str, value: Json) -> None:
    (request,) = [one for one in await runtime.pending("run") if one.name == name]
    outcome = await runtime.answer(request.id, request.revision, value, person=ANA, via="web")
    assert outcome.accepted, outcome.reason


async def held(store: Store, kind: str) -> None:
    """A run whose approval of 100 was answered, and whose code now asks for 999,999."""
    async with Runtime(store, [paying(kind, 100)]) as runtime:
        await runtime.wait(await runtime.start("flow", run_id="run"))
        await answer(runtime, "pay", True if kind == "confirm" else "approve")
        assert names(await runtime.wait("run")) == ["note"]
    async with Runtime(store, [paying(kind, 999_999)]) as runtime:
        await answer(runtime, "note", "thanks")
        assert (await runtime.wait("run")).workflow_status is WorkflowStatus.NEEDS_ATTENTION


@pytest.mark.parametrize("kind", ["approval", "policy", "select", "confirm"])
async def test_an_approval_is_never_let_stand_for_another(store: Store, kind: str) -> None:
    await held(store, kind)
    async with Runtime(store, [paying(kind, 999_999)]) as runtime:
        run = await store.reader.run("run")
        assert run.attention is not None
        assert run.attention.kind is AttentionKind.QUESTION_CHANGED
        assert attention_actions(run.attention) == ("reask", "cancel")
        with pytest.raises(
            NotApplicable, match="people approved something else; choose one of: reask, cancel"
        ):
            await runtime.attention("run", "accept", person=OPERATOR)
        assert (await store.reader.run("run")).status is WorkflowStatus.NEEDS_ATTENTION
        await runtime.attention("run", "reask", person=OPERATOR)
        assert names(await runtime.wait("run")) == ["pay"]
        (request,) = await runtime.pending("run")
        assert request.question.details == {"amount": 999_999}
        assert [row.kind async for row in store.reader.audit("run")].count("attention_given") == 1


def using(decided: dict[str, Any]) -> Workflow:
    """Asks and keeps the decision; the next visit verifies what stands in the state."""

    @node(id="ask")
    async def ask(shared: dict[str, Any]) -> None:
        if "decision" not in shared:
            decision = await request_approval(ACTION, DETAILS, request_id="pay", policy=POLICY)
            shared["decision"] = decision.as_dict()

    @node(id="pay")
    async def pay(shared: dict[str, Any]) -> None:
        decided["verified"] = False
        Decision.from_dict(shared["decision"]).verify(ACTION, DETAILS)
        decided["verified"] = True

    ask > pay
    return Workflow("flow", ask)


async def approved(store: Store, run_id: str = "run") -> dict[str, Any]:
    """A decision that people made, as the state of its run keeps it."""
    decided: dict[str, Any] = {}
    async with Runtime(store, [using(decided)]) as runtime:
        await runtime.wait(await runtime.start("flow", run_id=run_id))
        (request,) = await runtime.pending(run_id)
        await runtime.answer(request.id, 1, "approve", person=ANA, via="web")
        state = await runtime.wait(run_id)
        assert decided["verified"], state.error
        return dict(state.shared["decision"])


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"run_id": "forged"},
        {"run_id": "forged", "reusable": True},
        {"run_id": "forged", "request_id": ""},
        {"run_id": "", "request_id": "", "votes": []},
        {"run_id": "forged", "request_id": "", "reusable": True, "votes": []},
    ],
)
async def test_a_decision_that_a_run_was_started_with_is_none(store: Store, forged: dict[str, Any]) -> None:
    given = {**await approved(store), **forged}
    decided: dict[str, Any] = {}
    async with Runtime(store, [using(decided)]) as runtime:
        state = await runtime.wait(
            await runtime.start("flow", {"decision": given}, run_id="forged", requested_by=BO)
        )
    assert decided == {"verified": False}
    assert "may not go ahead" in str(state.error)


async def test_a_decision_is_verified_also_after_a_restart(store: Store) -> None:
    verified: list[bool] = []

    @node(id="ask")
    async def ask(shared: dict[str, Any]) -> None:
        decision = await request_approval(ACTION, DETAILS, request_id="pay", policy=POLICY)
        shared["decision"] = decision.as_dict()

    @node(id="wait")
    async def wait(shared: dict[str, Any]) -> None:
        shared["note"] = await request_input("A note?", None, "text", "note")

    @node(id="pay")
    async def pay(shared: dict[str, Any]) -> None:
        Decision.from_dict(shared["decision"]).verify(ACTION, DETAILS)
        verified.append(True)

    ask > wait
    wait > pay
    async with Runtime(store, [Workflow("flow", ask)]) as runtime:
        await runtime.wait(await runtime.start("flow", run_id="run"))
        await answer(runtime, "pay", "approve")
        assert names(await runtime.wait("run")) == ["note"]
    async with Runtime(store, [Workflow("flow", ask)]) as runtime:
        await answer(runtime, "note", "thanks")
        state = await runtime.wait("run")
    assert state.workflow_status is WorkflowStatus.COMPLETED, state.error
    assert verified == [True]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("request_id", "0" * 32),
        ("run_id", "other"),
        ("digest", "0" * 64),
        ("votes", []),
        ("votes", [{"person": "web:ceo", "via": "web", "value": "approve", "comment": None}]),
        ("approved", 1),
    ],
)
async def test_a_decision_that_differs_from_what_its_run_recorded_is_none(
    store: Store, field: str, value: Any
) -> None:
    """Also one of this very run, in which something was changed on its way."""
    reasons: list[str] = []

    @node(id="ask")
    async def ask(shared: dict[str, Any]) -> None:
        decision = await request_approval(ACTION, DETAILS, request_id="pay", policy=POLICY)
        forged = Decision.from_dict({**decision.as_dict(), field: value})
        with pytest.raises(NotApproved) as refused:
            forged.verify(ACTION, DETAILS)
        reasons.append(refused.value.reason)
        decision.verify(ACTION, DETAILS)

    async with Runtime(store, [Workflow("flow", ask)]) as runtime:
        await runtime.wait(await runtime.start("flow", run_id="run"))
        await answer(runtime, "pay", "approve")
        state = await runtime.wait("run")
    assert state.workflow_status is WorkflowStatus.COMPLETED, state.error
    assert len(reasons) == 1


async def test_a_rejection_is_no_approval_whatever_the_decision_says(store: Store) -> None:
    @node(id="ask")
    async def ask(shared: dict[str, Any]) -> None:
        decision = await request_approval(ACTION, DETAILS, request_id="pay", policy=POLICY)
        with pytest.raises(NotApproved, match="this run has recorded no such approval"):
            replace(decision, approved=True).verify(ACTION, DETAILS)

    async with Runtime(store, [Workflow("flow", ask)]) as runtime:
        await runtime.wait(await runtime.start("flow", run_id="run"))
        await answer(runtime, "pay", "reject")
        state = await runtime.wait("run")
    assert state.workflow_status is WorkflowStatus.COMPLETED, state.error


texts = st.sampled_from(["a", "b", ""])
vote_lists = st.lists(
    st.fixed_dictionaries({"person": texts, "value": st.sampled_from(["approve", "reject"])})
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    recorded=st.tuples(texts, texts, vote_lists),
    told=st.tuples(texts, texts, texts, vote_lists),
    visits=st.tuples(st.integers(1, 2), st.integers(1, 2)),
)
def test_only_what_the_run_recorded_can_be_used_and_by_one_visit(
    recorded: tuple[str, str, list[Any]],
    told: tuple[str, str, str, list[Any]],
    visits: tuple[int, int],
) -> None:
    request_id, digest, votes = recorded
    approvals = Approvals({request_id: Approval(digest, json.dumps(votes), reusable=False)})
    first, second = (Place(1, "a", "flow", visit, "pay", 1) for visit in visits)
    is_genuine = told == (request_id, "a", digest, votes)
    assert (approvals.use(first, *told) is None) == is_genuine
    assert (approvals.use(second, *told) is None) == (is_genuine and first == second)
