"""Grants in the browser: what a longer approval covers is said where it is given, and one button ends it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from sayso.client import Client, Question
from tests.bots.api.served import ServiceProcess, token, write
from tests.bots.api.test_grants import POLICIES
from tests.bots.web.visit import Visit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

DETAILS = {"Command": "npm test", "Version": "v1", "Session": "s1"}


@pytest.fixture
def folder(tmp_path: Path, unused_tcp_port: int) -> Path:
    """A service with a policy that offers grants."""
    write(tmp_path, port=unused_tcp_port, more=POLICIES)
    return tmp_path


@pytest.fixture
def agent(service: ServiceProcess, tmp_path: Path) -> Iterator[Client]:
    with Client(service.url, token(tmp_path, "agent", "ask")) as client:
        yield client


def ask(client: Client, **more: Any) -> str:
    question = Question("Run “npm test”?", details=DETAILS | more, policy="tools")
    return client.ask(question).id


@pytest.mark.parametrize("width", [1000, 390])
def test_a_longer_approval_is_given_seen_and_ended(
    browser: Browser, service: ServiceProcess, agent: Client, tmp_path: Path, width: int
) -> None:
    viewport = {"width": width, "height": 900}
    with Visit.sign_in(browser, service.url, tmp_path, "ana", viewport=viewport) as ana:
        first = ask(agent)
        card = ana.card("Run “npm test”?")
        card.get_by_text("Approve for longer").click()
        expect(card).to_contain_text(
            "A longer approval covers later requests from agent that are exactly like this one, apart from Version "
            "(v*), Session (any, unless it is for this session). It ends within 8 hours, and you can revoke it."
        )
        ana.check_accessibility()
        card.get_by_role("button", name="Approve for 1 hour").click()
        expect(card.get_by_role("status")).to_contain_text("Approved")
        expect(card).to_contain_text("The same from agent is approved until")
        assert agent.request(first).approved

        used = ask(agent, Version="v2", Session="s2")
        assert agent.request(used).approved
        ana.page.goto(f"{service.url}/history?whose=granted")
        expect(ana.page.get_by_role("listitem")).to_have_count(1)
        expect(ana.page.get_by_role("listitem")).to_contain_text("by ana's grant")

        ana.page.get_by_role("navigation").get_by_role("link", name="Grants").click()
        row = ana.page.get_by_role("row").filter(has_text="npm test")
        expect(row).to_contain_text("1h")
        ana.check_accessibility()
        row.get_by_role("link").click()
        expect(ana.page.get_by_role("link", name=used[:8])).to_be_visible()
        ana.check_accessibility()
        ana.page.get_by_role("button", name="Revoke").click()
        expect(ana.page.locator("#live-grant")).to_contain_text("Revoked by ana")
        ana.page.goto(f"{service.url}/requests/{first}")
        expect(ana.card("Run “npm test”?")).to_contain_text("Longer approval revoked by ana")
        assert agent.request(ask(agent)).is_open


def test_somebody_else_sees_and_ends_no_grant(
    browser: Browser, service: ServiceProcess, agent: Client, tmp_path: Path
) -> None:
    with Visit.sign_in(browser, service.url, tmp_path, "ana") as ana:
        ask(agent)
        card = ana.card("Run “npm test”?")
        card.get_by_text("Approve for longer").click()
        card.get_by_role("button", name="Approve this and 5 more").click()
        expect(card).to_contain_text("5 at most")
        ana.page.goto(f"{service.url}/grants")
        address = ana.page.get_by_role("row").get_by_role("link").get_attribute("href")
        with Visit.sign_in(browser, service.url, tmp_path, "bo") as bo:
            bo.page.goto(f"{service.url}/grants")
            expect(bo.page.get_by_text("No active grants.")).to_be_visible()
            refused = bo.page.goto(f"{service.url}{address}")
            assert refused is not None
            assert refused.status == 404
