"""Seeing into a run: what each visit found, did and changed, for operators; live, on a phone, by keyboard."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.bots.command import sayso
from tests.bots.web.visit import Visit

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]

FLOWS = """
from pathlib import Path
from sayso.engine import Workflow, node, request_input, step


def run_tests(version):
    return {"passed": 812, "of": version}


@node
async def prepare(shared):
    shared["tries"] = shared.get("tries", 0) + 1
    shared["version"] = f"4.2.{shared['tries']}"
    shared["tests"] = await step("tests", run_tests, shared["version"])


@node
async def approve(shared):
    shared["decision"] = await request_input(
        f"Release {shared['version']}?", ["approve", "change", "stop"], "select", "go", to=shared.get("to"))


@node
async def publish_to_every_shop_in_every_country(shared):
    raise ConnectionError("shop.example.org refused")


@node
def tell(shared):
    shared["told"] = True


prepare > approve
approve - "shared['decision'] == 'approve'" > publish_to_every_shop_in_every_country
approve - "shared['decision'] == 'change' and shared['tries'] < 500 and shared['version'] != '4.2.500'" > prepare
approve > tell
publish_to_every_shop_in_every_country > tell
release = Workflow("release", start=prepare)


@node
async def count(shared):
    shared["n"] = shared.get("n", 0) + 1


count - "shared['n'] < 75" > count
loop = Workflow("loop", start=count)


@node
async def late(shared):
    await step("prepare", Path("prepared").read_text)
    await request_input("Go on?", input_type="confirm", request_id="go")


