"""Look-ups end together, at one instant, and turns come in the order of arrival."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.bots.people import LookUpFailed, Turns, at_once, both, in_time
from sayso.engine import StoreError, StoreUnreadable


async def known() -> str:
    return "known"


async def failing() -> str:
    raise LookUpFailed("the platform is away")


async def hanging() -> str:
    await asyncio.Event().wait()
    return "never"


def said(found: Sequence[str | LookUpFailed | None]) -> list[str | None]:
    return [str(one) if isinstance(one, LookUpFailed) else one for one in found]


@given(st.lists(st.sampled_from([known, failing, hanging])), st.sampled_from([-1.0, 0.0, 0.01]))
async def test_what_is_not_known_by_then_is_named_and_the_rest_is_there(
    looking: list[Callable[[], Coroutine[object, object, str]]], left: float
) -> None:
    """Also when the instant has passed already: what needs no asking is known."""
    by = asyncio.get_running_loop().time() + left
    found = await at_once(by, [one() for one in looking])
    words: dict[object, str] = {known: "known", failing: "the platform is away", hanging: "it took too long"}
    assert said(found) == [words[one] for one in looking]


async def test_what_is_enough_is_not_kept_waiting() -> None:
    found = await at_once(None, [hanging(), failing(), known()], lambda found: "known" in found)
    assert said(found) == [None, "the platform is away", "known"]


async def test_an_error_of_the_store_is_no_failed_look_up() -> None:
    async def unreadable() -> str:
        raise StoreUnreadable("sayso.db", "the disk is full")

    with pytest.raises(StoreError):
        await at_once(None, [hanging(), unreadable()])
    with pytest.raises(StoreError):
        await both(hanging(), unreadable())


async def test_one_look_up_ends_in_time() -> None:
    now = asyncio.get_running_loop().time()
    assert await in_time(now - 1, known()) == "known"
    with pytest.raises(LookUpFailed, match="it took too long"):
        await in_time(now, hanging())


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3), st.booleans()), max_size=12))
async def test_each_persons_turns_come_in_their_order(doings: list[tuple[int, int, bool]]) -> None:
    """However long each is looked up before its turn, and whether it waits for it at all."""
    turns: Turns[int] = Turns()
    decided: list[tuple[int, int]] = []

    async def do(number: int, person: int, pauses: int, waits: bool) -> None:
        with turns.of(person) as turn:
            for _ in range(pauses):
                await asyncio.sleep(0)
            if waits:
                await turn()
                await asyncio.sleep(0)
                decided.append((person, number))

    async with asyncio.TaskGroup() as group:
        for number, (person, pauses, waits) in enumerate(doings):
            group.create_task(do(number, person, pauses, waits))
    for person in (0, 1):
        own = [number for who, number in decided if who == person]
        assert own == [one for one, (who, _, waits) in enumerate(doings) if who == person and waits]
