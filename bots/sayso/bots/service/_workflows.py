"""The workflows on a loop and a thread of their own: their code never holds up those who receive and acknowledge."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
from collections.abc import Awaitable, Callable, Generator

from sayso.engine import Runtime, SaysoError, Store

logger = logging.getLogger("sayso.serve")

_STOPS_WITHIN = 3.0
"""Seconds that workflows have for ending when the service stops."""

_SWITCH_AFTER = 0.0005
"""Seconds after which a thread gives way to others that wait for the interpreter, which has 5 ms by itself
(docs.python.org, `sys.setswitchinterval`). An acknowledgement changes threads several times; each time it would wait as
long for code of a workflow that computes.
"""


class RuntimeThread:
    """The runtime on a loop and a thread of its own: user code never holds up those who receive and acknowledge.

    Nor does it end them: a task that raises SystemExit and code that stops the loop end nothing here, and leaving waits
    a bounded time for whatever goes on. `set_aside` records then what such a loop cannot record itself: that its runs
    were stopped in order.
    """

    def __init__(
        self,
        make: Callable[[Store], Runtime],
        new_store: Callable[[], Store],
        set_aside: Callable[[], Awaitable[None]],
    ) -> None:
        self._make = make
        self._new_store = new_store
        self._set_aside = set_aside
        self._thread = threading.Thread(target=self._main, name="sayso workflows", daemon=True)
        self._entered: asyncio.Future[Runtime] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._outer: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._error: BaseException | None = None

    async def __aenter__(self) -> Runtime:
        self._outer = asyncio.get_running_loop()
        self._entered = self._outer.create_future()
        self._thread.start()
        return await self._entered

    async def __aexit__(self, *error: object) -> None:
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None and not self._ended.is_set():
            loop.call_soon_threadsafe(stop.set)
        try:
            async with asyncio.timeout(_STOPS_WITHIN):
                await self._ended.wait()
        except TimeoutError:
            logger.warning("workflows did not stop within %g s; their runs continue after the next start",
                           _STOPS_WITHIN)  # fmt: skip
            await self._set_aside()
        else:
            # What is left then are threads that the workflows' code began.
            await asyncio.to_thread(self._thread.join, _STOPS_WITHIN)

    async def watch(self) -> None:
        """Return never: raise what ended the loop, or `WorkflowsEnded`."""
        await self._ended.wait()
        if isinstance(self._error, Exception):
            raise self._error
        raise WorkflowsEnded

    def _main(self) -> None:
        assert self._outer is not None
        with asyncio.Runner() as runner:
            try:
                self._run_to_its_end(runner.get_loop())
            except BaseException as error:  # noqa: BLE001 - handed to the thread that entered
                self._error = error
                self._tell(self._failed, error)
            self._tell(self._ended.set)

    def _run_to_its_end(self, loop: asyncio.AbstractEventLoop) -> None:
        work: Awaitable[None] = self._run()
        while True:
            try:
                return loop.run_until_complete(work)
            except (SystemExit, KeyboardInterrupt, RuntimeError) as error:
                if self._task is None or self._task.done():
                    raise
                work = self._task
                # Of a task that a node began, which hands it to that node; or the code stopped the loop.
                logger.exception("workflow code raised %s; the service keeps running", type(error).__name__)

    def _tell(self, callback: Callable[..., object], *arguments: object) -> None:
        """Call something on the loop that entered, unless that has left and is closed."""
        assert self._outer is not None
        with contextlib.suppress(RuntimeError):
            self._outer.call_soon_threadsafe(callback, *arguments)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._task = asyncio.current_task()
        async with self._new_store() as store, self._make(store) as runtime:
            self._tell(self._succeeded, runtime)
            await self._stop.wait()

    def _succeeded(self, runtime: Runtime) -> None:
        assert self._entered is not None
        if not self._entered.done():
            self._entered.set_result(runtime)

    def _failed(self, error: BaseException) -> None:
        assert self._entered is not None
        if not self._entered.done():
            self._entered.set_exception(error)


_changing = threading.Lock()
_before: list[float] = []
"""The interval as the first service of this process found it, once for each that runs: the last one puts it back."""


@contextlib.contextmanager
def giving_way() -> Generator[None]:
    """Threads of this process give way to each other sooner while inside; a shorter interval stays as it is."""
    with _changing:
        _before.append(_before[0] if _before else sys.getswitchinterval())
        sys.setswitchinterval(min(_before[0], _SWITCH_AFTER))
    try:
        yield
    finally:
        with _changing:
            before = _before.pop()
            if not _before:
                sys.setswitchinterval(before)


class WorkflowsEnded(SaysoError):
    """The loop of the workflows ended though nobody asked for it; the service ends with it, to be started again."""

    def __init__(self) -> None:
        super().__init__(
            "the event loop of the workflows ended, for example because code cancelled all its tasks"
        )
