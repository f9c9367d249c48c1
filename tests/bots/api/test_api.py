"""The API as programs use it: over TCP with a token, against a service in a process of its own."""

from __future__ import annotations

import concurrent.futures
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from sayso.bots.client import ServiceClient, ServiceRefused, ServiceUnclear
from sayso.engine import OutcomeKind
from tests.bots.api.served import ServiceProcess, held_for_two, token, write
from tests.bots.command import sayso

GATE = Path(__file__).parents[3] / "examples" / "gate.sh"


def ask(client: ServiceClient, **shared: Any) -> tuple[str, str]:
    """Start a run that asks; its id and that of its request."""
    run_id = client.start("release", shared)
    client.wait(run_id, 20, until="rests")
    return run_id, client.pending(run_id)[0]["id"]


def test_a_run_is_started_answered_and_awaited(ci: ServiceClient, operator: ServiceClient) -> None:
    me = ci.whoami()
    assert me.pop("expires_at") > "2026"
    assert me == {
        "person": "token:ci",
        "via": "api",
        "operator": False,
        "scopes": ["read", "start"],
        "bounds": None,
    }
    run_id, request_id = ask(ci, details={"Change": "14 commits"})
    request = ci.request(request_id)
    assert (request["prompt"], request["status"], request["answer"]) == ("Release 4.2.0?", "PENDING", None)
    outcome = operator.answer(request_id, 1, "approve", comment="go")
    assert outcome.kind is OutcomeKind.RESOLVED
    assert ci.wait(run_id, 20)["status"] == "COMPLETED"
    assert [(one["status"], one["answer"]) for one in ci.run_requests(run_id)] == [("ANSWERED", "approve")]


def test_who_waits_is_woken_by_the_answer(ci: ServiceClient, operator: ServiceClient) -> None:
    run_id, request_id = ask(ci)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        closed = pool.submit(ci.request, request_id, 30)
        ended = pool.submit(ci.wait, run_id, 30)
        operator.answer(request_id, 1, "approve")
        assert closed.result(20)["answer"] == "approve"
        assert ended.result(20)["status"] == "COMPLETED"


def test_what_happens_is_streamed_and_can_be_taken_up_where_it_was(
    ci: ServiceClient, operator: ServiceClient
) -> None:
    run_id, request_id = ask(ci)
    seen, last = ci.changes()
    assert [one["kind"] for one in seen] == ["run_started", "requested"]
    stream = ci.events(last)
    operator.answer(request_id, 1, "approve")
    heard = [next(stream), next(stream)]
    stream.close()
    assert [one["kind"] for one in heard] == ["answer_accepted", "run_ended"]
    assert {one["run_id"] for one in heard} == {run_id}
    more, _ = ci.changes(heard[0]["sequence"])
    assert [one["kind"] for one in more] == ["run_ended"]
    assert ci.changes(heard[-1]["sequence"], wait=0.1) == ([], heard[-1]["sequence"])


def test_a_refused_answer_is_a_problem_with_the_outcomes_name(
    service: ServiceProcess, ci: ServiceClient, tmp_path: Path
) -> None:
    _, request_id = ask(ci, to=["api"])
    headers = {"Authorization": f"Bearer {token(tmp_path, 'other', 'answer')}"}
    address = f"{service.url}/api/v1/requests/{request_id}/answers"
    for body, status, outcome in (
        ({"revision": 2, "value": "approve"}, 409, "superseded"),
        ({"revision": 1, "value": "perhaps"}, 422, "invalid"),
        ({"revision": 1, "value": "approve"}, 200, "resolved"),
        ({"revision": 1, "value": "reject"}, 409, "already_answered"),
    ):
        answer = httpx.post(address, json=body, headers=headers)
        said = answer.json()
        assert (answer.status_code, said["outcome"]) == (status, outcome)
        if status != 200:
            assert answer.headers["content-type"] == "application/problem+json"
            assert (said["type"], said["status"]) == (f"urn:sayso:problem:{outcome}", status)
            assert said["detail"]
    missing = httpx.post(address, json={"value": "approve"}, headers=headers)
    assert (missing.status_code, missing.json()["kind"]) == (422, "Malformed")
    assert "revision" in missing.json()["detail"]


