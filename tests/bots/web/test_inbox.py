"""The inbox in Chromium: questions arrive, are answered in every way, and every tab shows the truth."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Route, expect

from tests.bots.api.served import ServiceProcess, link, write
from tests.bots.command import sayso
from tests.bots.web.visit import CHROMIUM, Visit

pytestmark = pytest.mark.timeout(120)

COLOUR_OF_BADGE = """(text) => {
  const badge = [...document.querySelectorAll(".badge")].find((one) => one.textContent === text);
  return badge && getComputedStyle(badge).color;
}"""
"""Looked for anew each time: a card that has news is another element."""

RESTS = "This just appeared or changed. Look again, then press."


def stop_the_clock(visit: Visit) -> None:
    """A little later than it is, when no button rests any more."""
    visit.page.clock.pause_at(visit.page.evaluate("Date.now() / 1000 + 10"))


def accepted(visit: Visit) -> list[dict[str, Any]]:
    """The answers that counted, as the trail has them."""
    trail = sayso(visit.folder, "audit", "export", "--format", "jsonl").out.splitlines()
    return [row["payload"] for row in map(json.loads, trail) if row["kind"] == "answer_accepted"]


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


def test_killed_and_started_again_the_open_card_comes_back_to_life(
    olga: Visit, service: ServiceProcess, tmp_path: Path
) -> None:
    olga.start()
    expect(olga.card("Release 4.2.0?")).to_be_visible()
    service.kill()
    expect(olga.page.get_by_text("Offline.")).to_be_visible()
    olga.card("Release 4.2.0?").get_by_role("button", name="approve").click()
    expect(olga.page.get_by_text("retrying automatically")).to_be_visible()
    with ServiceProcess(tmp_path):
        expect(olga.card("Release 4.2.0?").get_by_role("status")).to_have_text(
            "Approved. The workflow continues.", timeout=30_000
        )
        expect(olga.page.get_by_text("Offline.")).to_be_hidden()
        olga.start(shared='{"prompt": "And now?"}')
        expect(olga.card("And now?")).to_be_visible()


def test_a_card_whose_question_changed_says_so_and_keeps_what_was_typed(
    olga: Visit, service: ServiceProcess, tmp_path: Path
) -> None:
    olga.page.clock.install()
    olga.page.reload()
    olga.start("pair")
    expect(olga.card("Release 4.2.0?")).to_be_visible()
    service.kill()
    with ServiceProcess(tmp_path, SHOP_PROMPT="Release 4.2.1?"):
        expect(olga.page.get_by_text("Offline.")).to_be_hidden(timeout=30_000)
        olga.card("Release 4.2.0?").get_by_label("Your answer").fill("half a sent")
        stop_the_clock(olga)
        found = sayso(tmp_path, "requests", "--json").json["requests"]
        (window,) = (one["id"] for one in found if one["prompt"] == "Which window?")
        assert sayso(tmp_path, "answer", f"{window}@1", "early").code == 0
        changed = olga.card("Release 4.2.1?")
        expect(changed.get_by_text("the text below is new")).to_be_visible()
        expect(changed.get_by_label("Your answer")).to_have_value("half a sent")
        changed.get_by_role("button", name="Send").click(force=True)  # meant for the old words
        expect(changed.get_by_role("status")).to_have_text(RESTS)
        changed.get_by_label("Your answer").fill("yes")
        olga.page.clock.resume()
        changed.get_by_role("button", name="Send").click()
        expect(changed.get_by_role("status")).to_have_text("Recorded: yes. The workflow continues.")


def test_what_was_chosen_in_a_form_that_changed_is_chosen_anew(
    olga: Visit, service: ServiceProcess, tmp_path: Path
) -> None:
    """The same place in the list means something else now, and the same place in the form another field."""
    region: dict[str, Any] = {"title": "Region", "enum": ["production", "staging"]}
    limit, budget, name = (
        {"title": one, "type": "string"} for one in ("Daily limit", "Yearly budget", "Name")
    )
    before = {"type": "object", "properties": {"region": region, "limit": limit, "name": name}}
    region_now = region | {"enum": ["staging", "production"]}
    now = {"type": "object", "properties": {"region": region_now, "budget": budget, "name": name}}
    service.kill()
    with ServiceProcess(tmp_path, SHOP_FORM=json.dumps(before)) as running:
        olga.page.goto(olga.url)
        olga.start("course")
        form = olga.card("Who is coming?")
        form.get_by_label("Region").select_option("staging")
        form.get_by_label("Daily limit").fill("500")
        form.get_by_label("Name").fill("Cho")
        expect(olga.card("Which day?")).to_be_visible()
        running.kill()
        with ServiceProcess(tmp_path, SHOP_FORM=json.dumps(now)):
            expect(olga.page.get_by_text("Offline.")).to_be_hidden(timeout=30_000)
            olga.card("Which day?").get_by_role("button", name="first").click()
            expect(form.get_by_text("the text below is new")).to_be_visible()
            expect(form.get_by_label("Region")).to_have_value("")
            expect(form.get_by_label("Yearly budget")).to_have_value("")
            expect(form.get_by_label("Name")).to_have_value("Cho")


def test_an_answer_that_may_have_arrived_is_not_called_refused(olga: Visit) -> None:
    """Its response is lost, and the session ends before it is sent again."""
    olga.start()
    card = olga.card("Release 4.2.0?")
    sent = 0

    def lose(route: Route) -> None:
        nonlocal sent
        sent += 1
        if sent > 1:
            route.continue_()
            return
        route.fetch()
        olga.context.clear_cookies()
        route.abort()

    olga.page.route("**/answers", lose)
    card.get_by_role("button", name="approve").click()
    expect(card.get_by_role("status")).to_have_text(
        "This may or may not have arrived. Reload the page to see."
    )
    expect(card.get_by_role("button", name="reject")).to_be_disabled()
    assert [answer["value"] for answer in accepted(olga)] == ["approve"]


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


def test_over_plain_http_from_another_machine_it_works_as_well(
    browser: Browser, tmp_path: Path, unused_tcp_port: int
) -> None:
    """There browsers keep some of their functions from pages."""
    address = f"http://sayso.test:{unused_tcp_port}"
    write(tmp_path, port=unused_tcp_port, more=f'public_url = "{address}"')
    arguments = ["--no-sandbox", "--host-resolver-rules=MAP sayso.test 127.0.0.1"]
    with ServiceProcess(tmp_path):
        remote = browser.browser_type.launch(executable_path=CHROMIUM, args=arguments)
        with Visit.sign_in(remote, address, tmp_path, "olga") as olga:
            assert not olga.page.evaluate("isSecureContext")
            olga.start()
            olga.card("Release 4.2.0?").get_by_role("button", name="approve").click()
            expect(olga.card("Release 4.2.0?").get_by_text("finished")).to_be_visible()
        remote.close()


def test_eight_tabs_do_not_starve_the_page(olga: Visit) -> None:
    """Browsers allow six connections to a host, so one tab holds the stream for all."""
    tabs = [olga.page, *(olga.tab() for _ in range(7))]
    olga.start()
    eighth = olga.card("Release 4.2.0?", tabs[-1])
    eighth.get_by_role("button", name="approve").click()
    expect(eighth.get_by_role("status")).to_have_text("Approved. The workflow continues.")
    for tab in tabs:
        expect(olga.card("Release 4.2.0?", tab).get_by_text("finished")).to_be_visible()
    tabs[0].close()  # the one that held the stream
    olga.start(shared='{"prompt": "Who listens now?"}')
    expect(olga.card("Who listens now?", tabs[-1])).to_be_visible()


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


def test_a_rejection_needs_its_reason(olga: Visit) -> None:
    """The choice opens the field for it at once, and one button sends both."""
    olga.start("strict")
    card = olga.card("Release 4.2.0?")
    pressed(card, "Reject")
    expect(card.get_by_text("Why reject?")).to_be_visible()
    expect(card.get_by_label("Reason", exact=True)).to_be_focused()
    pressed(card, "Reject")
    expect(card.get_by_text("This rejection needs a comment. Say why.")).to_be_visible()
    expect(card.get_by_label("Reason", exact=True)).to_be_focused()
    olga.page.keyboard.type("not on a Friday")
    pressed(card, "Reject")
    expect(card.get_by_text("“not on a Friday”")).to_be_visible()
    expect(card.get_by_text("finished").first).to_be_visible()


def pressed(card: Locator, label: str) -> None:
    """Press a button that rests no more."""
    button = card.get_by_role("button", name=label)
    expect(button).not_to_have_attribute("aria-disabled", "true")
    button.click()


def test_a_plain_approval_is_rejected_with_a_reason_or_without_in_one_step(olga: Visit) -> None:
    for reason in ("not on a Friday", ""):
        olga.start(shared=f'{{"prompt": "Release {reason or "alone"}?"}}')
        card = olga.card(f"Release {reason or 'alone'}?")
        pressed(card, "reject")
        expect(card.get_by_text("Why reject?")).to_be_visible()
        field = card.get_by_label("Reason (optional)")
        expect(field).to_be_focused()
        assert accepted(olga) == [] or accepted(olga)[-1]["comment"] == "not on a Friday"
        field.fill(reason)
        pressed(card, "reject")
        expect(card.filter(has_text="❌ Rejected").get_by_role("status").first).to_have_text(
            "Rejected. The workflow continues."
        )
    assert [answer["comment"] for answer in accepted(olga)] == ["not on a Friday", None]


def test_a_rejection_has_another_colour_than_an_approval(olga: Visit) -> None:
    """Both workflows ended well; the badge is about the decision."""
    colours: list[str] = []
    for label, presses, past in (("approve", 1, "✅ Approved"), ("reject", 2, "❌ Rejected")):
        olga.start(shared=f'{{"prompt": "{label}?"}}')
        for _ in range(presses):
            pressed(olga.card(f"{label}?"), label)
        colours.append(olga.page.wait_for_function(COLOUR_OF_BADGE, arg=past).json_value())
    assert colours[0] != colours[1]


def test_suggested_reasons_fill_the_comment_and_stay_open_to_change(olga: Visit) -> None:
    olga.start("gate")
    card = olga.card("Release 5.0.0 to production?")
    card.get_by_label("Comment (optional)").fill("see run 17")
    pressed(card, "Reject")
    expect(card.get_by_role("button", name="Approve")).to_be_hidden()
    reason = card.get_by_label("Reason (optional)")
    card.get_by_label("Not tested").check()
    expect(reason).to_have_value("Not tested: see run 17")
    card.get_by_label("Release freeze until Monday").check()
    expect(reason).to_have_value("Release freeze until Monday: see run 17")
    olga.check_accessibility()
    pressed(card, "Back")
    expect(card.get_by_role("button", name="Approve")).to_be_visible()
    expect(card.get_by_role("button", name="Reject")).to_be_focused()
    pressed(card, "Reject")
    reason.fill("Release freeze until Tuesday")
    pressed(card, "Reject")
    expect(card.get_by_text("“Release freeze until Tuesday”")).to_be_visible()


def test_an_option_of_a_long_list_asks_why_below_it(olga: Visit) -> None:
    olga.start("place")
    card = olga.card("Which region?")
    expect(card.get_by_label("Too far away")).to_be_hidden()
    card.get_by_label("region-11").check()
    expect(card.get_by_text("Why this option?")).to_be_visible()
    card.get_by_label("No quota").check()
    expect(card.get_by_label("Reason (optional)")).to_have_value("No quota")
    olga.check_accessibility()
    card.get_by_label("approve").check()
    expect(card.get_by_label("Too far away")).to_be_hidden()
    card.get_by_label("region-03").check()
    pressed(card, "Send")
    expect(card.get_by_text("“No quota”")).to_be_visible()


def test_reasons_are_reached_by_keys_and_enter_decides_nothing_by_accident(olga: Visit) -> None:
    olga.start("gate")
    card = olga.card("Release 5.0.0 to production?")
    expect(card.get_by_role("button", name="Reject")).not_to_have_attribute("aria-disabled", "true")
    olga.page.keyboard.press("j")
    olga.page.keyboard.press("r")
    olga.page.keyboard.press("Enter")
    expect(card.get_by_label("Not tested")).to_be_focused()
    olga.page.keyboard.press("Enter")
    olga.page.keyboard.press("ArrowDown")
    expect(card.get_by_label("Reason (optional)")).to_have_value("Release freeze until Monday")
    expect(card.get_by_role("button", name="Reject")).not_to_have_attribute("aria-disabled", "true")
    olga.page.keyboard.press("r")
    expect(card.get_by_role("button", name="Reject")).to_be_focused()
    olga.page.keyboard.press("Enter")
    expect(card.get_by_text("Rejected. The workflow continues.")).to_be_visible()
    expect(card.get_by_text("“Release freeze until Monday”")).to_be_visible()


def test_a_rejection_without_a_reason_is_two_presses_and_a_double_click_is_none(olga: Visit) -> None:
    """What the first click opens stands where the second one lands."""
    olga.start("gate")
    card = olga.card("Release 5.0.0 to production?")
    button = card.get_by_role("button", name="Reject")
    expect(button).not_to_have_attribute("aria-disabled", "true")
    button.dblclick()
    expect(card.get_by_text("Why reject?")).to_be_visible()
    expect(card.get_by_text("Rejected")).to_have_count(0)
    pressed(card, "Reject")
    expect(card.get_by_text("Rejected. The workflow continues.")).to_be_visible()


def test_a_press_before_the_scripts_are_there_is_made_once_they_are(olga: Visit) -> None:
    olga.start("strict")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    olga.page.route("**/static/inbox.js", hold)
    olga.page.reload(wait_until="commit")
    card = olga.page.locator("article.mine")
    card.get_by_role("button", name="Approve").dblclick()
    expect(card).to_have_count(1)
    (script,) = held
    script.continue_()
    expect(card).to_have_count(0)
    assert [one["value"] for one in accepted(olga)] == ["approve"]
