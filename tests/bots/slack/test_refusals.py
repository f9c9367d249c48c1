"""Refusals that pass, refusals that last, and cards that Slack takes nowhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from sayso.bots.chats import Outbox, Patience, Stopping, Undeliverable, UnderWay
from sayso.bots.service._metrics import Metrics
from sayso.bots.slack import SlackSettings
from sayso.bots.slack._api import Api, make_api
from sayso.bots.slack._surface import SlackSurface
from sayso.bots.slack._token import TokenWatch
from sayso.bots.slack._workspaces import Workspaces
from sayso.engine import Runtime, SQLiteStore, Store
from sayso.testing.slack import LocalSlack
from tests.bots.chat_service import workflow
from tests.bots.slack.stage import PLACE, Stage

PASSING = ["invalid_auth", "token_revoked", "account_inactive", "org_login_required", "not_in_channel"]
HASTY = Patience(times=1, first=timedelta(milliseconds=10), again=timedelta(milliseconds=20))


async def rows(store: Store, kind: str) -> list[object]:
    """What the trail says of a kind."""
    return [row.payload async for row in store.reader.audit() if row.kind == kind]


@asynccontextmanager
async def opened(stage: Stage) -> AsyncGenerator[Api]:
    """Slack as the bot calls it."""
    slack_settings = stage.settings.section(SlackSettings)
    assert slack_settings is not None
    async with make_api(slack_settings) as api:
        yield api


@pytest.fixture
async def told(slack: LocalSlack, tmp_path: Path) -> Stage:
    """A service that is not started yet, whose operators are told in a channel where Eve reads."""
    stage = Stage.build(slack, tmp_path / "sayso.db")
    place = stage.settings.destinations[PLACE]
    operators = place.model_copy(update={"id": slack.add_channel("operators", [stage.eve]).id})
    places = {PLACE: place, "slack:#operators": operators}
    stage.settings = stage.settings.model_copy(
        update={"destinations": places, "operator": "slack:#operators"}
    )
    return stage


@pytest.mark.parametrize("error", [*PASSING, "is_archived", "user_disabled"])
async def test_some_refusals_may_pass(slack: LocalSlack, tmp_path: Path, error: str) -> None:
    async with opened(Stage.build(slack, tmp_path / "sayso.db")) as api:
        slack.refuse(error, "chat.postMessage")
        with pytest.raises(Undeliverable) as refused:
            await api.call("chat_postMessage", channel="C1", text="x")
        assert refused.value.may_pass is (error in PASSING)


async def test_one_refusal_that_passes_gives_no_place_up(stage: Stage) -> None:
    """It is tried again in a moment, and nobody is alarmed."""
    stage.slack.refuse("invalid_auth", "chat.postMessage")
    run_id = await stage.service.ask([PLACE])
    await stage.slack.until(lambda: len(stage.ana.messages(stage.channel)) == 1)
    card = stage.ana.last(stage.channel)
    stage.slack.refuse("not_in_channel", "chat.update")
    await stage.press(stage.ana, card, "✅ approve")
    assert (await stage.until_shows(card, "✅ Approved ·", "finished")).labels == []
    assert await stage.service.answer(run_id) == "approve"
    assert await rows(stage.service.store, "destination_dead") == []


@asynccontextmanager
async def sending(stage: Stage, *prompts: str) -> AsyncGenerator[Store]:
    """An outbox without much patience, and questions for the channel."""
    slack_settings = stage.settings.section(SlackSettings)
    assert slack_settings is not None
    async with (
        opened(stage) as api,
        SQLiteStore(stage.database) as store,
        Runtime(store, [workflow]) as runtime,
        asyncio.TaskGroup() as group,
    ):
        surface = SlackSurface(Workspaces(api, store), store, stage.settings, slack_settings)
        outbox = Outbox(store, [surface], Metrics(), UnderWay(), HASTY)
        group.create_task(outbox.run(lambda _: None))
        question = {"options": ["approve", "reject"], "input_type": "select", "to": [PLACE]}
        for prompt in prompts:
            await runtime.start("flow", {"ask": {"prompt": prompt, **question}})
        yield store
        outbox.stop()


@pytest.mark.parametrize("error", ["invalid_auth", "is_archived"])
async def test_a_place_that_was_given_up_is_tried_again_until_it_takes_its_cards(
    stopped: Stage, error: str
) -> None:
    """Operators hear of it once, however often it refuses; nobody has to say that it is over."""
    slack = stopped.slack
    slack.refuse(error, "chat.postMessage", times=6)
    async with sending(stopped, "First?", "Second?") as store:
        await slack.until(lambda: len(stopped.ana.messages(stopped.channel)) == 2)
        assert len(slack.calls_of("chat.postMessage")) == 8
        assert len(await rows(store, "destination_dead")) == 1
        assert await store.reader.dead_places() == []


async def test_a_refusal_that_nobody_knows_is_no_reason_to_try_for_ever(stopped: Stage) -> None:
    """It is told as what can never be sent, and holds up no other card."""
    slack = stopped.slack
    slack.refuse("method_deprecated", "chat.postMessage", times=2)
    async with sending(stopped, "Refused?") as store:
        await slack.until(lambda: len(slack.calls_of("chat.postMessage")) == 2)
        while not (told := await rows(store, "card_refused")):
            pass
        assert told == [{"destination": PLACE, "error": "chat_postMessage: method_deprecated"}]
        assert await store.reader.places_waiting() == []
        assert await rows(store, "destination_dead") == []


async def test_a_token_that_slack_takes_again_takes_its_places_up(stage: Stage) -> None:
    """And no others: what was refused for reasons of its own waits for its own time."""
    stage.slack.refuse("invalid_auth", "chat.postMessage")
    await stage.service.ask([PLACE])
    await stage.slack.until(lambda: stage.count() == 1)
    store = stage.service.store
    await store.bury(PLACE, "invalid_auth: Slack refuses the token")
    stopping = Stopping()
    async with opened(stage) as api, asyncio.TaskGroup() as group:
        watch = TokenWatch(Workspaces(api, store), store, every=0.01)
        group.create_task(watch.run(lambda _: None, stopping))
        await stage.slack.until(lambda: len(stage.ana.messages(stage.channel)) == 1)
        stopping.set()
    assert await store.reader.dead_places() == []


async def test_a_card_that_slack_takes_nowhere_is_told_once_and_not_sent_again(told: Stage) -> None:
    operators = told.slack.channels()[-1]

    async with told.running() as service:
        told.slack.refuse("invalid_blocks", "chat.postMessage")
        refused = await service.ask([PLACE], prompt="Unfit?")
        await told.slack.until(lambda: len(told.eve.messages(operators)) == 1)
        words = told.eve.last(operators).text
        assert words.startswith("The card of request ")
        assert "cannot be shown at slack:#releases: chat_postMessage: invalid_blocks" in words
        await service.ask([PLACE], prompt="Fit?")
        await told.slack.until(lambda: len(told.ana.messages(told.channel)) == 1)
        assert "Fit?" in told.ana.last(told.channel).text
        assert (await service.card(refused)).request.open
        assert told.count() == 3, "the refused one, the operators' and the other card"
        assert len(await rows(service.store, "card_refused")) == 1
    async with told.running():  # another version may put it differently: it is tried once more
        await told.slack.until(lambda: len(told.ana.messages(told.channel)) == 2)
        assert "Unfit?" in told.ana.last(told.channel).text


async def test_a_decided_card_that_is_refused_once_loses_its_buttons_with_the_next_news(stage: Stage) -> None:
    """What is refused is what a card says now; when the run ends, it says something else."""
    decided = threading.Event()
    run_id, card = await stage.ask(gate=decided)
    stage.slack.refuse("msg_too_long", "chat.update")
    await stage.press(stage.ana, card, "✅ approve")
    await stage.slack.until(lambda: any(call.error for call in stage.slack.calls_of("chat.update")))
    decided.set()
    assert (await stage.until_shows(card, "✅ Approved ·", "finished")).labels == []
    assert await stage.service.answer(run_id) == "approve"
