"""The full request in a modal: what does not fit on a card, and what an approval of `read_all` waits for."""

from __future__ import annotations

from sayso.engine import Diff, File, Table
from sayso.testing.slack import SeenMessage, SeenView, SlackPerson
from tests.bots.slack.stage import Stage
from tests.bots.slack.test_presses import call

LINES = [f"+line {number}" for number in range(40)]
UNREAD = "Open the full request before you approve it: press Full request in the card. Nothing was counted."


async def shown(stage: Stage, person: SlackPerson, words: str) -> SeenView:
    """The modal of somebody, once it says this."""
    await stage.slack.until(lambda: person.view is not None and words in person.view.text)
    assert person.view is not None
    return person.view


async def opened(stage: Stage, person: SlackPerson, card: SeenMessage, words: str) -> SeenView:
    """What the button above the others opens."""
    result = await (await person.press(card, "📄 Full request")).result()
    assert result.is_acknowledged
    return await shown(stage, person, words)


async def recorded(stage: Stage, run_id: str) -> None:
    """Return once it is recorded that somebody has opened all of the run's request."""
    while not [row async for row in stage.service.store.reader.audit(run_id) if row.kind == "opened"]:
        pass


async def test_what_does_not_fit_is_opened_by_one_step_above_the_buttons(stage: Stage) -> None:
    _, card = await stage.ask(shown={"Change": Diff("\n".join(LINES)), "Risk": "high"})
    assert card.labels == [["📄 Full request"], ["✅ approve", "❌ reject"]]
    view = await opened(stage, stage.ana, card, "This is the full request.")
    assert view.title == "Full request"
    assert view.text.splitlines() == [
        "Release 4.2.0?", "", "Change:", *LINES, "", "Risk: high", "",
        "This is the full request. You can approve or reject it in its card.",
    ]  # fmt: skip
    _, words = await stage.press(stage.ana, card, "✅ approve")
    assert words == "Approved. The workflow continues."
    decided = await stage.until_shows(card, "✅ Approved ·")
    assert "(continues in the thread)" in decided.text


async def test_an_approval_counts_only_from_who_was_shown_all_of_it(stage: Stage) -> None:
    run_id, card = await stage.ask(read_all=True, shown={"Change": "a", "Log": File(b"a", "a.txt")})
    assert card.labels == [["📄 Full request"], ["✅ Approve", "❌ Reject"]]
    _, words = await stage.press(stage.ana, card, "✅ Approve")
    assert words == UNREAD
    view = await opened(stage, stage.ana, card, "This is the full request.")
    assert "Log: a.txt (1 bytes)" in view.text
    await recorded(stage, run_id)
    _, words = await stage.press(stage.bo, card, "✅ Approve")
    assert words == UNREAD, "what Ana read, Bo has not"
    await stage.press(stage.ana, card, "✅ Approve")
    assert await stage.service.answer(run_id) == "approve"


async def test_a_request_of_many_pages_is_opened_once_the_last_one_was_shown(stage: Stage) -> None:
    rows: list[list[str | int]] = [[number, f"{number} " + "x" * 90] for number in range(400)]
    run_id, card = await stage.ask(read_all=True, shown={"Rows": Table(["number", "what"], rows)})
    view = await opened(stage, stage.ana, card, "0 xxx")
    assert (view.title, view.labels) == ("Full request 1/3", [["Next page"]])
    for page in (2, 3):
        _, words = await stage.press(stage.ana, card, "✅ Approve")
        assert words == UNREAD
        await (await stage.ana.press_in_view("Next page")).result()
        await stage.slack.until(lambda: stage.ana.view is not None and f"{page}/3" in stage.ana.view.title)  # noqa: B023 - awaited at once
    assert stage.ana.view is not None
    assert stage.ana.view.labels == []
    await shown(stage, stage.ana, "399 xxx")
    await recorded(stage, run_id)
    await stage.press(stage.ana, card, "✅ Approve")
    assert await stage.service.answer(run_id) == "approve"


async def test_a_page_that_somebody_else_filled_turns_to_none(stage: Stage) -> None:
    """Whoever has the bot's token could offer the way to the last page on the first one."""
    rows: list[list[str | int]] = [[number, "x" * 90] for number in range(400)]
    run_id, card = await stage.ask(read_all=True, shown={"Rows": Table(["number", "what"], rows)})
    await opened(stage, stage.ana, card, "0       xxx")
    (view,) = stage.slack.calls_of("views.update")
    forged = {
        **view.parameters["view"],
        "private_metadata": view.parameters["view"]["private_metadata"][:-1] + "1",
    }
    await call(stage, "views.update", view_id=view.parameters["view_id"], view=forged)
    await (await stage.ana.press_in_view("Next page")).result()
    _, words = await stage.press(stage.ana, card, "✅ Approve")
    assert words == UNREAD
    assert (await stage.service.card(run_id)).request.open


async def test_nobody_has_opened_what_slack_did_not_show(stage: Stage) -> None:
    run_id, card = await stage.ask(read_all=True)
    stage.slack.refuse("not_found", "views.update")
    result = await (await stage.ana.press(card, "📄 Full request")).result()
    assert result.is_acknowledged
    await stage.slack.until(lambda: bool(stage.ana.words(stage.channel)))
    assert stage.ana.words(stage.channel)[-1].startswith("Slack could not show this.")
    _, words = await stage.press(stage.ana, card, "✅ Approve")
    assert words == UNREAD
    assert (await stage.service.card(run_id)).request.open
