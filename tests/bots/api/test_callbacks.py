"""Outgoing webhooks: whoever asked is told when it is over, signed, again after failures and kills, nowhere else."""

from __future__ import annotations

import base64
import json
import queue
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from sayso.bots.service._callbacks import AGAIN_AFTER, sign
from tests.bots.api.served import ServiceProcess, token, write
from tests.bots.command import DEADLINE

pytestmark = pytest.mark.timeout(180)

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


class Message(NamedTuple):
    """A message as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class Receiver:
    """A program's server: it keeps what it is sent, and answers with the statuses given, the last one for good."""

    def __init__(self, *statuses: int, port: int = 0) -> None:
        self.messages: queue.Queue[Message] = queue.Queue()
        left = list(statuses)

        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(left.pop(0) if len(left) > 1 else left[0])
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()
                messages.put(Message({**headers, "path": self.path}, body))

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
                """Nothing is written to the test's output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def next(self) -> Message:
        """The next message, once it has come."""
        return self.messages.get(timeout=DEADLINE)

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that takes what it is sent."""
    started = Receiver(204)
    yield started
    started.close()


def configured(folder: Path, port: int) -> None:
    """A service that may tell the receiver."""
    write(folder, more=f'[ask]\ncallback_hosts = ["127.0.0.1:{port}"]')


def ask(url: str, secret: str, port: int, **question: Any) -> dict[str, Any]:
    """Ask, to be told at the receiver."""
    callback = {"url": f"http://127.0.0.1:{port}/hook", "secret": SECRET}
    body = {"prompt": "Deploy 4.2?", "to": "operator", "callback": callback, **question}
    headers = {"Authorization": f"Bearer {secret}"}
    asked = httpx.post(f"{url}/api/v1/requests", json=body, headers=headers, timeout=30)
    assert asked.status_code == 201, asked.text
    assert SECRET not in asked.text
    request: dict[str, Any] = asked.json()
    return request


def approve(service: ServiceProcess, operator: str, request: dict[str, Any]) -> None:
    """Say yes."""
    said = httpx.post(
        f"{service.url}/api/v1/requests/{request['id']}/answers",
        json={"revision": 1, "value": "approve"},
        headers={"Authorization": f"Bearer {operator}"},
        timeout=30,
    )
    assert said.status_code == 200, said.text


def stored(folder: Path) -> tuple[Any, ...]:
    """What the database says of the one callback."""
    with closing(sqlite3.connect(folder / "sayso.db")) as connection:
        row: tuple[Any, ...] = connection.execute(
            "SELECT secret, attempts, delivered_at IS NOT NULL, last_error FROM callbacks"
        ).fetchone()
        return row


def until_stored(folder: Path, secret: str | None) -> tuple[Any, ...]:
    """The same, once the secret is gone or there."""
    while (found := stored(folder))[0] != secret:
        pass
    return found


def test_a_message_is_signed_as_the_official_library_signs_it() -> None:
    """The id, instant and secret of the examples of Standard Webhooks, signed by `standardwebhooks` 1.0 from PyPI."""
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}'
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_it_is_tried_for_about_a_day() -> None:
    assert 20 * 3600 < sum(one.total_seconds() for one in AGAIN_AFTER) < 24 * 3600


