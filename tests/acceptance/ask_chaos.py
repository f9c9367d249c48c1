"""Programs that ask from outside, while they and the service are killed: what was asked, answered and run."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from sayso.client import Client, Request, SaysoError
from tests.bots.command import SAYSO, environment
from tests.bots.hooks.calls import event
from tests.bots.hooks.stage import Stage

PROGRAM = """
import sys
from sayso.client import AlreadyUsed, Client, NotApproved, Question

name, ran = sys.argv[1:]
with Client(patience=60) as client:
    request = client.ask(Question(f"Task {name}?", to="operator"), key=name)
    client.wait(request.id, timeout=120)
    try:
        client.consume(request.id, key=name)
    except NotApproved:
        sys.exit("no")
    except AlreadyUsed:
        sys.exit("used")
with open(ran, "a") as file:
    file.write(name + "\\n")
"""
RAN, REFUSED, USED = "ran", "refused", "used"


class Account(NamedTuple):
    """What came of it: how often each task ran, what each asker was told last, the yes that people gave, and kills."""

    runs: Counter[str]
    told: dict[str, str]
    approved: set[str]
    cut_off: set[str]
    kills: int

    @property
    def without_a_yes(self) -> list[str]:
        """Tasks that ran though nobody approved them."""
        return [name for name in self.runs if name not in self.approved]

    @property
    def twice(self) -> list[str]:
        """Tasks that ran more than once."""
        return [name for name, count in self.runs.items() if count > 1]

    @property
    def lost(self) -> list[str]:
        """Tasks with a yes that neither ran nor were said to be used up, by an asker that was killed."""
        return [
            name
            for name in self.approved
            if not self.runs[name] and not (self.told[name] == USED and name in self.cut_off)
        ]


class Askers:
    """Programs with the client, `sayso ask` in a shell, and hooks of a coding agent. After a kill each starts again,
    under its key, until it has been told something.
    """

    def __init__(self, stage: Stage, luck: random.Random) -> None:
        self._stage = stage
        self._luck = luck
        self._agent = stage.agent("--wait", "2m")
        self._environment = environment(SAYSO_URL=stage.url, SAYSO_TOKEN=stage.secrets["agent"])
        self.cut_off: set[str] = set()

    @property
    def ran(self) -> Path:
        """The file in which each thing that runs leaves a line."""
        return self._agent.ran

    def carry_out(self, name: str) -> str:
        """Ask until something has been said, and run what may run; what was said."""
        begin = {"client": self._client, "command": self._command, "hook": self._hook}[name.partition("-")[0]]
        kills = self._luck.choice([0, 1, 1, 2])
        while True:
            told = begin(name, self._luck.uniform(0.3, 4.0) if kills else None)
            if told is not None:
                return told
            kills -= 1
            self.cut_off.add(name)

    def _client(self, name: str, lives: float | None) -> str | None:
        return self._process([sys.executable, "-c", PROGRAM, name, str(self.ran)], lives)

    def _command(self, name: str, lives: float | None) -> str | None:
        ask = f'"{SAYSO}" ask "Task {name}?" --to operator --key {name} --wait 2m && echo {name} >> "{self.ran}"'
        return self._process(["bash", "-c", ask], lives)

    def _process(self, command: list[str], lives: float | None) -> str | None:
        process = subprocess.Popen(
            command,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            _, words = process.communicate(timeout=lives)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None
        if process.returncode == 0:
            return RAN
        assert process.returncode == 1, words
        return USED if "used" in words else REFUSED

    def _hook(self, name: str, lives: float | None) -> str | None:
        arguments = {"command": f"make {name}", "description": f"Task {name}?"}
        hook = self._agent.begin(event("Bash", arguments, tool_use_id=name))
        killer = None if lives is None else threading.Timer(lives, self._kill, (hook.process.pid,))
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

    def _kill(self, group: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def ask_chaos(stage: Stage, *, tasks: int, seed: int, lives: tuple[float, float]) -> Account:
    """Have many ask at once, people answer late and twice, and kill both sides; what came of it."""
    luck = random.Random(seed)
    over = threading.Event()
    kills = 0
    asked: dict[str, Request] = {}
    names = [f"{kind}-{number}" for number in range(tasks) for kind in ("client", "command", "hook")]
    askers = Askers(stage, luck)

    def serve() -> None:
        nonlocal kills
        while not over.is_set():
            with stage.serve() as service:
                if not over.wait(luck.uniform(*lives)):
                    service.kill()
                    kills += 1

    with ThreadPoolExecutor(8) as pool:
        serving = pool.submit(serve)
        answering = pool.submit(_answer, stage, luck, over, asked)
        told = dict(zip(names, pool.map(askers.carry_out, names), strict=True))
        over.set()
        serving.result()
        answering.result()
    with stage.serve(), stage.operator() as operator:
        closed = [operator.request(request.id) for request in asked.values()]
    runs = Counter(askers.ran.read_text().split()) if askers.ran.exists() else Counter[str]()
    approved = {_task(request, names) for request in closed if request.approved}
    return Account(runs, told, approved, askers.cut_off, kills)


def _task(request: Request, names: list[str]) -> str:
    """The task that a request is about; the longest name, for one may begin as another does."""
    text = f"{request.prompt} {request.details}"
    return max((name for name in names if name in text), key=len)


def _answer(stage: Stage, luck: random.Random, over: threading.Event, asked: dict[str, Request]) -> None:
    """Answer what is asked: late, and often twice, the second time otherwise."""
    with Client(stage.url, stage.secrets["operator"], patience=2) as operator:
        while not over.wait(0.1):
            try:
                found = operator.requests()
            except SaysoError:
                continue  # the service has just been killed
            for request in found:
                asked[request.id] = request
                if luck.random() < 0.4:
                    continue  # later
                first, second = luck.choice(
                    [("approve", "reject"), ("approve", "approve"), ("reject", "approve")]
                )
                for value in (first, second):
                    _say(operator, request, value)


def _say(operator: Client, request: Request, value: str) -> None:
    body = {"revision": request.revision, "value": value}
    key = f"{request.id} {value} {time.monotonic()}"
    with contextlib.suppress(SaysoError):  # it was answered before, or nobody was heard
        operator.call("POST", f"/api/v1/requests/{request.id}/answers", body=body, key=key)
