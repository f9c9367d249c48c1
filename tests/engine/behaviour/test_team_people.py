"""Who decides: one person with however many accounts, others in their place, and somebody alone in an emergency."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sayso.engine import (
    Decision,
    Directory,
    Fact,
    InvalidRequest,
    NoticeKind,
    Outcome,
    OutcomeKind,
    Person,
    Policy,
    Runtime,
    Stage,
    Store,
    Workflow,
    node,
    request_approval,
    request_input,
)
from tests.engine.support import told
from tests.engine.team import ANA_SLACK, ANA_TELEGRAM, DIRECTORY, asking, begin, link

pytestmark = pytest.mark.usefixtures("resident")


async def test_a_person_is_one_vote_also_in_the_same_instant(store: Store) -> None:
    policy = Policy(stages=[Stage(["person:ana", "person:bo"], need=2)])
    async with Runtime(store, [Workflow("ask", asking(policy))], directory=DIRECTORY) as runtime:
        ask = await begin(runtime)
        both = await asyncio.gather(ask(ANA_SLACK), ask(ANA_TELEGRAM))
        assert sorted(one.kind for one in both) == [OutcomeKind.COUNTED, OutcomeKind.DUPLICATE]
        card = await store.reader.card(ask.id)
        assert card is not None
        assert [vote.person for vote in card.votes] == ["person:ana"]
        assert card.votes[0].account in {ANA_SLACK, ANA_TELEGRAM}
        assert card.names["person:ana"] == "Ana"
        assert (await ask(ANA_TELEGRAM, "approve")).kind is OutcomeKind.DUPLICATE
        assert (await ask("web:bo")).kind is OutcomeKind.RESOLVED
        state = await runtime.wait(ask.run_id)
    assert state.shared == {"approved": True, "by": ["person:ana", "person:bo"]}


async def test_the_requester_is_excluded_on_every_platform(store: Store) -> None:
    policy = Policy(stages=[Stage(["person:ana", "person:bo"])], exclude_requester=True)
    flow = Workflow("ask", asking(policy, requested_by=ANA_SLACK))
    async with Runtime(store, [flow], directory=DIRECTORY) as runtime:
        ask = await begin(runtime)
        refused = await ask(ANA_TELEGRAM)
        assert (refused.kind, refused.reason) == (
            OutcomeKind.NOT_ALLOWED, "You requested this, so someone else must approve it.",
        )  # fmt: skip
        assert (await ask("slack:T1:U2")).kind is OutcomeKind.RESOLVED


async def test_two_accounts_of_one_person_are_not_two_approvers(store: Store) -> None:
    policy = Policy(stages=[Stage([ANA_SLACK, ANA_TELEGRAM], need=2)])
    async with Runtime(store, [Workflow("ask", asking(policy))], directory=DIRECTORY) as runtime:
        state = await runtime.wait(await runtime.start("ask"))
    assert state.error is not None
    assert "they are too few" in state.error


async def test_cards_go_to_the_chats_of_people_and_groups(store: Store) -> None:
    policy = Policy(stages=[Stage(["group:sre", "group:ops", "person:cho", "group:unknown"])])
    async with Runtime(store, [Workflow("ask", asking(policy))], directory=DIRECTORY) as runtime:
        ask = await begin(runtime)
    places = {delivery.destination for delivery in await store.reader.deliveries(ask.id)}
    assert places == {ANA_SLACK, ANA_TELEGRAM, "slack:T1:U2", "slack:#ops", "telegram:9"}


async def test_who_belongs_to_a_group_is_what_was_looked_up_at_the_vote(store: Store) -> None:
    policy = Policy(stages=[Stage(["group:sre"], need=2)])
    async with Runtime(store, [Workflow("ask", asking(policy))]) as runtime:
        ask = await begin(runtime)
        now = store.clock.now()
        is_in, is_out = (Fact("group:sre", value, now) for value in (True, False))
        assert (await ask(ANA_SLACK, facts=[is_out])).kind is OutcomeKind.NOT_ALLOWED, "who has left"
        assert (await ask(ANA_SLACK)).kind is OutcomeKind.NOT_ALLOWED, "nobody could be asked"
        assert (
            await ask(ANA_SLACK, facts=[Fact("group:dev", value=True, as_of=now)])
        ).kind is OutcomeKind.NOT_ALLOWED
        assert (await ask(ANA_SLACK, facts=[is_in])).kind is OutcomeKind.COUNTED
        assert (await ask("slack:T1:U2", facts=[is_in])).kind is OutcomeKind.RESOLVED


async def test_an_approver_hands_over_to_somebody_else(store: Store) -> None:
    policy = Policy(stages=[Stage(["person:ana", "person:bo"], need="all")])
    async with Runtime(store, [Workflow("ask", asking(policy))], directory=DIRECTORY) as runtime:
        ask = await begin(runtime)
        assert (await ask(ANA_SLACK)).kind is OutcomeKind.COUNTED

        async def hand(person: str, to: str) -> Outcome:
            return await runtime.reassign(ask.id, 1, person=person, via="chat:1", to=to)

        assert (await hand("telegram:9", "web:eve")).kind is OutcomeKind.NOT_ALLOWED
        assert (await hand(ANA_TELEGRAM, "person:bo")).reason == "person:bo is already an approver."
        assert (await hand(ANA_TELEGRAM, "slack:#sre")).kind is OutcomeKind.NOT_ALLOWED
        assert (await hand(ANA_TELEGRAM, ANA_SLACK)).kind is OutcomeKind.INVALID
        with pytest.raises(InvalidRequest, match="'person:boo' is not a person that sayso knows"):
            await hand(ANA_TELEGRAM, "person:boo")
        assert (await hand(ANA_TELEGRAM, "person:cho")).kind is OutcomeKind.DONE
        assert (await ask(ANA_SLACK)).reason == "You handed this over to someone else."
        assert (await hand("telegram:9", ANA_SLACK)).reason == f"{ANA_SLACK} already handed this over."
        assert "telegram:9" in {one.destination for one in await store.reader.deliveries(ask.id)}
        assert NoticeKind.REASSIGNED in await told(store, "slack:T1:U2")
        assert (await ask("slack:T1:U2")).kind is OutcomeKind.COUNTED, "Ana's own vote counts no more"
        assert (await ask("telegram:9")).kind is OutcomeKind.RESOLVED
        state = await runtime.wait(ask.run_id)
    assert state.shared["by"] == ["person:bo", "person:cho"]


async def test_nobody_hands_over_to_whoever_asked(store: Store) -> None:
    policy = Policy(stages=[Stage(["web:ana", "web:bo"])], exclude_requester=True)
    async with Runtime(store, [Workflow("ask", asking(policy, requested_by="web:eve"))]) as runtime:
        ask = await begin(runtime)
        outcome = await runtime.reassign(ask.id, 1, person="web:ana", via="web", to="web:eve")
        assert outcome.kind is OutcomeKind.NOT_ALLOWED
        assert "requested or made this" in outcome.reason
        with pytest.raises(InvalidRequest, match="names nobody"):
            await runtime.reassign(ask.id, 1, person="web:ana", via="web", to="nobody")


@pytest.mark.parametrize("who", ["slack:T1:U5", "telegram:5", "web:dee"])
async def test_whoever_asked_or_made_it_appoints_nobody(store: Store, who: str) -> None:
    """They are asked, and may say no; whom they would choose for their yes is as good as themselves."""
    policy = Policy(
        stages=[Stage(["chat:1"])], exclude_requester=True, author="person:dee", break_glass=["web:dee"]
    )
    directory = Directory({"dee": Person(("web:dee",))})
    flow = Workflow("ask", asking(policy, requested_by="slack:T1:U5"))
    async with Runtime(store, [flow], directory=directory) as runtime:
        await link(store, "slack:T1:U5", "telegram:5")
        ask = await begin(runtime)
        outcome = await runtime.reassign(ask.id, 1, person=who, via="chat:1", to="web:eve")
        did = "made" if who == "web:dee" else "requested"
        assert (outcome.kind, outcome.reason) == (
            OutcomeKind.NOT_ALLOWED, f"You {did} this, so you can't choose who approves it.",
        )  # fmt: skip
        assert (await ask("web:eve", via="web")).kind is OutcomeKind.NOT_ALLOWED
        assert (await ask(who, "reject")).kind is OutcomeKind.RESOLVED


async def test_a_vote_is_handed_over_to_those_alone_whom_the_policy_names(store: Store) -> None:
    policy = Policy(stages=[Stage(["chat:1"])], hand_over_to=["person:cho", "group:sre"])
    async with Runtime(store, [Workflow("ask", asking(policy))], directory=DIRECTORY) as runtime:
        ask = await begin(runtime)
        is_in = [Fact("group:sre", value=True, as_of=store.clock.now())]

        async def hand(person: str, to: str, **found: Any) -> Outcome:
            return await runtime.reassign(ask.id, 1, person=person, via="chat:1", to=to, **found)

        refused = await hand("web:a", "web:eve")
        assert (refused.kind, refused.reason) == (
            OutcomeKind.NOT_ALLOWED,
            "This can be handed over to person:cho, group:sre only, not to web:eve.",
        )
        other = await hand("web:a", "web:eve", to_ids=["web:bo"], to_facts=is_in)
        assert other.kind is OutcomeKind.NOT_ALLOWED, "found of somebody else"
        assert (await hand("web:a", "telegram:9")).kind is OutcomeKind.DONE, "an account of Cho's"
        found = {"to_ids": ["web:eve"], "to_facts": is_in}
        assert (await hand("web:b", "web:eve", **found)).kind is OutcomeKind.DONE


async def test_whom_it_is_shown_to_besides_is_no_approver_yet(store: Store) -> None:
    policy = Policy(stages=[Stage(["web:ana", "web:bo"])])
    async with Runtime(store, [Workflow("ask", asking(policy, to=["web:eve"]))]) as runtime:
        ask = await begin(runtime)
        refused = await ask("web:eve", via="web")
        assert refused.reason == "You aren't an approver for this. Approvers: web:ana, web:bo."
        handed = await runtime.reassign(ask.id, 1, person="web:ana", via="web", to="web:eve")
        assert handed.kind is OutcomeKind.DONE
        assert (await ask("web:eve", via="web")).kind is OutcomeKind.RESOLVED


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("web:bo", "web:bo is already an approver."),
        ("slack:T1:U2", "slack:T1:U2 is already an approver."),
        ("telegram:5", "telegram:5 requested or made this, so they may not approve it."),
        ("person:dee", "person:dee requested or made this, so they may not approve it."),
    ],
)
async def test_nobody_hands_over_to_another_account_of_those(store: Store, to: str, why: str) -> None:
    """The requester's second account is linked by a code, the author's and the other approver's are listed."""
    policy = Policy(
        stages=[Stage(["person:ana", "person:bo"], need="all")], exclude_requester=True, author="web:dee"
    )
    directory = Directory({**DIRECTORY.people, "dee": Person(("web:dee",))})
    flow = Workflow("ask", asking(policy, requested_by="slack:T1:U5"))
    async with Runtime(store, [flow], directory=directory) as runtime:
        await link(store, "slack:T1:U5", "telegram:5")
        ask = await begin(runtime)
        outcome = await runtime.reassign(ask.id, 1, person=ANA_SLACK, via="chat:1", to=to)
        assert (outcome.kind, outcome.reason) == (OutcomeKind.NOT_ALLOWED, why)
        assert (await ask(ANA_SLACK)).kind is OutcomeKind.COUNTED


