"""Each way to ask from outside as a small program that runs its task after a yes. It is killed now and then, and
started again until it has been told something.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from tests.bots.command import SAYSO, environment
from tests.bots.hooks.calls import event
from tests.bots.hooks.stage import Stage
from tests.bridges.frameworks import EXAMPLES, LANGCHAIN, OPENAI, PYDANTIC_AI
from tests.bridges.frameworks import PROGRAMS as FRAMEWORK_PROGRAMS

PROGRAMS = Path(__file__).parent / "programs"
FRAMEWORKS = {"langchain": LANGCHAIN, "pydantic": PYDANTIC_AI, "openai": OPENAI}
LIGHT = ("client", "command", "hook", "stdio", "http")
"""Ways that need no virtual environment of their own; `stdio` and `http` are those of MCP."""
ALL = (*LIGHT, *FRAMEWORKS)

RAN, REFUSED, USED = "ran", "refused", "used"
"""The last that a program is told: its yes, that there is none, or that the yes was used before."""

MOST_STARTS = 12
"""As often as one asker is started; each waits for two minutes."""

UNHEARD = "the sayso service did not answer"
"""What a program says that gave up while the service was away for long; it is started again."""

LASTS, SOON = 0, 1
"""Seconds until a question expires: never, or soon."""


class Askers:
    """All that ask. `cut_off` are the tasks of those that were killed or lost a call on the way."""

    def __init__(self, stage: Stage, luck: random.Random, over: threading.Event) -> None:
        self._stage = stage
        self._over = over
        self._luck = luck
        self._agent = stage.agent("--wait", "2m")
        self._environment = environment(SAYSO_URL=stage.url, SAYSO_TOKEN=stage.secrets["agent"])
        self._begin = {"client": self._client, "command": self._command, "hook": self._hook}
        self.cut_off: set[str] = set()
        self.kills = 0

    def carry_out(self, name: str) -> str:
        """Ask until something has been said, and run what may run; what was said."""
        way = way_of(name)
        begin = self._begin.get(way, self._framework if way in FRAMEWORKS else self._mcp)
        shortest, longest = (1.5, 8.0) if way in FRAMEWORKS else (0.3, 4.0)
        kills = self._luck.choice([0, 1, 1, 2])
        for _ in range(MOST_STARTS):
            if self._over.is_set():
                raise RuntimeError(f"{name} was told nothing before the end")
            told = begin(name, self._luck.uniform(shortest, longest) if kills else None)
            if told is not None:
                return told
            if kills:
                self.cut_off.add(name)
                self.kills += 1
                kills -= 1
        raise RuntimeError(f"{name} was told nothing in {MOST_STARTS} starts")

    @property
    def runs(self) -> Counter[str]:
        """How often each task ran."""
        found = Counter(self._agent.runs)
        for ledger in self._stage.folder.glob("*/refunds.txt"):
            found.update(line.partition(" ")[0] for line in ledger.read_text().splitlines())
        return found

    def _client(self, name: str, lives: float | None) -> str | None:
        script = PROGRAMS / "client_asker.py"
        return self._told([sys.executable, script, name, self._agent.ran, str(expires(name))], name, lives)

    def _command(self, name: str, lives: float | None) -> str | None:
        soon = f"--expires-after {seconds}s" if (seconds := expires(name)) else ""
        ask = f'"{SAYSO}" ask "Task {name}?" --to operator --key {name} --wait 2m {soon}'
        return self._told(["bash", "-c", f'{ask} && echo {name} >> "{self._agent.ran}"'], name, lives)

    def _mcp(self, name: str, lives: float | None) -> str | None:
        script = PROGRAMS / "mcp_asker.py"
        return self._told([sys.executable, script, way_of(name), name, self._agent.ran, SAYSO], name, lives)

    def _told(self, command: list[Any], name: str, lives: float | None) -> str | None:
        """What a program that leaves its lines itself was told."""
        ended = self._process(command, self._stage.folder, lives)
        if ended is None:
            return None
        if ended.returncode == 0:
            return RAN
        if "broken off" in ended.stderr or UNHEARD in ended.stderr:
            self.cut_off.add(name)
        if UNHEARD in ended.stderr:
            return None
        assert ended.returncode == 1, ended.stderr
        return USED if "used" in ended.stderr else REFUSED

    def _framework(self, name: str, lives: float | None) -> str | None:
        """An agent; what its model heard is what it was told. Where it gave up, it is started again."""
        framework = FRAMEWORKS[way_of(name)]
        folder = self._stage.folder / name
        folder.mkdir(exist_ok=True)
        shutil.copy(EXAMPLES / framework.example, folder)
        command = [framework.python, FRAMEWORK_PROGRAMS / framework.program, "serve", name, name]
        ended = self._process(command, folder, lives, PYTHONPATH=str(folder))
        if ended is None:
            return None
        if ended.returncode != 0:
            assert UNHEARD in ended.stderr, ended.stderr
            self.cut_off.add(name)
            return None
        if "was not run again" in ended.stdout:
            return USED
        return REFUSED if "was not run" in ended.stdout else RAN

    def _process(
        self, command: list[Any], folder: Path, lives: float | None, **extra: str
    ) -> subprocess.CompletedProcess[str] | None:
        """A program once it has ended, or None if it was killed because it lived longer than it might."""
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=self._environment | extra,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            said, words = process.communicate(timeout=lives)
        except subprocess.TimeoutExpired:
            _kill(process.pid)
            process.communicate()
            return None
        return subprocess.CompletedProcess(command, process.returncode, said, words)

    def _hook(self, name: str, lives: float | None) -> str | None:
        arguments = {"command": f"make {name}", "description": f"Task {name}?"}
        hook = self._agent.begin(event("Bash", arguments, tool_use_id=name))
        killer = None if lives is None else threading.Timer(lives, _kill, (hook.process.pid,))
        if killer is not None:
            killer.start()
        used = hook.end()
        if killer is not None:
            killer.cancel()
            killer.join()
        if used.outcome == RAN:
            return RAN
        if "has been used" in used.words:
            return USED
        return REFUSED if used.words.startswith(("Rejected", "Expired", "Withdrawn")) else None


def way_of(name: str) -> str:
    """The way by which a task is asked for."""
    return name.partition("-")[0]


def expires(name: str) -> int:
    """When the question of a task expires, of those who may say so."""
    return SOON if int(name.partition("-")[2]) % 4 == 1 else LASTS


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
