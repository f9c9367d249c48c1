"""Rules of a policy answer without people: as the first that is true says, recorded as by that rule, or not at all."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from sayso.engine import (
    Decision,
    Json,
    Notice,
    NoticeKind,
    OutcomeKind,
    Policy,
    RequestRecord,
    Rule,
    Runtime,
    Stage,
    Store,
    Workflow,
    WorkflowStatus,
    decision_of,
    node,
    request_approval,
    request_input,
    verify_audit,
)

pytestmark = pytest.mark.usefixtures("resident")

STAGES = (Stage(["slack:#sre"]),)
NOT_IN_PRODUCTION = Rule("details.environment == 'production'", "reject", "bo", "Not by agents")
READS = Rule("details.tool in ['Read', 'Grep']", "approve", "ana", "It only reads")
POLICIES = {"tools": Policy(stages=STAGES, rules=[NOT_IN_PRODUCTION, READS])}


def asking(details: Json, *, read_all: bool = False) -> Workflow:
    """Asks whether a tool may run, verifies a yes, and asks for a note."""

    @node(id="ask")
    async def ask(shared: dict[str, Any]) -> None:
        decision = await request_approval(
            "Run the tool?", details, request_id="tool", policy="tools", read_all=read_all
        )
        shared["decision"] = decision.as_dict()
        shared["note"] = await request_input("A note?", None, "text", "note", to="slack:#sre")
        if decision:
            Decision.from_dict(shared["decision"]).verify("Run the tool?", details)

    return Workflow("flow", ask)


async def asked(runtime: Runtime, store: Store, name: str = "tool") -> RequestRecord:
    """A question of the run, once that waits."""
    await runtime.wait(await runtime.start("flow", run_id="run"))
    return await found(store, name)


async def found(store: Store, name: str = "tool") -> RequestRecord:
    rows = [row async for row in store.reader.audit("run") if row.kind == "requested"]
    named = {
        row.payload["name"]: row.request_id
        for row in rows
        if isinstance(row.payload, dict) and row.request_id
    }
    card = await store.reader.card(named[name])
    assert card is not None
    return card.request


async def end(runtime: Runtime) -> dict[str, Any]:
    (note,) = await runtime.pending("run")
    await runtime.answer(note.id, note.revision, "done", person="slack:T1:U1", via="slack:#sre")
    state = await runtime.wait("run")
    assert state.workflow_status is WorkflowStatus.COMPLETED, state.error
    return dict(state.shared)


async def test_the_first_rule_that_is_true_approves(store: Store) -> None:
    details: Json = {"tool": "Read", "environment": "test"}
    async with Runtime(store, [asking(details)], policies=POLICIES) as runtime:
        request = await asked(runtime, store)
        decision = decision_of(request)
        assert decision is not None
        assert (decision["outcome"], decision["approved"]) == ("approved", True)
        assert (decision["by"], decision["comment"]) == (["rule:tools/2"], "It only reads")
        (vote,) = (await end(runtime))["decision"]["votes"]
    assert request.policy is not None
    version = request.policy.version
    assert vote["rule"] == {"policy": "tools", "version": version, "number": 2, "written_by": "ana"}
    assert (vote["person"], vote["via"], vote["value"]) == ("rule:tools/2", "rule", "approve")
    assert (await verify_audit(store.reader)).problems == ()


async def test_an_earlier_rule_goes_before_a_later_one(store: Store) -> None:
    details: Json = {"tool": "Read", "environment": "production"}
    async with Runtime(store, [asking(details)], policies=POLICIES) as runtime:
        decision = decision_of(await asked(runtime, store))
        assert decision is not None
        assert (decision["outcome"], decision["by"]) == ("rejected", ["rule:tools/1"])
        assert (await end(runtime))["decision"]["approved"] is False


async def test_no_card_is_sent_for_what_a_rule_decides(store: Store) -> None:
    """Nor does it stand among what was decided lately, for it was put to nobody."""
    details: Json = {"tool": "Read", "environment": "test"}
    async with Runtime(store, [asking(details)], policies=POLICIES) as runtime:
        ruled = await asked(runtime, store)
        assert await store.reader.deliveries(ruled.id) == []
        assert await store.reader.decided(ruled.asked_at, 10) == []
        assert len(await store.reader.deliveries((await found(store, "note")).id)) == 1


async def test_whoever_asked_in_a_chat_hears_what_a_rule_decided(store: Store) -> None:
    details: Json = {"tool": "Read", "environment": "production"}
    async with Runtime(store, [asking(details)], policies=POLICIES) as runtime:
        await runtime.wait(
            await runtime.start("flow", run_id="run", requested_by="slack:T1:U7", asked_in="slack:C7")
        )
        notice = await store.reader.notice("slack:C7", store.clock.now())
    assert isinstance(notice, Notice)
    assert (notice.kind, notice.request_id) == (NoticeKind.RESULT, (await found(store)).id)


@pytest.mark.parametrize(
    ("details", "why"),
    [
        ({"tool": "Read"}, "rule 1 could not be checked: there is no 'environment'"),
        ({"tool": "Read", "environment": 3}, "rule 1 could not be checked: 3 and 'production' are"),
        (
            {"tool": 7, "environment": "test"},
            "rule 2 could not be checked: 7 and 'Read' are of different types",
        ),
        ("Read", "rule 1 could not be checked"),
        (None, "rule 1 could not be checked"),
    ],
)
async def test_a_rule_that_cannot_be_checked_leaves_it_to_people(
    store: Store, details: Json, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither does it approve, nor is a later rule read: it is not known whether the one before would have rejected."""
    with caplog.at_level(logging.WARNING, "sayso.engine"):
        async with Runtime(store, [asking(details)], policies=POLICIES) as runtime:
            request = await asked(runtime, store)
            assert request.open
            outcome = await runtime.answer(request.id, 1, "approve", person="web:ana", via="slack:#sre")
            assert outcome.kind is OutcomeKind.RESOLVED
    assert request.policy is not None
    assert request.policy.unchecked is not None
    unchecked = request.policy.unchecked
    assert f"rule {unchecked.number} could not be checked: {unchecked.why}".startswith(why)
    assert f"rule {unchecked.number} of policy tools could not be checked for request tool" in caplog.text


