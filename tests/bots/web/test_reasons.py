"""Reasons in the inbox: a choice opens the field for its reason at once, and one button sends both."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.bots.web.visit import Visit, accepted, pressed

pytestmark = pytest.mark.timeout(120)


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
