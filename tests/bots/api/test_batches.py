"""Asking several questions at once from outside: all or none, each found, decided, withdrawn and used by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.bots.api.one_service import caller, calling, one_service
from tests.bots.api.served import ServiceProcess, token, write
from tests.bots.api.test_asks import POLICIES, answer, ask, use
from tests.bots.command import sayso

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


folder, service = one_service(POLICIES)
agent = caller("agent", "ask")
operator = caller("operator", "operate", "read", "answer")


def ask_all(client: httpx.Client, *questions: dict[str, Any], key: str | None = None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/batches", json={"requests": questions}, headers=headers)


def question(prompt: str, **more: Any) -> dict[str, Any]:
    return {"prompt": prompt, "to": "operator", **more}


def ids(response: httpx.Response) -> list[str]:
    assert response.status_code in (200, 201), response.text
    return [one["id"] for one in response.json()["requests"]]


def test_each_question_is_decided_withdrawn_and_used_by_itself(
    agent: httpx.Client, operator: httpx.Client
) -> None:
    asked = ask_all(agent, question("Install?"), question("Migrate?"), question("Push?"))
    assert asked.status_code == 201, asked.text
    first, second, third = asked.json()["requests"]
    assert [one["prompt"] for one in (first, second, third)] == ["Install?", "Migrate?", "Push?"]
    assert len({first["run_id"], second["run_id"], third["run_id"]}) == 1
    assert answer(operator, second, "approve").status_code == 200
    assert agent.delete(f"/requests/{third['id']}").status_code == 200
    closed = agent.get(f"/requests/{second['id']}", params={"wait": "25s"}).json()
    assert closed["decision"]["approved"]
    states = [agent.get(f"/requests/{one['id']}").json()["status"] for one in (first, second, third)]
    assert states == ["PENDING", "ANSWERED", "WITHDRAWN"]
    assert use(agent, second, "job-1", "call-1").status_code == 201
    assert use(agent, second, "job-2").json()["kind"] == "AlreadyUsed"
    for other in (first, third):
        assert use(agent, other, "job-3").json()["kind"] == "NotApproved"


def test_one_key_stands_for_the_whole_batch(agent: httpx.Client) -> None:
    batch = (question("One?"), question("Two?"))
    asked, again = ask_all(agent, *batch, key="whole"), ask_all(agent, *batch, key="whole")
    assert (asked.status_code, again.status_code) == (201, 200)
    assert ids(asked) == ids(again)
    other = ask_all(agent, question("One?"), question("Three?"), key="whole")
    assert (other.status_code, other.json()["kind"]) == (409, "KeyReused")
    fewer = ask_all(agent, question("One?"), key="whole")
    assert (fewer.status_code, fewer.json()["kind"]) == (409, "KeyReused")


def test_questions_with_keys_of_their_own_are_found_in_whatever_call_asks_them(agent: httpx.Client) -> None:
    """A program that was cut off asks for one of them again, alone or among others, and asks nothing twice."""
    alone = ask(agent, "k1", **question("Asked before?")).json()["id"]
    asked = ask_all(
        agent, question("Asked before?", key="k1"), question("New?", key="k2"), question("New too?", key="k3")
    )
    assert asked.status_code == 201
    assert ids(asked)[0] == alone
    single = ask(agent, "k3", **question("New too?"))
    assert (single.status_code, single.json()["id"]) == (200, ids(asked)[2])
    again = ask_all(agent, question("New too?", key="k3"), question("New?", key="k2"))
    assert (again.status_code, ids(again)) == (200, [ids(asked)[2], ids(asked)[1]])
    other = ask_all(agent, question("Another?", key="k2"), question("Unasked?", key="k4"))
    assert (other.status_code, other.json()["kind"]) == (409, "KeyReused")
    assert ask(agent, "k4", **question("Free still?")).status_code == 201, "nothing of it was asked"


@pytest.mark.parametrize(
    ("batch", "where"),
    [
        ([question("Fine?"), question("Unknown?", policy="nobody")], ["requests", "1", "policy"]),
        ([question("Fine?"), question("Options?", options=["a", "b"])], ["requests", "1", "options"]),
        ([question("Fine?"), question("To?", to="slack:#nowhere")], ["requests", "1", "to"]),
        ([question("Fine?", key="a"), question("Twice?", key="a")], ["requests", "1", "key"]),
        ([question("Fine?", key="b"), question("Without?")], ["requests"]),
        ([], ["requests"]),
        ([question(f"{number}?") for number in range(25)], ["requests"]),
        (
            [question("Told?", callback={"url": "https://ci.example.com", "secret": "whsec_x"})],
            ["requests", "0", "callback"],
        ),
    ],
)
def test_all_are_asked_or_none(
    agent: httpx.Client, operator: httpx.Client, batch: list[dict[str, Any]], where: list[str]
) -> None:
    before = len(operator.get("/requests").json()["requests"])
    refused = ask_all(agent, *batch)
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["where"] == ["body", *where]
    assert len(operator.get("/requests").json()["requests"]) == before


def test_a_rule_decides_its_question_and_people_the_others(
    agent: httpx.Client, operator: httpx.Client
) -> None:
    details = {"tool": "Read", "environment": "test"}
    asked = ask_all(agent, {"prompt": "Read?", "policy": "tools", "details": details}, question("Push?"))
    ruled, waits = asked.json()["requests"]
    found = agent.get(f"/requests/{ruled['id']}", params={"wait": "25s"}).json()
    assert found["decision"]["by"] == ["rule:tools/2"]
    assert answer(operator, waits, "reject").status_code == 200


def test_a_batch_survives_a_kill_and_its_key_finds_it(tmp_path: Path) -> None:
    write(tmp_path, more=POLICIES)
    batch = (question("One?", key="one"), question("Two?", key="two"))
    with ServiceProcess(tmp_path) as service:
        agent, operator = (token(tmp_path, "agent", "ask"), token(tmp_path, "operator", "operate", "answer"))
        with calling(service, agent) as client, calling(service, operator) as people:
            asked = ask_all(client, *batch)
            assert answer(people, asked.json()["requests"][0], "approve").status_code == 200
        service.kill()
    with ServiceProcess(tmp_path) as service, calling(service, agent) as client:
        again = ask_all(client, *batch)
        assert (again.status_code, ids(again)) == (200, ids(asked))
        assert [one["status"] for one in again.json()["requests"]] == ["ANSWERED", "PENDING"]
        with calling(service, operator) as people:
            assert answer(people, again.json()["requests"][1], "approve").status_code == 200
        assert use(client, again.json()["requests"][1], "job").status_code == 201


def test_a_bound_token_asks_no_question_of_a_batch_beyond_its_bounds(
    service: ServiceProcess, folder: Path, operator: httpx.Client
) -> None:
    made = sayso(folder, "token", "bound", "--scope", "ask", "--policy", "tools", "--json")
    before = len(operator.get("/requests").json()["requests"])
    with calling(service, made.json["token"]) as bound:
        refused = ask_all(bound, {"prompt": "Read?"}, {"prompt": "Deploy?", "policy": "four-eyes"})
        assert (refused.status_code, refused.json()["kind"]) == (403, "OutOfBounds")
        assert len(operator.get("/requests").json()["requests"]) == before
        assert ask_all(bound, {"prompt": "Read?"}, {"prompt": "Write?"}).status_code == 201
