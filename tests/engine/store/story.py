"""A database in which everything has happened that the trail tells of, once or more often."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from sayso.engine import (
    Attention,
    AttentionKind,
    Bounds,
    CredentialKind,
    Kept,
    LinkStep,
    OutcomeKind,
    Policy,
    Scope,
    Stage,
    Store,
    WorkflowStatus,
    open_store,
)
from sayso.engine._policy import APPROVE, REJECT
from sayso.engine._questions import question_digest
from sayso.engine.store import HandOver, Place, VisitEnd
from tests.engine.store.situation import GatedClock, a_vote, an_ask, begin, put, question
from tests.engine.support import ANA, BO, CHANNEL, START

ANA_IN_SLACK, BO_IN_SLACK, CY_IN_SLACK = "slack:T1:UANA", "slack:T1:UBO", "slack:T1:UCY"
DIRECTORY = [
    (ANA, "person:ana", "Ana"),
    (ANA_IN_SLACK, "person:ana", "Ana"),
    (BO_IN_SLACK, "person:bo", "Bo"),
]
COMPLETED = VisitEnd(WorkflowStatus.COMPLETED, '{"done":true}')
FAILED = VisitEnd(WorkflowStatus.FAILED, '{"a":1}', error="E: broken")


async def told(location: Path | str) -> None:
    """Fill a new database."""
    clock = GatedClock()
    async with open_store(location, clock=clock) as store:
        await store.direct(DIRECTORY)
        await _pruned(store, clock)
        await _ways_in(store, clock)
        await _answered(store)
        await _voted(store)
        await _closed(store, clock)
        await _held(store)
        await _changed(store)
        await _linked(store)
        await store.direct([*DIRECTORY[:2], ("telegram:7", "person:bo", "Bo")])
        await store.redact("voted", BO, "console")
        await store.cancel("voted", BO, "console")


async def _pruned(store: Store, clock: GatedClock) -> None:
    for run_id in ("old", "older"):
        place = await begin(store, run_id)
        await store.answer(a_vote(await put(store, place)))
        await store.end_visit(place, COMPLETED)
    await store.redact("old", BO, "console")
    clock.advance(timedelta(days=2))
    assert await store.prune(START + timedelta(days=1), BO, "console") == 2
    await begin(store, "old")


async def _ways_in(store: Store, clock: GatedClock) -> None:
    link, token = CredentialKind.LINK, CredentialKind.TOKEN
    soon, later = clock.now() + timedelta(minutes=10), clock.now() + timedelta(days=30)
    for number in range(2):
        await store.admit(link, f"link-{number}", ANA, soon)
        await store.redeem(f"link-{number}", f"session-{number}", later)
    for number in range(2, 4):
        await store.admit(link, f"link-{number}", ANA, soon)
    await store.sign_out("session-0")
    await store.admit(token, "token", "token:ci", later, [Scope.START, Scope.READ])
    await store.admit(token, "other-token", "token:cd", later, [Scope.ANSWER])
    await store.revoke("token:cd", BO)
    bounds = Bounds(policies=("release", "on call"), to=("group:sre",))
    await store.admit(token, "bound-token", "token:agent", later, [Scope.ASK], bounds)
    clock.advance(timedelta(minutes=11))
    await store.admit(link, "link-4", "web:eve", clock.now() + timedelta(minutes=10))


async def _answered(store: Store) -> None:
    place = await begin(store, "answered", requested_by=BO)
    request_id = await put(store, place, to=(CHANNEL,))
    await _show(store, request_id, CHANNEL)
    for number in range(3):
        refused = await store.answer(a_vote(request_id, "maybe", via=CHANNEL, event_key=f"no {number}"))
        assert refused.kind is OutcomeKind.INVALID
    assert (await store.answer(a_vote(request_id, via=CHANNEL, event_key="yes", comment="good"))).accepted
    await store.end_visit(place, msgspec.structs.replace(COMPLETED, used=(request_id,)))
    place = await begin(store, "on the web", requested_by="web:ivy")
    request_id = await put(store, place, to=("web:ivy",))
    assert (await store.answer(a_vote(request_id, person="web:ivy", via="web"))).accepted
    await store.end_visit(place, COMPLETED)


async def _voted(store: Store) -> None:
    """One that is open with a vote that was changed, one that was decided, one alone, one handed over."""
    people = (ANA, BO, ANA_IN_SLACK, "telegram:7", CHANNEL)
    policy = Policy(
        stages=(Stage(people, need=2),), audience=people, break_glass=("local:cy",), name="two", version="1"
    )
    for run_id in ("voted", "decided", "alone", "handed"):
        place = await begin(store, run_id, requested_by="local:cy")
        request_id = await _ask(store, place, policy)
        if run_id == "alone":
            await store.answer(a_vote(request_id, APPROVE, "local:cy", break_glass=True, comment="it burns"))
            continue
        await store.answer(a_vote(request_id, REJECT if run_id == "voted" else APPROVE, BO))
        if run_id == "voted":
            assert (
                await store.answer(a_vote(request_id, APPROVE, "telegram:7", via="telegram:7"))
            ).accepted is False
        if run_id == "decided":
            await store.answer(a_vote(request_id, APPROVE, ANA))
        if run_id == "handed":
            wish = HandOver(request_id, 1, BO, "console", CY_IN_SLACK, (CY_IN_SLACK,))
            assert (await store.hand_over(wish)).kind is OutcomeKind.DONE


async def _closed(store: Store, clock: GatedClock) -> None:
    timed = Policy(
        stages=(Stage((ANA, BO)),),
        audience=(ANA, BO),
        remind_every=timedelta(minutes=1),
        escalate_after=timedelta(minutes=2),
        escalate_to=(CHANNEL,),
        escalate_places=(CHANNEL,),
    )
    await _ask(store, await begin(store, "expired"), timed, expires_after=timedelta(hours=1), default='"no"')
    await _ask(store, await begin(store, "reminded"), timed)
    clock.advance(timedelta(minutes=3))
    while await store.act_due(None):
        pass
    clock.advance(timedelta(hours=2))
    while await store.act_due(None):
        pass
    place = await begin(store, "given up")
    await store.withdraw(place, await put(store, place, park=False))
    place = await begin(store, "taken back")
    (request,) = await _asked(store, place, [msgspec.structs.replace(an_ask(), requested_by=ANA)])
    assert (await store.take_back(request, ANA_IN_SLACK, CHANNEL)).kind is OutcomeKind.DONE
    place = await begin(store, "ended open")
    await put(store, place)
    await store.end_visit(place, msgspec.structs.replace(COMPLETED, withdraw=True))
    await put(store, await begin(store, "cancelled"))
    await store.cancel("cancelled", BO, "console")


async def _held(store: Store) -> None:
    """Runs that need an operator: for each decision one, and one that still waits."""
    for action, kind in (
        ("reask", AttentionKind.QUESTION_CHANGED),
        ("accept", AttentionKind.QUESTION_CHANGED),
        ("accept", AttentionKind.ANSWER_UNUSED),
        ("", AttentionKind.QUESTION_CHANGED),
    ):
        run_id = f"held {kind} {action}"
        place = await begin(store, run_id)
        await store.answer(a_vote(await put(store, place)))
        now = question("Really?") if kind is AttentionKind.QUESTION_CHANGED else None
        await store.hold(place, Attention(kind, "go", question(), now, "it changed"))
        if action:
            await store.attend(run_id, action, None, BO, "console")
    place = await begin(store, "failed")
    await store.end_visit(place, FAILED)
    place = await begin(store, "retried")
    await store.answer(a_vote(await put(store, place)))
    await store.end_visit(place, FAILED)
    await store.retry("retried", BO, "console", ask_again=False)


async def _changed(store: Store) -> None:
    """A question that got new words while it was open, with a vote on the new ones, and one just asked."""
    place = await begin(store, "changed")
    request_id = await put(store, place, to=(CHANNEL, ANA))
    await _show(store, request_id, CHANNEL)
    again = an_ask(prompt="Go now?", to=(CHANNEL, ANA), known_id=request_id)
    await _asked(store, place, [again])
    await _show(store, request_id, CHANNEL)
    await put(store, await begin(store, "fresh"))


async def _linked(store: Store) -> None:
    """Links of accounts in one form and in two, one of which ends; a code that only its sender has agreed to."""
    for account, code in (("web:dee", "code-1"), ("web:ed", "code-2"), ("slack:E1:UFAY", "code-3")):
        await store.begin_link(account, code, store.clock.now() + timedelta(minutes=5))
        await _agree(store, f"telegram:{code}", code)
        assert (await store.link(account, code, is_sure=True)).step is LinkStep.LINKED
    await store.recognise("slack:E1:UFAY", ["slack:T1:UFAY"])
    await store.recognise("slack:E1:UANA", [ANA_IN_SLACK])
    await store.recognise("slack:E1:UGUS", ["slack:T1:UGUS"])
    await store.recognise("slack:E2:UGUS", ["slack:E1:UGUS"])
    await store.unlink("web:ed")
    await store.begin_link("web:hal", "code-4", store.clock.now() + timedelta(minutes=5))
    await _agree(store, "telegram:4", "code-4")


async def _agree(store: Store, sender: str, code: str) -> None:
    await store.link(sender, code, is_sure=False)
    assert (await store.link(sender, code, is_sure=True)).step is LinkStep.WAITS


async def _ask(store: Store, place: Place, policy: Policy, **terms: Any) -> str:
    ask = msgspec.structs.replace(an_ask(**terms), policy=policy, audience=policy.audience, text=_APPROVAL)
    (request_id,) = await _asked(
        store, place, [msgspec.structs.replace(ask, digest=question_digest(_APPROVAL))]
    )
    return request_id


_APPROVAL = question().replace('["yes","no"]', '["approve","reject"]')


async def _asked(store: Store, place: Place, asks: list[Any]) -> list[str]:
    asked = await store.ask(place, asks, None)
    assert asked is not None
    return [record.id for record in asked.records if record is not None]


async def _show(store: Store, request_id: str, place: str) -> None:
    (delivery,) = (one for one in await store.reader.deliveries(request_id) if one.destination == place)
    number = await store.begin_delivery(delivery)
    assert number is not None
    await store.refer_delivery(delivery, "1.2", number, "1.2", Kept("digest", {}))
    request = await store.reader.request(request_id)
    await store.end_delivery(delivery, "1.2", store.clock.now(), request)
    await store.report_mismatch(request_id, place, BO, place, ["text"])
