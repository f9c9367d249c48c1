"""Approvals by several people on several platforms: who counts, what they see, and what happens when nobody answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from sayso.config import GroupSettings, PersonSettings, PolicySettings, StageSettings
from sayso.engine import Policy, SQLiteReader, Stage, Workflow, node, request_approval, request_input
from sayso.testing.slack import FaultKind, Impossible, SeenMessage
from tests.acceptance.both import CHANNEL, GROUP, AtInbox, Both
from tests.bots.rejecting import reject_in_telegram

PROMPT = "Drop the production database?"

UNKNOWN = "Not found, or you don't have access."


def asking(policy: str = "team", places: Sequence[str] = (CHANNEL, GROUP)) -> Workflow:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        decision = await request_approval(PROMPT, request_id="drop", policy=policy, to=places)
        shared["approved"] = decision.approved
        shared["by"] = [vote["person"] for vote in decision.votes]

    return Workflow("team", ask)


def team(**more: Any) -> dict[str, PolicySettings]:
    """A policy named `team`: two of @sre."""
    return {"team": PolicySettings(stages=(StageSettings(approvers=("group:sre",), need=2),), **more)}


async def thread(both: Both, card: SeenMessage, *words: str) -> SeenMessage:
    """The newest message in a card's thread that has all these words, once there is one."""

    def found() -> list[SeenMessage]:
        seen = both.ana.messages(both.channel, thread=card.ts)
        return [one for one in seen if all(word in one.text for word in words)]

    await both.slack.until(lambda: bool(found()))
    return found()[-1]


async def test_two_of_a_group_decide_and_one_person_is_one_vote(both: Both) -> None:
    """Ana is in Slack's user group, Bo named; Cho leaves the group before she votes; Ana's second account is linked."""
    cho, group = both.slack.add_person("Cho"), both.slack.add_user_group("sre", [both.ana])
    both.channel.add(cho)
    group.add(cho)
    ana_too = both.telegram.add_person("Ana T.")
    await both.group.add(ana_too)
    both.more = {
        "people": {"bo": PersonSettings(accounts=(both.bo_id,), name="Bo", time_zone="Asia/Tokyo")},
        "groups": {"sre": GroupSettings(members=("bo",), slack=group.id)},
        "policies": team(),
    }
    async with both.running(asking()) as runtime:
        run_id = await runtime.start("team")
        card = await both.slack_card("Drop the production database?", "2 of @sre")
        in_telegram = await both.telegram_card("Drop the production database?", "2 of @sre")
        await both.link(both.ana, ana_too)

        assert await both.press(both.ana, card, "✅ Approve") == "Your approval was counted: 1 of 2."
        await thread(both, card, "Ana approved:", "Waiting for 1 more of @sre.")
        await both.telegram_shows("1 of 2 approved · Ana ", "waiting for 1 more of @sre")
        again = await ana_too.press(in_telegram, "✅ Approve")
        assert again.text == "You already approved this."
        group.remove(cho)
        assert (await both.press(cho, card, "✅ Approve")).startswith(
            "You aren't an approver for this. Approvers: @sre"
        )
        assert "Drop the production database?" not in await both.sayso(cho, "pending")
        assert "You're all caught up" in await both.sayso(both.ana, "pending"), "she has voted"
        assert (await both.bo.press(in_telegram, "✅ Approve")).text == "Approved. The workflow continues."
        await both.slack_shows("✅ Approved ·", "Ana today", "Bo today")
        await both.telegram_shows("✅ Approved ·", "\nAna ", ", Bo ")
        state = await runtime.wait(run_id)
        assert state.shared["by"][1] == "person:bo"


async def test_a_group_that_cannot_be_looked_up_is_nobody(both: Both) -> None:
    group = both.slack.add_user_group("sre", [both.ana])
    both.more = {
        "groups": {
            "sre": GroupSettings(slack=group.id),
            "admins": GroupSettings(telegram=str(both.group.id)),
        },
        "policies": {
            **team(),
            "admins": PolicySettings(stages=(StageSettings(approvers=("group:admins",)),)),
        },
    }
    async with both.running(asking()) as runtime:
        await runtime.start("team")
        card = await both.slack_card("Drop the production database?")
        both.slack.fail(FaultKind.HANG, "usergroups.users.list")
        words = await both.press(both.ana, card, "✅ Approve")
        assert words.startswith("Not counted: it could not be checked that you belong to @sre.")
        assert await both.press(both.ana, card, "✅ Approve") == "Your approval was counted: 1 of 2."
        bo_too = both.slack.add_person("Bo S.")
        both.channel.add(bo_too)
        group.add(bo_too)
        both.slack.fail(FaultKind.TOO_MANY_REQUESTS, "usergroups.users.list")
        assert (await both.press(bo_too, card, "✅ Approve")).startswith("You aren't an approver"), (
            "as of before"
        )
        group.disable()
        assert (await both.press(bo_too, card, "✅ Approve")).startswith(
            "Not counted: it could not be checked"
        )


