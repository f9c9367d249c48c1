"""Which presses count in Slack: those from a message with what Slack said that it keeps; nothing else, however it was
made, and a card that cannot be compared is put right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from sayso.testing.platform import FaultKind
from tests.bots.slack.stage import PLACE, Stage
from tests.engine.older_file import rewrite_as_before

Blocks = list[dict[str, Any]]
PROMPT = "Delete the production database?"
APPROVED = "Approved. The workflow continues."
REDRAWN = "This card was out of date and has been redrawn. Check it and press again."
NOT_THE_CARD = "This message isn't the card itself."
NOT_READY = "This card isn't ready yet. Nothing was counted. Please press again in a moment."


async def call(stage: Stage, method: str, **fields: Any) -> dict[str, Any]:
    """The bot's API as somebody calls it who has the bot's token."""
    token = {"Authorization": f"Bearer {stage.slack.bot_token}"}
    async with httpx.AsyncClient(headers=token) as client:
        answer: dict[str, Any] = (await client.post(f"{stage.slack.api_url}{method}", json=fields)).json()
    assert answer["ok"], answer
    return answer


def sent(stage: Stage) -> Blocks:
    """The blocks of the newest card, as sayso sent them."""
    blocks = stage.slack.calls_of("chat.postMessage")[-1].parameters["blocks"]
    found: Blocks = json.loads(blocks) if isinstance(blocks, str) else blocks
    return found


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "plain_text", "text": text}}


def controls(blocks: Blocks) -> Blocks:
    return [block for block in blocks if block["type"] == "actions"]


def other_question(blocks: Blocks) -> Blocks:
    return [section("Pizza for lunch?"), *controls(blocks)]


def and_more(blocks: Blocks) -> Blocks:
    return [*blocks[:-1], section("Only if the backup is gone, of course."), blocks[-1]]


def swapped(blocks: Blocks) -> Blocks:
    (buttons,) = controls(blocks)
    first, second = (one["text"] for one in buttons["elements"])
    elements = [{**one, "text": text} for one, text in zip(buttons["elements"], (second, first), strict=True)]
    return [*(block for block in blocks if block is not buttons), {**buttons, "elements": elements}]


def numbered(blocks: Blocks) -> Blocks:
    (buttons,) = controls(blocks)
    elements = [
        {**one, "text": {"type": "plain_text", "text": str(at)}} for at, one in enumerate(buttons["elements"])
    ]
    return [*(block for block in blocks if block is not buttons), {**buttons, "elements": elements}]


FORGERIES: list[Callable[[Blocks], Blocks]] = [other_question, and_more, swapped, numbered]


async def is_open(stage: Stage, run_id: str) -> bool:
    return (await stage.service.card(run_id)).request.open


async def forgeries_told(stage: Stage) -> list[Any]:
    return [row.payload async for row in stage.service.store.reader.audit() if row.kind == "card_forged"]


@pytest.mark.parametrize("forge", FORGERIES)
async def test_a_card_that_was_edited_with_the_bots_token_counts_no_press(
    stage: Stage, forge: Callable[[Blocks], Blocks]
) -> None:
    run_id, card = await stage.ask(prompt=PROMPT, options=["approve", "reject"], input_type="select")
    await call(stage, "chat.update", channel=card.channel, ts=card.ts, text="-", blocks=forge(sent(stage)))
    label = next(row for row in stage.ana.sees(card).labels if row)[0]
    _, words = await stage.press(stage.ana, card, label)
    assert words == REDRAWN
    assert await is_open(stage, run_id)
    redrawn = await stage.until(card, lambda seen: (seen.labels, seen.text) == (card.labels, card.text))
    assert (await stage.press(stage.ana, redrawn, "✅ approve"))[1] == APPROVED
    (told,) = await forgeries_told(stage)
    assert told["parts"], "operators hear which part differed"


async def test_a_press_before_slack_has_confirmed_the_card_is_told_to_wait(stage: Stage) -> None:
    """Nobody can tell yet whether it is the card: it is not called a copy, and nothing is done to it."""
    stage.slack.fail(FaultKind.HANG_AFTER, "chat.postMessage")
    run_id = await stage.service.ask([PLACE], prompt=PROMPT)
    await stage.slack.until(lambda: bool(stage.ana.messages(stage.channel)))
    (card,) = stage.ana.messages(stage.channel)
    _, words = await stage.press(stage.ana, card, "✅ approve")
    assert words == NOT_READY
    assert await is_open(stage, run_id)
    assert stage.ana.sees(card).labels == card.labels


async def test_a_card_that_mentions_somebody_else_than_it_did_counts_no_press(stage: Stage) -> None:
    run_id, card = await stage.ask(PLACE, stage.person_id(stage.bo), prompt=PROMPT)
    card = next(one for one in stage.ana.messages(stage.channel) if one.notified == (stage.bo.id,))
    other = json.loads(json.dumps(sent(stage)).replace(stage.bo.id, stage.ana.id))
    await call(stage, "chat.update", channel=card.channel, ts=card.ts, text="-", blocks=other)
    label = card.labels[0][0]
    assert (await stage.press(stage.ana, card, label))[1] == REDRAWN
    assert await is_open(stage, run_id)
    redrawn = await stage.until(card, lambda seen: (seen.labels, seen.text) == (card.labels, card.text))
    assert (await stage.press(stage.ana, redrawn, label))[1] == APPROVED


@pytest.mark.parametrize("where", ["message", "ephemeral", "attachment", "on the card"])
async def test_our_buttons_in_a_message_of_somebody_elses_count_no_press(stage: Stage, where: str) -> None:
    run_id, card = await stage.ask(prompt=PROMPT)
    blocks = sent(stage)
    attachments = [{"blocks": other_question(blocks)}]
    match where:
        case "message":
            await call(stage, "chat.postMessage", channel=card.channel, text="-", blocks=blocks)
        case "ephemeral":
            await call(
                stage, "chat.postEphemeral", channel=card.channel, user=stage.ana.id, text="-", blocks=blocks
            )
        case "attachment":
            await call(stage, "chat.postMessage", channel=card.channel, text="-", attachments=attachments)
        case _:
            await call(
                stage, "chat.update", channel=card.channel, ts=card.ts, text="-", blocks=blocks,
                attachments=attachments,
            )  # fmt: skip
    forged = stage.ana.messages(stage.channel)[-1]
    before = len(stage.ana.words(stage.channel))
    action_id = controls(blocks)[0]["elements"][0]["action_id"]
    number = 1 if where == "on the card" else 0
    await (await stage.ana.press(forged, action_id=action_id, number=number)).result()
    words = await stage.told(stage.ana, before, stage.channel)
    assert words.startswith(REDRAWN if where == "on the card" else NOT_THE_CARD)
    assert await is_open(stage, run_id)
    assert len(await forgeries_told(stage)) == 1
    if where == "message":
        closed = await stage.until_shows(forged, "This is a copy of the card.")
        assert closed.labels == []
        assert "Go to the card" in closed.text
    if where == "on the card":
        await stage.until(card, lambda seen: seen.labels == card.labels)
    assert (await stage.press(stage.ana, card, "✅ approve"))[1] == APPROVED


async def test_a_picker_whose_labels_changes_places_counts_nothing(stage: Stage) -> None:
    options = [{"value": f"v{at}", "label": f"Choice {at}"} for at in range(30)]
    run_id, card = await stage.ask(prompt=PROMPT, options=options, input_type="select")
    blocks = sent(stage)
    (actions,) = controls(blocks)
    given = actions["elements"][0]["options"]
    given[0]["text"], given[1]["text"] = given[1]["text"], given[0]["text"]
    await call(stage, "chat.update", channel=card.channel, ts=card.ts, text="-", blocks=blocks)
    before = len(stage.ana.words(stage.channel))
    await (await stage.ana.choose(card, "Choice 1")).result()
    assert await stage.told(stage.ana, before, stage.channel) == REDRAWN
    assert await is_open(stage, run_id)


ODD = [
    "ö" * 400, "क्षत्रिय " * 60, "&copy; 2026, a &amp; b &nbsp;&lt;", "❓❓❓", "1.", "12",
    "Ship 🚀 1️⃣ ™ \u2139\ufe0f <now> & then?", "https://example.org/?a=1&b=2 :smile:", "a\u200db\u2060c",
]  # fmt: skip


@pytest.mark.parametrize("prompt", ODD)
async def test_an_honest_press_counts_whatever_the_question_says(stage: Stage, prompt: str) -> None:
    run_id, card = await stage.ask(prompt=prompt, details={"Note": prompt[:200]})
    assert (await stage.press(stage.ana, card, "✅ approve"))[1] == APPROVED
    assert await stage.service.answer(run_id) == "approve"
    assert await forgeries_told(stage) == []


async def test_a_second_mismatch_in_a_row_asks_for_the_answer_in_a_modal(stage: Stage) -> None:
    """Whatever keeps a card from matching, nobody is asked a third time to press it."""
    run_id, card = await stage.ask(prompt=PROMPT, details={"Where": "eu-1"})
    blocks = sent(stage)
    fake = swapped(blocks)
    for expected in (REDRAWN, "This card still doesn't match. Nothing was counted."):
        await call(stage, "chat.update", channel=card.channel, ts=card.ts, text="-", blocks=fake)
        assert (await stage.press(stage.ana, card, "✅ approve"))[1] == expected
        await stage.until(card, lambda seen: seen.labels == card.labels)
    await stage.slack.until(lambda: stage.ana.view is not None and stage.ana.view.submit is not None)
    assert stage.ana.view is not None
    assert PROMPT in stage.ana.view.text
    assert "eu-1" in stage.ana.view.text
    await (await stage.ana.submit({"Your answer": "approve", "Comment": "checked twice"})).result()
    assert await stage.service.answer(run_id) == "approve"
    (vote,) = (await stage.service.card(run_id)).votes
    assert vote.comment == "checked twice"
    assert len(await forgeries_told(stage)) == 1, "operators hear it once"


async def test_an_unheard_edit_is_drawn_again_and_the_next_press_counts(stage: Stage) -> None:
    """Slack made the edit, and its answer was lost: nobody knows what the card shows until it is edited again."""
    _, card = await stage.ask(prompt=PROMPT)
    run_id, request_id = await only(stage)
    stage.slack.fail(FaultKind.RESET_AFTER, "chat.update")
    await stage.service.store.redraw(request_id, PLACE)
    await stage.until(card, lambda seen: seen.blocks != card.blocks)
    before = stage.ana.sees(card)
    assert (await stage.press(stage.ana, before, "✅ approve"))[1] == REDRAWN
    await stage.until(card, lambda seen: seen.blocks != before.blocks)
    assert (await stage.press(stage.ana, card, "✅ approve"))[1] == APPROVED
    assert await stage.service.answer(run_id) == "approve"
    assert await forgeries_told(stage) == []


@pytest.mark.parametrize("edits", [1, 10])
async def test_a_press_on_the_view_before_an_edit_alarms_nobody(stage: Stage, edits: int) -> None:
    """People press while a card is edited, such as for others' votes: they press again, and that is all."""
    run_id, card = await stage.ask(prompt=PROMPT)
    _, request_id = await only(stage)
    for _ in range(edits):
        before = stage.ana.sees(card).blocks
        await stage.service.store.redraw(request_id, PLACE)
        await stage.until(card, lambda seen: seen.blocks != before)  # noqa: B023 - awaited at once
    assert (await stage.press(stage.ana, card, "✅ approve", old_view=True))[1] == REDRAWN
    assert await is_open(stage, run_id)
    assert await forgeries_told(stage) == []