later = Workflow("later", start=late)
"""

CONFIGURATION = """
[[workflows]]
workflow = "flows:release"
[[workflows]]
workflow = "flows:loop"
[[workflows]]
workflow = "flows:later"
[http]
port = {port}
operators = ["web:olga"]
"""


@pytest.fixture
def folder(tmp_path: Path, unused_tcp_port: int) -> Path:
    """A service with a workflow of loops, steps and a fault."""
    (tmp_path / "flows.py").write_text(FLOWS)
    (tmp_path / "sayso.toml").write_text(CONFIGURATION.format(port=unused_tcp_port))
    return tmp_path


def visit(olga: Visit, number: int) -> Locator:
    return olga.page.locator(f"#visit-{number}")


def test_each_visit_shows_what_it_did_while_the_run_goes_on(olga: Visit) -> None:
    """The page follows; what the reader opened stays open, and the keyboard stays where it is."""
    run_id = olga.start()
    olga.page.goto(f"{olga.url}/runs/{run_id}")
    first = visit(olga, 1)
    expect(first).to_contain_text("version added")
    expect(first.locator("ins").filter(has_text='"4.2.1"').first).to_be_visible()
    steps = first.locator(".steps summary")
    steps.press("Enter")
    expect(first.get_by_text('["4.2.1"]')).to_be_visible()
    expect(visit(olga, 2)).to_contain_text("Release 4.2.1? Open")
    expect(visit(olga, 2)).to_contain_text("waiting for an answer")
    (request,) = sayso(olga.folder, "requests", "--json").json["requests"]
    sayso(olga.folder, "answer", f"{request['id']}@1", "change")
    third = visit(olga, 3)
    expect(third.locator("del").filter(has_text='"4.2.1"').first).to_be_visible()
    expect(third.locator("ins").filter(has_text='"4.2.2"').first).to_be_visible()
    expect(third).to_contain_text("tests.of changed")
    expect(visit(olga, 2)).to_contain_text("change")
    expect(olga.page.locator("#visit-1 .steps details")).to_have_attribute("open", "")
    expect(olga.page.locator("#visit-1 .steps summary")).to_be_focused()
    expect(olga.page.locator(".node.current")).to_contain_text("approve▶ visits 2, 4")
    olga.check_accessibility()
    visit(olga, 4).get_by_role("link", name="Release 4.2.2?").click()
    expect(olga.card("Release 4.2.2?")).to_be_visible()


def test_the_first_request_that_arrives_ends_the_words_that_there_is_none(olga: Visit) -> None:
    prepared = olga.folder / "prepared"
    os.mkfifo(prepared)
    run_id = olga.start("later")
    olga.page.goto(f"{olga.url}/runs/{run_id}")
    none = olga.page.get_by_text("It has asked nothing yet.")
    expect(none).to_be_visible()
    prepared.write_text("")
    expect(olga.card("Go on?")).to_be_visible()
    expect(none).to_be_hidden()


def test_an_error_has_its_traceback_for_operators_alone(olga: Visit, browser: Browser) -> None:
    run_id = olga.start(shared='{"to": ["web:ana"]}')
    olga.page.goto(f"{olga.url}/runs/{run_id}")
    with Visit.sign_in(browser, olga.url, olga.folder, "ana") as ana:
        ana.card("Release 4.2.1?").get_by_role("button", name="approve").click()
        expect(ana.card("Release 4.2.1?").get_by_text("then failed")).to_be_visible()
        ana.page.goto(f"{ana.url}/runs/{run_id}")
        expect(ana.page.locator("#visit-3")).to_contain_text("failed")
        expect(ana.page.locator("#visit-2")).to_contain_text("✅ Approved · ana")
        shown = ana.page.locator("main").inner_text() + ana.page.content()
        for secret in ("refused", "ConnectionError", "flows.py", "812", "4.2.1&quot;", "State"):
            assert not re.search(rf"\b{re.escape(secret)}\b", shown), secret
        ana.check_accessibility()
    failed = visit(olga, 3)
    expect(olga.page.locator(".node.broken")).to_contain_text("✗ visit 3")
    expect(failed.locator(".error")).to_have_text("ConnectionError: shop.example.org refused")
    failed.get_by_text("Traceback", exact=True).click()
    expect(failed.locator("pre").first).to_contain_text(
        'line 25, in publish_to_every_shop_in_every_country\n    raise ConnectionError("shop.example.org refused")'
    )
    assert "sayso/engine" not in failed.inner_text()
    olga.check_accessibility()


OVERFLOWING = """() => {
  const box = (one) => one.getBBox();
  const found = [];
  for (const node of document.querySelectorAll(".graph .node")) {
    const around = box(node.querySelector("rect"));
    for (const text of node.querySelectorAll("text")) {
      const within = box(text);
      if (within.x < around.x || within.x + within.width > around.x + around.width ||
          within.y < around.y || within.y + within.height > around.y + around.height) found.push(text.textContent);
    }
  }
  return found;
}"""


def test_on_a_phone_in_the_dark_nothing_is_cut_off(olga: Visit, browser: Browser) -> None:
    run_id = olga.start(shared='{"tries": 3, "note": "' + "word " * 60 + '"}')
    with Visit.sign_in(
        browser, olga.url, olga.folder, "olga", viewport={"width": 390, "height": 844}, color_scheme="dark"
    ) as phone:
        for path in (f"/runs/{run_id}", "/runs"):
            phone.page.goto(phone.url + path)
            assert phone.page.evaluate("document.documentElement.scrollWidth") == 390, path
            phone.check_accessibility()
        phone.page.goto(f"{phone.url}/runs/{run_id}")
        assert phone.page.evaluate(OVERFLOWING) == []
        drawn = phone.page.locator(".graph .condition").all_text_contents()
        assert "".join("".join(drawn).split()) == (
            "shared['decision']=='approve'shared['decision']=='change'andshared['tries']<500"
            "andshared['version']!='4.2.500'otherwise"
        )


def test_by_keyboard_a_node_leads_to_its_visit(olga: Visit) -> None:
    run_id = olga.start()
    olga.page.goto(f"{olga.url}/runs/{run_id}")
    olga.page.get_by_role("region", name="Graph").press("Tab")
    focused = olga.page.evaluate("document.activeElement.getAttribute('href')")
    assert focused == "#visit-1"
    olga.page.keyboard.press("Enter")
    expect(visit(olga, 1)).to_be_in_viewport()


def test_of_many_visits_a_page_shows_some_and_leads_to_the_others(olga: Visit) -> None:
    run_id = olga.start("loop")
    olga.page.goto(f"{olga.url}/runs/{run_id}")
    expect(olga.page.locator("#visit-75")).to_contain_text("done")
    expect(olga.page.locator(".node")).to_contain_text("✓ visits … 73, 74, 75")

    def expect_shown(visits: range) -> None:
        shown = olga.page.locator(".visit")
        expect(shown).to_have_count(len(visits))
        assert [one.get_attribute("id") for one in shown.all()] == [f"visit-{number}" for number in visits]

    expect_shown(range(75, 45, -1))
    olga.page.get_by_role("link", name="Earlier visits").click()
    expect(olga.page.locator("#visit-45")).to_be_visible()
    expect_shown(range(45, 15, -1))
    olga.page.get_by_role("link", name="Earlier visits").click()
    expect(olga.page.locator("#visit-1")).to_be_visible()
    expect_shown(range(15, 0, -1))
    expect(olga.page.get_by_role("link", name="Earlier visits")).to_have_count(0)
    olga.page.get_by_role("link", name="The latest visits").click()
    expect(olga.page.locator("#visit-75")).to_be_visible()
