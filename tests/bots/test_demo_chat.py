"""`sayso demo --chat` as a newcomer meets it: a page in a real browser, several people, kill -9 in the middle."""

from __future__ import annotations

import contextlib
import os
import random
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.bots.command import DEADLINE, SAYSO, environment
from tests.bots.forked import Forked

pytestmark = pytest.mark.timeout(120)

CHROMIUM = "/usr/bin/chromium"
STDERR = 2


def two_free_ports() -> int:
    """A port that is free, and so is the next one; below those that the system gives away meanwhile."""
    for port in random.sample(range(20_000, 30_000, 2), 100):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for number in (port, port + 1):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", number))
            return port
    raise AssertionError("no two ports beside each other are free")


class Demo:
    """The demo in a process of its own, on a port of its own that it keeps."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = two_free_ports()
        self.link = ""
        self._process: Forked | None = None
        self._said: IO[str] | None = None

    def start(self) -> str:
        """Start it, or start it again; the page's address."""
        read, written = os.pipe()
        self._said = os.fdopen(read)
        with Path(os.devnull).open() as nothing:
            self._process = Forked(
                (SAYSO, "demo", "--chat", "--port", str(self._port)),
                self._folder,
                environment(),
                (nothing.fileno(), written, STDERR),
                modules=("sayso.testing.page", "sayso.testing.slack", "sayso.testing.telegram"),
            )
        os.close(written)
        addresses: list[str] = []
        for line in self._said:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)\S*", line):
                addresses.append(found[0])
            if len(addresses) == len(("the page", "the inbox")):
                self.link = addresses[1]
                return addresses[0]
        raise AssertionError("the demo ended without its addresses")

    def kill(self) -> None:
        """`kill -9`; harmless when it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(DEADLINE)
            assert self._said is not None
            self._said.close()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Chromium's sandbox needs user namespaces, which containers rarely have; it visits this machine alone.
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


def telegram(page: Page) -> Locator:
    return page.get_by_role("region", name="Telegram")


def slack(page: Page) -> Locator:
    return page.get_by_role("region", name="Slack")


def press(chat: Locator, label: str) -> None:
    chat.get_by_role("button", name=label).last.click(timeout=20_000)


def write(chat: Locator, text: str) -> None:
    chat.get_by_label("Write in telegram").fill(text)
    chat.get_by_role("button", name="Send").click()


def answer_in_modal(chat: Locator, text: str) -> None:
    press(chat, "✍️ Answer")
    modal = chat.get_by_role("dialog")
    modal.get_by_label("Your answer").fill(text, timeout=20_000)
    modal.get_by_role("button", name="Send").click()


def test_an_article_is_reviewed_in_slack_and_telegram_at_once(
    demo: Demo, browser: Browser, tmp_path: Path
) -> None:
    address = demo.start()
    ana, bo = browser.new_page(), browser.new_page()
    ana.goto(f"{address}/#Ana")
    bo.goto(f"{address}/#Bo")
    answer_in_modal(slack(ana), "green tea")
    question = "Is this article about 'green tea' good to go?"
    expect(telegram(bo).get_by_text(question)).to_be_visible(timeout=20_000)
    press(telegram(bo), "Revise")
    expect(bo.get_by_text("Recorded: Revise. The run goes on.")).to_be_visible()
    expect(slack(ana).get_by_text("Answered by Bo")).to_be_visible(timeout=20_000)
    press(telegram(bo), "✍️ Answer")
    expect(bo.get_by_text("Replying to")).to_be_visible()
    write(telegram(bo), "shorter")
    expect(slack(ana).get_by_text("Revision 1, because a reader said")).to_be_visible(timeout=20_000)
    press(slack(ana), "✅ Approve")
    press(telegram(bo), "✅ Yes")
    expect(slack(ana).get_by_text("Publish done").last).to_be_visible(timeout=20_000)
    assert "shorter" in (tmp_path / "published" / "green-tea.md").read_text()


def test_killed_the_demo_goes_on_and_the_open_page_comes_back_by_itself(demo: Demo, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(demo.start())
    first = "What should the article be about?"
    expect(slack(page).get_by_text(first)).to_be_visible(timeout=20_000)
    expect(telegram(page).get_by_text(first)).to_be_visible(timeout=20_000)
    demo.kill()
    demo.start()
    answer_in_modal(slack(page), "black tea")
    expect(telegram(page).get_by_text("Answered by Ana")).to_be_visible(timeout=20_000)
    expect(telegram(page).get_by_text(first, exact=True)).to_have_count(1)


def test_the_inbox_shows_the_same_questions_and_comes_back_to_life(demo: Demo, browser: Browser) -> None:
    """On a port and a file that it keeps, so that the session and the open card survive a kill."""
    demo.start()
    demo.kill()
    chats, inbox = browser.new_page(), browser.new_page()
    chats.goto(demo.start())
    inbox.goto(demo.link)
    card = inbox.get_by_role("article", name="What should the article be about?")
    expect(card).to_be_visible(timeout=20_000)
    card.get_by_label("Your answer").fill("green tea")
    demo.kill()
    expect(inbox.get_by_text("Not connected.")).to_be_visible(timeout=20_000)
    demo.start()
    expect(inbox.get_by_text("Not connected.")).to_be_hidden(timeout=20_000)
    expect(card.get_by_label("Your answer")).to_have_value("green tea")
    card.get_by_role("button", name="Send").click()
    expect(card.get_by_text("Recorded: green tea. The run goes on.")).to_be_visible(timeout=20_000)
    expect(slack(chats).get_by_text("ANSWERED").first).to_be_visible(timeout=20_000)
    for chat in (slack(chats), telegram(chats)):
        expect(chat.get_by_role("link", name="content-creation / topic")).to_have_attribute(
            "href", re.compile(r"^http://127\.0\.0\.1:\d+/requests/[0-9a-f]{32}$")
        )
    draft = inbox.get_by_role("article", name="Is this article about 'green tea' good to go?")
    expect(draft.get_by_role("button", name="Approve")).to_be_visible(timeout=20_000)


def test_what_people_wrote_is_text_on_the_page(demo: Demo, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{demo.start()}/#Eve")
    telegram(page).get_by_role("tab", name="sayso (direct)").click()
    write(telegram(page), "<img src=x onerror=alert(1)><b>bold</b>")
    expect(page.get_by_text("<img src=x onerror=alert(1)><b>bold</b>")).to_be_visible()
    assert page.locator("main img, main b").count() == 0


def test_somebody_outside_sees_neither_group_nor_channel(demo: Demo, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{demo.start()}/#Eve")
    expect(page.get_by_role("tab", name="sayso (direct)")).to_have_count(2)
    expect(page.get_by_role("tab", name="Editors")).to_have_count(0)
