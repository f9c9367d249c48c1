"""A local GitHub: it lets the app in by its key, and takes reviews of deployments."""

from __future__ import annotations

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sayso.bots.github import signature
from tests.bots.command import DEADLINE

SECRET = "It's a Secret to Everybody"
APP, INSTALLATION, RUN = "Iv23liSaysoTest", 5, "/repos/octo/shop/actions/runs/4242"
REVIEW = f"{RUN}/deployment_protection_rule"
EVENT = Path(__file__).parent / "event.json"
"""An event that npm `@octokit/webhooks-schemas` 7.6.1 finds valid, made from that schema."""

_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = _KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()


class Reviewed(NamedTuple):
    """A review as it came in."""

    path: str
    authorization: str
    body: dict[str, Any]


class GitHub:
    """It answers reviews with the statuses given, the last one for good. `started_at` is when the run began last."""

    def __init__(self, *statuses: int, started_at: str = "2026-01-05T09:00:00Z") -> None:
        self.reviews: queue.Queue[Reviewed] = queue.Queue()
        reviews, left = self.reviews, list(statuses)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                allowed = self.path == RUN and self._authorization == "Bearer ghs_installation"
                self._answer(200 if allowed else 404, {"id": 4242, "run_started_at": started_at})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path == f"/app/installations/{INSTALLATION}/access_tokens":
                    proof = self._authorization.removeprefix("Bearer ")
                    jwt.decode(proof, _KEY.public_key(), algorithms=["RS256"], issuer=APP)
                    assert body == {"permissions": {"actions": "read", "deployments": "write"}}
                    self._answer(201, {"token": "ghs_installation"})
                    return
                self._answer(left.pop(0) if len(left) > 1 else left[0], None)
                reviews.put(Reviewed(self.path, self._authorization, body))

            @property
            def _authorization(self) -> str:
                return str(self.headers["Authorization"])

            def _answer(self, status: int, body: object) -> None:
                sent = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
                """Nothing is written to the test's output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def next(self) -> Reviewed:
        """The next review, once it has come."""
        return self.reviews.get(timeout=DEADLINE)

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def event(self, **changed: Any) -> bytes:
        """The event as this GitHub sends it, with some fields of the deployment changed."""
        event = json.loads(EVENT.read_text())
        event["deployment_callback_url"] = self.url + REVIEW
        event["deployment"].update(changed)
        return json.dumps(event).encode()


def deliver(
    service: str, body: bytes, *, event: str = "deployment_protection_rule", secret: str = SECRET
) -> httpx.Response:
    """Send a webhook, signed with a secret."""
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-Hub-Signature-256": signature(secret, body),
    }
    return httpx.post(f"{service}/hooks/github", content=body, headers=headers, timeout=DEADLINE)


def settings(folder: Path, github: GitHub, *, policy: str | None = None, people: str = "") -> str:
    """The section of an app whose key and secret lie in the folder."""
    (folder / "app.pem").write_text(PEM)
    (folder / "webhook").write_text(SECRET)
    asked = f'policy = "{policy}"' if policy else 'to = ["operator"]'
    return f"""
[github]
app_id = "{APP}"
private_key_file = "{folder / "app.pem"}"
webhook_secret_file = "{folder / "webhook"}"
api_url = "{github.url}"
people = {{ {people} }}

[[github.environments]]
name = "production"
repository = "octo/shop"
{asked}
"""
