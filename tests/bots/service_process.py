"""`sayso serve` in a process of its own, as an operator runs it."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, ClassVar, Self

import httpx

from tests.bots.command import DEADLINE, SAYSO, environment


class ServiceProcess:
    """A running service. Entering waits until it says where it listens; leaving kills it if it still runs.

    `launcher` is a command that runs the one behind it.
    """

    launcher: ClassVar[tuple[str, ...]] = ()

    def __init__(self, folder: Path, *arguments: str, **extra_environment: str) -> None:
        self._folder = folder
        self._log = folder / "service.log"
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.launcher, SAYSO, "serve", "--json", *arguments],
                cwd=folder,
                env=environment(**extra_environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self.url = ""
        self.socket = Path()

    def __enter__(self) -> Self:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], DEADLINE)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            self.kill()
            raise AssertionError(f"the service did not start:\n{self.log}")
        said = json.loads(line)
        self.url, self.socket = said["url"], Path(said["socket"])
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    @property
    def log(self) -> str:
        """What it has logged so far, and the services in this folder before it."""
        return self._log.read_text()

    def get(self, path: str) -> httpx.Response:
        """Ask its HTTP server."""
        return httpx.get(self.url + path, timeout=DEADLINE)

    def wait_until(self, path: str, holds: Any) -> httpx.Response:
        """Ask its HTTP server again and again until the answer is as wanted."""
        deadline = time.monotonic() + DEADLINE
        while not holds(response := self.get(path)):
            assert time.monotonic() < deadline, f"{response.text}\n{self.log}"
        return response

    def stop(self) -> int:
        """SIGTERM, and wait for its end; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=DEADLINE)

    def kill(self) -> None:
        """`kill -9`; harmless when it has ended."""
        self.process.kill()
        self.process.wait(timeout=DEADLINE)
        if self.process.stdout is not None:
            self.process.stdout.close()
