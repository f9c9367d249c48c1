"""Which presses count in Telegram: those from a message with what Telegram said that it keeps; nothing else, however it
was made, and a card that cannot be compared is put right.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from sayso.adapters.telegram import CardButton, decode, kept_message
from sayso.config import PolicySettings, StageSettings
from sayso.testing.platform import FaultKind
from sayso.testing.telegram import SeenMessage
from tests.bots.telegram.stage import Stage
from tests.engine.older_file import rewrite_as_before

PROMPT = "Delete the production database?"
APPROVED = "Approved. The workflow continues."
REDRAWN = "This card was out of date and has been redrawn. Check it and press again."
REPLACED = "This card is too old to be checked. It has been posted again below: press there."
NOT_THE_CARD = "This message isn't the card itself."
NOT_READY = "This card isn't ready yet. Nothing was counted. Please press again in a moment."


async def call(stage: Stage, method: str, **fields: Any) -> dict[str, Any]:
    """The Bot API as somebody calls it who has the bot's token."""
    data = {name: one if isinstance(one, str) else json.dumps(one) for name, one in fields.items()}
    async with httpx.AsyncClient() as client:
        url = f"{stage.telegram.url}/bot{stage.telegram.token}/{method}"
        answer: dict[str, Any] = (await client.post(url, data=data)).json()
    assert answer["ok"], answer
    return answer


def keyboard(stage: Stage) -> list[list[dict[str, Any]]]:
    """The buttons of the newest card, as sayso sent them."""
    return shown_keyboard(stage, "sendMessage")


def shown_keyboard(stage: Stage, method: str) -> list[list[dict[str, Any]]]:
    """The buttons of the latest call of a method."""
    markup = stage.telegram.calls_of(method)[-1].parameters["reply_markup"]
    found: dict[str, Any] = json.loads(markup) if isinstance(markup, str) else markup
    rows: list[list[dict[str, Any]]] = found["inline_keyboard"]
    return rows


def as_before(data: str) -> str:
    """What a button carried before it had a prefix, and before it named its rendering."""
    button = decode(data)
    assert isinstance(button, CardButton)
    return f"{button.action}:{button.request_id}:{button.revision}:{button.number}"


async def is_open(stage: Stage, run_id: str) -> bool:
    return (await stage.service.card(run_id)).request.open


async def forgeries_told(stage: Stage) -> list[Any]:
    return [row.payload async for row in stage.service.store.reader.audit() if row.kind == "card_forged"]


Rows = list[list[dict[str, Any]]]


def same(rows: Rows) -> Rows:
    return rows


def swapped(rows: Rows) -> Rows:
    (first, second) = rows[0]
    return [[{**first, "text": second["text"]}, {**second, "text": first["text"]}]]


def numbered(rows: Rows) -> Rows:
    return [[{**one, "text": str(at)} for at, one in enumerate(rows[0])]]


def doubled(rows: Rows) -> Rows:
    return [*rows, [{"text": "Not now", "callback_data": rows[0][0]["callback_data"]}]]


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("Pizza?", same),
        (f"{PROMPT} No!", same),
        ("Delete", same),
        (None, swapped),
        (None, numbered),
        (None, doubled),
    ],
)
async def test_a_card_that_was_edited_with_the_bots_token_counts_no_press(
    stage: Stage, text: str | None, change: Callable[[Rows], Rows]
) -> None:
    run_id, card = await stage.ask(prompt=PROMPT)
    markup = {"inline_keyboard": change(keyboard(stage))}
    where = {"chat_id": stage.group.id, "message_id": card.message_id, "reply_markup": markup}
    if text is None:
        await call(stage, "editMessageReplyMarkup", **where)
    else:
        await call(stage, "editMessageText", text=text, **where)
    forged = await stage.ana.now(card)
    position = len([one for row in forged.labels for one in row]) - 1
    assert (await stage.ana.press(forged, position=position if change is doubled else 0)).text == REDRAWN
    assert await is_open(stage, run_id)
    redrawn = await stage.until(card, lambda seen: (seen.text, seen.labels) == (card.text, card.labels))
    assert (await stage.ana.press(redrawn, "✅ approve")).text == APPROVED
    (told,) = await forgeries_told(stage)
    assert told["parts"]


