"""Asking from outside: a question without a workflow is asked once under its key, decided by people, and used once."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.bots.api.one_service import caller, calling, one_service
from tests.bots.api.served import ServiceProcess, token, write
from tests.bots.command import sayso

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
POLICIES = """
[ask]
to = ["web"]
callback_hosts = ["ci.example.com"]

[people.ana]
accounts = ["web:ana"]

[people.bo]
accounts = ["web:bo"]

[policies.four-eyes]
exclude_requester = true

[[policies.four-eyes.stages]]
approvers = ["person:ana", "person:bo"]

[[policies.tools.stages]]
approvers = ["person:ana"]

[[policies.tools.rules]]
when = "details.environment == 'production'"
answer = "reject"
written_by = "bo"
reason = "Not by agents"

[[policies.tools.rules]]
when = "details.tool == 'Read'"
answer = "approve"
written_by = "ana"
"""


folder, service = one_service(POLICIES)
agent = caller("agent", "ask")
operator = caller("operator", "operate", "read", "answer")


def ask(client: httpx.Client, key: str | None = None, **question: Any) -> httpx.Response:
    """Ask, by default whether to deploy."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/requests", json={"prompt": "Deploy 4.2?", **question}, headers=headers)


def answer(client: httpx.Client, request: dict[str, Any], value: Any, **more: Any) -> httpx.Response:
    """Answer a request of the revision that was asked."""
    body = {"revision": request["revision"], "value": value, **more}
    return client.post(f"/requests/{request['id']}/answers", json=body)


def use(
    client: httpx.Client, request: dict[str, Any], key: str, attempt: str | None = None
) -> httpx.Response:
    """Use an approval."""
    headers = {} if attempt is None else {"Idempotency-Key": attempt}
    return client.post(f"/requests/{request['id']}/consumption", json={"key": key}, headers=headers)


def test_a_yes_comes_back_with_who_gave_it_and_is_used_once(
    agent: httpx.Client, operator: httpx.Client
) -> None:
    asked = ask(agent, "deploy", details={"version": "4.2"}, to="operator")
    assert asked.status_code == 201, asked.text
    request = asked.json()
    assert (request["kind"], request["status"], request["decision"]) == ("approval", "PENDING", None)
    assert request["requested_by"] == "token:agent"
    assert use(agent, request, "job-1").json()["kind"] == "NotApproved"

    assert answer(operator, request, "approve", comment="go").status_code == 200
    decided = agent.get(f"/requests/{request['id']}", params={"wait": "25s"}).json()["decision"]
    assert decided | {"votes": 1, "decided_at": 1, "digest": 1} == {
        "outcome": "approved", "approved": True, "value": "approve", "by": ["token:operator"], "comment": "go",
        "votes": 1, "decided_at": 1, "digest": 1,
    }  # fmt: skip
    assert (decided["votes"][0]["person"], decided["votes"][0]["via"]) == ("token:operator", "api")

    first = use(agent, request, "job-1", "call-1")
    assert (first.status_code, first.json()["repeated"]) == (201, False)
    again = use(agent, request, "job-1", "call-1")
    assert (again.status_code, again.json()["repeated"]) == (200, True)
    for key, attempt in (("job-1", "call-2"), ("job-2", "call-1"), ("job-1", None)):
        refused = use(agent, request, key, attempt)
        assert (refused.status_code, refused.json()["kind"]) == (409, "AlreadyUsed")


def test_a_rule_answers_at_once_and_its_yes_is_used_once(agent: httpx.Client) -> None:
    asked = ask(agent, "read", policy="tools", details={"tool": "Read", "environment": "test"})
    assert asked.status_code == 201, asked.text
    request = agent.get(f"/requests/{asked.json()['id']}", params={"wait": "25s"}).json()
    decision = request["decision"]
    assert (decision["outcome"], decision["approved"], decision["by"]) == ("approved", True, ["rule:tools/2"])
    rule = decision["votes"][0]["rule"]
    assert rule | {"version": 1} == {"policy": "tools", "version": 1, "number": 2, "written_by": "ana"}
    assert use(agent, request, "job-1", "call-1").status_code == 201
    assert use(agent, request, "job-2").json()["kind"] == "AlreadyUsed"

    rejected = ask(agent, policy="tools", details={"tool": "Read", "environment": "production"}).json()
    decision = agent.get(f"/requests/{rejected['id']}", params={"wait": "25s"}).json()["decision"]
    assert (decision["approved"], decision["by"], decision["comment"]) == (
        False, ["rule:tools/1"], "Not by agents",
    )  # fmt: skip
    for details in ({"tool": "Read"}, {"tool": "Bash", "environment": "test"}):
        waits = ask(agent, policy="tools", details=details).json()
        assert agent.get(f"/requests/{waits['id']}").json()["status"] == "PENDING"


