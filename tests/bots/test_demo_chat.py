"""`sayso demo --chat` as a newcomer meets it: a real browser, the guide's three steps, several people."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from tests.bots.command import DEADLINE, SAYSO, environment, sayso
from tests.bots.forked import Forked

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]

CHROMIUM = "/usr/bin/chromium"
STDERR = 2
SOON = 20_000
WRITE = """async ([chat, text]) => {
  const at = `/${chat}/control/people`;
  const state = await (await fetch(`/${chat}/control/state`)).json();
  const [chris] = state.people.filter(({ name }) => name === "Chris");
  const place = chat === "slack"
    ? { channel: state.channels.find(({ name }) => name === "releases").id }
    : { chat_id: state.groups[0].id };
  const body = JSON.stringify({ ...place, text });
  await fetch(`${at}/${chris.id}/${chat === "slack" ? "write" : "say"}`,
    { method: "POST", headers: { "Content-Type": "application/json" }, body });
}"""
"""Chris writes something in the channel or the group that the page shows."""
FRAMES = "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
FIRST, SECOND, THIRD = "Two people approve a release", "Answer a form", "Kill it while it waits"


def two_free_ports() -> int:
    """A port that is free, and so is the next one; below those that the system gives away meanwhile."""
    for port in random.sample(range(20_000, 30_000, 2), 100):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for number in (port, port + 1):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", number))
            return port
    raise AssertionError("no two ports beside each other are free")


class Demo:
    """The demo in a process of its own, on a port that it keeps; beside its working directory it has one for temporary
    files.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.working = folder / "working"
        self._temporary = folder / "temporary"
        for made in (self.working, self._temporary):
            made.mkdir()
        self._arguments = ("demo", "--chat", "--port", str(two_free_ports()), *arguments)
        self._said: IO[str] | None = None
        self.process: Forked | None = None
        self.files = Path()

    def start(self) -> str:
        """Start it, or start it again; the page's address."""
        read, written = os.pipe()
        self._said = os.fdopen(read)
        with Path(os.devnull).open() as nothing:
            self.process = Forked(
                (SAYSO, *self._arguments),
                self.working,
                environment(TMPDIR=str(self._temporary)),
                (nothing.fileno(), written, STDERR),
                modules=("sayso.testing.page", "sayso.testing.slack", "sayso.testing.telegram"),
            )
        os.close(written)
        addresses: list[str] = []
        for line in self._said:
            addresses += re.findall(r"http://\S+", line)
            if line.startswith("Files"):
                self.files = Path(line.split()[1])
            if line.startswith("Stop"):
                return addresses[0]
        raise AssertionError("the demo ended without its addresses")

    def stop(self) -> int:
        """Ctrl-C; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(DEADLINE)

    def kill(self) -> None:
        """`kill -9`; harmless when it has ended."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(DEADLINE)
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


@dataclass(frozen=True)
class Chats:
    """The page, as one person at a time."""

    page: Page

    def be(self, name: str) -> None:
        self.page.get_by_role("button", name=re.compile(f"^{name}")).click()

    @property
    def slack(self) -> Locator:
        return self.page.get_by_role("region", name="Slack")

    @property
    def telegram(self) -> Locator:
        return self.page.get_by_role("region", name="Telegram")

    @property
    def guide(self) -> Locator:
        return self.page.get_by_role("region", name="Guide")

    def expect_done(self, *steps: str) -> None:
        """These steps of the guide are done, and no others."""
        expect(self.guide.locator(".steps > .done h3")).to_have_text(
            [re.compile(f"^{step}") for step in steps], timeout=SOON
        )

    def press(self, chat: Locator, label: str) -> None:
        chat.get_by_role("button", name=label).last.click(timeout=SOON)

    def approve_in_both(self) -> None:
        self.be("Bo")
        self.press(self.slack, "Approve")
        expect(self.guide.locator(".tasks > .done")).to_contain_text(["In Slack"], timeout=SOON)
        self.be("Chris")
        self.press(self.telegram, "Approve")
        self.expect_done(FIRST)

    def answer_form(self) -> None:
        self.press(self.slack, "Answer")
        modal = self.slack.get_by_role("dialog")
        modal.get_by_label("First group").fill("10", timeout=SOON)
        modal.get_by_label("Start date").fill("2026-12-01")
        modal.get_by_label("Who is notified").select_option("everyone")
        modal.get_by_role("button", name="Send").click()
        self.expect_done(FIRST, SECOND)
        modal.get_by_role("button", name="Close").last.press("Escape")
        expect(modal).to_be_hidden()