async def test_another_way_to_say_no_is_called_what_it_is(both: Both) -> None:
    """And whoever decides hears what was decided, where that is another's word."""

    @node
    async def ask(shared: dict[str, Any]) -> None:
        options: list[str | dict[str, str]] = [
            "approve",
            "reject",
            {"value": "later", "label": "Not this week"},
        ]
        policy = Policy(stages=[Stage([CHANNEL, GROUP], need=2, reject_at=2)])
        shared["answer"] = await request_input(PROMPT, options, "select", "drop", policy=policy)

    async with both.running(Workflow("team", ask)) as runtime:
        run_id = await runtime.start("team")
        card = await both.slack_card(PROMPT)
        assert await both.press(both.ana, card, "Not this week") == "Your rejection was counted: 1 of 2."
        await thread(both, card, "Ana answered “Not this week”:")
        post = await both.telegram_card("(answered “Not this week”)")
        words = "You rejected. Decided: Not this week. The workflow continues."
        assert (await both.bo.press(post, "❌ reject")).text == words
        assert (await runtime.wait(run_id)).shared["answer"] == "later"
        decided = await both.slack_shows("Ana today", "Bo")
        assert "(rejected): Not this week" in decided.text


async def test_administrators_of_a_telegram_group_are_a_group(both: Both) -> None:
    both.more = {
        "groups": {"admins": GroupSettings(telegram=str(both.group.id))},
        "policies": {"admins": PolicySettings(stages=(StageSettings(approvers=("group:admins",)),))},
    }
    async with both.running(asking("admins")) as runtime:
        run_id = await runtime.start("team")
        card = await both.telegram_card("Drop the production database?", "@admins")
        dee = both.telegram.add_person("Dee")
        await both.group.add(dee)
        refused = await dee.press(card, "✅ Approve")
        assert refused.text is not None
        assert refused.text.startswith("You aren't an approver for this. Approvers: @admins")
        await both.group.promote(dee)
        assert (await dee.press(card, "✅ Approve")).text == "Approved. The workflow continues."
        assert (await runtime.wait(run_id)).shared["approved"] is True


async def test_reminders_name_those_who_are_still_needed(both: Both) -> None:
    group = both.slack.add_user_group("sre", [both.ana])
    both.more = {
        "people": {"bo": PersonSettings(accounts=(both.bo_id,), name="Bo")},
        "groups": {"sre": GroupSettings(slack=group.id)},
        "policies": {
            "team": PolicySettings(
                stages=(StageSettings(approvers=("group:sre",)), StageSettings(approvers=("person:bo",))),
                remind_every=timedelta(seconds=1),
            )
        },
    }
    async with both.running(asking()) as runtime:
        await runtime.start("team")
        card = await both.slack_shows("Drop the production database?", "waiting for")
        reminder = await thread(both, card, "Still waiting: Drop the production database?", "1 of @sre")
        assert f"<!subteam^{group.id}>" in str(reminder.blocks) or "usergroup" in str(reminder.blocks)
        assert reminder.ts in {one.ts for one in both.ana.messages(both.channel)}, (
            "the channel sees it as well"
        )
        told = await both.telegram_shows("Still waiting")
        assert "Bo" in told.text, "mentioned"