async def test_people_are_asked_where_no_rule_is_true(store: Store) -> None:
    details: Json = {"tool": "Bash", "environment": "test"}
    async with Runtime(store, [asking(details)], policies=POLICIES) as runtime:
        request = await asked(runtime, store)
        assert request.open
        assert request.policy is not None
        assert request.policy.unchecked is None
        assert [row.destination for row in await store.reader.deliveries(request.id)] == ["slack:#sre"]


async def test_what_has_to_be_opened_in_full_is_approved_by_no_rule(store: Store) -> None:
    details: Json = {"tool": "Read", "environment": "test"}
    async with Runtime(store, [asking(details, read_all=True)], policies=POLICIES) as runtime:
        request = await asked(runtime, store)
        assert request.open


async def test_a_decision_stands_when_the_rules_have_changed(store: Store) -> None:
    """What a rule decided is not decided again: a run that is replayed hears what was recorded."""
    details: Json = {"tool": "Read", "environment": "test"}
    async with Runtime(store, [asking(details)], policies=POLICIES) as runtime:
        before = await asked(runtime, store)
    forbidding = {"tools": Policy(stages=STAGES, rules=[Rule("True", "reject", "bo")])}
    async with Runtime(store, [asking(details)], policies=forbidding) as runtime:
        assert (await end(runtime))["decision"]["approved"] is True
    assert await found(store) == before
    async with Runtime(store, [asking(details)], policies=forbidding) as runtime:
        await runtime.wait(await runtime.start("flow", run_id="other"))
        rows = [row async for row in store.reader.audit("other") if row.kind == "answered_by_rule"]
    assert before.policy is not None
    (payload,) = [row.payload for row in rows]
    assert isinstance(payload, dict)
    assert payload["version"] != before.policy.version
    assert (payload["value"], payload["when"], payload["written_by"]) == ("reject", "True", "bo")


