"""Agent frameworks in virtual environments of their own, programs in them, and a service that they ask."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx

from tests.bots.command import environment, sayso
from tests.bots.service_process import ServiceProcess

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).parent / "programs"
EXAMPLES = ROOT / "examples" / "bridges"

DEADLINE = 120.0
"""Seconds for one program: importing a framework takes some on a busy machine."""

SETTINGS = """
[http]
port = {port}
operators = ["token:boss"]
"""


@cache
def virtual_environment(framework: str) -> Path:
    """Where the framework is installed; made by the script where it is missing."""
    made = subprocess.run(
        [ROOT / "scripts" / "bridge-venv", framework], stdout=subprocess.PIPE, text=True, check=True
    )
    return Path(made.stdout.strip())


@dataclass(frozen=True)
class Framework:
    """A framework with the program that runs its example."""

    name: str
    program: str
    example: str

    @property
    def python(self) -> Path:
        return virtual_environment(self.name) / "bin" / "python"


LANGCHAIN = Framework("langgraph", "langchain_program.py", "langchain_agent.py")
PYDANTIC_AI = Framework("pydantic-ai", "pydantic_ai_program.py", "pydantic_ai_agent.py")
OPENAI = Framework("openai-agents", "openai_program.py", "openai_agent.py")


class Program:
    """A program of a framework that runs in a folder; what it prints is its result."""

    def __init__(
        self, python: Path, script: Path, folder: Path, *arguments: str, url: str, token: str, **extra: str
    ) -> None:
        given = environment(PYTHONPATH=str(folder), SAYSO_URL=url, SAYSO_TOKEN=token, **extra)
        self._process = subprocess.Popen(
            [python, script, *arguments],
            cwd=folder,
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def result(self) -> str:
        """What it printed, once it has ended well."""
        said, complaints = self._process.communicate(timeout=DEADLINE)
        assert self._process.returncode == 0, complaints
        return said.strip()

    def last_words(self) -> str:
        """What it said at its end, however it ended: its result, or its error."""
        said, complaints = self._process.communicate(timeout=DEADLINE)
        return (said or complaints).strip().splitlines()[-1]

    def died(self) -> bool:
        """Whether it ended by SIGKILL; waits for its end."""
        self._process.communicate(timeout=DEADLINE)
        return self._process.returncode == -9

    def kill(self) -> None:
        """`kill -9`; harmless when it has ended."""
        self._process.kill()
        self._process.communicate(timeout=DEADLINE)


class Shop:
    """A service, the people who answer, and the folder where programs refund orders."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self._port = port
        (folder / "sayso.toml").write_text(SETTINGS.format(port=port))

    @cached_property
    def _boss(self) -> str:
        return self._token("boss", "operate", "read", "answer")

    @cached_property
    def _agent(self) -> str:
        return self._token("agent", "ask")

    def _token(self, name: str, *scopes: str) -> str:
        """A token made as an operator makes it, once the service has run."""
        wanted = [word for scope in scopes for word in ("--scope", scope)]
        return str(sayso(self.folder, "token", name, *wanted, "--json").json["token"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def serving(self) -> ServiceProcess:
        """The service; enter it."""
        return ServiceProcess(self.folder)

    def deploy(self, framework: Framework, **changes: tuple[str, str]) -> None:
        """Put the framework's example into the folder, with texts replaced by others."""
        source = (EXAMPLES / framework.example).read_text(encoding="utf-8")
        for before, after in changes.values():
            assert before in source
            source = source.replace(before, after)
        (self.folder / framework.example).write_text(source, encoding="utf-8")

    def run(
        self, framework: Framework, what: str, name: str = "order-17", *, url: str | None = None
    ) -> Program:
        """Start the framework's program."""
        return self.start(framework.python, PROGRAMS / framework.program, what, name, url=url)

    def start(
        self, python: Path, script: Path, *arguments: str, url: str | None = None, **extra: str
    ) -> Program:
        """Start a program that asks this service, or what stands before it at `url`; `extra` is its environment."""
        url = url or self.url
        return Program(python, script, self.folder, *arguments, url=url, token=self._agent, **extra)

    @property
    def refunds(self) -> list[str]:
        """What was refunded."""
        ledger = self.folder / "refunds.txt"
        return ledger.read_text().splitlines() if ledger.exists() else []

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A call of somebody who may see and answer everything."""
        headers = {"Authorization": f"Bearer {self._boss}"}
        url = f"{self.url}/api/v1{path}"
        return (
            httpx.request(method, url, json=body, headers=headers, timeout=DEADLINE).raise_for_status().json()
        )

    def open(self, count: int = 1) -> list[dict[str, Any]]:
        """The open requests, once there are so many."""
        deadline = time.monotonic() + DEADLINE
        while len(found := self.call("GET", "/requests")["requests"]) < count:
            assert time.monotonic() < deadline, found
        return list(found)

    def request(self, id: str) -> dict[str, Any]:
        return dict(self.call("GET", f"/requests/{id}"))

    def answer(self, request: dict[str, Any], value: Any = "approve", comment: str | None = None) -> None:
        """Answer as somebody who looked at the request."""
        body = {"revision": request["revision"], "value": value, "comment": comment}
        self.call("POST", f"/requests/{request['id']}/answers", body)


Point = Callable[[str, str, Any], bool]
"""Whether a call is the one: its method, its path, and the JSON of the reply, or None before the call is passed on."""


class Cut:
    """Stands between a program and the service, and says when the program reaches a point. If it `holds`, that call is
    passed on no further, so that the test can kill the program there.
    """

    def __init__(self, url: str, point: Point, *, holds: bool = True) -> None:
        self.reached = threading.Event()
        self._over = threading.Event()
        self._holds = holds
        cut = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def take(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if point(self.command, self.path, None) and cut.holds():
                    return
                passed = {name: self.headers[name] for name in PASSED if name in self.headers}
                reply = httpx.request(self.command, url + self.path, content=body, headers=passed, timeout=90)
                if point(self.command, self.path, reply.json()) and cut.holds():
                    return
                self.send_response(reply.status_code)
                self.send_header("Content-Type", reply.headers["content-type"])
                self.send_header("Content-Length", str(len(reply.content)))
                self.end_headers()
                self.wfile.write(reply.content)

            do_GET = do_POST = do_DELETE = take  # noqa: N815 - http.server names its methods so

            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - http.server's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def holds(self) -> bool:
        """The point is reached; whether the call ends here, after the test is done with it."""
        self.reached.set()
        return self._holds and self._over.wait()

    @contextmanager
    def listening(self) -> Generator[Self]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()


PASSED = ("Authorization", "Content-Type", "Idempotency-Key")


def is_decided(reply: Any) -> bool:
    match reply:
        case {"decision": {"outcome": str()}}:
            return True
        case _:
            return False


def looks(method: str, path: str, reply: Any) -> bool:
    """The program looks at its request for the first time: by then it has kept its state."""
    return method == "GET" and reply is None


def killed_while_waiting(shop: Shop, framework: Framework, *arguments: str) -> dict[str, Any]:
    """Run a program until it waits for people, and kill it; its request."""
    cut = Cut(shop.url, looks)
    with cut.listening(), shop.run(framework, *arguments, url=cut.url) as agent:
        assert cut.reached.wait(DEADLINE)
        agent.kill()
    return shop.open()[0]
