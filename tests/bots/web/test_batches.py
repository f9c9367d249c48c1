"""Questions that were asked together, in the inbox: under one heading, each with its own buttons."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.bots.api.served import token
from tests.bots.web.visit import Visit

pytestmark = pytest.mark.timeout(120)

PROMPTS = ["Install requests?", "Run the migration?", "Push to main?"]


def ask(visit: Visit, secret: str, *prompts: str) -> None:
    questions = [{"prompt": one, "to": "web", "details": {"Directory": "/srv/shop"}} for one in prompts]
    headers = {"Authorization": f"Bearer {secret}"}
    asked = httpx.post(
        f"{visit.url}/api/v1/batches", json={"requests": questions}, headers=headers, timeout=30
    )
    assert asked.status_code == 201, asked.text


def titles(page: Page) -> Locator:
    return page.get_by_role("region", name="Asked together").get_by_role("article").locator("h2")


def test_questions_of_a_batch_stand_under_one_heading_each_with_its_own_buttons(olga: Visit) -> None:
    expect(olga.page.get_by_text("You're all caught up.")).to_be_visible()
    ask(olga, token(olga.folder, "agent", "ask"), *PROMPTS)
    together = olga.page.get_by_role("region", name="Asked together")
    expect(together.get_by_role("article")).to_have_count(3)
    expect(titles(olga.page)).to_have_text(PROMPTS)
    olga.page.reload()
    expect(titles(olga.page)).to_have_text(PROMPTS)
    olga.check_accessibility()
    second = olga.card("Run the migration?")
    second.get_by_role("button", name="Approve").click()
    expect(second.get_by_text("Approved. The workflow continues.")).to_be_visible()
    expect(second.get_by_role("button", name="Approve")).to_have_count(0)
    for other in ("Install requests?", "Push to main?"):
        expect(olga.card(other).get_by_role("button", name="Approve")).to_be_visible()
    olga.page.reload()
    expect(titles(olga.page)).to_have_text(["Install requests?", "Push to main?"])


def test_a_batch_and_what_is_asked_alone_do_not_mix(olga: Visit) -> None:
    secret = token(olga.folder, "agent", "ask")
    ask(olga, secret, "Install?", "Migrate?")
    olga.start()
    ask(olga, secret, "Push?", "Tag?")
    expect(olga.page.get_by_role("region", name="Asked together")).to_have_count(2)
    expect(olga.card("Release 4.2.0?")).to_be_visible()
    olga.page.reload()
    expect(olga.page.get_by_role("region", name="Asked together").first.get_by_role("article")).to_have_count(
        2
    )
    expect(titles(olga.page)).to_have_text(["Push?", "Tag?", "Install?", "Migrate?"])
