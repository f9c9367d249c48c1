"""The parts that work while the service runs, begun again when they fail, and ended in their order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from sayso.bots.chats import DeliveryProblem, Listener, Outbox, Ready, Stopping, pause_after
from sayso.bots.service._callbacks import Callbacks
from sayso.bots.service._health import Health
from sayso.bots.service._operators import HeadLog, OperatorDesk
from sayso.engine import StoreError

logger = logging.getLogger("sayso.serve")

_FIRST_BACK_OFF = timedelta(seconds=1)
_LONGEST_BACK_OFF = timedelta(minutes=1)
_HEARD_WITHIN = timedelta(seconds=3)
"""How long cards wait at the start for platforms that are still connecting: who presses one that comes sooner gets an
error from the chat.
"""


class Crew:
    """The parts that work while the service runs: platforms by name, outbox, operators' desk, the hourly line,
    outgoing webhooks.
    """

    def __init__(
        self,
        listeners: Mapping[str, Listener],
        outbox: Outbox,
        operator: OperatorDesk,
        head: HeadLog,
        callbacks: Callbacks,
        health: Health,
    ) -> None:
        self._listeners = listeners
        self._outbox = outbox
        self._operator = operator
        self._head = head
        self._callbacks = callbacks
        self._health = health
        self._stopping = Stopping()
        self._connecting = set(listeners)
        self._heard = asyncio.Event()
        self._taking: list[asyncio.Task[None]] = []
        self._sending: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None

    def begin(self, group: asyncio.TaskGroup) -> None:
        """Start every part."""
        for name, listener in self._listeners.items():
            self._health.report(name, "it is connecting")
            self._taking.append(group.create_task(self._again(name, listener.run), name=name))
        self._sending = group.create_task(self._send(), name="outbox")
        group.create_task(self._again("operators", self._operator.run), name="operators")
        group.create_task(self._again("audit head", self._head.run), name="audit head")
        self._telling = group.create_task(self._again("callbacks", self._callbacks.run), name="callbacks")

    async def end(self) -> None:
        """Take no more events, finish those in flight, then flush the outbox."""
        self._stopping.set()
        self._heard.set()
        for listener in self._listeners.values():
            listener.stop()
        if self._taking:
            await asyncio.wait(self._taking)
        self._outbox.stop()
        self._callbacks.stop()
        if last := [one for one in (self._sending, self._telling) if one is not None]:
            await asyncio.wait(last)

    async def _send(self) -> None:
        """Run the outbox once presses are heard on every platform, or after a while: one that cannot be reached holds
        up no other.
        """
        if self._connecting:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HEARD_WITHIN.total_seconds()):
                    await self._heard.wait()
        await self._again("outbox", self._outbox.run)

    async def _again(self, name: str, run: Callable[[Ready], Awaitable[None]]) -> None:
        """Run a part, and again after a while when it fails: one part's failure is no other's. It is unwell from then
        on until it says itself that it works.
        """
        back_off = _FIRST_BACK_OFF

        def ready(problem: str | None) -> None:
            nonlocal back_off
            if problem is None:
                back_off = _FIRST_BACK_OFF
                self._connecting.discard(name)
                if not self._connecting:
                    self._heard.set()
            self._health.report(name, problem)

        while not self._stopping.is_set():
            try:
                await run(ready)
            except Exception as error:
                pause = pause_after(error, back_off.total_seconds())
                if isinstance(error, DeliveryProblem | StoreError):  # the reason says it all
                    logger.error("%s failed: %s; restarting it in %g s", name, error, pause)  # noqa: TRY400
                else:
                    logger.exception("%s failed; restarting it in %g s", name, pause)
                self._health.report(name, f"{type(error).__name__}: {error}")
                await self._stopping.pause(pause)
                back_off = min(back_off * 2, _LONGEST_BACK_OFF)
            else:
                return
