"""What both clients make of a service that answers, refuses, breaks off or is another program's."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sayso.client import (
    AlreadyUsed,
    AsyncClient,
    Client,
    Code,
    InvalidAddress,
    KeyReused,
    Link,
    NotApproved,
    Question,
    Refused,
    Request,
    SaysoError,
    Unreachable,
)
from tests.client.either import KINDS, do
from tests.client.scripted import OPEN, Said, decided, problem, scripted

ROOT = Path(__file__).resolve().parents[2]
QUESTION = Question("Deploy 4.2?", to="slack:#releases")
BROKEN = Said(None)

both = pytest.mark.parametrize("kind", KINDS)


@both
def test_a_question_is_asked_with_what_was_said_of_it_and_nothing_else(kind: Any) -> None:
    with scripted(Said(201, OPEN)) as script:
        request = do(kind, script.url, lambda client: client.ask(QUESTION, key="k1"), token="secret")
    assert (request.id, request.is_open, request.approved) == ("r1", True, False)
    [heard] = script.heard
    assert (heard.method, heard.path, heard.key, heard.token) == (
        "POST", "/api/v1/requests", "k1", "Bearer secret",
    )  # fmt: skip
    assert heard.body == {"prompt": "Deploy 4.2?", "to": "slack:#releases"}


@both
def test_a_batch_is_asked_in_one_call_under_one_key_or_a_key_for_each_question(kind: Any) -> None:
    questions = [QUESTION, Question("Migrate?", details={"Command": Code("ls")})]
    said = {"requests": [OPEN, OPEN | {"id": "r2"}]}
    with scripted(BROKEN, Said(201, said)) as script:
        whole = do(kind, script.url, lambda client: client.ask_batch(questions, key="k1"))
        do(kind, script.url, lambda client: client.ask_batch(questions, keys=["a", "b"]))
        do(kind, script.url, lambda client: client.ask_batch(questions))
    assert [one.id for one in whole] == ["r1", "r2"]
    lost, again, each, plain = script.heard
    assert (lost.path, lost.key, lost.body) == ("/api/v1/batches", "k1", again.body)
    bodies = [one.as_body() for one in questions]
    assert again.body == {"requests": bodies}
    assert (each.key, each.body) == (
        None, {"requests": [{**body, "key": key} for body, key in zip(bodies, ("a", "b"), strict=True)]},
    )  # fmt: skip
    assert plain.key


def test_content_is_named_as_such_and_plain_values_are_not() -> None:
    """A detail of somebody's that looks like content stays what it is: a plain value."""
    looks = {"type": "link", "label": "Docs", "url": "https://example.org"}
    question = Question(
        "Run it?", details={"Command": Code("ls", "bash"), "Looks": looks, "See": Link("a", "https://b.org")}
    )
    assert question.as_body()["rich"] == ["Command", "See"]
    assert question.as_body()["details"] == {
        "Command": {"type": "code", "text": "ls", "language": "bash"},
        "Looks": looks,
        "See": {"type": "link", "label": "a", "url": "https://b.org"},
    }


@both
def test_a_call_that_was_not_answered_is_repeated_under_its_key(kind: Any) -> None:
    with scripted(BROKEN, Said(502, b"<html>"), Said(200, b"<html>"), Said(200, OPEN)) as script:
        request = do(kind, script.url, lambda client: client.ask(QUESTION))
    assert request.id == "r1"
    assert len({heard.key for heard in script.heard}) == 1
    assert len(script.heard) == 4


@both
@pytest.mark.parametrize(
    "said",
    [BROKEN, Said(500, b""), Said(200, b"yes"), Said(200, b"\xff"), Said(200, {"approved": True}),
     Said(200, decided("approved", approved=True) | {"decision": {"approved": "yes"}})],
)  # fmt: skip
def test_what_is_no_answer_of_the_service_is_never_a_yes(kind: Any, said: Said) -> None:
    acts: tuple[Callable[[Client], Any], ...] = (
        lambda client: client.request("r1"),
        lambda client: client.wait("r1", timeout=0),
        lambda client: client.consume("r1", key="deploy"),
    )
    with scripted(said) as script:
        for act in acts:
            with pytest.raises(Unreachable):
                do(kind, script.url, act, patience=0)


