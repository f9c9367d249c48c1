"""What a visit writes: to the store, or where it is only replayed."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol

from sayso.engine._clock import Clock
from sayso.engine.store._commands import Ask, Asked, Park, Place
from sayso.engine.store._hub import Resolution


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