@pytest.fixture
def chats(demo: Demo, browser: Browser) -> Chats:
    page = browser.new_page()
    page.goto(demo.start())
    return Chats(page)


def expect_accessible(page: Page) -> None:
    """No rule of axe-core is broken."""
    axe: Any = Axe()
    found = axe.run(page)
    assert found.violations_count == 0, found.generate_report()


def test_the_guide_leads_through_a_release_a_form_and_kill_9(demo: Demo, chats: Chats) -> None:
    """What is done, the service's records say: nothing is done by pressing in the guide alone."""
    chats.approve_in_both()
    chats.answer_form()
    chats.press(chats.guide, "kill -9")
    expect(chats.guide.get_by_text("sayso was killed.")).to_be_visible(timeout=SOON)
    expect(chats.guide.get_by_text("Also press a button in Slack now.")).to_be_visible()
    finish = "Roll out to everyone"
    chats.press(chats.slack, finish)
    expect(chats.page.get_by_text("nothing was counted")).to_be_visible(timeout=SOON)
    chats.expect_done(FIRST, SECOND)
    chats.press(chats.guide, "Start it again")
    expect(chats.guide.get_by_text("sayso is running")).to_be_visible(timeout=SOON)
    expect(chats.guide.get_by_text("sayso is back, and still waits")).to_be_visible(timeout=SOON)
    chats.press(chats.slack, finish)
    chats.expect_done(FIRST, SECOND, THIRD)
    expect(chats.guide.get_by_role("button", name="Start another release")).to_be_visible()
    expect(chats.slack.locator(".message").filter(has_text="Roll out to everyone?")).to_have_count(1)
    assert demo.stop() == 0
    assert list(demo.working.iterdir()) == [], "nothing is left behind"
    assert not demo.files.exists()


def test_a_form_is_answered_in_telegram_field_by_field(chats: Chats) -> None:
    chats.approve_in_both()
    chats.press(chats.telegram, "Answer")
    write = chats.telegram.get_by_label("Write in telegram")
    for field, answer in (("First group", "10"), ("Start date", "2026-12-01")):
        expect(chats.telegram.get_by_text(field).last).to_be_visible(timeout=SOON)
        expect(chats.telegram.get_by_text("Reply to sayso")).to_be_visible(timeout=SOON)
        write.fill(answer)
        write.press("Enter")
    chats.press(chats.telegram, "everyone")
    chats.expect_done(FIRST, SECOND)


def test_who_asked_and_who_is_no_approver_are_told_no(chats: Chats) -> None:
    """Eve sees the channel that is for everybody, and no other place of the team."""
    chats.be("Ana")
    chats.press(chats.slack, "Approve")
    expect(chats.slack.get_by_text("Only visible to you").last).to_be_visible(timeout=SOON)
    chats.be("Eve")
    expect(chats.slack.get_by_role("button", name="releases")).to_have_count(0)
    expect(chats.telegram.get_by_role("button", name="Release team")).to_have_count(0)
    expect(chats.slack.get_by_text("Only visible to you")).to_have_count(0)
    chats.press(chats.slack, "Approve")
    expect(chats.slack.get_by_text("Only visible to you")).to_have_count(1, timeout=SOON)
    expect(
        chats.slack.get_by_text("You aren't an approver for this. Approvers: @release-team.", exact=True)
    ).to_be_visible()
    expect(chats.guide.get_by_role("img", name="to do")).to_have_count(2)


