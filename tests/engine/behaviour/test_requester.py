"""`requester`: whoever started the run is asked, where they started it."""

from __future__ import annotations

from typing import Any

import pytest

from sayso.engine import (
    Directory,
    OutcomeKind,
    Person,
    Policy,
    Runtime,
    Stage,
    Store,
    Workflow,
    WorkflowStatus,
    node,
    request_approval,
    request_input,
)

pytestmark = pytest.mark.usefixtures("resident")

ANA = "slack:T1:U1"


def asking(**more: Any) -> Workflow:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["answer"] = await request_input("Which day?", request_id="day", **more)

    return Workflow("ask", ask)


def approving(**more: Any) -> Workflow:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["approved"] = (await request_approval("Release?", request_id="release", **more)).approved

    return Workflow("ask", ask)


async def places(store: Store, request_id: str) -> set[str]:
    return {one.destination for one in await store.reader.deliveries(request_id)}


@pytest.mark.parametrize(
    ("asked_in", "expected"),
    [("slack:C1", {"slack:C1"}), (None, {ANA})],
    ids=["where they started it", "own chat"],
)
async def test_whoever_started_the_run_is_asked_and_nobody_else(
    store: Store, asked_in: str | None, expected: set[str]
) -> None:
    async with Runtime(store, [asking(to="requester")]) as runtime:
        run_id = await runtime.start("ask", requested_by=ANA, asked_in=asked_in)
        await runtime.wait(run_id)
        (request,) = await runtime.pending(run_id)
        assert request.audience == (ANA,)
        assert await places(store, request.id) == expected
        refused = await runtime.answer(request.id, 1, "Monday", person="slack:T1:U2", via="slack:C1")
        assert refused.kind is OutcomeKind.NOT_ALLOWED
        taken = await runtime.answer(request.id, 1, "Monday", person=ANA, via=asked_in or ANA)
        assert taken.kind is OutcomeKind.RESOLVED
        assert (await runtime.wait(run_id)).shared == {"answer": "Monday"}


async def test_a_requester_without_a_chat_is_asked_in_those_of_their_other_accounts(
    store: Store,
) -> None:
    directory = Directory({"ana": Person((ANA, "web:ana"), "Ana")})
    async with Runtime(store, [asking(to=["requester", "slack:C9"])], directory=directory) as runtime:
        run_id = await runtime.start("ask", requested_by="web:ana")
        await runtime.wait(run_id)
        (request,) = await runtime.pending(run_id)
        assert request.audience == ("web:ana", "slack:C9")
        assert await places(store, request.id) == {ANA, "slack:C9"}


async def test_a_policy_asks_the_requester_as_well(store: Store) -> None:
    policy = Policy(stages=(Stage(["requester", "web:bo"], need=2),))
    async with Runtime(store, [approving(policy=policy)]) as runtime:
        run_id = await runtime.start("ask", requested_by="web:ana")
        await runtime.wait(run_id)
        (request,) = await runtime.pending(run_id)
        for person in ("web:ana", "web:bo"):
            await runtime.answer(request.id, 1, "approve", person=person, via="web")
        assert (await runtime.wait(run_id)).shared == {"approved": True}


@pytest.mark.parametrize(
    "more",
    [
        {"policy": Policy(stages=(Stage(["requester", "web:bo"]),), exclude_requester=True)},
        {"policy": Policy(stages=(Stage(["web:bo"]),), exclude_requester=True), "to": "requester"},
    ],
    ids=["in a stage", "in to"],
)
async def test_four_eyes_is_not_asked_of_two_that_are_the_same(store: Store, more: dict[str, Any]) -> None:
    async with Runtime(store, [approving(**more)]) as runtime:
        run_id = await runtime.start("ask", requested_by="web:ana")
        state = await runtime.wait(run_id)
        assert state.workflow_status is WorkflowStatus.FAILED
        assert "asks the requester, who may not approve their own request" in (state.error or "")


@pytest.mark.parametrize(
    "workflow", [asking(to="requester"), approving(policy=Policy(stages=(Stage(["requester"]),)))]
)
async def test_nobody_is_no_requester(store: Store, workflow: Workflow) -> None:
    async with Runtime(store, [workflow]) as runtime:
        state = await runtime.wait(await runtime.start("ask"))
        assert state.workflow_status is WorkflowStatus.FAILED
        assert "start it with requested_by" in (state.error or "")
