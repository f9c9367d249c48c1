"""The demo's service: a process of its own, so that it can be killed while people are looking."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE
from typing import Self


class ServiceProcess:
    """Runs while it is entered, unless it is killed; then `start` starts it again. Its log is appended to `log`, and
    `changed` is called when it has started or ended.

    Its standard input is a pipe of ours that ends with this process, whatever ends it: by that the command knows that
    it is alone.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        secrets: Mapping[str, str],
        log: Path,
        changed: Callable[[], None],
    ) -> None:
        self.log = log
        self._command = tuple(command)
        self._folder = folder
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SAYSO_")}
        self._environment = {**inherited, **secrets}
        self._changed = changed
        self._group = asyncio.TaskGroup()
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._revived_at: datetime | None = None

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._send(signal.SIGTERM)
        await self._group.__aexit__(None, None, None)  # waits for its end, also where an error leads out

    async def start(self) -> None:
        """Start it where it does not run."""
        async with self._starting:
            if self.is_running:
                return
            was_killed = self.was_killed
            with self.log.open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    cwd=self._folder,
                    env=self._environment,
                    stdin=PIPE,
                    stdout=log,
                    stderr=log,
                )
            self._process = process
            if was_killed:
                self._revived_at = datetime.now(UTC)
            self._group.create_task(self._watch(process))
            self._changed()

    def kill(self) -> None:
        """`kill -9`. Harmless where it does not run."""
        self._send(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """Its process id: the last one, where it does not run."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether there is a process, connected or not."""
        return self._process is not None and self._process.returncode is None

    @property
    def was_killed(self) -> bool:
        """Whether it does not run because of `kill -9`, from wherever that came."""
        return self._process is not None and self._process.returncode == -signal.SIGKILL

    @property
    def revived_at(self) -> datetime | None:
        """When it was last started again after a `kill -9`."""
        return self._revived_at

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        await process.wait()
        self._changed()

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None and self.is_running:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)
