"""What an approval does by itself: it expires, reminds and asks others, once each, also after a restart and when the
clocks change.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sayso.adapters.cards import build_card
from sayso.engine import (
    Directory,
    Group,
    InvalidRequest,
    Notice,
    NoticeKind,
    Outcome,
    OutcomeKind,
    Person,
    Policy,
    Runtime,
    SQLiteStore,
    Stage,
    Store,
    Workflow,
    WorkflowStatus,
    node,
    request_approval,
    request_input,
)
from sayso.engine.store import GRACE
from tests.engine.support import CHANNEL, ManualClock, kinds, told

pytestmark = pytest.mark.usefixtures("resident")

HOUR = timedelta(hours=1)
PEOPLE = ["web:ana", "web:bo"]


def asking(policy: Policy) -> Workflow:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        decision = await request_approval("Release?", request_id="release", policy=policy, to=[CHANNEL])
        shared["approved"] = decision.approved

    return Workflow("ask", ask)


@pytest.mark.parametrize("on_expiry", ["reject", None])
async def test_an_approval_expires_as_its_policy_says(
    store: Store, clock: ManualClock, on_expiry: str | None
) -> None:
    policy = Policy(stages=[Stage(PEOPLE)], expires_after=HOUR, on_expiry=on_expiry, name="release")

    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["answer"] = await request_input(
            "Release?", ["approve", "reject"], "select", "release", policy=policy
        )

    async with Runtime(store, [Workflow("ask", ask)]) as runtime:
        run_id = await runtime.start("ask")
        await runtime.wait(run_id)
        bound = (await runtime.pending())[0].policy
        assert bound is not None
        version = bound.version
        clock.advance(HOUR + GRACE)
        await store.act_due(None)
        state = await runtime.wait(run_id)
    (payload,) = [row.payload async for row in store.reader.audit() if row.kind == "request_expired"]
    if on_expiry is None:
        assert state.error is not None
        assert state.error.startswith("RequestExpired: ")
        assert payload == {"default": None}
    else:
        assert state.shared == {"answer": "reject"}
        why = "nobody decided by 2026-03-02 13:00 UTC"
        decided = {"value": "reject", "why": why, "policy": "release", "version": version}
        assert payload == {"default": "reject", "decided": decided}


@pytest.mark.parametrize("answer", ["approve", True])
def test_no_policy_approves_by_silence(answer: Any) -> None:
    with pytest.raises(InvalidRequest, match="would approve without anybody"):
        Policy(stages=[Stage(PEOPLE)], expires_after=HOUR, on_expiry=answer)


async def test_reminders_come_at_growing_intervals_and_once_each(store: Store, clock: ManualClock) -> None:
    async with Runtime(store, [asking(Policy(stages=[Stage(PEOPLE)], remind_every=HOUR))]) as runtime:
        await runtime.wait(await runtime.start("ask"))
        seen: list[int] = []
        for hour in range(1, 17):
            clock.advance(HOUR)
            await store.act_due(None)
            await store.act_due(None)
            if NoticeKind.REMINDER in await told(store):
                seen.append(hour)
        assert seen == [1, 3, 7, 15]
        request = (await runtime.pending())[0]
        await runtime.answer(request.id, 1, "approve", person="web:ana", via="web")
        clock.advance(timedelta(days=9))
        await store.act_due(None)
    assert await kinds(store, "request_reminded") == ["request_reminded"] * 4


async def test_what_came_due_while_nobody_ran_happens_once_at_the_next_start(
    database: Path, clock: ManualClock
) -> None:
    policy = Policy(
        stages=[Stage(PEOPLE)],
        remind_every=HOUR,
        escalate_after=2 * HOUR,
        escalate_to=["slack:#leads"],
        expires_after=timedelta(days=2),
    )
    async with SQLiteStore(database, clock=clock) as first, Runtime(first, [asking(policy)]) as runtime:
        run_id = await runtime.start("ask")
        await runtime.wait(run_id)
    clock.advance(timedelta(days=1))
    for _ in range(2):
        async with SQLiteStore(database, clock=clock) as again, Runtime(again, [asking(policy)]) as runtime:
            await again.act_due(None)
            places = await again.reader.places_waiting()
            done = await kinds(again, "request_reminded", "request_escalated", "request_expired")
            assert done == ["request_escalated", "request_reminded"]
            assert sorted(places) == ["slack:#leads", CHANNEL]
    clock.advance(timedelta(days=1) + GRACE)
    async with SQLiteStore(database, clock=clock) as last, Runtime(last, [asking(policy)]) as runtime:
        await last.act_due(None)
        state = await runtime.wait(run_id)
        assert state.shared == {"approved": False}


async def test_those_it_escalates_to_may_approve_from_then_on(store: Store, clock: ManualClock) -> None:
    policy = Policy(stages=[Stage(PEOPLE, need=2)], escalate_after=HOUR, escalate_to=["web:lead", "web:cto"])
    async with Runtime(store, [asking(policy)]) as runtime:
        run_id = await runtime.start("ask")
        await runtime.wait(run_id)
        request = (await runtime.pending())[0]

        async def approve(person: str) -> OutcomeKind:
            return (await runtime.answer(request.id, 1, "approve", person=person, via="web")).kind

        early = await runtime.answer(request.id, 1, "approve", person="web:lead", via="web")
        assert (early.kind, early.reason) == (OutcomeKind.NOT_ALLOWED, "It isn't your turn yet.")
        clock.advance(HOUR)
        assert await approve("web:lead") is OutcomeKind.COUNTED
        await store.act_due(None)
        assert NoticeKind.ESCALATED in await told(store)
        shown = await store.reader.request(request.id)
        assert shown is not None
        assert "web:cto" in shown.audience
        assert await approve("web:ana") is OutcomeKind.RESOLVED
        assert (await runtime.wait(run_id)).shared == {"approved": True}


def asking_two(prompt: str, policy: Policy) -> Workflow:
    """Asks two questions, the first by the policy."""

    @node
    async def ask(shared: dict[str, Any]) -> None:
        await request_approval(prompt, request_id="release", policy=policy, to=[CHANNEL])
        await request_input("Which window?", request_id="window")

    return Workflow("ask", ask)


async def test_what_is_asked_again_says_that_it_changed_and_its_times_count_anew(
    database: Path, clock: ManualClock
) -> None:
    """An operator has a changed question answered anew: whom it once escalated to has to wait for their turn again."""
    policy = Policy(
        stages=[Stage(PEOPLE)], remind_every=HOUR, escalate_after=2 * HOUR, escalate_to=["web:lead"]
    )
    before, after = asking_two("4.2.0?", policy), asking_two("5.0.0?", policy)
    async with SQLiteStore(database, clock=clock) as store, Runtime(store, [before]) as runtime:
        run_id = await runtime.start("ask")
        await runtime.wait(run_id)
        release = (await runtime.pending())[0]
        clock.advance(3 * HOUR)
        while await kinds(store, "request_escalated", "request_reminded") != [
            "request_escalated",
            "request_reminded",
        ]:
            await store.act_due(None)
        await runtime.answer(release.id, 1, "approve", person="web:lead", via="web")
        await runtime.wait(run_id)
    async with SQLiteStore(database, clock=clock) as store, Runtime(store, [after]) as runtime:
        window = (await runtime.pending())[0]
        await runtime.answer(window.id, 1, "early", person="local:ana", via="console")
        assert (await runtime.wait(run_id)).workflow_status is WorkflowStatus.NEEDS_ATTENTION
        clock.advance(HOUR)
        await told(store)
        await runtime.attention(run_id, "reask", person="local:op")
        await runtime.wait(run_id)

        async def approve() -> Outcome:
            return await runtime.answer(release.id, 2, "approve", person="web:lead", via="web")

        assert (await approve()).reason == "It isn't your turn yet."
        record = await store.reader.card(release.id)
        assert record is not None
        card = build_card(record, {})
        assert card.notices == (
            ("Changed ", clock.now(), " · the text below is new; earlier votes were cleared"),
        )
        assert card.context[1] == ("waiting for ana or bo",)
        clock.advance(HOUR)
        while NoticeKind.REMINDER not in await told(store):
            pass
        assert (await approve()).kind is OutcomeKind.NOT_ALLOWED
        clock.advance(HOUR)
        while NoticeKind.ESCALATED not in await told(store):
            pass
        rows = [row.payload async for row in store.reader.audit() if row.kind == "request_reminded"]
        assert [row["reminder"] for row in rows if isinstance(row, dict)] == [1, 1]
        assert (await approve()).kind is OutcomeKind.RESOLVED


@pytest.mark.parametrize(
    ("begin", "deadline"),
    [
        ("2026-03-28T22:00:00+01:00", "2026-03-29T23:00:00+02:00"),
        ("2026-10-24T22:00:00+02:00", "2026-10-25T21:00:00+01:00"),
    ],
)
async def test_a_day_is_24_hours_also_when_the_clocks_change(
    database: Path, begin: str, deadline: str
) -> None:
    clock = ManualClock(datetime.fromisoformat(begin).astimezone(UTC))
    policy = Policy(stages=[Stage(PEOPLE)], expires_after=timedelta(days=1), remind_every=timedelta(hours=8))
    async with SQLiteStore(database, clock=clock) as store, Runtime(store, [asking(policy)]) as runtime:
        run_id = await runtime.start("ask")
        await runtime.wait(run_id)
        record = (await runtime.pending())[0]
        assert record.deadline is not None
        assert record.deadline.astimezone(ZoneInfo("Europe/Berlin")).isoformat() == deadline
        for _ in range(24):
            clock.advance(HOUR)
            await store.act_due(None)
            assert (await runtime.wait(run_id)).workflow_status is WorkflowStatus.WAITING_FOR_INPUT
        assert await kinds(store, "request_reminded") == ["request_reminded"] * 2
        clock.advance(GRACE)
        await store.act_due(None)
        assert (await runtime.wait(run_id)).shared == {"approved": False}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"remind_every": timedelta(0)}, "less than a second"),
        ({"escalate_after": HOUR}, "escalate_after and escalate_to go together"),
        ({"escalate_to": ["web:lead"]}, "escalate_after and escalate_to go together"),
        ({"escalate_after": HOUR, "escalate_to": ["web:lead"], "expires_after": HOUR}, "must come before"),
        ({"break_glass": ["slack:#sre"]}, "break_glass names people"),
    ],
)
def test_times_that_cannot_be_meant_are_refused(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        Policy(stages=[Stage(PEOPLE)], **wrong)


@pytest.mark.parametrize("ordered", [True, False])
async def test_own_chats_of_those_who_are_not_waited_for_are_not_reminded(
    store: Store, clock: ManualClock, ordered: bool
) -> None:
    """Ana asked for it, Bo has approved for his stage, Cho's comes later; of the group, nobody knows who is in it."""
    people = {
        name: Person((f"slack:T1:{name}", f"telegram:{number}"))
        for number, name in enumerate(("ana", "bo", "cho", "dee"))
    }
    directory = Directory(people, {"sre": Group(("person:dee",))})
    policy = Policy(
        stages=[Stage(["person:ana", "person:bo"]), Stage(["group:sre"]), Stage(["person:cho"])],
        exclude_requester=True, ordered=ordered, remind_every=HOUR,
    )  # fmt: skip
    async with Runtime(store, [asking(policy)], directory=directory) as runtime:
        run_id = await runtime.start("ask", requested_by="telegram:0")
        await runtime.wait(run_id)
        request = (await runtime.pending())[0]
        await runtime.answer(request.id, 1, "approve", person="telegram:1", via="telegram")
        clock.advance(HOUR)
        await store.act_due(None)
        reminded = {
            account
            for person in people.values()
            for account in person.accounts
            if NoticeKind.REMINDER in await told(store, account)
        }
    waited_for = {"slack:T1:dee", "telegram:3"}
    assert reminded == (waited_for if ordered else waited_for | {"slack:T1:cho", "telegram:2"})


async def test_the_vote_that_begins_a_stage_says_who_is_needed_since(store: Store) -> None:
    """Once, and in the own chats of those people as well: nothing else tells them that it is their turn."""
    bo, cho = "slack:T1:U2", "slack:T1:U3"
    policy = Policy(stages=[Stage(PEOPLE, need=2), Stage([bo]), Stage([cho])], ordered=True)
    async with Runtime(store, [asking(policy)]) as runtime:
        await runtime.wait(await runtime.start("ask"))
        request = (await runtime.pending())[0]
        needed: list[tuple[object, ...]] = []
        for person in (*PEOPLE, bo, cho):
            await runtime.answer(request.id, 1, "approve", person=person, via=person.partition(":")[0])
            for place in (CHANNEL, bo, cho):
                notice = await store.reader.notice(place, store.clock.now())
                if isinstance(notice, Notice):
                    needed.append((person, place, notice.payload.get("needed")))
                    await store.end_notice(notice)
    assert needed == [
        ("web:ana", CHANNEL, None),
        ("web:bo", CHANNEL, [bo]),
        ("web:bo", bo, [bo]),
        (bo, CHANNEL, [cho]),
        (bo, cho, [cho]),
        (cho, CHANNEL, None),
    ]