async def test_whoever_asked_withdraws_and_nobody_else(store: Store) -> None:
    policy = Policy(stages=[Stage(["web:bo"])])
    async with Runtime(
        store, [Workflow("ask", asking(policy, requested_by=ANA_SLACK))], directory=DIRECTORY
    ) as runtime:
        ask = await begin(runtime)
        assert (await runtime.withdraw(ask.id, person="web:bo", via="web")).kind is OutcomeKind.NOT_ALLOWED
        assert (await runtime.withdraw(ask.id, person=ANA_TELEGRAM, via="telegram")).kind is OutcomeKind.DONE
        assert (await ask("web:bo")).kind is OutcomeKind.WITHDRAWN
        assert (await runtime.withdraw(ask.id, person=ANA_SLACK, via="slack")).kind is OutcomeKind.WITHDRAWN
        assert (await runtime.withdraw("no such", person=ANA_SLACK, via="slack")).kind is OutcomeKind.UNKNOWN
        assert (await runtime.wait(ask.run_id)).shared == {"approved": False, "by": []}
    card = await store.reader.card(ask.id)
    assert card is not None
    assert card.request.resolved_by == "person:ana"


async def test_a_plain_question_that_was_withdrawn_raises(store: Store) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["name"] = await request_input("Name?", request_id="name", requested_by="web:ana")

    async with Runtime(store, [Workflow("ask", ask)]) as runtime:
        asked = await begin(runtime)
        await runtime.withdraw(asked.id, person="web:ana", via="web")
        state = await runtime.wait(asked.run_id)
    assert state.error == "RequestWithdrawn: request 'name' was withdrawn by web:ana"