async def test_our_buttons_below_a_document_count_no_press(stage: Stage) -> None:
    """A caption is no text: the message shows a question of somebody else's."""
    run_id, card = await stage.ask(prompt=PROMPT)
    markup = {"inline_keyboard": keyboard(stage)}
    async with httpx.AsyncClient() as client:
        url = f"{stage.telegram.url}/bot{stage.telegram.token}/sendDocument"
        fields = {"chat_id": str(stage.group.id), "caption": PROMPT, "reply_markup": json.dumps(markup)}
        answer = await client.post(url, data=fields, files={"document": ("menu.txt", b"pizza")})
    assert answer.json()["ok"], answer.text
    forged = await stage.ana.last(stage.group)
    assert ((await stage.ana.press(forged, "✅ approve")).text or "").startswith(NOT_THE_CARD)
    assert await is_open(stage, run_id)
    assert (await stage.ana.press(card, "✅ approve")).text == APPROVED
    assert len(await forgeries_told(stage)) == 1


ODD = [
    "ö" * 400, "क्षत्रिय " * 60, "&copy; 2026, a &amp; b &nbsp;&lt;", "❓❓❓", "1.", "12",
    "Ship 🚀 1️⃣ ™ <now> & then?", "https://example.org/?a=1&b=2 @ana /start", "a\u200db\u2060c  \r\n  d",
]  # fmt: skip


@pytest.mark.parametrize("prompt", ODD)
async def test_an_honest_press_counts_whatever_the_question_says(stage: Stage, prompt: str) -> None:
    run_id, card = await stage.ask(prompt=prompt, details={"Note": prompt[:200]})
    assert (await stage.ana.press(card, "✅ approve")).text == APPROVED
    assert await stage.service.answer(run_id) == "approve"
    assert await forgeries_told(stage) == []


async def test_a_message_without_content_is_replaced_and_the_new_card_counts(stage: Stage) -> None:
    """Of messages that are hours old Telegram says no more than their number: nobody can say what they show."""
    run_id, card = await stage.ask(prompt=PROMPT)
    before = stage.count()
    assert (await stage.ana.press(card, "✅ approve", inaccessible=True)).text == REPLACED
    assert await is_open(stage, run_id)
    await stage.telegram.until(lambda: stage.count() == before + 1)
    new = await stage.card()
    assert new.labels == card.labels
    assert (await stage.until_shows(card, "Posted again below.")).labels == []
    assert (await stage.ana.press(new, "✅ approve")).text == APPROVED
    assert await forgeries_told(stage) == []


async def test_a_press_on_the_view_before_an_edit_alarms_nobody(stage: Stage) -> None:
    """People press while a card is edited, such as for somebody else's vote: they press again, and that is all."""
    run_id, card = await stage.ask(prompt=PROMPT)
    (request,) = await stage.service.store.reader.pending()
    await stage.service.store.redraw(request.id, stage.place)
    await stage.until(card, lambda seen: seen.version > card.version)
    assert (await stage.ana.press(card, "✅ approve", old_view=True)).text == REDRAWN
    assert await is_open(stage, run_id)
    assert await forgeries_told(stage) == []


@pytest.mark.parametrize("is_old", [True, False])
async def test_a_press_on_a_message_that_was_replaced_alarms_nobody(stage: Stage, is_old: bool) -> None:
    """Two press on a message that is hours old, or one whose app has not heard that it was posted anew."""
    run_id, card = await stage.ask(prompt=PROMPT)
    assert (await stage.ana.press(card, "✅ approve", inaccessible=True)).text == REPLACED
    await stage.until_shows(card, "Posted again below.")
    again = await stage.bo.press(card, "✅ approve", old_view=True, inaccessible=is_old)
    assert (again.text or "").startswith(NOT_THE_CARD)
    assert await is_open(stage, run_id)
    assert await forgeries_told(stage) == []


async def test_a_press_on_a_message_whose_sending_was_not_heard_of_alarms_nobody(stage: Stage) -> None:
    """It was sent twice: the first is none that we know, and hours later nobody says what it shows."""
    stage.telegram.fail(FaultKind.RESET_AFTER, "sendMessage")
    run_id, _ = await stage.ask(prompt=PROMPT)
    cards = [one for one in await stage.ana.sees(stage.group) if one.labels]
    while len(cards) < 2:
        revision = stage.telegram.revision
        await stage.telegram.until(lambda: stage.telegram.revision != revision)  # noqa: B023 - awaited at once
        cards = [one for one in await stage.ana.sees(stage.group) if one.labels]
    pressed = await stage.ana.press(cards[0], "✅ approve", inaccessible=True)
    assert (pressed.text or "").startswith(NOT_THE_CARD)
    assert await is_open(stage, run_id)
    assert await forgeries_told(stage) == []


