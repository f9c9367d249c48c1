"""Looking people up: everything at once, until one instant. What is not known by then is not counted.

Whatever somebody does has one such instant, counted from its arrival, for all that has to be asked about them on every
platform. No look-up has a time-out of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sayso.bots.people._membership import LookUpFailed
from sayso.bots.people._turns import Turn, no_turn
from sayso.engine import AnswerAttempt, Clock, Json

Found = TypeVar("Found")
Other = TypeVar("Other")
Known = Sequence[Found | LookUpFailed | None]

LOOK_UP_WITHIN = 1.8
"""Seconds for all that is looked up for one thing that somebody does; Slack waits three for an acknowledgement, and the
commit comes after that.
"""

_TOO_LATE = "it took too long"


def look_up_deadline() -> float:
    """Until when people are looked up for what somebody does now, on the loop's clock."""
    return asyncio.get_running_loop().time() + LOOK_UP_WITHIN


@dataclass(frozen=True, slots=True)
class Arrival:
    """How something came: when, on the store's clock; until when people are looked up for it, on the loop's, and what
    is not known then is not counted; its turn among what the same person does, before which nothing is decided; the
    platform's id of the chat in which they did it, where it was one; what the platform calls them; and the key by which
    it is known when it comes again.
    """

    at: datetime
    look_up_by: float
    turn: Turn = no_turn
    chat: str | None = None
    name: str = ""
    key: str = ""

    @classmethod
    def now(cls, clock: Clock, turn: Turn = no_turn, name: str = "", key: str = "") -> Arrival:
        """That of what comes now."""
        return cls(clock.now(), look_up_deadline(), turn, name=name, key=key)

    def attempt(
        self, person: str, request_id: str, revision: int, value: Json = None, comment: str | None = None
    ) -> AnswerAttempt:
        """An attempt to answer that came so, on the platform of that account."""
        platform = person.partition(":")[0]
        return AnswerAttempt(
            request_id, revision, value, person, platform, self.key or None, comment, self.at
        )


async def in_time(by: float | None, looking: Coroutine[Any, Any, Found]) -> Found:
    """What is looked up, by that instant. What needs no asking is known after it as well. Raises `LookUpFailed`."""
    try:
        async with asyncio.timeout_at(by):
            return await looking
    except TimeoutError as problem:
        raise LookUpFailed(_TOO_LATE) from problem


async def at_once(
    by: float | None,
    looking: Sequence[Coroutine[Any, Any, Found]],
    is_enough: Callable[[Known[Found]], bool] = lambda _: False,
) -> list[Found | LookUpFailed | None]:
    """What is found for each, or why it is not known by that instant, None: whenever the caller ends it; None for what
    was still being asked when the rest was enough. What needs no asking is known after the instant as well. Raises what
    else a look-up raises.
    """
    if not looking:
        return []
    if len(looking) == 1:  # which takes no task
        try:
            return [await in_time(by, looking[0])]
        except LookUpFailed as problem:
            return [problem]
    try:
        async with asyncio.TaskGroup() as group:
            return await _gather(by, [group.create_task(known(one)) for one in looking], is_enough)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors


async def _gather(
    by: float | None,
    tasks: Sequence[asyncio.Task[Found | LookUpFailed]],
    is_enough: Callable[[Known[Found]], bool],
) -> list[Found | LookUpFailed | None]:
    loop, waiting, done = asyncio.get_running_loop(), set(tasks), set(tasks)
    while waiting and done:
        left = None if by is None else max(0.0, by - loop.time())
        done, waiting = await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if is_enough([task.result() if task.done() else None for task in tasks]):
            break
    for task in waiting:
        task.cancel()
    late = None if done else LookUpFailed(_TOO_LATE)
    return [late if task in waiting else task.result() for task in tasks]


async def known(looking: Coroutine[Any, Any, Found]) -> Found | LookUpFailed:
    """What is looked up, or why it is not known."""
    try:
        return await looking
    except LookUpFailed as problem:
        return problem


async def both(one: Coroutine[Any, Any, Found], other: Coroutine[Any, Any, Other]) -> tuple[Found, Other]:
    """The results of two things that are done at once. Raises what the first of them raises that fails."""
    try:
        async with asyncio.TaskGroup() as group:
            first, second = group.create_task(one), group.create_task(other)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return first.result(), second.result()
