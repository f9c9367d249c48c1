"""The process that forks others. Started once for many, it has the imports done that each of them would do anew.

Over the socket that it is given come four files for each process to be: a line to the test, and standard input, output
and error. Down that line comes what to run, as JSON; up it go the process's id, and its exit code in the end.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import io
import json
import os
import runpy
import signal
import socket
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from sayso.bots import cli

_ROOT = Path(__file__).parents[2]
_IN, _OUT, _ERROR = range(3)


def forks(control: socket.socket) -> dict[str, Any] | None:
    """Fork as told. Returns in every fork, with what it is to run, and None where the test has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the test
    while files := socket.recv_fds(control, 1, 4)[1]:
        line, *streams = files
        with os.fdopen(line, "rb", closefd=False) as letter:
            given: dict[str, Any] = json.loads(letter.readline())
        if missing := [one for one in given["modules"] if one not in sys.modules]:
            sys.path.append(str(_ROOT))
            for module in missing:
                importlib.import_module(module)
            sys.path.remove(str(_ROOT))
            gc.freeze()  # what all have in common stays shared
        if os.fork() == 0:
            control.close()
            _keep(line, given, streams)
            return given
        for one in files:
            os.close(one)
        _forget_ended()
    return None


def _keep(line: int, given: dict[str, Any], streams: list[int]) -> None:
    """Returns in the process that is to run. Another stays until that one's end, and tells of it."""
    pid = os.fork()
    if pid == 0:
        _become(given, streams)
        os.close(line)
        return
    for one in streams:
        os.close(one)
    with suppress(BrokenPipeError):  # the test has ended
        os.write(line, f"{pid}\n".encode())
        status = os.waitpid(pid, 0)[1]
        os.write(line, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _forget_ended() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _become(given: dict[str, Any], streams: list[int]) -> None:
    """Be as a process is that was started anew."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if given["in_terminal"]:
        os.setsid()
        fcntl.ioctl(streams[_IN], termios.TIOCSCTTY, 0)
    for number, one in enumerate(streams):
        os.dup2(one, number)
        os.close(one)
    os.chdir(given["folder"])
    os.environ.clear()
    os.environ.update(given["environment"])
    time.tzset()
    sys.stdin, sys.stdout, sys.stderr = (_stream(number) for number in (_IN, _OUT, _ERROR))


def _stream(number: int) -> io.TextIOWrapper:
    """A standard stream as the interpreter makes it."""
    raw = io.FileIO(number, "r" if number == _IN else "w", closefd=False)
    buffered = io.BufferedReader(raw) if number == _IN else io.BufferedWriter(raw)
    errors = "backslashreplace" if number == _ERROR else None
    by_line = number == _ERROR or os.isatty(number)
    return io.TextIOWrapper(buffered, "utf-8", errors, line_buffering=by_line)


def run(command: list[str]) -> None:
    """Run `sayso`, or a script or module of Python's."""
    program, *arguments = command
    if program != sys.executable:
        sys.argv = command
        cli.main()
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        sys.path.insert(0, str(_ROOT))
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path.insert(0, str(Path(arguments[0]).parent))
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__" and (told := forks(socket.socket(fileno=int(sys.argv[1])))) is not None:
    run(told["command"])
