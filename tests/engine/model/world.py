"""The real engine as the stateful test drives it: one database, one runtime at a time, on a loop that stands still
between two rules.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from sayso.engine import (
    Directory,
    ExecutionState,
    Outcome,
    Runtime,
    Store,
    Workflow,
    node,
    open_reader,
    open_store,
    request_input,
    step,
    verify_audit,
)
from tests.engine.support import ManualClock

T = TypeVar("T")

EXPIRY = timedelta(hours=1)


class Code(StrEnum):
    """The versions of the workflow's code that are deployed in turn."""

    FIRST = "Size?"
    CHANGED = "Size in cm?"
    GONE = "the node is gone"


def build(code: Code) -> Workflow:
    """The workflow: three questions side by side, a step, one more question."""

    @node
    async def desk(shared: dict[str, Any]) -> None:
        shared["colour"], shared["size"], shared["remark"] = await asyncio.gather(
            request_input("Colour?", ["red", "green"], "select", "colour"),
            request_input(code.value, input_type="number", request_id="size"),
            request_input("Remark?", request_id="remark", expires_after=EXPIRY, default="none"),
        )

    @node
    async def bill(shared: dict[str, Any]) -> None:
        shared["total"] = await step("total", lambda: shared["size"] * 2)
        shared["send"] = await request_input("Send?", input_type="confirm", request_id="send")

    desk > bill
    return Workflow("order", bill if code is Code.GONE else desk)


@contextmanager
def a_file() -> Generator[str]:
    """Where a new database is: in a file."""
    with tempfile.TemporaryDirectory() as folder:
        yield str(Path(folder) / "sayso.db")


class World:
    """The engine on one database. `crash` leaves as the end of a process would, with everything where it stood."""

    def __init__(
        self,
        location: str,
        host: Callable[[Code], Workflow] = build,
        directory: Directory | None = None,
    ) -> None:
        self.location = location
        self._build = host
        self._directory = directory
        self.clock = ManualClock()
        self._loop = asyncio.new_event_loop()
        self._host: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._runtime: Runtime | None = None
        self._store: Store | None = None

    @property
    def runtime(self) -> Runtime:
        assert self._runtime is not None
        return self._runtime

    @property
    def store(self) -> Store:
        assert self._store is not None
        return self._store

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Turn the loop until some work is done."""
        return self._loop.run_until_complete(asyncio.wait_for(work, 20))

    def start(self, code: Code, resident: int | None) -> None:
        """Open the database and host the workflow."""
        self.do(self._start(code, resident))

    async def _start(self, code: Code, resident: int | None) -> None:
        self._store = open_store(self.location, clock=self.clock)
        self._stop = asyncio.Event()
        ready = asyncio.Event()
        self._host = asyncio.create_task(self._run(code, resident, ready))
        await ready.wait()

    async def _run(self, code: Code, resident: int | None, ready: asyncio.Event) -> None:
        async with Runtime(
            self.store, [self._build(code)], resident=resident, directory=self._directory
        ) as self._runtime:
            ready.set()
            await self._stop.wait()

    def close(self) -> None:
        """Stop as a service stops."""
        self.do(self._close())

    async def _close(self) -> None:
        assert self._host is not None
        self._stop.set()
        await self._host
        await self.store.close()

    def crash(self) -> None:
        """Cancel every task at once, as the end of a loop does, and go on with a new loop."""
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        assert self._host is not None
        self._loop.run_until_complete(asyncio.wait([self._host]))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self._loop = asyncio.new_event_loop()
        self.do(self.store.close())

    def end(self) -> None:
        """Close everything, and hold the audit trail against itself."""
        self.close()
        report = self.do(self._verify())
        assert report == ()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _verify(self) -> tuple[Any, ...]:
        async with open_reader(self.location) as reader:
            return (await verify_audit(reader)).problems

    def state(self, run_id: str) -> ExecutionState:
        """The state in which a run comes to rest."""
        return self.do(self.runtime.wait(run_id))

    def answer(self, request_id: str, revision: int, value: Any, person: str, **more: Any) -> Outcome:
        """Answer as somebody at the terminal would."""
        given: dict[str, Any] = {"via": "console", **more}
        return self.do(self.runtime.answer(request_id, revision, value, person=person, **given))

    def advance(self, by: timedelta) -> int:
        """Let time pass and expire what is due; the number."""
        self.clock.advance(by)
        return self.do(self._expire())

    async def _expire(self) -> int:
        return await self.store.act_due(None)
