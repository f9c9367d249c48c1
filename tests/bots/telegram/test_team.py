"""sayso beside a bot that a team has already, built with python-telegram-bot: each does its own, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from telegram import Update
from telegram.ext import ApplicationBuilder, ExtBot, TypeHandler

from sayso.bots.telegram import guest, host
from sayso.config import InvalidSettings, PolicySettings, StageSettings
from sayso.engine import SQLiteStore, StoreUnreadable
from sayso.testing.telegram import LocalTelegram, SeenMessage
from tests.bots.chat_service import chat_service, health
from tests.bots.telegram.stage import Stage
from tests.bots.telegram.team import AnyApplication, Weather, called, started

APPROVED = "Approved. The workflow continues."
WAYS = ["guest, polling", "guest, webhook", "host, polling", "host, webhook"]


async def prompted(stage: Stage, card: SeenMessage) -> SeenMessage:
    """The message that asks, once Ana has pressed for it."""
    before = stage.count()
    await stage.ana.press(card, "✍️ Answer")
    await stage.telegram.until(lambda: stage.count() > before)
    return await stage.card()


async def replied(stage: Stage, asked: SeenMessage, text: str) -> str:
    """What comes back in the group for Ana's reply."""
    before = stage.count()
    await stage.ana.reply(asked, text)
    await stage.telegram.until(lambda: stage.count() > before)
    return (await stage.card()).text


@dataclass
class Beside:
    """Both bots, running."""

    stage: Stage
    weather: Weather
    application: AnyApplication

    async def written(self, text: str) -> SeenMessage:
        """What comes back in Ana's own chat for what she writes there."""
        before = self.stage.count()
        await self.stage.ana.say(None, text)
        await self.stage.telegram.until(lambda: self.stage.count() > before)
        return await self.stage.ana.last()


@asynccontextmanager
async def beside(
    way: str, stage: Stage, port: int, *, concurrent: bool = False, **service: Any
) -> AsyncGenerator[Beside]:
    """A team's bot and sayso under one token."""
    weather = Weather(stage.telegram.token, stage.telegram.url)
    is_guest = way.startswith("guest")
    application = weather.application(polls=way == "guest, polling", concurrent=concurrent)
    if way == "host, webhook":
        hook = {"mode": "webhook", "webhook_url": f"http://127.0.0.1:{port}/telegram/webhook"}
        hook["webhook_secret"] = SecretStr("a-secret-of-the-webhook")  # type: ignore[assignment]
        stage.settings = stage.make_settings(telegram=hook, port=port)
    async with AsyncExitStack() as stack:
        if not is_guest:
            await stack.enter_async_context(started(application))
        platform = guest(application) if is_guest else host(application)
        running = chat_service(stage.database, stage.settings, platforms=[platform], **service)
        stage.current = await stack.enter_async_context(running)
        if is_guest:
            await stack.enter_async_context(started(application))
        if way == "guest, webhook":
            await stack.enter_async_context(called(application, port))
        await health(stage.current, lambda found: "telegram" not in found)
        yield Beside(stage, weather, application)


@pytest.fixture
async def both(
    request: pytest.FixtureRequest, stopped: Stage, unused_tcp_port: int
) -> AsyncGenerator[Beside]:
    async with beside(request.param, stopped, unused_tcp_port) as running:
        yield running


in_every_way = pytest.mark.parametrize("both", WAYS, indirect=True)


@in_every_way
async def test_a_press_is_taken_by_whose_button_it_is(both: Beside) -> None:
    run_id, card = await both.stage.ask()
    rain = await both.written("/weather")
    assert (await both.stage.ana.press(rain, "More")).text == "More rain."
    assert (await both.stage.ana.press(card, "✅ approve")).text == APPROVED
    assert await both.stage.service.answer(run_id) == "approve"
    assert both.weather.pressed == ["weather:more"]


@in_every_way
async def test_a_reply_to_what_sayso_asks_is_sayso_s_and_all_other_talk_the_team_s(both: Beside) -> None:
    stage = both.stage
    run_id, card = await stage.ask(input_type="text", prompt="Which version?")
    asked = await prompted(stage, card)
    assert (await both.written("hello")).text == "I heard you."
    await replied(stage, asked, "/help me, it is 4.2")
    assert await stage.service.answer(run_id) == "/help me, it is 4.2"
    assert "are not read" in await replied(stage, asked, "4.3 rather")
    assert both.weather.heard == ["hello"]


