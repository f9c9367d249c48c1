"""What people are called: two who look alike to a reader are told apart wherever they are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.engine import Directory, Person, Policy, Runtime, Stage, Store, Workflow
from sayso.engine._people import NamedPerson, fold_name, tell_apart
from tests.engine.team import asking, begin, link

ONE, OTHER, LINKED = "slack:T1:U1", "slack:T1:U2", "telegram:7"


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("Ana", True),
        ("ana", True),
        (" Ana ", True),
        ("A\u200bna", True),
        ("\uff21\uff4e\uff41", True),
        ("\u202eAna", True),
        ("Ana\ufe0f", True),
        ("\u3164Ana", True),
        ("Anna", False),
        ("Ána", False),
    ],
)
async def test_two_who_look_alike_are_shown_with_their_accounts(store: Store, name: str, same: bool) -> None:
    """Also where only one of them is on the card: a reader takes them for the one they know."""
    await store.know(ONE, "Ana")
    assert await store.reader.names_of([ONE]) == {ONE: "Ana"}
    await store.know(OTHER, name)
    names = await store.reader.names_of([ONE, OTHER])
    expected = {ONE: f"Ana ({ONE})", OTHER: f"{name} ({OTHER})"} if same else {ONE: "Ana", OTHER: name}
    assert names == expected
    assert await store.reader.names_of([ONE]) == {ONE: expected[ONE]}
    assert await store.reader.name_of([ONE]) == expected[ONE]
    await store.know(OTHER, "Bo")
    assert await store.reader.names_of([ONE, OTHER]) == {ONE: "Ana", OTHER: "Bo"}


async def test_one_person_is_not_told_apart_from_themselves(store: Store) -> None:
    await store.know(ONE, "Ana")
    await store.know(LINKED, "Ana")
    await link(store, ONE, LINKED)
    person = (await store.reader.ids_of(ONE))[0]
    assert await store.reader.names_of([person, ONE, LINKED]) == dict.fromkeys([person, ONE, LINKED], "Ana")
    await store.know(OTHER, "Ana")
    assert (await store.reader.names_of([person]))[person] == f"Ana ({ONE})", (
        "by an account, for the person is none"
    )
    await store.know(OTHER, "Bo")
    await store.unlink(LINKED)
    assert await store.reader.names_of([ONE]) == {ONE: f"Ana ({ONE})"}, "two accounts, two persons"
    await store.know(LINKED, "Cho")
    assert await store.reader.names_of([ONE]) == {ONE: "Ana"}, (
        "who was one person with it, is nobody any more"
    )


async def test_a_card_tells_its_people_apart(store: Store) -> None:
    """By name, and by the last part of an id where there is no name."""
    policy = Policy(stages=[Stage(["web:ana", "local:ana", "person:ana", "web:bo", ONE])])
    directory = Directory({"ana": Person(("telegram:8",), "Ana")})
    async with Runtime(store, [Workflow("ask", asking(policy))], directory=directory) as runtime:
        await store.know(ONE, "ANA")
        card = await store.reader.card((await begin(runtime)).id)
    assert card is not None
    assert card.names == {
        "web:ana": "ana (web:ana)", "local:ana": "ana (local:ana)", "person:ana": "Ana (person:ana)",
        ONE: f"ANA ({ONE})",
    }  # fmt: skip


def test_a_name_that_looks_like_a_name_with_an_account_gets_its_own() -> None:
    """Nobody passes for somebody else by calling themselves what a card would call that one."""
    forger = NamedPerson(OTHER, f"Ana ({ONE})", OTHER, OTHER)
    assert tell_apart([forger], {}) == {OTHER: f"Ana ({ONE}) ({OTHER})"}


@given(st.lists(st.text(max_size=4), min_size=2, max_size=5))
def test_no_two_are_shown_alike(names: list[str]) -> None:
    people = [
        NamedPerson(f"slack:T1:U{n}", name, f"slack:T1:U{n}", f"slack:T1:U{n}")
        for n, name in enumerate(names)
    ]
    shown = [fold_name(name) for name in tell_apart(people, {}).values()]
    assert len(set(shown)) == len(shown)