@pytest.mark.parametrize(
    ("question", "value", "outcome"),
    [
        ({}, "reject", "rejected"),
        ({"kind": "input", "input_type": "confirm"}, False, "rejected"),
        ({"kind": "input", "input_type": "text"}, "approve", "answered"),
        ({"kind": "input", "input_type": "select", "options": ["later", "never"]}, "later", "answered"),
        ({"kind": "input", "input_type": "number"}, 1, "answered"),
    ],
)
def test_nothing_but_a_yes_is_one(
    agent: httpx.Client, operator: httpx.Client, question: dict[str, Any], value: Any, outcome: str
) -> None:
    request = ask(agent, to="operator", **question).json()
    assert answer(operator, request, value).status_code == 200
    decision = agent.get(f"/requests/{request['id']}").json()["decision"]
    assert (decision["outcome"], decision["approved"], decision["value"]) == (outcome, False, value)
    refused = use(agent, request, "job")
    assert (refused.status_code, refused.json()["kind"]) == (409, "NotApproved")


def test_what_ends_without_an_answer_is_no_yes(agent: httpx.Client) -> None:
    withdrawn = ask(agent).json()
    assert agent.delete(f"/requests/{withdrawn['id']}").status_code == 200
    assert agent.delete(f"/requests/{withdrawn['id']}").status_code == 409
    expired = ask(
        agent,
        kind="input",
        input_type="select",
        options=["later", "approve"],
        expires_after=0.2,
        on_expiry="later",
    ).json()
    for request, outcome, value in ((withdrawn, "withdrawn", None), (expired, "expired", "later")):
        decision = agent.get(f"/requests/{request['id']}", params={"wait": 30}).json()["decision"]
        assert (decision["outcome"], decision["approved"], decision["value"]) == (outcome, False, value)
        assert use(agent, request, "job").json()["kind"] == "NotApproved"


def test_a_key_stands_for_one_question_also_after_a_kill(tmp_path: Path) -> None:
    write(tmp_path, more=POLICIES)
    with ServiceProcess(tmp_path) as service:
        secret = token(tmp_path, "agent", "ask")
        with calling(service, secret) as client:
            request = ask(client, "deploy-1", policy="four-eyes", note="by the pipeline").json()
            repeated = ask(client, "deploy-1", policy="four-eyes", note="by the pipeline")
            assert (repeated.status_code, repeated.json()["id"]) == (200, request["id"])
            other = ask(client, "deploy-1", policy="four-eyes", note="by somebody else")
            assert (other.status_code, other.json()["kind"]) == (409, "KeyReused")
        service.kill()
    with ServiceProcess(tmp_path) as anew, calling(anew, secret) as client:
        repeated = ask(client, "deploy-1", policy="four-eyes", note="by the pipeline")
        assert (repeated.status_code, repeated.json()["id"]) == (200, request["id"])
        assert repeated.json()["status"] == "PENDING"


