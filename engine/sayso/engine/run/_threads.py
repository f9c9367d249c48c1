"""The threads that a workflow's sync code runs in: a bounded number, apart from everything that sayso itself does.

They are daemons, which no end of the process waits for: code that blocks for ever holds up nothing but its own run and
its thread.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from sayso.engine._stray import contained

logger = logging.getLogger("sayso.engine")

THREADS = 32
"""How many threads there are for sync code where nothing else is said."""

_IDLE = 10.0
"""Seconds after which a thread without work ends."""

_NAMED = 8
"""As many of those at work are named in the log."""


class _Call:
    __slots__ = ("error", "function", "future", "label", "loop", "value")

    def __init__(self, function: Callable[[], Any]) -> None:
        task = asyncio.current_task()
        self.function = function
        self.label = "an unknown task" if task is None else task.get_name()
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self.loop.create_future()
        self.value: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """On a thread: what it comes to is told to the loop, unless that has been closed."""
        try:
            with contained():
                self.value = self.function()
        except BaseException as error:  # noqa: BLE001 - handed to whoever called
            self.error = error
        try:
            self.loop.call_soon_threadsafe(self._arrive)
        except RuntimeError:
            logger.debug("a loop was closed before the code of %s returned", self.label)

    def _arrive(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


class CodeThreads:
    """Up to `size` threads for the sync phases, functions and steps of workflows; they begin as they are needed.

    Where all are busy, calls wait in their order, the log says so once, and `on_wait` hears of each call that waits, on
    the thread that called. Usable from any loop.
    """

    def __init__(self, size: int | None = None, on_wait: Callable[[], None] | None = None) -> None:
        if size is not None and size < 1:
            raise ValueError(f"threads={size}: it is a number from 1 on")
        self._size = THREADS if size is None else size
        self._on_wait = on_wait
        self._changed = threading.Condition()
        self._waiting: deque[_Call] = deque()
        self._at_work: list[str] = []
        self._idle = 0
        self._threads = 0
        self._is_full = False

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function in a thread, with the context copied; what it raises is raised here.

        Cancelling takes a call back that still waits. One that has begun goes on, and nobody hears what it comes to.
        """
        call = _Call(partial(contextvars.copy_context().run, function, *arguments))
        self._put(call)
        try:
            await call.future
        except asyncio.CancelledError:
            self._take_back(call)
            raise
        if call.error is not None:
            try:
                raise call.error
            finally:
                del call  # the error knows this frame
        return call.value

    def _put(self, call: _Call) -> None:
        with self._changed:
            self._waiting.append(call)
            if self._idle >= len(self._waiting):
                self._changed.notify()
                return
            if self._threads < self._size:
                self._begin_thread()
                return
            is_news, self._is_full = not self._is_full, True
            names = sorted(self._at_work)
        if self._on_wait is not None:
            self._on_wait()
        if is_news:
            more = ", ..." if len(names) > _NAMED else ""
            logger.warning(
                "all %d threads for sync code are busy, and %s waits for one; at work (run and node): %s%s. If none of "
                "them is stuck, raise threads in sayso.toml",
                self._size,
                call.label,
                ", ".join(names[:_NAMED]),
                more,
            )

    def _begin_thread(self) -> None:
        try:
            threading.Thread(target=self._work, name="sayso code", daemon=True).start()
        except RuntimeError:  # the machine has none left: the call fails unless others can take it
            if self._threads == 0:
                self._waiting.clear()
                raise
        else:
            self._threads += 1

    def _take_back(self, call: _Call) -> None:
        with self._changed:
            if call in self._waiting:
                self._waiting.remove(call)

    def _work(self) -> None:
        while (call := self._next()) is not None:
            call.run()
            with self._changed:
                self._at_work.remove(call.label)
            del call  # an idle thread keeps no run's state

    def _next(self) -> _Call | None:
        with self._changed:
            self._idle += 1
            try:
                while not self._waiting:
                    self._is_full = False
                    if not self._changed.wait(_IDLE) and not self._waiting:
                        self._threads -= 1
                        return None
                call = self._waiting.popleft()
                self._at_work.append(call.label)
                return call
            finally:
                self._idle -= 1
