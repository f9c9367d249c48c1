"""What the bots of all platforms have in common in time: an end that is asked for, and work behind acknowledgements."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from sayso.bots.chats._budget import Budget
from sayso.bots.chats._surface import DeliveryProblem, Throttled
from sayso.engine import StoreError

Sent = TypeVar("Sent")

FIRST_BACK_OFF = 0.5
LONGEST_BACK_OFF = 30.0

WORDS_LIVE = 30 * 60.0
"""Seconds for which it is worth telling somebody the result of what they did."""

REPLIES_LIVE = 60.0
"""Seconds for which the reply to a command is worth sending: lists are of the moment."""

_LAST_WORDS = 5.0
"""Seconds that what is being sent has at the end."""

Ready: TypeAlias = Callable[[str | None], None]
"""Is told what is wrong with a part, None when nothing is."""


def pause_after(problem: Exception, back_off: float) -> float:
    """How many seconds to wait before another try: never less than the platform asked for."""
    wanted = problem.retry_after.total_seconds() if isinstance(problem, Throttled) else 0.0
    return max(back_off, wanted)


class Stopping(asyncio.Event):
    """Set when the end is wanted."""

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until the end is wanted."""
        try:
            async with asyncio.timeout(seconds):
                await self.wait()
        except TimeoutError:
            pass

    async def until_it_works(
        self, call: Callable[[], Awaitable[object]], title: str, ready: Ready, logger: logging.Logger
    ) -> None:
        """Repeat a call of a platform until it succeeds or a stop is requested; `ready` is called with each failure."""
        back_off = FIRST_BACK_OFF
        while not self.is_set():
            try:
                await call()
            except DeliveryProblem as problem:
                pause = pause_after(problem, back_off)
                ready(f"{title} does not answer as it should: {problem}")
                logger.warning("%s: %s; retrying in %g s", title, problem, pause)
                await self.pause(pause)
                back_off = min(back_off * 2, LONGEST_BACK_OFF)
            else:
                return


class Tasks:
    """Has work done while it is entered, which it can be again. Leaving waits for what has started."""

    def __init__(self) -> None:
        self._group: asyncio.TaskGroup | None = None

    async def __aenter__(self) -> Self:
        self._group = await asyncio.TaskGroup().__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        group, self._group = self._group, None
        assert group is not None
        if error is None:
            await self._wind_up()
        await group.__aexit__(kind, error, trace)

    async def _wind_up(self) -> None:
        """What is done between taking no more and waiting for the rest."""

    @property
    def is_open(self) -> bool:
        """Whether work is taken."""
        return self._group is not None


class Afterwards(Tasks):
    """Work that may come after an acknowledgement. Leaving waits for it for a while.

    What was decided is committed by then, so a message that cannot be made or sent is logged, and ends nothing.
    """

    def __init__(self, budget: Budget, logger: logging.Logger, name: str) -> None:
        super().__init__()
        self._budget = budget
        self._logger = logger
        self._name = name
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = Stopping()

    async def __aenter__(self) -> Self:
        self._ending.clear()
        return await super().__aenter__()

    async def _wind_up(self) -> None:
        self._ending.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_LAST_WORDS)
            for task in late:
                task.cancel()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the background. Work that has not begun when this is left is dropped; the card says what it
        would have said.
        """
        if self._group is None:
            work.close()
            return
        task = self._group.create_task(self._guarded(work), name=self._name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def patiently(
        self, send: Callable[[], Awaitable[Sent]], seconds: float, met: Throttled | None = None
    ) -> Sent:
        """Send something; if the platform throttles, try again once it allows that, within so many seconds, because
        then nobody is waiting any more, and not at the end. Raises `Throttled`, and what `send` raises.
        """
        until = asyncio.get_running_loop().time() + seconds
        while True:
            if met is not None:
                await self._wait_out(met, until)
            try:
                return await send()
            except Throttled as problem:
                met = problem

    async def _wait_out(self, problem: Throttled, until: float) -> None:
        self._budget.block(problem.key, problem.retry_after)
        wait = max(1.0, problem.retry_after.total_seconds())
        if asyncio.get_running_loop().time() + wait > until:
            raise problem
        await self._ending.pause(wait)
        if self._ending.is_set():
            raise problem

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (DeliveryProblem, StoreError) as problem:
            if isinstance(problem, Throttled):
                self._budget.block(problem.key, problem.retry_after)
            self._logger.warning("a message was not sent: %s", problem)
        except Exception:
            self._logger.exception("could not build a message")
