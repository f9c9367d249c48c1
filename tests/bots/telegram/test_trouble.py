"""What hurts the users of other bots in Telegram."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from telegram.error import Conflict
from telegram.ext import ExtBot

from sayso.config import DestinationSettings, GroupSettings, PersonSettings
from sayso.engine import SQLiteReader, restore_backup
from sayso.testing.telegram import FaultKind, LocalTelegram
from tests.bots.telegram.stage import Stage
from tests.engine.moved_file import move_away, move_back

AWAY = "Not saved: the database file was moved or replaced. Your answer was NOT counted. Try again later."


@pytest.mark.parametrize("length", [3_001, 4_097, 20_000])
async def test_of_a_long_prompt_nothing_is_dropped_and_it_stays_pending(stage: Stage, length: int) -> None:
    prompt = "".join(f"line {number:06d}\n" for number in range(length // 12 + 1))[: length - 1] + "."
    before = stage.count()
    run_id, _ = await stage.ask(prompt=prompt)
    await stage.telegram.until(
        lambda: stage.count() > before + 1 or bool(stage.telegram.calls_of("sendDocument"))
    )
    seen = await stage.ana.sees(stage.group)
    card = next(one for one in seen if one.labels)
    head = card.text.split("\n(continues below)")[0].split("\n\nRequested ")[0]
    files = [one.document.content.decode() for one in seen if one.document is not None]
    below = [one.text for one in seen if one.message_id > card.message_id and one.document is None]
    read = "".join([head, *below, *files])
    assert read.replace("│ ", "").replace("\n", "").startswith(prompt.replace("\n", "")[:length])
    assert (await stage.service.card(run_id)).request.open


async def test_a_prompt_forges_nothing(stage: Stage) -> None:
    prompt = "<b>bold</b> @everyone /start [x](https://evil.example) &amp; <a href='x'>y</a>"
    _, card = await stage.ask(prompt=prompt)
    assert card.text.splitlines()[0].replace("\u2060", "") == prompt
    acting = [one for one in card.entities if one.type not in ("bold", "italic", "url", "date_time")]
    assert acting == []


@pytest.mark.filterwarnings("ignore:.*retry_after")  # the library is about to change the type
async def test_throttling_of_one_chat_holds_up_no_other(stage: Stage) -> None:
    stage.telegram.fail(FaultKind.TOO_MANY_REQUESTS, "sendMessage", retry_after=600)
    before = stage.count()
    await stage.service.ask([stage.place])
    await stage.telegram.until(lambda: stage.count() > before)
    await stage.service.ask([f"telegram:{stage.ana.id}"])
    await stage.telegram.until(lambda: stage.count() > before + 1)
    assert (await stage.ana.last()).labels == [["✅ approve", "❌ reject"]]
    assert not any(one.labels for one in await stage.ana.sees(stage.group))


async def test_a_press_that_is_acknowledged_too_late_still_counts(stage: Stage) -> None:
    run_id, card = await stage.ask()
    stage.telegram.fail(FaultKind.RESET, "answerCallbackQuery")
    await stage.ana.tap(card, "✅ approve")
    await stage.until_shows(card, "✅ Approved ·", "finished")
    assert await stage.service.answer(run_id) == "approve"


async def test_an_unheard_send_is_sent_again_and_its_copy_is_locked_at_the_first_press(stage: Stage) -> None:
    stage.telegram.fail(FaultKind.RESET_AFTER, "sendMessage")
    before = stage.count()
    run_id = await stage.service.ask([stage.place])
    await stage.telegram.until(lambda: stage.count() == before + 2)
    copy, card = (one for one in await stage.ana.sees(stage.group) if one.labels)
    pressed = await stage.ana.press(copy, "✅ approve")
    assert (pressed.text or "").startswith("This message isn't the card itself.")
    closed = await stage.until(copy, lambda seen: not seen.labels)
    assert "This is a copy of the card." in closed.text or "Posted again below." in closed.text
    assert (await stage.ana.press(card, "✅ approve")).text == "Approved. The workflow continues."
    assert await stage.service.answer(run_id) == "approve"
    assert (await stage.until_shows(card, "✅ Approved ·", "finished")).labels == []


async def test_a_group_that_is_upgraded_gets_its_next_cards(stage: Stage) -> None:
    """Its id is another one from then on; what is configured stays as it is."""
    place, before = stage.place, stage.count()
    await stage.group.upgrade()
    run_id = await stage.service.ask([place])
    await stage.telegram.until(lambda: stage.count() > before)
    group = stage.telegram.groups()[0]
    card = await stage.ana.last(group)
    assert group.id != int(place.removeprefix("telegram:"))
    await stage.ana.press(card, "✅ approve")
    assert await stage.service.answer(run_id) == "approve"


async def test_a_blocked_bot_gives_up_that_place_alone_until_it_is_let_in_again(stage: Stage) -> None:
    await stage.eve.block()
    before = stage.count()
    await stage.service.ask([f"telegram:{stage.eve.id}", stage.place])
    await stage.telegram.until(lambda: stage.count() >= before + 2)
    assert (await stage.card()).labels == [["✅ approve", "❌ reject"]]
    await stage.eve.unblock()
    before = stage.count()
    await stage.eve.start()
    await stage.telegram.until(lambda: stage.count() >= before + 2)
    assert any(one.labels for one in await stage.eve.sees())


async def test_somebody_who_has_left_when_the_press_arrives_may_not_answer(
    telegram: LocalTelegram, tmp_path: Path
) -> None:
    stage = await Stage.build(telegram, tmp_path / "sayso.db", audience="members")
    await stage.group.promote_bot()
    async with stage.running():
        run_id, card = await stage.ask()
    press = await stage.bo.tap(card, "✅ approve")
    await stage.bo.leave(stage.group)
    async with stage.running() as service:
        result = await press.result()
        assert result.text == "You aren't an approver for this. Approvers: Releases."
        assert (await service.card(run_id)).request.open


async def test_an_administrator_who_hides_and_presses_hears_why_that_does_not_count(
    telegram: LocalTelegram, tmp_path: Path
) -> None:
    stage = await Stage.build(telegram, tmp_path / "sayso.db")
    admins = GroupSettings(telegram=str(stage.group.id), to=(stage.place,))
    stage.settings = stage.settings.model_copy(update={"groups": {"admins": admins}})
    await stage.group.promote(stage.bo, anonymous=True)
    async with stage.running():
        run_id, card = await stage.ask("group:admins")
        result = await stage.bo.press(card, "✅ approve")
        assert result.text == (
            "You aren't an approver for this. Approvers: @admins. "
            "Anonymous administrators and bots belong to nobody. Please answer as yourself."
        )
        assert (await stage.service.card(run_id)).request.open
        await stage.group.promote(stage.bo)
        assert (await stage.bo.press(card, "✅ approve")).text == "Approved. The workflow continues."


async def test_membership_that_cannot_be_looked_up_is_refused(
    telegram: LocalTelegram, tmp_path: Path
) -> None:
    stage = await Stage.build(telegram, tmp_path / "sayso.db", audience="members")
    await stage.group.promote_bot()
    async with stage.running():
        run_id, card = await stage.ask()
        telegram.fail(FaultKind.SERVER_ERROR, "getChatMember")
        result = await stage.ana.press(card, "✅ approve")
        assert result.text is not None
        assert result.text.startswith("Not counted: it could not be checked that you belong to Releases.")
        assert (await stage.service.card(run_id)).request.open


async def test_after_an_outage_the_open_cards_are_posted_anew(stopped: Stage) -> None:
    """Telegram keeps a press for 150 seconds; here the bot was away for ten minutes."""
    async with stopped.running() as service:
        run_id, card = await stopped.ask()
        before = service.store.clock.now() - timedelta(minutes=10)
        await service.store.keep("telegram", "heartbeat", before.isoformat())
    sent = stopped.count()
    async with stopped.running() as service:
        await stopped.telegram.until(lambda: stopped.count() > sent)
        anew = await stopped.card()
        assert "sayso was offline" in anew.text
        assert "Buttons pressed then were lost; please press again." in anew.text
        assert anew.is_silent, "who is asked was rung when it was asked"
        assert (await stopped.until_shows(card, "Posted again below.")).labels == []
        await stopped.ana.press(anew, "✅ approve")
        assert await service.answer(run_id) == "approve"


async def test_after_an_outage_questions_for_a_person_of_the_settings_and_for_a_group_are_posted_anew(
    telegram: LocalTelegram, tmp_path: Path
) -> None:
    """Whom a question is asked of need not say where its cards stand."""
    stage = await Stage.build(telegram, tmp_path / "sayso.db")
    people = {"eve": PersonSettings(accounts=(f"telegram:{stage.eve.id}",))}
    groups = {"sre": GroupSettings(members=(f"telegram:{stage.ana.id}",), to=(stage.place,))}
    stage.settings = stage.settings.model_copy(update={"people": people, "groups": groups})
    async with stage.running() as service:
        before = stage.count()
        await service.ask(["person:eve", "group:sre"])
        await telegram.until(lambda: stage.count() == before + 2)
        await service.store.keep(
            "telegram", "heartbeat", (service.store.clock.now() - timedelta(minutes=10)).isoformat()
        )
    async with stage.running():
        await telegram.until(lambda: stage.count() == before + 4)
        for anew in (await stage.eve.last(), await stage.card()):
            assert "Buttons pressed then were lost; please press again." in anew.text


async def test_a_second_poller_is_named_and_costs_no_press(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody runs the bot twice. Telegram ends the one's poll for the other; an update goes to either, or to both."""
    run_id, card = await stage.ask()
    rival = ExtBot(stage.telegram.token, base_url=f"{stage.telegram.url}/bot")
    async with rival:
        with pytest.raises(Conflict):  # ours comes back after half a second, and ends the rival's
            await rival.get_updates(timeout=50, read_timeout=60)
    await stage.telegram.until(lambda: stage.telegram.is_polled)
    assert "Stop it: one token allows one poller." in caplog.text
    assert (await stage.ana.press(card, "✅ approve")).text == "Approved. The workflow continues."
    assert await stage.service.answer(run_id) == "approve"


