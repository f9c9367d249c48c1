"""Several people at the inbox: what waits for each, votes as they come, what else can be done, and a proxy that signs
people in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from sayso.engine import local_person
from tests.bots.api.served import ServiceProcess, ask, link, write
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


SECRET = "a-secret-of-the-proxy"


def proxied(name: str) -> dict[str, str]:
    """What the trusted proxy sends for somebody."""
    return {"X-Forwarded-User": name, "X-Sayso-Proxy-Secret": SECRET}


@pytest.fixture
def team(tmp_path: Path, unused_tcp_port: int) -> Iterator[ServiceProcess]:
    """The service with people and a policy of its own, and a proxy that it trusts."""
    write(
        tmp_path, port=unused_tcp_port,
        more=f'''user_header = "X-Forwarded-User"
trusted_proxies = ["127.0.0.1"]
proxy_secret_file = "{tmp_path}/proxy-secret"''',
    )  # fmt: skip
    (tmp_path / "proxy-secret").write_text(f"{SECRET}\n")
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
        expect(eve.page.get_by_text("You're all caught up.")).to_be_visible()
        hers = ana.card("Drop the table?")
        expect(hers.get_by_text("2 of @sre")).to_be_visible()
        hers.get_by_role("button", name="Approve").click()
        expect(hers.get_by_role("status")).to_have_text("Your approval was counted: 1 of 2.")
        card = cho.card("Drop the table?")
        expect(card.get_by_text("1 of 2 approved")).to_be_visible()
        expect(card.get_by_text(re.compile("1 of 2 approved · Ana "))).to_be_visible()
        expect(card.get_by_text("waiting for 1 more of @sre")).to_be_visible()
        ana.page.reload()
        expect(ana.page.get_by_role("heading", name="Also open")).to_be_visible()
        ana.check_accessibility()
        cho.check_accessibility()
        card.get_by_role("button", name="Approve").click()
        expect(card.get_by_text("finished")).to_be_visible()
        expect(ana.card("Drop the table?").get_by_text("finished")).to_be_visible()
        for one in (ana, eve):
            one.page.reload()
            expect(one.page.get_by_text("You're all caught up.")).to_be_visible()
        expect(ana.page.get_by_role("heading", name="Recently decided")).to_be_visible()
        expect(ana.card("Drop the table?").get_by_text(re.compile("^Ana "))).to_be_visible()
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
            "Your approval was counted: 1 of 2."
        )
        expect(home.card("Drop the table?").get_by_text(re.compile("1 of 2 approved · Ana "))).to_be_visible()
        home.card("Drop the table?").get_by_text("You approved · Change").click()
        home.card("Drop the table?").get_by_role("button", name="Approve").click()
        expect(home.card("Drop the table?").get_by_role("status")).to_have_text("You already approved this.")


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
        card.get_by_label("To, such as").fill("web:lead")
        card.get_by_role("button", name="Reassign").click()
        expect(card.get_by_role("status")).to_have_text(
            "Handed over to lead. Your own vote no longer counts."
        )
        expect(cto.page.get_by_text("You're all caught up.")).to_be_visible()
        request = sayso(tmp_path, "requests", "--json").json["requests"][0]["id"]
        page = cto.tab(f"/requests/{request}")
        alone = cto.card("Drop the table?", page)
        alone.get_by_text("More", exact=True).click()
        alone.get_by_label("Reason, shown").fill("the site is down")
        alone.get_by_role("button", name="Approve alone").click()
        expect(alone.get_by_text(re.compile("cto .*in an emergency"))).to_be_visible()
        expect(alone.get_by_text("“the site is down”")).to_be_visible()


def test_a_page_that_nobody_looks_at_shows_no_news_until_somebody_does(
    team: ServiceProcess, browser: Browser, tmp_path: Path
) -> None:
    """What stands there whole counts as read."""
    request = ask(tmp_path, "team")
    with (
        Visit.sign_in(browser, team.url, tmp_path, "ana") as ana,
        Visit.sign_in(browser, team.url, tmp_path, "cho") as cho,
    ):
        ana.context.add_init_script(
            "Object.defineProperty(document, 'hidden', {get: () => window.isHidden ?? false})"
        )
        page = ana.tab(f"/requests/{request}")
        expect(ana.card("Drop the table?", page)).to_be_visible()
        page.evaluate("() => { window.isHidden = true; }")
        cho.card("Drop the table?").get_by_role("button", name="Approve").click()
        expect(ana.card("Drop the table?").get_by_text("1 of 2 approved")).to_be_visible()
        assert ana.card("Drop the table?", page).get_by_text("1 of 2 approved").count() == 0
        page.evaluate(
            "() => { window.isHidden = false; document.dispatchEvent(new Event('visibilitychange')); }"
        )
        expect(ana.card("Drop the table?", page).get_by_text("1 of 2 approved")).to_be_visible()


def test_whoever_asked_withdraws(team: ServiceProcess, browser: Browser, tmp_path: Path) -> None:
    ask(tmp_path, "team", '{"by": "web:ana-at-home"}')
    with Visit.sign_in(browser, team.url, tmp_path, "ana") as ana:
        card = ana.card("Drop the table?")
        card.get_by_role("button", name="Approve").click()
        expect(card.get_by_role("status")).to_have_text(
            "You requested this, so someone else must approve it."
        )
        card.get_by_text("More", exact=True).click()
        card.get_by_role("button", name="Withdraw").click()
        expect(card.get_by_text("Withdrawn", exact=True)).to_be_visible()
        expect(card.get_by_text("Withdrawn by Ana")).to_be_visible()


def test_a_trusted_proxy_says_who_somebody_is(team: ServiceProcess, tmp_path: Path) -> None:
    """And a page of another site, with the same proxy before it, can still do nothing."""
    request = ask(tmp_path, "team")
    with httpx.Client(base_url=team.url, headers=proxied("bo")) as bo:
        assert "Drop the table?" in bo.get("/").text
        refused = bo.post(f"/requests/{request}/answers", json=form())
        assert refused.json()["kind"] == "NotFromOurPage"
        answer = bo.post(f"/requests/{request}/answers", json=form(), headers=csrf(bo))
        assert answer.json()["outcome"] == "counted"
        stolen = csrf(bo)
    with httpx.Client(base_url=team.url, headers=proxied("ana")) as ana:
        assert ana.post(f"/requests/{request}/answers", json=form("k2"), headers=stolen).status_code == 403


def test_a_proxy_that_does_not_show_its_secret_is_none(team: ServiceProcess) -> None:
    """Whatever else runs on the proxy's machine has its address, and can send its header."""
    for given, words in (
        ({"X-Forwarded-User": "bo"}, "requires the proxy's secret"),
        ({**proxied("bo"), "X-Sayso-Proxy-Secret": f"{SECRET}x"}, "requires the proxy's secret"),
        ([*proxied("bo").items(), ("X-Forwarded-User", "ana")], "was sent 2 times"),
        (proxied("../x"), "invalid name: '../x'"),
        (proxied("bo;rm"), "invalid name: "),
        (proxied("b" * 65), "up to 64 letters"),
    ):
        answer = httpx.get(f"{team.url}/api/v1/me", headers=given)
        assert (answer.status_code, answer.json()["kind"]) == (403, "NotAllowed"), given
        assert words in answer.json()["detail"], given
    assert httpx.get(f"{team.url}/", headers=proxied("")).headers["location"] == "/sign-in", (
        "nobody is signed in"
    )


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("BO", "web:bo"),
        ("O'Brien@Example.org", "web:o'brien@example.org"),
        ("CORP\\Bo", "web:corp\\bo"),
        ("Bo  Lee", "web:bo lee"),
    ],
)
def test_a_name_on_the_web_has_one_form(team: ServiceProcess, name: str, person: str) -> None:
    """However the proxy's directory writes it: one person, one vote."""
    assert httpx.get(f"{team.url}/api/v1/me", headers=proxied(name)).json() == {
        "person": person, "via": "web", "operator": False, "scopes": None, "expires_at": None, "bounds": None,
    }  # fmt: skip