@both
def test_an_address_without_a_service_is_unreachable(kind: Any, unused_tcp_port: int) -> None:
    with pytest.raises(Unreachable, match="ConnectError"):
        do(kind, f"http://127.0.0.1:{unused_tcp_port}", lambda client: client.ask(QUESTION), patience=0)


@both
@pytest.mark.parametrize(
    ("said", "error", "status"),
    [
        (problem(409, "KeyReused"), KeyReused, 409),
        (problem(409, "NotApproved"), NotApproved, 409),
        (problem(409, "AlreadyUsed"), AlreadyUsed, 409),
        (problem(403, "MissingScope", exit_code=1), Refused, 403),
        (Said(403, b"<html>"), Refused, 403),
        (Said(307, b"", {"Location": "https://other.example"}), Refused, 307),
    ],
)
def test_a_refusal_is_raised_at_once(kind: Any, said: Said, error: type[Refused], status: int) -> None:
    with scripted(said) as script, pytest.raises(error) as refused:
        do(kind, script.url, lambda client: client.consume("r1", key="deploy"))
    assert len(script.heard) == 1
    assert refused.value.status == status
    assert refused.value.exit_code > 0


@both
@pytest.mark.parametrize("key", ["", "freigabe-für-4.2", "deploy\n", " deploy", "k" * 201])
def test_a_key_that_cannot_be_sent_is_refused_before_anything_is(kind: Any, key: str) -> None:
    """A header holds printable ASCII; whatever else were tried again and again, or lost on the way."""
    with scripted(Said(200, OPEN)) as script, pytest.raises(Refused, match="A key is") as refused:
        do(kind, script.url, lambda client: client.ask(QUESTION, key=key))
    assert (refused.value.kind, script.heard) == ("InvalidKey", [])


@pytest.mark.slow
@both
def test_a_refusal_for_now_is_repeated_when_the_service_says_so(kind: Any) -> None:
    busy = Said(429, problem(429, "TooOften").body, {"Retry-After": "1"})
    with scripted(busy, Said(200, OPEN)) as script:
        assert do(kind, script.url, lambda client: client.request("r1")).is_open
    with scripted(problem(503, "StoreFull", exit_code=5)) as script, pytest.raises(Refused) as refused:
        do(kind, script.url, lambda client: client.request("r1"), patience=0.3)
    assert (len(script.heard), refused.value.kind, refused.value.exit_code) == (2, "StoreFull", 5)


@pytest.mark.slow
@both
def test_waiting_goes_on_while_the_service_is_away(kind: Any) -> None:
    yes = Said(200, decided("approved", approved=True))
    with scripted(Said(200, OPEN), BROKEN, problem(503, "StoreError"), Said(200, b"x"), yes) as script:
        request = do(kind, script.url, lambda client: client.wait("r1", timeout=20))
    assert request.approved
    assert {heard.path.partition("?")[0] for heard in script.heard} == {"/api/v1/requests/r1"}


@pytest.mark.slow
@both
def test_time_that_is_over_is_no_answer(kind: Any) -> None:
    with scripted(Said(200, OPEN)) as script:
        request = do(kind, script.url, lambda client: client.wait("r1", timeout=0.5))
    assert (request.is_open, request.approved) == (True, False)
    assert len(script.heard) < 6, "a service that does not wait is not asked in a loop"
    with scripted(Said(200, OPEN), BROKEN) as script, pytest.raises(Unreachable):
        do(kind, script.url, lambda client: client.wait("r1", timeout=0.5))


@both
@pytest.mark.parametrize("outcome", ["rejected", "answered", "expired", "withdrawn", "cancelled"])
def test_only_a_yes_is_a_yes(kind: Any, outcome: str) -> None:
    with scripted(Said(200, decided(outcome, approved=False))) as script:
        request = do(kind, script.url, lambda client: client.wait("r1"))
    assert (request.is_open, request.approved) == (False, False)


@both
def test_a_withdrawal_that_is_repeated_is_harmless(kind: Any) -> None:
    closed = problem(409, "AnswerRefused")
    with scripted(BROKEN, closed, Said(200, decided("withdrawn", approved=False))) as script:
        found = do(kind, script.url, lambda client: client.withdraw("r1"))
    assert found.decision is not None
    assert found.decision.outcome == "withdrawn"
    with scripted(closed, Said(200, decided("approved", approved=True))) as script, pytest.raises(Refused):
        do(kind, script.url, lambda client: client.withdraw("r1"))