async def test_questions_of_one_turn_are_decided_each_by_itself(store: Store) -> None:
    """Two by rules, one by people: the run waits for those alone."""

    @node(id="ask")
    async def ask(shared: dict[str, Any]) -> None:
        decisions = await asyncio.gather(
            *(
                request_approval(
                    "Run?", {"tool": tool, "environment": "test"}, request_id=tool, policy="tools"
                )
                for tool in ("Read", "Bash", "Grep")
            )
        )
        shared["by"] = [[vote["person"] for vote in one.votes] for one in decisions]

    async with Runtime(store, [Workflow("flow", ask)], policies=POLICIES) as runtime:
        state = await runtime.wait(await runtime.start("flow", run_id="run"))
        assert state.workflow_status is WorkflowStatus.WAITING_FOR_INPUT
        (open_one,) = await runtime.pending("run")
        assert open_one.name == "Bash"
        await runtime.answer(open_one.id, 1, "approve", person="slack:T1:U1", via="slack:#sre")
        state = await runtime.wait("run")
    assert state.shared["by"] == [["rule:tools/2"], ["slack:T1:U1"], ["rule:tools/2"]]


async def test_a_confirmation_is_answered_by_true_or_false(store: Store) -> None:
    @node(id="ask")
    async def ask(shared: dict[str, Any]) -> None:
        for tool, environment in (("Read", "test"), ("Read", "production")):
            details = {"tool": tool, "environment": environment}
            shared[environment] = await request_input(
                "Run?", None, "confirm", details=details, policy="tools"
            )

    async with Runtime(store, [Workflow("flow", ask)], policies=POLICIES) as runtime:
        state = await runtime.wait(await runtime.start("flow"))
    assert state.shared == {"test": True, "production": False}


def three_at_once(details: Json) -> Workflow:
    """Asks whether a tool may run and for two notes, all at once."""

    @node(id="ask")
    async def ask(shared: dict[str, Any]) -> None:
        decision, *_ = await asyncio.gather(
            request_approval("Run the tool?", details, request_id="tool", policy="tools"),
            request_input("A note?", None, "text", "note", to="slack:#sre"),
            request_input("Another?", None, "text", "another", to="slack:#sre"),
        )
        shared["approved"] = decision.approved

    return Workflow("flow", ask)


async def note(runtime: Runtime, name: str) -> None:
    (one,) = [one for one in await runtime.pending("run") if one.name == name]
    outcome = await runtime.answer(one.id, one.revision, "done", person="slack:T1:U1", via="slack:#sre")
    assert outcome.accepted, outcome.reason


async def test_a_question_that_changes_while_it_is_open_is_decided_by_the_rules_then(
    store: Store,
) -> None:
    """Otherwise people could approve what a rule forbids by now. Their card says so."""
    before: Json = {"tool": "Bash", "environment": "test"}
    async with Runtime(store, [three_at_once(before)], policies=POLICIES) as runtime:
        assert (await asked(runtime, store)).open
    after: Json = {"tool": "Bash", "environment": "production"}
    async with Runtime(store, [three_at_once(after)], policies=POLICIES) as runtime:
        await note(runtime, "note")
        await runtime.wait("run")
        request = await found(store)
        decision = decision_of(request)
        assert decision is not None
        assert (request.revision, decision["by"]) == (2, ["rule:tools/1"])
        await note(runtime, "another")
        assert (await runtime.wait("run")).shared == {"approved": False}
    assert (await verify_audit(store.reader)).problems == ()


async def test_what_a_rule_decided_is_asked_of_people_when_an_operator_has_it_asked_again(
    store: Store,
) -> None:
    """With a card where it would have been, though there was none so far."""
    async with Runtime(
        store, [asking({"tool": "Read", "environment": "test"})], policies=POLICIES
    ) as runtime:
        ruled = await asked(runtime, store)
    async with Runtime(
        store, [asking({"tool": "Grep", "environment": "test"})], policies=POLICIES
    ) as runtime:
        await note(runtime, "note")
        assert (await runtime.wait("run")).workflow_status is WorkflowStatus.NEEDS_ATTENTION
        await runtime.attention("run", "reask", person="local:op")
        await runtime.wait("run")
        (request,) = await runtime.pending("run")
        assert (request.id, request.revision) == (ruled.id, 2)
        assert [one.destination for one in await store.reader.deliveries(ruled.id)] == ["slack:#sre"]
        await runtime.answer(request.id, 2, "reject", person="slack:T1:U1", via="slack:#sre")
        decision: Any = (await runtime.wait("run")).shared["decision"]
        assert [vote["person"] for vote in decision["votes"]] == ["slack:T1:U1"]
    assert (await verify_audit(store.reader)).problems == ()
