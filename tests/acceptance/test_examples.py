"""The examples end to end with the real bots, in both transports of both platforms, driven only as people could."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples import content_creation, expense, onboarding, release
from sayso.testing.telegram import SeenMessage
from tests.acceptance.both import CHANNEL, GROUP, Both


async def test_a_release_is_asked_in_two_chats_and_approved_in_one(both: Both) -> None:
    async with both.running(release.workflow):
        started = await both.ana.command("/sayso", 'start release {"version": "4.2.0"}', both.channel)
        assert (await started.result()).is_acknowledged
        in_slack = await both.slack_shows("Release 4.2.0 to production?", "Change: 14 commits, 2 migrations")
        in_telegram = await both.telegram_shows("Release 4.2.0 to production?", "Requested by: Ana")
    async with both.running(release.workflow):
        result = await both.bo.press(in_telegram, "✅ Approve")
        assert result.text == "Approved. The run goes on."
        assert (await both.slack_shows("APPROVED, done", "Approved by Bo", "publish done")).labels == []
        await both.telegram_shows("APPROVED, done", "Approved by Bo", "publish done")
        late = await both.ana.press(in_slack, "❌ Reject", old_view=True)
        assert (await late.result()).is_acknowledged
        await both.slack_shows("Already approved by Bo at ")
    asked = [len(both.slack.calls_of("chat.postMessage")), len(both.telegram.calls_of("sendMessage"))]
    assert asked == [1, 1], "nobody is asked twice"


async def test_a_release_that_is_rejected_stays(both: Both) -> None:
    async with both.running(release.workflow):
        await both.bo.command(both.group, '/run release {"version": "5.0.0"}')
        card = await both.slack_shows("Release 5.0.0 to production?", "Requested by: Bo")
        await both.telegram_shows("Release 5.0.0 to production?")
        await (await both.ana.press(card, "❌ Reject")).result()
        await both.slack_shows("REJECTED, done", "Rejected by Ana", "stay done")
        await both.telegram_shows("REJECTED, done", "Rejected by Ana", "stay done")


async def test_an_article_goes_back_and_forth_between_the_chats(
    both: Both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with both.running(content_creation.workflow, (CHANNEL, GROUP)) as runtime:
        run_id = await runtime.start(content_creation.workflow.name, requested_by=both.ana_id)
        card = await both.slack_shows("What should the article be about?")
        words = await both.fill_in(card, "✍️ Answer", **{"Your answer": "green tea"})
        assert words == "Recorded: green tea. The run goes on."
        draft = await both.telegram_shows("Is this article about 'green tea' good to go?")
        assert (await both.bo.press(draft, "Revise")).text == "Recorded: Revise. The run goes on."
        remark = await both.slack_shows("What should change?")
        await both.fill_in(remark, "✍️ Answer", **{"Your answer": "shorter"})
        again = await both.slack_shows("good to go?", "shorter")
        await (await both.ana.press(again, "✅ Approve")).result()
        last = await both.telegram_shows("This is the last question.")
        await both.bo.press(last, "✅ Yes")
        assert (await runtime.wait(run_id)).workflow_status == "COMPLETED"
        await both.slack_shows("This is the last question.", "ANSWERED, done", "Answered by Bo")
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
        await both.fill_in(access, "✍️ Answer", account="cho", team="platform", admin="No", quota_gb="20")
        confirm = await both.slack_direct_shows("Is this right?", "First day: 2026-12-01")
        await (await both.ana.press(confirm, "✅ Yes")).result()
        state = await runtime.wait(run_id)
    assert state.shared["ticket"] == "Cho: Laptop, Headset"
    assert state.shared["access"] == {"account": "cho", "team": "platform", "admin": False, "quota_gb": 20}


async def test_somebody_is_onboarded_in_a_private_telegram_chat(both: Both) -> None:
    async with both.running(onboarding.workflow, (both.bo_id,)) as runtime:
        run_id = await runtime.start("onboarding", requested_by=both.bo_id)

        async def card(words: str) -> SeenMessage:
            return await both.telegram_shows(words, direct=True, holds=lambda one: bool(one.labels))

        shown = await card("Who starts?")
        await both.reply(shown, "Cho")
        shown = await card("How many hours a week does Cho work?")
        await both.reply(shown, "32")
        shown = await card("When is the first day of Cho?")
        await both.reply(shown, "2026-12-01")
        shown = await card("What does Cho need?")
        await both.bo.press(shown, "☑️ Choose")
        picker = await both.telegram_shows("Choose, then press Done.", direct=True)
        await both.bo.press(picker, "⬜ Laptop")
        picker = await both.telegram_shows(
            "Choose, then press Done.", direct=True, holds=lambda one: ["☑️ Laptop"] in one.labels
        )
        await both.bo.press(picker, "Done (1)")
        shown = await card("Which access does Cho get?")
        await both.reply(shown, "cho")
        team = await both.telegram_shows("team", "(2 of", direct=True, holds=lambda one: bool(one.labels))
        await both.bo.press(team, "platform")
        admin = await both.telegram_shows("admin", "(3 of", direct=True, holds=lambda one: bool(one.labels))
        await both.bo.press(admin, "No")
        quota = await both.telegram_shows("quota_gb", "(4 of", direct=True)
        await both.bo.reply(quota, "/skip")
        shown = await card("Is this right?")
        await both.bo.press(shown, "✅ Yes")
        state = await runtime.wait(run_id)
    assert state.shared["ticket"] == "Cho: Laptop"
    assert state.shared["access"] == {"account": "cho", "team": "platform", "admin": False}


async def test_a_large_expense_needs_two_of_finance_and_the_board(both: Both) -> None:
    cho = both.slack.add_person("Cho")
    both.channel.add(cho)
    async with both.running(expense.workflow) as runtime:
        run_id = await runtime.start("expense", {"what": "a van", "amount": 20_000}, requested_by=both.ana_id)
        card = await both.slack_shows("Pay for a van?", "finance, above 1,000: 2 of")
        post = await both.telegram_shows("Pay for a van?", "board, above 10,000")
        await (await both.ana.press(card, "✅ Approve")).result()
        await both.slack_shows("You asked for this, so someone else must approve it.")
        assert (await both.bo.press(post, "✅ Approve")).text == "Your approval counts: 1 of 1."
        await (await cho.press(card, "✅ Approve")).result()
        await both.slack_shows("Approved: Cho", "Still needed: 1 of ")
        request = (await runtime.pending(run_id))[0]
        await runtime.answer(request.id, 1, "approve", person="local:dee", via="console")
        await both.slack_shows("APPROVED, done")
        assert (await runtime.wait(run_id)).shared["receipt"] == "20000 paid for a van"
