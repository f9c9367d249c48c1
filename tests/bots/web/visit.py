"""One person in one browser: their pages, and what went wrong on them."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from tests.bots.api.served import link
from tests.bots.command import sayso

CHROMIUM = "/usr/bin/chromium"
"""Where Debian's package has it."""

RESTS = "This just appeared or changed. Look again, then press."

_NO_FAULT = re.compile(
    "Failed to load resource|ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY|origin was untrustworthy"
)
"""What Chromium says of a service that restarts, and of plain HTTP from another machine."""


@dataclass
class Visit:
    """`problems` are errors of scripts, violations of the content policy, and requests to anybody else."""

    url: str
    folder: Path
    context: BrowserContext
    page: Page
    problems: list[str] = field(default_factory=list[str])

    @classmethod
    @contextmanager
    def sign_in(cls, browser: Browser, url: str, folder: Path, name: str, **context: Any) -> Generator[Visit]:
        """Sign in with a link, and be sure at the end that nothing went wrong on any page."""
        made = browser.new_context(**context)
        visit = cls(url, folder, made, made.new_page())
        made.on("console", visit._hear)
        made.on("weberror", lambda error: visit.problems.append(str(error.error)))
        made.on("request", visit._look)
        visit.page.goto(link(folder, name))
        expect(visit.page.get_by_role("heading", name="Inbox")).to_be_visible()
        yield visit
        assert visit.problems == [], visit.problems
        made.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _NO_FAULT.search(message.text):
            self.problems.append(message.text)

    def _look(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:")):
            self.problems.append(f"asked somebody else: {request.url}")

    def tab(self, path: str = "/") -> Page:
        """One more tab of this browser."""
        page = self.context.new_page()
        page.goto(self.url + path)
        return page

    def card(self, prompt: str, page: Page | None = None) -> Locator:
        """The card with this title."""
        return (page or self.page).get_by_role("article", name=prompt)

    def start(self, workflow: str = "release", shared: str = "{}") -> str:
        """Start a run as the machine's user; its id."""
        return str(sayso(self.folder, "start", workflow, shared, "--json").json["run_id"])

    def check_accessibility(self, page: Page | None = None) -> None:
        """No rule of axe-core is broken."""
        axe: Any = Axe()
        found = axe.run(page or self.page)
        assert found.violations_count == 0, found.generate_report()


def csrf(client: httpx.Client) -> dict[str, str]:
    """The header that the pages send along."""
    found = re.search(r'data-csrf="([0-9a-f]+)"', client.get("/").text)
    assert found is not None
    return {"X-CSRF-Token": found[1]}


def form(key: str = "k", choice: str = "0") -> dict[str, object]:
    """An answer as the card's form sends it."""
    return {"revision": 1, "key": key, "fields": {"choice": [choice]}}


def stop_the_clock(visit: Visit) -> None:
    """A little later than it is, when no button rests any more."""
    visit.page.clock.pause_at(visit.page.evaluate("Date.now() / 1000 + 10"))


def accepted(visit: Visit) -> list[dict[str, Any]]:
    """The answers that counted, as the trail has them."""
    trail = sayso(visit.folder, "audit", "export", "--format", "jsonl").out.splitlines()
    return [row["payload"] for row in map(json.loads, trail) if row["kind"] == "answer_accepted"]


def pressed(card: Locator, label: str) -> None:
    """Press a button that rests no more."""
    button = card.get_by_role("button", name=label)
    expect(button).not_to_have_attribute("aria-disabled", "true")
    button.click()