async def test_handing_over_breaking_the_glass_and_withdrawing_by_command(both: Both) -> None:
    cho = both.slack.add_person("Cho")
    both.channel.add(cho)
    cho_id = f"slack:{both.slack.team_id}:{cho.id}"
    both.more = {
        "people": {"cho": PersonSettings(accounts=(cho_id,), name="Cho")},
        "policies": {
            "team": PolicySettings(
                stages=(StageSettings(approvers=(both.ana_id, both.bo_id), need="all"),),
                break_glass=(both.bo_id,),
            )
        },
    }
    async with both.running(asking()) as runtime:
        first = await runtime.start("team", requested_by=both.ana_id)
        card = await both.slack_card("Drop the production database?", "waiting for ")
        address = f"{(await runtime.pending(first))[0].id[:8]}@1"
        refused = await both.sayso(cho, f"reassign {address} web:eve")
        assert refused == UNKNOWN, "whoever was not asked hears what an unknown id gives"
        assert (await both.sayso(both.ana, f"reassign {address} person:cho")).startswith(
            "Handed over to Cho."
        )
        await thread(both, card, "Ana handed this over to @Cho")
        assert await both.press(cho, card, "✅ Approve") == "Your approval was counted: 1 of 2."
        await both.bo.command(None, f"/breakglass {address} the site is down")
        await both.telegram_shows("Approved. The workflow continues.", direct=True)
        await thread(both, card, "Bo approved this alone, under break-glass", "Reason: the site is down")
        await both.slack_shows("✅ Approved ·", "in an emergency")
        await runtime.wait(first)

        second = await runtime.start("team", requested_by=both.ana_id)
        await runtime.wait(second)
        await both.slack.until(lambda: any(one.labels for one in both.ana.messages(both.channel)))
        address = (await runtime.pending(second))[0].id[:8]
        assert await both.sayso(cho, f"withdraw {address}") == UNKNOWN
        assert (await both.sayso(both.ana, f"withdraw {address}")).startswith("Withdrawn.")
        await both.slack_shows("Withdrawn ·", "Withdrawn by Ana")
        assert (await runtime.wait(second)).shared["approved"] is False


async def test_the_requester_is_told_the_result_where_they_asked(both: Both) -> None:
    both.more = {"policies": {"team": PolicySettings(stages=(StageSettings(approvers=(GROUP,)),))}}
    async with both.running(asking()) as runtime:
        await both.sayso(both.ana, "start team")
        card = await both.telegram_card("Drop the production database?")
        assert "Rejected" in await reject_in_telegram(both.telegram, both.bo, card, "❌ Reject", both.group)
        await both.slack_direct_shows("❌ Rejected ·", "Drop the production database?", "Bo today")
        del runtime


async def test_who_asked_in_a_group_hears_it_in_the_group(both: Both) -> None:
    both.more = {"policies": {"team": PolicySettings(stages=(StageSettings(approvers=(CHANNEL,)),))}}
    async with both.running(asking(places=(CHANNEL,))) as runtime:
        await both.bo.command(both.group, "/run team")
        card = await both.slack_card("Drop the production database?", "Bo requested ")
        await both.press(both.ana, card, "✅ Approve")
        told = await both.telegram_shows("✅ Approved ·", "Drop the production database?", "\nAna ")
        assert "Bo" in told.text.splitlines()[-1], "who asked is mentioned"
        del runtime


async def test_a_link_from_a_chat_signs_that_person_in_on_the_web(both: Both) -> None:
    """And what waits for them there is what waits for them in the chat."""
    both.more = {"policies": {"team": PolicySettings(stages=(StageSettings(approvers=(CHANNEL,)),))}}
    async with both.running(asking()) as runtime:
        run_id = await runtime.start("team")
        await runtime.wait(run_id)
        link = (await both.sayso(both.ana, "inbox")).rpartition(" ")[2]
        await both.bo.command(both.group, "/inbox")
        await both.telegram_shows("Send me this in a private chat")
        ana = await AtInbox.sign_in(both.url, link)
        page = await ana.page()
        assert "Drop the production database?" in page
        assert "Ana" in page
        async with httpx.AsyncClient(base_url=both.url) as thief:
            assert (await thief.post("/sign-in", json={"link": link})).status_code == 403
        request = (await runtime.pending(run_id))[0]
        assert (await ana.choose(request.id, 0))["outcome"] == "resolved"
        await ana.leave()
        assert (await runtime.wait(run_id)).shared["by"] == [both.ana_id]


@pytest.mark.parametrize("how", ["impostor", "elsewhere", "stranger"])
async def test_whoever_is_not_asked_is_refused_with_the_reason(both: Both, how: str) -> None:
    """Also where a client of their own sends a press of a button that does not show to them."""
    eve = both.slack.add_person("Eve", is_stranger=how == "stranger")
    both.channel.add(eve)
    approver = {"impostor": both.ana_id, "elsewhere": "telegram:4242", "stranger": CHANNEL}[how]
    both.more = {"policies": {"team": PolicySettings(stages=(StageSettings(approvers=(approver,)),))}}
    async with both.running(asking()) as runtime:
        run_id = await runtime.start("team")
        card = await both.slack_card("Drop the production database?")
        words = await both.press(eve, card, "✅ Approve", forged=True)
        named = {"impostor": "@Ana", "elsewhere": "somebody in Telegram", "stranger": "#releases"}[how]
        assert words.startswith(f"You aren't an approver for this. Approvers: {named}."), (
            "not where it is shown"
        )
        assert ("another organisation" in words) == (how == "stranger")
        assert (await runtime.pending(run_id))[0].open