@in_every_way
async def test_commands_and_their_menu_are_the_team_s(both: Beside) -> None:
    assert (await both.written("/help")).text == "I heard you."
    assert (await both.written("/start")).text == "I heard you."
    assert both.weather.heard == ["/help", "/start"]
    assert both.stage.telegram.calls_of("setMyCommands") == []


async def test_a_guest_takes_no_command_and_a_host_its_own(stopped: Stage, unused_tcp_port: int) -> None:
    async with beside("guest, polling", stopped, unused_tcp_port) as both:
        assert (await both.written("/status")).text == "I heard you."
        assert both.weather.heard == ["/status"]
    async with beside("host, polling", stopped, unused_tcp_port) as both:
        assert (await both.written("/status")).text != "I heard you."
        assert both.weather.heard == []


async def test_a_guest_leaves_updates_and_the_webhook_to_its_host(
    stopped: Stage, unused_tcp_port: int
) -> None:
    async with beside("guest, webhook", stopped, unused_tcp_port):
        await stopped.ask()
    assert [one.parameters["url"] for one in stopped.telegram.calls_of("setWebhook")] == [
        f"http://127.0.0.1:{unused_tcp_port}/theirs"
    ]
    assert stopped.telegram.calls_of("deleteWebhook") == []
    assert stopped.telegram.calls_of("getUpdates") == []


async def test_a_guest_s_press_in_a_message_of_hours_ago_is_compared_like_any_other(
    stopped: Stage, unused_tcp_port: int
) -> None:
    async with beside("guest, polling", stopped, unused_tcp_port):
        run_id, card = await stopped.ask()
        before = stopped.count()
        told = (await stopped.ana.press(card, "✅ approve", inaccessible=True)).text or ""
        assert told.startswith("This card is too old to be checked.")
        await stopped.telegram.until(lambda: stopped.count() > before)
        assert (await stopped.ana.press(await stopped.card(), "✅ approve")).text == APPROVED
        assert await stopped.service.answer(run_id) == "approve"


async def test_an_application_confirms_an_update_before_a_guest_has_it(
    stopped: Stage, unused_tcp_port: int
) -> None:
    """A process that is killed here loses the press: Telegram does not send it again, and the card stands as it was."""
    held = asyncio.Event()

    async def hold(_: Update, __: object) -> None:
        await held.wait()

    async with beside("guest, polling", stopped, unused_tcp_port) as both:
        run_id, card = await stopped.ask()
        both.application.add_handler(TypeHandler(Update, hold), -2000)
        press = await stopped.ana.tap(card, "✅ approve")
        await stopped.telegram.until(lambda: stopped.telegram.pending_updates == [])
        assert (await stopped.service.card(run_id)).request.open
        assert (await stopped.ana.now(card)).labels == card.labels
        held.set()
        assert (await press.result()).text == APPROVED


class Failing(SQLiteStore):
    """A store that cannot look a conversation or a message up for a while."""

    is_failing = False

    async def kept(self, surface: str, key: str) -> Any:
        if self.is_failing:
            raise StoreUnreadable("sayso.db", "the disk is gone")
        return await super().kept(surface, key)


async def test_what_a_guest_cannot_store_is_said_for_it_does_not_come_again(
    stopped: Stage, unused_tcp_port: int
) -> None:
    """The application has confirmed it before it hands it on."""
    async with beside(
        "guest, polling", stopped, unused_tcp_port, new_store=lambda: Failing(stopped.database)
    ) as both:
        run_id, card = await stopped.ask(input_type="text", prompt="Which version?")
        asked = await prompted(stopped, card)
        Failing.is_failing = True
        try:
            assert (await replied(stopped, asked, "4.2")).startswith("Not saved:")
        finally:
            Failing.is_failing = False
        assert both.weather.heard == []
        await replied(stopped, asked, "4.2")
        assert await stopped.service.answer(run_id) == "4.2"


async def test_a_press_while_the_guest_is_away_counts_nothing_and_the_next_one_does(
    stopped: Stage, unused_tcp_port: int
) -> None:
    """The team's bot goes on by itself; what it hears of sayso's is lost, and the card stands as it was."""
    weather = Weather(stopped.telegram.token, stopped.telegram.url)
    application = weather.application(polls=True)
    async with beside("guest, polling", stopped, unused_tcp_port):
        run_id, card = await stopped.ask()
    async with started(application):
        assert (await stopped.ana.press(card, "✅ approve")).text == "More rain."
    async with beside("guest, polling", stopped, unused_tcp_port):
        assert (await stopped.ana.press(await stopped.ana.now(card), "✅ approve")).text == APPROVED
        assert await stopped.service.answer(run_id) == "approve"


