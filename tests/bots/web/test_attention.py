"""What draws somebody to a question: the title, the icon, notifications, keys, and where their vote stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.bots.api.served import ServiceProcess
from tests.bots.web.visit import Visit

pytestmark = pytest.mark.timeout(120)

_ELSEWHERE = """
document.hasFocus = () => false;
window.told = [];
window.Notification = class extends EventTarget {
  static permission = "default";
  static async requestPermission() { Notification.permission = "granted"; }
  constructor(title, { body, tag }) { super(); window.told.push([body, tag.length]); }
};
"""
"""A browser whose window is behind another one, and in which what it is told of can be read."""


def test_the_title_and_the_icon_say_how_many_wait(olga: Visit) -> None:
    icon = olga.page.locator('link[rel="icon"]')
    expect(olga.page).to_have_title("Inbox · sayso")
    olga.start("strict")
    olga.start("strict")
    expect(olga.page).to_have_title("(2) sayso")
    expect(icon).to_have_attribute("href", "/static/icon-waiting.svg")
    expect(olga.page.get_by_text("requested just now")).to_have_count(2)
    olga.page.reload()
    expect(olga.page).to_have_title("(2) sayso")
    for left in (1, 0):
        olga.page.locator("article.mine").first.get_by_role("button", name="Approve").click()
        expect(olga.page.locator("article.mine")).to_have_count(left)
    expect(olga.page).to_have_title("Inbox · sayso")
    expect(icon).to_have_attribute("href", "/static/icon.svg")
    expect(olga.page.get_by_text("You're all caught up.")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/history", "History · sayso"),
        ("/runs", "Runs · sayso"),
        ("/start", "Start · sayso"),
        ("/start/strict", "Start strict · sayso"),
        ("/nowhere", "Not found · sayso"),
    ],
)
def test_every_page_says_how_many_wait_and_keeps_it_true(olga: Visit, path: str, name: str) -> None:
    olga.start("strict")
    expect(olga.page).to_have_title("(1) sayso")
    page = olga.tab(path)
    icon = page.locator('link[rel="icon"]')
    expect(page).to_have_title(f"(1) {name}")
    expect(icon).to_have_attribute("href", "/static/icon-waiting.svg")
    olga.start("strict")
    expect(page).to_have_title(f"(2) {name}")
    for left in (1, 0):
        olga.page.locator("article.mine").first.get_by_role("button", name="Approve").click()
        expect(olga.page.locator("article.mine")).to_have_count(left)
    expect(page).to_have_title(name)
    expect(icon).to_have_attribute("href", "/static/icon.svg")


def test_the_page_of_a_request_says_how_many_wait(olga: Visit) -> None:
    olga.start("strict")
    olga.start("strict")
    expect(olga.page).to_have_title("(2) sayso")
    request = olga.page.locator("article.mine").first.get_attribute("data-request")
    page = olga.tab(f"/requests/{request}")
    expect(page).to_have_title("(2) Request · sayso")
    page.get_by_role("button", name="Approve").click()
    expect(page).to_have_title("(1) Request · sayso")


def test_notifications_come_only_to_who_asked_for_them(
    service: ServiceProcess, browser: Browser, tmp_path: Path
) -> None:
    with Visit.sign_in(browser, service.url, tmp_path, "olga") as olga:
        olga.context.add_init_script(_ELSEWHERE)
        page = olga.tab("/runs")  # any page tells
        expect(page.get_by_role("button", name="Turn on notifications")).to_be_visible()
        olga.start("strict")
        expect(olga.card("Release 4.2.0?")).to_be_visible()
        page.get_by_role("button", name="Turn on notifications").click()
        expect(page.get_by_role("button", name="Turn off notifications")).to_be_visible()
        assert page.evaluate("told") == []
        olga.start("strict")
        while not page.evaluate(
            "told.length"
        ):  # its own way to wait evaluates text in the page, which the policy forbids
            pass
        assert page.evaluate("told") == [["Release 4.2.0?", 32]]


def test_keys_lead_to_cards_and_buttons_and_decide_nothing_themselves(olga: Visit) -> None:
    olga.start("strict")
    olga.start("strict")
    expect(olga.page.locator("article.mine")).to_have_count(2)
    first, second = olga.page.locator("article.mine").all()
    keyboard = olga.page.keyboard
    keyboard.press("j")
    expect(first).to_be_focused()
    keyboard.press("j")
    expect(second).to_be_focused()
    keyboard.press("k")
    keyboard.press("r")
    expect(first.get_by_role("button", name="Reject")).to_be_focused()
    keyboard.press("a")
    expect(first.get_by_role("button", name="Approve")).to_be_focused()
    first.get_by_label("Comment (optional)").press_sequentially("jar?")
    expect(first.get_by_label("Comment (optional)")).to_have_value("jar?")
    expect(olga.page.locator("article.mine")).to_have_count(2)
    first.focus()
    keyboard.press("?")
    expect(olga.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    olga.check_accessibility()
    olga.page.get_by_label("Use shortcuts in this browser").uncheck()
    keyboard.press("Escape")
    first.focus()
    keyboard.press("j")
    expect(first).to_be_focused()


def test_on_a_phone_the_buttons_of_a_long_card_stay_in_reach(
    service: ServiceProcess, browser: Browser, tmp_path: Path
) -> None:
    with Visit.sign_in(
        browser, service.url, tmp_path, "olga", viewport={"width": 390, "height": 700}
    ) as olga:
        olga.start(shared='{"details": {"Log": "' + "line\\n" * 80 + '"}}')
        card = olga.card("Release 4.2.0?")
        expect(card.get_by_role("button", name="approve")).to_be_in_viewport()
        olga.check_accessibility()