async def only(stage: Stage) -> tuple[str, str]:
    """The run and the request that are open."""
    (request,) = await stage.service.store.reader.pending()
    return request.run_id, request.id


async def test_a_card_of_the_previous_release_is_edited_once_and_counts_then(stopped: Stage) -> None:
    """Its buttons carry no number, and what Slack kept of it is unknown."""
    stage = stopped
    async with stage.running():
        run_id, card = await stage.ask(prompt=PROMPT)
        without = re.sub(r"(sayso:[a-z]:[0-9a-f]{32}:\d+:\d+):\d+", r"\1", json.dumps(sent(stage)))
        await call(
            stage, "chat.update", channel=card.channel, ts=card.ts, text="-", blocks=json.loads(without)
        )
    rewrite_as_before(stage.database, "CREATE TABLE renderings")
    old = stage.ana.sees(card)
    async with stage.running():
        await stage.until(card, lambda seen: seen.blocks != old.blocks)
        assert (await stage.press(stage.ana, old, "✅ approve", old_view=True))[1] == REDRAWN
        assert await is_open(stage, run_id)
        assert (await stage.press(stage.ana, card, "✅ approve"))[1] == APPROVED
        assert await stage.service.answer(run_id) == "approve"
        assert await forgeries_told(stage) == []


