"""Lists in modals: an input for each entry, and buttons that add and remove entries."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import async_playwright, expect

from sayso.testing.page import ChatPage
from sayso.testing.platform import FaultKind
from sayso.testing.slack import SeenView, SlackPerson, SlackPress
from tests.bots.slack.stage import Stage
from tests.bots.slack.test_modals import opened, sent

ADD, REMOVE = "Add another", "Remove the last"


def form(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def listed(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": {"type": kind}, **more}


LISTS = form(
    name={"type": "string"},
    tools=listed("string", description="What she needs."),
    days={"type": "array", "items": {"type": "string", "format": "date"}},
    seats=listed("integer"),
    open=listed("boolean"),
    when={"type": "array", "items": {"type": "string", "format": "date-time"}},
)


def labels(view: SeenView | None) -> list[str]:
    assert view is not None
    return [one.label for one in view.inputs]


async def pressed(
    stage: Stage, person: SlackPerson, label: str, number: int = 0, values: dict[str, Any] | None = None
) -> tuple[SeenView, SlackPress]:
    """Press a button of the modal, and wait until it shows something else."""
    before = labels(person.view)
    press = await person.press_in_view(label, number, values or {})
    assert (await press.result()).is_acknowledged
    await stage.slack.until(lambda: labels(person.view) != before)
    assert person.view is not None
    return person.view, press


async def test_entries_of_each_kind_are_added_and_what_was_typed_stays(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="form", schema=LISTS)
    view = await opened(stage, stage.ana, card, "✍️ Answer")
    assert labels(view) == ["Name", "Tools 1", "Days 1", "Seats 1", "Open 1", "When 1"]
    assert [one.kind for one in view.inputs[1:]] == [
        "plain_text_input", "datepicker", "number_input", "radio_buttons", "datetimepicker",
    ]  # fmt: skip
    assert view.inputs[1].hint == "What she needs."
    assert view.labels == [[ADD]] * 5
    typed = {
        "Name": "R&D",
        "Tools 1": "<b>",
        "Days 1": "2026-12-01",
        "Seats 1": "3",
        "When 1": "2026-12-31 17:30",
    }
    for number in range(5):
        view, _ = await pressed(stage, stage.ana, ADD, number, typed if number == 0 else {"Open 1": "No"})
    assert labels(view)[:4] == ["Name", "Tools 1", "Tools 2", "Days 1"]
    assert view.labels == [[ADD, REMOVE]] * 5
    shown = {one["label"]["text"]: one["element"] for one in view.blocks if one["type"] == "input"}
    assert (shown["Name"]["initial_value"], shown["Tools 1"]["initial_value"]) == ("R&D", "<b>")
    assert shown["Open 1"]["initial_option"]["value"] == "no"
    more = {"Tools 2": "a, b", "Days 2": "2026-12-02", "Open 2": "Yes", "When 2": "2026-12-31 18:30"}
    await sent(stage.ana, **more)
    assert await stage.service.answer(run_id) == {
        "name": "R&D", "tools": ["<b>", "a, b"], "days": ["2026-12-01", "2026-12-02"], "seats": [3],
        "open": [False, True], "when": ["2026-12-31T17:30:00+00:00", "2026-12-31T18:30:00+00:00"],
    }  # fmt: skip


async def test_a_default_stands_in_entries_and_a_removed_one_is_empty_when_it_is_added_again(
    stage: Stage,
) -> None:
    run_id, card = await stage.ask(input_type="form", schema=form(tools=listed("string", default=["a", "b"])))
    view = await opened(stage, stage.ana, card, "✍️ Answer")
    assert [block["element"].get("initial_value") for block in view.blocks if block["type"] == "input"] == [
        "a",
        "b",
    ]
    view, _ = await pressed(stage, stage.ana, REMOVE)
    assert (labels(view), view.labels) == (["Tools 1"], [[ADD]])
    view, _ = await pressed(stage, stage.ana, ADD)
    assert [block["element"].get("initial_value") for block in view.blocks if block["type"] == "input"] == [
        "a",
        None,
    ]
    await sent(stage.ana, **{"Tools 2": "c"})
    assert await stage.service.answer(run_id) == {"tools": ["a", "c"]}


async def test_a_press_that_comes_twice_adds_one_entry(stage: Stage) -> None:
    _, card = await stage.ask(input_type="form", schema=form(tools=listed("string")))
    await opened(stage, stage.ana, card, "✍️ Answer")
    _, press = await pressed(stage, stage.ana, ADD)
    calls = len(stage.slack.calls_of("views.update"))
    assert (await (await stage.ana.press_again(press)).result()).is_acknowledged
    view, _ = await pressed(stage, stage.ana, ADD)
    assert labels(view) == ["Tools 1", "Tools 2", "Tools 3"]
    assert len(stage.slack.calls_of("views.update")) == calls + 1


@pytest.mark.parametrize(
    "kind", [FaultKind.SERVER_ERROR, FaultKind.RESET_AFTER, FaultKind.SERVER_ERROR_AFTER]
)
async def test_an_unclear_answer_of_slack_adds_one_entry_and_the_form_can_be_sent(
    stage: Stage, kind: FaultKind
) -> None:
    run_id, card = await stage.ask(input_type="form", schema=form(tools=listed("string")))
    await opened(stage, stage.ana, card, "✍️ Answer")
    stage.slack.fail(kind, "views.update")
    calls = len(stage.slack.calls_of("views.update"))
    await pressed(stage, stage.ana, ADD, values={"Tools 1": "a"})
    await stage.slack.until(lambda: len(stage.slack.calls_of("views.update")) == calls + 2)
    assert labels(stage.ana.view) == ["Tools 1", "Tools 2"]
    await sent(stage.ana, **{"Tools 2": "b"})
    assert await stage.service.answer(run_id) == {"tools": ["a", "b"]}


async def test_a_press_that_slack_lost_changes_nothing(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="form", schema=form(tools=listed("string")))
    await opened(stage, stage.ana, card, "✍️ Answer")
    stage.slack.refuse("hash_conflict", "views.update")
    calls = len(stage.slack.calls_of("views.update"))
    await (await stage.ana.press_in_view(ADD, values={"Tools 1": "a"})).result()
    await stage.slack.until(lambda: len(stage.slack.calls_of("views.update")) == calls + 1)
    assert labels(stage.ana.view) == ["Tools 1"]
    await sent(stage.ana)
    assert await stage.service.answer(run_id) == {"tools": ["a"]}


async def test_what_is_sent_while_an_entry_is_added_counts(stage: Stage) -> None:
    """Whoever presses Add and Send in one breath sent the modal as we had filled it before."""
    run_id, card = await stage.ask(input_type="form", schema=form(tools=listed("string")))
    await opened(stage, stage.ana, card, "✍️ Answer")
    release = stage.slack.hold("views.update")
    await stage.ana.press_in_view(ADD)
    submission = await stage.ana.submit({"Tools 1": "a"})
    await stage.slack.until(lambda: release.waiting == 1)
    release.release()
    assert (await submission.result()).is_acknowledged
    assert await stage.service.answer(run_id) == {"tools": ["a"]}


async def test_what_is_wrong_is_said_at_its_entry(stage: Stage) -> None:
    seats = {"type": "array", "items": {"type": "integer", "minimum": 1}, "title": "Seats", "minItems": 2}
    run_id, card = await stage.ask(
        input_type="form", schema={**form(seats=seats, name={"type": "string"}), "required": ["seats"]}
    )
    await opened(stage, stage.ana, card, "✍️ Answer")
    await pressed(stage, stage.ana, ADD, values={"Seats 1": "3"})
    view = await sent(stage.ana, **{"Seats 2": "0"})
    assert view.errors == {"Seats 2": "Seats 2: 0 is less than the minimum of 1."}
    view = await sent(stage.ana, **{"Seats 2": ""})
    assert view.errors == {"Seats 1": "Seats: At least 2 entries."}
    await sent(stage.ana, **{"Seats 2": "4"})
    assert await stage.service.answer(run_id) == {"seats": [3, 4]}


async def test_the_most_entries_are_said(stage: Stage) -> None:
    _, card = await stage.ask(input_type="form", schema=form(tools=listed("string", maxItems=2)))
    await opened(stage, stage.ana, card, "✍️ Answer")
    view, _ = await pressed(stage, stage.ana, ADD)
    assert (view.labels, view.inputs[-1].hint) == ([[REMOVE]], "At most 2 entries.")


async def test_a_modal_that_is_full_says_where_longer_lists_are_entered(stage: Stage) -> None:
    """Slack takes 100 blocks."""
    _, card = await stage.ask(
        input_type="form", schema=form(tools=listed("string", default=[str(one) for one in range(96)]))
    )
    view = await opened(stage, stage.ana, card, "✍️ Answer")
    while ADD in view.labels[0]:
        view, _ = await pressed(stage, stage.ana, ADD)
    assert len(view.blocks) == 100
    assert view.inputs[-1].hint == "No more entries fit here. For a longer list, use the inbox: /sayso inbox"


async def test_a_list_without_room_for_entries_is_typed(stage: Stage) -> None:
    run_id, card = await stage.ask(
        input_type="form", schema=form(tools=listed("string", default=[str(one) for one in range(101)]))
    )
    view = await opened(stage, stage.ana, card, "✍️ Answer")
    assert (labels(view), view.labels) == (["Tools"], [])
    await sent(stage.ana, Tools="a\nb")
    assert await stage.service.answer(run_id) == {"tools": ["a", "b"]}


async def test_an_entry_of_a_question_that_was_answered_meanwhile_is_refused_out_loud(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="form", schema=form(tools=listed("string")))
    await opened(stage, stage.ana, card, "✍️ Answer")
    await opened(stage, stage.bo, card, "✍️ Answer")
    await sent(stage.bo, **{"Tools 1": "a"})
    view, _ = await pressed(stage, stage.ana, ADD)
    assert view.text.startswith("Bo already answered this")
    assert view.submit is None
    assert await stage.service.answer(run_id) == {"tools": ["a"]}


@pytest.mark.slow
async def test_in_a_browser_what_was_typed_stays_when_an_entry_is_added(stage: Stage) -> None:
    """In the page that shows the local chats, as in Slack's own app."""
    schema = form(name={"type": "string"}, tools=listed("string"), seats=listed("integer"))
    run_id, _ = await stage.ask(input_type="form", schema=schema)
    async with (
        ChatPage({"slack": stage.slack.control.add_routes}) as chats,
        async_playwright() as playwright,
        await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        ) as browser,
    ):
        page = await browser.new_page()
        await page.goto(chats.url)
        await page.get_by_role("button", name="Answer").click()
        modal = page.get_by_role("dialog")
        await modal.get_by_label("Name").fill("Cho")
        await modal.get_by_label("Tools 1").fill("tea")
        await modal.get_by_role("button", name="Add another").nth(1).click()
        await expect(modal.get_by_label("Seats 2")).to_be_visible()
        await modal.get_by_label("Seats 1").fill("3")
        await modal.get_by_label("Seats 2").fill("4")
        await modal.get_by_role("button", name="Add another").first.click()
        await modal.get_by_label("Tools 2").fill("cups")
        await expect(modal.get_by_label("Seats 2")).to_have_value("4")
        await modal.get_by_role("button", name="Remove the last").nth(1).click()
        await expect(modal.get_by_label("Seats 2")).to_have_count(0)
        await expect(modal.get_by_label("Tools 2")).to_have_value("cups")
        await modal.get_by_role("button", name="Send").click()
        await expect(modal).to_contain_text("Recorded")
        assert await stage.service.answer(run_id) == {"name": "Cho", "tools": ["tea", "cups"], "seats": [3]}
