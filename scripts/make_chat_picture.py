"""Draw the pictures of the demo: what `sayso demo --chat` shows in a browser, step by step, as PNG.

.venv/bin/python scripts/make_chat_picture.py    # needs Chromium and its emoji font
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, ViewportSize, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURES = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/pictures"
SIZE = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)


def main() -> None:
    """Go through the guide's steps, and take a picture of each."""
    command = [str(Path(sys.executable).parent / "sayso"), "demo", "--chat", "--port", "0"]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    try:
        assert demo.stdout is not None
        said = list(iter(demo.stdout.readline, "Stop        Ctrl-C\n"))
        address = next(found[0] for line in said if (found := re.search(r"http://\S+", line)))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            _play(browser, address)
            browser.close()
    finally:
        demo.terminate()
        demo.wait()


def _play(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport=SIZE)
    dark = browser.new_page(viewport=SIZE, color_scheme="dark")
    phone = browser.new_page(viewport=PHONE)
    slack, telegram = (page.get_by_role("region", name=name) for name in ("Slack", "Telegram"))
    page.goto(f"{address}/#Bo")
    _press(slack, "Approve")
    slack.get_by_role("button", name="1 reply").wait_for()
    page.goto(f"{address}/#Chris")
    telegram.get_by_role("button", name="Approve").wait_for()
    _take(page, "chats")
    dark.goto(f"{address}/#Chris")
    dark.get_by_role("region", name="Telegram").get_by_role("button", name="Approve").wait_for()
    _take(dark, "chats-dark")
    phone.goto(f"{address}/#Chris")
    for name in ("Slack", "Telegram"):
        phone.get_by_role("navigation", name="Shown").get_by_role("button", name=name).click()
        phone.get_by_role("button", name="Approve").wait_for()
        _take(phone, f"chats-phone-{name.lower()}")
    _press(telegram, "Approve")
    _press(slack, "Answer")
    modal = slack.get_by_role("dialog")
    modal.get_by_label("First group").fill("10")
    modal.get_by_label("Start date").fill("2026-12-01")
    modal.get_by_label("Who is notified").select_option("everyone")
    telegram.locator(".popup").wait_for(state="hidden")
    _take(page, "chats-modal")
    modal.get_by_role("button", name="Send").click()
    guide = page.get_by_role("region", name="Guide")
    guide.get_by_role("button", name="kill -9").wait_for()
    modal.get_by_role("button", name="Close").last.press("Escape")
    _press(guide, "kill -9")
    guide.get_by_text("sayso was killed").wait_for()
    _press(slack, "Roll out to everyone")
    page.get_by_text("nothing was counted").wait_for()
    _take(page, "chats-killed")


def _press(chat: Locator, label: str) -> None:
    chat.get_by_role("button", name=label).last.click()


def _take(page: Page, name: str) -> None:
    page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    main()
