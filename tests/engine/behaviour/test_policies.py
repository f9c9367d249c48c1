"""Questions that several people decide: counted, changed, decided once, and the same after a restart."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import (
    Node,
    Outcome,
    OutcomeKind,
    Policy,
    Reasons,
    Runtime,
    Stage,
    Store,
    Workflow,
    WorkflowStatus,
    node,
    request_approval,
    request_input,
    verify_audit,
)

pytestmark = pytest.mark.usefixtures("resident")

PEOPLE = ["web:ana", "web:bo", "web:cho"]


def deciding(policy: Policy, **more: Any) -> Node:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        decision = await request_approval("Release?", request_id="release", policy=policy, **more)
        shared["approved"] = decision.approved
        shared["by"] = [vote["person"] for vote in decision.votes]
        shared["comment"] = decision.comment

    return ask


class Vote:
    """Somebody's votes on the one open request."""

    def __init__(self, runtime: Runtime, run_id: str) -> None:
        self._runtime = runtime
        self.run_id = run_id
        self.id = ""

    async def __call__(self, person: str, value: Any, **more: Any) -> Outcome:
        if not self.id:
            self.id = (await self._runtime.pending(self.run_id))[0].id
        return await self._runtime.answer(self.id, 1, value, person=person, via="web", **more)


async def begin(runtime: Runtime, requested_by: str | None = None) -> Vote:
    run_id = await runtime.start("ask", requested_by=requested_by)
    await runtime.wait(run_id)
    return Vote(runtime, run_id)


async def test_two_of_three_approve(store: Store) -> None:
    async with Runtime(
        store, [Workflow("ask", deciding(Policy(stages=(Stage(PEOPLE, need=2),))))]
    ) as runtime:
        vote = await begin(runtime)
        first = await vote("web:ana", "approve")
        assert (first.kind, first.reason) == (OutcomeKind.COUNTED, "Your approval was counted: 1 of 2.")
        assert (await vote("web:ana", "approve")).kind is OutcomeKind.DUPLICATE
        assert (await vote("web:eve", "approve")).kind is OutcomeKind.NOT_ALLOWED
        assert (await vote("web:bo", "approve")).kind is OutcomeKind.RESOLVED
        assert (await vote("web:cho", "reject")).kind is OutcomeKind.ALREADY_ANSWERED
        state = await runtime.wait(vote.run_id)
    assert state.shared == {"approved": True, "by": ["web:ana", "web:bo"], "comment": None}


async def test_a_vote_is_changed_until_it_is_decided(store: Store) -> None:
    policy = Policy(stages=(Stage(PEOPLE, need=2, reject_at=2),))
    async with Runtime(store, [Workflow("ask", deciding(policy))]) as runtime:
        vote = await begin(runtime)
        assert (await vote("web:ana", "approve")).reason == "Your approval was counted: 1 of 2."
        changed = await vote("web:ana", "reject")
        assert (changed.kind, changed.reason) == (OutcomeKind.COUNTED, "Changed to Reject.")
        assert (await vote("web:bo", "approve")).reason == "Your approval was counted: 1 of 2."
        assert (await vote("web:cho", "reject")).kind is OutcomeKind.RESOLVED
        state = await runtime.wait(vote.run_id)
    assert state.shared["approved"] is False
    assert sorted(state.shared["by"]) == ["web:ana", "web:cho"]


async def test_votes_survive_a_restart_and_the_policy_is_the_one_it_was_asked_with(tmp_path: Path) -> None:
    path = tmp_path / "votes.db"
    async with Runtime(path, [Workflow("ask", deciding(Policy(stages=(Stage(PEOPLE, need=2),))))]) as runtime:
        vote = await begin(runtime)
        await vote("web:ana", "approve")
    laxer = Policy(stages=(Stage(["web:eve"]),))
    async with Runtime(path, [Workflow("ask", deciding(laxer))]) as runtime:
        again = Vote(runtime, vote.run_id)
        assert (await again("web:eve", "approve")).kind is OutcomeKind.NOT_ALLOWED
        assert (await again("web:bo", "approve")).kind is OutcomeKind.RESOLVED
        assert (await runtime.wait(vote.run_id)).shared["by"] == ["web:ana", "web:bo"]


