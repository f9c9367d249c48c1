"""Draw the README's picture: what `sayso demo --chat` shows in a browser, as PNG.

.venv/bin/python scripts/make_chat_picture.py    # needs Chromium and its emoji font
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Locator, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs/pictures/chats.png"
SIZE = {"width": 1120, "height": 760}


def main() -> None:
    """Let Ana answer the first question in Slack and approve the draft in Telegram, and take the picture."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).parent / "sayso"), "demo", "--chat", "--port", "0"]
        demo = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
        try:
            assert demo.stdout is not None
            address = next(found[0] for line in demo.stdout if (found := re.search(r"http://\S+", line)))
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path="/usr/bin/chromium", args=["--no-sandbox"]
                )
                _play(browser.new_page(viewport=SIZE), address)
                browser.close()
        finally:
            demo.kill()
            demo.wait()


def _play(page: Page, address: str) -> None:
    page.goto(f"{address}/#Ana")
    slack = page.get_by_role("region", name="Slack")
    telegram = page.get_by_role("region", name="Telegram")
    _press(slack, "✍️ Answer")
    slack.get_by_role("dialog").get_by_label("Your answer").fill("green tea")
    slack.get_by_role("dialog").get_by_role("button", name="Send").click()
    telegram.get_by_role("button", name="✅ Approve").wait_for()
    slack.get_by_role("dialog").get_by_role("button", name="Close").click()
    _press(telegram, "✅ Approve")
    slack.get_by_role("button", name="✅ Yes").wait_for()
    telegram.get_by_role("button", name="✅ Yes").wait_for()
    slack.get_by_text("APPROVED").wait_for()
    page.screenshot(path=TARGET)


def _press(chat: Locator, label: str) -> None:
    chat.get_by_role("button", name=label).last.click()


if __name__ == "__main__":
    main()
