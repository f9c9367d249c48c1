"""`sayso serve` in a process of its own, as an operator runs it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import httpx

from tests.bots.command import DEADLINE, SAYSO, environment
from tests.bots.forked import Forked


class ServiceProcess:
    """A running service. Entering waits until it says where it listens; leaving kills it if it still runs."""

    def __init__(self, folder: Path, *arguments: str, **extra_environment: str) -> None:
        self._folder = folder
        self._log = folder / "service.log"
        command = (SAYSO, "serve", "--json", *arguments)
        given = environment(**extra_environment)
        read, written = os.pipe()
        self._said = os.fdopen(read, "rb")
        with Path(os.devnull).open() as nothing, self._log.open("ab") as log:
            streams = (nothing.fileno(), written, log.fileno())
            self.process = self.begin(command, folder, given, streams)
        os.close(written)
        self.url = ""
        self.socket = Path()

    def __enter__(self) -> Self:
        ready, _, _ = select.select([self._said], [], [], DEADLINE)
        line = self._said.readline() if ready else b""
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
        self._said.close()

    @staticmethod
    def begin(
        command: tuple[str, ...], folder: Path, given: dict[str, str], streams: tuple[int, int, int]
    ) -> Forked | subprocess.Popen[bytes]:
        """Start it. `streams` are for standard input, output and error."""
        return Forked(command, folder, given, streams)
