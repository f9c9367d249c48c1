"""What the layers above need of a store, cut by who reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from sayso.engine._clock import Clock
from sayso.engine._outcomes import Outcome
from sayso.engine._records import Attention, LoadedRun
from sayso.engine.store._commands import (
    AnswerAttempt,
    Ask,
    Asked,
    CommandKey,
    HandOver,
    NewRun,
    Park,
    Place,
    VisitEnd,
    Warrant,
)
from sayso.engine.store._hub import Hub, Resolution


class VisitStore(Protocol):
    """The writes that a visit makes, and what goes with them.

    A call queues its transaction at once and returns a future of the running loop, which has the result once it is
    committed. Every one may raise `StoreError`; then nothing of it is stored. Cancelling takes nothing back.
    """

    @property
    def clock(self) -> Clock: ...
    @property
    def value_limit(self) -> int: ...

    def ask(self, place: Place, asks: list[Ask], park: Park | None) -> asyncio.Future[Asked | None]: ...
    def park(self, place: Place, wish: Park) -> asyncio.Future[bool]: ...
    def stir(self, place: Place) -> asyncio.Future[None]: ...
    def withdraw(self, place: Place, request_id: str) -> asyncio.Future[Resolution | None]: ...
    def next_attempt(
        self, place: Place, attempt: int, retry_at: datetime, error: str, traceback: str | None = None
    ) -> asyncio.Future[None]: ...
    def begin_step(self, place: Place, name: str, arguments: str) -> asyncio.Future[None]: ...
    def record_step(
        self, place: Place, name: str, arguments: str, result: str, begun_at: datetime | None = None
    ) -> asyncio.Future[None]: ...


class RunStore(VisitStore, Protocol):
    """What drives runs needs beside that."""

    @property
    def hub(self) -> Hub: ...
    @property
    def is_open(self) -> bool: ...

    def define(self, workflow: str, definition: str) -> asyncio.Future[int]: ...
    def load(self, run_id: str) -> asyncio.Future[LoadedRun | None]: ...
    def node_statuses(self, run_id: str) -> asyncio.Future[dict[str, str]]: ...
    def runs_to_recover(self, workflow: str) -> asyncio.Future[list[str]]: ...
    def parked_nodes(self, workflow: str) -> asyncio.Future[list[str]]: ...
    async def next_due(self, run_id: str | None) -> datetime | None: ...
    def set_nodes(self, workflow: str, nodes: Iterable[str] | None) -> None: ...
    def start(self, new: NewRun) -> asyncio.Future[Place]: ...
    def end_visit(self, place: Place, end: VisitEnd) -> asyncio.Future[str | None]: ...
    def hold(self, place: Place, attention: Attention) -> asyncio.Future[bool]: ...
    def hold_run(self, run_id: str, reason: str) -> asyncio.Future[Attention | None]: ...
    def count_start(self, place: Place) -> asyncio.Future[Attention | None]: ...
    def set_aside(self, workflows: Sequence[str], run_id: str | None = None) -> asyncio.Future[None]: ...


class AnswerStore(Protocol):
    """What surfaces and operators need: answers and decisions, each one transaction."""

    @property
    def value_limit(self) -> int: ...

    def answer(self, attempt: AnswerAttempt) -> asyncio.Future[Outcome]: ...
    def answer_all(self, attempts: Sequence[tuple[str, AnswerAttempt]]) -> asyncio.Future[list[Outcome]]: ...
    def act_due(self, run_id: str | None) -> asyncio.Future[int]: ...
    def take_back(
        self, request_id: str, person: str, via: str, warrant: Warrant | None = None
    ) -> asyncio.Future[Outcome]: ...
    def open_all(self, request_id: str, revision: int, person: str, via: str) -> asyncio.Future[None]: ...
    def hand_over(self, wish: HandOver) -> asyncio.Future[Outcome]: ...
    def cancel(
        self,
        run_id: str,
        person: str,
        via: str,
        command: CommandKey | None = None,
        warrant: Warrant | None = None,
    ) -> asyncio.Future[None]: ...
    def retry(
        self,
        run_id: str,
        person: str,
        via: str,
        command: CommandKey | None = None,
        *,
        ask_again: bool,
        seen: int | None = None,
        warrant: Warrant | None = None,
    ) -> asyncio.Future[None]: ...
    def attend(
        self,
        run_id: str,
        action: str,
        result: str | None,
        person: str,
        via: str,
        command: CommandKey | None = None,
        *,
        seen: int | None = None,
        warrant: Warrant | None = None,
    ) -> asyncio.Future[None]: ...
    def started_by(self, command: CommandKey) -> asyncio.Future[str | None]: ...


class Store(RunStore, AnswerStore, Protocol):
    """A store as the engine and the runtime take it."""