_LIST_OF_OBJECTS = {
    "type": "object",
    "properties": {
        "who": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}
    },
}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"policy": "nobody-wrote-it"}, "policy"),
        ({"options": ["a"]}, "options"),
        ({"on_expiry": "approve", "expires_after": 60}, "on_expiry"),
        ({"kind": "input", "input_type": "confirm", "on_expiry": True, "expires_after": 60}, "on_expiry"),
        ({"kind": "input", "input_type": "select"}, "options"),
        ({"kind": "input", "input_type": "form", "schema": {"type": "array"}}, "schema"),
        ({"kind": "input", "input_type": "form", "schema": _LIST_OF_OBJECTS}, "schema"),
        ({"kind": "input", "input_type": "number", "on_expiry": 3}, "on_expiry"),
        ({"details": {"Change": {"type": "diff"}}, "rich": ["Change"]}, "details['Change']"),
        (
            {"details": {"Change": {"type": "link", "label": "x", "url": "http://x"}}, "rich": ["Change"]},
            "details",
        ),
        ({"rich": ["Change"]}, "rich"),
        ({"prompt": "   "}, "prompt"),
        ({"to": "somebody"}, "to"),
        ({"to": "somebody:else"}, "to"),
        ({"to": ["web", "person:carl"]}, "to"),
        ({"to": "group:nobody-wrote-it"}, "to"),
        ({"to": "slack:#nobody-wrote-it"}, "to"),
        ({"expires_after": 1e300}, "expires_after"),
        ({"reject_reasons": ["one\ntwo"]}, "reject_reasons"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_the_name_of_the_field_and_leaves_its_key(
    agent: httpx.Client, wrong: dict[str, Any], field: str
) -> None:
    key = f"key of {wrong}"
    refused = ask(agent, key, **wrong)
    assert (refused.status_code, refused.json()["kind"]) == (422, "InvalidQuestion"), refused.text
    assert refused.json()["errors"][0]["where"][1].startswith(field)
    assert ask(agent, key).status_code == 201


def test_content_is_shown_as_it_was_given(agent: httpx.Client) -> None:
    details = {"Version": "4.2", "Change": {"type": "diff", "text": "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n"}}
    request = ask(agent, details=details, rich=["Change"]).json()
    assert (request["details"], request["rich"]) == (details, ["Change"])


def test_only_whoever_asked_sees_withdraws_and_uses_it(
    service: ServiceProcess, agent: httpx.Client, operator: httpx.Client, folder: Path
) -> None:
    request = ask(agent, to="operator", requested_by="person:ana").json()
    assert request["requested_by"] == "person:ana"
    with calling(service, token(folder, "other", "ask")) as other:
        for call in (
            other.get(f"/requests/{request['id']}"),
            other.delete(f"/requests/{request['id']}"),
            use(other, request, "job"),
        ):
            assert call.status_code == 404
    assert answer(operator, request, "approve").status_code == 200
    assert use(operator, request, "job").status_code == 403  # its token has no scope for it
    assert use(agent, request, "job").status_code == 201


def test_programs_list_what_they_have_asked_and_nothing_else(
    service: ServiceProcess, operator: httpx.Client, folder: Path
) -> None:
    def listed(client: httpx.Client, **query: Any) -> list[str]:
        return [one["id"] for one in client.get("/requests", params=query).json()["requests"]]

    with (
        calling(service, token(folder, "lister", "ask")) as one,
        calling(service, token(folder, "reader", "ask", "read")) as other,
    ):
        asked = [ask(one, requested_by=person).json()["id"] for person in ("person:ana", None, "person:bo")]
        answered, *left = asked
        ask(other, to="api")
        assert listed(one) == listed(one, mine=True) == asked
        assert listed(one, limit=1) == asked[:1]
        assert len(listed(other)) == len(listed(other, mine=True)) == 1
        assert listed(operator, mine=True) == []
        assert set(asked) < set(listed(operator))
        assert one.delete(f"/requests/{answered}").status_code == 200
        assert listed(one) == left


def test_a_program_cannot_answer_what_it_asked_on_somebodys_behalf(
    service: ServiceProcess, folder: Path
) -> None:
    with calling(service, token(folder, "pipeline", "ask")) as pipeline:
        request = ask(pipeline, to="api", requested_by="person:ana").json()
    assert sayso(folder, "revoke", "token:pipeline").code == 0
    with calling(service, token(folder, "pipeline", "answer", "read")) as anew:
        refused = answer(anew, request, "approve")
        assert (refused.status_code, refused.json()["kind"]) == (403, "NotAllowed")


def test_a_person_asks_in_no_other_name(service: ServiceProcess) -> None:
    socket = httpx.HTTPTransport(uds=str(service.socket))
    with httpx.Client(transport=socket, base_url="http://sayso/api/v1", timeout=30) as console:
        assert ask(console, requested_by="person:ana").status_code == 403
        assert ask(console).status_code == 201


@pytest.mark.parametrize(
    ("callback", "field"),
    [
        ({"url": "https://elsewhere.example.com/hook", "secret": SECRET}, "callback.url"),
        ({"url": "http://ci.example.com/hook", "secret": SECRET}, "callback.url"),
        ({"url": "https://me@ci.example.com/hook", "secret": SECRET}, "callback.url"),
        ({"url": "https://ci.example.com:444/hook", "secret": SECRET}, "callback.url"),
        ({"url": "https://ci.example.com/hook", "secret": "whsec_c2hvcnQ="}, "callback.secret"),
        ({"url": "https://ci.example.com/hook", "secret": "secret"}, "callback.secret"),
    ],
)
def test_a_callback_goes_where_the_settings_allow_and_nowhere_else(
    agent: httpx.Client, callback: dict[str, str], field: str
) -> None:
    refused = ask(agent, callback=callback)
    assert refused.status_code == 422
    assert ".".join(refused.json()["errors"][0]["where"]) == f"body.{field}"
    assert SECRET not in refused.text


def test_a_workflow_of_ones_own_has_another_name(tmp_path: Path) -> None:
    write(tmp_path)
    shop = tmp_path / "shop.py"
    shop.write_text(shop.read_text().replace('Workflow("pair"', 'Workflow("ask"'))
    refused = sayso(tmp_path, "serve")
    assert refused.code != 0
    assert "built-in workflow" in refused.err


def test_the_built_in_workflow_is_started_by_asking_alone(service: ServiceProcess, folder: Path) -> None:
    refused = sayso(folder, "start", "ask", '{"asked": {}}')
    assert (refused.code, "no workflow is named 'ask'" in refused.err) == (1, True)


PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(64)


def shown(client: httpx.Client, request: dict[str, Any], name: str) -> httpx.Response:
    """The bytes of a detail."""
    return client.get(f"/requests/{request['id']}/files/{request['details'][name]['sha256']}")


def test_a_file_that_was_sent_is_shown_and_stays_its_senders(
    service: ServiceProcess, agent: httpx.Client, operator: httpx.Client, folder: Path
) -> None:
    large = b"%PDF" + bytes(3_000_000)
    sent = {
        name: agent.put("/files", content=one).json() for name, one in (("plan", large), ("graph", PICTURE))
    }
    assert sent["plan"]["size"] == len(large)
    details = {
        "Plan": {"type": "file", "sha256": sent["plan"]["sha256"], "name": "plan.pdf"},
        "Graph": {"type": "image", "sha256": sent["graph"]["sha256"], "alt": "Errors by hour"},
    }
    asked = ask(agent, "with files", details=details, rich=["Plan", "Graph"], to="operator")
    assert asked.status_code == 201, asked.text
    request = asked.json()
    assert request["details"]["Plan"] == details["Plan"] | {
        "media_type": "application/pdf",
        "size": len(large),
    }
    assert request["details"]["Graph"]["name"] == "image.png"
    assert shown(operator, request, "Plan").content == large
    with closing(sqlite3.connect(folder / "sayso.db")) as connection:
        kept = connection.execute("SELECT count(*) FROM uploads WHERE uploaded_by = 'token:agent'").fetchone()
    assert kept == (0,)  # they go with the question from now on
    assert shown(operator, request, "Graph").headers["content-type"] == "image/png"
    assert ask(agent, "with files", details=details, rich=["Plan", "Graph"], to="operator").status_code == 200
    with calling(service, token(folder, "thief", "ask")) as thief:
        refused = ask(thief, details=details, rich=["Plan", "Graph"])
        assert (refused.status_code, refused.json()["errors"][0]["where"][1]) == (422, "details['Plan']")


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "file", "sha256": "0" * 64, "name": "plan.pdf"},
        {"type": "image", "sha256": "of the text", "alt": "Errors"},
        {"type": "file", "sha256": "of the text", "name": "../plan.pdf"},
        {"type": "file", "sha256": "of the text"},
        {"type": "file", "sha256": "of the text", "name": "a", "media_type": "text/html"},
        {"type": "file", "sha256": 7, "name": "a"},
    ],
)
def test_a_file_is_what_its_bytes_are(agent: httpx.Client, wrong: dict[str, Any]) -> None:
    sent = agent.put("/files", content=b"no picture").json()["sha256"]
    given = wrong | ({"sha256": sent} if wrong["sha256"] == "of the text" else {})
    refused = ask(agent, details={"It": given}, rich=["It"])
    assert (refused.status_code, refused.json()["kind"]) == (422, "InvalidQuestion"), refused.text


def test_files_are_bounded(service: ServiceProcess, folder: Path) -> None:
    with calling(service, token(folder, "greedy", "ask")) as greedy:
        assert greedy.put("/files", content=b"").status_code == 422
        assert greedy.put("/files", content=bytes(8_000_001)).status_code == 413
        for number in range(5):
            assert greedy.put("/files", content=bytes([number]) * 8_000_000).status_code == 200
        full = greedy.put("/files", content=b"one more")
        assert (full.status_code, full.json()["kind"]) == (413, "TooManyFiles")
