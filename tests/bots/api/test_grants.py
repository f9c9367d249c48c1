"""Grants over the API and the command line, and what a kill of the service leaves of them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import itertools
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from sayso.client import Client, Question, Request, Unreachable
from sayso.engine import SQLiteStore, verify_audit
from tests.bots.api.one_service import caller, calling, one_service
from tests.bots.api.served import ServiceProcess, token, write
from tests.bots.command import sayso

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

POLICIES = """
[ask]
to = ["operator"]

[people.ana]
accounts = ["web:ana"]

[[policies.tools.stages]]
approvers = ["operator", "person:ana"]

[policies.tools.grants]
longest = "8h"
durations = ["1h"]
times = 5
session = "Session"
patterns = { Version = "v*" }
"""
DETAILS = {"Command": "npm test", "Version": "v1", "Session": "s1"}


folder, service = one_service(POLICIES)
operator = caller("operator", "operate", "read", "answer")


@pytest.fixture(scope="module")
def agent(service: ServiceProcess, folder: Path) -> Iterator[Client]:
    """A program that may ask and nothing else."""
    with Client(service.url, token(folder, "agent", "ask")) as client:
        yield client


COUNT = itertools.count(1)


def question(**details: str) -> Question:
    return Question("Run “npm test”?", details={**DETAILS, **details}, policy="tools")


def ask(client: Client, **details: str) -> Request:
    return client.ask(question(**details), key=f"key-{next(COUNT)}")


def granted(client: Client, folder: Path, offer: str, **details: str) -> dict[str, Any]:
    """A grant that the user at this machine made on a question."""
    asked = ask(client, **details)
    assert asked.is_open
    ran = sayso(folder, "answer", f"{asked.id}@1", "approve", "--grant", offer, "--json")
    assert ran.code == 0, ran.err
    found: dict[str, Any] = sayso(folder, "grants", "list", "--json").json["grants"][0]
    assert found["request_id"] == asked.id
    return found


def test_what_is_offered_is_said_and_what_is_granted_is_used(
    agent: Client, operator: httpx.Client, folder: Path
) -> None:
    shown = operator.get(f"/requests/{ask(agent, Command='x').id}").json()
    assert [one["key"] for one in shown["offers"]] == ["session", "1h", "5x"]
    assert shown["offers"][2] == {"key": "5x", "lasts": 8 * 3600.0, "uses": 5}
    grant = granted(agent, folder, "1h")
    used = ask(agent, Version="v2.0", Session="s2")
    assert used.decision is not None
    assert (used.approved, used.decision.by) == (True, (f"grant:{grant['id']}",))
    (vote,) = used.decision.votes
    assert vote.grant is not None
    assert (vote.grant.granted_by, vote.grant.use, vote.grant.of) == (grant["granted_by"], 1, None)
    agent.consume(used.id, key="job-1")
    assert ask(agent, Version="2").is_open
    found = operator.get(f"/grants/{grant['id']}").json()
    assert (found["status"], found["used"]) == ("active", 1)
    assert [one["request"] for one in found["latest_uses"]] == [used.id]
    assert operator.get(f"/requests/{used.id}").json()["offers"] == []


def test_the_terminal_says_how_to_approve_for_longer_and_what_that_covers(
    agent: Client, folder: Path
) -> None:
    asked = ask(agent, Command="shown", Version="main")
    assert asked.run_id is not None
    ran = sayso(folder, "requests", "--run", asked.run_id)
    assert f"To approve for longer: sayso answer {asked.id}@1 approve --grant session|1h|5x" in ran.out
    assert (
        "A longer approval covers later requests from agent that are exactly like this one, apart from Session (any, "
        "unless it is for this session). It ends within 8 hours, and you can revoke it."
    ) in " ".join(ran.out.split())


def test_the_command_line_says_until_when_a_grant_holds(agent: Client, folder: Path) -> None:
    asked = ask(agent, Command="until")
    ran = sayso(folder, "answer", f"{asked.id}@1", "approve", "--grant", "5x")
    assert ran.out.splitlines()[0] == "Approved. The workflow continues."
    assert re.search(r"^The same from .+ is approved until .*\d\d:\d\d, 5 at most\.$", ran.out, re.MULTILINE)


def test_a_program_that_answers_grants_nothing(agent: Client, operator: httpx.Client) -> None:
    asked = ask(agent, Command="by a program")
    body = {"revision": 1, "value": "approve", "grant": "1h"}
    refused = operator.post(f"/requests/{asked.id}/answers", json=body)
    assert (refused.status_code, refused.json()["outcome"]) == (422, "invalid")
    assert "Only people grant" in refused.json()["detail"]
    assert agent.request(asked.id).is_open


def test_whoever_asks_sees_and_ends_no_grant(service: ServiceProcess, agent: Client, folder: Path) -> None:
    grant = granted(agent, folder, "5x", Command="mine")
    with calling(service, token(folder, "reader", "read")) as reader:
        assert reader.get("/grants").json() == {"grants": []}
        assert reader.get(f"/grants/{grant['id']}").status_code == 404
        assert reader.delete(f"/grants/{grant['id']}").status_code == 403
    with calling(service, token(folder, "asker", "ask")) as asker:
        assert asker.get("/grants").status_code == 403


def test_a_grant_is_listed_shown_and_revoked(agent: Client, operator: httpx.Client, folder: Path) -> None:
    grant = granted(agent, folder, "5x", Command="revoked")
    assert not ask(agent, Command="revoked").is_open
    ran = sayso(folder, "grants", "show", grant["id"][:6])
    assert ran.code == 0, ran.err
    words = " ".join(ran.out.split())
    assert (
        "Covers later requests from agent that are exactly like this one, apart from Version (v*), Session (any)"
        in words
    )
    assert "1 of 5" in words
    ran = sayso(folder, "grants", "revoke", grant["id"][:6])
    assert (ran.code, ran.out.strip()) == (0, "Revoked. The next question is put to people.")
    assert ask(agent, Command="revoked").is_open
    again = operator.delete(f"/grants/{grant['id']}")
    assert (again.status_code, again.json()["outcome"]) == (409, "duplicate")
    assert sayso(folder, "grants", "revoke", grant["id"]).code == 1
    listed = sayso(folder, "grants", "list", "--all", "--json").json["grants"]
    assert next(one["status"] for one in listed if one["id"] == grant["id"]) == "revoked"
    active = operator.get("/grants").json()["grants"]
    assert grant["id"] not in [one["id"] for one in active]
    assert sayso(folder, "grants", "show", "000000").code == 3
    assert sayso(folder, "grants", "show", "0").code == 2


def test_an_offer_that_is_none_counts_for_nothing(agent: Client, folder: Path) -> None:
    asked = ask(agent, Command="not offered")
    ran = sayso(folder, "answer", f"{asked.id}@1", "approve", "--grant", "9h")
    assert ran.code == 1
    assert "This can't be granted" in ran.out
    assert agent.request(asked.id).is_open


def test_access_that_is_revoked_ends_what_it_was_granted(service: ServiceProcess, folder: Path) -> None:
    with Client(service.url, token(folder, "gone", "ask")) as client:
        granted(client, folder, "1h", Command="gone")
    assert sayso(folder, "revoke", "token:gone").code == 0
    with Client(service.url, token(folder, "gone", "ask")) as client:
        assert ask(client, Command="gone").is_open


BURST = 24


def test_a_kill_in_the_middle_loses_no_use_and_makes_none_up(tmp_path: Path, unused_tcp_port: int) -> None:
    """Many programs ask at once, and repeat under their keys what they did not hear of."""
    write(tmp_path, port=unused_tcp_port, more=POLICIES)
    heard = threading.Semaphore(0)
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(ServiceProcess(tmp_path))
        secret = token(tmp_path, "agent", "ask")
        with Client(running.url, secret) as client:
            grant = granted(client, tmp_path, "5x")

        def ask_until_heard(number: int) -> Request:
            with Client(f"http://127.0.0.1:{unused_tcp_port}", secret) as client:
                while True:
                    try:
                        found = client.ask(question(), key=f"burst {number}")
                    except Unreachable:
                        continue
                    heard.release()
                    return found

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            asking = [pool.submit(ask_until_heard, number) for number in range(BURST)]
            for kill_after in (2, 6):
                for _ in range(kill_after):
                    heard.acquire()
                running.kill()
                running = stack.enter_context(ServiceProcess(tmp_path))
            found = {one.result().id for one in asking}
        assert len(found) == BURST
        with Client(running.url, secret) as client:
            approved = {one for one in found if client.request(one).approved}
    with closing(sqlite3.connect(tmp_path / "sayso.db")) as connection:
        used = connection.execute("SELECT used FROM grants WHERE id = ?", (grant["id"],)).fetchone()[0]
        rows = connection.execute(
            "SELECT u.use, q.id FROM grant_uses u JOIN requests q ON q.request_key = u.request_key ORDER BY u.use"
        ).fetchall()
    assert used == len(approved) == 5
    assert [use for use, _ in rows] == [1, 2, 3, 4, 5]
    assert {request for _, request in rows} == approved
    assert asyncio.run(problems(tmp_path / "sayso.db")) == ()


async def problems(database: Path) -> tuple[Any, ...]:
    async with SQLiteStore(database) as store:
        return (await verify_audit(store.reader)).problems
