"""Draw the inbox's pictures in docs/pictures, from a running service: cards, a run, the history and a form.

.venv/bin/python scripts/make_inbox_pictures.py    # needs Chromium and its emoji font
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, expect, sync_playwright

PICTURES = Path(__file__).resolve().parents[1] / "docs/pictures"
SAYSO = str(Path(sys.executable).with_name("sayso"))

FLOWS = '''
import asyncio
from datetime import timedelta
import msgspec
from sayso.engine import Diff, Link, Workflow, node, request_approval, request_input, step

CHANGE = """--- a/shop/orders.py
+++ b/shop/orders.py
@@ -13,3 +13,4 @@ class Order:
     placed_at: datetime
-    total: float
+    total: Decimal
+    currency: str = "EUR"
     customer: str
"""

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

class Migration(msgspec.Struct):
    version: str = msgspec.field(default="4.2.0")
    customers: int = 50
    window: str = "tonight"

@node
async def migrate(shared):
    await request_approval(
        f"Migrate orders for {shared['version']}?",
        {"Change": "14 commits, 2 migrations", "Risk": "high: every order is migrated",
         "Review": Link("All changes since 4.1.3", "https://github.example.org/shop/compare/4.1.3...4.2.0"),
         "Migration": Diff(CHANGE)}, request_id="migrate")

migration = Workflow("migration", start=migrate, inputs=Migration)
'''

CONFIGURATION = """
[[workflows]]
workflow = "flows:release"
[[workflows]]
workflow = "flows:onboarding"
[[workflows]]
workflow = "flows:migration"
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
    expect(page.locator("[aria-disabled]")).to_have_count(0)  # buttons that have just come rest for a moment
    page.mouse.move(0, 0)  # away from the button that came under it
    page.screenshot(path=PICTURES / "inbox.png")
    draw_run(page, f"{url}/runs/{first}")
    command(folder, "start", "migration")
    draw_card(browser, page, "inbox-diff", 860, "light")
    draw_card(browser, page, "inbox-dark", 860, "dark")
    draw_card(browser, page, "inbox-phone", 390, "light")
    page.goto(f"{url}/start/migration")
    expect(page.get_by_role("button", name="Start")).to_be_visible()
    page.screenshot(path=PICTURES / "start.png")
    page.goto(url)
    expect(page.locator("[aria-disabled]")).to_have_count(0)  # buttons that have just come rest for a moment
    migration = page.get_by_role("article", name="Migrate orders")
    migration.get_by_role("button", name="Reject").click()
    migration.get_by_label("Reason").fill("not tonight")
    migration.get_by_role("button", name="Reject").click()
    expect(migration.get_by_text("Rejected").first).to_be_visible()
    page.goto(f"{url}/history")
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    page.screenshot(path=PICTURES / "history.png")


def draw_card(
    browser: Browser, signed_in: Page, name: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    """The inbox as it begins with the card that has a diff."""
    kept = signed_in.context.storage_state()
    context = browser.new_context(
        viewport={"width": width, "height": 760}, color_scheme=scheme, storage_state=kept
    )
    page = context.new_page()
    page.goto(signed_in.url.partition("/runs")[0])
    expect(page.get_by_role("heading", name="Migrate orders")).to_be_visible()
    page.screenshot(path=PICTURES / f"{name}.png")
    context.close()


def draw_run(page: Page, address: str) -> None:
    """The page of the run that stands at its second question."""
    page.goto(address)
    expect(page.get_by_role("region", name="Graph")).to_be_visible()
    page.screenshot(path=PICTURES / "run.png")
    page.locator("#visit-3 .steps summary").click()
    page.locator("#live-visits").screenshot(path=PICTURES / "run-visits.png")


def command(folder: Path, *arguments: str) -> dict[str, str]:
    """What a command says as JSON."""
    done = subprocess.run(  # noqa: S603 - our own
        [SAYSO, *arguments, "--json"], cwd=folder, capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
