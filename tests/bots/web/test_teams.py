"""Several people at the inbox: what waits for each, votes as they come, what else can be done, and a proxy that signs
people in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.bots.api.served import ServiceProcess, ask, write
from tests.bots.command import sayso
from tests.bots.web.visit import Visit, csrf, form

pytestmark = pytest.mark.timeout(120)

TEAM = """
from sayso.engine import Workflow, node, request_approval

@node
async def ask(shared):
    decision = await request_approval(shared.get("prompt", "Drop the table?"), {"table": "orders"},
                                      request_id="drop", policy="team", requested_by=shared.get("by"))
    shared["approved"] = decision.approved

workflow = Workflow("team", start=ask)
"""

SETTINGS = """
[[workflows]]
workflow = "team:workflow"

[people.ana]
name = "Ana"
accounts = ["web:ana", "web:ana-at-home"]
[people.bo]
accounts = ["web:bo"]
[groups.sre]
members = ["ana", "bo", "web:cho"]

[policies.team]
exclude_requester = true
break_glass = ["web:cto"]
stages = [{ approvers = ["group:sre"], need = 2 }]
"""


@pytest.fixture
def team(tmp_path: Path, unused_tcp_port: int) -> Iterator[ServiceProcess]:
    """The service with people and a policy of its own, and a proxy that it trusts."""
    write(
        tmp_path, port=unused_tcp_port,
        more='user_header = "X-Forwarded-User"\ntrusted_proxies = ["127.0.0.1"]',
    )  # fmt: skip
    (tmp_path / "team.py").write_text(TEAM)
    with (tmp_path / "sayso.toml").open("a") as settings:
        settings.write(SETTINGS)
    with ServiceProcess(tmp_path) as running:
        yield running


def test_each_sees_what_waits_for_them_and_votes_as_they_come(
    team: ServiceProcess, browser: Browser, tmp_path: Path
) -> None:
    ask(tmp_path, "team")
    with (
        Visit.sign_in(browser, team.url, tmp_path, "ana") as ana,
        Visit.sign_in(browser, team.url, tmp_path, "cho") as cho,
        Visit.sign_in(browser, team.url, tmp_path, "eve") as eve,
    ):
        expect(eve.page.get_by_text("Nothing waits for your answer.")).to_be_visible()
        hers = ana.card("Drop the table?")
        expect(hers.get_by_text("2 of @sre")).to_be_visible()
        hers.get_by_role("button", name="Approve").click()
        expect(hers.get_by_role("status")).to_have_text("Your approval counts: 1 of 2.")
        card = cho.card("Drop the table?")
        expect(card.get_by_text("1 of 2", exact=True)).to_be_visible()
        expect(card.get_by_text("Approved: Ana")).to_be_visible()
        expect(card.get_by_text("Still needed: 1 of @sre")).to_be_visible()
        ana.page.reload()
        expect(ana.page.get_by_role("heading", name="Also open")).to_be_visible()
        ana.check_accessibility()
        cho.check_accessibility()
        card.get_by_role("button", name="Approve").click()
        expect(card.get_by_text("APPROVED, done")).to_be_visible()
        expect(ana.card("Drop the table?").get_by_text("APPROVED, done")).to_be_visible()
        for one in (ana, eve):
            one.page.reload()
            expect(one.page.get_by_text("Nothing waits for your answer.")).to_be_visible()
        expect(ana.page.get_by_role("heading", name="Decided lately")).to_be_visible()
        expect(ana.card("Drop the table?").get_by_text("Approved by Ana")).to_be_visible()
        expect(eve.page.get_by_role("article")).to_have_count(0)
        ana.check_accessibility()


def test_one_person_at_two_browsers_is_one_vote(
    team: ServiceProcess, browser: Browser, tmp_path: Path
) -> None:
    ask(tmp_path, "team")
    with (
        Visit.sign_in(browser, team.url, tmp_path, "ana") as ana,
        Visit.sign_in(browser, team.url, tmp_path, "ana-at-home") as home,
    ):
        ana.card("Drop the table?").get_by_role("button", name="Approve").click()
        expect(ana.card("Drop the table?").get_by_role("status")).to_have_text(
            "Your approval counts: 1 of 2."
        )
        expect(home.card("Drop the table?").get_by_text("Approved: Ana")).to_be_visible()
        home.card("Drop the table?").get_by_role("button", name="Approve").click()
        expect(home.card("Drop the table?").get_by_role("status")).to_have_text(
            "You have already approved this."
        )


def test_handing_over_and_breaking_the_glass_under_more(
    team: ServiceProcess, browser: Browser, tmp_path: Path
) -> None:
    ask(tmp_path, "team")
    with (
        Visit.sign_in(browser, team.url, tmp_path, "ana") as ana,
        Visit.sign_in(browser, team.url, tmp_path, "cto") as cto,
    ):
        card = ana.card("Drop the table?")
        card.get_by_text("More", exact=True).click()
        card.get_by_label("To whom").fill("web:lead")
        card.get_by_role("button", name="Hand over").click()
        expect(card.get_by_role("status")).to_have_text(
            "Handed over to lead. Your own vote does not count any more."
        )
        expect(cto.page.get_by_text("Nothing waits for your answer.")).to_be_visible()
        request = sayso(tmp_path, "requests", "--json").json["requests"][0]["id"]
        page = cto.tab(f"/requests/{request}")
        alone = cto.card("Drop the table?", page)
        alone.get_by_text("More", exact=True).click()
        alone.get_by_label("The reason").fill("the site is down")
        alone.get_by_role("button", name="Approve alone").click()
        expect(alone.get_by_text("Approved under break-glass by cto")).to_be_visible()
        expect(alone.get_by_text("“the site is down”")).to_be_visible()


def test_whoever_asked_withdraws(team: ServiceProcess, browser: Browser, tmp_path: Path) -> None:
    ask(tmp_path, "team", '{"by": "web:ana-at-home"}')
    with Visit.sign_in(browser, team.url, tmp_path, "ana") as ana:
        card = ana.card("Drop the table?")
        card.get_by_role("button", name="Approve").click()
        expect(card.get_by_role("status")).to_have_text(
            "You asked for this, so someone else must approve it."
        )
        card.get_by_text("More", exact=True).click()
        card.get_by_role("button", name="Withdraw").click()
        expect(card.get_by_text("WITHDRAWN", exact=True)).to_be_visible()
        expect(card.get_by_text("Withdrawn by Ana")).to_be_visible()


def test_a_trusted_proxy_says_who_somebody_is(team: ServiceProcess, tmp_path: Path) -> None:
    """And a page of another site, with the same proxy before it, can still do nothing."""
    request = ask(tmp_path, "team")
    with httpx.Client(base_url=team.url, headers={"X-Forwarded-User": "bo"}) as bo:
        assert "Drop the table?" in bo.get("/").text
        refused = bo.post(f"/requests/{request}/answers", json=form())
        assert refused.json()["kind"] == "NotFromOurPage"
        answer = bo.post(f"/requests/{request}/answers", json=form(), headers=csrf(bo))
        assert answer.json()["outcome"] == "counted"
        stolen = csrf(bo)
    with httpx.Client(base_url=team.url, headers={"X-Forwarded-User": "ana"}) as ana:
        assert ana.post(f"/requests/{request}/answers", json=form("k2"), headers=stolen).status_code == 403
    with httpx.Client(base_url=team.url, headers={"X-Forwarded-User": "../x"}) as nobody:
        assert nobody.get("/").status_code == 303


def test_the_header_of_anybody_else_says_nothing(tmp_path: Path, unused_tcp_port: int) -> None:
    write(
        tmp_path, port=unused_tcp_port,
        more='user_header = "X-Forwarded-User"\ntrusted_proxies = ["192.0.2.1"]',
    )  # fmt: skip
    with ServiceProcess(tmp_path) as service:
        headers = {"X-Forwarded-User": "olga", "X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1"}
        with httpx.Client(base_url=service.url, headers=headers) as client:
            assert client.get("/").headers["location"] == "/sign-in"


def test_the_command_line_knows_people_and_changes_requests(team: ServiceProcess, tmp_path: Path) -> None:
    del team
    listed = sayso(tmp_path, "people").out
    assert "person:ana" in listed
    assert "web:ana, web:ana-at-home" in listed
    assert "group:sre" in listed
    request = ask(tmp_path, "team")
    me = sayso(tmp_path, "requests", "--json").json["requests"][0]["requested_by"]
    assert me.startswith("local:")
    refused = sayso(tmp_path, "reassign", f"{request[:8]}@1", "web:dee")
    assert refused.code == 1
    assert "This is not yours to answer." in refused.out
    alone = sayso(tmp_path, "answer", f"{request[:8]}@1", "approve", "--break-glass", "--comment", "x")
    assert alone.code == 1
    assert "Break-glass is for others here" in alone.out
    done = sayso(tmp_path, "withdraw", request[:8])
    assert (done.code, done.out.strip()) == (0, "Withdrawn. Nobody can answer it any more.")
    assert sayso(tmp_path, "withdraw", request).code == 1
    assert sayso(tmp_path, "withdraw", "0" * 32).code == 3
