"""The handle on one run: `WorkflowEngine`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from sayso.engine._answers import take
from sayso.engine._graph import Node, Workflow
from sayso.engine._ids import new_id
from sayso.engine._inputs import Inputs
from sayso.engine._outcomes import Outcome
from sayso.engine._policy import Fact
from sayso.engine._records import NodeStatus, WorkflowStatus
from sayso.engine._state import ExecutionState, merge_statuses, show_requests
from sayso.engine._values import Json, encode
from sayso.engine.errors import InvalidRequest, NotApplicable, UnknownRun
from sayso.engine.run import Driver, LiveRun, resident_limit
from sayso.engine.store import AnswerAttempt, Store, store_of


class WorkflowEngine:
    """Drives one run; `run_id` is known from construction on, which does no I/O.

    `nodes` and `start` are the graph (without `nodes`, what can be reached), `workflow_id` its name, by default the
    start node's id. `run_id` of a stored run loads it at the first call, and `initial_shared_state` is an error
    then. `store` is a store, a path or `sqlite:///path`; without one it is what `SAYSO_DATABASE` says, else
    `sayso.db` in the working directory. Calls raise `StoreInUse` while another process writes that file.

    A second handle on a run that lives in this process joins it. `async with` or `aclose` sets the run aside early;
    a script may also just end.
    """

    def __init__(
        self,
        nodes: Iterable[Node] | None = None,
        start: Node | None = None,
        workflow_id: str | None = None,
        run_id: str | None = None,
        store: Store | str | Path | None = None,
        initial_shared_state: Mapping[str, Any] | None = None,
    ) -> None:
        known = None if nodes is None else list(nodes)
        if start is None:
            if not known:
                raise InvalidRequest("start", "name the node at which runs begin")
            start = known[0]
        self._workflow = Workflow(workflow_id or start.id, start, known)
        self._initial = initial_shared_state
        self._store = store_of(store)
        self._owns_store = self._store is not store
        self._driver: Driver | None = None
        self._live: LiveRun | None = None
        self._task: asyncio.Task[None] | None = None
        self._attaching: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None
        self._stored_statuses: dict[str, str] = {}
        self._must_exist = False
        self.run_id = run_id or new_id()

    @property
    def workflow_id(self) -> str:
        """The workflow's name."""
        return self._workflow.name

    @classmethod
    async def resume(
        cls,
        run_id: str,
        nodes: Iterable[Node] | None = None,
        start: Node | None = None,
        workflow_id: str | None = None,
        store: Store | str | Path | None = None,
    ) -> Self:
        """A handle on a stored run, loaded; `run` continues it. Raises `UnknownRun`."""
        engine = cls(nodes, start, workflow_id, run_id, store)
        engine._must_exist = True
        await engine._attach()
        return engine

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop driving the run and close the store; harmless when repeated. The stored run can be resumed at any
        time.
        """
        driver, self._driver = self._driver, None
        live, self._live = self._live, None
        task, self._task = self._task, None
        if driver is not None and live is not None:
            live.held_by -= 1
        if driver is not None and task is not None and driver.alive:
            driver.stop()
            await asyncio.wait([task])
        if self._owns_store:
            await self._store.close()

    async def run(self, input_data: Mapping[str, Any] | None = None) -> ExecutionState:
        """Drive the run until it parks or ends; from then on every answer drives it to its next park by itself.

        `input_data` answers by `id`, `request_id` or node id; what cannot be matched yet waits for questions that this
        call reaches. Never raises for what the workflow did: see `error` in the state that is returned.

        Raises `AnswerRefused` and `UnusedInput` for input, `StoreError` when the store fails, `NotApplicable` for a
        run of another workflow. Cancelling it leaves the run driven.
        """
        return await self._drive(input_data, whole=True)

    async def step(self, input_data: Mapping[str, Any] | None = None) -> ExecutionState:
        """Drive the run until its current visit has ended or parked. Otherwise like `run`."""
        return await self._drive(input_data, whole=False)

    async def answer(  # noqa: PLR0913 - the fields of an answer
        self,
        id: str,
        revision: int,
        value: Json,
        *,
        person: str,
        via: str,
        event_key: str | None = None,
        comment: str | None = None,
        received_at: datetime | None = None,
        facts: Iterable[Fact] = (),
    ) -> Outcome:
        """Answer a request of any run in the store, from any event loop; see `Runtime.answer`."""
        return await take(
            self._store,
            AnswerAttempt(id, revision, value, person, via, event_key, comment, received_at, tuple(facts)),
        )

    @property
    def execution_state(self) -> ExecutionState:
        """The run as it is now; before the first call, as it will begin."""
        live = self._live
        nodes = list(self._workflow.nodes)
        if live is None:
            shared = dict(self._initial or {})
            statuses = dict.fromkeys(nodes, NodeStatus.PENDING)
            start = self._workflow.start.id
            return ExecutionState(
                self.run_id, WorkflowStatus.RUNNING, (), shared, start, statuses, None, None
            )
        waiting_at = live.node_id if live.status is WorkflowStatus.WAITING_FOR_INPUT else None
        return ExecutionState(
            run_id=self.run_id,
            workflow_status=live.status,
            pending=show_requests(live.open_requests()),
            shared=live.shared,
            next_node_id=live.node_id,
            node_statuses=merge_statuses(nodes, self._stored_statuses, waiting_at, live.history),
            error=live.error,
            attention=live.attention,
        )

    async def _drive(self, input_data: Mapping[str, Any] | None, *, whole: bool) -> ExecutionState:
        inputs = Inputs(input_data, self._store.value_limit)
        driver, live = await self._attach()
        await driver.on_loop(lambda: self._move(live, inputs, whole=whole))
        return self.execution_state

    async def _move(self, live: LiveRun, inputs: Inputs, *, whole: bool) -> None:
        answers = inputs.match(live.open_requests())
        if answers:
            await self._store.answer_all(answers)
        live.auto = live.auto or whole
        visit = live.visit_number
        if live.resting and live.status is WorkflowStatus.RUNNING:
            live.go()
        while True:
            await live.rest(lambda: not whole and live.visit_number != visit)
            if live.failure is not None:
                raise live.failure
            left_visit = not whole and live.visit_number != visit
            answers = [] if left_visit or live.ended else inputs.match(live.open_requests())
            if not answers:
                inputs.check_used(live.open_requests())
                return
            await self._store.answer_all(answers)

    async def _attach(self) -> tuple[Driver, LiveRun]:
        """The run in memory: of this handle's driver, or of whoever drives it in this process already."""
        loop = asyncio.get_running_loop()
        if self._attaching is None or self._attaching[0] is not loop:
            self._attaching = (loop, asyncio.Lock())
        async with self._attaching[1]:
            driver, live = self._driver, self._live
            if driver is not None and live is not None and driver.alive:
                return driver, live
            self._store.open()
            found = self._store.hub.driver_of(self.run_id, self._workflow.name)
            driver = found if isinstance(found, Driver) else await self._make_driver(loop)
            live = await driver.on_loop(lambda: self._take_up(driver))
            self._driver, self._live = driver, live
            return driver, live

    async def _make_driver(self, loop: asyncio.AbstractEventLoop) -> Driver:
        workflows = {self._workflow.name: self._workflow}
        driver = Driver(self._store, workflows, resident=resident_limit(None, None), run_id=self.run_id)
        # The one task without a parent: nothing that the handle's user awaits outlives its calls.
        self._task = loop.create_task(driver.main(), name=f"{self.run_id} driver")
        await driver.ready()
        return driver

    async def _take_up(self, driver: Driver) -> LiveRun:
        loaded = await self._store.load(self.run_id)
        if loaded is None and self._must_exist:
            raise UnknownRun(self.run_id)
        if loaded is not None and loaded.run.workflow != self._workflow.name:
            reason = f"it is of workflow {loaded.run.workflow!r}; pass workflow_id={loaded.run.workflow!r}"
            raise NotApplicable(self.run_id, f"running it as {self._workflow.name!r}", reason)
        if loaded is not None and self._initial is not None and not self._must_exist:
            reason = "the run is stored already and has its own state"
            raise InvalidRequest("initial_shared_state", reason)
        self._must_exist = True  # from now on it does
        live = driver.get(self.run_id, self._workflow.name, auto=False)
        live.held_by += 1
        if loaded is not None:
            if live.fresh:
                live.take(loaded)
                if loaded.run.status is WorkflowStatus.RUNNING:
                    live.found()
            self._stored_statuses = await self._store.node_statuses(self.run_id)
            return live
        shared = encode(dict(self._initial or {}), "initial_shared_state", self._store.value_limit)
        await self._store.start(await driver.new_run(self.run_id, self._workflow, shared))
        return live
