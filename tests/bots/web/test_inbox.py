"""The inbox in Chromium: questions arrive, are answered in every way, and every tab shows the truth."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.bots.api.served import ServiceProcess, link
from tests.bots.command import sayso
from tests.bots.web.visit import RESTS, Visit, accepted, pressed, stop_the_clock

pytestmark = pytest.mark.timeout(120)

COLOUR_OF_BADGE = """(text) => {
  const badge = [...document.querySelectorAll(".badge")].find((one) => one.textContent === text);
  return badge && getComputedStyle(badge).color;
}"""
"""Looked for anew each time: a card that has news is another element."""


def test_a_question_arrives_by_itself_and_its_result_is_in_every_tab(olga: Visit) -> None:
    other = olga.tab()
    expect(olga.page.get_by_text("You're all caught up.")).to_be_visible()
    olga.start(shared='{"details": {"Change": "14 commits"}}')
    card = olga.card("Release 4.2.0?")
    expect(card.get_by_text("14 commits")).to_be_visible()
    expect(olga.card("Release 4.2.0?", other)).to_be_visible()
    card.get_by_role("button", name="approve").click()
    expect(card.get_by_role("status")).to_have_text("Approved. The workflow continues.")
    for page in (olga.page, other):
        decided = olga.card("Release 4.2.0?", page)
        expect(decided.get_by_text("finished")).to_be_visible()
        expect(decided.get_by_text(re.compile("^olga "))).to_be_visible()
        expect(decided.get_by_role("button")).to_have_count(0)


def test_every_input_type_is_answered(olga: Visit) -> None:
    olga.start("kinds")
    expect(olga.card("Who is coming?")).to_be_visible()
    olga.check_accessibility()
    olga.card("Release 4.2.0 to production?").get_by_role("button", name="approve").click()
    region = olga.card("Which region?")
    expect(region.get_by_role("radio")).to_have_count(12)
    region.get_by_label("Search 12 options").fill("11")
    expect(region.get_by_role("radio")).to_have_count(1)
    region.get_by_label("region-11").check()
    region.get_by_role("button", name="Send").click()
    tools = olga.card("Which tools?")
    tools.get_by_label("laptop").check()
    tools.get_by_label("desk").check()
    tools.get_by_label("Comment (optional)").fill("for Cho")
    tools.get_by_role("button", name="Send").click()
    expect(tools.get_by_text("“for Cho”")).to_be_visible()
    olga.card("Delete the staging database?").get_by_role("button", name="No").click()
    for prompt, label, value in (
        ("What is it about?", "Your answer", "green tea\nand more"),
        ("How many seats?", "A number", "40"),
        ("From when on?", "A date", "2026-12-31"),
    ):
        first = olga.card(prompt).locator("input, textarea").first
        expect(first).to_have_accessible_name(label)  # the answer comes before its comment
        first.fill(value)
        olga.card(prompt).get_by_role("button", name="Send").click()
    form = olga.card("Who is coming?")
    expect(form.locator("input, textarea").last).to_have_accessible_name("Comment (optional)")
    form.get_by_label("Name").fill("Cho")
    form.get_by_label("Seats").fill("2")
    form.get_by_label("Plan (optional)").select_option("team")
    form.get_by_label("Yes").check()
    form.get_by_label("Arrives (optional)").fill("2026-12-31T17:30")
    form.get_by_role("button", name="Send").click()
    olga.page.get_by_role("article").filter(has_text="script").get_by_role("button", name="yes <i>").click()
    expect(olga.page.get_by_role("article").filter(has_text="finished")).to_have_count(9)
    values = {
        one["value"] if isinstance(one["value"], str) else json.dumps(one["value"]) for one in accepted(olga)
    }
    assert values == {
        "approve", "region-11", '["laptop", "desk"]', "false", "green tea\nand more", "40", "2026-12-31",
        '{"arrives": "2026-12-31T16:30:00+00:00", "name": "Cho", "plan": "team", "remote": true, "seats": 2}',
        "yes <i>",
    }  # fmt: skip


def test_what_cannot_be_read_keeps_what_was_typed_and_says_why(olga: Visit) -> None:
    olga.start("kinds")
    number = olga.card("How many seats?")
    number.get_by_label("A number").fill("forty")
    number.get_by_role("button", name="Send").click()
    expect(number.get_by_text("is not a number. Please send a number, for example 40.")).to_be_visible()
    expect(number.get_by_label("A number")).to_have_value("forty")
    expect(number.get_by_label("A number")).to_be_focused()
    form = olga.card("Who is coming?")
    form.get_by_label("Name").fill("Cho")
    form.get_by_label("Seats").fill("many")
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_label("Seats")).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_label("Name")).to_have_value("Cho")
    olga.card("Which tools?").get_by_role("button", name="Send").click()
    expect(olga.card("Which tools?").get_by_text("Answered", exact=True)).to_be_visible()
    empty = olga.card("What is it about?")
    empty.get_by_role("button", name="Send").click()
    expect(empty.get_by_text("Please fill in an answer.")).to_be_visible()
    olga.check_accessibility()


def test_the_second_one_hears_who_was_first(olga: Visit, browser: Browser, tmp_path: Path) -> None:
    olga.start()
    expect(olga.card("Release 4.2.0?")).to_be_visible()
    with Visit.sign_in(browser, olga.url, tmp_path, "ana") as ana:
        # Ana's page is from before: nothing reaches it any more.
        ana.context.route("**/api/v1/**", lambda route: route.abort())
        ana.context.route("**/card", lambda route: route.abort())
        expect(ana.card("Release 4.2.0?")).to_be_visible()
        pressed(olga.card("Release 4.2.0?"), "reject")
        pressed(olga.card("Release 4.2.0?"), "reject")
        # The run asks again, on a card above it.
        rejected = olga.card("Release 4.2.0?").filter(has_text="❌ Rejected")
        expect(rejected.get_by_role("status")).to_have_text("Rejected. The workflow continues.")
        ana.card("Release 4.2.0?").get_by_role("button", name="approve").click()
        said = ana.card("Release 4.2.0?").get_by_role("status")
        expect(said).to_have_text(re.compile("olga already rejected this at .*Nothing changed."))
        expect(ana.card("Release 4.2.0?").get_by_text("❌ Rejected", exact=True)).to_be_visible()


def test_a_second_click_does_not_decide_what_has_moved_under_the_pointer(olga: Visit) -> None:
    """The run asks again at once, and its new card comes where the pointer is. Of three options each is one press."""
    olga.page.clock.install()
    olga.page.reload()
    olga.start(shared='{"options": ["approve", "reject", "later"]}')
    card = olga.card("Release 4.2.0?")
    place = card.get_by_role("button", name="reject").bounding_box()
    assert place is not None
    where = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    stop_the_clock(olga)
    olga.page.mouse.click(*where)
    again = card.filter(has=olga.page.get_by_role("button"))
    expect(card.filter(has_text="❌ Rejected")).to_have_count(1)
    expect(again.get_by_role("button", name="reject")).to_be_visible()
    olga.page.mouse.click(*where)
    expect(again.get_by_role("status")).to_have_text(RESTS)
    expect(again.get_by_role("button", name="reject")).to_have_attribute("aria-disabled", "true")
    olga.page.clock.resume()
    again.get_by_role("button", name="approve").click()
    expect(card.get_by_text("finished").first).to_be_visible()
    assert [answer["value"] for answer in accepted(olga)] == ["reject", "approve"]


def test_nobody_is_offered_what_is_not_theirs(olga: Visit, browser: Browser, tmp_path: Path) -> None:
    with Visit.sign_in(browser, olga.url, tmp_path, "ana") as ana:
        olga.start(shared='{"to": ["web:ana"], "prompt": "Only for Ana?"}')
        olga.start(shared='{"to": ["web:eve"], "prompt": "Only for Eve?"}')
        expect(ana.card("Only for Ana?").get_by_role("button", name="approve")).to_be_visible()
        run = olga.start(shared='{"prompt": "For all?"}')
        expect(ana.card("For all?")).to_be_visible()
        expect(ana.card("Only for Eve?")).to_have_count(0)
        expect(olga.card("For all?")).to_be_visible()
        expect(olga.card("Only for Ana?")).to_have_count(0)
        olga.page.goto(f"{olga.url}/runs/{run}")
        expect(olga.page.get_by_role("heading", name="release")).to_be_visible()
        for request in sayso(tmp_path, "requests", "--json").json["requests"]:
            answer = ana.page.goto(f"{olga.url}/requests/{request['id']}")
            assert answer is not None
            assert answer.status == (404 if "Eve" in request["prompt"] else 200)


def test_what_people_wrote_is_text(olga: Visit) -> None:
    """A prompt that would like to be a page is shown, and nothing of it acts: the content policy would report it."""
    olga.start("kinds")
    card = olga.page.get_by_role("article").filter(has_text="owned")
    expect(card.get_by_role("heading")).to_contain_text("<script>document.title = 'owned'</script><img src=x")
    expect(card.get_by_role("heading")).to_contain_text("{{ 7 * 7 }}")
    expect(card.get_by_role("heading")).to_contain_text("<U+202E>")
    assert "owned" not in olga.page.title()
    expect(olga.page.locator("img")).to_have_count(0)


def test_the_next_person_at_this_browser_hears_of_their_own_questions(
    browser: Browser, service: ServiceProcess, tmp_path: Path
) -> None:
    """Though the tab of the one before still holds a stream."""
    with Visit.sign_in(browser, service.url, tmp_path, "ana") as ana:
        bo = ana.context.new_page()
        bo.goto(link(tmp_path, "bo"))
        expect(bo.get_by_text("You're all caught up.")).to_be_visible()
        ana.start(shared='{"to": ["web:bo"], "prompt": "Only for Bo?"}')
        expect(ana.card("Only for Bo?", bo)).to_be_visible()


def test_the_keyboard_is_enough(olga: Visit) -> None:
    olga.start()
    card = olga.card("Release 4.2.0?")
    expect(card).to_be_visible()
    olga.page.reload()
    olga.page.keyboard.press("Tab")
    expect(olga.page.get_by_role("link", name="Skip to content")).to_be_focused()
    olga.page.keyboard.press("Enter")
    approve = card.get_by_role("button", name="approve")
    for _ in range(5):
        olga.page.keyboard.press("Tab")
        if approve.evaluate("element => element === document.activeElement"):
            break
    olga.page.keyboard.press("Enter")
    expect(card.get_by_role("status")).to_have_text("Approved. The workflow continues.")
    expect(card).to_be_focused()


def test_a_long_prompt_is_all_there(olga: Visit) -> None:
    prompt = "".join(f"line {number:06d}. " for number in range(1000))
    olga.start(shared=json.dumps({"prompt": prompt}))
    card = olga.page.get_by_role("article")
    expect(card.get_by_role("heading")).to_contain_text("line 000000.")
    card.get_by_text("Show the rest").click()
    parts = card.locator(".prompt").all_text_contents()
    assert "".join(parts) == prompt


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(browser: Browser, service: ServiceProcess, tmp_path: Path, scheme: str) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "color_scheme": scheme, "reduced_motion": "reduce"}
    with Visit.sign_in(browser, service.url, tmp_path, "olga", **phone) as olga:
        run_id = olga.start("kinds")
        expect(olga.page.get_by_role("article")).to_have_count(9)
        for path in ("/", f"/runs/{run_id}", "/runs", "/api", "/requests/none"):
            shown = olga.page.goto(service.url + path)
            assert shown is not None
            assert shown.status < 500
            olga.check_accessibility()
            width = olga.page.evaluate("document.documentElement.scrollWidth")
            assert width <= 390, f"{path} is wider than the phone: {width}"


def test_a_rejection_has_another_colour_than_an_approval(olga: Visit) -> None:
    """Both workflows ended well; the badge is about the decision."""
    colours: list[str] = []
    for label, presses, past in (("approve", 1, "✅ Approved"), ("reject", 2, "❌ Rejected")):
        olga.start(shared=f'{{"prompt": "{label}?"}}')
        for _ in range(presses):
            pressed(olga.card(f"{label}?"), label)
        colours.append(olga.page.wait_for_function(COLOUR_OF_BADGE, arg=past).json_value())
    assert colours[0] != colours[1]
