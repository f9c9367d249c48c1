"""Where a command's words go: people read standard output, machines read one JSON value there.

With `--json`, whatever is said to people goes to standard error.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Generator
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from sayso.adapters.console import visible, visible_line
from sayso.bots.client import ServiceRefused
from sayso.engine import SaysoError

_WIDE = 250
"""The width where no terminal says one: a table in a pipe must not be folded."""

_CARD_WIDTH = 100


class _QuietConsole(Console):
    """A console that leaves a broken pipe to `main`."""

    def on_broken_pipe(self) -> None:
        """Called by rich while it handles the `BrokenPipeError`."""
        raise  # noqa: PLE0704 - the BrokenPipeError that rich is handling


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDE
    return _QuietConsole(
        file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False
    )


class Output:
    """The words of one command."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._people = _console(stderr=as_json)
        self._warnings = _console(stderr=True)

    @property
    def has_reader(self) -> bool:
        """Whether a person at a terminal sees what is shown."""
        return self._people.is_terminal and sys.stdin.isatty()

    @property
    def is_seen(self) -> bool:
        """Whether what is written goes to a terminal, and into no file or journal."""
        return self._people.is_terminal and sys.stdout.isatty()

    def show(self, renderable: RenderableType) -> None:
        """Show people something."""
        self._people.print(renderable)

    def card(self, renderable: RenderableType) -> None:
        """Show people a card, no wider than reads well."""
        self._people.print(renderable, width=min(self._people.width, _CARD_WIDTH))

    def say(self, line: str, style: str = "") -> None:
        """Tell people a line of our own; its parts that others wrote have been made visible."""
        self._people.print(Text(line, style=style), soft_wrap=True)

    def warn(self, line: str) -> None:
        """Tell people on standard error."""
        self._warnings.print(Text(line, style="yellow"), soft_wrap=True)

    def note(self, line: str) -> None:
        """Tell people beside the result, on standard error."""
        self._warnings.print(Text(line, style="dim"), soft_wrap=True)

    def result(self, text: str) -> None:
        """Print the command's result: for a program as it stands, for a terminal with nothing hidden in it."""
        if not self.as_json:
            sys.stdout.write(f"{visible(text) if sys.stdout.isatty() else text}\n")

    def prompt(self, hint: str) -> None:
        """Begin the line on which a reply is typed."""
        self._people.print(Text(f"{hint}: ", style="bold cyan"), end="")
        self._people.file.flush()

    def ask(self, words: str) -> None:
        """Ask people for a line."""
        self._people.print(Text(visible_line(words)), end="")
        self._people.file.flush()

    def value(self, value: Any) -> None:
        """Hand machines the command's result; people were shown it."""
        if self.as_json:
            sys.stdout.write(json.dumps(value) + "\n")
            sys.stdout.flush()  # a service says where it listens, and runs on

    @contextlib.contextmanager
    def foreign_code(self) -> Generator[None]:
        """Code that may print runs meanwhile; with `--json` its output goes to standard error."""
        with contextlib.redirect_stdout(sys.stderr) if self.as_json else contextlib.nullcontext():
            yield


def report_error(error: SaysoError, code: int, *, as_json: bool) -> None:
    """Say what went wrong: one line on standard error, or JSON on standard output."""
    if as_json:
        kind = error.kind if isinstance(error, ServiceRefused) else type(error).__name__
        problem = {"kind": kind, "message": str(error), "exit_code": code}
        sys.stdout.write(json.dumps({"error": problem}) + "\n")
    else:
        _console(stderr=True).print(Text(f"Error: {visible_line(str(error))}", style="red"), soft_wrap=True)
