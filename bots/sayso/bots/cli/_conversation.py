"""One run, talked through in the terminal: what is open is shown, replies are read, refusals are explained."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from rich.text import Text

from sayso.adapters.console import (
    attention_card,
    audience_words,
    instant_words,
    may_answer_here,
    outcome_words,
    request_card,
    result_card,
    visible_line,
)
from sayso.bots.cli._output import Output
from sayso.bots.cli._reading import QuestionClosed, own_locale, read_reason, read_value
from sayso.bots.cli._terminal import Terminal
from sayso.bots.exit_codes import ExitCode
from sayso.engine import (
    ExecutionState,
    OutcomeKind,
    RequestRecord,
    Runtime,
    Store,
    WorkflowStatus,
    local_person,
)
from sayso.engine.store import Change, Listener

CONSOLE: Final = "console"
"""The surface by which answers in a terminal come in."""

_STATUS_CODES = {
    WorkflowStatus.COMPLETED: ExitCode.OK,
    WorkflowStatus.FAILED: ExitCode.FAILED,
    WorkflowStatus.CANCELLED: ExitCode.FAILED,
}


@dataclass(frozen=True, slots=True)
class Told:
    """How a run stands when the conversation ends."""

    code: ExitCode
    state: ExecutionState


def answer_command(record: RequestRecord, location: str | None) -> str:
    """The command that answers a request; `location` is the database if it must be named."""
    return f"sayso answer {record.id}@{record.revision} VALUE{database_words(location)}"


def database_words(location: str | None) -> str:
    """The option that names a database, where it must be named."""
    return "" if location is None else f" --database {shlex.quote(location)}"


class Conversation:
    """Talks a run through with the person at the terminal; without a terminal it says what to do and ends.

    `location` is the database if commands must name it.
    """

    def __init__(
        self,
        runtime: Runtime,
        store: Store,
        output: Output,
        terminal: Terminal | None,
        *,
        workflow: str,
        location: str | None,
    ) -> None:
        self._runtime = runtime
        self._store = store
        self._output = output
        self._terminal = terminal
        self._workflow = workflow
        self._location = location
        self._voted: set[tuple[str, int]] = set()

    async def hold(self, run_id: str) -> Told:
        """Go on until the run ends, needs an operator, or waits for somebody else.

        Raises `EndOfInput` when the person closes the input, and `StoreError` when an answer could NOT be recorded.
        """
        while True:
            with self._output.foreign_code():
                state = await self._runtime.wait(run_id)
            if state.workflow_status is not WorkflowStatus.WAITING_FOR_INPUT:
                return self._end(state)
            with self._changes(run_id) as changed:
                pending = await self._runtime.pending(run_id)
                if not pending:
                    continue  # answered or expired just now: the run moves
                mine = [record for record in pending if self._waits_for_me(record)]
                if self._terminal is None:
                    await self._list(pending)
                    return Told(ExitCode.WAITING, state)
                if mine:
                    await self._ask(mine[0], self._terminal)
                    continue
                await self._say_who_is_asked(pending)
                if all(record.deadline is None for record in pending):
                    return Told(ExitCode.WAITING, state)
                await changed.wait()

    def _waits_for_me(self, record: RequestRecord) -> bool:
        """Whether the person here may answer, and has not voted on this question already."""
        voted = (record.id, record.revision) in self._voted
        return not voted and may_answer_here(record, local_person(), self._now())

    def _now(self) -> datetime:
        return datetime.now(UTC)

    @contextlib.contextmanager
    def _changes(self, run_id: str) -> Generator[asyncio.Event]:
        """An event that is set when something is committed about a run from now on."""
        changed = asyncio.Event()
        listener = Listener(asyncio.get_running_loop(), lambda _: changed.set())
        self._store.hub.listen(listener, run_id=run_id)
        try:
            yield changed
        finally:
            self._store.hub.ignore(listener, run_id=run_id)

    @contextlib.contextmanager
    def _closing(self, record: RequestRecord, terminal: Terminal) -> Generator[None]:
        """Stop reading a reply when its question is closed by something else, such as its deadline."""

        def hear(change: Change) -> None:
            if change.resolved is not None and change.resolved.request_id == record.id:
                terminal.interrupt()

        listener = Listener(asyncio.get_running_loop(), hear)
        self._store.hub.listen(listener, run_id=record.run_id)
        try:
            yield
        finally:
            self._store.hub.ignore(listener, run_id=record.run_id)

    async def _ask(self, record: RequestRecord, terminal: Terminal) -> None:
        """Show a request and take replies until one is recorded, or the request is closed."""
        question = record.question
        terminal.forget_typed()
        names = await self._names([record])
        self._output.card(request_card(record, self._workflow, self._now(), names))
        if question.read_all:
            await self._runtime.opened(record.id, record.revision, person=local_person(), via=CONSOLE)
        try:
            while True:
                with self._closing(record, terminal):
                    value = await read_value(question, terminal, self._output)
                    comment = await read_reason(record, value, terminal, self._output)
                outcome = await self._runtime.answer(
                    record.id, record.revision, value, person=local_person(), via=CONSOLE, comment=comment
                )
                self._output.show(outcome_words(outcome, question, value, own_locale()))
                if outcome.kind in (OutcomeKind.COUNTED, OutcomeKind.DUPLICATE):
                    self._voted.add((record.id, record.revision))
                if outcome.kind is not OutcomeKind.INVALID:
                    return
        except QuestionClosed:
            self._output.say("")
            self._output.say("This closed while you were typing. Your answer was not recorded.", "yellow")

    async def _names(self, records: Sequence[RequestRecord]) -> dict[str, str]:
        """The names of those who ask and are asked."""
        people = {entry for one in records for entry in (*one.audience, one.requested_by) if entry}
        return await self._store.reader.names_of(sorted(people))

    async def _say_who_is_asked(self, pending: Sequence[RequestRecord]) -> None:
        names = await self._names(pending)
        self._output.say("Waiting for people who can't answer at this terminal:", "yellow")
        for record in pending:
            due = "" if record.deadline is None else f", due {instant_words(record.deadline, self._now())}"
            self._output.say(f"  {visible_line(record.name)}: {audience_words(record, names)}{due}")

    async def _list(self, pending: Sequence[RequestRecord]) -> None:
        """No terminal: show what is open, with the commands that answer it."""
        names = await self._names(pending)
        for record in pending:
            self._output.card(request_card(record, self._workflow, self._now(), names))
            if may_answer_here(record, local_person(), self._now()):
                self._output.say(answer_command(record, self._location))
            else:
                self._output.say(f"Waiting for {audience_words(record, names)}; you can't answer it here.")

    def _end(self, state: ExecutionState) -> Told:
        status = state.workflow_status
        if status is WorkflowStatus.NEEDS_ATTENTION and state.attention is not None:
            self._output.card(attention_card(state.run_id, self._workflow, state.attention))
        elif status is WorkflowStatus.COMPLETED:
            self._output.say(f"Run {state.run_id} completed.", "bold green")
            self._output.card(result_card(state.shared))
        elif status is WorkflowStatus.FAILED:
            place = "" if state.next_node_id is None else f" at {visible_line(state.next_node_id)}"
            self._output.show(Text(f"Run {state.run_id} failed{place}.", "bold red"))
            self._output.say(visible_line(state.error or ""), "red")
            self._output.say(f"To retry, run: sayso retry {state.run_id}{database_words(self._location)}")
        else:
            self._output.say(f"Run {state.run_id} was cancelled.", "yellow")
        return Told(_STATUS_CODES.get(status, ExitCode.WAITING), state)
