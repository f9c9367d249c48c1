"""Lines from the terminal, on the event loop.

The terminal stays in its own line mode all the time: a process that is killed leaves nothing behind to be repaired,
and no thread has to be waited for when it ends. The price is that a line is edited with backspace only.
"""

from __future__ import annotations

import asyncio
import os
import termios

LONGEST_LINE = 4094
"""Bytes of a line that Linux takes in line mode, without its end (termios(3), "Canonical and noncanonical mode")."""


class EndOfInput(Exception):
    """The person closed the input (Ctrl-D), or the terminal is gone."""


class LineTooLong(Exception):
    """The terminal may have cut the line off, so that it is no answer."""


class Terminal:
    """Reads one line at a time from a terminal's descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._typed = b""
        self._line: asyncio.Future[str | None] | None = None

    def forget_typed(self) -> None:
        """Throw away what was typed so far: it was meant for something else than what is shown next."""
        self._typed = b""
        termios.tcflush(self._descriptor, termios.TCIFLUSH)

    async def read_line(self) -> str | None:
        """The next line without its end, or None when `interrupt` was called.

        Raises `EndOfInput`, and `LineTooLong` for a line that the terminal may have cut off. Cancelling it leaves
        what was typed where it is.
        """
        loop = asyncio.get_running_loop()
        self._line = loop.create_future()
        loop.add_reader(self._descriptor, self._take)
        try:
            return await self._line
        finally:
            loop.remove_reader(self._descriptor)
            self._line = None

    def interrupt(self) -> None:
        """Have `read_line` return None: what was asked is no longer open."""
        if self._line is not None and not self._line.done():
            self._line.set_result(None)

    def _take(self) -> None:
        line = self._line
        if line is None or line.done():
            return
        try:
            chunk = os.read(self._descriptor, LONGEST_LINE + 2)
        except OSError:
            chunk = b""
        if not chunk:
            line.set_exception(EndOfInput())
            return
        self._typed += chunk
        if not self._typed.endswith(b"\n"):
            return
        typed, self._typed = self._typed[:-1], b""
        if len(typed) >= LONGEST_LINE:
            line.set_exception(LineTooLong())
        else:
            line.set_result(typed.decode(errors="replace"))
