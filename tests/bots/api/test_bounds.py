"""A token that asks can be bound: its program chooses no weaker policy, nobody of its own, and no other workflow, by
whichever way it asks.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from sayso.client import Client, Question, Refused
from tests.bots.api.one_service import calling, one_service
from tests.bots.api.served import ServiceProcess
from tests.bots.command import sayso
from tests.bots.hooks.calls import event
from tests.bots.mcp.agents import call, over_http

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SETTINGS = """
mcp = true

[ask]
to = ["web:eve"]

[hooks]
policy = "quick"

[policies.release]
[[policies.release.stages]]
approvers = ["web:ana", "web:bo"]
need = 2

[policies.quick]
[[policies.quick.stages]]
approvers = ["web:eve"]
"""


folder, service = one_service(SETTINGS)


@pytest.fixture(scope="module")
def released(service: ServiceProcess, folder: Path) -> str:
    """The token of an agent that asks with the policy `release` alone."""
    return bound(folder, "agent", "--scope", "ask", "--policy", "release")


def bound(folder: Path, name: str, *options: str) -> str:
    """A token made as an operator makes it."""
    made = sayso(folder, "token", name, *options, "--json")
    assert made.code == 0, made.err
    return str(made.json["token"])


def who(request: dict[str, Any]) -> list[str]:
    """Whom a request asks."""
    return sorted(request["to"])


def test_a_question_gets_the_only_policy_and_no_other(service: ServiceProcess, released: str) -> None:
    """Not even the default of the settings asks somebody else."""
    with calling(service, released) as agent:
        bounds = {"policies": ["release"], "to": [], "workflows": []}
        assert agent.get("/me").json()["bounds"] == bounds
        named: dict[str, Any] = {"policy": "release"}
        for given in ({}, named):
            asked = agent.post("/requests", json={"prompt": "Release?", **given})
            assert asked.status_code == 201, asked.text
            assert who(asked.json()) == ["web:ana", "web:bo"]
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"policy": "quick"}, "may not ask with the policy 'quick'"),
            ({"policy": "release", "to": ["web:eve"]}, "may not ask web:eve"),
            ({"to": "web:eve"}, "may not ask web:eve"),
            ({"kind": "input", "to": ["web:eve"]}, "may not ask web:eve"),
        ]
        for given, words in wrong:
            refused = agent.post("/requests", json={"prompt": "Release?", **given}).json()
            assert (refused["status"], refused["kind"]) == (403, "OutOfBounds"), given
            assert words in refused["detail"]
            assert "Its token allows policy release, and nothing else." in refused["detail"]
            assert refused["bounds"] == bounds
        key = {"Idempotency-Key": "once"}
        first = agent.post("/requests", json={"prompt": "Release?"}, headers=key)
        again = agent.post("/requests", json={"prompt": "Release?"}, headers=key)
        assert (first.status_code, again.status_code, again.json()["id"]) == (201, 200, first.json()["id"])


def test_of_several_policies_a_question_names_one(service: ServiceProcess, folder: Path) -> None:
    secret = bound(folder, "several", "--scope", "ask", "--policy", "release", "--policy", "quick")
    with calling(service, secret) as agent:
        refused = agent.post("/requests", json={"prompt": "Release?"}).json()
        assert refused["kind"] == "OutOfBounds"
        assert "must name a policy. Its token allows policy release, quick" in refused["detail"]
        assert agent.post("/requests", json={"prompt": "Release?", "policy": "quick"}).status_code == 201


def test_a_question_asks_those_whom_the_token_names(service: ServiceProcess, folder: Path) -> None:
    """A name on the web has one form, here as well."""
    secret = bound(folder, "named", "--scope", "ask", "--to", "web:Ana", "--to", "web:bo")
    with calling(service, secret) as agent:
        asked = agent.post("/requests", json={"prompt": "Release?"}).json()
        assert who(asked) == ["web:ana", "web:bo"]
        assert who(agent.post("/requests", json={"prompt": "Release?", "to": "web:ANA"}).json()) == [
            "web:ana"
        ]
        for given in ({"to": ["web:ana", "web:eve"]}, {"policy": "quick"}, {"policy": "release"}):
            refused = agent.post("/requests", json={"prompt": "Release?", **given}).json()
            assert refused["kind"] == "OutOfBounds", given


def test_a_token_starts_the_workflows_that_it_names(service: ServiceProcess, folder: Path) -> None:
    secret = bound(folder, "ci", "--scope", "start", "--workflow", "trip")
    with calling(service, secret) as program:
        refused = program.post("/runs", json={"workflow": "release"}).json()
        assert (refused["status"], refused["kind"]) == (403, "OutOfBounds")
        assert "may not start 'release'. Its token allows workflow trip" in refused["detail"]
        assert [one["name"] for one in program.get("/workflows").json()["workflows"]] == ["trip"]
        started = program.post(
            "/runs",
            json={"workflow": "trip", "shared": {"traveller": "Ana", "nights": 2, "to": {"city": "Rome"}}},
        )
        assert started.status_code == 201, started.text


def test_bounds_are_listed_and_must_fit_the_scopes(service: ServiceProcess, folder: Path) -> None:
    assert service.url
    options = ("--scope", "ask", "--policy", "release", "--to", "web:ana")
    said = sayso(folder, "token", "listed", *options)
    assert "Allowed only: policy release; to web:ana." in said.out
    listed = {one["person"]: one for one in sayso(folder, "access", "--json").json["credentials"]}
    assert listed["token:listed"]["bounds"] == {"policies": ["release"], "to": ["web:ana"], "workflows": []}
    assert bound(folder, "unbound", "--scope", "ask")
    listed = {one["person"]: one for one in sayso(folder, "access", "--json").json["credentials"]}
    assert listed["token:unbound"]["bounds"] is None
    assert "policy release; to web:ana" in " ".join(sayso(folder, "access", COLUMNS="200").out.split())
    for wrong, words in (
        (("--scope", "start", "--policy", "release"), "it lacks the scope ask"),
        (("--scope", "ask", "--workflow", "release"), "it lacks the scope start"),
        (("--scope", "ask", "--to", "nobody"), "'nobody' names nobody"),
        (("--scope", "ask", "--policy", ""), "empty name"),
    ):
        refused = sayso(folder, "token", "wrong", *wrong)
        assert refused.code == 1
        assert words in " ".join(refused.err.split())


async def test_an_agents_tools_keep_to_its_token(service: ServiceProcess, released: str) -> None:
    async with over_http(service.url, released) as agent:
        refused = await call(agent, "ask_approval", action="Release", policy="quick", wait_seconds=0)
        assert refused["status"] == "refused"
        assert "may not ask with the policy 'quick'" in refused["message"]
        asked = await call(agent, "ask", question="Who may release?", to="web:eve", wait_seconds=0)
        assert asked["status"] == "refused"
        waiting = await call(agent, "ask_approval", action="Release", wait_seconds=0)
        assert waiting["status"] == "waiting"
    with calling(service, released) as api:
        assert who(api.get(f"/requests/{waiting['request']}").json()) == ["web:ana", "web:bo"]


def test_a_hook_keeps_to_its_token(service: ServiceProcess, released: str) -> None:
    """The service's rules name another policy: the call is denied, and told why."""
    said = httpx.post(
        f"{service.url}/hooks/claude-code",
        content=json.dumps(event()),
        headers={"Authorization": f"Bearer {released}"},
        timeout=60,
    ).json()["hookSpecificOutput"]
    assert said["permissionDecision"] == "deny"
    assert "may not ask with the policy 'quick'" in said["permissionDecisionReason"]


def test_the_client_and_the_command_say_why(service: ServiceProcess, released: str, tmp_path: Path) -> None:
    with Client(service.url, released) as client, pytest.raises(Refused, match="may not ask web:eve") as no:
        client.ask(Question("Release?", to="web:eve"))
    assert (no.value.kind, no.value.status) == ("OutOfBounds", 403)
    told = sayso(
        tmp_path, "ask", "Release?", "--policy", "quick", SAYSO_URL=service.url, SAYSO_TOKEN=released
    )
    assert told.code not in (0, 6)
    assert "may not ask with the policy 'quick'" in " ".join(told.err.split())
