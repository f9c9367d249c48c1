"""The examples end to end with the real bots, in both transports of both platforms, driven only as people could."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from examples import content_creation, expense, onboarding, production_access, release
from sayso.config import GroupSettings, PersonSettings, PolicySettings, StageSettings
from sayso.engine import WorkflowStatus
from sayso.testing.slack import SlackPerson
from sayso.testing.telegram import SeenMessage
from tests.acceptance.both import CHANNEL, GROUP, Both
from tests.bots.rejecting import CONTINUES


async def test_a_release_is_asked_in_two_chats_and_approved_in_one(both: Both) -> None:
    async with both.running(release.workflow):
        started = await both.ana.command("/sayso", 'start release {"version": "4.2.0"}', both.channel)
        assert (await started.result()).is_acknowledged
        in_slack = await both.slack_card("Release 4.2.0 to production?", "Change: 14 commits, 2 migrations")
        in_telegram = await both.telegram_card("Release 4.2.0 to production?", "Ana requested ")
    async with both.running(release.workflow):
        result = await both.bo.press(in_telegram, "✅ Approve")
        assert result.text == "Approved. The workflow continues."
        await both.slack_direct_shows("✅ Approved ·", "Bo today")
        assert (
            await both.slack_shows("✅ Approved ·", "finished", "Bo today", "publish finished")
        ).labels == []
        await both.telegram_shows("✅ Approved ·", "finished", "\nBo ", "publish finished")
        late = await both.ana.press(in_slack, "❌ Reject", old_view=True)
        assert (await late.result()).is_acknowledged
        await both.slack_shows("Bo already approved this today at ")
    cards = [one for one in both.ana.messages(both.channel) if "· Release 4.2.0" in one.text]
    assert [len(cards), len(both.telegram.calls_of("sendMessage"))] == [1, 1], "nobody is asked twice"


async def test_a_release_that_is_rejected_stays(both: Both) -> None:
    async with both.running(release.workflow):
        await both.bo.command(both.group, '/run release {"version": "5.0.0"}')
        card = await both.slack_card("Release 5.0.0 to production?", "Bo requested ")
        await both.telegram_shows("Release 5.0.0 to production?")
        assert await both.fill_in(card, "❌ Reject") == "Rejected. The workflow continues."
        await both.slack_shows("❌ Rejected ·", "finished", "Ana today", "stay finished")
        await both.telegram_shows("❌ Rejected ·", "finished", "\nAna ", "stay finished")


async def test_an_article_goes_back_and_forth_between_the_chats(
    both: Both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with both.running(content_creation.workflow, (CHANNEL, GROUP)) as runtime:
        run_id = await runtime.start(content_creation.workflow.name, requested_by=both.ana_id)
        card = await both.slack_card("What should the article be about?")
        words = await both.fill_in(card, "✍️ Answer", **{"Your answer": "green tea"})
        assert words == "Recorded: green tea. The workflow continues."
        draft = await both.telegram_card("Is this article about 'green tea' good to go?")
        assert (await both.bo.press(draft, "Revise")).text == "Recorded: Revise. The workflow continues."
        remark = await both.slack_card("What should change?")
        await both.fill_in(remark, "✍️ Answer", **{"Your answer": "shorter"})
        again = await both.slack_card("good to go?", "shorter")
        await (await both.ana.press(again, "✅ Approve")).result()
        last = await both.telegram_card("This is the last question.")
        await both.slack_shows("This is the last question.")
        await both.bo.press(last, "✅ Yes")
        assert (await runtime.wait(run_id)).workflow_status == "COMPLETED"
        await both.slack_shows("This is the last question.", "Answered ·", "finished", "Bo today")
    assert "shorter" in (tmp_path / "published" / "green-tea.md").read_text()


async def test_somebody_is_onboarded_in_slack_modals(both: Both) -> None:
    person = f"slack:@{both.ana.id}"
    async with both.running(onboarding.workflow, (person,)) as runtime:
        run_id = await runtime.start("onboarding", requested_by=both.ana_id)
        await both.fill_in(await both.slack_direct_shows("Who starts?"), "✍️ Answer", **{"Your answer": "Cho"})
        hours = await both.slack_direct_shows("How many hours a week does Cho work?")
        await both.fill_in(hours, "✍️ Answer", **{"A number": "32"})
        first_day = await both.slack_direct_shows("When is the first day of Cho?")
        await both.fill_in(first_day, "✍️ Answer", **{"A date": "2026-12-01"})
        tools = await both.slack_direct_shows("What does Cho need?")
        await both.fill_in(tools, "☑️ Choose", Choose=["Laptop", "Headset"])
        access = await both.slack_direct_shows("Which access does Cho get?")
        await both.fill_in(
            access, "✍️ Answer", Account="cho", Team="platform", Admin="No", **{"Quota gb": "20"}
        )
        confirm = await both.slack_direct_shows("Is this right?", "First day: 2026-12-01")
        await (await both.ana.press(confirm, "✅ Yes")).result()
        state = await runtime.wait(run_id)
    assert state.shared["ticket"] == "Cho: Laptop, Headset"
    assert state.shared["access"] == {"account": "cho", "team": "platform", "admin": False, "quota_gb": 20}


async def test_somebody_is_onboarded_in_a_private_telegram_chat(both: Both) -> None:
    async with both.running(onboarding.workflow, (both.bo_id,)) as runtime:
        run_id = await runtime.start("onboarding", requested_by=both.bo_id)

        async def card(words: str) -> SeenMessage:
            return await both.telegram_card(words, direct=True)

        shown = await card("Who starts?")
        await both.reply(shown, "Cho")
        shown = await card("How many hours a week does Cho work?")
        await both.reply(shown, "32")
        shown = await card("When is the first day of Cho?")
        await both.reply(shown, "2026-12-01")
        shown = await card("What does Cho need?")
        await both.bo.press(shown, "☑️ Choose")
        picker = await both.telegram_card("Choose, then press Done.", direct=True)
        await both.bo.press(picker, "⬜ Laptop")
        picker = await both.telegram_card(
            "Choose, then press Done.", direct=True, holds=lambda one: ["☑️ Laptop"] in one.labels
        )
        await both.bo.press(picker, "Done (1)")
        shown = await card("Which access does Cho get?")
        await both.bo.press(shown, "✍️ Answer")
        account = await both.telegram_card("Account (1 of", direct=True)
        await both.bo.reply(account, "cho")
        team = await both.telegram_card("Team (2 of", direct=True)
        await both.bo.press(team, "platform")
        admin = await both.telegram_card("Admin (3 of", direct=True)
        await both.bo.press(admin, "No")
        quota = await both.telegram_card("Quota gb (4 of", direct=True)
        await both.bo.press(quota, "Default: 50")
        shown = await card("Is this right?")
        await both.bo.press(shown, "✅ Yes")
        state = await runtime.wait(run_id)
    assert state.shared["ticket"] == "Cho: Laptop"
    assert state.shared["access"] == {"account": "cho", "team": "platform", "admin": False, "quota_gb": 50}


async def test_a_large_expense_needs_two_of_finance_and_the_board(both: Both) -> None:
    cho = both.slack.add_person("Cho")
    both.channel.add(cho)
    async with both.running(expense.workflow) as runtime:
        run_id = await runtime.start("expense", {"what": "a van", "amount": 20_000}, requested_by=both.ana_id)
        card = await both.slack_card("Pay for a van?", "finance, above 1,000: 2 of")
        post = await both.telegram_card("Pay for a van?", "board, above 10,000")
        await (await both.ana.press(card, "✅ Approve")).result()
        await both.slack_shows("You requested this, so someone else must approve it.")
        assert (await both.bo.press(post, "✅ Approve")).text == "Your approval was counted: 1 of 1."
        await (await cho.press(card, "✅ Approve")).result()
        await both.slack_shows("1 of 2 approved", "Cho today", "waiting for finance, above 1,000: 1 more of ")
        request = (await runtime.pending(run_id))[0]
        await runtime.answer(request.id, 1, "approve", person="local:dee", via="console")
        await both.slack_shows("✅ Approved ·", "finished")
        assert (await runtime.wait(run_id)).shared["receipt"] == "20000 paid for a van"


async def test_a_release_under_a_named_policy_is_decided_in_all_three_places(both: Both) -> None:
    """Two of those who see it, and never whoever asked; with the policy that it was asked with, whatever came since."""
    two = StageSettings(approvers=(CHANNEL, GROUP), need=2)
    both.more = {"policies": {"release": PolicySettings(stages=(two,), exclude_requester=True)}}
    cho = both.slack.add_person("Cho")
    both.channel.add(cho)
    async with both.running(release.workflow) as runtime:
        await both.sayso(both.ana, 'start release {"version": "4.3.0"}')
        card = await both.slack_card("Release 4.3.0 to production?", "waiting for 2 of #releases or Releases")
        post = await both.telegram_card("Release 4.3.0 to production?")
        four_eyes = "You requested this, so someone else must approve it."
        assert await both.press(both.ana, card, "✅ Approve") == four_eyes
        request = (await runtime.pending())[0]
    both.more = {}
    async with both.running(release.workflow) as runtime:
        at_inbox = await both.at_inbox(cho)
        assert "Release 4.3.0 to production?" in await at_inbox.page()
        said = await at_inbox.choose(request.id, 0)
        assert (said["outcome"], "Your approval was counted: 1 of 2." in said["words"]) == ("counted", True)
        assert "Also open" in await at_inbox.page(), "she has voted"
        await at_inbox.leave()
        await both.slack_shows("1 of 2 approved · Cho today", "waiting for 1 more of #releases or Releases")
        assert (await both.bo.press(post, "✅ Approve")).text == "Approved. The workflow continues."
        await both.slack_shows("✅ Approved ·", "finished", "Cho today", "Bo today", "publish finished")
        await both.slack_direct_shows("✅ Approved ·", "Release 4.3.0")
        assert (await runtime.wait(request.run_id)).shared["result"] == "4.3.0 is live"


def on_call(both: Both, cho: SlackPerson) -> None:
    """Ana (in both chats), Bo and Cho are on call."""
    group = both.slack.add_user_group("on-call", [both.ana, cho])
    both.channel.add(cho)
    both.more = {
        "people": {
            "ana": PersonSettings(accounts=(both.ana_id, "web:ana"), name="Ana"),
            "bo": PersonSettings(accounts=(both.bo_id,), name="Bo", time_zone="Asia/Tokyo"),
        },
        "groups": {"on-call": GroupSettings(members=("bo",), slack=group.id, to=(CHANNEL, GROUP))},
    }


async def test_production_access_is_granted_by_two_and_ends_by_itself(both: Both) -> None:
    cho = both.slack.add_person("Cho")
    on_call(both, cho)
    shared = {"system": "orders-db", "why": "stuck orders", "minutes": 0.02}
    async with both.running(production_access.workflow) as runtime:
        run_id = await runtime.start("production-access", shared, requested_by=both.ana_id)
        card = await both.slack_card("Access to orders-db for 0.02 minutes?", "2 of @on-call")
        post = await both.telegram_card("Access to orders-db", "due ")
        assert "someone else must approve" in await both.press(both.ana, card, "✅ Approve")
        at_inbox = await both.at_inbox(cho)
        request = (await runtime.pending(run_id))[0]
        assert (await at_inbox.choose(request.id, 0))["outcome"] == "counted"
        await at_inbox.leave()
        assert (await both.bo.press(post, "✅ Approve")).text == "Approved. The workflow continues."
        await both.slack_shows("Access to orders-db is open. End it now?")
    async with both.running(production_access.workflow) as runtime:
        # The time is over while nobody ran, or soon.
        state = await runtime.wait(run_id)
        if state.workflow_status is WorkflowStatus.WAITING_FOR_INPUT:
            await both.slack_shows("Access to orders-db is open.", "Expired ·")
            state = await runtime.wait(run_id)
        assert state.shared["granted"] == "access to orders-db granted"
        assert state.shared["revoked"] == "access to orders-db revoked"


async def test_production_access_in_an_emergency(both: Both) -> None:
    """Ana goes alone at the web inbox, though she asked, and says why; and Bo ends the access early."""
    cho = both.slack.add_person("Cho")
    on_call(both, cho)
    shared = {"system": "orders-db", "why": "stuck orders", "minutes": 60}
    async with both.running(production_access.workflow) as runtime:
        run_id = await runtime.start("production-access", shared, requested_by="web:ana")
        await both.slack_shows(
            "Access to orders-db for 60 minutes?", "in an emergency, Ana can approve alone"
        )
        request = (await runtime.pending(run_id))[0]
        ana = await both.at_inbox(both.ana)
        assert "Approve alone (emergency)" in await ana.page()
        said = await ana.act(request.id, "break_glass")
        assert "needs a reason. Say why." in said["words"]
        said = await ana.act(request.id, "break_glass", "customers cannot pay")
        assert "Approved. The workflow continues." in said["words"]
        await ana.leave()
        await both.slack_shows("Access to orders-db for 60 minutes?", "Ana today", "in an emergency")
        told = await both.telegram_shows("Ana approved this alone, under break-glass")
        assert "customers cannot pay" in told.text
        post = await both.telegram_card("Access to orders-db is open. End it now?")
        assert (await both.bo.press(post, "⚠ End it")).is_acknowledged
        assert (await runtime.wait(run_id)).shared["revoked"] == "access to orders-db revoked"


async def test_production_access_that_nobody_decides_is_not_granted(both: Both) -> None:
    on_call(both, both.slack.add_person("Cho"))
    shared = {"system": "orders-db", "why": "stuck orders", "minutes": 60}
    async with both.running(production_access.workflow) as runtime:
        run_id = await runtime.start("production-access", shared, requested_by=both.ana_id)
        await both.slack_shows("Access to orders-db for 60 minutes?", "due ")
    async with both.running(production_access.workflow, later=timedelta(minutes=31)) as runtime:
        state = await runtime.wait(run_id)
        assert (state.shared["decision"]["approved"], "granted" in state.shared) == (False, False)
        await both.slack_shows("Access to orders-db for 60 minutes?", "Expired ·", "nobody responded")
        await both.telegram_shows("Access to orders-db for 60 minutes?", "Expired ·")


async def test_production_access_is_refused_with_a_reason(both: Both) -> None:
    on_call(both, both.slack.add_person("Cho"))
    shared = {"system": "orders-db", "why": "stuck orders", "minutes": 60}
    async with both.running(production_access.workflow) as runtime:
        run_id = await runtime.start("production-access", shared, requested_by=both.ana_id)
        post = await both.telegram_card("Access to orders-db for 60 minutes?")
        await both.slack_shows("Access to orders-db for 60 minutes?")
        assert (await both.bo.press(post, "❌ Reject")).text == CONTINUES
        asked = await both.telegram_shows("Why reject?", "Reply with the reason")
        await both.bo.reply(asked, "the migration runs")
        await both.slack_shows("❌ Rejected ·", "Bo today", "the migration runs")
        assert "granted" not in (await runtime.wait(run_id)).shared


async def test_whoever_asked_for_production_access_gives_it_back(both: Both) -> None:
    """By withdrawing the question that holds it open."""
    cho = both.slack.add_person("Cho")
    on_call(both, cho)
    shared = {"system": "orders-db", "why": "stuck orders", "minutes": 60}
    async with both.running(production_access.workflow) as runtime:
        run_id = await runtime.start("production-access", shared, requested_by=both.ana_id)
        card = await both.slack_card("Access to orders-db for 60 minutes?")
        post = await both.telegram_card("Access to orders-db for 60 minutes?")
        await both.press(cho, card, "✅ Approve")
        assert (await both.bo.press(post, "✅ Approve")).text == "Approved. The workflow continues."
        await both.slack_shows("Access to orders-db is open. End it now?")
        (held,) = await runtime.pending(run_id)
        assert (await both.sayso(both.ana, f"withdraw {held.id[:8]}")).startswith("Withdrawn.")
        state = await runtime.wait(run_id)
        assert (state.workflow_status, state.shared["revoked"]) == (
            WorkflowStatus.COMPLETED, "access to orders-db revoked",
        )  # fmt: skip


async def test_a_small_expense_is_approved_at_the_inbox(both: Both) -> None:
    cho = both.slack.add_person("Cho")
    both.channel.add(cho)
    async with both.running(expense.workflow) as runtime:
        run_id = await runtime.start("expense", {"what": "tea", "amount": 9}, requested_by=both.ana_id)
        await runtime.wait(run_id)
        request = (await runtime.pending(run_id))[0]
        at_inbox = await both.at_inbox(cho)
        assert (await at_inbox.choose(request.id, 0))["outcome"] == "resolved"
        await at_inbox.leave()
        await both.slack_shows("✅ Approved ·", "finished", "Cho today")
        assert (await runtime.wait(run_id)).shared["receipt"] == "9 paid for tea"
