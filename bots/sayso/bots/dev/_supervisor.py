"""Keeps one process serving the code as it is on disk, or as it last was without an error.

New code is loaded beside the process that serves, which continues meanwhile. Only when it is loaded does the old
process finish what is under way and end; then the new one takes over the database and the address, at which whoever
asks in between waits. Code that cannot be loaded changes nothing but what the pages say.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from msgspec.structs import replace

from sayso.adapters.web import LoadedCode
from sayso.bots.client import ServiceRefused
from sayso.bots.dev._files import Files, Seen
from sayso.bots.dev._messages import Found, Plan, Refused
from sayso.bots.dev._process import CodeProcess, Died

_MOST_ENDS = 5
"""How often it is started again after it ended by itself, before that is left to a change of the code. A run that ends
it is held by the engine at the third time, so this is reached by what happens without any.
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Code is served from now on; `changed` are the files that differ from what was served before."""

    code: LoadedCode
    changed: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """Code cannot be loaded, and why; `code` is what is served meanwhile, if anything is."""

    problem: str
    code: LoadedCode | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The process that served has ended by itself, with this exit code; it is started again, or not until the code
    changes.
    """

    exit_code: int
    is_restarted: bool


Event: TypeAlias = Loaded | Broken | Ended


class Supervisor:
    """Serves a plan on a socket that is bound. `command` runs `serve_code`; `tell` hears what happens."""

    def __init__(
        self, command: Sequence[str], plan: Plan, bound: socket.socket, tell: Callable[[Event], None]
    ) -> None:
        self._command = tuple(command)
        self._plan = plan
        self._bound = bound
        self._tell = tell
        self._files = Files(_folders_of(plan))
        self._seen: Seen = {}
        self._served: Seen = {}
        self._current: CodeProcess | None = None
        self._spare: CodeProcess | None = None
        self._code: LoadedCode | None = None
        self._number = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`. Raises `ServiceRefused` where the first code cannot be served for another reason than an
        error in it: there is no such workflow, or its settings or its database cannot be used.
        """
        ends = 0
        try:
            refused = await self._load(stop)
            if refused is not None and not refused.is_code:
                raise ServiceRefused(refused.kind, refused.text, refused.exit_code)
            while not stop.is_set():
                if refused is not None:
                    await self._report(refused)
                await self._news(stop)
                if stop.is_set():
                    break
                ends = ends + 1 if await self._has_ended(is_restarted=ends < _MOST_ENDS) else 0
                refused = await self._load(stop) if ends <= _MOST_ENDS else None
        finally:
            if self._spare is not None:
                await self._spare.kill()
            if self._current is not None:
                await self._current.stop()

    async def _begin(self) -> CodeProcess:
        """A process that has loaded no code yet: the spare one, which loads it sooner, for sayso is loaded by then."""
        spare, self._spare = self._spare, None
        if spare is not None and spare.exit_code is None:
            return spare
        return await CodeProcess.begin(self._command, self._bound)

    async def _news(self, stop: asyncio.Event) -> None:
        """Wait until the code has changed, the process has ended, or `stop`."""
        waits: list[Coroutine[Any, Any, object]] = [self._files.change(self._seen), stop.wait()]
        if self._current is not None:
            waits.append(self._current.end())
        await _first(waits)

    async def _has_ended(self, *, is_restarted: bool) -> bool:
        """Whether the process has ended by itself; if so, that is told."""
        ended = self._current
        if ended is None or ended.exit_code is None:
            return False
        self._tell(Ended(ended.exit_code, is_restarted))
        await ended.kill()  # with what it has started
        self._current = self._code = None
        return True

    async def _load(self, stop: asyncio.Event) -> Refused | None:
        """Load the code as it is now, and serve it if that can be; None also where it has changed again meanwhile."""
        self._seen = self._files.look()
        candidate = await self._begin()
        try:
            waits = [_outcome(candidate.load(self._plan)), stop.wait(), self._files.change(self._seen)]
            found = (await _first(waits))[0]
            if isinstance(found, Found):
                return await self._take_over(candidate, found)
            return found if isinstance(found, Refused) else None
        finally:
            if candidate is not self._current:
                await candidate.kill()
            if not stop.is_set():
                self._spare = await self._begin()

    async def _take_over(self, candidate: CodeProcess, found: Found) -> Refused | None:
        """Have what has loaded new code serve in the place of what serves."""
        self._watch(found.folders)
        if self._current is not None:
            await self._current.stop()
        self._current, self._code, self._number = None, None, self._number + 1
        now, reference = datetime.now(UTC), self._plan.reference
        code = LoadedCode(
            self._number, candidate.pid, reference, found.workflow, now, findings=found.findings
        )
        refused = await _outcome(candidate.serve(code))
        if isinstance(refused, Refused):
            return refused
        changed = sorted(
            one for one in {*self._seen, *self._served} if self._seen.get(one) != self._served.get(one)
        )
        self._current, self._code, self._served = candidate, code, self._seen
        self._tell(Loaded(code, tuple(changed)))
        return None

    async def _report(self, refused: Refused) -> None:
        """Say why new code is not served."""
        self._watch(refused.folders)
        self._tell(Broken(refused.text, self._code))
        if self._current is not None and self._code is not None:
            self._number += 1
            self._code = replace(self._code, number=self._number, problem=refused.text)
            await self._current.tell(self._code)

    def _watch(self, folders: Sequence[str]) -> None:
        """Watch these folders too; what is in them was loaded just now."""
        self._files = Files(tuple(dict.fromkeys((*self._files.folders, *map(Path, folders)))))
        self._seen = {**self._files.look(), **self._seen}


def _folders_of(plan: Plan) -> tuple[Path, ...]:
    """Where the code is, as far as the plan says."""
    directory = Path(plan.directory)
    module = directory.joinpath(*plan.reference.partition(":")[0].split("."))
    return tuple(dict.fromkeys((directory, module.parent, module)))


async def _outcome(asked: Coroutine[Any, Any, Found | Refused | None]) -> Found | Refused | None:
    """What a process says, or that it died of the code."""
    try:
        return await asked
    except Died as end:
        text = f"The process that loads the code ended by itself ({end})."
        return Refused("Died", text, 1, is_code=True, folders=())


async def _first(waits: Sequence[Coroutine[Any, Any, object]]) -> list[object]:
    """The results of those that end first; None of the others, which are cancelled."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in waits]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        found = [task.result() if task.done() else None for task in tasks]
        for task in tasks:
            task.cancel()
    return found
