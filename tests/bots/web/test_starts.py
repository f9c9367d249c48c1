"""Starting a workflow in the inbox: its form, what is wrong with it by field, and who may."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.bots.api.served import ServiceProcess
from tests.bots.web.visit import Visit

pytestmark = pytest.mark.slow


@pytest.fixture
def ana(browser: Browser, service: ServiceProcess, tmp_path: Path) -> Iterator[Visit]:
    """A starter of two of the workflows, in a phone's browser."""
    phone = {"viewport": {"width": 390, "height": 844}, "timezone_id": "Europe/Rome", "locale": "it-IT"}
    with Visit.sign_in(browser, service.url, tmp_path, "ana", **phone) as visit:
        yield visit


def test_a_form_starts_a_workflow_and_asks_whoever_started_it(ana: Visit, tmp_path: Path) -> None:
    page = ana.page
    page.get_by_role("link", name="Start", exact=True).click()
    expect(page.get_by_role("main").get_by_role("link")).to_have_text(["release", "trip"])
    page.get_by_role("link", name="trip").click()
    expect(page.get_by_role("heading", name="Start trip")).to_be_visible()
    assert page.get_by_label("By (optional)").locator("option:checked").text_content() == "train"
    expect(page.get_by_text("Default:")).to_have_count(0)
    above, below = (page.get_by_label(name, exact=True).bounding_box() for name in ("Nights", "To: City"))
    assert above
    assert below
    assert below["y"] - above["y"] - above["height"] > 32, "the label of the second keeps away from the first"
    yes, said = (page.get_by_role("group", name="Express").locator(one).first for one in ("input", "label"))
    left, whole = yes.bounding_box(), said.bounding_box()
    assert left
    assert whole
    assert whole["height"] < 2 * left["height"], "its name stands beside it"
    page.get_by_label("Nights").fill("1x000")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("Required")).to_have_count(2)
    expect(page.get_by_text('"1x000" is not a number')).to_be_visible()
    ana.check_accessibility()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("Nights").fill("2")
    page.get_by_label("Traveller").fill("Cho")
    page.get_by_label("To: City").fill("Rome")
    page.get_by_label("Starts (optional)").fill("2026-12-31")
    page.get_by_label("Departs (optional)").fill("2026-12-31T17:30")
    page.get_by_label("Stops, entry 1").fill("Bologna, centre")
    page.get_by_role("button", name="Add").click()
    page.keyboard.type("Florence")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/\w+"))
    run_id = page.url.rpartition("/")[2]
    page.goto(ana.url)
    ana.card("Which seat?").get_by_role("button", name="aisle").click()
    expect(ana.card("Which seat?")).to_contain_text("aisle")
    with contextlib.closing(sqlite3.connect(tmp_path / "sayso.db")) as database:
        query = "SELECT v.entry FROM visits v JOIN runs r USING (run_key) WHERE r.run_id = ?"
        ((entry,),) = database.execute(query, (run_id,)).fetchall()
    assert json.loads(entry) == {
        "traveller": "Cho",
        "nights": 2,
        "to": {"city": "Rome", "country": "IT"},
        "by": "train",
        "starts": "2026-12-31",
        "stops": ["Bologna, centre", "Florence"],
        "departs": "2026-12-31T16:30:00+00:00",
        "express": False,
    }


def test_whoever_may_start_nothing_is_told_who_they_are(
    browser: Browser, service: ServiceProcess, tmp_path: Path
) -> None:
    with Visit.sign_in(browser, service.url, tmp_path, "bo") as bo:
        bo.page.goto(f"{bo.url}/start")
        expect(bo.page.get_by_role("main")).to_contain_text("There is no workflow that you may start.")
        expect(bo.page.get_by_role("main")).to_contain_text("web:bo")
        answer = bo.page.goto(f"{bo.url}/start/trip")
        assert answer is not None
        assert answer.status == 404
