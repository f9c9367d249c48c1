"""The description says what every call takes and returns, and what is returned is that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sayso.bots.http._routes import describe_api
from tests.bots.api.description import Description
from tests.bots.api.served import ServiceProcess, token, write
from tests.bots.api.test_grants import POLICIES
from tests.bots.command import sayso

API: dict[str, Any] = describe_api()
CALLS = [
    (f"{method.upper()} {path}", call)
    for path, calls in API["paths"].items()
    for method, call in calls.items()
]
SCHEMAS: dict[str, Any] = API["components"]["schemas"]


def described(schema: Any, where: str) -> Iterator[str]:
    """The members of objects that no description explains."""
    for name, member in schema.get("properties", {}).items():
        if "description" not in member and member.get("const") is None:
            yield f"{where}.{name}"


@pytest.mark.parametrize(("call", "what"), CALLS, ids=[name for name, _ in CALLS])
def test_a_call_says_what_it_takes_and_returns(call: str, what: dict[str, Any]) -> None:
    """Clients are generated from this: their methods have these names, their results these types."""
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", what["operationId"])
    assert what["summary"]
    assert what["description"].endswith("."), "a docstring of the function says the rest"
    unexplained = [one["name"] for one in what.get("parameters", []) if "description" not in one]
    assert unexplained == []
    taken = {status for status in what["responses"] if status.startswith("2")}
    contents = [one for status in taken for one in what["responses"][status]["content"].items()]
    for media_type, content in contents:
        typed = "$ref" in content["schema"] or media_type != "application/json"
        assert typed, f"{call} needs a model in REPLIES of http/_replies.py"
    problem = {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    for other in what["responses"].keys() - taken:
        assert what["responses"][other]["content"] == {"application/problem+json": problem}
    assert {"401", "403", "503", "default"} <= what["responses"].keys()


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_member_is_explained(name: str) -> None:
    assert SCHEMAS[name]["description"]
    assert list(described(SCHEMAS[name], name)) == []


def test_operations_have_names_of_their_own() -> None:
    names = [what["operationId"] for _, what in CALLS]
    assert len(set(names)) == len(names)


@pytest.mark.slow
def test_what_is_returned_is_as_described(tmp_path: Path) -> None:
    """Every call that returns JSON is made, and no member is missing or undescribed."""
    write(tmp_path, more=POLICIES)
    with ServiceProcess(tmp_path) as service:
        call_everything(service, tmp_path)


def call_everything(service: ServiceProcess, tmp_path: Path) -> None:
    api = Description(service.url)
    with (
        api.client(service.url, token(tmp_path, "operator", "operate", "read", "answer")) as operator,
        api.client(service.url, token(tmp_path, "ci")) as ci,
    ):
        assert {one["name"] for one in ci.get("workflows").json()["workflows"]} == {"release", "trip"}
        assert ci.get("me").json()["person"] == "token:ci"
        styled = [{"value": "approve", "label": "Approve", "style": "primary"}, "reject"]
        shared = {"details": {"Change": "14 commits", "Count": 3}, "options": styled, "fails": True}
        run = f"runs/{ci.post('runs', json={'workflow': 'release', 'shared': shared}).json()['run_id']}"
        ci.get(run, params={"wait": 20, "until": "rests"})
        (asked,) = operator.get("requests").json()["requests"]
        request = f"requests/{asked['id']}"
        assert operator.get(request).json()["status"] == "PENDING"
        for revision, value, outcome in (
            (1, "perhaps", "invalid"), (2, "approve", "superseded"), (1, "approve", "resolved"),
        ):  # fmt: skip
            answer = {"revision": revision, "value": value}
            assert operator.post(f"{request}/answers", json=answer).json()["outcome"] == outcome
        assert ci.get(run, params={"wait": 20}).json()["status"] == "FAILED"
        operator.post(f"{run}/retry", json={"seen": 1, "ask_again": True})
        operator.get(run, params={"wait": 20, "until": "rests"})
        (again,) = ci.get("requests").json()["requests"]
        request, successor = f"requests/{again['id']}", {"revision": again["revision"], "to": "web:ana"}
        assert operator.post(f"{request}/reassignment", json=successor).json()["outcome"] == "done"
        assert ci.post(f"{request}/withdrawal").json()["outcome"] == "done"
        assert ci.get(f"{run}/requests").json()["requests"]
        assert operator.get("runs").json()["runs"]
        assert operator.get("changes").json()["changes"]
        other = ci.post("runs", json={"workflow": "release"}).json()["run_id"]
        assert operator.post(f"runs/{other}/cancel").json() == {"run_id": other}
        assert operator.get("destinations/dead").json() == {"destinations": []}
        assert operator.post("destinations/revive", json={}).json() == {"cards": 0}
        assert operator.post("runs", json={"workflow": "release"}).status_code == 403
        assert ci.get("requests/none").status_code == 404
        with api.client(service.url, token(tmp_path, "agent", "ask")) as agent:
            first, second = (
                agent.post("requests", json={"prompt": one, "to": "operator"}).json() for one in "ab"
            )
            approval = f"requests/{first['id']}"
            yes = {"revision": 1, "value": "approve"}
            assert operator.post(f"{approval}/answers", json=yes).json()["outcome"] == "resolved"
            assert agent.get(approval).json()["decision"]["approved"]
            for status in (201, 200):
                headers = {"Idempotency-Key": "call"}
                used = agent.post(f"{approval}/consumption", json={"key": "job"}, headers=headers)
                assert used.status_code == status
            assert agent.delete(f"requests/{second['id']}").json()["outcome"] == "done"
            grant_and_revoke(agent, operator, tmp_path)
            batch = {"requests": [{"prompt": one, "to": "operator"} for one in "cd"]}
            assert len(agent.post("batches", json=batch).json()["requests"]) == 2
            assert agent.put("files", content=b"plan").json()["size"] == 4
        unfit = {"workflow": "trip", "shared": {"nights": "x"}}
        assert ci.post("runs", json=unfit).status_code == 422
    json_calls = {
        what["operationId"]
        for _, what in CALLS
        if "application/json" in next(iter(what["responses"].values()))["content"]
    }
    assert json_calls - api.called == {"decide_run"}, "which returns what `cancel_run` does"


def grant_and_revoke(agent: httpx.Client, operator: httpx.Client, folder: Path) -> None:
    asked = {"prompt": "Again?", "details": {"Session": "s1"}, "policy": "tools"}
    request = agent.post("requests", json=asked).json()
    address = f"{request['id']}@{request['revision']}"
    assert sayso(folder, "answer", address, "approve", "--grant", "5x").code == 0
    used = agent.post("requests", json=asked).json()
    assert agent.get(f"requests/{used['id']}", params={"wait": 20}).json()["decision"]["votes"]
    (grant,) = operator.get("grants").json()["grants"]
    assert operator.get(f"grants/{grant['id']}").json()["latest_uses"]
    assert operator.delete(f"grants/{grant['id']}").json()["outcome"] == "done"
