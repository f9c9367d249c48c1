"""Everybody hears something true within seconds, whatever the platforms that are asked about them do."""

from __future__ import annotations

from datetime import timedelta

from sayso.config import GroupSettings
from tests.acceptance.both import CHANNEL, Both
from tests.acceptance.test_teams import asking, team

SLACKS_PATIENCE = timedelta(seconds=3)


async def test_a_platform_that_hangs_holds_up_no_press_on_the_other(both: Both) -> None:
    """Ana is one person on both. Her presses are looked up together, from their arrival, and Slack says who she is."""
    ana_too = both.telegram.add_person("Ana T.")
    await both.group.add(ana_too)
    group = both.slack.add_user_group("sre", [both.ana])
    both.more = {"groups": {"sre": GroupSettings(slack=group.id)}, "policies": team()}
    async with both.running(asking()) as runtime:
        await both.link(both.ana, ana_too)
        for _ in range(3):
            await runtime.start("team")
        await both.slack.until(
            lambda: len([one for one in both.ana.messages(both.channel) if one.labels]) == 3
        )
        cards = [one for one in both.ana.messages(both.channel) if one.labels]
        before = len(both.ana.words(both.channel))
        both.telegram.hold("getChatMember")
        presses = [await both.ana.press(card, "✅ Approve") for card in cards]
        results = [await press.result() for press in presses]
        assert all(one.is_acknowledged and one.took < SLACKS_PATIENCE for one in results), results
        await both.slack.until(lambda: len(both.ana.words(both.channel)) >= before + 3)
        words = both.ana.words(both.channel)[before:]
        assert words == ["Your approval was counted: 1 of 2."] * 3, "Slack says that she is of @sre"


async def test_a_platform_that_hangs_holds_up_no_command_on_the_other(both: Both) -> None:
    """What a command is about, and whether it is hers, is looked up first: as much of it as is needed."""
    ana_too = both.telegram.add_person("Ana T.")
    await both.group.add(ana_too)
    group = both.slack.add_user_group("sre", [both.ana])
    both.more = {"groups": {"sre": GroupSettings(slack=group.id)}, "policies": team()}
    async with both.running(asking()) as runtime:
        await both.link(both.ana, ana_too)
        await runtime.start("team")
        await both.slack_shows("Drop the production database?")
        (request,) = await runtime.pending()
        held = both.telegram.hold("getChatMember")
        before = len(both.ana.words(both.channel))
        command = await both.ana.command("/sayso", f"answer {request.id}@1 approve", both.channel)
        result = await command.result()
        assert result.is_acknowledged
        assert result.took < SLACKS_PATIENCE
        assert both.ana.words(both.channel)[before:] == ["Your approval was counted: 1 of 2."]
        held.release()


async def test_an_inbox_that_may_lack_something_says_so(both: Both) -> None:
    """Where she belongs could not be looked up in time: she does not hear that nothing waits for her."""
    async with both.running(asking("release"), to=(CHANNEL,)) as runtime:
        await runtime.start("team")
        await both.slack_shows("Drop the production database?")
        held = both.slack.hold("conversations.members")
        ana = await both.at_inbox(both.ana)
        page = await ana.page()
        assert "It could not be checked that you belong to #releases: requests there may be missing." in page
        assert "You're all caught up." not in page
        await ana.leave()
        held.release()