async def test_in_their_own_chat_each_reads_their_own_time_and_sees_what_they_chose(both: Both) -> None:
    """Buttons that cannot be meant for somebody are hidden or disabled where a platform can; that protects nothing."""
    await both.bo.start()
    both.more = {
        "people": {"bo": PersonSettings(accounts=(both.bo_id,), name="Bo", time_zone="Asia/Kathmandu")},
        "policies": {
            "team": PolicySettings(
                stages=(StageSettings(approvers=(both.ana_id, "person:bo"), need=2),),
                expires_after=timedelta(hours=4),
            )
        },
    }
    async with both.running(asking()) as runtime:
        run_id = await runtime.start("team")
        await runtime.wait(run_id)
        (request,) = await runtime.pending(run_id)
        assert request.deadline is not None
        in_group = await both.telegram_card("Drop the production database?", "due ")
        card = await both.telegram_card("Drop the production database?", "due ", direct=True)
        assert f"{request.deadline.astimezone(UTC):%H:%M}" in in_group.text
        assert f"{request.deadline.astimezone(ZoneInfo('Asia/Kathmandu')):%H:%M}" in card.text
        assert card.labels == [["✅ Approve", "❌ Reject"]]
        assert (await both.bo.press(card, "✅ Approve")).text == "Your approval was counted: 1 of 2."
        chosen = await both.telegram_card(
            "approved · Bo ", direct=True, holds=lambda one: one.labels == [["✓ Approve", "❌ Reject"]]
        )
        with pytest.raises(Impossible, match="disabled"):
            await both.bo.press(chosen, "✓ Approve")
        in_slack = await both.slack_card("Drop the production database?", "approved · Bo today")
        eve = both.slack.add_person("Eve")
        both.channel.add(eve)
        with pytest.raises(Impossible, match="sees no button"):
            await eve.press(in_slack, "✅ Approve")
        said = await reject_in_telegram(both.telegram, both.bo, chosen, "❌ Reject")
        assert said == "Rejected. The workflow continues."


async def test_a_message_that_cannot_be_sent_is_given_up_and_one_that_may_be_later_is_sent_again(
    both: Both,
) -> None:
    """The result is for somebody who never opened a chat with the bot; the thread's line meets a 429."""
    stranger = both.telegram.add_person("Never here", has_started=False)
    both.more = {"policies": {"team": PolicySettings(stages=(StageSettings(approvers=(CHANNEL,)),))}}
    async with both.running(asking()) as runtime:
        run_id = await runtime.start("team", requested_by=f"telegram:{stranger.id}")
        card = await both.slack_card("Drop the production database?")
        await both.telegram_shows("Drop the production database?")
        both.slack.fail(FaultKind.TOO_MANY_REQUESTS, "chat.postMessage", retry_after=1)
        assert await both.press(both.ana, card, "✅ Approve") == "Approved. The workflow continues."
        await thread(both, card, "Ana approved:")
        await both.telegram.until(lambda: any(one.error for one in both.telegram.calls_of("sendMessage")))
        assert (await runtime.wait(run_id)).shared["approved"] is True
    async with SQLiteReader(both.folder / "sayso.db") as reader:
        assert await reader.places_waiting() == []


async def test_the_second_stage_is_asked_once_the_first_has_approved(both: Both) -> None:
    """In the chats and at the inbox: what waits for whom, and the refusal in between."""
    both.more = {
        "policies": {
            "team": PolicySettings(
                stages=(
                    StageSettings(approvers=(CHANNEL,), name="team"),
                    StageSettings(approvers=(both.bo_id,)),
                ),
                ordered=True,
            )
        }
    }
    async with both.running(asking()) as runtime:
        run_id = await runtime.start("team")
        card = await both.slack_card(PROMPT, "waiting for team: 1 of #releases; then")
        post = await both.telegram_card(PROMPT)
        early = await both.bo.press(post, "✅ Approve")
        assert early.text == "It isn't your turn yet: team comes first."
        ana = await both.at_inbox(both.ana)
        assert PROMPT in await ana.page()
        await ana.leave()
        assert await both.press(both.ana, card, "✅ Approve") == "Your approval was counted: 1 of 1."
        await both.telegram_shows(PROMPT, "approved · Ana ")
        await both.bo.command(both.group, "/pending")
        await both.telegram_shows("1 waiting for your answer:")
        assert (await both.bo.press(post, "✅ Approve")).text == "Approved. The workflow continues."
        assert (await runtime.wait(run_id)).shared["approved"] is True
