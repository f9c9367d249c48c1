"""What a driver and its runs both stand on: the store, the tasks, and whether everything is being set aside."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any

from sayso.engine._graph import Workflow
from sayso.engine._stray import contained
from sayso.engine.store import Store


class Ground:
    """One driver's. The task that runs the driver tells a node's own cancellations from the end of everything: its
    `cancelling()` is above zero only then.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.stopped = asyncio.Event()
        self._context = contextvars.copy_context()
        self._definition_keys: dict[str, int] = {}
        self._task: asyncio.Task[Any] | None = None
        self._group: asyncio.TaskGroup | None = None

    def begin(self, group: asyncio.TaskGroup) -> None:
        """From now on tasks are children of the group, which the current task entered."""
        self._task, self._group = asyncio.current_task(), group

    def is_closing(self) -> bool:
        """Whether everything is being set aside."""
        task = self._task
        return self.stopped.is_set() or (task is not None and (task.done() or task.cancelling() > 0))

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run something as a child of the driver, in a context of its own."""
        assert self._group is not None, "the driver has begun"
        # Created from within the driver's context: the group's callback would keep that of a visit alive.
        return self._context.copy().run(self._group.create_task, work, name=name)

    def carry_out(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """As `spawn`, where nobody needs the task."""
        self.spawn(work, name)  # type: ignore[unused-awaitable]

    async def definition_key(self, workflow: Workflow) -> int:
        """The key of a workflow's graph in the store."""
        key = self._definition_keys.get(workflow.name)
        if key is None:
            with contained():
                definition = workflow.definition()
            key = await self.store.define(workflow.name, definition)
            self._definition_keys[workflow.name] = key
        return key
