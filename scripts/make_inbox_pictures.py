"""Draw the inbox's pictures, docs/pictures/inbox.png, run.png and run-visits.png, from a running service.

.venv/bin/python scripts/make_inbox_pictures.py    # needs Chromium and its emoji font
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
SAYSO = str(Path(sys.executable).with_name("sayso"))

FLOWS = """
import asyncio
from datetime import timedelta
from sayso.engine import Workflow, node, request_input, step

CHOICES = [{"value": "approve", "label": "Approve"}, {"value": "change", "label": "Change it first"},
           {"value": "reject", "label": "Reject"}]

def run_tests(version):
    return {"passed": 812}

@node
async def check(shared):
    shared["tries"] = shared.get("tries", 0) + 1
    shared["version"] = f"4.2.{shared['tries'] - 1}"
    shared["tests"] = await step("tests", run_tests, shared["version"])

@node
async def approve(shared):
    shared["decision"] = await request_input(
        f"Release {shared['version']} to production?", CHOICES, "select", "publish",
        details={"Change": "14 commits, 2 migrations", "Tests": "green, 812 passed"}, expires_after=timedelta(hours=3))

@node
async def publish(shared):
    await request_input("Is the shop up?", input_type="confirm", request_id="shop")

@node
async def stay(shared):
    shared["stayed"] = True

@node
async def questions(shared):
    await asyncio.gather(
        request_input("How many seats does the new office have?", input_type="number", request_id="seats"),
        request_input("What does Cho need?", ["Laptop", "Phone", "Headset"], "multiselect", "tools"),
        request_input("Which region?", [f"eu-{n}" for n in range(1, 13)], "select", "region"))

check > approve
approve - "shared['decision'] == 'approve'" > publish
approve - "shared['decision'] == 'change'" > check
approve - "shared['decision'] == 'reject'" > stay
release = Workflow("release", start=check)
onboarding = Workflow("onboarding", start=questions)
"""

CONFIGURATION = """
[[workflows]]
workflow = "flows:release"
[[workflows]]
workflow = "flows:onboarding"
[http]
port = 0
operators = ["web:ana"]
[log]
level = "error"
"""


def main() -> None:
    """Start a service, ask, answer one question, and take the pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "flows.py").write_text(FLOWS)
        (folder / "sayso.toml").write_text(CONFIGURATION)
        service = subprocess.Popen([SAYSO, "serve", "--json"], cwd=folder, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
        try:
            assert service.stdout is not None
            url = json.loads(service.stdout.readline())["url"]
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path="/usr/bin/chromium", args=["--no-sandbox"]
                )
                draw(browser, url, folder)
                browser.close()
        finally:
            service.kill()
            service.wait()


def draw(browser: Browser, url: str, folder: Path) -> None:
    """One question answered, several that wait; then the run that was answered."""
    page = browser.new_page(viewport={"width": 860, "height": 900})
    page.goto(command(folder, "sign-in", "ana")["url"])
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()
    first = command(folder, "start", "release")["run_id"]
    page.get_by_role("button", name="Change it first").click()
    expect(page.get_by_role("heading", name="Release 4.2.1")).to_be_visible()
    page.get_by_role("article", name="Release 4.2.1").get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Is the shop up?")).to_be_visible()
    command(folder, "start", "onboarding")
    expect(page.get_by_role("heading", name="How many seats")).to_be_visible()
    command(folder, "start", "release")
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    page.screenshot(path=ROOT / "docs/pictures/inbox.png")
    draw_run(page, f"{url}/runs/{first}")


def draw_run(page: Page, address: str) -> None:
    """The page of the run that stands at its second question."""
    page.goto(address)
    expect(page.get_by_role("region", name="Graph")).to_be_visible()
    page.screenshot(path=ROOT / "docs/pictures/run.png")
    page.locator("#visit-3 .steps summary").click()
    page.locator("#live-visits").screenshot(path=ROOT / "docs/pictures/run-visits.png")


def command(folder: Path, *arguments: str) -> dict[str, str]:
    """What a command says as JSON."""
    done = subprocess.run(  # noqa: S603 - our own
        [SAYSO, *arguments, "--json"], cwd=folder, capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
