"""Accounts that are linked to one person by a code, and taken apart again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sayso.engine import (
    Directory,
    Linking,
    LinkStep,
    OutcomeKind,
    Person,
    Policy,
    Runtime,
    Stage,
    Store,
    Workflow,
)
from tests.engine.support import ManualClock, kinds
from tests.engine.team import ANA_SLACK, ANA_TELEGRAM, DIRECTORY, asking, begin, hashed, link

pytestmark = pytest.mark.usefixtures("resident")


async def test_linked_accounts_are_one_person_until_they_are_unlinked(store: Store) -> None:
    policy = Policy(stages=[Stage(["chat:1"], need=2)])
    async with Runtime(store, [Workflow("ask", asking(policy))]) as runtime:
        ask = await begin(runtime)
        assert await link(store, "slack:T1:U5", "telegram:5") == LinkStep.LINKED
        assert (await ask("slack:T1:U5")).kind is OutcomeKind.COUNTED
        assert (await ask("telegram:5")).kind is OutcomeKind.DUPLICATE
        assert "You have voted on an open request" in await store.unlink("telegram:5")
        changed = await ask("telegram:5", "reject")
        assert changed.kind is OutcomeKind.RESOLVED, "one rejection rejects"
        assert (await store.unlink("telegram:5")).startswith("Unlinked: ")
        assert await store.reader.ids_of("slack:T1:U5") == ("slack:T1:U5",)
    assert await kinds(store, "account_linked", "account_unlinked") == ["account_linked"] * 2 + [
        "account_unlinked"
    ]


@pytest.mark.parametrize("author", [None, "telegram:5"])
async def test_whoever_asked_does_not_get_round_four_eyes_by_unlinking(
    store: Store, author: str | None
) -> None:
    policy = Policy(stages=[Stage(["chat:1"])], exclude_requester=author is None, author=author)
    asked_by = "slack:T1:U5" if author is None else "slack:T1:U6"
    flow = Workflow("ask", asking(policy, requested_by=asked_by))
    async with Runtime(store, [flow]) as runtime:
        await link(store, "slack:T1:U5", "telegram:5")
        ask = await begin(runtime)
        assert "so someone else must approve it" in (await ask("slack:T1:U5")).reason
        for account in ("telegram:5", "slack:T1:U5"):
            assert (await store.unlink(account)).startswith("An open request of yours"), account
            assert (await ask(account)).kind is OutcomeKind.NOT_ALLOWED
        assert (await ask("slack:T1:U7")).kind is OutcomeKind.RESOLVED
        assert (await store.unlink("telegram:5")).startswith("Unlinked: ")


async def test_two_accounts_of_one_person_are_not_all_of_two(store: Store) -> None:
    """Also where they are linked only once the question is open."""
    policy = Policy(stages=[Stage(["slack:T1:U5", "telegram:5"], need="all")])
    async with Runtime(store, [Workflow("ask", asking(policy))]) as runtime:
        ask = await begin(runtime)
        await link(store, "slack:T1:U5", "telegram:5")
        assert (await ask("slack:T1:U5")).kind is OutcomeKind.COUNTED


async def test_votes_of_accounts_that_are_linked_later_are_one_vote(store: Store) -> None:
    policy = Policy(stages=[Stage(["chat:1"], need=3)])
    async with Runtime(store, [Workflow("ask", asking(policy))]) as runtime:
        ask = await begin(runtime)
        assert (await ask("slack:T1:U5")).kind is OutcomeKind.COUNTED
        assert (await ask("telegram:5")).kind is OutcomeKind.COUNTED
        await link(store, "slack:T1:U5", "telegram:5")
        third = await ask("slack:T1:U6")
        assert (third.kind, third.reason) == (OutcomeKind.COUNTED, "Your approval was counted: 2 of 3.")


async def test_an_account_that_is_taken_off_the_list_brings_no_earlier_vote_back(
    store: Store,
) -> None:
    """Ana changed her vote by another account; then an operator takes that account from her."""
    flow = Workflow("ask", asking(Policy(stages=[Stage(["chat:1"], need=3, reject_at=3)])))
    async with Runtime(store, [flow], directory=DIRECTORY) as runtime:
        ask = await begin(runtime)
        assert (await ask(ANA_SLACK)).kind is OutcomeKind.COUNTED
        assert (await ask(ANA_TELEGRAM, "reject")).reason == "Changed to Reject."
    async with Runtime(store, [flow], directory=Directory({"ana": Person((ANA_SLACK,))})) as runtime:
        other = await runtime.answer(ask.id, 1, "approve", person="web:bo", via="chat:1")
        assert other.reason == "Your approval was counted: 1 of 3."


async def test_a_code_links_once_and_in_time(store: Store, clock: ManualClock) -> None:
    await store.begin_link("slack:T1:U5", hashed("b"), store.clock.now() + timedelta(minutes=10))
    assert (await store.link("slack:T1:U5", hashed("b"), is_sure=True)).said.startswith(
        "This code was made here"
    )
    assert (await store.link("telegram:5", hashed("b"), is_sure=True)).step is LinkStep.SHOWN
    clock.advance(timedelta(minutes=10))
    assert "older than ten minutes" in (await store.link("telegram:5", hashed("b"), is_sure=True)).said
    assert await store.reader.accounts() == []
    assert await link(store, "slack:T1:U5", "telegram:5") == LinkStep.LINKED
    assert "not known" in await link_again(store, "telegram:5"), "used up"
    assert "not known" in await link_again(store, "slack:T1:U5"), "used up"


async def link_again(store: Store, account: str) -> str:
    return (await store.link(account, hashed("code"), is_sure=True)).said


async def test_a_code_belongs_to_the_first_account_that_sends_it(store: Store) -> None:
    """Whoever reads it somewhere gets nothing by it: not the maker's person, nor a word about whose it is."""
    await store.begin_link("slack:T1:U5", hashed("a"), store.clock.now() + timedelta(minutes=10))

    async def send(account: str, *, is_sure: bool = False) -> Linking:
        return await store.link(account, hashed("a"), is_sure=is_sure)

    assert await send("telegram:5", is_sure=True) == Linking(LinkStep.SHOWN, "slack:T1:U5"), (
        "nothing seen yet"
    )
    assert await send("slack:T1:U5", is_sure=True) == Linking(LinkStep.SENT, "telegram:5"), "they said no yes"
    for is_sure in (False, True):
        stranger = await send("telegram:6", is_sure=is_sure)
        assert (stranger.step, stranger.other) == (LinkStep.REFUSED, "")
        assert "not known, was used by another account" in stranger.said
    assert await send("telegram:5", is_sure=True) == Linking(LinkStep.WAITS, "slack:T1:U5")
    assert await send("slack:T1:U5") == Linking(LinkStep.AGREED, "telegram:5")
    assert await store.reader.accounts() == [], "nothing is linked before the maker says yes"
    assert await send("slack:T1:U5", is_sure=True) == Linking(LinkStep.LINKED, "telegram:5")
    assert {one.account for one in await store.reader.accounts()} == {"slack:T1:U5", "telegram:5"}
    rows = [row async for row in store.reader.audit() if "link" in row.kind]
    assert [(row.kind, row.person) for row in rows] == [
        ("link_presented", "telegram:5"), ("link_agreed", "telegram:5"),
        ("account_linked", "slack:T1:U5"), ("account_linked", "slack:T1:U5"),
    ]  # fmt: skip


