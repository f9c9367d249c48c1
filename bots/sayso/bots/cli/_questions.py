"""The questions of `sayso init`: answered beforehand, at the terminal, or not at all."""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar

from sayso.adapters.console import visible
from sayso.bots.chats import AnswerUnusable
from sayso.bots.cli._output import Output
from sayso.bots.cli._terminal import Terminal

Found = TypeVar("Found")

FOLDER: Final = Path(".sayso")
"""Where secrets are kept, below the working directory."""


class Asked:
    """The `Questions` of one `sayso init`. Without a terminal, what was not given is refused with how to give it."""

    def __init__(
        self, output: Output, given: Mapping[str, str], patience: timedelta, *, directory: Path
    ) -> None:
        self._output = output
        self._given = given
        self._patience = patience
        self._directory = directory
        self._terminal = Terminal(sys.stdin.fileno()) if output.has_reader else None

    @property
    def patience(self) -> timedelta:
        """See `Questions`."""
        return self._patience

    def say(self, words: str) -> None:
        """See `Questions`."""
        for line in words.split("\n"):
            self._output.say(visible(line))

    def given(self, key: str) -> str | None:
        """See `Questions`."""
        return self._given.get(key)

    async def ask(
        self, key: str, words: str, read: Callable[[str], Awaitable[Found]], *, is_secret: bool = False
    ) -> Found:
        """See `Questions`. A secret comes from the environment, from an earlier `sayso init`, or from the terminal."""
        known = self._secret(key) if is_secret else self.given(key)
        if known is not None:
            return await read(known)
        if self._terminal is None:
            way = f"set {_variable(key)}" if is_secret else f"add --answer {key}=..."
            raise AnswerUnusable(key, f"not given. Without a terminal, {way}.")
        while True:
            answer = await self._line(self._terminal, f"{words}: ", is_hidden=is_secret)
            try:
                found = await read(answer)
            except AnswerUnusable as problem:
                reason = problem.reason
                self._output.say(visible(f"{reason[0].upper()}{reason[1:]}"), "yellow")
                continue
            if is_secret:
                keep_secret(self._directory, key, answer)
            return found

    async def _line(self, terminal: Terminal, words: str, *, is_hidden: bool) -> str:
        with _hidden() if is_hidden else nullcontext():
            self._output.ask(words)
            while not (line := (await terminal.read_line() or "").strip()):
                self._output.ask(words)
        if is_hidden:
            self._output.say("")
        return line

    def _secret(self, key: str) -> str | None:
        if value := os.environ.get(_variable(key), "").strip():
            return value
        file = self._directory / FOLDER / key
        return file.read_text(encoding="utf-8").strip() if file.exists() else None


def kept_secrets(directory: Path, platform: str) -> dict[str, str]:
    """The settings that name the files of a platform's secrets, with those files."""
    files = sorted((directory / FOLDER).glob(f"{platform}.*"))
    return {f"{one.name.partition('.')[2]}_file": str(FOLDER / one.name) for one in files}


def keep_secret(directory: Path, key: str, value: str) -> None:
    """Keep a secret in a file of its own, which only this user can read and git ignores."""
    folder = directory / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    descriptor = os.open(folder / key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{value}\n")


def _variable(key: str) -> str:
    section, _, name = key.partition(".")
    return f"SAYSO_{section.upper()}__{name.upper()}"


@contextmanager
def _hidden() -> Generator[None]:
    """What is typed meanwhile is not shown."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    without = [*before]
    without[3] &= ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSADRAIN, without)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