async def test_a_forum_topic_gets_the_cards_that_are_for_it(telegram: LocalTelegram, tmp_path: Path) -> None:
    stage = await Stage.build(telegram, tmp_path / "sayso.db")
    forum = await telegram.add_group("Forum", [stage.ana, stage.bo], forum=True)
    topic = await forum.open_topic("Releases")
    place = DestinationSettings(id=str(forum.id), topic=topic, audience=(f"telegram:{stage.ana.id}",))
    stage.settings = stage.settings.model_copy(update={"destinations": {"telegram:forum": place}})
    before = stage.count()
    async with stage.running() as service:
        run_id = await service.ask(["telegram:forum"], input_type="text")
        await telegram.until(lambda: stage.count() > before)
        card = await stage.ana.last(forum)
        assert (card.thread_id, card.topic) == (topic, "Releases")
        await stage.ana.press(card, "✍️ Answer")
        await telegram.until(lambda: stage.count() > before + 1)
        prompt = await stage.ana.last(forum)
        assert prompt.thread_id == topic
        await stage.ana.reply(prompt, "today")
        await stage.until_shows(card, "Answered ·", "finished")
        assert await service.answer(run_id) == "today"


async def test_a_press_on_an_expired_question_says_when_it_closed(stage: Stage) -> None:
    run_id, card = await stage.ask(seconds=0.2, default="reject")
    await stage.until_shows(card, "Expired ·", "automatically rejected, nobody responded")
    result = await stage.ana.press(card, "✅ approve", old_view=True)
    assert result.text is not None
    assert result.text.startswith("This closed at ")
    assert await stage.service.answer(run_id) == "reject"


