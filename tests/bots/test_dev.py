"""`sayso dev` as the author of a workflow meets it: a page at once, code that is reloaded, errors that are told, and
nothing left behind.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, Route, expect, sync_playwright

from sayso.bots.cli import ExitCode
from sayso.bots.dev._files import Files
from tests.bots.command import sayso
from tests.bots.dev import CODE, Dev, is_running

slow = [pytest.mark.slow, pytest.mark.timeout(120)]
RELOADED = "Reloaded."
BROKEN = "The code cannot be loaded"
SOON = 20_000


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


class TestThePage:
    pytestmark = slow

    def test_its_author_starts_a_run_and_answers_as_everybody_who_is_asked(
        self, tmp_path: Path, page: Page
    ) -> None:
        with Dev(tmp_path) as dev:
            page.goto(dev.link)
            expect(page.get_by_role("heading", name="Start release")).to_be_visible()
            expect(page.get_by_role("region", name="Development")).to_contain_text("whoever it is for")
            expect(page.locator("svg.graph")).to_contain_text("roll_out")
            page.get_by_label("Version").fill("5.0.0")
            page.get_by_role("button", name="Start", exact=True).click()
            card = page.get_by_role("article", name="Release 5.0.0?")
            card.get_by_role("button", name="Approve").click(timeout=SOON)
            expect(card).to_contain_text("You requested this, so someone else must approve it.")
            for name, status in (("bo", "1 of 2 approved"), ("chris", "Approved")):
                page.get_by_role("button", name=name, exact=True).click()
                expect(page.get_by_role("button", name=name, exact=True)).to_have_attribute(
                    "aria-pressed", "true", timeout=SOON
                )
                card.get_by_role("button", name="Approve").click()
                expect(card).to_contain_text(status, timeout=SOON)
            percent = page.get_by_role("article", name="How many percent?")
            percent.get_by_role("textbox").first.fill("25", timeout=SOON)
            percent.get_by_role("button", name=re.compile("Answer|Send")).click()
            expect(page.locator("#live-head")).to_contain_text("done", timeout=SOON)

    def test_an_error_and_its_repair_are_on_the_page_and_in_the_terminal(
        self, tmp_path: Path, page: Page
    ) -> None:
        with Dev(tmp_path) as dev:
            page.set_viewport_size({"width": 390, "height": 844})
            page.goto(dev.link)
            page.get_by_role("button", name="Start", exact=True).click()
            card = page.get_by_role("article", name="Release 4.2.0?")
            expect(card).to_be_visible(timeout=SOON)
            bar = page.get_by_role("region", name="Development")
            dev.write(CODE + "\ndef broken(:\n")
            expect(bar.get_by_role("alert")).to_contain_text("The code has an error", timeout=SOON)
            expect(bar).to_contain_text("def broken(:")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            axe: Any = Axe()
            found = axe.run(page)
            assert found.violations_count == 0, found.generate_report()
            dev.wait_for("SyntaxError")
            assert "The previous code keeps running." in dev.log
            assert "importlib" not in dev.log
            dev.write(CODE.replace('f"Release', 'f"Ship'))
            expect(bar).to_contain_text("the code of node 'ask', where it waits, has changed", timeout=SOON)
            expect(bar.get_by_role("alert")).to_have_count(0)
            dev.wait_for("1 parked run checked: 1 changed.")
            dev.write(CODE)
            expect(bar).to_contain_text("1 parked run checked: 1 unchanged.", timeout=SOON)

    def test_a_form_that_nobody_has_touched_is_renewed_and_another_is_left(
        self, tmp_path: Path, page: Page
    ) -> None:
        other = CODE.replace('version: str = "4.2.0"', 'version: str = "4.2.0"\n    train: str = "weekly"')
        with Dev(tmp_path) as dev:
            page.goto(dev.link)
            dev.write(other)
            expect(page.get_by_label("Train")).to_be_visible(timeout=SOON)
            page.get_by_label("Train").fill("daily")
            dev.write(CODE)
            reload = page.get_by_role("button", name="Reload the page")
            expect(reload).to_be_visible(timeout=SOON)
            expect(page.get_by_label("Train")).to_have_value("daily")
            reload.click()
            expect(page.get_by_label("Train")).to_have_count(0)

    def test_a_form_that_was_filled_in_before_the_scripts_were_there_is_left(
        self, tmp_path: Path, page: Page
    ) -> None:
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        with Dev(tmp_path) as dev:
            page.route("**/static/development.js", hold)
            page.goto(dev.link, wait_until="commit")
            page.get_by_label("Version").fill("5.0.0")
            dev.write(CODE + "\n# changed")
            dev.wait_for(RELOADED)
            held[-1].continue_()
            expect(page.get_by_role("button", name="Reload the page")).to_be_visible(timeout=SOON)
            expect(page.get_by_label("Version")).to_have_value("5.0.0")

    def test_its_link_is_opened_in_the_browser_where_that_is_wanted(self, tmp_path: Path) -> None:
        (tmp_path / "browser").write_text('#!/bin/sh\necho "$1" > opened.part; mv opened.part opened\n')
        (tmp_path / "browser").chmod(0o700)
        with Dev(tmp_path, "--open", browser=f"{tmp_path}/browser %s") as dev:
            dev.until((tmp_path / "opened").exists, "the browser")
            assert (tmp_path / "opened").read_text().strip() == dev.link

    def test_whoever_has_another_link_is_not_let_in(self, tmp_path: Path) -> None:
        with Dev(tmp_path) as dev:
            dev.client.cookies.clear()
            assert dev.client.get(f"{dev.url}/dev/{'x' * 22}").status_code == 403
            assert dev.client.get(f"{dev.url}/start/release").headers["location"] == "/sign-in"
            token = dev.link.rpartition("/")[2]
            for pid in (dev.process.pid, *dev.children()):
                assert token not in Path(f"/proc/{pid}/cmdline").read_text()


class TestReloading:
    pytestmark = slow

    def test_an_answer_while_the_code_is_reloaded_counts_once(self, tmp_path: Path) -> None:
        with Dev(tmp_path, code=QUICK) as dev:
            answered: dict[str, str] = {}
            is_over = threading.Event()

            def answer() -> None:
                while not is_over.is_set():
                    run = dev.start(f"start-{len(answered)}")
                    request = dev.question(run)
                    body = {"revision": request["revision"], "key": f"key-{run}", "fields": {"choice": ["0"]}}
                    answered[run] = dev.post(f"/requests/{request['id']}/answers", body)["outcome"]

            answering = threading.Thread(target=answer)
            answering.start()
            for number in range(2):
                dev.write(QUICK + f"\n# {number}\n")
                dev.wait_for(RELOADED, number + 1)
            is_over.set()
            answering.join()
            assert set(answered.values()) <= {"resolved", "duplicate"}, answered
            for run in answered:
                dev.wait_for_end(run)

    def test_a_killed_service_is_started_again_with_its_runs(self, tmp_path: Path) -> None:
        with Dev(tmp_path) as dev:
            run = dev.start()
            dev.question(run)
            os.kill(dev.server, signal.SIGKILL)
            dev.wait_for("Running again.")
            assert "ended by itself (signal 9). Starting it again." in dev.log
            assert dev.question(run)["prompt"] == "Release 4.2.0?"

    def test_code_that_cannot_be_loaded_at_first_is_waited_for(self, tmp_path: Path) -> None:
        with Dev(tmp_path, code="import helper\n" + CODE, is_broken=True) as dev:
            dev.wait_for("No module named 'helper'")
            dev.write("", "helper.py")
            dev.open()
            dev.write("1 / 0\n", "helper.py")
            dev.wait_for("ZeroDivisionError")
            assert "ZeroDivisionError" in dev.page()


class TestEnding:
    pytestmark = slow

    def test_ctrl_c_leaves_no_process_and_no_file(self, tmp_path: Path) -> None:
        with Dev(tmp_path, code=STARTS_A_PROCESS) as dev:
            run = dev.start()
            dev.question(run)
            sleeper = int((tmp_path / "sleeper").read_text())
            processes = [sleeper, *dev.children()]
            assert len(processes) == 3
            assert dev.interrupt() == ExitCode.OK
            assert [pid for pid in processes if is_running(pid)] == []
            assert list(dev.temporary.iterdir()) == []

    def test_after_kill_9_nothing_runs_on_and_a_kept_database_continues(self, tmp_path: Path) -> None:
        with Dev(tmp_path, "--database", "kept.db") as dev:
            run = dev.start()
            dev.question(run)
            processes = dev.children()
            dev.process.kill()
            dev.wait_for_ends(processes)
        with Dev(tmp_path, "--database", "kept.db") as dev:
            dev.wait_for("1 parked run checked: 1 unchanged.")
            assert dev.question(run)["prompt"] == "Release 4.2.0?"

    def test_a_second_one_on_the_same_file_is_refused(self, tmp_path: Path) -> None:
        with Dev(tmp_path, "--database", "kept.db"):
            second = sayso(tmp_path, "dev", "release:workflow", "--database", "kept.db")
            assert second.code == ExitCode.STORE_IN_USE
            assert "kept.db is in use" in second.err


class TestWhatIsRefused:
    pytestmark = slow

    def test_a_workflow_that_is_not_there(self, tmp_path: Path) -> None:
        (tmp_path / "release.py").write_text(CODE)
        ran = sayso(tmp_path, "dev", "release:other", "--json")
        assert ran.code == ExitCode.NOT_FOUND
        assert ran.json["error"]["kind"] == "UnknownWorkflow"
        assert "Workflows in it: workflow" in ran.json["error"]["message"]

    def test_a_port_that_is_in_use(self, tmp_path: Path) -> None:
        with Dev(tmp_path) as dev:
            port = dev.url.rpartition(":")[2]
            ran = sayso(tmp_path, "dev", "release:workflow", "--port", port)
            assert ran.code == ExitCode.USAGE
            assert f"port {port} is already in use" in ran.err

    def test_a_database_of_real_approvals_and_one_of_development_for_them(self, tmp_path: Path) -> None:
        (tmp_path / "release.py").write_text(CODE)
        sayso(tmp_path, "run", "release:workflow", "--database", "real.db", "--shared", "{}")
        ran = sayso(tmp_path, "dev", "release:workflow", "--database", "real.db")
        assert ran.code == ExitCode.FAILED
        assert "was not made by `sayso dev`" in ran.err
        with Dev(tmp_path, "--database", "kept.db") as dev:
            assert dev.interrupt() == ExitCode.OK
        for command in (["serve"], ["run", "release:workflow", "--shared", "{}"]):
            ran = sayso(tmp_path, *command, "--database", "kept.db")
            assert ran.code == ExitCode.FAILED
            assert "was made by `sayso dev`" in ran.err


class TestWatching:
    async def test_files_that_are_written_in_pieces_and_put_in_place_count_as_one_change(
        self, tmp_path: Path
    ) -> None:
        files = Files((tmp_path,))
        (tmp_path / "a.py").write_text("1")
        (tmp_path / "notes.txt").write_text("1")
        seen = files.look()
        changed = asyncio.create_task(files.change(seen))
        await asyncio.sleep(0)
        (tmp_path / "notes.txt").write_text("2")
        (tmp_path / "a.py.part").write_text("2")
        (tmp_path / "a.py").unlink()
        (tmp_path / "a.py.part").replace(tmp_path / "a.py")
        (tmp_path / "b.py").write_text("x = 1\n")
        async with asyncio.timeout(5):
            await changed
        assert set(files.look()) == {tmp_path / "a.py", tmp_path / "b.py"}
        assert files.look() != seen

    async def test_what_was_changed_before_somebody_waits_counts(self, tmp_path: Path) -> None:
        files = Files((tmp_path,))
        seen = files.look()
        (tmp_path / "sayso.toml").write_text("")
        async with asyncio.timeout(5):
            await files.change(seen)


QUICK = """\
from sayso.engine import Workflow, node, request_approval


@node
async def ask(shared):
    decision = await request_approval("Go?", request_id="go", to=["telegram:team"])
    shared["approved"] = decision.approved


workflow = Workflow("release", start=ask)
"""

STARTS_A_PROCESS = (
    """\
import subprocess
import sys
from pathlib import Path

sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
Path("sleeper").write_text(str(sleeper.pid))
"""
    + QUICK
)
