"""One account that its platform writes in several forms is one person, whatever was recorded under which."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import (
    Directory,
    LinkStep,
    Node,
    OutcomeKind,
    Person,
    Policy,
    Runtime,
    SQLiteStore,
    Stage,
    Store,
    Workflow,
    node,
    request_approval,
)
from sayso.engine.store._queries import load_migrations
from tests.engine.older_file import rewrite_as_before

OLD, NEW, OTHER = "slack:T1:U1", "slack:E1:U1", "slack:T2:U1"
OF_ANOTHER_ORGANISATION = "slack:T9:U1"
PLACE = "chat:1"
MARKER = "CREATE TABLE account_forms"


def asking(need: int, *, requested_by: str | None = None) -> Node:
    policy = Policy(stages=[Stage([PLACE], need=need)], exclude_requester=requested_by is not None)

    @node
    async def ask(shared: dict[str, Any]) -> None:
        decision = await request_approval(
            "Release?", request_id="release", policy=policy, requested_by=requested_by
        )
        shared["by"] = [vote["person"] for vote in decision.votes]

    return ask


class Asked:
    """One open request; `vote` has somebody of the chat approve it."""

    def __init__(self, runtime: Runtime, request_id: str) -> None:
        self.runtime, self.id = runtime, request_id

    async def vote(self, person: str, value: str = "approve") -> OutcomeKind:
        return (await self.runtime.answer(self.id, 1, value, person=person, via=PLACE)).kind


async def begin(runtime: Runtime) -> Asked:
    run_id = await runtime.start("flow")
    await runtime.wait(run_id)
    return Asked(runtime, (await runtime.pending(run_id))[0].id)


async def link(store: Store, one: str, other: str) -> LinkStep:
    secret = hashlib.sha256(f"{one} {other}".encode()).hexdigest()
    await store.begin_link(one, secret, store.clock.now() + timedelta(minutes=5), listed_may_link=True)
    await store.link(other, secret, is_sure=False, listed_may_link=True)
    await store.link(other, secret, is_sure=True, listed_may_link=True)
    return (await store.link(one, secret, is_sure=True, listed_may_link=True)).step


def people_of(directory: dict[str, tuple[str, ...]]) -> Directory:
    return Directory({name: Person(accounts) for name, accounts in directory.items()})


async def test_a_vote_that_the_previous_release_recorded_is_the_same_persons(database: Path) -> None:
    """One vote of two under the other form, in a file of the schema before: they do not make up both by themselves."""
    async with SQLiteStore(database) as store, Runtime(store, [Workflow("flow", asking(2))]) as runtime:
        ask = await begin(runtime)
        assert await ask.vote(OLD) is OutcomeKind.COUNTED
    rewrite_as_before(database, MARKER)
    async with SQLiteStore(database) as store, Runtime(store, [Workflow("flow", asking(2))]) as runtime:
        ask = Asked(runtime, ask.id)
        await store.recognise(NEW, [OLD])
        assert await ask.vote(NEW) is OutcomeKind.DUPLICATE
        assert await ask.vote(NEW, "reject") is OutcomeKind.RESOLVED
        card = await store.reader.card(ask.id)
        assert card is not None
        assert card.request.resolved_by == NEW


async def test_both_votes_of_one_person_are_one_when_somebody_else_votes(database: Path) -> None:
    async with SQLiteStore(database) as store, Runtime(store, [Workflow("flow", asking(3))]) as runtime:
        ask = await begin(runtime)
        assert await ask.vote(OLD) is OutcomeKind.COUNTED
        assert await ask.vote(NEW) is OutcomeKind.COUNTED
        await store.recognise(NEW, [OLD])
        assert await ask.vote("slack:E1:U2") is OutcomeKind.COUNTED
        assert await ask.vote("slack:E1:U3") is OutcomeKind.RESOLVED


async def test_an_id_of_another_organisation_is_somebody_else(store: Store) -> None:
    """Only what the platform confirmed is one person: ids of two organisations may end alike."""
    async with Runtime(store, [Workflow("flow", asking(2))]) as runtime:
        ask = await begin(runtime)
        assert await ask.vote(OF_ANOTHER_ORGANISATION) is OutcomeKind.COUNTED
        await store.recognise(NEW, [OLD, OTHER])
        assert await ask.vote(NEW) is OutcomeKind.RESOLVED


@pytest.mark.parametrize(("asked", "pressed"), [(OLD, NEW), (NEW, OLD), (OLD, OTHER)])
async def test_the_requester_is_excluded_in_every_form(store: Store, asked: str, pressed: str) -> None:
    async with Runtime(store, [Workflow("flow", asking(1, requested_by=asked))]) as runtime:
        ask = await begin(runtime)
        await store.recognise(NEW, [OLD, OTHER])
        assert await ask.vote(pressed) is OutcomeKind.NOT_ALLOWED
        assert await ask.vote("slack:E1:U2") is OutcomeKind.RESOLVED


async def test_what_the_directory_says_of_one_form_holds_of_all_after_each_start(store: Store) -> None:
    flow = Workflow("flow", asking(2))
    await store.recognise(NEW, [OLD, OTHER])
    async with Runtime(store, [flow], directory=people_of({"ana": (OLD, "telegram:7")})) as runtime:
        ask = await begin(runtime)
        assert await ask.vote(NEW) is OutcomeKind.COUNTED
        assert await ask.vote("telegram:7") is OutcomeKind.DUPLICATE
        assert set(await store.reader.ids_of(OTHER)) == {"person:ana", OLD, NEW, OTHER, "telegram:7"}
    async with Runtime(store, [flow], directory=people_of({"eve": ("telegram:7",)})) as runtime:
        assert set(await store.reader.ids_of(NEW)) == {OLD, NEW, OTHER}
        assert await Asked(runtime, ask.id).vote("telegram:7") is OutcomeKind.RESOLVED, "it is Eve's now"


async def test_a_link_of_one_form_is_one_of_all_and_ends_for_all(store: Store) -> None:
    await store.recognise(NEW, [OLD])
    assert await link(store, NEW, "telegram:7") is LinkStep.LINKED
    assert {OLD, NEW, "telegram:7"} < set(await store.reader.ids_of("telegram:7"))
    assert (await store.unlink(OLD)).startswith("Unlinked: ")
    assert set(await store.reader.ids_of(OLD)) == {OLD, NEW}
    assert await store.reader.ids_of("telegram:7") == ("telegram:7",)
    assert await store.unlink(NEW) == f"{NEW} is not linked to another account."


async def test_those_whom_two_forms_were_linked_to_are_one_person(store: Store) -> None:
    await link(store, OLD, "telegram:7")
    await link(store, NEW, "web:ana")
    await store.recognise(NEW, [OLD])
    assert {OLD, NEW, "telegram:7", "web:ana"} < set(await store.reader.ids_of("telegram:7"))
    assert await store.reader.ids_of("web:ana") != ("web:ana",)
    assert set(await store.reader.ids_of("web:ana")) - {"web:ana"} == set(
        await store.reader.ids_of("telegram:7")
    ) - {"web:ana"}


async def test_what_was_the_account_may_become_a_form(store: Store) -> None:
    """A workspace joins an enterprise, and leaves it again."""
    await store.recognise(OLD, ["slack:T0:U1"])
    await store.recognise(NEW, [OLD])
    everything = {NEW, OLD, "slack:T0:U1"}
    assert set(await store.reader.ids_of("slack:T0:U1")) == everything
    await store.recognise(OLD, [])
    assert set(await store.reader.ids_of(NEW)) == everything


async def test_each_new_form_is_in_the_trail_once(store: Store) -> None:
    for _ in range(2):
        await store.recognise(NEW, [OLD, NEW])
    await store.recognise(NEW, [OLD, OTHER])
    found = [
        row.payload for row in [row async for row in store.reader.audit()] if row.kind == "account_recognised"
    ]
    assert found == [{"account": NEW, "forms": [OLD]}, {"account": NEW, "forms": [OTHER]}]


async def test_runs_are_found_by_whoever_they_are_for_in_every_form(store: Store) -> None:
    async with Runtime(store, [Workflow("flow", asking(1))]) as runtime:
        run_id = await runtime.start("flow", requested_by=OLD)
        await store.recognise(NEW, [OLD])
        assert [run.run_id for run in await store.reader.runs(requested_by=NEW)] == [run_id]
        assert await store.reader.runs(requested_by="slack:E1:U2") == []


def test_one_migration_makes_room_for_forms() -> None:
    assert sum(MARKER in script for script in list(load_migrations("sqlite").values())) == 1