async def test_stages_with_a_veto(store: Store) -> None:
    policy = Policy(
        stages=(Stage(["web:ana", "web:bo"], name="team"), Stage(["web:cho"], veto=["web:sec"], name="lead"))
    )
    async with Runtime(store, [Workflow("ask", deciding(policy))]) as runtime:
        vote = await begin(runtime)
        assert (await vote("web:cho", "approve")).kind is OutcomeKind.COUNTED
        record = await store.reader.card(vote.id)
        assert record is not None
        assert [(one.person, one.value) for one in record.votes] == [("web:cho", "approve")]
        assert (await vote("web:sec", "reject")).kind is OutcomeKind.RESOLVED
        assert (await runtime.wait(vote.run_id)).shared["approved"] is False


async def test_four_eyes(store: Store) -> None:
    policy = Policy(stages=(Stage(PEOPLE),), exclude_requester=True)
    async with Runtime(store, [Workflow("ask", deciding(policy))]) as runtime:
        vote = await begin(runtime, requested_by="web:ana")
        refused = await vote("web:ana", "approve")
        assert (refused.kind, refused.reason) == (
            OutcomeKind.NOT_ALLOWED,
            "You requested this, so someone else must approve it.",
        )
        assert (await vote("web:bo", "approve")).kind is OutcomeKind.RESOLVED


async def test_a_rejection_needs_its_reason(store: Store) -> None:
    policy = Policy(stages=(Stage(PEOPLE),), comment=("reject",))
    async with Runtime(store, [Workflow("ask", deciding(policy))]) as runtime:
        vote = await begin(runtime)
        for comment in (None, "  "):
            silent = await vote("web:ana", "reject", comment=comment)
            assert silent.kind is OutcomeKind.INVALID
            assert silent.reason == "This rejection needs a comment. Say why."
        assert (await vote("web:ana", "reject", comment="not on a Friday")).kind is OutcomeKind.RESOLVED
        assert (await runtime.wait(vote.run_id)).shared["comment"] == "not on a Friday"


async def test_an_expired_policy_is_no_approval(store: Store) -> None:
    policy = Policy(stages=(Stage(PEOPLE, need=3),))
    ask = deciding(policy, expires_after=timedelta(days=1))
    async with Runtime(store, [Workflow("ask", ask)]) as runtime:
        vote = await begin(runtime)
        await vote("web:ana", "approve")
        record = (await runtime.pending(vote.run_id))[0]
        assert record.deadline is not None
        late = await vote("web:bo", "approve", received_at=record.deadline + timedelta(seconds=1))
        assert late.kind is OutcomeKind.EXPIRED


async def test_a_confirmation_can_have_a_policy_too(store: Store) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["sure"] = await request_input(
            "Sure?",
            input_type="confirm",
            request_id="sure",
            policy=Policy(stages=(Stage(PEOPLE, need="all"),)),
        )

    async with Runtime(store, [Workflow("ask", ask)]) as runtime:
        vote = await begin(runtime)
        for person in PEOPLE:
            await vote(person, True)
        state = await runtime.wait(vote.run_id)
    assert (state.workflow_status, state.shared) == (WorkflowStatus.COMPLETED, {"sure": True})