async def test_a_modal_that_somebody_else_has_updated_is_not_taken(stage: Stage) -> None:
    run_id, card = await stage.ask(prompt=PROMPT, input_type="text")
    await (await stage.ana.press(card, "✍️ Answer")).result()
    await stage.slack.until(lambda: stage.ana.view is not None and stage.ana.view.submit is not None)
    opened = stage.slack.calls_of("views.update")[-1].parameters
    view = json.loads(opened["view"]) if isinstance(opened["view"], str) else opened["view"]
    view["blocks"][0] = section("What would you like for lunch?")
    await call(stage, "views.update", view_id=opened["view_id"], view=view)
    await (await stage.ana.submit({"Your answer": "pizza"})).result()
    assert stage.ana.view is not None
    assert "This was out of date. Nothing was counted." in stage.ana.view.text
    assert await is_open(stage, run_id)


async def test_a_home_that_slack_has_not_confirmed_is_not_ready_and_counts_once_it_is(stage: Stage) -> None:
    """Somebody sees it before sayso knows what Slack keeps of it; nobody may be told that it was out of date."""
    run_id, _ = await stage.ask()
    stage.slack.fail(FaultKind.SLOW, "views.publish", delay=timedelta(seconds=3))
    await stage.ana.open_home()
    await stage.slack.until(lambda: stage.ana.home is not None and stage.ana.home.labels != [])
    await (await stage.ana.press_at_home("✅ approve")).result()
    await stage.slack.until(
        lambda: stage.ana.home is not None and "Nothing was counted" in stage.ana.home.text
    )
    assert stage.ana.home is not None
    assert NOT_READY in stage.ana.home.text
    assert await is_open(stage, run_id)
    await (await stage.ana.press_at_home("✅ approve")).result()
    assert await stage.service.answer(run_id) == "approve"


async def test_homes_and_modals_from_before_a_restart_count(stopped: Stage) -> None:
    stage = stopped
    async with stage.running():
        first, _ = await stage.ask(prompt="Home?")
        second, other = await stage.ask(prompt="Modal?", input_type="text")
        await stage.ana.open_home()
        await stage.slack.until(lambda: stage.ana.home is not None)
        await (await stage.ana.press(other, "✍️ Answer")).result()
        await stage.slack.until(lambda: stage.ana.view is not None and stage.ana.view.submit is not None)
    async with stage.running():
        await (await stage.ana.press_at_home("✅ approve")).result()
        assert await stage.service.answer(first) == "approve"
        await (await stage.ana.submit({"Your answer": "blue"})).result()
        assert await stage.service.answer(second) == "blue"