@pytest.mark.parametrize("requested_by", ["person:ana", "web:ana", ANA_SLACK])
async def test_whoever_asked_hears_the_result_in_their_own_chats(store: Store, requested_by: str) -> None:
    """Of one who asked from a chat, in that; else in all that the directory has."""
    directory = Directory({"ana": Person((ANA_SLACK, ANA_TELEGRAM, "web:ana"))})
    flow = Workflow("ask", asking(Policy(stages=[Stage(["web:bo"])]), requested_by))
    async with Runtime(store, [flow], directory=directory) as runtime:
        ask = await begin(runtime)
        assert (await ask("web:bo")).kind is OutcomeKind.RESOLVED
        told_in = {one for one in (ANA_SLACK, ANA_TELEGRAM) if await told(store, one) == [NoticeKind.RESULT]}
    assert told_in == ({ANA_SLACK} if requested_by == ANA_SLACK else {ANA_SLACK, ANA_TELEGRAM})


async def test_break_glass_approves_alone_and_everybody_hears_of_it(store: Store) -> None:
    policy = Policy(
        stages=[Stage(["person:ana", "person:bo"], need="all")],
        break_glass=["person:cho"],
        exclude_requester=True,
    )
    flow = Workflow("ask", asking(policy, requested_by="telegram:9", to=["slack:#sre"]))
    async with Runtime(store, [flow], directory=DIRECTORY) as runtime:
        ask = await begin(runtime)
        assert "in an emergency only (break-glass)" in (await ask("telegram:9")).reason
        assert (await ask(ANA_SLACK, break_glass=True, comment="because")).kind is OutcomeKind.NOT_ALLOWED
        for reason in (None, "  "):
            assert (await ask("telegram:9", break_glass=True, comment=reason)).kind is OutcomeKind.INVALID
        assert (await ask("telegram:9", "reject", break_glass=True, comment="x")).kind is OutcomeKind.INVALID
        assert (await ask("telegram:9", break_glass=True, comment="site down")).kind is OutcomeKind.RESOLVED
        assert (await runtime.wait(ask.run_id)).shared == {"approved": True, "by": ["person:cho"]}
        for place in (ANA_SLACK, ANA_TELEGRAM, "slack:T1:U2", "slack:#sre"):
            assert NoticeKind.BREAK_GLASS in await told(store, place)
    rows = [row async for row in store.reader.audit() if row.kind == "break_glass"]
    assert [(row.person, row.payload) for row in rows] == [("person:cho", {"reason": "site down"})]


