"""The history: what somebody may read of what came to its end, found by what they look for."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.bots.api.served import ServiceProcess
from tests.bots.web.test_many import answer_all, fill, visiting
from tests.bots.web.visit import Visit

pytestmark = pytest.mark.timeout(120)

_ROW = re.compile(r'<a href="/requests/([0-9a-f]{32})">')


def test_a_person_finds_what_they_may_read_page_by_page_and_nothing_else(folder: Path) -> None:
    hers, others = fill(folder, (70, ["web:ana"], "Hers?"), (5, ["web:bo"], "Not hers?"))
    answer_all(folder, hers)
    answer_all(folder, others)
    with visiting(folder, "ana") as ana:
        found: list[str] = []
        address: str | None = "/history?text=hers%3F"
        while address is not None:
            page = ana.get(address).text
            found += _ROW.findall(page)
            older = re.search(r'<a href="([^"]+)" rel="next">', page)
            address = None if older is None else html.unescape(older[1])
        assert sorted(found) == sorted(hers)
        assert _ROW.findall(ana.get("/history?text=nothing+like+it").text) == []
        assert ana.get("/history?before=x").status_code == 422
    with visiting(folder, "olga") as olga:
        page = olga.get("/history?text=not+hers").text
        assert sorted(_ROW.findall(page)) == sorted(others)


@pytest.mark.parametrize("width", [1000, 390])
def test_my_decisions_are_found_and_shared_by_their_address(
    service: ServiceProcess, browser: Browser, tmp_path: Path, width: int
) -> None:
    with Visit.sign_in(
        browser, service.url, tmp_path, "olga", viewport={"width": width, "height": 800}
    ) as olga:
        olga.start("strict")
        olga.card("Release 4.2.0?").get_by_role("button", name="Approve").click()
        expect(olga.card("Release 4.2.0?").get_by_role("status")).to_contain_text("Approved.")
        olga.page.get_by_role("link", name="My decisions").click()
        expect(olga.page.get_by_label("Whose")).to_have_value("decided")
        days = [olga.page.get_by_label(name, exact=True).bounding_box() for name in ("From", "To")]
        assert len({day and day["y"] for day in days}) == 1
        olga.page.get_by_label("Outcome").select_option("Approved")
        olga.page.get_by_role("button", name="Search").click()
        expect(olga.page).to_have_url(re.compile("outcome=approved"))
        expect(olga.page.get_by_role("listitem")).to_have_count(1)
        olga.check_accessibility()
        assert olga.page.evaluate("document.documentElement.scrollWidth") == width
        shared = olga.tab(olga.page.url.removeprefix(olga.url))
        expect(shared.get_by_role("link", name="Release 4.2.0?")).to_be_visible()
        shared.get_by_label("Outcome").select_option("Rejected")
        shared.get_by_role("button", name="Search").click()
        expect(shared.get_by_text("Nothing matches.")).to_be_visible()


def test_a_history_without_anything_says_so(olga: Visit) -> None:
    """Nobody has searched for anything that could match."""
    olga.page.goto(f"{olga.url}/history")
    expect(olga.page.get_by_text("Nothing has been decided yet.")).to_be_visible()


def test_an_unknown_address_is_a_page_that_leads_back(service: ServiceProcess, olga: Visit) -> None:
    for path in ("/nowhere", "/runs/none", "/history?before=x"):
        olga.page.goto(service.url + path)
        expect(olga.page.get_by_role("link", name="Go to the inbox")).to_be_visible()
        olga.check_accessibility()
    olga.page.get_by_role("link", name="Go to the inbox").click()
    expect(olga.page.get_by_role("heading", name="Inbox")).to_be_visible()