async def test_a_guest_whose_application_does_not_run_says_so(stopped: Stage) -> None:
    application = Weather(stopped.telegram.token, stopped.telegram.url).application()
    async with chat_service(stopped.database, stopped.settings, platforms=[guest(application)]) as service:
        found = await health(service, lambda found: "does not run" in found.get("telegram", ""))
        assert found == {"telegram": "the application that sayso is a guest of does not run"}


async def test_another_token_is_refused(telegram: LocalTelegram, stopped: Stage, tmp_path: Path) -> None:
    application = Weather("700000002:another", telegram.url).application()
    with pytest.raises(InvalidSettings, match="the application's bot is another one"):
        async with chat_service(tmp_path / "x.db", stopped.settings, platforms=[guest(application)]):
            pass


async def test_presses_of_one_person_at_once_count_once_and_the_first_where_updates_are_concurrent(
    stopped: Stage, unused_tcp_port: int
) -> None:
    async with beside("guest, polling", stopped, unused_tcp_port, concurrent=True):
        for _ in range(3):
            run_id, card = await stopped.ask()
            presses = [
                await stopped.ana.tap(card, label) for label in ("✅ approve", "❌ reject", "✅ approve")
            ]
            first, *others = [(await press.result()).text for press in presses]
            assert first == APPROVED
            assert APPROVED not in others
            assert await stopped.service.answer(run_id) == "approve"


class Held(SQLiteStore):
    """A store whose next look-up waits until it is let go, once it is told to hold it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.holds_next = False
        self.looks_up = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def kept(self, surface: str, key: str) -> Any:
        if self.holds_next:
            self.holds_next = False
            self.looks_up.set()
            await self.goes_on.wait()
        return await super().kept(surface, key)


async def in_group(stage: Stage, words: str) -> SeenMessage:
    """The message in the group that begins with these words, once it is there."""
    while True:
        revision = stage.telegram.revision
        for one in await stage.ana.sees(stage.group):
            if one.text.startswith(words):
                return one
        await stage.until_revision(revision)


async def test_a_reply_counts_before_the_press_behind_it_where_updates_are_concurrent(
    stopped: Stage, unused_tcp_port: int
) -> None:
    """After a restart a reply has to be looked up, and a press does not; they are decided as they came."""
    ana, bo = stopped.ana, stopped.bo
    both = (f"telegram:{ana.id}", f"telegram:{bo.id}")
    policy = PolicySettings(stages=(StageSettings(approvers=both, need=2),), comment=("reject",))
    stopped.settings = stopped.make_settings(policies={"careful": policy})
    async with beside("guest, polling", stopped, unused_tcp_port):
        _, other = await stopped.ask()
        run_id = await stopped.service.ask([stopped.place], "Careful?", policy="careful")
        card = await in_group(stopped, "Careful?")
        await ana.press(card, "❌ reject")
        why = await in_group(stopped, "Ana: Why reject?")
    held = Held(stopped.database)
    async with beside("guest, polling", stopped, unused_tcp_port, concurrent=True, new_store=lambda: held):
        held.holds_next = True
        await ana.reply(why, "too early")
        await asyncio.wait_for(held.looks_up.wait(), 10)
        press = await ana.tap(card, "✅ approve")
        assert (await bo.press(other, "✅ approve")).text == APPROVED
        held.goes_on.set()
        assert (await press.result()).text != "Your approval was counted: 1 of 2."
        await stopped.until_shows(card, "finished")
        assert await stopped.service.answer(run_id) == "reject"


class Caching(ExtBot[Any]):
    """A bot with arbitrary callback data, which a package of its own would bring."""

    @property
    def callback_data_cache(self) -> Any:
        return object()


def test_an_application_that_takes_every_button_for_its_own_is_refused(telegram: LocalTelegram) -> None:
    builder: Any = ApplicationBuilder().bot(Caching(telegram.token))
    with pytest.raises(ValueError, match="arbitrary_callback_data"):
        guest(builder.build())