async def test_a_second_mismatch_in_a_row_leads_to_the_inbox(stage: Stage) -> None:
    """Whatever keeps a card from matching, nobody is asked a third time to press it."""
    run_id, card = await stage.ask(prompt=PROMPT)
    for expected in (REDRAWN, "This card still doesn't match. Nothing was counted."):
        await call(
            stage, "editMessageText", chat_id=stage.group.id, message_id=card.message_id, text="Pizza?",
            reply_markup={"inline_keyboard": keyboard(stage)},
        )  # fmt: skip
        forged = await stage.ana.now(card)
        assert ((await stage.ana.press(forged, "✅ approve")).text or "").startswith(expected)
        await stage.until(card, lambda seen: (seen.text, seen.labels) == (card.text, card.labels))
    while "/sign-in" not in " ".join(one.text for one in await stage.ana.sees()):
        revision = stage.telegram.revision
        await stage.telegram.until(lambda: stage.telegram.revision != revision)  # noqa: B023 - awaited at once
    assert await is_open(stage, run_id)
    assert len(await forgeries_told(stage)) == 1, "operators hear it once"


async def test_an_unheard_edit_is_drawn_again_and_the_next_press_counts(stage: Stage) -> None:
    _, card = await stage.ask(prompt=PROMPT)
    (request,) = await stage.service.store.reader.pending()
    stage.telegram.fail(FaultKind.RESET_AFTER, "editMessageText")
    await stage.service.store.redraw(request.id, stage.place)
    before = await stage.until(card, lambda seen: seen.version > card.version)
    assert (await stage.ana.press(before, "✅ approve")).text == REDRAWN
    after = await stage.until(card, lambda seen: seen.version > before.version)
    assert (await stage.ana.press(after, "✅ approve")).text == APPROVED
    assert await forgeries_told(stage) == []


async def test_a_card_of_the_previous_release_is_edited_once_and_counts_then(stopped: Stage) -> None:
    stage = stopped
    async with stage.running():
        run_id, card = await stage.ask(prompt=PROMPT)
        text = stage.telegram.calls_of("sendMessage")[-1].parameters["text"]
        rows = keyboard(stage)
        for row in rows:
            for one in row:
                one["callback_data"] = as_before(one["callback_data"])
        await call(
            stage, "editMessageText", chat_id=stage.group.id, message_id=card.message_id, text=text,
            parse_mode="HTML", reply_markup={"inline_keyboard": rows},
        )  # fmt: skip
    rewrite_as_before(stage.database, "CREATE TABLE renderings")
    old = await stage.ana.now(card)
    async with stage.running():
        new = await stage.until(card, lambda seen: seen.version > old.version)
        assert (await stage.ana.press(old, "✅ approve", old_view=True)).text == REDRAWN
        assert await is_open(stage, run_id)
        new = await stage.until(card, lambda seen: seen.version > new.version)
        assert (await stage.ana.press(new, "✅ approve")).text == APPROVED
        assert await stage.service.answer(run_id) == "approve"
        assert await forgeries_told(stage) == []


async def test_a_page_that_was_turned_counts_and_one_that_was_changed_does_not(stage: Stage) -> None:
    options = [{"value": f"v{at}", "label": f"Choice {at}"} for at in range(30)]
    run_id, card = await stage.ask(prompt=PROMPT, options=options, input_type="select")
    await stage.ana.press(card, "▶")
    second = await stage.until(card, lambda seen: ["Choice 8"] in seen.labels)
    await stage.ana.press(second, "▶")
    third = await stage.until(card, lambda seen: ["Choice 16"] in seen.labels)
    assert (await stage.ana.press(third, "Choice 17")).is_acknowledged
    assert await stage.service.answer(run_id) == "v17"


async def test_options_that_were_found_are_compared_like_the_card(stage: Stage) -> None:
    options = [{"value": f"v{at}", "label": f"Choice {at}"} for at in range(30)]
    run_id, card = await stage.ask(prompt=PROMPT, options=options, input_type="select")
    await stage.ana.press(card, "🔎 Find by name")
    asked = await newest(stage, "part of the option's name")
    await stage.ana.reply(asked, "choice 2")
    found = await newest(stage, "found.")
    rows = shown_keyboard(stage, "sendMessage")
    rows[0][0]["text"], rows[0][1]["text"] = rows[0][1]["text"], rows[0][0]["text"]
    await call(
        stage, "editMessageReplyMarkup", chat_id=stage.group.id, message_id=found.message_id,
        reply_markup={"inline_keyboard": rows},
    )  # fmt: skip
    forged = await stage.ana.now(found)
    assert ((await stage.ana.press(forged, position=0)).text or "").startswith(NOT_THE_CARD)
    assert await is_open(stage, run_id)


