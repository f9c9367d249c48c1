"""`sayso dev` in a process of its own, and the code that its author changes meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import httpx

from tests.bots.command import DEADLINE, SAYSO, environment
from tests.bots.forked import Forked

CODE = """\
from typing import Literal

import msgspec

from sayso.engine import Policy, Stage, Workflow, node, request_approval, request_input, step

FROM_OTHERS = Policy(stages=[Stage(["group:sre", "slack:#releases"], need=2)], exclude_requester=True)


class Release(msgspec.Struct):
    version: str = "4.2.0"


@node
async def ask(shared):
    decision = await request_approval(
        f"Release {shared['version']}?", request_id="release", policy=FROM_OTHERS
    )
    shared["approved"] = decision.approved


@node
async def roll_out(shared):
    shared["share"] = await request_input("How many percent?", input_type="number", to=["person:ana"])


ask - "shared['approved']" > roll_out

workflow = Workflow("release", start=ask, inputs=Release)
"""


def is_running(pid: int) -> bool:
    """Whether a process is there, and not only its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Dev:
    """A `sayso dev` that runs. Entering waits until it says where; leaving kills it if it still runs."""

    def __init__(
        self, folder: Path, *arguments: str, code: str = CODE, is_broken: bool = False, browser: str = ""
    ) -> None:
        self.folder = folder
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        self._log = folder / "dev.log"
        if code:
            self.write(code)
        self._is_broken = is_broken
        read, written = os.pipe()
        self._said = os.fdopen(read, "rb")
        given = environment(TMPDIR=str(self.temporary), BROWSER=browser)
        with Path(os.devnull).open() as nothing, self._log.open("ab") as log:
            streams = (nothing.fileno(), written, log.fileno())
            self.process = Forked(
                (SAYSO, "dev", "release:workflow", "--json", *arguments), folder, given, streams
            )
        os.close(written)
        self.url = self.link = ""
        self.client = httpx.Client(timeout=DEADLINE)

    def __enter__(self) -> Self:
        if not self._is_broken:
            self.open()
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait(DEADLINE)
        self._said.close()
        self.client.close()

    @property
    def log(self) -> str:
        """What it has told its author so far."""
        return self._log.read_text()

    @property
    def server(self) -> int:
        """The process that serves: the first of those that run."""
        return self.children()[0]

    def wait_for_ends(self, processes: Sequence[int]) -> None:
        """Wait until none of these processes runs."""
        self.until(lambda: not any(map(is_running, processes)), "the end of all processes")

    def open(self) -> None:
        """Wait until it says where it is, and sign in with its link."""
        ready, _, _ = select.select([self._said], [], [], DEADLINE)
        line = self._said.readline() if ready else b""
        assert line, self.log
        said = json.loads(line)
        self.url, self.link = said["url"], said["link"]
        self.client.get(self.link, follow_redirects=True).raise_for_status()

    def children(self) -> list[int]:
        """The processes that it has started, and that run."""
        return [
            int(one)
            for one in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]

    def write(self, code: str, name: str = "release.py") -> None:
        """Save a file as many editors do: written beside it, then put in its place."""
        beside = self.folder / f".{name}.part"
        beside.write_text(code)
        beside.replace(self.folder / name)

    def wait_for(self, words: str, times: int = 1) -> None:
        """Wait until it has told its author this, so many times."""
        self.until(lambda: self.log.count(words) >= times, words)

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + DEADLINE
        while not holds():
            assert time.monotonic() < deadline, f"{what} did not come:\n{self.log}"
            select.select([], [], [], 0.05)

    def call(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Call it, and again where no answer comes: what closes a connection has not answered, as pages know too."""
        for _ in range(20):
            with contextlib.suppress(httpx.TransportError):
                return self.client.request(method, self.url + path, **given)
        raise AssertionError(f"no answer from {path}:\n{self.log}")

    def page(self, path: str = "/") -> str:
        """A page, as its author sees it."""
        return self.call("GET", path).text

    def post(self, path: str, body: Any = None) -> Any:
        """Send what a page sends."""
        found = re.search(r'data-csrf="(\w+)"', self.page("/api"))
        assert found is not None
        return self.call("POST", path, json=body, headers={"X-CSRF-Token": found[1]}).json()

    def start(self, key: str = "1") -> str:
        """Start a run on its page; its id."""
        said = self.post("/start/release", {"key": key, "fields": {"field-0": ["4.2.0"]}})
        return str(said["go"]).rpartition("/")[2]

    def question(self, run_id: str) -> dict[str, Any]:
        """The one open question of a run, once it has asked it."""
        self.until(lambda: bool(self._requests(run_id)), "the question")
        (question,) = self._requests(run_id)
        return question

    def wait_for_end(self, run_id: str) -> None:
        """Wait until a run is completed."""
        self.until(lambda: "COMPLETED" in self.page(f"/api/v1/runs/{run_id}"), "the end")

    def _requests(self, run_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", f"/api/v1/requests?run_id={run_id}").json()["requests"]
        return found

    def interrupt(self) -> int:
        """Ctrl-C; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(DEADLINE)
