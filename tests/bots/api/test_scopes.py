"""What a token may do: its scopes, call by call, its end, and that no program approves what it asked for."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import Request
from fastapi.routing import APIRoute

from sayso.bots.client import ServiceClient, ServiceRefused
from sayso.bots.http import Act, ApiApp, ApiParts, Caller, Credentials, Feed, RateLimit, Starts
from sayso.bots.http._callers import TokenExpired
from sayso.bots.http._routes import known_caller
from sayso.bots.http._scopes import NEEDS, InvalidScopes, check_scopes
from sayso.engine import (
    Before,
    CardRecord,
    CredentialKind,
    Fact,
    Outcome,
    OutcomeKind,
    Runtime,
    Scope,
    SQLiteStore,
    Warrant,
)
from tests.bots.api.served import ServiceProcess, token, write
from tests.bots.command import sayso
from tests.engine.support import ManualClock

pytestmark = pytest.mark.timeout(180)

CALLS = sorted(NEEDS)


@pytest.fixture
def clock() -> ManualClock:
    """The store's clock."""
    return ManualClock()


@pytest_asyncio.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[SQLiteStore]:
    """A store without a service."""
    async with SQLiteStore(tmp_path / "sayso.db", clock=clock) as opened:
        yield opened


async def nobody(_request: Request) -> Caller:
    raise AssertionError("only the routes are looked at")


async def as_it_is(_before: Before, _caller: Caller, act: Act) -> Outcome:
    return await act((), Warrant())


async def no_successor(_record: CardRecord, _to: str) -> tuple[tuple[str, ...], tuple[Fact, ...]]:
    return (), ()


async def test_every_call_of_the_api_needs_a_scope(store: SQLiteStore) -> None:
    async with Runtime(store, []) as runtime:
        parts = ApiParts(
            runtime,
            store,
            Feed(store),
            RateLimit(1),
            RateLimit(1),
            Starts(runtime, {}, {}),
            as_it_is,
            no_successor,
        )
        app = ApiApp(parts, nobody)
    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    assert {(method, route.path) for route in routes for method in route.methods or ()} == set(NEEDS)
    for route in routes:
        assert [one.call for one in route.dependant.dependencies] == [known_caller], (
            f"{route.path} has to find out who calls, once"
        )
    assert all(NEEDS.values()), "a call that needs no scope is open to every token"


@pytest.fixture
def tokens(service: ServiceProcess, tmp_path: Path) -> Iterator[Callable[[Scope], httpx.Client]]:
    """Clients, each with a token of one scope; `token:operator` for that of operators."""
    made: dict[Scope, httpx.Client] = {}
    stack = contextlib.ExitStack()

    def client(scope: Scope) -> httpx.Client:
        if scope not in made:
            name = "operator" if scope is Scope.OPERATE else f"only-{scope}"
            headers = {"Authorization": f"Bearer {token(tmp_path, name, scope)}"}
            made[scope] = stack.enter_context(httpx.Client(base_url=f"{service.url}/api/v1", headers=headers))
        return made[scope]

    with stack:
        yield client


def test_a_call_is_refused_to_a_token_without_its_scope_and_names_it(
    tokens: Callable[[Scope], httpx.Client],
) -> None:
    """Every call with every scope, against the table."""
    for method, path in CALLS:
        if path == "/events":
            continue  # it does not end
        for scope in Scope:
            address = path.format(run_id="none", request_id="none", sha256="none", grant_id="none")
            answer = tokens(scope).request(method, address, json={})
            refused = answer.status_code == 403 and answer.json()["kind"] == "MissingScope"
            assert refused == (scope not in NEEDS[method, path]), (method, path, scope, answer.text)
            if refused:
                said = answer.json()
                assert said["needed"] == sorted(NEEDS[method, path])
                assert said["scopes"] == [scope]
                assert said["needed"][0] in said["detail"]
    assert tokens(Scope.START).get("/events").json()["kind"] == "MissingScope"


