"""Refusals that pass and refusals that last, groups that move, topics that come back, polls that are told to wait."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sayso.bots.chats import ContentRefused, DeliveryProblem, Unclear, Undeliverable, UnknownRefusal
from sayso.bots.telegram import TelegramSettings
from sayso.bots.telegram._api import make_api
from sayso.config import DestinationSettings, PolicySettings, StageSettings
from sayso.engine import Store
from sayso.testing.telegram import FaultKind, Group, LocalTelegram, Person
from tests.bots.chat_service import health
from tests.bots.telegram.stage import Stage


async def rows(store: Store, kind: str) -> list[object]:
    """What the trail says of a kind."""
    return [row.payload async for row in store.reader.audit() if row.kind == kind]


async def cards(person: Person, place: Group | None = None) -> list[str]:
    """The texts of the cards with buttons that somebody sees."""
    return [one.text for one in await person.sees(place) if one.labels]


async def until_cards(stage: Stage, place: Group, count: int) -> list[str]:
    """The cards that Ana sees in a group, once there are so many."""
    while True:
        revision, found = stage.telegram.revision, await cards(stage.ana, place)
        if len(found) >= count:
            return found
        await stage.until_revision(revision)


@pytest.mark.parametrize(
    ("refusal", "kind", "may_pass"),
    [
        ("401 Unauthorized", Undeliverable, True),
        ("400 Bad Request: chat not found", Undeliverable, True),
        ("400 Bad Request: not enough rights to send text messages to the chat", Undeliverable, True),
        ("400 Bad Request: TOPIC_CLOSED", Undeliverable, False),
        ("403 Forbidden: bot was kicked from the group chat", Undeliverable, False),
        ("400 Bad Request: can't parse entities: unsupported start tag", ContentRefused, None),
        ("400 Bad Request: message is too long", ContentRefused, None),
        ("400 Bad Request: BUTTON_DATA_INVALID", ContentRefused, None),
        ("400 Bad Request: REPLY_MARKUP_TOO_LONG", ContentRefused, None),
        ("400 Bad Request: something that nobody knows", UnknownRefusal, None),
        ("500 Internal Server Error", Unclear, None),
    ],
)
async def test_what_follows_from_a_refusal(
    stopped: Stage, refusal: str, kind: type[DeliveryProblem], *, may_pass: bool | None
) -> None:
    telegram_settings = stopped.settings.section(TelegramSettings)
    assert telegram_settings is not None
    stopped.telegram.refuse(refusal, "sendMessage")
    async with make_api(telegram_settings) as api:
        with pytest.raises(DeliveryProblem) as refused, api.calling(stopped.group.id) as bot:
            await bot.send_message(stopped.group.id, "x")
    assert type(refused.value) is kind
    assert getattr(refused.value, "may_pass", None) is may_pass


async def test_a_quiet_bot_is_ready_at_once(stopped: Stage) -> None:
    """Nobody writes to it, so its first long poll takes fifty seconds; that it works is known before."""
    async with stopped.running() as service:
        assert await health(service, lambda found: "telegram" not in found) == {}
        assert stopped.telegram.is_polled


@pytest.mark.filterwarnings("ignore:.*retry_after")  # the library is about to change the type
async def test_a_poll_waits_as_long_as_telegram_says(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.telegram.fail(FaultKind.TOO_MANY_REQUESTS, "getUpdates", retry_after=2)
    await stage.ana.say(None, "hello")
    await stage.telegram.until(lambda: any(call.status == 429 for call in stage.telegram.calls))
    polls = stage.telegram.calls_of("getUpdates")
    refused = next(one for one in polls if one.status == 429)
    assert "telegram" in await health(stage.service, lambda found: "telegram" in found)
    assert await health(stage.service, lambda found: not found) == {}
    behind = stage.telegram.calls_of("getUpdates")[len(polls) :]
    assert behind[0].received_at - refused.answered_at >= timedelta(seconds=1.9)
    assert "retrying in 2 s" in caplog.text


async def test_a_page_of_html_is_one_line_in_the_log(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.telegram.fail(FaultKind.BAD_GATEWAY, "getUpdates")
    await stage.ana.say(None, "hello")
    await health(stage.service, lambda found: "telegram" in found)
    assert await health(stage.service, lambda found: not found) == {}
    assert [record.exc_info for record in caplog.records if record.exc_info] == []
    assert "Telegram: Bad Gateway (502); retrying in 0.5 s" in caplog.text
    assert "<html>" not in caplog.text


async def test_one_refusal_that_passes_gives_no_place_up(stage: Stage) -> None:
    stage.telegram.refuse("401 Unauthorized", "sendMessage")
    await stage.service.ask([stage.place])
    await stage.telegram.until(lambda: stage.count() == 2)
    assert (await stage.card()).labels == [["✅ approve", "❌ reject"]]
    assert await rows(stage.service.store, "destination_dead") == []


async def test_a_token_that_telegram_takes_again_takes_its_places_up(stage: Stage) -> None:
    stage.telegram.fail(FaultKind.SERVER_ERROR, "sendMessage")
    run_id = await stage.service.ask([stage.place])
    request = (await stage.service.card(run_id)).request
    while not (await stage.service.store.reader.deliveries(request.id))[0].last_error:
        pass
    await stage.service.store.bury(stage.place, "Unauthorized")
    stage.telegram.refuse("401 Unauthorized", "getUpdates")
    await stage.ana.say(None, "hello")  # ends the poll that waits
    while not await cards(stage.ana, stage.group):
        await stage.until_revision(stage.telegram.revision)
    assert await stage.service.store.reader.dead_places() == []


async def test_a_card_that_telegram_takes_nowhere_is_told_once_and_not_sent_again(stopped: Stage) -> None:
    operator = f"telegram:{stopped.eve.id}"
    stopped.settings = stopped.settings.model_copy(update={"operator": operator})
    async with stopped.running() as service:
        stopped.telegram.refuse("400 Bad Request: can't parse entities: unsupported start tag", "sendMessage")
        await service.ask([stopped.place], prompt="Unfit?")
        await stopped.telegram.until(lambda: stopped.count() == 2)
        told = (await stopped.eve.last()).text
        assert f"cannot be shown at {stopped.place}: Can't parse entities" in told
        await stopped.ask(prompt="Fit?")
        assert [text.startswith("Fit?") for text in await cards(stopped.ana, stopped.group)] == [True]
        assert stopped.count() == 3
        assert len(await rows(service.store, "card_refused")) == 1


@pytest.mark.parametrize("is_first_heard", [True, False])
async def test_a_group_that_is_upgraded_gets_its_open_cards_anew_once(
    telegram: LocalTelegram, tmp_path: Path, *, is_first_heard: bool
) -> None:
    """Whether the bot hears of it by an update, or by the answer to what it sends to the old id."""
    stage = await Stage.build(telegram, tmp_path / "sayso.db", audience="members")
    stage.settings = stage.settings.model_copy(update={"operator": f"telegram:{stage.eve.id}"})
    await stage.group.promote_bot()
    place = stage.place
    async with stage.running() as service:
        run_id, _ = await stage.ask(prompt="Asked before?")
        hold = None if is_first_heard else telegram.hold("getUpdates")
        if hold is not None:
            await stage.ana.say(None, "hello")  # ends the poll that waits; the next one hangs
            await telegram.until(lambda: hold.waiting == 1)
        await stage.group.upgrade()
        group = telegram.groups()[0]
        await service.ask([place], prompt="Asked behind?")
        await until_cards(stage, group, 2)
        if hold is not None:
            hold.release()
        await telegram.until(lambda: not telegram.pending_updates and telegram.is_polled)
        while not await stage.eve.sees():
            await stage.until_revision(telegram.revision)
        found = await cards(stage.ana, group)
        assert [sum(words in text for text in found) for words in ("before?", "behind?")] == [1, 1]
        assert len(found) == 2
        told = [one.text for one in await stage.eve.sees()]
        assert sum(f"its id is now {group.id}" in text for text in told) == 1
        assert len(await rows(service.store, "chat_moved")) == 1
        anew = next(one for one in await stage.ana.sees(group) if "Asked before?" in one.text)
        assert "Telegram upgraded this group, so this question was posted again here." in anew.text
        assert (await stage.ana.press(anew, "✅ approve")).text == "Approved. The workflow continues."
        assert await service.answer(run_id) == "approve"
    async with stage.running() as service:  # and it is kept
        before = len(telegram.calls)
        await service.ask([place], prompt="Asked after a restart?")
        await until_cards(stage, group, 2)
        assert [call.error for call in telegram.calls[before:] if call.error] == []


async def test_a_topic_that_is_opened_again_gets_its_cards(telegram: LocalTelegram, tmp_path: Path) -> None:
    stage = await Stage.build(telegram, tmp_path / "sayso.db")
    forum = await telegram.add_group("Forum", [stage.ana, stage.bo], forum=True)
    topic = await forum.open_topic("Releases")
    place = DestinationSettings(id=str(forum.id), topic=topic, audience=(f"telegram:{stage.ana.id}",))
    stage.settings = stage.settings.model_copy(update={"destinations": {"telegram:forum": place}})
    async with stage.running() as service:
        await forum.close_topic(topic)
        await service.ask(["telegram:forum"])
        await telegram.until(lambda: stage.count() == 1)
        while not await service.store.reader.dead_places():
            pass
        await forum.reopen_topic(topic)
        await telegram.until(lambda: stage.count() == 2)
        assert (await stage.ana.last(forum)).thread_id == topic
        assert await service.store.reader.dead_places() == []


async def test_reminders_follow_a_group_that_was_upgraded(stopped: Stage) -> None:
    """They went to the old id again and again; the bot learns of the new one by what it sends to the old."""
    stage, telegram = stopped, stopped.telegram
    approvers = (f"telegram:{stage.ana.id}", f"telegram:{stage.bo.id}")
    policy = PolicySettings(stages=(StageSettings(approvers=approvers),), remind_every=timedelta(seconds=1))
    stage.settings = stage.settings.model_copy(update={"policies": {"patient": policy}})
    async with stage.running() as service:
        hold = telegram.hold("getUpdates")
        await stage.ana.say(None, "hello")  # ends the poll that waits; the next one hangs
        await telegram.until(lambda: hold.waiting == 1)
        run_id = await service.ask([stage.place], policy="patient", seconds=3600)
        await until_cards(stage, stage.group, 1)
        await stage.group.upgrade()
        group = telegram.groups()[0]
        while not (
            told := [
                one for one in await stage.ana.sees(group) if "Still waiting: Release 4.2.0?" in one.text
            ]
        ):
            await stage.until_revision(telegram.revision)
        assert " Due " in told[0].text
        hold.release()
        assert sum("upgraded" in str(call.error) for call in telegram.calls) == 1
        await until_cards(stage, group, 1)
        card = [one for one in await stage.ana.sees(group) if one.labels][-1]
        assert (await stage.ana.press(card, "✅ approve")).text == "Approved. The workflow continues."
        assert await service.answer(run_id) == "approve"