async def test_a_vote_and_a_break_glass_are_two_answers_also_under_one_key(store: Store) -> None:
    """Whoever is told 'counted, seen before' about an approval in an emergency believes that it happened."""
    policy = Policy(stages=[Stage(["web:ana", "web:cho"], need=2)], break_glass=["web:cho"])
    async with Runtime(store, [Workflow("ask", asking(policy))]) as runtime:
        ask = await begin(runtime)
        vote: dict[str, Any] = {"event_key": "k", "comment": "site down"}
        assert (await ask("web:cho", **vote)).kind is OutcomeKind.COUNTED
        other = await ask("web:cho", **vote, break_glass=True)
        assert (other.kind, other.repeated) == (OutcomeKind.INVALID, False)
        assert "key of another answer" in other.reason
        vote["event_key"] = "l"
        for repeated in (False, True):
            alone = await ask("web:cho", **vote, break_glass=True)
            assert (alone.kind, alone.repeated) == (OutcomeKind.RESOLVED, repeated)
        assert (await ask("web:cho", **vote)).kind is OutcomeKind.INVALID
        assert (await runtime.wait(ask.run_id)).shared == {"approved": True, "by": ["web:cho"]}


async def test_fallback_approvers_are_asked_where_four_eyes_leaves_too_few(store: Store) -> None:
    policy = Policy(stages=[Stage(["web:ana"], fallback=["web:lead"])], exclude_requester=True)
    flows = [
        Workflow(name, asking(policy, requested_by=who))
        for name, who in (("hers", "web:ana"), ("his", "web:bo"))
    ]
    async with Runtime(store, flows) as runtime:
        ask = await begin(runtime, "hers")
        assert (await ask("web:lead")).kind is OutcomeKind.RESOLVED
        ask = await begin(runtime, "his")
        assert (await ask("web:lead")).kind is OutcomeKind.NOT_ALLOWED
        assert (await ask("web:ana")).kind is OutcomeKind.RESOLVED


