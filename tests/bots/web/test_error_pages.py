"""What a browser sees where sayso itself fails, and what a program gets there."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.bots.api.served import ServiceProcess
from tests.bots.web.visit import Visit

pytestmark = pytest.mark.timeout(120)


def test_a_page_that_fails_names_an_error_that_the_log_has(
    olga: Visit, service: ServiceProcess, tmp_path: Path
) -> None:
    olga.start("strict")
    expect(olga.page.locator("article.mine")).to_have_count(1)
    request = olga.page.locator("article.mine").get_attribute("data-request")
    (database,) = tmp_path.glob("*.db")
    with sqlite3.connect(database) as broken:
        broken.execute("UPDATE requests SET question = 'nonsense' WHERE id = ?", (request,))
    page = olga.tab(f"/requests/{request}")
    expect(page.get_by_role("heading", name="Something went wrong")).to_be_visible()
    expect(page.get_by_text("Nothing was changed.")).to_be_visible()
    expect(page).to_have_title("Something went wrong · sayso")
    shown = re.search(r"error ID ([0-9a-f]{8})", page.locator("main").inner_text())
    assert shown is not None
    (line,) = [one for one in service.log.splitlines() if f"error ID {shown[1]}: " in one]
    assert f"GET /requests/{request} failed" in line
    assert service.log.count(f"error ID {shown[1]}") == 2, service.log  # and its traceback
    olga.check_accessibility(page)

    answer = olga.context.request.get(f"{olga.url}/api/v1/requests/{request}")
    assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")
    problem = answer.json()
    assert problem["kind"] == "InternalError"
    assert f"error ID {problem['error_id']}: " in service.log
