"""Grants answer questions that are like the first: for as long and as often as was said, each use recorded."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from sayso.engine import (
    AnswerAttempt,
    AskedQuestion,
    CardRecord,
    Fact,
    Granted,
    GrantRecord,
    Grants,
    Json,
    Outcome,
    OutcomeKind,
    Policy,
    Rule,
    Runtime,
    SQLiteStore,
    Stage,
    Store,
    Use,
    Used,
    Warrant,
    Workflow,
    ask_workflow,
    decision_of,
    node,
    offered,
    request_approval,
    verify_audit,
)
from tests.engine.older_file import rewrite_as_before
from tests.engine.support import ManualClock

HOUR = timedelta(hours=1)
AGENT = "token:agent"
OFFERED = Grants(HOUR * 8, durations=[HOUR], times=2, session="Session", patterns={"Version": "v*"})
POLICY = Policy(stages=[Stage(["web:ana", "token:ops", "group:sre"])], grants=OFFERED)
DETAILS: dict[str, Json] = {"Command": "npm test", "Version": "v1", "Session": "s1"}


class Stand:
    """A runtime with one policy, asked by an agent. `vouches` says whether granters still may approve."""

    def __init__(self, runtime: Runtime, store: Store) -> None:
        self.runtime = runtime
        self.store = store
        self.vouches = True
        self.looked_up: list[Granted] = []

    async def ask(self, details: Json = None, *, key: str | None = None, **more: Any) -> CardRecord:
        """A question as it stands once it is stored."""
        by, is_looked_up = more.pop("by", AGENT), more.pop("is_looked_up", True)
        asked = AskedQuestion(
            "Run “npm test”?", details=DETAILS if details is None else details, policy="tools", **more
        )

        async def still_approves(grant: Granted) -> bool:
            self.looked_up.append(grant)
            return self.vouches

        run_id, _, _ = await self.runtime.ask(
            asked, requested_by=by, event_key=key, still_approves=still_approves if is_looked_up else None
        )
        await self.runtime.wait(run_id)
        async for _, card in self.store.reader.run_cards(run_id):
            return card
        raise AssertionError(await self.runtime.wait(run_id))

    async def grant(
        self, card: CardRecord, offer: str | None, person: str = "web:ana", **more: Any
    ) -> Outcome:
        given: dict[str, Any] = {"value": "approve", "via": "web", **more}
        value = given.pop("value")
        attempt = AnswerAttempt(card.request.id, card.request.revision, value, person, offer=offer, **given)
        return await self.runtime.take(attempt)

    async def granted(self, offer: str, details: Json = None, **more: Any) -> GrantRecord:
        """A grant that was made on a question."""
        card = await self.ask(details, **more)
        assert card.request.open, card
        outcome = await self.grant(card, offer)
        assert outcome.kind is OutcomeKind.RESOLVED, outcome
        (found, *_) = await self.store.reader.grants()
        return found

    async def kinds(self) -> list[str]:
        return [row.kind async for row in self.store.reader.audit()]


@pytest.fixture
async def stand(store: Store) -> Any:
    async with Runtime(store, [ask_workflow], policies={"tools": POLICY}) as runtime:
        yield Stand(runtime, store)
    assert (await verify_audit(store.reader)).problems == ()


async def test_a_grant_approves_what_is_like_it_and_says_so(stand: Stand) -> None:
    grant = await stand.granted("1h")
    card = await stand.ask({**DETAILS, "Version": "v2.1", "Session": "s2"})
    decision = decision_of(card.request)
    assert decision is not None
    assert (decision["approved"], decision["by"]) == (True, [f"grant:{grant.id}"])
    (vote,) = cast("list[dict[str, Any]]", decision["votes"])
    end = grant.expires_at.isoformat().replace("+00:00", "Z")
    said = {"id": grant.id, "granted_by": "web:ana", "use": 1, "of": None, "expires_at": end}
    assert (vote["via"], vote["grant"]) == ("grant", said)
    assert grant.expires_at - grant.made_at == HOUR
    assert (grant.asked_by, grant.policy, grant.offer) == (AGENT, "tools", "1h")
    (use,) = await stand.store.reader.grant_uses(grant.id)
    assert (use.use, use.request_id) == (1, card.request.id)
    kinds = await stand.kinds()
    assert kinds.count("grant_made") == kinds.count("answered_by_grant") == 1


async def test_each_use_is_an_approval_that_is_used_once(stand: Stand) -> None:
    await stand.granted("1h")
    card = await stand.ask()
    used = await stand.store.use(Use(card.request.id, "job-1", AGENT, "api"))
    assert isinstance(used, Used)
    assert isinstance(await stand.store.use(Use(card.request.id, "job-2", AGENT, "api")), Outcome)


async def test_nobody_is_sent_a_card_for_a_use(stand: Stand) -> None:
    await stand.granted("1h")
    card = await stand.ask()
    assert await stand.store.reader.deliveries(card.request.id) == []
    decided = [one.id for one in await stand.store.reader.decided(card.request.asked_at, 10)]
    assert card.request.id not in decided


@pytest.mark.parametrize(
    ("details", "more"),
    [
        ({**DETAILS, "Command": "npm test; id"}, {}),
        ({**DETAILS, "Version": "2"}, {}),
        ({**DETAILS, "more": 1}, {}),
        (None, {"by": "token:other"}),
        (None, {"requested_by": "web:bo"}),
        (None, {"note": "really"}),
        (None, {"read_all": True}),
    ],
)
async def test_whatever_differs_is_put_to_people(stand: Stand, details: Json, more: dict[str, Any]) -> None:
    await stand.granted("1h")
    assert (await stand.ask(details, **more)).request.open


async def test_a_grant_for_a_session_is_for_that_alone(stand: Stand) -> None:
    await stand.granted("session")
    assert not (await stand.ask()).request.open
    assert (await stand.ask({**DETAILS, "Session": "s2"})).request.open


async def test_a_grant_ends_on_the_clock_of_the_store(stand: Stand, clock: ManualClock) -> None:
    grant = await stand.granted("1h")
    clock.advance(HOUR - timedelta(microseconds=1))
    assert not (await stand.ask()).request.open
    clock.advance(timedelta(microseconds=1))
    assert (await stand.ask()).request.open
    assert not grant.stands(clock.now())


async def test_a_clock_that_went_back_has_people_asked(stand: Stand, clock: ManualClock) -> None:
    await stand.granted("1h")
    clock.advance(timedelta(seconds=-1))
    assert (await stand.ask()).request.open


async def test_a_number_of_uses_is_used_up(stand: Stand) -> None:
    grant = await stand.granted("2x")
    assert grant.expires_at - grant.made_at == OFFERED.longest
    assert [(await stand.ask()).request.open for _ in range(3)] == [False, False, True]
    found = await stand.store.reader.grant(grant.id)
    assert found is not None
    assert (found.used, found.is_used_up) == (2, True)


async def test_questions_at_once_share_no_last_use(stand: Stand) -> None:
    await stand.granted("2x")
    cards = await asyncio.gather(*(stand.ask() for _ in range(8)))
    assert sum(not one.request.open for one in cards) == 2


async def test_asking_again_under_the_same_key_is_no_second_use(stand: Stand) -> None:
    grant = await stand.granted("2x")
    first = await stand.ask(key="call-1")
    again = await stand.ask(key="call-1")
    assert first.request.id == again.request.id
    found = await stand.store.reader.grant(grant.id)
    assert found is not None
    assert found.used == 1


async def test_a_revoked_grant_answers_nothing_more(stand: Stand) -> None:
    grant = await stand.granted("1h")
    used = await stand.ask()
    outcome = await stand.store.revoke_grant(grant.id, "web:bo", "web")
    assert outcome.kind is OutcomeKind.NOT_ALLOWED
    assert not (await stand.ask()).request.open
    outcome = await stand.store.revoke_grant(grant.id, "web:ana", "web")
    assert outcome.kind is OutcomeKind.DONE
    assert (await stand.ask()).request.open
    again = await stand.store.revoke_grant(grant.id, "web:ana", "web")
    assert again.kind is OutcomeKind.DUPLICATE
    (kept,) = [one async for _, one in stand.store.reader.run_cards(used.request.run_id)]
    assert kept.request.answer == '"approve"'
    first = await stand.store.reader.card(grant.request_id)
    assert first is not None
    assert [one.revoked_by for one in first.grants] == ["web:ana"]
    assert (await stand.kinds()).count("grant_revoked") == 1


async def test_an_operator_revokes_what_others_granted(stand: Stand) -> None:
    grant = await stand.granted("1h")
    no_operator = Warrant(operators=("web:cho",))
    outcome = await stand.store.revoke_grant(grant.id, "web:bo", "web", no_operator, as_operator=True)
    assert outcome.kind is OutcomeKind.NOT_ALLOWED
    operator = Warrant(operators=("web:bo",))
    outcome = await stand.store.revoke_grant(grant.id, "web:bo", "web", operator, as_operator=True)
    assert outcome.kind is OutcomeKind.DONE
    assert (await stand.store.revoke_grant("0" * 32, "web:ana", "web")).kind is OutcomeKind.UNKNOWN


@pytest.mark.parametrize("person", ["web:ana", AGENT])
async def test_whoever_loses_their_access_takes_their_grants_along(stand: Stand, person: str) -> None:
    """The granter, and the program whose questions it is for: a later token of that name begins anew."""
    await stand.granted("1h")
    assert await stand.store.revoke(person, "web:bo") == 1
    assert (await stand.ask()).request.open


async def test_a_granter_who_is_not_vouched_for_has_people_asked(stand: Stand) -> None:
    grant = await stand.granted("1h")
    stand.vouches = False
    assert (await stand.ask()).request.open
    assert [(one.id, one.account, one.via) for one in stand.looked_up] == [(grant.id, "web:ana", "web")]
    stand.vouches = True
    assert not (await stand.ask()).request.open
    stand.vouches = False
    assert (await stand.ask()).request.open


async def test_nobody_is_looked_up_for_what_no_grant_covers(stand: Stand) -> None:
    await stand.granted("1h")
    await stand.ask({**DETAILS, "Command": "npm run x"})
    assert stand.looked_up == []


async def test_that_somebody_vouched_counts_for_a_minute(stand: Stand, clock: ManualClock) -> None:
    grant = await stand.granted("1h")
    await stand.store.vouch(grant.id, approves=True)
    clock.advance(timedelta(seconds=60))
    assert not (await stand.ask(is_looked_up=False)).request.open
    clock.advance(timedelta(microseconds=1))
    assert (await stand.ask(is_looked_up=False)).request.open


@pytest.mark.parametrize(
    ("offer", "more", "why"),
    [
        ("2h", {}, "This can't be granted"),
        ("", {}, "This can't be granted"),
        ("1h", {"value": "reject"}, "This can't be granted"),
        ("1h", {"person": "token:ops"}, "Only people grant"),
        ("1h", {"person": "web:bo"}, "You aren't an approver"),
    ],
)
async def test_what_cannot_be_granted_counts_for_nothing(
    stand: Stand, offer: str, more: dict[str, Any], why: str
) -> None:
    card = await stand.ask()
    outcome = await stand.grant(card, offer, **more)
    assert why in outcome.reason
    now = await stand.store.reader.card(card.request.id)
    assert now is not None
    assert now.request.open
    assert await stand.store.reader.grants() == []


async def test_the_key_of_an_answer_is_known_for_what_it_granted(stand: Stand) -> None:
    card = await stand.ask()
    assert (await stand.grant(card, "1h", event_key="press")).kind is OutcomeKind.RESOLVED
    assert (await stand.grant(card, "1h", event_key="press")).repeated
    assert (await stand.grant(card, None, event_key="press")).kind is OutcomeKind.INVALID
    assert len(await stand.store.reader.grants()) == 1


async def test_a_group_that_counted_for_the_grant_counts_for_its_uses(
    stand: Stand, clock: ManualClock
) -> None:
    card = await stand.ask()
    fact = Fact("group:sre", value=True, as_of=clock.now())
    assert (await stand.grant(card, "1h", "slack:T1:U1", via="slack", facts=(fact,))).accepted
    assert not (await stand.ask()).request.open


async def test_who_is_asked_only_later_grants_nothing(store: Store, clock: ManualClock) -> None:
    """Else the grant would be of somebody whom the next question does not ask."""
    policy = replace(POLICY, escalate_after=HOUR, escalate_to=("web:bo",))
    async with Runtime(store, [ask_workflow], policies={"tools": policy}) as runtime:
        stand = Stand(runtime, store)
        card = await stand.ask()
        clock.advance(HOUR)
        refused = await stand.grant(card, "1h", "web:bo")
        assert refused.reason.startswith("Only its own approvers grant this")
        assert (await stand.grant(card, None, "web:bo")).accepted


async def test_a_rule_goes_before_a_grant(store: Store) -> None:
    grant = await _granted_under(store, POLICY)
    ruled = replace(POLICY, rules=(Rule("details.Version == 'v1'", "reject", "bo"),))
    async with Runtime(store, [ask_workflow], policies={"tools": ruled}) as runtime:
        card = await Stand(runtime, store).ask()
        assert card.request.resolved_by == "rule:tools/1"
    assert (await store.reader.grant_uses(grant.id)) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"stages": (Stage(["web:ana", "token:ops", "group:sre", "web:bo"]),)},
        {"grants": replace(OFFERED, times=3)},
        {"grants": None},
        {"rules": (Rule("details.nothing == 1", "reject", "bo"),)},
    ],
)
async def test_a_changed_policy_has_people_asked(store: Store, changed: dict[str, Any]) -> None:
    await _granted_under(store, POLICY)
    async with Runtime(store, [ask_workflow], policies={"tools": replace(POLICY, **changed)}) as runtime:
        assert (await Stand(runtime, store).ask()).request.open


async def test_the_same_policy_uses_its_grants_after_a_restart(store: Store) -> None:
    await _granted_under(store, POLICY)
    async with Runtime(store, [ask_workflow], policies={"tools": POLICY}) as runtime:
        assert not (await Stand(runtime, store).ask()).request.open


async def _granted_under(store: Store, policy: Policy) -> GrantRecord:
    async with Runtime(store, [ask_workflow], policies={"tools": policy}) as runtime:
        return await Stand(runtime, store).granted("1h")


async def test_a_workflow_of_ones_own_offers_no_grants(store: Store) -> None:
    """What it goes on with is its own to say, and no program uses its approvals by a key."""

    @node
    async def ask(shared: dict[str, Any]) -> None:
        await request_approval("Run “npm test”?", DETAILS, policy="tools")

    async with Runtime(store, [Workflow("flow", ask)], policies={"tools": POLICY}) as runtime:
        await runtime.wait(await runtime.start("flow", requested_by=AGENT))
        (request,) = await runtime.pending()
        assert offered(request.policy, request.question) == ()


async def test_who_has_no_access_that_could_be_revoked_is_granted_nothing(stand: Stand) -> None:
    """A deployment that GitHub holds is decided each time: nobody would look up its granter, so no card offers it."""
    card = await stand.ask(by="api:github")
    assert offered(card.request.policy, card.request.question) == ()
    assert (await stand.grant(card, "1h")).kind is OutcomeKind.INVALID


async def test_a_grant_goes_with_the_run_that_it_was_made_on(stand: Stand, clock: ManualClock) -> None:
    await stand.granted("1h")
    await stand.ask()
    clock.advance(timedelta(minutes=30))
    assert await stand.store.prune(clock.now(), "local:ops", "console") == 2
    assert await stand.store.reader.grants() == []
    assert (await stand.ask()).request.open


async def test_a_database_from_before_opens_and_grants(database: Path, clock: ManualClock) -> None:
    """What was asked then is answered now; it offers nothing, for its policy said nothing of that."""
    plain = replace(POLICY, grants=None)
    async with (
        SQLiteStore(database, clock=clock) as store,
        Runtime(store, [ask_workflow], policies={"tools": plain}) as runtime,
    ):
        stand = Stand(runtime, store)
        decided, old = await stand.ask(), await stand.ask()
        assert (await stand.grant(decided, None, event_key="press")).accepted
    rewrite_as_before(database, "CREATE TABLE grants")
    async with (
        SQLiteStore(database, clock=clock) as store,
        Runtime(store, [ask_workflow], policies={"tools": POLICY}) as runtime,
    ):
        stand = Stand(runtime, store)
        assert (await stand.grant(decided, None, event_key="press")).repeated
        assert (await stand.grant(old, "1h")).kind is OutcomeKind.INVALID
        assert (await stand.grant(old, None)).kind is OutcomeKind.RESOLVED
        await stand.granted("1h")
        assert not (await stand.ask()).request.open
        assert (await verify_audit(store.reader)).problems == ()
