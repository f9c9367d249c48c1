"""What the engine's tests share: a clock that only a test moves, and the shortest ways to ask and to answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sayso.engine import (
    ExecutionState,
    Node,
    NoticeKind,
    Outcome,
    Runtime,
    Store,
    WorkflowEngine,
    node,
    request_input,
)

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class ManualClock:
    """A clock that stands still until `advance`; usable from any event loop and thread."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._lock = threading.Lock()
        self._waiting: list[tuple[datetime, asyncio.AbstractEventLoop, asyncio.Event]] = []

    def now(self) -> datetime:
        """The present instant, aware."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move on, and wake whoever waits for an instant that has come."""
        with self._lock:
            self._now += by
            due = [entry for entry in self._waiting if entry[0] <= self._now]
            self._waiting = [entry for entry in self._waiting if entry[0] > self._now]
        for _, loop, event in due:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    async def wait_until(self, instant: datetime) -> None:
        """Return when `now()` has reached the instant."""
        event = asyncio.Event()
        with self._lock:
            if instant <= self._now:
                return
            self._waiting.append((instant, asyncio.get_running_loop(), event))
        await event.wait()


ANA = "local:ana"
BO = "local:bo"
CHANNEL = "slack:#sre"


def waiting(state: ExecutionState, name: str | None = None) -> dict[str, Any]:
    """The open request of a name, or the only one."""
    found = [request for request in state.pending if name is None or request["request_id"] == name]
    assert len(found) == 1, f"open: {[request['request_id'] for request in state.pending]}"
    return found[0]


def names(state: ExecutionState) -> list[str]:
    """The names of the open requests, in the order in which they were asked."""
    return [str(request["request_id"]) for request in state.pending]


async def say(
    target: WorkflowEngine | Runtime, request: dict[str, Any], value: Any, person: str = ANA, **more: Any
) -> Outcome:
    """Answer a request as somebody at the terminal would."""
    given: dict[str, Any] = {"via": "console", **more}
    return await target.answer(request["id"], request["revision"], value, person=person, **given)


def asking(**arguments: Any) -> Node:
    """A node named `ask` that asks one question and keeps the answer."""

    async def ask(shared: dict[str, Any]) -> None:
        shared["answer"] = await request_input(**arguments)

    return node(ask)


async def run_once(store: Store, start: Node, **shared: Any) -> ExecutionState:
    """Run a new workflow until it parks or ends."""
    async with WorkflowEngine(start=start, store=store, initial_shared_state=shared) as engine:
        return await engine.run()


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something has come about that nothing announces; the test's time limit ends it."""
    while not condition():  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(0)


async def kinds(store: Store, *wanted: str) -> list[str]:
    """The kinds of what was audited, in their order."""
    return [row.kind async for row in store.reader.audit() if row.kind in wanted]


async def told(store: Store, place: str = CHANNEL) -> list[NoticeKind]:
    """What was to be said at a place since the last look."""
    found: list[NoticeKind] = []
    while (notice := await store.reader.notice(place, store.clock.now())) is not None:
        assert not isinstance(notice, datetime)
        found.append(notice.kind)
        await store.end_notice(notice)
    return found
