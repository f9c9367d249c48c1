"""A local platform as a server: it listens, forgets nothing, counts what happened, and answers calls or breaks them."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from aiohttp import web

from sayso.testing.platform._clock import LocalClock, News
from sayso.testing.platform._faults import AFTER, SILENT, Call, Fault, FaultKind, FaultPlan, Hold, deliver

MAX_BODY = 50 * 1024 * 1024
State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call was answered: `error` is the words of a refusal, `is_bug` whether a correct bot never gets it."""

    response: web.Response
    given: dict[str, Any]
    error: str | None = None
    is_bug: bool = False


class LocalServer(ABC, Generic[State]):
    """What both local platforms are. `state` is all that a restart keeps, in `state_file` also that of the process."""

    def __init__(self, empty: State, *, port: int, state_file: Path | None) -> None:
        self.problems: list[str] = []
        self.calls: list[Call] = []
        self._port = port
        self._state_file = state_file
        self._news = News()
        self.clock = LocalClock(self.changed)
        self.faults = FaultPlan(self.changed)
        self._holds: list[Hold] = []
        self._is_unsaved = False
        self._revision = 0
        self._runner: web.AppRunner | None = None
        self._state = empty
        if state_file is not None and state_file.exists():
            self._state = msgspec.json.decode(state_file.read_bytes(), type=type(empty))

    # --- life --------------------------------------------------------------------------------------

    @abstractmethod
    def _add_routes(self, app: web.Application) -> None:
        """The platform's own addresses."""

    def _cut(self) -> None:
        """Cut what the end of the server would leave open."""

    async def start(self) -> None:
        """Listen again, on the port of the first time. Harmless when it listens."""
        if self._runner is not None:
            return
        app = web.Application(client_max_size=MAX_BODY)
        self._add_routes(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = runner.addresses[0][1]
        self._runner = runner

    async def stop(self) -> None:
        """Go away: connections are cut, new ones refused. Everything is kept for `start`."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        for site in list(runner.sites):
            await site.stop()
        await asyncio.sleep(
            0
        )  # what was accepted meanwhile becomes a connection, which is then cut like the others
        self._cut()
        await runner.cleanup()
        self._save()

    async def restart(self) -> None:
        """`stop` and `start`: the same port, the same chats, the same of what the bot has not taken yet."""
        await self.stop()
        await self.start()

    @property
    def url(self) -> str:
        """The server's root, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    # --- what happens ------------------------------------------------------------------------------

    def calls_of(self, method: str) -> list[Call]:
        """The calls of one method, oldest first."""
        return [call for call in self.calls if call.method.lower() == method.lower()]

    @property
    def revision(self) -> int:
        """Counts changes of anything that can be seen."""
        return self._revision

    async def until(self, condition: Callable[[], bool], *, by: datetime | None = None) -> None:
        """Wait until the condition holds, or until the server's clock shows `by`. Looked at after every change."""
        while not condition() and (by is None or self.clock.now() < by):
            await self._wait(by)

    def fail(
        self,
        kind: FaultKind,
        method: str | None = None,
        *,
        times: int = 1,
        retry_after: int = 30,
        delay: timedelta = timedelta(seconds=1),
    ) -> None:
        """Let the next calls of `method` (any, if `None`) fail in this way. For a refusal see `refuse`."""
        if kind is FaultKind.REFUSED:
            raise ValueError("refuse() takes what the platform says")
        self.faults.add(Fault(kind, method, times, retry_after, delay))

    def refuse(self, error: str, method: str | None = None, *, times: int = 1) -> None:
        """Refuse the next calls of `method` (any, if `None`) in the platform's own words: in Slack an error's name, in
        Telegram the status and a description, such as `401 Unauthorized`.
        """
        self.faults.add(Fault(FaultKind.REFUSED, method, times, error=error))

    def hold(self, method: str) -> Hold:
        """Let calls of a method hang until the hold is released, as look-ups do on a bad day."""
        self._holds.append(Hold(method, self._news.tell))
        return self._holds[-1]

    def changed(self) -> None:
        """Something has changed."""
        if self._state_file is not None and not self._is_unsaved:
            asyncio.get_running_loop().call_soon(self._save)  # once for all changes of this turn of the loop
        self._is_unsaved = True
        self._revision += 1
        self._news.tell()

    async def _wait(self, by: datetime | None) -> None:
        await self._news.wait(None if by is None else self.clock.real_seconds_until(by))

    def _save(self) -> None:
        if self._state_file is None or not self._is_unsaved:
            return
        new = self._state_file.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(self._state))
        new.replace(self._state_file)
        self._is_unsaved = False

    # --- calls -------------------------------------------------------------------------------------

    @abstractmethod
    async def _answer(self, method: str, request: web.Request) -> Answer:
        """Carry a call out, or refuse it."""

    @abstractmethod
    def _planned(self, fault: Fault) -> Answer | None:
        """The answer of the faults that answer in the platform's own form."""

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        return await self._handle_as(request.match_info["method"], self._answer, request)

    async def _handle_as(
        self, method: str, carry_out: Callable[[str, web.Request], Awaitable[Answer]], request: web.Request
    ) -> web.StreamResponse:
        """Answer a call, with the faults that are planned for a method of this name."""
        received_at = self.clock.now()
        fault = self.faults.take(method)
        answer: Answer | None = None
        given: dict[str, Any] = {}
        if not await self._is_let_through(method, request):
            self.calls.append(Call(method, given, received_at, self.clock.now(), None, None, None))
            self._news.tell()
            return web.Response()
        if fault is None or fault.kind in AFTER:
            answer = await carry_out(method, request)
            given = answer.given
            if answer.is_bug:
                self.problems.append(f"{method}: {answer.error}")
            self._save()
        if fault is not None:
            answer = self._planned(fault) or answer
        silent = fault is not None and fault.kind in SILENT
        status = None if silent or answer is None else answer.response.status
        error = None if answer is None else answer.error
        kind = fault.kind if fault else None
        self.calls.append(Call(method, given, received_at, self.clock.now(), status, error, kind))
        self._news.tell()
        return await deliver(request, None if answer is None else answer.response, fault)

    async def _is_let_through(self, method: str, request: web.Request) -> bool:
        """Whether the caller still waits when no hold keeps the call any more."""
        for hold in [one for one in self._holds if one.method.lower() == method.lower()]:
            if not await hold.keep(request):
                return False
        return True
