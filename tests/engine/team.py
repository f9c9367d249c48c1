"""People of a team, an approval that a run of theirs asks for, and accounts that they link."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from sayso.engine import (
    Directory,
    Group,
    LinkStep,
    Node,
    Outcome,
    Person,
    Policy,
    Runtime,
    Store,
    WorkflowStatus,
    node,
    request_approval,
)

ANA_SLACK, ANA_TELEGRAM = "slack:T1:U1", "telegram:7"
DIRECTORY = Directory(
    people={
        "ana": Person((ANA_SLACK, ANA_TELEGRAM), "Ana"),
        "bo": Person(("slack:T1:U2", "web:bo"), "Bo", "America/New_York"),
        "cho": Person(("telegram:9",)),
    },
    groups={"sre": Group(("person:ana", "person:bo")), "ops": Group((), ("slack:#ops",))},
)


def asking(policy: Policy, requested_by: str | None = None, to: list[str] | None = None) -> Node:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        decision = await request_approval(
            "Release?", request_id="release", policy=policy, requested_by=requested_by, to=to
        )
        shared["approved"] = decision.approved
        shared["by"] = [vote["person"] for vote in decision.votes]

    return ask


class Asked:
    """One open request of a run."""

    def __init__(self, runtime: Runtime, run_id: str, request_id: str) -> None:
        self.runtime, self.run_id, self.id = runtime, run_id, request_id

    async def __call__(
        self, person: str, value: str = "approve", via: str = "chat:1", **more: Any
    ) -> Outcome:
        return await self.runtime.answer(self.id, 1, value, person=person, via=via, **more)


async def begin(runtime: Runtime, name: str = "ask") -> Asked:
    run_id = await runtime.start(name)
    state = await runtime.wait(run_id)
    assert state.workflow_status is WorkflowStatus.WAITING_FOR_INPUT, state.error
    return Asked(runtime, run_id, (await runtime.pending(run_id))[0].id)


def hashed(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


async def link(store: Store, one: str, other: str, code: str = "code") -> str:
    """Both say yes, the maker last; what came of it, or why not."""
    refused = await store.begin_link(
        one, hashed(code), store.clock.now() + timedelta(minutes=10), listed_may_link=True
    )
    assert refused is None
    for account, is_sure in ((other, False), (other, True)):
        linking = await store.link(account, hashed(code), is_sure=is_sure, listed_may_link=True)
        if linking.step is LinkStep.REFUSED:
            return linking.said
    return (await store.link(one, hashed(code), is_sure=True, listed_may_link=True)).step