def test_nobody_answers_for_another_surface(ci: ServiceClient, operator: ServiceClient) -> None:
    """A request for a person of the web inbox is none of a token's, not even of an operator's."""
    run_id = ci.start("release", {"to": ["web:ana"]})
    ci.wait(run_id, 20, until="rests")
    request = operator.pending(run_id)[0]
    outcome = operator.answer(request["id"], 1, "approve")
    assert outcome.kind is OutcomeKind.NOT_ALLOWED
    assert outcome.reason == "You aren't an approver for this. Approvers: web:ana."


def test_a_token_sees_what_concerns_it_and_no_more(
    service: ServiceProcess, ci: ServiceClient, operator: ServiceClient, tmp_path: Path
) -> None:
    run_id = ci.start("release", {"to": ["web:ana"]})
    ci.wait(run_id, 20, until="rests")
    request_id = ci.pending(run_id)[0]["id"]
    with ServiceClient.connect(service.url, token(tmp_path, "other")) as other:
        assert other.pending() == []
        assert other.runs() == []
        assert other.changes() == ([], other.changes()[1])
        for call in (
            lambda: other.status(run_id),
            lambda: other.request(request_id),
            lambda: other.cancel(run_id),
        ):
            with pytest.raises(ServiceRefused) as refused:
                call()
            assert refused.value.status in (403, 404)
        with pytest.raises(ServiceRefused, match="may not start 'release'"):
            other.start("release")
    assert [run["run_id"] for run in operator.runs()] == [run_id]


def test_a_repeated_key_does_nothing_again(ci: ServiceClient, operator: ServiceClient) -> None:
    run_id = ci.start("release", {"fails": True}, event_key="job-7")
    assert ci.start("release", {"fails": True}, event_key="job-7") == run_id
    with pytest.raises(ServiceRefused, match="was already used for something else"):
        ci.start("release", {"fails": False}, event_key="job-7")
    assert len(ci.runs()) == 1
    ci.wait(run_id, 20, until="rests")
    request_id = ci.pending(run_id)[0]["id"]
    first = operator.answer(request_id, 1, "approve", event_key="a")
    again = operator.answer(request_id, 1, "approve", event_key="a")
    assert (first.kind, first.repeated, again.kind, again.repeated) == (again.kind, False, first.kind, True)
    assert ci.wait(run_id, 20)["status"] == "FAILED"
    operator.retry(run_id, seen=1, event_key="r")
    assert ci.wait(run_id, 20)["status"] == "FAILED"
    operator.retry(run_id, seen=1, event_key="r")
    assert ci.status(run_id)["status"] == "FAILED"
    with pytest.raises(ServiceRefused, match="was already used for something else"):
        operator.retry(run_id, seen=2, event_key="r")
    with pytest.raises(ServiceRefused, match="moved on since you looked") as moved:
        operator.retry(run_id, seen=1, event_key="a second click")
    assert (moved.value.kind, moved.value.status, moved.value.exit_code) == ("RunMovedOn", 409, 1)
    operator.retry(run_id, seen=ci.status(run_id)["stops"], ask_again=True, event_key="s")
    ci.wait(run_id, 20, until="rests")
    operator.cancel(run_id, event_key="c")
    operator.cancel(run_id, event_key="c")
    with pytest.raises(ServiceRefused, match="ended already"):
        operator.cancel(run_id, event_key="d")