@pytest.mark.slow
def test_whoever_asked_is_told_and_the_secret_goes(tmp_path: Path, receiver: Receiver) -> None:
    configured(tmp_path, receiver.port)
    with ServiceProcess(tmp_path) as service:
        agent, operator = (
            token(tmp_path, "agent", "ask"),
            token(tmp_path, "operator", "operate", "read", "answer"),
        )
        request = ask(service.url, agent, receiver.port)
        approve(service, operator, request)
        message = receiver.next()
        said = json.loads(message.body)
        assert (said["type"], said["data"]["id"]) == ("request.resolved", request["id"])
        assert said["data"]["decision"]["approved"] is True
        assert said["timestamp"] == said["data"]["decision"]["decided_at"]
        at = datetime.fromtimestamp(int(message.headers["webhook-timestamp"]), UTC)
        expected = sign(SECRET, f"msg_{request['id']}", at, message.body)
        assert {name: message.headers[name] for name in expected} == expected
        assert until_stored(tmp_path, None) == (None, 0, 1, None)
        shown = httpx.get(
            f"{service.url}/api/v1/requests/{request['id']}", headers={"Authorization": f"Bearer {agent}"}
        )
        assert SECRET not in shown.text + service.log


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "end", "kind"),
    [
        ({"expires_after": 0.1}, None, "request.expired"),
        ({}, "withdraw", "request.withdrawn"),
        ({}, "cancel", "request.cancelled"),
    ],
)
def test_each_end_has_a_type_and_none_is_a_yes(
    tmp_path: Path, question: dict[str, Any], end: str | None, kind: str
) -> None:
    receiver = Receiver(204)
    configured(tmp_path, receiver.port)
    with ServiceProcess(tmp_path) as service:
        agent, operator = (
            token(tmp_path, "agent", "ask"),
            token(tmp_path, "operator", "operate", "read", "answer"),
        )
        request = ask(service.url, agent, receiver.port, **question)
        url = f"{service.url}/api/v1"
        if end == "withdraw":
            httpx.delete(f"{url}/requests/{request['id']}", headers={"Authorization": f"Bearer {agent}"})
        if end == "cancel":
            headers = {"Authorization": f"Bearer {operator}"}
            assert httpx.post(f"{url}/runs/{request['run_id']}/cancel", headers=headers).status_code == 200
        said = json.loads(receiver.next().body)
        assert (said["type"], said["data"]["decision"]["approved"]) == (kind, False)
    receiver.close()


@pytest.mark.slow
def test_a_key_stands_for_one_secret(tmp_path: Path, receiver: Receiver) -> None:
    """Whoever sends another secret under the key would take the message that comes for a forged one."""
    configured(tmp_path, receiver.port)
    with ServiceProcess(tmp_path) as service:
        headers = {"Authorization": f"Bearer {token(tmp_path, 'agent', 'ask')}", "Idempotency-Key": "deploy"}
        found = [
            httpx.post(
                f"{service.url}/api/v1/requests",
                json={
                    "prompt": "Deploy?",
                    "callback": {"url": f"http://127.0.0.1:{receiver.port}/", "secret": one},
                },
                headers=headers,
                timeout=30,
            ).status_code
            for one in (SECRET, SECRET, f"whsec_{base64.b64encode(bytes(32)).decode()}")
        ]
    assert found == [201, 200, 409]


@pytest.mark.slow
def test_what_failed_is_told_again_under_its_id_also_after_a_kill(tmp_path: Path) -> None:
    receiver = Receiver(500, 500, 204)
    configured(tmp_path, receiver.port)
    with ServiceProcess(tmp_path) as service:
        agent, operator = (
            token(tmp_path, "agent", "ask"),
            token(tmp_path, "operator", "operate", "read", "answer"),
        )
        request = ask(service.url, agent, receiver.port)
        approve(service, operator, request)
        first = receiver.next()
        service.kill()
    with ServiceProcess(tmp_path):
        assert [receiver.next().id, receiver.next().id] == [first.id, first.id]
        assert until_stored(tmp_path, None)[2] == 1
    receiver.close()


@pytest.mark.slow
@pytest.mark.parametrize(("status", "is_over"), [(302, False), (410, True)])
def test_a_redirect_leads_nowhere_and_gone_ends_it(tmp_path: Path, status: int, *, is_over: bool) -> None:
    receiver = Receiver(status)
    configured(tmp_path, receiver.port)
    with ServiceProcess(tmp_path) as service:
        agent, operator = (
            token(tmp_path, "agent", "ask"),
            token(tmp_path, "operator", "operate", "read", "answer"),
        )
        approve(service, operator, ask(service.url, agent, receiver.port))
        assert receiver.next().headers["path"] == "/hook"
        while (found := stored(tmp_path))[3] is None:
            pass
        assert found == (None if is_over else SECRET, 0 if is_over else 1, 0, f"it answered {status}")
    assert receiver.messages.empty()
    receiver.close()