def test_one_name_in_two_cases_is_one_vote(team: ServiceProcess, tmp_path: Path) -> None:
    request = ask(tmp_path, "team")
    for name, said in (("ana", "counted"), ("Ana", "duplicate"), ("ANA", "duplicate")):
        with httpx.Client(base_url=team.url, headers=proxied(name)) as ana:
            answer = ana.post(f"/requests/{request}/answers", json=form(name), headers=csrf(ana))
            assert answer.json()["outcome"] == said, name


def test_the_services_own_user_is_no_operator_by_a_proxy(team: ServiceProcess, tmp_path: Path) -> None:
    """The name comes from the proxy's directory, where anybody may have it; by the service's own link it is theirs."""
    own = local_person().partition(":")[2]
    me = httpx.get(f"{team.url}/api/v1/me", headers=proxied(own)).json()
    assert (me["person"], me["operator"]) == (f"web:{own}", False)
    with httpx.Client(base_url=team.url) as client:
        secret = link(tmp_path, own).rpartition("#")[2]
        client.post("/sign-in", json={"link": secret})
        me = client.get("/api/v1/me").json()
        assert (me["person"], me["via"], me["operator"]) == (f"web:{own}", "web", True)
    assert httpx.get(f"{team.url}/api/v1/me", headers=proxied("olga")).json()["operator"], "she is listed"


def test_the_header_of_anybody_else_says_nothing(tmp_path: Path, unused_tcp_port: int) -> None:
    write(
        tmp_path, port=unused_tcp_port,
        more=f'''user_header = "X-Forwarded-User"
trusted_proxies = ["192.0.2.1"]
proxy_secret_file = "{tmp_path}/proxy-secret"''',
    )  # fmt: skip
    (tmp_path / "proxy-secret").write_text(SECRET)
    with ServiceProcess(tmp_path) as service:
        headers = {**proxied("olga"), "X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1"}
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
    assert "You aren't an approver for this." in refused.out
    alone = sayso(tmp_path, "answer", f"{request[:8]}@1", "approve", "--break-glass", "--comment", "x")
    assert alone.code == 1
    assert "You can't approve this in an emergency (break-glass)" in alone.out
    done = sayso(tmp_path, "withdraw", request[:8])
    assert (done.code, done.out.strip()) == (0, "Withdrawn. It can no longer be answered.")
    assert sayso(tmp_path, "withdraw", request).code == 1
    assert sayso(tmp_path, "withdraw", "0" * 32).code == 3