async def test_a_press_before_telegram_has_confirmed_the_card_is_told_to_wait(stage: Stage) -> None:
    """Nobody can tell yet whether it is the card: it is not called a copy, and nothing is done to it."""
    stage.telegram.fail(FaultKind.HANG_AFTER, "sendMessage")
    before = stage.count()
    run_id = await stage.service.ask([stage.place], prompt=PROMPT)
    await stage.telegram.until(lambda: stage.count() > before)
    card = await newest(stage, PROMPT)
    assert (await stage.ana.press(card, "✅ approve")).text == NOT_READY
    assert await is_open(stage, run_id)
    assert (await stage.ana.now(card)).version == card.version


async def newest(stage: Stage, words: str) -> SeenMessage:
    """The newest message of the group with these words, once there is one."""
    while True:
        revision = stage.telegram.revision
        for one in reversed(await stage.ana.sees(stage.group)):
            if words in one.text.replace("\u2060", ""):
                return one
        await stage.telegram.until(lambda: stage.telegram.revision != revision)  # noqa: B023 - awaited at once


async def test_a_step_that_was_edited_with_the_bots_token_is_asked_again(stage: Stage) -> None:
    """The messages that ask step by step decide as cards do: their labels and texts are compared, too."""
    run_id, card = await stage.ask(prompt="Which?", options=["a", "b"], input_type="multiselect")
    await stage.ana.press(card, "☑️ Choose")
    step = await newest(stage, "Choose, then press Done.")
    await stage.ana.press(step, "⬜ a")
    await stage.until(step, lambda seen: ["☑️ a"] in seen.labels)
    rows = shown_keyboard(stage, "editMessageText")
    assert rows[0][0]["text"] == "☑️ a"
    rows[0][0]["text"] = "⬜ a"
    await call(
        stage, "editMessageReplyMarkup", chat_id=stage.group.id, message_id=step.message_id,
        reply_markup={"inline_keyboard": rows},
    )  # fmt: skip
    forged = await stage.ana.now(step)
    assert ((await stage.ana.press(forged, "Done (1)")).text or "").startswith("This was out of date.")
    assert await is_open(stage, run_id)
    again = await stage.until(step, lambda seen: ["☑️ a"] in seen.labels)
    await stage.ana.press(again, "Done (1)")
    assert await stage.service.answer(run_id) == ["a"]


async def test_a_reply_to_a_message_that_asks_something_else_now_is_not_taken(stage: Stage) -> None:
    run_id, card = await stage.ask(prompt="Which address shall the money go to?", input_type="text")
    await stage.ana.press(card, "✍️ Answer")
    asked = await newest(stage, "Reply with your answer.")
    await call(
        stage, "editMessageText", chat_id=stage.group.id, message_id=asked.message_id, text="Lunch?",
    )  # fmt: skip
    await stage.ana.reply(await stage.ana.now(asked), "pizza")
    await newest(stage, "This was out of date.")
    assert await is_open(stage, run_id)
    again = await newest(stage, "Reply with your answer.")
    await stage.ana.reply(again, "IBAN 1")
    await stage.until_shows(card, "IBAN 1")
    assert await stage.service.answer(run_id) == "IBAN 1"


async def test_a_reminder_posts_the_card_anew(stopped: Stage) -> None:
    """A card that is waited for stays one that can be compared."""
    stage = stopped
    ana = f"telegram:{stage.ana.id}"
    policy = PolicySettings(
        stages=(StageSettings(approvers=(ana, f"telegram:{stage.bo.id}")),), remind_every=timedelta(seconds=1)
    )
    stage.settings = stage.settings.model_copy(update={"policies": {"patient": policy}})
    async with stage.running():
        run_id, card = await stage.ask(stage.place, prompt=PROMPT, policy="patient")
        assert (await stage.until_shows(card, "Posted again below.")).labels == []
        new = await newest(stage, PROMPT)
        assert new.message_id > card.message_id
        assert (await stage.ana.press(new, "✅ approve")).text == APPROVED
        assert await stage.service.answer(run_id) == "approve"


async def test_a_card_that_an_earlier_version_sent_still_takes_its_answer(stage: Stage) -> None:
    """Its buttons carry no prefix, and the id of the request as it is."""
    run_id, card = await stage.ask(prompt=PROMPT)
    request_id = (await stage.service.card(run_id)).request.id
    rows = keyboard(stage)
    for button in rows[0]:
        button["callback_data"] = f"{as_before(button['callback_data'])}:1"
    where = {
        "chat_id": stage.group.id,
        "message_id": card.message_id,
        "reply_markup": {"inline_keyboard": rows},
    }
    kept = kept_message((await call(stage, "editMessageReplyMarkup", **where))["result"])
    assert kept is not None
    name = f"{stage.group.id}/{card.message_id}"
    await stage.service.store.keep_rendering(request_id, stage.place, 1, name, kept)
    assert (await stage.ana.press(await stage.ana.now(card), "✅ approve")).text == APPROVED