@pytest.mark.parametrize(
    ("default", "reason"), [("approve", "default: 'approve' would approve without anybody"), ("reject", None)]
)
async def test_silence_never_approves(store: Store, default: str, reason: str | None) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["decision"] = await request_input(
            "Release?", ["approve", "reject"], "select", "release",
            policy=Policy(stages=[Stage(PEOPLE)]), expires_after=timedelta(days=1), default=default,
        )  # fmt: skip

    async with Runtime(store, [Workflow("ask", ask)]) as runtime:
        run_id = await runtime.start("ask")
        state = await runtime.wait(run_id)
    if reason is None:
        assert state.workflow_status is WorkflowStatus.WAITING_FOR_INPUT
    else:
        assert state.error is not None
        assert reason in state.error


async def test_ordered_stages_take_a_later_vote_once_the_earlier_have_approved(store: Store) -> None:
    policy = Policy(stages=[Stage(["web:ana"], name="team"), Stage(["web:bo"], name="lead")], ordered=True)
    async with Runtime(store, [Workflow("ask", deciding(policy))]) as runtime:
        vote = await begin(runtime)
        early = await vote("web:bo", "approve")
        assert (early.kind, early.reason) == (
            OutcomeKind.NOT_ALLOWED, "It isn't your turn yet: team comes first.",
        )  # fmt: skip
        assert (await vote("web:ana", "approve")).kind is OutcomeKind.COUNTED
        assert (await vote("web:bo", "approve")).kind is OutcomeKind.RESOLVED
        assert (await runtime.wait(vote.run_id)).shared["by"] == ["web:ana", "web:bo"]


async def test_suggested_reasons_stand_with_the_request_and_ask_for_nothing_more(store: Store) -> None:
    """Whoever rejects may say something else, or nothing where the policy lets them."""
    policy = Policy(stages=(Stage(PEOPLE),), reject_reasons=("Not tested", "Wrong time"))
    async with Runtime(store, [Workflow("ask", deciding(policy))]) as runtime:
        vote = await begin(runtime)
        (asked,) = await runtime.pending(vote.run_id)
        assert asked.reject_reasons == ("Not tested", "Wrong time")
        assert asked.as_dict()["reject_reasons"] == ["Not tested", "Wrong time"]
        assert asked.reasons_for("reject") == Reasons(("Not tested", "Wrong time"), required=False)
        assert (await vote("web:ana", "reject")).kind is OutcomeKind.RESOLVED
        closed = await store.reader.request(asked.id)
        assert closed is not None
        assert closed.reasons_for("reject") is None


@pytest.mark.parametrize(
    "terms", [{"to": PEOPLE}, {"policy": Policy(stages=(Stage(PEOPLE),), reject_reasons=["No"])}]
)
async def test_reasons_of_the_question_take_the_place_of_those_of_its_policy(
    store: Store, terms: dict[str, Any]
) -> None:
    """Without a policy, the first answer still decides."""

    @node
    async def ask(shared: dict[str, Any]) -> None:
        decision = await request_approval("Release?", reject_reasons=["Not tested"], **terms)
        shared["comment"] = decision.comment

    async with Runtime(store, [Workflow("ask", ask)]) as runtime:
        vote = await begin(runtime)
        (asked,) = await runtime.pending(vote.run_id)
        read = await store.reader.request(asked.id)
        assert asked == read
        assert (asked.policy is None) == ("policy" not in terms)
        assert asked.reasons_for("reject") == Reasons(("Not tested",), required=False)
        assert (await vote("web:bo", "reject", comment="Not tested")).kind is OutcomeKind.RESOLVED
        assert (await runtime.wait(vote.run_id)).shared["comment"] == "Not tested"
    assert (await verify_audit(store.reader)).problems == ()


async def test_reasons_that_no_surface_could_show_are_refused_where_they_are_asked(
    store: Store,
) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        await request_approval("Release?", to=PEOPLE, reject_reasons=["one\ntwo"])

    async with Runtime(store, [Workflow("ask", ask)]) as runtime:
        run_id = await runtime.start("ask")
        state = await runtime.wait(run_id)
    assert state.workflow_status is WorkflowStatus.FAILED
    assert "reject_reasons: 'one\\ntwo' is not one line of 1 to 75 characters" in (state.error or "")