@both
def test_each_attempt_to_use_an_approval_is_an_attempt_of_its_own(kind: Any) -> None:
    """What the service tells apart is a repeated call and a second use: one retransmits its key, the other has none."""
    used = {"request": "r1", "key": "deploy", "used_at": "2026-11-28T10:02:00+00:00", "repeated": False}
    with scripted(BROKEN, Said(201, used)) as script:
        assert do(kind, script.url, lambda client: client.consume("r1", key="deploy")).key == "deploy"
        do(kind, script.url, lambda client: client.consume("r1", key="deploy"))
    first, again, second = (heard.key for heard in script.heard)
    assert first == again != second
    assert [heard.body for heard in script.heard] == [{"key": "deploy"}] * 3


@both
def test_open_requests_come_page_by_page(kind: Any) -> None:
    pages = (Said(200, {"requests": [OPEN], "next": 7}), Said(200, {"requests": [OPEN], "next": None}))
    with scripted(*pages) as script:
        assert [one.id for one in do(kind, script.url, lambda client: client.requests())] == ["r1", "r1"]
    assert [heard.path for heard in script.heard] == ["/api/v1/requests?after=0", "/api/v1/requests?after=7"]


@pytest.mark.parametrize(
    ("url", "token", "reason"),
    [(None, None, "not set"), ("", None, "not set"), ("ftp://a", None, "begins with"), ("a:b:c", None, "address"),
     ("localhost:8765", None, "begins with"), ("http://a", "two words", "token")],
)  # fmt: skip
def test_an_address_that_cannot_be_meant_is_refused_before_anything_is_sent(
    url: str | None, token: str | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SAYSO_URL", raising=False)
    monkeypatch.delenv("SAYSO_TOKEN", raising=False)
    for kind in KINDS:
        with pytest.raises(InvalidAddress, match=reason):
            kind(url, token)


def test_the_environment_says_where_the_service_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(Said(200, OPEN)) as script:
        monkeypatch.setenv("SAYSO_URL", f"{script.url}/")
        monkeypatch.setenv("SAYSO_TOKEN", "secret\n")
        with Client() as client:
            client.request("r1/../x")
    assert [(one.path, one.token) for one in script.heard] == [
        ("/api/v1/requests/r1%2F..%2Fx?wait=0.0", "Bearer secret")
    ]


def test_both_clients_have_the_same_calls() -> None:
    def calls(kind: type) -> dict[str, list[tuple[str, Any]]]:
        return {
            name: [(one.name, one.default) for one in inspect.signature(found).parameters.values()]
            for name, found in vars(kind).items()
            if callable(found) and not name.startswith("_") and name.lstrip("a") != "close"
        }

    assert calls(Client) == calls(AsyncClient)


def test_importing_the_client_loads_nothing_else_of_sayso() -> None:
    code = (
        "import sys; known = set(sys.modules); import sayso.client; print(*sorted(set(sys.modules) - known))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True, timeout=30)
    loaded = ran.stdout.split()
    assert {name for name in loaded if name.startswith("sayso.")} == {
        name for name in loaded if name.startswith("sayso.client")
    }
    assert not {"aiosqlite", "fastapi", "jsonschema", "pydantic", "sqlite3", "typer"} & set(loaded)


def test_the_client_is_released_with_sayso_and_needs_two_packages() -> None:
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    client = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert client["version"] == ours["version"]
    assert f"sayso-client=={ours['version']}" in ours["dependencies"]
    assert [one.partition(">")[0] for one in client["dependencies"]] == ["httpx", "msgspec"]
    licence = ROOT / "clients/python/LICENSE"
    assert not licence.is_symlink(), "a link leads nowhere in its source distribution"
    assert licence.read_text(encoding="utf-8") == (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_a_request_is_a_value() -> None:
    with scripted(Said(200, OPEN)) as script, Client(script.url) as client:
        request = client.request("r1")
    assert isinstance(request, Request)
    with pytest.raises(AttributeError):
        request.decision = None  # type: ignore[misc]  # what is refused  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    "error",
    [
        AlreadyUsed("AlreadyUsed", "the approval was used", 409, {"exit_code": 5}),
        Unreachable("connection refused"),
        InvalidAddress("no address"),
    ],
)
def test_an_error_survives_pickling(error: SaysoError) -> None:
    """Engines such as DBOS keep the error of a step, and raise it in another process."""
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