def test_an_operator_decides_over_the_api(tmp_path: Path) -> None:
    """A step that was cut off: nobody but an operator can know whether it happened."""
    write(tmp_path)
    with ServiceProcess(tmp_path) as first:
        secret = token(tmp_path, "ci")
        with (
            ServiceClient.connect(
                first.url, token(tmp_path, "operator", "operate", "start", "read")
            ) as client,
            pytest.raises(ServiceUnclear),
        ):
            client.wait(client.start("once"), 20)
        first.process.wait(20)
    with ServiceProcess(tmp_path) as second:
        with (
            ServiceClient.connect(second.url, secret) as ci,
            pytest.raises(ServiceRefused, match="lacks the scope operate"),
        ):
            ci.attention("whatever", "again", seen=1)
        with ServiceClient.connect(second.url, token(tmp_path, "second", "read", "operate")) as other:
            assert other.runs() == []
            with pytest.raises(ServiceRefused, match="is not an operator"):
                other.attention("whatever", "again", seen=1)
        assert sayso(tmp_path, "revoke", "token:operator").code == 0
        with ServiceClient.connect(second.url, token(tmp_path, "operator", "operate", "read")) as operator:
            run = operator.wait(operator.runs()[0]["run_id"], 20)
            assert run["status"] == "NEEDS_ATTENTION"
            assert run["attention"] is not None
            assert run["attention"]["kind"] == "step_unfinished"
            operator.attention(run["run_id"], "done", {"receipt": 7}, seen=run["stops"])
            assert operator.wait(run["run_id"], 20)["status"] == "COMPLETED"


def test_a_second_click_decides_nothing_that_came_after_the_first(tmp_path: Path) -> None:
    """Both answered questions of a run have changed: it is held for one, and after that for the other."""
    run_id = held_for_two(tmp_path)
    with (
        ServiceProcess(tmp_path) as service,
        ServiceClient.connect(
            service.url, secret := token(tmp_path, "operator", "operate", "read")
        ) as operator,
    ):
        run = operator.wait(run_id, 20)
        assert run["attention"] is not None
        assert (run["attention"]["name"], run["stops"]) == ("window", 1)
        operator.attention(run_id, "accept", seen=1)
        after = operator.wait(run_id, 20)
        assert after["attention"] is not None
        assert (after["attention"]["name"], after["stops"]) == ("release", 2)
        with pytest.raises(ServiceRefused, match="held for question_changed 'release'") as moved:
            operator.attention(run_id, "accept", seen=1)
        assert (moved.value.kind, moved.value.status) == ("RunMovedOn", 409)
        assert operator.status(run_id) == after
        for call, body in (("attention", {"action": "accept"}), ("retry", {"ask_again": False})):
            missing = httpx.post(
                f"{service.url}/api/v1/runs/{run_id}/{call}", json=body,
                headers={"Authorization": f"Bearer {secret}"},
            )  # fmt: skip
            assert (missing.status_code, "seen" in missing.json()["detail"]) == (422, True)