async def test_an_edit_whose_answer_was_not_heard_is_sent_again_and_modifies_nothing(
    stopped: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """Telegram says of the last one that the message is not modified, which is success: it is not sent once more."""
    async with stopped.running() as service:
        run_id, card = await stopped.ask()
        for _ in range(2):  # by the second, the run has ended: the third shows nothing new
            stopped.telegram.fail(FaultKind.RESET_AFTER, "editMessageText")
        await stopped.ana.press(card, "✅ approve")
        await stopped.until_shows(card, "✅ Approved ·", "finished")
        assert await service.answer(run_id) == "approve"
        await stopped.telegram.until(lambda: len(stopped.telegram.calls_of("editMessageText")) == 3)
    assert "message is not modified" in str(stopped.telegram.calls_of("editMessageText")[-1].error)
    assert caplog.text.count("retrying in") == 2


async def test_a_group_that_threw_the_bot_out_gets_its_cards_when_it_is_back(stage: Stage) -> None:
    await stage.group.kick_bot()
    before = stage.count()
    await stage.service.ask([stage.place])
    await stage.telegram.until(lambda: stage.count() > before)
    await stage.group.add_bot()
    await stage.telegram.until(lambda: stage.count() > before + 1)
    assert (await stage.card()).labels == [["✅ approve", "❌ reject"]]


async def test_a_press_while_the_database_is_away_is_refused_aloud_and_counts_once_it_is_back(
    stage: Stage,
) -> None:
    run_id, card = await stage.ask()
    await stage.service.told(run_id)
    away = move_away(stage.database)
    pressed = await stage.ana.press(card, "✅ approve")
    assert (pressed.text, pressed.is_alert) == (AWAY, True)
    move_back(away)
    assert (await stage.service.card(run_id)).request.open
    assert (await stage.ana.press(card, "✅ approve")).text == "Approved. The workflow continues."


async def test_after_a_backup_was_restored_a_card_shows_its_open_question_again(stopped: Stage) -> None:
    """Until then the chat says that it was decided, and the database that it is open."""
    backup = stopped.database.with_name("backup.db")
    async with stopped.running() as service:
        run_id, card = await stopped.ask()
        await service.told(run_id)
        async with SQLiteReader(stopped.database) as reader:
            await reader.backup(backup)
        assert await stopped.reject(stopped.ana, card) == "Rejected. The workflow continues."
        await stopped.until_shows(card, "❌ Rejected ·")
    restore_backup(stopped.database, backup, "local:ana", "console")
    async with stopped.running() as service:
        again = await stopped.until(card, lambda seen: bool(seen.labels))
        assert "❌ Rejected ·" not in again.text
        await service.told(run_id)
        assert (await stopped.ana.press(card, "✅ approve")).text == "Approved. The workflow continues."
        assert await service.answer(run_id) == "approve"


async def test_what_was_taken_before_a_stop_is_not_taken_again(stopped: Stage) -> None:
    """The next start would else tell people a second time, in their own chat, what they have heard."""
    for _ in range(5):
        async with stopped.running():
            _, card = await stopped.ask()
            assert (await stopped.ana.press(card, "✅ approve")).text == "Approved. The workflow continues."
        assert stopped.telegram.pending_updates == []
