"""A service with somebody who answers, and agents whose hooks ask it."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sayso.bots.client import ServiceClient
from sayso.client import Client, Request
from tests.bots.api.served import token
from tests.bots.command import DEADLINE, sayso
from tests.bots.hooks.agents import FakeAgent
from tests.bots.service_process import ServiceProcess

SETTINGS = """
[http]
port = {port}
operators = ["token:operator"]
{http}

[ask]
to = ["operator"]

[hooks]
rules = [
    {{ answer = "allow", tools = ["Read"] }},
    {{ answer = "deny", commands = ["rm **"], reason = "use git clean" }},
]
"""


@dataclass(frozen=True)
class Stage:
    """A folder with a service. It listens at the same address whenever it runs."""

    folder: Path
    port: int
    secrets: dict[str, str]

    @property
    def url(self) -> str:
        """Where the service listens."""
        return f"http://127.0.0.1:{self.port}"

    def serve(self) -> ServiceProcess:
        """The service, to be entered."""
        return ServiceProcess(self.folder)

    def agent(self, *options: str, name: str = "claude-code", **more: Any) -> FakeAgent:
        """An agent whose hook has been installed; `options` are for `sayso hook install`."""
        ran = sayso(self.folder, "hook", "install", name, *options, HOME=str(self.folder))
        assert ran.code == 0, ran.err
        path = self.folder / (".codex/hooks.json" if name == "codex" else ".claude/settings.json")
        extra = {"SAYSO_URL": self.url, "SAYSO_TOKEN": self.secrets["agent"]} | more.pop("extra", {})
        return FakeAgent(path, self.folder / "ran", extra, is_codex=name == "codex", **more)

    @contextmanager
    def operator(self) -> Generator[Client]:
        """Somebody who sees and answers everything."""
        with Client(self.url, self.secrets["operator"]) as client:
            yield client

    def open(self) -> list[Request]:
        """What is asked now."""
        with self.operator() as client:
            return client.requests()

    def asked(self, count: int = 1) -> list[Request]:
        """What is asked, once as much is."""
        end = time.monotonic() + DEADLINE
        with self.operator() as client:
            after = 0
            while len(found := client.requests()) < count:
                assert time.monotonic() < end, found
                after = int(
                    client.call("GET", "/api/v1/changes", query={"after": after, "wait": 5}, waits=5)["last"]
                )
            return found

    def answer(self, request: Request, value: str = "approve", comment: str | None = None) -> None:
        """Answer what is asked."""
        with ServiceClient.connect(self.url, self.secrets["operator"]) as client:
            outcome = client.answer(request.id, request.revision, value, comment=comment)
        assert outcome.accepted, outcome

    def closed(self, request: Request) -> Request:
        """A request once it is closed."""
        with self.operator() as client:
            found = client.wait(request.id, timeout=DEADLINE)
        assert not found.is_open
        return found


def build(folder: Path, port: int, http: str = "") -> Stage:
    """A stage with the tokens that it needs; the service ran once for them. `http` is added to its settings."""
    (folder / "sayso.toml").write_text(SETTINGS.format(port=port, http=http))
    with ServiceProcess(folder):
        secrets = {
            "agent": token(folder, "agent", "ask"),
            "operator": token(folder, "operator", "operate", "read", "answer"),
        }
    return Stage(folder, port, secrets)