def test_the_deploy_script_asks_waits_and_exits_by_the_answer(
    tmp_path: Path,
) -> None:
    (tmp_path / "gate.py").write_text((GATE.parent / "gate.py").read_text())
    (tmp_path / "sayso.toml").write_text(
        '[[workflows]]\nworkflow = "gate:workflow"\nstarters = ["token:deploy"]\n'
        '[http]\nport = 0\noperators = ["token:approver"]\n'
    )
    with ServiceProcess(tmp_path) as service:
        variables = {**os.environ, "SAYSO_URL": service.url, "SAYSO_TOKEN": token(tmp_path, "deploy")}
        with ServiceClient.connect(
            service.url, token(tmp_path, "approver", "operate", "read", "answer")
        ) as approver:
            for number, (answer, code) in enumerate((("approve", 0), ("reject", 1))):
                script = subprocess.Popen(
                    [str(GATE), f'Release "{number}" \\ to production?'],
                    env={**variables, "SAYSO_KEY": f"job-{number}"},
                    stderr=subprocess.PIPE,
                    text=True,
                )
                request = next_request(approver)
                assert request["prompt"] == f'Release "{number}" \\ to production?'
                approver.answer(request["id"], request["revision"], answer)
                _, said = script.communicate(timeout=30)
                assert (script.returncode, said.splitlines()[-1]) == (code, f"gate: {answer}")
        unknown = subprocess.run(
            [str(GATE), "x"],
            env={**variables, "SAYSO_TOKEN": "wrong"},
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert unknown.returncode == 2


def next_request(client: ServiceClient) -> Any:
    after = 0
    while not (found := client.pending()):
        _, after = client.changes(after, wait=10)
    return found[0]


def test_head_gets_the_headers_of_get_and_nothing_else(
    service: ServiceProcess, ci: ServiceClient, tmp_path: Path
) -> None:
    """Monitors and previews ask so; a stream of changes must not keep them waiting."""
    run_id, request_id = ask(ci)
    with httpx.Client(
        base_url=service.url,
        headers={"Authorization": f"Bearer {token(tmp_path, 'monitor', 'read', 'operate')}"},
    ) as client:
        described = client.get("/api/v1/openapi.json").json()["paths"]
        of_api = [
            f"/api/v1{path.format(run_id=run_id, request_id=request_id, sha256='0' * 64, grant_id='none')}"
            for path, calls in described.items()
            if "get" in calls and not path.endswith("events")
        ]
        assert len(of_api) > 5
        pages = ["/", "/sign-in", "/healthz", "/readyz", "/metrics", "/nowhere"]
        for path in (*of_api, *pages, "/api/v1/me?wait=x", "/api/v1/openapi.json"):
            got, head = client.get(path), client.head(path)
            assert (head.status_code, head.content) == (got.status_code, b""), path
            assert head.headers.get("content-type") == got.headers.get("content-type"), path
        for path in ("/healthz", "/sign-in", "/api/v1/openapi.json"):
            assert client.head(path).headers["content-length"] == str(len(client.get(path).content))
        assert client.head("/api/v1/events").headers["content-type"].startswith("text/event-stream")
        assert client.get("/healthz").status_code == 200, "the connection is good for the next request"
        assert client.head("/sign-out").status_code == client.get("/sign-out").status_code == 405


def test_a_body_that_is_no_json_is_refused_in_plain_words(service: ServiceProcess, tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {token(tmp_path, 'ci')}", "Content-Type": "application/json"}
    body = '{"workflow": "release",\n "shared" {}}'
    refused = httpx.post(f"{service.url}/api/v1/runs", headers=headers, content=body)
    assert refused.status_code == 422
    assert "line 2, column 11: a colon is missing here" in refused.json()["detail"]


def test_what_a_run_starts_with_is_described_and_checked(service: ServiceProcess, tmp_path: Path) -> None:
    secret = token(tmp_path, "ci")
    with ServiceClient.connect(service.url, secret) as ci:
        described = {one["name"]: one["inputs"] for one in ci.workflows()}
        assert list(described) == ["release", "trip"]
        assert described["release"] is None
        assert described["trip"] is not None
        body = {"workflow": "trip", "shared": {"traveller": "Ana", "nights": "two", "to": {"city": "Rome"}}}
        headers = {"Authorization": f"Bearer {secret}"}
        refused = httpx.post(f"{service.url}/api/v1/runs", headers=headers, json=body)
        problem = refused.json()
        assert (refused.status_code, problem["kind"]) == (422, "InvalidInputs")
        assert problem["errors"] == [{"where": ["nights"], "what": "'two' is not of type 'integer'"}]
        with pytest.raises(ServiceRefused, match=r"to\.city: Required"):
            ci.start("trip", {"traveller": "Ana", "nights": 2, "to": {}})
        run_id = ci.start("trip", {"traveller": "Ana", "nights": 2, "to": {"city": "Rome"}})
        ci.wait(run_id, 20, until="rests")
        (request,) = ci.pending(run_id)
        assert request["to"] == ["token:ci"], "whoever started it"
        assert [one["run_id"] for one in ci.runs()] == [run_id]