async def test_a_new_code_of_the_same_account_is_nobodys_yet(store: Store) -> None:
    """The yes that was said to the one before is none to this one."""
    until = store.clock.now() + timedelta(minutes=10)
    await store.begin_link("slack:T1:U5", hashed("a"), until)
    for is_sure in (False, True):
        await store.link("telegram:6", hashed("a"), is_sure=is_sure)
    await store.begin_link("slack:T1:U5", hashed("b"), until)
    assert (await store.link("slack:T1:U5", hashed("b"), is_sure=True)).said.startswith(
        "This code was made here"
    )
    await store.void_link(hashed("b"))
    assert "not known" in (await store.link("telegram:5", hashed("b"), is_sure=False)).said


async def test_people_of_the_directory_link_only_where_they_may(store: Store) -> None:
    """Whatever the code was made under, what counts is what is allowed at the end."""
    flow = Workflow("ask", asking(Policy(stages=[Stage(["chat:1"])])))
    until = store.clock.now() + timedelta(minutes=10)
    async with Runtime(store, [flow], directory=DIRECTORY):
        refused = await store.begin_link(ANA_SLACK, hashed("a"), until)
        assert (
            refused
            == f"An operator listed {ANA_SLACK} in sayso.toml. Ask them to add your other account there."
        )
        await store.begin_link("telegram:5", hashed("b"), until)
        assert (await store.link(ANA_SLACK, hashed("b"), is_sure=False)).said == refused
        await store.begin_link(ANA_SLACK, hashed("c"), until, listed_may_link=True)
        for is_sure in (False, True):
            await store.link("telegram:5", hashed("c"), is_sure=is_sure, listed_may_link=True)
        assert (await store.link(ANA_SLACK, hashed("c"), is_sure=True)).said == refused
        assert await store.reader.ids_of("telegram:5") == ("telegram:5",)


async def test_two_people_of_the_directory_are_never_linked_into_one(store: Store) -> None:
    async with Runtime(
        store, [Workflow("ask", asking(Policy(stages=[Stage(["chat:1"])])))], directory=DIRECTORY
    ):
        assert "belong to two people" in await link(store, ANA_SLACK, "web:bo")
        assert await link(store, ANA_SLACK, "web:ana") == LinkStep.LINKED
        assert await store.reader.ids_of("web:ana") == ("person:ana", ANA_SLACK, ANA_TELEGRAM, "web:ana")
        assert "only they can change that" in await store.unlink(ANA_SLACK)
