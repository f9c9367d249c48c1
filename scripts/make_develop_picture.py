"""Draw docs/pictures/develop.png: the page of `sayso dev`, with the quickstart's workflow.

.venv/bin/python scripts/make_develop_picture.py    # needs Chromium
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
SAYSO = str(Path(sys.executable).with_name("sayso"))

CODE = """
import msgspec
from sayso.engine import Workflow, node, request_approval, step


class Release(msgspec.Struct):
    version: str = "4.2.0"


@node
async def ask(shared):
    decision = await request_approval(f"Release {shared['version']} to production?", request_id="release")
    shared["approved"] = decision.approved


@node
async def release(shared):
    shared["released"] = await step("deploy", str, shared["version"])


ask - "shared['approved']" > release
workflow = Workflow("release", start=ask, inputs=Release)
"""


def main() -> None:
    """Start a run, change the code that it waits in, and take the picture of the page that says so."""
    with tempfile.TemporaryDirectory() as name:
        code = Path(name) / "release.py"
        code.write_text(CODE)
        command = [SAYSO, "dev", "release:workflow", "--json"]
        dev = subprocess.Popen(command, cwd=name, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
        try:
            assert dev.stdout is not None
            link = json.loads(dev.stdout.readline())["link"]
            with sync_playwright() as playwright:
                chromium = playwright.chromium.launch(
                    executable_path="/usr/bin/chromium", args=["--no-sandbox"]
                )
                page = chromium.new_page(viewport={"width": 860, "height": 800})
                page.goto(link)
                page.get_by_role("button", name="Start", exact=True).click()
                page.wait_for_url(re.compile("/runs/"))
                page.get_by_role("article").wait_for()
                code.write_text(CODE.replace("to production?", "to all customers?"))
                page.get_by_text("1 parked run checked: 1 changed.").wait_for()
                page.locator("#connection").wait_for(state="hidden")
                page.screenshot(path=ROOT / "docs/pictures/develop.png")
                chromium.close()
        finally:
            dev.send_signal(signal.SIGINT)
            dev.wait()


if __name__ == "__main__":
    main()
