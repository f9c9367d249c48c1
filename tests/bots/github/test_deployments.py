"""Deployments that GitHub holds: each is asked about once, only a yes approves, and only the attempt that was seen."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from sayso.bots.github import Review, UnreadableDeployment, read_deployment, signature
from tests.bots.api.served import ServiceProcess, token, write
from tests.bots.github.github import EVENT, REVIEW, GitHub, deliver, settings

pytestmark = pytest.mark.timeout(180)

API = "https://api.github.com"


def changed(**fields: Any) -> bytes:
    """The event with other fields; those that are None are left out."""
    event = {**json.loads(EVENT.read_text()), **fields}
    return json.dumps({name: value for name, value in event.items() if value is not None}).encode()


def test_a_body_is_signed_as_githubs_documentation_shows() -> None:
    """The example of "Validating webhook deliveries"."""
    expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signature("It's a Secret to Everybody", b"Hello, World!") == expected


def test_an_event_that_githubs_schema_allows_is_read() -> None:
    deployment = read_deployment(EVENT.read_bytes(), API)
    assert (deployment.key, deployment.started_by) == ("gh:4242:production:77", "ana-l")
    assert deployment.question()["details"] == {
        "repository": "octo/shop",
        "environment": "production",
        "ref": "main",
        "commit": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e",
        "started_by": "ana-l",
        "run": {
            "type": "link",
            "label": "Run 4242",
            "url": "https://github.com/octo/shop/actions/runs/4242",
        },
    }
    assert Review.kept(deployment.review.callback(deployment.url).secret) == deployment.review
    assert Review.kept("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        changed(deployment=None),
        changed(installation=None),
        changed(action="completed"),
        *(
            changed(deployment_callback_url=url)
            for url in (
                f"https://evil.example{REVIEW}",
                f"https://api.github.com.evil.example{REVIEW}",
                f"https://api.github.com@evil.example{REVIEW}",
                f"http://api.github.com{REVIEW}",
                f"{API}/repos/octo/other/actions/runs/4242/deployment_protection_rule",
                f"{API}/repos/octo/shop/actions/runs/../deployment_protection_rule",
                f"{API}{REVIEW}?next=1",
            )
        ),
    ],
)
def test_an_event_that_does_not_say_what_waits_where_is_refused(body: bytes) -> None:
    """The app's token goes to the address, so it must belong to the API and to the repository that is shown."""
    with pytest.raises(UnreadableDeployment):
        read_deployment(body, API)


@pytest.fixture
def github() -> Iterator[GitHub]:
    """A GitHub that takes every review."""
    started = GitHub(204)
    yield started
    started.close()


def requests(service: ServiceProcess, operator: str) -> list[dict[str, Any]]:
    """The open requests."""
    headers = {"Authorization": f"Bearer {operator}"}
    found: list[dict[str, Any]] = httpx.get(f"{service.url}/api/v1/requests", headers=headers).json()[
        "requests"
    ]
    return found


def answer(service: ServiceProcess, operator: str, request: dict[str, Any], value: str) -> httpx.Response:
    """Answer a request."""
    return httpx.post(
        f"{service.url}/api/v1/requests/{request['id']}/answers",
        json={"revision": 1, "value": value, "comment": "after the freeze"},
        headers={"Authorization": f"Bearer {operator}"},
        timeout=30,
    )


def until_over(folder: Path) -> list[str | None]:
    """Why each decision was not sent, once nobody tries any more; None for one that was."""
    while True:
        with closing(sqlite3.connect(folder / "sayso.db")) as connection:
            rows = connection.execute("SELECT secret, last_error FROM callbacks ORDER BY run_key").fetchall()
        if all(secret is None for secret, _ in rows):
            return [error for _, error in rows]


@pytest.mark.slow
@pytest.mark.parametrize(("value", "state"), [("approve", "approved"), ("reject", "rejected")])
def test_a_deployment_is_asked_about_once_and_reviewed_as_people_decide(
    tmp_path: Path, github: GitHub, value: str, state: str
) -> None:
    write(tmp_path, more=settings(tmp_path, github))
    with ServiceProcess(tmp_path) as service:
        operator = token(tmp_path, "operator", "operate", "read", "answer")
        statuses = [deliver(service.url, github.event()).status_code for _ in range(2)]
        assert statuses == [201, 200]
        (request,) = requests(service, operator)
        assert request["prompt"] == "Deploy octo/shop to production?"
        assert github.reviews.empty()
        assert answer(service, operator, request, value).status_code == 200
        review = github.next()
        assert (review.path, review.authorization) == (REVIEW, "Bearer ghs_installation")
        assert review.body == {
            "environment_name": "production",
            "state": state,
            "comment": f"{state.capitalize()} in sayso by token:operator: after the freeze",
        }
        assert until_over(tmp_path) == [None]
        assert deliver(service.url, github.event()).status_code == 200
        assert requests(service, operator) == []
    assert github.reviews.empty()


