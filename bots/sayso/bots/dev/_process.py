"""One process that serves code, as its supervisor sees it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Sequence
from typing import Self

from sayso.adapters.web import LoadedCode
from sayso.bots.dev._messages import LONGEST, SAID, Found, Plan, Refused, Serving, line, read_line

_ENDS_WITHIN = 5.0
"""Seconds that it has for finishing what is under way; then it is killed, which is as safe."""


class Died(Exception):
    """It ended by itself."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}")


class CodeProcess:
    """Has loaded code, or waits for what to load. It leads a group of processes of its own: Ctrl-C in the terminal is
    for its supervisor alone, and what the code has started ends with it.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def begin(cls, command: Sequence[str], bound: socket.socket) -> Self:
        """Start one. `command` runs `serve_code`, which serves on a socket that is bound."""
        ours, theirs = socket.socketpair()
        with theirs:
            given = (str(theirs.fileno()), str(bound.fileno()))
            process = await asyncio.create_subprocess_exec(
                *command, *given,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), bound.fileno()),
                process_group=0,
            )  # fmt: skip
        reader, writer = await asyncio.open_connection(sock=ours, limit=LONGEST)
        return cls(process, reader, writer)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """What it ended with; a negative number is that of a signal. None while it runs."""
        return self._process.returncode

    async def load(self, plan: Plan) -> Found | Refused:
        """Have it load the code; what came of that. Raises `Died`."""
        await self._tell(plan)
        said = await self._said()
        assert not isinstance(said, Serving)
        return said

    async def serve(self, code: LoadedCode) -> Refused | None:
        """Have it serve; None once it does. Raises `Died`."""
        await self.tell(code)
        said = await self._said()
        return said if isinstance(said, Refused) else None

    async def tell(self, code: LoadedCode) -> None:
        """Have its pages say something else of the code. Nothing, where it has ended."""
        await self._tell(code)

    async def end(self) -> int:
        """Wait for its end; the exit code."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Have it finish what is under way, and end. Stopping twice is harmless."""
        self._send(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.end(), _ENDS_WITHIN)
        await self.kill()

    async def kill(self) -> None:
        """End it at once, with all that the code has started. Killing twice is harmless."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        await self.end()
        self._writer.close()

    async def _tell(self, message: Plan | LoadedCode) -> None:
        with contextlib.suppress(ConnectionError):
            self._writer.write(line(message))
            await self._writer.drain()

    def _send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _said(self) -> Found | Refused | Serving:
        said = await read_line(self._reader)
        if not said:
            raise Died(await self.end())
        return SAID.decode(said)