async def test_the_trail_says_who_decided_from_which_account_by_which_policy(store: Store) -> None:
    policy = Policy(stages=[Stage(["person:ana", "person:bo"], need=2)])
    flow = Workflow("ask", asking("team"))  # type: ignore[arg-type]
    async with Runtime(store, [flow], directory=DIRECTORY, policies={"team": policy}) as runtime:
        ask = await begin(runtime)
        await ask(ANA_TELEGRAM)
        await ask("web:bo")
    rows = [row async for row in store.reader.audit() if row.kind == "answer_accepted"]
    payloads: list[Any] = [row.payload for row in rows]
    assert [(row.person, payload["whose"]) for row, payload in zip(rows, payloads, strict=True)] == [
        (ANA_TELEGRAM, "person:ana"), ("web:bo", "person:bo"),
    ]  # fmt: skip
    assert "decided" not in payloads[0]
    decided = payloads[1]["decided"]
    assert (decided["value"], decided["policy"]) == ("approve", "team")
    assert decided["why"] == "2 of 2 approved: person:ana, person:bo"
    assert len(decided["version"]) == 12


def using(*, reusable: bool = False, fail_once: list[int] | None = None) -> Workflow:
    """Asks in one visit, uses the approval in the next, which comes twice."""

    @node
    async def ask(shared: dict[str, Any]) -> None:
        policy = Policy(stages=[Stage(["web:ana"])], reusable=reusable)
        decision = await request_approval("Drop it?", {"table": "t"}, request_id="drop", policy=policy)
        shared["decision"] = decision.as_dict()
        shared["done"] = 0

    @node
    async def drop(shared: dict[str, Any]) -> None:
        Decision.from_dict(shared["decision"]).verify("Drop it?", {"table": "t"})
        if fail_once:
            fail_once.pop()
            raise OSError("no network")
        shared["done"] += 1

    ask > drop
    drop - "shared['done'] < 2" > drop
    return Workflow("use", ask)


@pytest.mark.parametrize("reusable", [False, True])
async def test_an_approval_is_used_by_one_visit(store: Store, reusable: bool) -> None:
    async with Runtime(store, [using(reusable=reusable)]) as runtime:
        ask = await begin(runtime, "use")
        await ask("web:ana", via="web")
        state = await runtime.wait(ask.run_id)
        if reusable:
            assert state.shared["done"] == 2
            return
        assert state.error is not None
        assert "'Drop it?' may not go ahead: it was used already, by visit 2 of this run" in state.error
        await runtime.retry(ask.run_id, person="local:op")
        again = await runtime.wait(ask.run_id)
        assert "used already, by visit 2" in str(again.error), "also after it was loaded anew"


async def test_a_retry_of_the_visit_may_use_it_again(store: Store) -> None:
    async with Runtime(store, [using(fail_once=[1])]) as runtime:
        ask = await begin(runtime, "use")
        await ask("web:ana", via="web")
        assert str((await runtime.wait(ask.run_id)).error) == "OSError: no network"
        await runtime.retry(ask.run_id, person="local:op")
        state = await runtime.wait(ask.run_id)
        assert state.shared["done"] == 1, "the retried visit went through, the next one was refused"
        assert "used already, by visit 2" in str(state.error)


async def test_an_approval_of_another_run_is_none(store: Store) -> None:
    async with Runtime(store, [using()]) as runtime:
        ask = await begin(runtime, "use")
        await ask("web:ana", via="web")
        given = (await runtime.wait(ask.run_id)).shared["decision"]

        @node
        async def drop(shared: dict[str, Any]) -> None:
            Decision.from_dict(shared["decision"]).verify("Drop it?", {"table": "t"})

        async with Runtime(store, [Workflow("thief", drop)]) as other:
            state = await other.wait(await other.start("thief", {"decision": given}))
    assert "it was given to another run" in str(state.error)