def test_the_description_names_the_scopes_of_each_call(service: ServiceProcess) -> None:
    said = httpx.get(f"{service.url}/api/v1/openapi.json").json()
    told = {
        (method.upper(), path): call
        for path, calls in said["paths"].items()
        for method, call in calls.items()
    }
    assert {key: call["x-scopes"] for key, call in told.items()} == {
        key: sorted(needed) for key, needed in NEEDS.items()
    }
    assert told["POST", "/requests/{request_id}/answers"]["security"] == [{"token": ["answer"]}]
    assert said["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


@pytest.mark.parametrize("size", range(len(Scope) + 1))
def test_no_token_may_both_begin_and_answer(size: int) -> None:
    for scopes in combinations(Scope, size):
        begins_and_answers = Scope.ANSWER in scopes and (Scope.START in scopes or Scope.ASK in scopes)
        try:
            check_scopes(scopes)
        except InvalidScopes:
            assert begins_and_answers or not scopes
        else:
            assert scopes
            assert not begins_and_answers


def test_a_gate_is_not_approved_by_what_began_it(service: ServiceProcess, ci: ServiceClient) -> None:
    """It asked nobody by name, and `operator` was every token."""
    run_id = ci.start("release")
    ci.wait(run_id, 20, until="rests")
    request_id = ci.pending(run_id)[0]["id"]
    with pytest.raises(ServiceRefused, match="lacks the scope answer") as refused:
        ci.answer(request_id, 1, "approve")
    assert (refused.value.kind, refused.value.status, refused.value.needed) == (
        "MissingScope",
        403,
        ("answer",),
    )
    assert ci.request(request_id)["status"] == "PENDING"
    assert service.url


def test_nor_by_a_later_token_of_its_name(service: ServiceProcess, ci: ServiceClient, tmp_path: Path) -> None:
    run_id = ci.start("release", {"to": ["api"]})
    ci.wait(run_id, 20, until="rests")
    request_id = ci.pending(run_id)[0]["id"]
    assert sayso(tmp_path, "revoke", "token:ci").code == 0
    with ServiceClient.connect(service.url, token(tmp_path, "ci", "read", "answer")) as again:
        with pytest.raises(ServiceRefused, match="token:ci requested this"):
            again.answer(request_id, 1, "approve")
        with pytest.raises(ServiceRefused, match="token:ci requested this"):
            again.reassign(request_id, 1, "token:other")
    with ServiceClient.connect(service.url, token(tmp_path, "other", "answer")) as other:
        assert other.answer(request_id, 1, "approve").kind is OutcomeKind.RESOLVED


def test_what_names_nobody_is_for_operators_with_both_scopes(
    service: ServiceProcess, ci: ServiceClient, tmp_path: Path
) -> None:
    run_id = ci.start("release")
    ci.wait(run_id, 20, until="rests")
    request_id = ci.pending(run_id)[0]["id"]
    with ServiceClient.connect(service.url, token(tmp_path, "other", "read", "answer", "operate")) as other:
        assert other.whoami()["operator"] is False, "no settings list it"
        assert other.pending() == []
        assert other.answer(request_id, 1, "approve") == other.answer("0" * 32, 1, "approve")
        assert other.reassign(request_id, 1, "token:x") == other.reassign("0" * 32, 1, "token:x")
        assert other.answer(request_id, 1, "approve").kind is OutcomeKind.UNKNOWN
    with ServiceClient.connect(service.url, token(tmp_path, "operator", "read", "answer")) as listed:
        assert listed.whoami()["operator"] is False, "its token is none of an operator"
        assert listed.pending() == []
        assert listed.answer(request_id, 1, "approve").kind is OutcomeKind.UNKNOWN
    assert sayso(tmp_path, "revoke", "token:operator").code == 0
    with ServiceClient.connect(service.url, token(tmp_path, "operator", "operate", "answer")) as operator:
        assert operator.whoami()["operator"] is True
        assert operator.answer(request_id, 1, "approve").kind is OutcomeKind.RESOLVED


def test_a_token_opens_no_page(service: ServiceProcess, ci: ServiceClient, tmp_path: Path) -> None:
    """The forms of the inbox would answer for it, whatever its scopes."""
    run_id = ci.start("release", {"to": ["api"]})
    ci.wait(run_id, 20, until="rests")
    request_id = ci.pending(run_id)[0]["id"]
    headers = {"Authorization": f"Bearer {token(tmp_path, 'reader', 'read')}"}
    form = {"revision": 1, "key": "k", "fields": {"value": ["0"]}}
    action = {"revision": 1, "key": "k", "action": "withdraw"}
    with httpx.Client(base_url=f"{service.url}/requests/{request_id}", headers=headers) as client:
        for answer in (
            client.post("/answers", json=form),
            client.post("/actions", json=action),
            client.get("/card"),
        ):
            assert (answer.status_code, "Pages are for people" in answer.text) == (403, True)
    assert ci.request(request_id)["status"] == "PENDING"


async def made_long_ago(folder: Path, secret: str) -> None:
    """A token in the database whose end is over."""
    async with SQLiteStore(folder / "sayso.db") as store:
        hashed = hashlib.sha256(secret.encode()).hexdigest()
        until = datetime.now(UTC) - timedelta(minutes=1)
        await store.admit(CredentialKind.TOKEN, hashed, "token:ci", until, [Scope.READ])


def test_an_expired_token_hears_that_it_expired(tmp_path: Path) -> None:
    write(tmp_path)
    asyncio.run(made_long_ago(tmp_path, "old"))
    with ServiceProcess(tmp_path) as service:
        answer = httpx.get(f"{service.url}/api/v1/me", headers={"Authorization": "Bearer old"})
        said = answer.json()
        assert (answer.status_code, said["kind"]) == (401, "TokenExpired")
        assert "The token of token:ci expired on " in said["detail"]
        assert "`sayso token ci` creates a new one" in said["detail"]
        assert "token, expired" in sayso(tmp_path, "access").out
        with ServiceClient.connect(service.url, token(tmp_path, "ci")) as renewed:
            assert renewed.whoami()["person"] == "token:ci"
        again = httpx.get(f"{service.url}/api/v1/me", headers={"Authorization": "Bearer old"})
        assert again.json()["kind"] == "NotSignedIn"


async def test_a_token_that_is_in_use_expires_in_time(store: SQLiteStore, clock: ManualClock) -> None:
    credentials = Credentials(store, [], "web:root")
    secret, until = await credentials.make_token("ci", [Scope.READ], timedelta(days=90))
    assert await credentials.by_token(secret) is not None
    clock.advance(timedelta(days=90, seconds=-1))
    assert await credentials.by_token(secret) is not None
    clock.advance(timedelta(seconds=1))
    for _ in range(2):
        with pytest.raises(TokenExpired) as expired:
            await credentials.by_token(secret)
        assert expired.value.expired_at == until


def test_a_token_is_made_with_scopes_and_an_end(service: ServiceProcess, tmp_path: Path) -> None:
    assert service.url
    made = sayso(tmp_path, "token", "ci", "--json").json
    assert made["scopes"] == ["read", "start"]
    life = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89, hours=23) < life <= timedelta(days=90)
    short = sayso(tmp_path, "token", "short", "--scope", "answer", "--expires", "12h", "--json").json
    assert short["scopes"] == ["answer"]
    assert datetime.fromisoformat(short["expires_at"]) - datetime.now(UTC) <= timedelta(hours=12)
    listed = {one["person"]: one for one in sayso(tmp_path, "access", "--json").json["credentials"]}
    assert listed["token:ci"]["scopes"] == ["read", "start"]
    assert listed["token:ci"]["expires_at"] is not None
    for wrong, words in (
        (("--scope", "start", "--scope", "answer"), "start and answer cannot be combined"),
        (("--scope", "ask", "--scope", "answer"), "ask and answer cannot be combined"),
        (("--expires", "367d"), "must expire within 366 days"),
        (("--expires", "0d"), "must expire within 366 days"),
    ):
        refused = sayso(tmp_path, "token", "other", *wrong)
        assert (refused.code, words in " ".join(refused.err.split())) == (1, True), refused.err
    assert "token:other" not in sayso(tmp_path, "access").out
    service.stop()
    offline = sayso(tmp_path, "token", "other", "--scope", "start", "--scope", "answer")
    assert (offline.code, "cannot be combined" in " ".join(offline.err.split())) == (1, True)
