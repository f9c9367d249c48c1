"""A deployment that GitHub holds, as it tells of it, and the question that people are asked: pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime
from typing import Any

import msgspec

from sayso.engine import Callback

_PREFIX = "github:"
_REVIEW = re.compile(
    r"/repos/(?P<repository>[^/]+/[^/]+)/actions/runs/(?P<run>[0-9]+)/deployment_protection_rule"
)


class UnreadableDeployment(Exception):
    """What GitHub sent does not say what is to be deployed where; the message says what is missing."""


class Review(msgspec.Struct, frozen=True):
    """Where a decision goes besides its address: the environment, the app's installation, and when the deployment was
    created, by GitHub's clock. A later attempt of the run is another one.
    """

    environment: str
    installation: int
    created_at: datetime

    def callback(self, url: str) -> Callback:
        """How it is kept with the question."""
        return Callback(url, _PREFIX + msgspec.json.encode(self).decode())

    @classmethod
    def kept(cls, secret: str) -> Review | None:
        """The review that is kept so; None for the secret of a program's webhook."""
        if not secret.startswith(_PREFIX):
            return None
        return msgspec.json.decode(secret.removeprefix(_PREFIX), type=cls)


class Deployment(msgspec.Struct, frozen=True):
    """A deployment that waits for its review at `url`."""

    id: int
    run: str
    repository: str
    page: str
    ref: str
    commit: str
    started_by: str
    url: str
    review: Review

    @property
    def key(self) -> str:
        """The same for each delivery of this event, and another one for each attempt and each job of the run."""
        return f"gh:{self.run}:{self.review.environment}:{self.id}"

    def question(self) -> dict[str, Any]:
        """What people are asked, without who is asked."""
        environment = self.review.environment
        return {
            "prompt": f"Deploy {self.repository} to {environment}?",
            "details": {
                "repository": self.repository,
                "environment": environment,
                "ref": self.ref,
                "commit": self.commit,
                "started_by": self.started_by,
                "run": {"type": "link", "label": f"Run {self.run}", "url": self.page},
            },
            "rich": ["run"],
        }


class _Named(msgspec.Struct):
    login: str


class _Installation(msgspec.Struct):
    id: int


class _Repository(msgspec.Struct):
    full_name: str
    html_url: str


class _Held(msgspec.Struct):
    id: int
    ref: str
    sha: str
    created_at: datetime


class _Event(msgspec.Struct):
    """What is read of `deployment_protection_rule`, as in npm `@octokit/webhooks-schemas` 7.6. GitHub's schema lets
    `deployment` and `installation` be missing; without them nobody can say what is approved.
    """

    action: str
    environment: str
    deployment_callback_url: str
    deployment: _Held
    repository: _Repository
    sender: _Named
    installation: _Installation


def signature(secret: str, body: bytes) -> str:
    """The header `X-Hub-Signature-256` of a body (docs.github.com, "Validating webhook deliveries")."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def read_deployment(body: bytes, api_url: str) -> Deployment:
    """The deployment that an event is about. Raises `UnreadableDeployment`, also for a review that does not belong to
    this API and repository: the app's token would be sent there.
    """
    try:
        event = msgspec.json.decode(body, type=_Event)
    except msgspec.DecodeError as error:
        raise UnreadableDeployment(str(error)) from error
    if event.action != "requested":
        raise UnreadableDeployment(f"its action is {event.action!r}, not 'requested'")
    root = api_url.rstrip("/")
    url = event.deployment_callback_url
    review = _REVIEW.fullmatch(url.removeprefix(root)) if url.startswith(f"{root}/") else None
    if review is None or review["repository"].casefold() != event.repository.full_name.casefold():
        raise UnreadableDeployment(
            f"its deployment_callback_url is not an address of its repository at {root}"
        )
    return Deployment(
        id=event.deployment.id,
        run=review["run"],
        repository=event.repository.full_name,
        page=f"{event.repository.html_url}/actions/runs/{review['run']}",
        ref=event.deployment.ref,
        commit=event.deployment.sha,
        started_by=event.sender.login,
        url=url,
        review=Review(event.environment, event.installation.id, event.deployment.created_at),
    )
