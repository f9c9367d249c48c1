"""A server over real HTTP that answers as a test says, or breaks off, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Said:
    """An answer: a JSON value, or bytes as they stand. Without a status, the connection is closed instead."""

    status: int | None
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Heard:
    """A call that came."""

    method: str
    path: str
    key: str | None
    token: str | None
    body: Any


@dataclass
class Script:
    """What the server answers, call by call; the last answer is given again and again."""

    url: str
    answers: Sequence[Said]
    heard: list[Heard] = field(default_factory=list[Heard])


@contextmanager
def scripted(*answers: Said) -> Generator[Script]:
    """The server while inside."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            size = int(self.headers.get("Content-Length", "0"))
            body = json.loads(self.rfile.read(size)) if size else None
            key, token = self.headers.get("Idempotency-Key"), self.headers.get("Authorization")
            said = script.answers[min(len(script.heard), len(script.answers) - 1)]
            script.heard.append(Heard(self.command, self.path, key, token, body))
            if said.status is None:
                self.close_connection = True
                return
            data = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
            self.send_response(said.status)
            for name, value in {**said.headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - names of the standard library

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
            """Nothing: a test reads what was heard."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        script = Script(f"http://127.0.0.1:{server.server_port}", answers)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()


OPEN: dict[str, Any] = {
    "id": "r1",
    "revision": 1,
    "run_id": "run1",
    "node_id": "ask",
    "request_id": "ask",
    "kind": "approval",
    "prompt": "Deploy 4.2?",
    "options": ["approve", "reject"],
    "input_type": "select",
    "schema": None,
    "details": None,
    "rich": [],
    "note": None,
    "to": ["slack:#releases"],
    "reject_reasons": [],
    "requested_by": "token:ci",
    "asked_at": "2026-11-28T10:00:00+00:00",
    "deadline": None,
    "status": "PENDING",
    "answer": None,
    "resolved_at": None,
    "url": None,
    "decision": None,
}
"""An open request, as the service shows it."""


def decided(outcome: str, *, approved: bool) -> dict[str, Any]:
    """A closed request."""
    decision = {
        "outcome": outcome,
        "approved": approved,
        "value": "approve" if approved else None,
        "by": ["person:ana"],
        "comment": None,
        "votes": [],
        "digest": "00",
        "decided_at": "2026-11-28T10:01:00+00:00",
    }
    return OPEN | {"status": "ANSWERED", "decision": decision}


def problem(status: int, kind: str, **more: Any) -> Said:
    """A refusal, as the service words it (RFC 9457)."""
    return Said(status, {"status": status, "kind": kind, "detail": f"{kind} it is", **more})
