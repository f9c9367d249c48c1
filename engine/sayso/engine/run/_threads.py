"""The threads that a workflow's sync code runs in: a bounded number, apart from everything that sayso itself does.

They are daemons, which no end of the process waits for: code that blocks for ever holds up nothing but its own run and
its thread.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from sayso.engine._stray import contained

logger = logging.getLogger("sayso.engine")

THREADS = 32
"""How many threads there are for sync code where nothing else is said."""

_IDLE = 10.0
"""Seconds after which a thread without work ends."""

_PATIENCE = 1.0
"""Seconds for which a call may wait for a thread before the log says so: a short burst is nobody's business."""

_NAMED = 8
"""As many of those at work are named in the log."""


class _Call:
    __slots__ = ("error", "function", "future", "is_begun", "label", "loop", "value")

    def __init__(self, function: Callable[[], Any]) -> None:
        task = asyncio.current_task()
        self.function = function
        self.label = "an unknown task" if task is None else task.get_name()
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self.loop.create_future()
        self.value: Any = None
        self.error: BaseException | None = None
        self.is_begun = False

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
    """Up to `size` threads for the sync phases, functions and steps of workflows; they start as they are needed.

    If all are busy, calls wait in order: `on_wait` is called for each, on the calling thread, and the log says once
    what keeps the threads busy. Usable from any loop.
    """

    def __init__(self, size: int | None = None, on_wait: Callable[[], None] | None = None) -> None:
        if size is not None and size < 1:
            raise ValueError(f"threads={size}: it is a number from 1 on")
        self._size = THREADS if size is None else size
        self._on_wait = on_wait
        self._calls: queue.SimpleQueue[_Call] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)  # as many as threads that found nothing to do
        self._lock = threading.Lock()
        self._threads = 0
        self._at_work: list[str] = []
        self._is_told = False

    async def finish(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Like `run`; if the function returns an awaitable, await it and return its result."""
        result = await self.run(function, *arguments)
        return await result if inspect.isawaitable(result) else result

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function in a thread, with the context copied; what it raises is raised here.

        Cancelling removes a call that still waits. One that has begun runs to its end, and its result is dropped.
        """
        call = _Call(partial(contextvars.copy_context().run, function, *arguments))
        if self._is_to_wait(call):
            if self._on_wait is not None:
                self._on_wait()
            call.loop.call_later(_PATIENCE, self._tell_of, call)
        await call.future
        if call.error is not None:
            try:
                raise call.error
            finally:
                del call  # the error knows this frame
        return call.value

    def _is_to_wait(self, call: _Call) -> bool:
        """Queue a call; whether no thread is there for it."""
        self._calls.put(call)
        if self._idle.acquire(blocking=False):
            return False
        with self._lock:
            if self._threads == self._size:
                return True
            try:
                threading.Thread(target=self._work, name="sayso code", daemon=True).start()
            except RuntimeError:  # the machine has none left
                if self._threads == 0:
                    call.future.cancel()
                    raise
                return True
            self._threads += 1
            return False

    def _tell_of(self, call: _Call) -> None:
        if call.is_begun or call.future.cancelled() or self._is_told:
            return
        self._is_told = True
        with self._lock:
            names = sorted(self._at_work)
        shown = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
        logger.warning(
            "all %d threads for sync code are busy, and %s is waiting for one; busy with (run and node): %s. If they "
            "are not stuck, raise threads in sayso.toml",
            self._size,
            call.label,
            shown,
        )

    def _work(self) -> None:
        while (call := self._next()) is not None:
            call.is_begun = True
            if not call.future.cancelled():
                with self._lock:
                    self._at_work.append(call.label)
                call.run()
                with self._lock:
                    self._at_work.remove(call.label)
            del call  # an idle thread keeps no run's state

    def _next(self) -> _Call | None:
        while True:
            try:
                return self._calls.get_nowait()
            except queue.Empty:
                self._is_told = False
                self._idle.release()
            try:
                return self._calls.get(timeout=_IDLE)
            except queue.Empty:
                with self._lock:
                    # Somebody may have counted on this thread for a call, which is queued then or was taken.
                    if self._idle.acquire(blocking=False) and self._calls.empty():
                        self._threads -= 1
                        return None
