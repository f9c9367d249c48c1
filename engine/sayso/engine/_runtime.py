"""Driving many runs: `Runtime`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

import msgspec

from sayso.engine._answers import take
from sayso.engine._asks import AskedBatch, AskedQuestion, Asking, ask_workflow, check_size, in_batch
from sayso.engine._audience import CODE, canonical, parse_audience
from sayso.engine._grants import Grants
from sayso.engine._graph import Workflow
from sayso.engine._ids import new_id
from sayso.engine._outcomes import Outcome
from sayso.engine._people import Directory
from sayso.engine._policy import Fact, Policy
from sayso.engine._records import ASK, RequestRecord, WorkflowStatus
from sayso.engine._state import ExecutionState, state_of_loaded
from sayso.engine._values import Json, digest, encode, encode_sorted
from sayso.engine.errors import InvalidRequest, InvalidWorkflow, RunExists, StoreClosed, UnknownRun
from sayso.engine.run import BlockedLoopWatch, CodeThreads, Driver, gone_node, resident_limit
from sayso.engine.store import (
    AnswerAttempt,
    Ask,
    Callback,
    Change,
    CommandKey,
    Granted,
    HandOver,
    Listener,
    NewRun,
    Store,
    Warrant,
    store_of,
)

logger = logging.getLogger("sayso.engine")

RESIDENT = 1000
"""How many parked runs a runtime keeps in memory where nothing else is said."""


class Runtime:
    """Hosts workflows on one store: starts runs, takes answers, and continues each run when its answer is there.

    `async with` opens it: runs that a crash interrupted are resumed, parked ones stay on disk. Nodes run on the loop
    that entered; `answer` may come from any loop. `resident` limits how many parked runs stay in memory; an answer for
    any other loads it. `audiences` are, by workflow, the destinations and people of questions that name nobody; without
    one, the operator. `policies` are those that questions name, `directory` says which accounts belong to whom and who
    belongs to a group. Sync code runs in `threads`, by default 32 of its own. Raises `InvalidWorkflow` for two
    workflows of one name, and `StoreError`.
    """

    def __init__(
        self,
        store: Store | str | Path | None,
        workflows: Iterable[Workflow],
        *,
        resident: int | None = None,
        audiences: Mapping[str, Sequence[str]] | None = None,
        policies: Mapping[str, Policy] | None = None,
        directory: Directory | None = None,
        threads: CodeThreads | None = None,
    ) -> None:
        self._store = store_of(store)
        self._owns_store = self._store is not store
        self._workflows: dict[str, Workflow] = {}
        for workflow in workflows:
            if workflow.name in self._workflows:
                raise InvalidWorkflow(f"two workflows are named {workflow.name!r}")
            self._workflows[workflow.name] = workflow
        self._audiences = {name: parse_audience(to) for name, to in (audiences or {}).items()}
        self._policies = dict(policies or {})
        self._directory = directory
        self._threads = threads
        self._resident = resident_limit(resident, RESIDENT)
        self._group: asyncio.TaskGroup | None = None
        self._driver: Driver | None = None
        self._watch: BlockedLoopWatch | None = None

    async def __aenter__(self) -> Self:
        self._store.open()
        try:
            self._group = await asyncio.TaskGroup().__aenter__()
            self._driver = Driver(
                self._store,
                self._workflows,
                resident=self._resident,
                audiences=self._audiences,
                policies=self._policies,
                directory=self._directory,
                threads=self._threads,
            )
            if self._directory is not None:
                await self._store.direct(self._directory.rows())
            self._group.create_task(self._driver.main(), name="sayso runtime")
            await self._driver.ready()
            await self._recover(self._driver)
            self._watch = BlockedLoopWatch(asyncio.get_running_loop())
            self._watch.start()
        except BaseException as error:
            await self._leave(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._leave(*error)

    async def _leave(self, *error: Any) -> None:
        """Set every run aside and let go of the store."""
        driver, self._driver = self._driver, None
        group, self._group = self._group, None
        if self._watch is not None:
            self._watch.stop()
        try:
            if driver is not None:
                driver.stop()
            if group is not None:
                # The group would wrap an error of the caller's own; of a cancellation it must hear.
                cancelled = isinstance(error[1], asyncio.CancelledError)
                await group.__aexit__(*(error if cancelled else (None, None, None)))
        finally:
            if self._owns_store:
                await self._store.close()

    async def start(
        self,
        name: str,
        shared: Mapping[str, Any] | None = None,
        run_id: str | None = None,
        requested_by: str | None = None,
        event_key: str | None = None,
        asked_in: str | None = None,
        warrant: Warrant | None = None,
    ) -> str:
        """Start a run of a workflow and return its id once the start is committed.

        `asked_in` is the chat in which `requested_by` started it, where they are told the results of its questions; by
        default their own chat.

        If `requested_by` repeats an `event_key`, nothing is started again, and the id of the first run is returned.
        Raises `InvalidWorkflow` for an unknown name, `InvalidInputs` if `shared` does not fit the workflow's inputs,
        `RunExists`, `KeyReused` if the key was used for something else, `UnstorableValue`, `StoreError`, and
        `RightLapsed` if the `warrant` is no longer valid. Cancelling the call does not undo the start.
        """
        started_here = {one: found for one, found in self._workflows.items() if found is not ask_workflow}
        workflow = started_here.get(name)
        if workflow is None:
            known = ", ".join(sorted(started_here)) or "none"
            raise InvalidWorkflow(f"no workflow is named {name!r} here; known: {known}")
        requested_by = None if requested_by is None else canonical(requested_by)
        text = encode(workflow.initial(shared or {}), "shared", self._store.value_limit)
        command = _command(requested_by or "", event_key, "start", name, text, run_id)
        started, _ = await self._begin(
            NewRun(run_id or "", name, 0, workflow.start.id, text, requested_by, command, asked_in, warrant)
        )
        return started

    async def ask(
        self,
        asked: AskedQuestion | AskedBatch,
        *,
        requested_by: str,
        event_key: str | None = None,
        warrant: Warrant | None = None,
        callback: Callback | None = None,
        still_approves: Callable[[Granted], Awaitable[bool]] | None = None,
    ) -> Asking:
        """Ask a question from outside, or a batch of them, by the built-in workflow `ask_workflow`, which must be among
        the workflows. It is stored soon; `wait` returns when it is.

        A grant answers it only if `still_approves` says of its granter that they may approve it now.

        An `event_key` that `requested_by` repeats asks nothing again. Raises `InvalidRequest` and `UnknownPolicy` for
        what cannot be asked, `UnstorableValue`, `StoreError`, and what `start` raises for its keys and warrants.
        """
        workflow, driver = self._workflows[ASK], self._running()
        text = encode(asked.as_shared(), "question", self._store.value_limit)
        person = canonical(requested_by)
        told = () if callback is None else (callback.url, digest(callback.secret))
        command = _command(person, event_key, ASK, text, *told)
        await self._vouch_for(asked.check(person, driver.around(ASK)), person, still_approves)
        run_id, is_new = await self._begin(
            NewRun("", ASK, 0, workflow.start.id, text, person, command, None, warrant, callback)
        )
        known = None if is_new or command is None else await self._store.asked_under(command)
        return Asking(run_id, None if known is None else known[1], is_new)

    async def ask_each(
        self,
        questions: Sequence[AskedQuestion],
        keys: Sequence[str],
        *,
        requested_by: str,
        warrant: Warrant | None = None,
        still_approves: Callable[[Granted], Awaitable[bool]] | None = None,
    ) -> list[Asking]:
        """Ask a batch whose questions have keys of their own. Those that were asked before, in whatever batch or alone,
        are found; the others are asked together. Raises what `ask` raises.
        """
        check_size(questions)
        for position, key in enumerate(keys):
            if key in keys[:position]:
                raise InvalidRequest(f"requests.{position}.key", "is that of another question of the batch")
        person, around = canonical(requested_by), self._running().around(ASK)
        texts = [encode(one.as_shared(), "question", self._store.value_limit) for one in questions]
        commands = [
            CommandKey(person, key, _wanted(ASK, text)) for key, text in zip(keys, texts, strict=True)
        ]
        while True:
            known = [await self._store.asked_under(one) for one in commands]
            new = [position for position, one in enumerate(known) if one is None]
            for position in new:
                with in_batch(position):
                    made = questions[position].check(person, around)
                await self._vouch_for(made, person, still_approves)
            left = [(questions[position], commands[position]) for position in new]
            try:
                begun = iter(await self._ask_new(left, warrant))
            except RunExists:
                continue  # one of them was asked meanwhile
            return [next(begun) if one is None else Asking(*one, is_new=False) for one in known]

    async def _ask_new(
        self, questions: Sequence[tuple[AskedQuestion, CommandKey]], warrant: Warrant | None
    ) -> list[Asking]:
        """Ask questions together whose keys are new; nothing where there are none. Raises `RunExists`."""
        if not questions:
            return []
        workflow, driver = self._workflows[ASK], self._running()
        asked = AskedBatch(tuple(one for one, _ in questions)).alone_or_together()
        names = [name or ASK for name, _, _ in asked.named()]
        keys = tuple(
            msgspec.structs.replace(command, request=name)
            for (_, command), name in zip(questions, names, strict=True)
        )
        text = encode(asked.as_shared(), "question", self._store.value_limit)
        run = NewRun(new_id(), ASK, 0, workflow.start.id, text, keys[0].person, warrant=warrant, keys=keys)
        await driver.on_loop(partial(driver.start, run))
        return [Asking(run.run_id, name, is_new=True) for name in names]

    async def _vouch_for(
        self,
        made: Sequence[Ask],
        person: str,
        still_approves: Callable[[Granted], Awaitable[bool]] | None,
    ) -> None:
        """See `_vouch`, for each question that grants may answer."""
        if still_approves is None:
            return
        for one in made:
            if one.policy is not None and one.policy.grants is not None:
                grants = msgspec.structs.replace(one.policy.grants, asked_by=person)
                await self._vouch(one, grants, still_approves)

    async def _vouch(
        self, made: Ask, grants: Grants, still_approves: Callable[[Granted], Awaitable[bool]]
    ) -> None:
        """Have the grants that cover a question be used, of those whose granters still may approve it."""
        policy = None if made.policy is None else msgspec.structs.replace(made.policy, grants=grants)
        for grant in await self._store.covering(made.text, made.note, made.requested_by, policy):
            approves = await still_approves(grant)
            await self._store.vouch(grant.id, approves=approves)
            if approves:
                return

    async def _begin(self, new: NewRun) -> tuple[str, bool]:
        """Start a run, whose id may be left open: its id, and whether this began it."""
        command, driver = new.command, self._running()
        chosen = new_id() if command is None else digest(f"{command.person} {command.key}")[:32]
        new = msgspec.structs.replace(new, run_id=new.run_id or chosen)
        try:
            await driver.on_loop(lambda: driver.start(new))
        except RunExists:
            earlier = None if command is None else await self._store.started_by(command)
            if earlier is None:
                raise
            return earlier, False
        return new.run_id, True

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
        break_glass: bool = False,
        warrant: Warrant | None = None,
    ) -> Outcome:
        """Answer a request, from any event loop; returns the outcome, once it is committed.

        `person` is who answers (`web:ana`), `via` the surface or destination where they answer, which the request's
        policy checks; `revision` is that of the card they saw. If the person repeats an `event_key`, the outcome
        recorded for it is returned, with `repeated`. `received_at` is when sayso received the event, which counts for
        the deadline. `facts` are what was looked up about them, such as the groups they belong to. With
        `break_glass` they approve alone, if the policy allows it, and `comment` says why. `warrant` is what gives
        them access; it is checked again in the transaction, and if their accounts have changed since the facts were
        looked up, nothing is counted. Cancelling the call does not take the answer back. Raises `UnstorableValue` for
        the value, `StoreError`: then it is NOT recorded.
        """
        return await self.take(
            AnswerAttempt(
                id, revision, value, person, via, event_key, comment, received_at, tuple(facts), break_glass, warrant
            )
        )  # fmt: skip

    async def take(self, attempt: AnswerAttempt) -> Outcome:
        """Like `answer`, with the attempt as one value."""
        return await take(self._store, attempt)

    async def opened(self, id: str, revision: int, *, person: str, via: str) -> None:
        """Record that somebody has opened all of a request, in this revision, which an approval with `read_all`
        requires. Raises `StoreError`.
        """
        await self._store.open_all(id, revision, canonical(person), via)

    async def withdraw(self, id: str, *, person: str, via: str, warrant: Warrant | None = None) -> Outcome:
        """Withdraw an open request for its requester: `RequestWithdrawn` is raised in the node.

        The outcome is `DONE`, or says why not. Raises `StoreError`.
        """
        return await self._store.take_back(id, canonical(person), via, warrant)

    async def reassign(  # noqa: PLR0913 - who hands over to whom, and what is known of both
        self,
        id: str,
        revision: int,
        *,
        person: str,
        via: str,
        to: str,
        facts: Iterable[Fact] = (),
        warrant: Warrant | None = None,
        to_ids: Iterable[str] = (),
        to_facts: Iterable[Fact] = (),
    ) -> Outcome:
        """Ask `to` instead of a person who may answer; that person's own vote no longer counts.

        If the policy limits to whom it may be handed over, `to_facts` are what was looked up about `to`, and `to_ids`
        are all ids of that person. The outcome is `DONE`, or says why not. Raises `InvalidRequest` if `to` names
        nobody, and `StoreError`.
        """
        (entry,) = parse_audience([to])
        directory = self._directory or Directory()
        if not directory.may_be_somebody(entry):
            raise InvalidRequest("to", f"{entry!r} is not a person that sayso knows")
        wish = HandOver(
            id, revision, canonical(person), via, entry, directory.places_of([entry]), tuple(facts), warrant,
            tuple(to_ids), tuple(to_facts),
        )  # fmt: skip
        return await self._store.hand_over(wish)

    async def wait(self, run_id: str) -> ExecutionState:
        """Wait until a run is parked, has ended, or needs attention, and return its state. Raises `UnknownRun`."""
        loop, driver = asyncio.get_running_loop(), self._driver
        while True:
            if driver is not None and driver.loop is loop:
                await driver.at_rest(run_id)  # so that one read suffices
            changed: asyncio.Future[None] = loop.create_future()

            def hear(change: Change, changed: asyncio.Future[None] = changed) -> None:
                if change.status is not WorkflowStatus.RUNNING and not changed.done():
                    changed.set_result(None)

            listener = Listener(loop, hear)
            self._store.hub.listen(listener, run_id=run_id)
            try:
                # Read behind the registration, in the writer's order: either it rests, or a change will be heard.
                state = await self._state(run_id)
                if state.workflow_status is not WorkflowStatus.RUNNING:
                    return state
                await changed
            finally:
                self._store.hub.ignore(listener, run_id=run_id)

    async def pending(self, run_id: str | None = None, limit: int = 1000) -> list[RequestRecord]:
        """The oldest open requests, at most `limit`, of all runs or of one."""
        return await self._store.reader.pending(run_id, limit)

    async def cancel(
        self,
        run_id: str,
        *,
        person: str,
        via: str = CODE,
        event_key: str | None = None,
        warrant: Warrant | None = None,
    ) -> None:
        """Cancel a run with its open requests; its coroutine is stopped. Raises `UnknownRun`, `NotApplicable`.

        Here and below, repeating an `event_key` does nothing again; using it for something else raises `KeyReused`. A
        `warrant` that is no longer valid raises `RightLapsed`.
        """
        await self._store.cancel(run_id, person, via, _command(person, event_key, "cancel", run_id), warrant)

    async def retry(
        self,
        run_id: str,
        *,
        person: str,
        via: str = CODE,
        ask_again: bool = False,
        event_key: str | None = None,
        seen: int | None = None,
        warrant: Warrant | None = None,
    ) -> None:
        """Run the failed visit of a run again: its recorded answers and step results are used again, unless `ask_again`
        opens a new visit. Raises `UnknownRun`, `NotApplicable`, `KeyReused`.

        Here and below, `seen` is the run's `stops` as the person saw it: if it has stopped again since, nothing is done
        and `RunMovedOn` is raised. Without it, the decision applies to the present state.
        """
        command = _command(person, event_key, "retry", run_id, str(ask_again), str(seen))
        await self._store.retry(run_id, person, via, command, ask_again=ask_again, seen=seen, warrant=warrant)

    async def attention(
        self,
        run_id: str,
        action: str,
        *,
        person: str,
        via: str = CODE,
        result: Json | None = None,
        event_key: str | None = None,
        seen: int | None = None,
        warrant: Warrant | None = None,
    ) -> None:
        """Decide about a run that needs attention: `reask`, `accept`, `done` with a result, `again` or `cancel`.

        Raises `UnknownRun`, `KeyReused`, `RunMovedOn`, and `NotApplicable` with the actions that fit.
        """
        text = encode(result, "result", self._store.value_limit) if action == "done" else None
        command = _command(person, event_key, "attention", run_id, action, text, str(seen))
        await self._store.attend(run_id, action, text, person, via, command, seen=seen, warrant=warrant)

    def _running(self) -> Driver:
        if self._driver is None:
            raise StoreClosed(self._store.name)
        return self._driver

    async def _state(self, run_id: str) -> ExecutionState:
        stored = await self._store.state(run_id)
        if stored is None:
            raise UnknownRun(run_id)
        loaded, statuses = stored
        workflow = self._workflows.get(loaded.run.workflow)
        state = state_of_loaded(loaded, () if workflow is None else tuple(workflow.nodes), statuses)
        gone = None if workflow is None else gone_node(workflow, state.workflow_status, state.next_node_id)
        if gone is None:
            return state
        return replace(state, workflow_status=WorkflowStatus.NEEDS_ATTENTION, attention=gone)

    async def _recover(self, driver: Driver) -> None:
        for workflow in self._workflows.values():
            for node_id in await self._store.parked_nodes(workflow.name):
                if node_id not in workflow.nodes:
                    logger.warning(
                        "workflow %s: runs are parked at node %r, which is missing from the loaded code; they need "
                        "attention until it is back",
                        workflow.name,
                        node_id,
                    )
            for run_id in await self._store.runs_to_recover(workflow.name):
                driver.recover(run_id, workflow.name)


def _command(person: str, event_key: str | None, *wanted: str | None) -> CommandKey | None:
    """What makes a repetition known; None without a key."""
    if event_key is None:
        return None
    return CommandKey(person, event_key, _wanted(*wanted))


def _wanted(*wanted: str | None) -> str:
    return digest(encode_sorted(list(wanted)).decode())
