"""Approving for longer in Telegram: buttons below Approve and Reject, on a card that says what a grant covers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from sayso.config import GrantsSettings, PolicySettings, StageSettings
from sayso.testing.telegram import LocalTelegram, SeenMessage
from tests.bots.grants import Asker
from tests.bots.telegram.stage import Stage

GRANTS = GrantsSettings(
    longest=timedelta(hours=8), durations=(timedelta(hours=1),), times=5, session="Session"
)

TOLD = "Approved. The workflow continues. The same from agent is approved until"


@pytest.fixture
async def stage(telegram: LocalTelegram, tmp_path: Path) -> AsyncIterator[Stage]:
    stage = await Stage.build(telegram, tmp_path / "sayso.db")
    approvers = StageSettings(approvers=(stage.place,))
    policies = {"tools": PolicySettings(stages=(approvers,), grants=GRANTS)}
    stage.settings = stage.settings.model_copy(update={"policies": policies})
    async with stage.running():
        yield stage


@pytest.fixture
async def asker(stage: Stage) -> AsyncIterator[Asker]:
    async with Asker.of(stage.service) as asker:
        yield asker


async def card_of(stage: Stage, asker: Asker) -> SeenMessage:
    """The card of a question that an agent asks, in the group."""
    request = await asker.ask()
    sent = await stage.service.sent(request["run_id"])
    await stage.service.told(request["run_id"])
    (seen,) = [one for one in await stage.ana.sees(stage.group) if str(one.message_id) in sent]
    return seen


async def test_a_longer_approval_is_chosen_on_the_card_that_says_what_it_covers(
    stage: Stage, asker: Asker
) -> None:
    card = await card_of(stage, asker)
    assert "A longer approval covers later requests from agent that are exactly like this one" in card.text
    assert card.labels[-3:] == [
        ["Approve for this session"], ["Approve for 1 hour"], ["Approve this and 5 more"],
    ]  # fmt: skip
    heard = await stage.ana.press(card, "Approve this and 5 more")
    assert re.fullmatch(rf"{TOLD} .*\d\d:\d\d.*, 5 at most\.", heard.text or "")
    (grant,) = await stage.service.store.reader.grants()
    assert (grant.offer, grant.uses, grant.asked_by) == ("5x", 5, "token:agent")
    await stage.until(card, lambda seen: "The same from agent is approved until" in seen.text)

    before = stage.count()
    used = await asker.ask()
    assert used["decision"]["by"] == [f"grant:{grant.id}"]
    assert stage.count() == before


async def test_somebody_who_is_not_asked_grants_nothing(stage: Stage, asker: Asker) -> None:
    card = await card_of(stage, asker)
    await stage.group.add(stage.eve)
    heard = await stage.eve.press(card, "Approve for 1 hour")
    assert heard.text is not None
    assert "You aren't an approver" in heard.text
    assert await stage.service.store.reader.grants() == []


async def shared_card(stage: Stage) -> SeenMessage:
    return next(one for one in await stage.ana.sees(stage.group) if "requests" in one.text)


async def test_a_longer_approval_of_a_question_on_a_shared_card_is_of_that_question(
    stage: Stage, asker: Asker
) -> None:
    """What is pressed below the second question is granted for the second, and leaves the others open."""
    requests = await asker.ask_together("ls", "npm test", "rm -r build")
    for one in requests:
        await stage.service.told_of(one["id"])
    card = await shared_card(stage)
    assert card.text.count("A longer approval covers later requests from agent") == 1
    assert "that are exactly like the one you approve" in card.text
    assert card.labels[4:8] == [
        ["2 ✅ Approve", "2 ❌ Reject"],
        ["2 Approve for this session"], ["2 Approve for 1 hour"], ["2 Approve this and 5 more"],
    ]  # fmt: skip
    heard = await stage.ana.press(card, "2 Approve for 1 hour")
    assert (heard.text or "").startswith(f"2. Run “npm test”? · {TOLD}")
    (grant,) = await stage.service.store.reader.grants()
    assert (grant.request_id, grant.offer) == (requests[1]["id"], "1h")
    seen = await stage.until(card, lambda seen: "is approved until" in seen.text)
    assert "A longer approval covers" in seen.text, "the others can be granted yet"
    assert (await asker.ask())["decision"]["by"] == [f"grant:{grant.id}"]
    assert (await asker.ask(Command="ls"))["status"] == "PENDING"