def test_a_rejected_release_can_be_asked_again(chats: Chats) -> None:
    chats.be("Bo")
    chats.press(chats.slack, "Reject")
    modal = chats.slack.get_by_role("dialog")
    modal.get_by_label("Reason").fill("not on a Friday", timeout=SOON)
    modal.get_by_role("button", name="Reject").click()
    expect(modal.get_by_text("Rejected. The workflow continues.")).to_be_visible(timeout=SOON)
    modal.get_by_role("button", name="Close").last.click()
    chats.press(chats.guide, "Ask again")
    expect(chats.guide.get_by_text("waits until two other people approve")).to_be_visible(timeout=SOON)
    chats.approve_in_both()


def test_a_press_that_telegram_kept_while_the_service_was_gone_counts_once_it_is_back(chats: Chats) -> None:
    chats.approve_in_both()
    chats.answer_form()
    chats.press(chats.guide, "kill -9")
    expect(chats.guide.get_by_text("sayso was killed.")).to_be_visible(timeout=SOON)
    chats.press(chats.telegram, "Roll out to everyone")
    chats.press(chats.guide, "Start it again")
    chats.expect_done(FIRST, SECOND, THIRD)


def test_without_a_kill_the_last_step_is_not_done(chats: Chats) -> None:
    chats.approve_in_both()
    chats.answer_form()
    chats.press(chats.slack, "Roll out to everyone")
    chats.press(chats.guide, "Start another release")
    chats.expect_done()


def test_the_inbox_opens_as_often_as_somebody_likes_and_comes_back_with_the_service(
    chats: Chats, browser: Browser
) -> None:
    """The address is no secret that is used up: each time, a new link that works once is made behind it."""
    address = chats.page.url.partition("#")[0]
    title = "Release 4.2.0 to production?"
    for _ in range(2):
        context = browser.new_context()
        inbox = context.new_page()
        inbox.goto(f"{address}inbox?as=Bo")
        expect(inbox.get_by_role("article", name=title)).to_be_visible(timeout=SOON)
        context.close()
    inbox = browser.new_page()
    inbox.goto(f"{address}inbox?as=Bo")
    card = inbox.get_by_role("article", name=title)
    chats.approve_in_both()
    chats.answer_form()
    chats.press(chats.guide, "kill -9")
    expect(chats.guide.get_by_text("sayso was killed.")).to_be_visible(timeout=SOON)
    again = browser.new_page()
    again.goto(f"{address}inbox?as=Bo")
    expect(again.get_by_role("heading", name="sayso is not running.")).to_be_visible()
    expect_accessible(again)
    chats.press(chats.guide, "Start it again")
    expect(again.get_by_role("article", name=re.compile("Roll out to everyone"))).to_be_visible(timeout=SOON)
    card = inbox.get_by_role("article", name=re.compile("Roll out to everyone"))
    card.get_by_role("button", name="Roll out to everyone").click(timeout=SOON)
    chats.expect_done(FIRST, SECOND, THIRD)


def test_killed_with_its_service_the_demo_continues_from_its_folder(tmp_path: Path, browser: Browser) -> None:
    demo = Demo(tmp_path, "--folder", "kept")
    chats = Chats(browser.new_page())
    try:
        chats.page.goto(demo.start())
        chats.approve_in_both()
        demo.kill()
        demo.start()
        chats.answer_form()
    finally:
        demo.kill()
    assert [path.name for path in demo.working.iterdir()] == ["kept"]


