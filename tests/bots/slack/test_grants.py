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


async def chosen(stage: Stage, card: SeenMessage, label: str, number: int = 0) -> str:
    """Choose in the card how long to approve, in its `number`-th list; what Ana hears."""
    before = len(stage.ana.words(stage.channel))
    picked = await stage.ana.choose(stage.ana.sees(card), label, number=number)
    assert (await picked.result()).is_acknowledged
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


TOGETHER = COVERS.replace("exactly like this one", "exactly like the one you approve")


async def together(stage: Stage, asker: Asker, *commands: str) -> tuple[list[dict[str, Any]], SeenMessage]:
    """The requests of a batch, and the one card of those that are open."""
    requests = await asker.ask_together(*commands)
    for one in requests:
        await stage.service.told_of(one["id"])
    return requests, cards(stage)[-1]


def cards(stage: Stage) -> list[SeenMessage]:
    return [
        one for one in stage.ana.messages(stage.channel) if not one.is_ephemeral and one.thread_ts is None
    ]


async def test_a_longer_approval_of_a_question_on_a_shared_card_is_of_that_question(
    stage: Stage, asker: Asker
) -> None:
    """What is chosen below the second question is granted for the second, and leaves the others open."""
    requests, card = await together(stage, asker, "ls", "npm test", "rm -r build")
    assert card.text.count(TOGETHER) == 1, "what is true of all stands once"
    assert (await chosen(stage, card, "Approve for 1 hour", 1)).startswith(f"2. Run “npm test”? · {TOLD}")
    (grant,) = await grants(stage)
    assert (grant.request_id, grant.offer) == (requests[1]["id"], "1h")
    seen = await stage.until_shows(card, "2. ✅ Approved · Run “npm test”?", "is approved until")
    assert TOGETHER in seen.text, "the others can be granted yet"
    assert (await asker.ask())["decision"]["by"] == [f"grant:{grant.id}"]
    assert [(await asker.ask_together("ls"))[0]["status"] for _ in range(2)] == ["PENDING"] * 2


async def test_a_batch_uses_no_more_of_a_grant_than_there_is_and_shows_people_the_rest(
    stage: Stage, asker: Asker
) -> None:
    """Seven alike and five uses: five are approved, two stand on one card, and the key finds the same again."""
    card = await card_of(stage, asker)
    await chosen(stage, card, "Approve this and 5 more")
    (grant,) = await grants(stage)
    requests = await asker.ask_together(*["npm test"] * 7, key="seven")
    assert [one["status"] for one in requests] == ["ANSWERED"] * 5 + ["PENDING"] * 2
    assert [one["decision"]["votes"][0]["grant"]["use"] for one in requests[:5]] == [1, 2, 3, 4, 5]
    again = await asker.ask_together(*["npm test"] * 7, key="seven")
    assert [one["id"] for one in again] == [one["id"] for one in requests]
    assert [use.request_id for use in await stage.service.store.reader.grant_uses(grant.id)] == [
        one["id"] for one in reversed(requests[:5])
    ]
    for one in requests[5:]:
        await stage.service.told_of(one["id"])
    _, shared = cards(stage)
    assert shared.text.startswith("2 requests")
    assert "6. Run" in shared.text
    assert "7. Run" in shared.text
    words = await chosen(stage, shared, "Approve for this session", 1)
    assert words.startswith(f"7. Run “npm test”? · {TOLD}")
    assert [(await stage.service.store.reader.request(one["id"])).status for one in requests[5:]] == [  # type: ignore[union-attr]
        "PENDING", "ANSWERED",
    ]  # fmt: skip


async def test_a_batch_that_grants_answer_whole_has_no_card(stage: Stage, asker: Asker) -> None:
    await chosen(stage, await card_of(stage, asker), "Approve for 1 hour")
    requests = await asker.ask_together("npm test", "npm test")
    assert [one["decision"]["approved"] for one in requests] == [True, True]
    later = await asker.ask(Command="rm")
    await stage.service.told_of(later["id"])
    assert len(cards(stage)) == 2


async def test_two_choices_for_one_question_make_one_grant(stage: Stage, asker: Asker) -> None:
    """Two people choose at once below the same question of a shared card: one of them grants, the other hears it."""
    _, card = await together(stage, asker, "ls", "npm test")
    first = await stage.ana.choose(card, "Approve for 1 hour")
    second = await stage.bo.choose(card, "Approve this and 5 more")
    for one in (first, second):
        assert (await one.result()).is_acknowledged
    await stage.until_shows(card, "1. ✅ Approved")
    assert len(await grants(stage)) == 1
