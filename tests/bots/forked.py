"""`sayso` in a process of its own that starts in hundredths of a second: forked from one that has the imports done.

Beside those it is a process as any other: its arguments, environment, folder, streams and signals are its own, and it
dies alone. Pages of the documentation run the installed command itself.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_FORKER = Path(__file__).with_name("forker.py")
_MODULES = ("sayso.bots.service", "sayso.bots.slack", "sayso.bots.telegram")
_AT_A_TIME = threading.Lock()


class Forked:
    """A running process. `streams` are open files for standard input, output and error; they stay the caller's.

    `modules` are imported before it is forked, beside those that every service needs.
    """

    def __init__(
        self,
        command: tuple[str, ...],
        folder: Path,
        environment: Mapping[str, str],
        streams: tuple[int, int, int],
        *,
        in_terminal: bool = False,
        modules: tuple[str, ...] = (),
    ) -> None:
        self._line, theirs = socket.socketpair()
        with theirs, _AT_A_TIME:
            socket.send_fds(_forker(), [b"f"], [theirs.fileno(), *streams])
        given = {
            "command": command,
            "folder": str(folder),
            "environment": dict(environment),
            "in_terminal": in_terminal,
            "modules": [*_MODULES, *modules],
        }
        self._line.sendall(json.dumps(given).encode() + b"\n")
        self._said = self._line.makefile("rb", buffering=0)
        self.pid = int(self._said.readline())
        self._code: int | None = None

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; the exit code. Raises `TimeoutError`."""
        code = self._ended(timeout)
        if code is None:
            raise TimeoutError(f"process {self.pid} still runs after {timeout} s")
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal; harmless when it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """`kill -9`; harmless when it has ended."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, within: float | None) -> int | None:
        if self._code is None and select.select([self._line], [], [], within)[0]:
            self._code = int(self._said.readline())
            self._said.close()
            self._line.close()
        return self._code


@cache
def _forker() -> socket.socket:
    """The line to this process's forker, which ends with it."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", str(_FORKER), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    @atexit.register
    def end() -> None:
        ours.close()
        process.wait()

    return ours
