"""Approving for longer in Slack: what a grant covers stands on the card, and leaving the channel ends its use."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sayso.config import GrantsSettings, PolicySettings, StageSettings
from sayso.engine import GrantRecord
from sayso.testing.slack import LocalSlack, SeenMessage, SlackLimits
from tests.bots.grants import Asker
from tests.bots.slack.stage import PLACE, Stage

GRANTS = GrantsSettings(
    longest=timedelta(hours=8), durations=(timedelta(hours=1),), times=5, session="Session"
)
POLICIES = {"tools": PolicySettings(stages=(StageSettings(approvers=(PLACE,)),), grants=GRANTS)}
COVERS = (
    "A longer approval covers later requests from agent that are exactly like this one, apart from Session (any, "
    "unless it is for this session). It ends within 8 hours, and you can revoke it."
)

TOLD = "Approved. The workflow continues. The same from agent is approved until"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with LocalSlack(limits=SlackLimits.unlimited()) as slack:
        stage = Stage.build(slack, tmp_path / "sayso.db", policies=POLICIES)
        async with stage.running():
            yield stage
        assert slack.problems == []


@pytest.fixture
async def asker(stage: Stage) -> AsyncIterator[Asker]:
    async with Asker.of(stage.service) as asker:
        yield asker


async def card_of(stage: Stage, asker: Asker, **details: str) -> SeenMessage:
    """The card of a question that an agent asks, in the channel."""
    before = stage.count()
    request = await asker.ask(**details)
    assert request["status"] == "PENDING"
    await stage.slack.until(lambda: stage.count() > before)
    await stage.service.told(request["run_id"])
    return stage.ana.last(stage.channel)


async def grants(stage: Stage) -> list[GrantRecord]:
    return await stage.service.store.reader.grants()


async def chosen(stage: Stage, card: SeenMessage, label: str) -> str:
    """Choose in the card how long to approve; what Ana hears."""
    before = len(stage.ana.words(stage.channel))
    assert (await (await stage.ana.choose(card, label)).result()).is_acknowledged
    return await stage.told(stage.ana, before, stage.channel)


async def test_a_longer_approval_is_chosen_on_the_card_that_says_what_it_covers(
    stage: Stage, asker: Asker
) -> None:
    card = await card_of(stage, asker)
    assert COVERS in card.text
    words = await chosen(stage, card, "Approve for 1 hour")
    assert re.fullmatch(rf"{TOLD} .*\d\d:\d\d\.", words)
    (grant,) = await grants(stage)
    assert (grant.offer, grant.asked_by, grant.account) == ("1h", "token:agent", stage.person_id(stage.ana))
    seen = await stage.until_shows(card, "The same from agent is approved until", "Approved")
    assert "A longer approval covers" not in seen.text

    before = stage.count()
    used = await asker.ask(Session="s2")
    assert used["decision"]["by"] == [f"grant:{grant.id}"]
    assert (await asker.ask(Command="rm"))["status"] == "PENDING"
    await stage.slack.until(lambda: stage.count() > before)
    assert stage.count() == before + 1, "a use has no card"

    await stage.service.store.revoke_grant(grant.id, stage.person_id(stage.ana), "slack")
    await stage.until_shows(card, "Longer approval revoked by Ana")


async def test_who_left_the_channel_grants_nothing_more(stage: Stage, asker: Asker) -> None:
    card = await card_of(stage, asker)
    await chosen(stage, card, "Approve for this session")
    assert (await asker.ask())["decision"]["approved"]
    stage.channel.remove(stage.ana)
    assert (await asker.ask())["status"] == "PENDING"


async def test_a_deactivated_account_grants_nothing_more(stage: Stage, asker: Asker) -> None:
    card = await card_of(stage, asker)
    await chosen(stage, card, "Approve this and 5 more")
    stage.ana.deactivate()
    assert (await asker.ask())["status"] == "PENDING"
    found: list[Any] = await grants(stage)
    assert found[0].used == 0
