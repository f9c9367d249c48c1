"""Approvals: every way but an explicit yes is a no."""

from __future__ import annotations

import inspect
from datetime import datetime, timedelta
from typing import Any

import pytest

from sayso.engine import (
    Decision,
    InvalidRequest,
    NotApproved,
    OutcomeKind,
    Store,
    UnknownPolicy,
    WorkflowEngine,
    WorkflowStatus,
    node,
    request_approval,
)
from tests.engine.support import START, ManualClock, run_once, say, waiting

pytestmark = pytest.mark.usefixtures("resident")


@node
async def approve(shared: dict[str, Any]) -> None:
    decision = await request_approval(
        "Deploy 1.4?", {"commit": "abc"}, request_id="deploy", expires_after=timedelta(hours=1)
    )
    shared["decision"] = decision.as_dict()
    shared["truth"] = bool(decision)
    shared["went ahead"] = "yes" if decision else "no"
    shared["same"] = Decision.from_dict(decision.as_dict()) == decision


async def test_an_approval_is_true_and_says_who_and_what(store: Store) -> None:
    async with WorkflowEngine(start=approve, store=store) as engine:
        request = waiting(await engine.run())
        assert request["prompt"] == "Deploy 1.4?"
        assert request["details"] == {"commit": "abc"}
        assert [option["value"] for option in request["options"]] == ["approve", "reject"]
        outcome = await say(engine, request, "approve", comment="ship it")
        assert outcome.kind is OutcomeKind.RESOLVED
        state = await engine.run()
    record = await store.reader.request(request["id"])
    assert record is not None
    assert datetime.fromisoformat(state.shared["decision"]["votes"][0].pop("at")) == START
    assert state.shared["decision"] == {
        "approved": True,
        "votes": [
            {
                "person": "local:ana",
                "via": "console",
                "value": "approve",
                "comment": "ship it",
                "account": "local:ana",
            }
        ],
        "comment": "ship it",
        "digest": record.digest,
        "request_id": record.id,
        "run_id": record.run_id,
        "reusable": False,
    }
    assert (state.shared["truth"], state.shared["same"]) == (True, True)


async def test_a_rejection_is_false(store: Store) -> None:
    async with WorkflowEngine(start=approve, store=store) as engine:
        await engine.run()
        state = await engine.run({"deploy": "reject"})
    assert state.shared["decision"]["approved"] is False
    assert state.shared["went ahead"] == "no"
    assert len(state.shared["decision"]["votes"]) == 1


async def test_an_expired_approval_is_false_and_nobody_voted(store: Store, clock: ManualClock) -> None:
    async with WorkflowEngine(start=approve, store=store) as engine:
        await engine.run()
        clock.advance(timedelta(hours=2))
    async with WorkflowEngine(start=approve, store=store, run_id=engine.run_id) as again:
        await store.act_due(engine.run_id)
        state = await again.run()
    assert state.workflow_status is WorkflowStatus.COMPLETED
    assert (state.shared["decision"]["approved"], state.shared["decision"]["votes"]) == (False, [])
    assert (state.shared["went ahead"], state.shared["same"]) == ("no", True)


@pytest.mark.parametrize("value", ["yes", "Approve", None, True])
async def test_nothing_but_the_options_is_an_answer(store: Store, value: Any) -> None:
    async with WorkflowEngine(start=approve, store=store) as engine:
        request = waiting(await engine.run())
        assert (await say(engine, request, value)).kind is OutcomeKind.INVALID
        assert (await engine.run()).workflow_status is WorkflowStatus.WAITING_FOR_INPUT


@pytest.mark.parametrize("stored", [None, "approve", 1, "true", False])
def test_a_stored_decision_is_an_approval_only_when_it_says_true(stored: Any) -> None:
    decision = Decision.from_dict({"approved": stored, "votes": [], "comment": None, "digest": "d"})
    assert not decision


def test_an_approval_takes_no_default() -> None:
    assert "default" not in inspect.signature(request_approval).parameters


async def test_a_decision_is_no_stored_value(store: Store) -> None:
    @node
    async def keep(shared: dict[str, Any]) -> None:
        shared["decision"] = await request_approval("Go?")

    async with WorkflowEngine(start=keep, store=store) as engine:
        await engine.run()
        state = await engine.run({"keep": "approve"})
    assert state.workflow_status is WorkflowStatus.FAILED
    assert state.error is not None
    assert "UnstorableValue: shared['decision']" in state.error


async def test_an_approval_needs_an_action_and_refuses_a_policy(store: Store) -> None:
    @node
    async def bad(shared: dict[str, Any]) -> None:
        with pytest.raises(InvalidRequest, match=r"^action: "):
            await request_approval(" ")
        with pytest.raises(UnknownPolicy):
            await request_approval("Go?", policy="four eyes")
        shared["reached"] = True

    assert (await run_once(store, bad)).shared == {"reached": True}


async def test_what_runs_is_what_was_approved(store: Store) -> None:
    """The decision is bound to the words and the details that people were shown."""
    shown: dict[str, Any] = {"to": "Bo", "amount": 100}

    @node
    async def pay(shared: dict[str, Any]) -> None:
        decision = await request_approval("Pay Bo?", shown, request_id="pay")
        decision.verify("Pay Bo?", {"amount": 100, "to": "Bo"})
        others: list[tuple[str, Any]] = [
            ("Pay Bo?", {**shown, "amount": 1000}), ("Pay Eve?", shown), ("Pay Bo?", None)
        ]  # fmt: skip
        for action, details in others:
            with pytest.raises(NotApproved, match="people approved something else"):
                decision.verify(action, details)
        kept = Decision.from_dict(decision.as_dict())
        kept.verify("Pay Bo?", shown)
        shared["paid"] = True

    async with WorkflowEngine(start=pay, store=store) as engine:
        await engine.run()
        assert (await engine.run({"pay": "approve"})).shared == {"paid": True}
    refused = Decision(approved=False, votes=(), comment=None, digest="")
    with pytest.raises(NotApproved, match="nobody approved it"):
        refused.verify("Pay Bo?", shown)