@pytest.mark.slow
def test_what_github_did_not_take_is_sent_again_after_a_kill(tmp_path: Path) -> None:
    github = GitHub(500, 204)
    write(tmp_path, more=settings(tmp_path, github))
    with ServiceProcess(tmp_path) as service:
        operator = token(tmp_path, "operator", "operate", "read", "answer")
        assert deliver(service.url, github.event()).status_code == 201
        service.kill()
    with ServiceProcess(tmp_path) as service:
        (request,) = requests(service, operator)
        answer(service, operator, request, "approve")
        first = github.next()
        service.kill()
    with ServiceProcess(tmp_path):
        assert github.next().body == first.body
        assert until_over(tmp_path) == [None]
    assert github.reviews.empty()
    github.close()


@pytest.mark.slow
def test_a_withdrawn_question_rejects(tmp_path: Path, github: GitHub) -> None:
    write(tmp_path, more=settings(tmp_path, github))
    with ServiceProcess(tmp_path) as service:
        operator = token(tmp_path, "operator", "operate", "read", "answer")
        deliver(service.url, github.event())
        (request,) = requests(service, operator)
        headers = {"Authorization": f"Bearer {operator}"}
        httpx.post(f"{service.url}/api/v1/runs/{request['run_id']}/cancel", headers=headers)
        assert github.next().body["state"] == "rejected"


@pytest.mark.slow
def test_a_yes_to_one_attempt_does_not_approve_the_next(tmp_path: Path) -> None:
    """GitHub reviews whatever attempt of the run waits at that moment."""
    github = GitHub(204, started_at="2026-01-05T10:00:00Z")
    write(tmp_path, more=settings(tmp_path, github))
    with ServiceProcess(tmp_path) as service:
        operator = token(tmp_path, "operator", "operate", "read", "answer")
        assert deliver(service.url, github.event()).status_code == 201
        (first,) = requests(service, operator)
        again = github.event(id=78, created_at="2026-01-05T10:00:09Z")
        assert deliver(service.url, again).status_code == 201
        (second,) = [one for one in requests(service, operator) if one["id"] != first["id"]]
        answer(service, operator, second, "reject")
        assert github.next().body["state"] == "rejected"
        answer(service, operator, first, "approve")
        again_started = "the run was started again, and that attempt is asked about by itself"
        assert until_over(tmp_path) == [again_started, None]
    assert github.reviews.empty()
    github.close()


@pytest.mark.slow
def test_a_deployment_that_was_reviewed_elsewhere_is_over(tmp_path: Path) -> None:
    github = GitHub(422)
    write(tmp_path, more=settings(tmp_path, github))
    with ServiceProcess(tmp_path) as service:
        operator = token(tmp_path, "operator", "operate", "read", "answer")
        deliver(service.url, github.event())
        (request,) = requests(service, operator)
        answer(service, operator, request, "approve")
        assert until_over(tmp_path) == ["it answered 422"]
    github.close()


@pytest.mark.slow
def test_who_started_a_deployment_does_not_approve_it(tmp_path: Path, github: GitHub) -> None:
    policy = '[policies.release]\nexclude_requester = true\n[[policies.release.stages]]\napprovers = ["operator"]\n'
    people = '"Ana-L" = "token:operator"'
    write(tmp_path, more=settings(tmp_path, github, policy="release", people=people) + policy)
    with ServiceProcess(tmp_path) as service:
        operator = token(tmp_path, "operator", "operate", "read", "answer")
        assert deliver(service.url, github.event()).status_code == 201
        (request,) = requests(service, operator)
        assert answer(service, operator, request, "approve").status_code == 403
        stranger = github.event().replace(b'"ana-l"', b'"bob"').replace(b'"id": 77', b'"id": 78')
        refused = deliver(service.url, stranger)
        assert (refused.status_code, refused.json()["kind"]) == (422, "UnknownPerson")
        assert len(requests(service, operator)) == 1


@pytest.mark.slow
def test_nothing_is_asked_for_what_github_did_not_sign_or_nobody_set_up(
    tmp_path: Path, github: GitHub
) -> None:
    write(tmp_path, more=settings(tmp_path, github))
    with ServiceProcess(tmp_path) as service:
        operator = token(tmp_path, "operator", "operate", "read", "answer")
        unsigned = httpx.post(f"{service.url}/hooks/github", content=github.event())
        forged = deliver(service.url, github.event(), secret="guessed")
        assert [unsigned.status_code, forged.status_code] == [401, 401]
        assert deliver(service.url, b'{"zen": "Keep it simple."}', event="ping").status_code == 204
        assert deliver(service.url, github.event(), event="push").status_code == 204
        elsewhere = deliver(service.url, github.event().replace(b'"production"', b'"staging"'))
        assert (elsewhere.status_code, elsewhere.json()["kind"]) == (422, "UnknownEnvironment")
        assert deliver(service.url, b"{}").json()["kind"] == "UnreadableDeployment"
        assert requests(service, operator) == []
