"""What hurts the users of other bots in Slack."""

from __future__ import annotations

import pytest

from sayso.testing.slack import FaultKind
from tests.bots.slack.stage import PLACE, Stage
from tests.engine.moved_file import move_away, move_back

AWAY = "Not saved: the database file was moved or replaced. Your answer was NOT counted. Try again later."


@pytest.mark.parametrize("length", [3_001, 4_097, 20_000])
async def test_a_long_prompt_goes_on_in_the_thread_and_stays_pending(stage: Stage, length: int) -> None:
    prompt = "".join(f"line {number:06d}\n" for number in range(length // 12 + 1))[:length]
    run_id, card = await stage.ask(prompt=prompt)
    assert "(continues in Full request)" in card.text
    head = card.text.split("\n(continues in Full request)")[0]

    def read() -> str:
        texts = [head, *(one.text for one in stage.ana.messages(stage.channel, thread=card.ts))]
        return "".join(texts).replace("│ ", "").replace("\n", "")

    await stage.slack.until(lambda: len(read()) >= len(prompt.replace("\n", "")))
    assert read() == prompt.replace("\n", "")
    assert card.labels == [["📄 Full request"], ["✅ approve", "❌ reject"]]
    assert (await stage.service.card(run_id)).request.open


async def test_a_very_long_prompt_comes_as_a_file(stage: Stage) -> None:
    prompt = "x" * 100_000
    _, card = await stage.ask(prompt=prompt)
    await stage.slack.until(lambda: len(stage.ana.messages(stage.channel, thread=card.ts)) == 1)
    file = stage.ana.messages(stage.channel, thread=card.ts)[0].files[0]
    head = card.text.split("\n(continues in Full request)")[0]
    assert head + file.content.decode() == prompt


async def test_a_prompt_forges_nothing(stage: Stage) -> None:
    prompt = "<!channel> <@U0SAYSO01> *bold* <https://evil.example|Approve> :tada: & `code`"
    _, card = await stage.ask(prompt=prompt, details={"<!here>": "<!everyone>"})
    assert card.text.splitlines()[0] == prompt
    assert card.notified == ()
    assert card.links == ()
    assert card.notification == prompt
    assert card.labels == [["✅ approve", "❌ reject"]]


async def test_a_label_beyond_the_limit_stands_whole_in_the_card(stage: Stage) -> None:
    family = "👨‍👩‍👧‍👦"
    label = "z" * 72 + family * 30
    run_id, card = await stage.ask(options=[{"value": "a", "label": label}, "b"], input_type="select")
    assert label in card.text
    assert len(card.keyboard[0][0].label) <= 75
    assert card.keyboard[0][0].label.endswith("…")
    assert "\u200d…" not in card.keyboard[0][0].label, "a grapheme was cut in two"
    await stage.press(stage.ana, card, card.keyboard[0][0].label)
    assert await stage.service.answer(run_id) == "a"


async def test_an_unheard_send_is_sent_again_and_its_copy_is_locked_at_the_first_press(stage: Stage) -> None:
    """A reset after the effect: nobody knows that the card is there. A press in it closes it, and counts not."""
    stage.slack.fail(FaultKind.RESET_AFTER, "chat.postMessage")
    run_id = await stage.service.ask([PLACE])
    await stage.slack.until(lambda: len(stage.ana.messages(stage.channel)) == 2)
    copy, card = stage.ana.messages(stage.channel)
    _, words = await stage.press(stage.ana, copy, "✅ approve")
    assert words.startswith("This message isn't the card itself.")
    closed = await stage.until(copy, lambda seen: not seen.labels)
    assert "This is a copy of the card." in closed.text or "Posted again below." in closed.text
    assert (await stage.press(stage.ana, card, "✅ approve"))[1] == "Approved. The workflow continues."
    assert await stage.service.answer(run_id) == "approve"
    assert (await stage.until_shows(card, "✅ Approved ·", "finished")).labels == []


async def test_a_throttled_channel_holds_up_no_other(stage: Stage) -> None:
    stage.slack.fail(FaultKind.TOO_MANY_REQUESTS, "chat.postMessage", retry_after=600)
    await stage.service.ask([PLACE])
    await stage.slack.until(lambda: stage.count() == 1)
    await stage.service.ask([f"slack:@{stage.ana.id}"])
    await stage.slack.until(lambda: len(stage.ana.messages()) == 1)
    assert stage.ana.messages(stage.channel) == []


async def test_an_archived_channel_is_dead_until_it_comes_back(stage: Stage) -> None:
    stage.channel.archive()
    await stage.service.ask([PLACE, f"slack:@{stage.ana.id}"])
    await stage.slack.until(lambda: len(stage.ana.messages()) == 1)
    await stage.slack.until(lambda: any(call.error for call in stage.slack.calls_of("chat.postMessage")))
    stage.channel.archive(archived=False)
    await stage.slack.until(lambda: len(stage.ana.messages(stage.channel)) == 1)


async def test_a_question_whose_card_was_deleted_can_still_be_answered(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="text", prompt="Which?")
    stage.channel.delete(card)
    record = await stage.service.card(run_id)
    answer = await stage.ana.command("/sayso", f"answer {record.request.id}@1 this one", stage.channel)
    assert (await answer.result()).is_acknowledged
    assert await stage.service.answer(run_id) == "this one"


async def test_membership_that_cannot_be_looked_up_is_refused(stage: Stage) -> None:
    run_id, card = await stage.ask()
    stage.slack.fail(FaultKind.HANG, "conversations.members")
    result, words = await stage.press(stage.ana, card, "✅ approve")
    assert result.is_acknowledged
    assert words.startswith("Not counted: it could not be checked that you belong to #releases.")
    assert (await stage.service.card(run_id)).request.open


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("is_bot", "Bots and accounts that were closed cannot answer."),
        ("is_restricted", "Guests answer only where an operator names them."),
        (
            "is_stranger",
            "You belong to another organisation: an operator has to name you before you can answer here.",
        ),
    ],
)
async def test_bots_guests_and_strangers_are_no_members(stage: Stage, kind: str, why: str) -> None:
    run_id, card = await stage.ask()
    other = stage.slack.add_person(
        "Other",
        is_bot=kind == "is_bot",
        is_restricted=kind == "is_restricted",
        is_stranger=kind == "is_stranger",
    )
    stage.channel.add(other)
    _, words = await stage.press(other, card, "✅ approve")
    assert words == f"You aren't an approver for this. Approvers: #releases. {why}"
    assert (await stage.service.card(run_id)).request.open


async def test_a_press_on_an_expired_question_says_when_it_closed(stage: Stage) -> None:
    run_id, card = await stage.ask(seconds=0.2, default="reject")
    await stage.until_shows(card, "Expired ·", "automatically rejected, nobody responded")
    _, words = await stage.press(stage.ana, card, "✅ approve", old_view=True)
    assert words.startswith("This closed today at ")
    assert await stage.service.answer(run_id) == "reject"


async def test_a_press_while_the_database_is_away_is_refused_aloud_and_counts_once_it_is_back(
    stage: Stage,
) -> None:
    run_id, card = await stage.ask()
    await stage.service.told(run_id)
    away = move_away(stage.database)
    assert (await stage.press(stage.ana, card, "✅ approve"))[1] == AWAY
    move_back(away)
    assert (await stage.service.card(run_id)).request.open
    assert (await stage.press(stage.ana, card, "✅ approve"))[1] == "Approved. The workflow continues."
