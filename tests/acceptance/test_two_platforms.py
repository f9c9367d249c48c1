"""One request on two platforms: who is first, what the other sees, and what the one's trouble is to the other."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from examples import release
from sayso.engine import Policy, SQLiteReader, Stage, Workflow, node, request_approval, request_input
from sayso.testing.slack import FaultKind
from tests.acceptance.both import CHANNEL, GROUP, Both
from tests.bots.rejecting import asked_why


def asking(prompt: str, *, fails: bool = False) -> Workflow:
    """One version of a workflow that asks two things at once; `prompt` is what the next version changes."""

    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["answers"] = await asyncio.gather(
            request_input("Which window?", ["early", "late"], "select", "window"),
            request_input(prompt, ["approve", "reject"], "select", "release"),
        )
        if fails:
            raise RuntimeError("connection refused")

    return Workflow("pair", start=ask)


async def test_two_presses_in_the_same_instant_are_one_answer(both: Both) -> None:
    """Whoever the store took first decides; the other is told so, and both platforms show the same."""
    async with both.running(release.workflow) as runtime:
        run_id = await runtime.start("release", {"version": "4.2.0"})
        in_slack = await both.slack_card("Release 4.2.0 to production?")
        in_telegram = await both.telegram_card("Release 4.2.0 to production?")
        asks = await asked_why(both.telegram, both.bo, in_telegram, "❌ Reject", both.group)
        async with asyncio.TaskGroup() as group:
            slack = group.create_task(both.ana.press(in_slack, "✅ Approve"))
            telegram = group.create_task(both.bo.press(asks, "Reject without a reason"))
        assert (await slack.result().result()).is_acknowledged
        told = telegram.result().text
        await runtime.wait(run_id)
        channel, chat = await both.slack_shows("finished"), await both.telegram_shows("finished")
        assert (channel.labels, chat.labels) == ([], [])
        ana_won = "\nAna " in channel.text
        assert ana_won == ("\nAna " in chat.text)
        assert ana_won != ("\nBo " in chat.text)
        if ana_won:
            assert told is not None
            assert told.startswith("Ana already approved this ")
        else:
            assert told == "Rejected. The workflow continues."
            await both.slack_shows("Bo already rejected this today at ")
    kinds = await audit(both)
    assert kinds["answer_accepted"] == 1
    assert kinds["answer_refused"] == 1


async def test_a_press_on_a_card_whose_question_changed_is_refused(both: Both) -> None:
    """The new version asks something else: its card says so, and a press on the text of before counts for nothing."""
    to = (CHANNEL, GROUP)
    async with both.running(asking("Release 4.2.0?"), to) as runtime:
        run_id = await runtime.start("pair")
        slack_card = await both.slack_card("Release 4.2.0?")
        telegram_card = await both.telegram_card("Release 4.2.0?")
        window = await both.slack_card("Which window?")
        await both.telegram_shows("Which window?")
    async with both.running(asking("Release 4.2.1?"), to) as runtime:
        await (await both.ana.press(window, "early")).result()
        changed = await both.slack_card("Release 4.2.1?", "the text below is new")
        await both.telegram_shows("Release 4.2.1?", "the text below is new")
        await (await both.ana.press(slack_card, "✅ approve", old_view=True)).result()
        await both.slack_shows("The question changed today at ", "Read it again and choose.")
        late = await both.bo.press(telegram_card, "✅ approve", old_view=True)
        assert late.text is not None
        assert late.text.startswith("The question changed at ")
        assert await both.fill_in(changed, "❌ reject") == "Rejected. The workflow continues."
        state = await runtime.wait(run_id)
        assert state.shared["answers"] == ["early", "reject"]


async def test_one_platform_that_fails_leaves_the_other_working(both: Both) -> None:
    """Slack takes no card for a while. Telegram asks and is answered; Slack shows the end once it is back."""
    async with both.running(release.workflow) as runtime:
        both.slack.fail(FaultKind.TOO_MANY_REQUESTS, "chat.postMessage", retry_after=60)
        run_id = await runtime.start("release", {"version": "4.2.0"})
        card = await both.telegram_card("Release 4.2.0 to production?")
        assert (await both.bo.press(card, "✅ Approve")).text == "Approved. The workflow continues."
        assert (await runtime.wait(run_id)).workflow_status == "COMPLETED"
        await both.telegram_shows("✅ Approved ·", "finished")
    assert both.ana.messages(both.channel) == [], "it was decided before Slack would take the question"


async def test_operators_hear_of_a_failure_and_of_a_dead_destination_once(both: Both) -> None:
    """Also after a restart: what was told is stored."""
    operator = f"telegram:{both.bo.id}"
    await both.bo.start()
    async with both.running(asking("Release?", fails=True), (CHANNEL, GROUP), operator=operator) as runtime:
        both.channel.archive()
        run_id = await runtime.start("pair")
        await both.telegram_shows(f"Destination {CHANNEL} is unreachable: ", "archived", direct=True)
        for words, label in (("Which window?", "late"), ("Release?", "✅ approve")):
            await both.bo.press(await both.telegram_card(words), label)
        await both.telegram_shows("FAILED: pair, run", "connection refused", run_id, direct=True)
    told = len(await both.bo.sees())
    both.channel.archive(archived=False)
    async with both.running(asking("Release?", fails=True), (CHANNEL, GROUP), operator=operator) as runtime:
        second = await runtime.start("pair")
        for words, label in (("Which window?", "late"), ("Release?", "✅ approve")):
            await both.bo.press(await both.telegram_card(words), label)
        await both.telegram_shows("FAILED: pair, run", second, direct=True)
    assert len(await both.bo.sees()) == told + 1


async def test_two_of_two_chats_must_approve(both: Both) -> None:
    """Each vote is shown on every card, with what is still needed; the second one decides."""

    @node
    async def ask(shared: dict[str, Any]) -> None:
        policy = Policy(stages=[Stage([CHANNEL], name="Slack"), Stage([GROUP], name="Telegram")])
        decision = await request_approval("Release 4.2.0?", request_id="release", policy=policy)
        shared["by"] = [vote["via"] for vote in decision.votes]

    async with both.running(Workflow("gate", start=ask)) as runtime:
        run_id = await runtime.start("gate")
        in_slack = await both.slack_card(
            "Release 4.2.0?", "waiting for Slack: 1 of #releases; Telegram: 1 of Releases"
        )
        await both.telegram_shows("Release 4.2.0?")
        await (await both.ana.press(in_slack, "✅ Approve")).result()
        await both.slack_shows("Your approval was counted: 1 of 1.")
        await both.slack_shows("Slack: 1 of 1 approved", "Ana today", "waiting for Telegram: 1 of Releases")
        post = await both.telegram_card(
            "Slack: 1 of 1 approved", "· Ana ", "waiting for Telegram: 1 of Releases"
        )
        assert (await both.bo.press(post, "✅ Approve")).text == "Approved. The workflow continues."
        state = await runtime.wait(run_id)
        assert state.shared["by"] == [CHANNEL, GROUP]
        await both.slack_shows("✅ Approved ·", "finished", "Ana today", "Bo today")
        await both.telegram_shows("✅ Approved ·", "finished", "\nAna ", ", Bo ")


@pytest.mark.parametrize("platform", ["slack", "telegram"])
async def test_a_rejection_says_why(both: Both, platform: str) -> None:
    """Slack asks in a dialog, Telegram for a reply; nothing is decided until the reason is there."""

    @node
    async def ask(shared: dict[str, Any]) -> None:
        policy = Policy(stages=[Stage([CHANNEL, GROUP])], comment=["reject"])
        decision = await request_approval("Release 4.2.0?", request_id="release", policy=policy)
        shared["said"] = [decision.approved, decision.comment]

    async with both.running(Workflow("gate", start=ask)) as runtime:
        run_id = await runtime.start("gate")
        in_slack = await both.slack_card("Release 4.2.0?")
        in_telegram = await both.telegram_card("Release 4.2.0?")
        if platform == "slack":
            words = await both.fill_in(in_slack, "❌ Reject", Reason="not on a Friday")
            assert words == "Rejected. The workflow continues."
        else:
            prompt = await asked_why(both.telegram, both.bo, in_telegram, "❌ Reject", both.group)
            assert (await runtime.pending(run_id))[0].open
            assert "Why reject? Release 4.2.0?" in prompt.text
            assert "Reply with the reason" in prompt.text
            await both.bo.reply(prompt, "not on a Friday")
        await both.slack_shows("❌ Rejected ·", "finished", "“not on a Friday”")
        await both.telegram_shows("❌ Rejected ·", "finished", "“not on a Friday”")
        assert (await runtime.wait(run_id)).shared["said"] == [False, "not on a Friday"]


async def test_cards_lead_to_the_inbox_where_others_can_reach_it(both: Both) -> None:
    both.inbox = "https://sayso.example.org/"
    async with both.running(release.workflow) as runtime:
        run_id = await runtime.start("release", {"version": "4.2.0"})
        card = await both.slack_shows("Release 4.2.0 to production?")
        post = await both.telegram_shows("Release 4.2.0 to production?")
        request = (await runtime.pending(run_id))[0]
    address = f"https://sayso.example.org/requests/{request.id}"
    assert card.links == (address,)
    assert [one.target for one in post.entities if one.type == "text_link"] == [address]


async def audit(both: Both) -> Counter[str]:
    """How often each kind of thing stands in the audit trail."""
    async with SQLiteReader(both.folder / "sayso.db") as reader:
        return Counter([row.kind async for row in reader.audit()])
