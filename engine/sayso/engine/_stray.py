"""Code of others that raises what is meant for the interpreter: it fails what it belongs to, and ends nothing else.

Everything that calls a workflow's code does so inside `contained()`.
"""

from __future__ import annotations

import asyncio
import dis
import threading
from collections.abc import Iterator
from pathlib import Path
from traceback import TracebackException
from types import TracebackType

from sayso.engine.errors import StrayExit

_RAISE = dis.opmap["RAISE_VARARGS"]
_LONGEST_TRACEBACK = 16_000
_OURS = f"{Path(__file__).parent}/"


class contained:  # noqa: N801 - used as `with contained():`
    """Turns what no `except Exception` would catch, and StopIteration, into `StrayExit`.

    Not touched: the cancellation of a task, a coroutine that is closed, and somebody's Ctrl-C.
    """

    __slots__ = ("_task",)

    def __enter__(self) -> None:
        self._task = _running_task()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._is_stray(error):
            raise StrayExit(text_of(error)) from error

    def _is_stray(self, error: BaseException) -> bool:
        if isinstance(error, Exception):
            return isinstance(error, StopIteration)  # no coroutine and no future can hand it on
        if isinstance(error, GeneratorExit):
            return _running_task() is self._task  # whoever closes a coroutine is another task, or none
        if isinstance(error, KeyboardInterrupt):
            return not _is_ctrl_c(error)
        return not isinstance(error, asyncio.CancelledError)


def text_of(error: BaseException) -> str:
    """`Type: message` as text that can be stored, whatever the author's exception says or raises."""
    kind = type(error).__name__
    try:
        text = f"{kind}: {error}"
    except BaseException as broken:  # noqa: BLE001 - __str__ is the author's code
        text = f"{kind}: its text cannot be read ({type(broken).__name__})"
    return text.encode(errors="backslashreplace").decode()


def traceback_of(error: BaseException) -> str:
    """How an error came about, as Python prints it, but only in code that is not sayso's; of a long one both ends."""
    try:
        found = TracebackException.from_exception(error)
        for one in _all_of(found):
            one.stack[:] = [frame for frame in one.stack if not frame.filename.startswith(_OURS)]
        text = "".join(found.format()).encode(errors="backslashreplace").decode()
    except BaseException as broken:  # noqa: BLE001 - what is formatted is the author's code
        return f"{text_of(error)}\n(its traceback cannot be read: {type(broken).__name__})"
    left_out = len(text) - _LONGEST_TRACEBACK
    if left_out <= 0:
        return text
    half = _LONGEST_TRACEBACK // 2
    return f"{text[:half]}\n… {left_out} characters left out …\n{text[-half:]}"


def _all_of(found: TracebackException) -> Iterator[TracebackException]:
    """An error with those that it came from, and those that it holds."""
    left: list[TracebackException | None] = [found]
    while left:
        one = left.pop()
        if one is not None:
            yield one
            left += (one.__cause__, one.__context__, *(one.exceptions or ()))


def _running_task() -> asyncio.Task[object] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None  # no loop runs in this thread


def _is_ctrl_c(error: KeyboardInterrupt) -> bool:
    """Whether it comes from a signal, which interrupts the main thread anywhere, and not from a `raise` of the code."""
    trace = error.__traceback__
    if trace is None or threading.current_thread() is not threading.main_thread():
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    frame = trace.tb_frame
    if frame.f_globals.get("__name__") == "asyncio.runners":
        return True  # its handler of SIGINT
    return frame.f_code.co_code[trace.tb_lasti] != _RAISE
