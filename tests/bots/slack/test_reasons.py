"""Rejecting with a reason in Slack: one press opens what asks why, with the policy's reasons to pick from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sayso.adapters.console import Rejected
from sayso.adapters.slack import read_reason
from sayso.bots.chats import card_of
from sayso.config import PolicySettings, StageSettings
from sayso.testing.slack import LocalSlack, SeenView, SlackLimits, SlackPerson
from tests.bots.slack.stage import PLACE, Stage

REASONS = ("Not tested", "Release freeze")
STAGES = (StageSettings(approvers=(PLACE,)),)
TWO = (StageSettings(approvers=(PLACE,), need=2, reject_at=2),)
POLICIES = {
    "suggests": PolicySettings(stages=STAGES, reject_reasons=REASONS),
    "requires": PolicySettings(stages=STAGES, reject_reasons=REASONS, comment=("reject",)),
    "bare": PolicySettings(stages=STAGES, comment=("approve", "reject")),
    "two": PolicySettings(stages=TWO, reject_reasons=REASONS),
}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with LocalSlack(limits=SlackLimits.unlimited()) as slack:
        stage = Stage.build(slack, tmp_path / "sayso.db", policies=POLICIES)
        async with stage.running():
            yield stage
        assert slack.problems == []


async def sent(person: SlackPerson, **values: Any) -> SeenView:
    assert (await (await person.submit(values)).result()).is_acknowledged
    assert person.view is not None
    return person.view


async def comment(stage: Stage, run_id: str) -> str | None:
    (vote,) = (await stage.service.card(run_id)).votes
    return vote.comment


async def test_a_reason_is_picked_in_the_modal_that_the_press_opens(stage: Stage) -> None:
    run_id, card = await stage.ask(policy="suggests", prompt="Release 4.2.0?")
    view = await stage.modal(stage.ana, card, "❌ reject")
    assert (view.title, view.submit) == ("reject", "reject")
    assert "Release 4.2.0?" in view.text
    assert [(one.label, one.options) for one in view.inputs] == [
        ("Reason", (*REASONS, "Other reason")),
        ("Comment", ()),
    ]
    done = await sent(stage.ana, Reason="Not tested")
    assert (done.title, done.text, done.submit) == ("Answered", "Rejected. The workflow continues.", None)
    assert await stage.service.answer(run_id) == "reject"
    assert await comment(stage, run_id) == "Not tested"
    await stage.until_shows(card, "❌ Rejected", "Not tested")


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({}, None),
        ({"Comment": "  on Friday? "}, "on Friday?"),
        ({"Reason": "Release freeze", "Comment": "until Monday"}, "Release freeze: until Monday"),
        ({"Reason": "Other reason", "Comment": "on Friday?"}, "on Friday?"),
    ],
)
async def test_what_is_picked_and_written_is_the_comment(
    stage: Stage, values: dict[str, str], kept: str | None
) -> None:
    run_id, card = await stage.ask(policy="suggests")
    await stage.modal(stage.ana, card, "❌ reject")
    assert (await sent(stage.ana, **values)).text == "Rejected. The workflow continues."
    assert await comment(stage, run_id) == kept


async def test_a_reason_that_the_policy_requires_cannot_be_left_out(stage: Stage) -> None:
    run_id, card = await stage.ask(policy="requires")
    await stage.modal(stage.ana, card, "❌ reject")
    assert (await sent(stage.ana)).errors == {"Comment": "Choose a reason, or write one."}
    assert (await sent(stage.ana, Reason="Other reason")).errors == {"Comment": "Write the reason."}
    assert (await stage.service.card(run_id)).request.open
    await sent(stage.ana, Reason="Release freeze")
    assert await comment(stage, run_id) == "Release freeze"


async def test_a_required_comment_without_suggestions_is_one_field(stage: Stage) -> None:
    run_id, card = await stage.ask(policy="bare")
    view = await stage.modal(stage.ana, card, "✅ approve")
    assert (view.title, [one.label for one in view.inputs]) == ("approve", ["Reason"])
    assert (await sent(stage.ana, Reason="checked twice")).text == "Approved. The workflow continues."
    assert await comment(stage, run_id) == "checked twice"


async def test_no_is_asked_why_as_a_rejection_is(stage: Stage) -> None:
    run_id, card = await stage.ask(policy="suggests", input_type="confirm")
    view = await stage.modal(stage.ana, card, "❌ No")
    assert (view.title, view.submit) == ("Answer no", "Answer no")
    await sent(stage.ana, Reason="Not tested")
    assert await stage.service.answer(run_id) is False
    assert await comment(stage, run_id) == "Not tested"


async def test_a_plain_approval_is_rejected_with_a_reason_in_one_step_behind_the_press(stage: Stage) -> None:
    details = {"Change": "14 commits", "Risk": "high"}
    run_id, card = await stage.ask(prompt="Release 4.2.0?", details=details)
    view = await stage.modal(stage.ana, card)
    assert (view.title, view.submit, view.close) == ("reject", "reject", "Cancel")
    assert all(words in view.text for words in ("Release 4.2.0?", "Change", "14 commits", "Risk", "high"))
    assert [(one.label, one.is_optional) for one in view.inputs] == [("Reason", True)]
    assert (await sent(stage.ana, Reason="not on a Friday")).text == "Rejected. The workflow continues."
    assert await comment(stage, run_id) == "not on a Friday"


async def test_a_plain_approval_is_rejected_without_a_reason_in_one_step_behind_the_press(
    stage: Stage,
) -> None:
    run_id, card = await stage.ask()
    assert await stage.reject(stage.ana, card) == "Rejected. The workflow continues."
    assert await stage.service.answer(run_id) == "reject"
    assert await comment(stage, run_id) is None


async def test_closing_the_modal_changes_nothing_and_the_card_still_waits(stage: Stage) -> None:
    run_id, card = await stage.ask()
    await stage.modal(stage.ana, card)
    await stage.ana.close_view()
    assert (await stage.service.card(run_id)).votes == ()
    assert stage.ana.sees(card) == card
    assert (await stage.press(stage.ana, card, "✅ approve"))[1] == "Approved. The workflow continues."


async def test_an_approval_a_no_and_a_choice_are_one_press(stage: Stage) -> None:
    _, suggested = await stage.ask(policy="suggests")
    assert (await stage.press(stage.ana, suggested, "✅ approve"))[1] == "Approved. The workflow continues."
    await stage.until_shows(suggested, "finished")
    _, no = await stage.ask(input_type="confirm")
    assert (await stage.press(stage.ana, no, "❌ No"))[1] == "Recorded: no. The workflow continues."
    await stage.until_shows(no, "finished")
    _, choice = await stage.ask(options=["approve", "reject", "later"], input_type="select")
    assert (await stage.press(stage.ana, choice, "❌ reject"))[1] == "Rejected. The workflow continues."


async def test_a_plain_approval_is_rejected_at_home_as_in_its_card(stage: Stage) -> None:
    run_id = await stage.service.ask([stage.person_id(stage.ana)])
    await stage.ana.open_home()
    await stage.slack.until(lambda: stage.ana.home is not None and stage.ana.home.labels != [])
    await (await stage.ana.press_at_home("❌ reject")).result()
    await stage.slack.until(lambda: stage.ana.view is not None and stage.ana.view.inputs != ())
    assert (await sent(stage.ana, Reason="too early")).text == "Rejected. The workflow continues."
    assert await comment(stage, run_id) == "too early"


async def test_a_vote_is_changed_with_a_reason_and_not_asked_for_twice(stage: Stage) -> None:
    run_id, card = await stage.ask(policy="two")
    await stage.press(stage.ana, card, "✅ approve")
    card = await stage.until_shows(card, "1 of 2 approved")
    await stage.modal(stage.ana, card, "❌ reject")
    assert (await sent(stage.ana, Reason="Not tested")).text == "Changed to reject."
    card = await stage.until_shows(card, "0 of 2 approved")
    assert (await stage.press(stage.ana, card, "❌ reject"))[1] == "You already rejected this."
    assert await comment(stage, run_id) == "Not tested"


async def test_a_reason_for_a_question_that_is_decided_is_refused_out_loud(stage: Stage) -> None:
    run_id, card = await stage.ask(policy="suggests")
    await stage.modal(stage.ana, card, "❌ reject")
    await stage.press(stage.bo, card, "✅ approve")
    heard = (await sent(stage.ana, Reason="Not tested")).text
    assert heard.startswith("Bo already approved this today at ")
    assert await stage.service.answer(run_id) == "approve"


async def test_whoever_is_no_approver_is_not_asked_why(stage: Stage) -> None:
    _, card = await stage.ask(policy="suggests")
    stage.channel.remove(stage.bo)
    result, words = await stage.press(stage.bo, card, "❌ reject")
    assert result.is_acknowledged
    assert words.startswith("You aren't an approver for this.")
    assert stage.bo.view is None


async def test_a_reason_that_was_not_offered_is_refused(stage: Stage) -> None:
    """A submission may name any position, whoever makes it."""
    run_id, _ = await stage.ask(policy="suggests")
    card = card_of(await stage.service.card(run_id), stage.settings)
    block = f"{card.id}:{card.revision}:1"
    picked = {"type": "radio_buttons", "selected_option": {"value": "2"}}
    assert read_reason(card, 1, {block: {"value": picked}}) == Rejected({block: "Choose one of these."})
