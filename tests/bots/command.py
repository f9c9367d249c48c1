"""Running `sayso` as people and scripts do: in processes of its own, with and without a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.bots.forked import Forked

SAYSO = str(Path(sys.executable).with_name("sayso"))
DEADLINE = 30.0
_SEQUENCES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


def environment(**extra: str) -> dict[str, str]:
    """This process's environment without what would change the command's behaviour."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SAYSO_") and name != "PYTHONUNBUFFERED"
    }
    return kept | {"TERM": "xterm", "TZ": "UTC"} | extra


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def sayso(cwd: Path, *arguments: str, **extra_environment: str) -> Ran:
    """Run `sayso` to its end, without a terminal."""
    with (
        Path(os.devnull).open() as nothing,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        streams = (nothing.fileno(), out.fileno(), err.fileno())
        process = Forked((SAYSO, *arguments), cwd, environment(**extra_environment), streams)
        try:
            code = process.wait(DEADLINE)
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        return Ran(code, out.read(), err.read())


class TerminalSession:
    """A process in a terminal of its own, driven like a person drives it: wait for words, then type."""

    def __init__(self, cwd: Path, *command: str, width: int = 100, **extra_environment: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))

        self.process = Forked(
            command, cwd, environment(**extra_environment), (slave, slave, slave), in_terminal=True
        )
        os.close(slave)
        self.raw = b""
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    @property
    def text(self) -> str:
        """Everything on the screen so far, without colours."""
        return _plain(self.raw)

    def wait_for(self, *words: str) -> str:
        """Wait until all the words have come since the last wait, in this order; what came until then."""
        start, deadline = self._seen, time.monotonic() + DEADLINE
        for word in words:
            while (found := _plain(self.raw).find(word, self._seen)) < 0:
                if not self._read(deadline):
                    raise AssertionError(
                        f"{word!r} did not come; the screen since:\n{_plain(self.raw)[start:]}"
                    )
            self._seen = found + len(word)
        return _plain(self.raw)[start : self._seen]

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._master, f"{line}\n".encode())

    def press(self, key: str) -> None:
        """Press Ctrl with a letter."""
        os.write(self._master, bytes([ord(key.upper()) - 64]))

    def press_until(self, key: str, words: str) -> None:
        """Press Ctrl with a letter, as often as a person would until the words come: Python's `input` misses a signal
        that arrives between its prompt and its read (the handler runs only when the read returns).
        """
        deadline = time.monotonic() + DEADLINE
        while words not in self.text[self._seen :] and time.monotonic() < deadline:
            self.press(key)
            until = time.monotonic() + 2
            while words not in self.text[self._seen :] and self._read(until):
                pass
        self.wait_for(words)

    def kill(self) -> None:
        """`kill -9`."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> int:
        """Wait for the process's end; its exit code."""
        deadline = time.monotonic() + DEADLINE
        while self._read(deadline):
            pass
        return self.process.wait(timeout=DEADLINE)

    def _read(self, deadline: float) -> bool:
        """Take in what comes next; False at the end or the deadline."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        chunk = b""
        with contextlib.suppress(OSError):  # Linux reports the other side's end as an I/O error
            chunk = os.read(self._master, 65536)
        self.raw += chunk
        return bool(chunk)


def _plain(raw: bytes) -> str:
    return _SEQUENCES.sub(b"", raw).decode(errors="replace").replace("\r\n", "\n")