def test_a_modal_a_thread_and_the_home_are_where_people_know_them(chats: Chats) -> None:
    chats.approve_in_both()
    slack = chats.slack
    chats.press(slack, "Answer")
    modal = slack.get_by_role("dialog")
    expect(modal).to_be_visible(timeout=SOON)
    expect_accessible(chats.page)
    modal.get_by_label("First group").press("Escape")
    expect(modal).to_be_hidden()
    slack.get_by_role("button", name=re.compile("repl(y|ies)$")).first.click()
    expect(slack.get_by_role("complementary", name="Thread").get_by_text("Bo approved")).to_be_visible()
    slack.get_by_role("button", name="Close thread").click()
    slack.get_by_role("navigation", name="Channels").get_by_role("button", name="sayso").click()
    slack.get_by_role("button", name="Home").click()
    chats.be("Bo")
    expect(slack.get_by_role("heading", name="releases"), "each has an app of their own").to_be_visible()
    chats.be("Chris")
    expect(slack.get_by_role("group", name="Home").get_by_text("How should 4.2.0 roll out?")).to_be_visible(
        timeout=SOON
    )
    expect_accessible(chats.page)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_on_a_phone_one_view_at_a_time_is_shown_and_all_of_it_is_accessible(
    demo: Demo, browser: Browser, colours: Literal["light", "dark"]
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=colours)
    page.goto(demo.start())
    for name in ("Guide", "Slack", "Telegram"):
        page.get_by_role("navigation", name="Shown").get_by_role("button", name=name).click()
        expect(page.get_by_role("main").get_by_role("region")).to_have_count(1)
        expect_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("chat", ["Slack", "Telegram"])
def test_a_press_counts_though_the_page_has_news_before_the_button_is_let_go_of(
    chats: Chats, chat: Literal["Slack", "Telegram"]
) -> None:
    page, region = chats.page, chats.page.get_by_role("region", name=chat)
    chats.be("Bo")
    button = region.get_by_role("button", name="Approve").last
    button.hover(timeout=SOON)
    page.mouse.down()
    with page.expect_response(f"**/{chat.lower()}/**/chats") as seen:
        page.evaluate(WRITE, [chat.lower(), "Is anybody there?"])
    seen.value.finished()
    page.evaluate(FRAMES)
    page.mouse.up()
    expect(chats.guide.locator(".tasks > .done")).to_contain_text([f"In {chat}"], timeout=SOON)
    expect(region.get_by_text("Is anybody there?")).to_be_visible(timeout=SOON)


def test_nothing_is_pressed_in_what_somebody_else_saw(chats: Chats) -> None:
    """Until the page shows what Bo sees, a press in it would be for who was chosen before."""
    page, held = chats.page, list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    button = chats.slack.get_by_role("button", name="Approve").last
    button.hover(timeout=SOON)
    page.route("**/slack/control/state", hold)
    page.evaluate("() => { location.hash = 'Bo'; }")
    expect(page.get_by_role("button", name="Bo", pressed=True)).to_be_visible()
    page.mouse.down()
    page.mouse.up()
    for route in held:
        route.continue_()
    page.unroute("**/slack/control/state", hold)
    chats.press(chats.slack, "Approve")
    expect(chats.guide.locator(".tasks > .done")).to_contain_text(["In Slack"], timeout=SOON)
    expect(page.locator("#toast")).to_have_text("")


def test_what_people_wrote_is_text_on_the_page(chats: Chats) -> None:
    chats.be("Eve")
    markup = "<img src=x onerror=alert(1)><b>bold</b>"
    for chat, label in ((chats.slack, "Write in slack"), (chats.telegram, "Write in telegram")):
        chat.get_by_label(label).fill(markup)
        chat.get_by_label(label).press("Enter")
        expect(chat.get_by_text(markup).first).to_be_visible()
    assert chats.page.locator("main img, main b").count() == 0


def test_a_port_that_is_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = sayso(tmp_path, "demo", "--chat", "--port", str(port))
    assert refused.code == 2
    assert f"port {port} or {port + 1} is already in use. Choose another with --port." in refused.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_hold_the_demo_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "used" / "sayso.toml").mkdir(parents=True)
    for folder, named in (("file/below", "file"), ("used", "sayso.toml")):
        refused = sayso(tmp_path, "demo", "--chat", "--port", "0", "--folder", str(tmp_path / folder))
        assert refused.code == 2
        assert "the demo cannot start: " in refused.err
        assert named in refused.err
        assert "in use" not in refused.err
