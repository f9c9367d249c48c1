"""New questions ring: for those who are needed, once, as each chat's setting says, and nothing rings for the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from sayso.config import GroupSettings, PersonSettings, PolicySettings, Ring, StageSettings
from sayso.engine import Workflow, node, request_approval, request_input
from sayso.testing.platform import FaultKind
from sayso.testing.slack import SeenMessage, SlackPerson
from tests.acceptance.both import CHANNEL, GROUP, Both

PROMPT = "Drop the production database?"


def asking(places: Sequence[str] = (CHANNEL, GROUP)) -> Workflow:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        await request_approval(shared.get("prompt", PROMPT), request_id="drop", policy="team", to=places)

    return Workflow("team", ask)


def policy(*stages: Sequence[str], need: int = 1, **more: Any) -> dict[str, PolicySettings]:
    made = tuple(StageSettings(approvers=tuple(one), need=need) for one in stages)
    return {"team": PolicySettings(stages=made, **more)}


def named(both: Both, **others: str) -> dict[str, PersonSettings]:
    """Ana, Bo and others by the names that cards call them by."""
    accounts = {"ana": both.ana_id, "bo": both.bo_id, **others}
    return {name: PersonSettings(accounts=(one,), name=name.capitalize()) for name, one in accounts.items()}


def colleague(both: Both, name: str) -> SlackPerson:
    """Somebody else in the Slack channel."""
    made = both.slack.add_person(name)
    both.channel.add(made)
    return made


def slack_id(both: Both, person: SlackPerson) -> str:
    return f"slack:{both.slack.team_id}:{person.id}"


async def in_thread(both: Both, card: SeenMessage, words: str) -> SeenMessage:
    def found() -> list[SeenMessage]:
        return [one for one in both.ana.messages(both.channel, thread=card.ts) if words in one.text]

    await both.slack.until(lambda: bool(found()))
    return found()[-1]


async def test_a_new_card_mentions_the_people_and_groups_that_it_waits_for(both: Both) -> None:
    """In Slack people and user groups, in Telegram people and the members of a group; nobody else, and once."""
    bo_too, dee = colleague(both, "Bo"), both.telegram.add_person("Dee")
    await both.group.add(dee)
    sre = both.slack.add_user_group("sre-team", [both.ana])
    both.more = {
        "people": {
            "bo": PersonSettings(accounts=(both.bo_id, slack_id(both, bo_too)), name="Bo"),
            "dee": PersonSettings(accounts=(f"telegram:{dee.id}",), name="Dee"),
        },
        "groups": {"sre": GroupSettings(slack=sre.id, members=("dee",), to=(CHANNEL, GROUP))},
        "policies": policy(("person:bo",), ("group:sre",)),
    }
    async with both.running(asking()) as runtime:
        await runtime.start("team")
        in_slack = await both.slack_card(PROMPT, "waiting for @Bo; 1 of @sre-team")
        assert set(in_slack.notified) == {bo_too.id, both.ana.id}
        in_telegram = await both.telegram_shows(PROMPT, "waiting for Bo; 1 of @sre (Dee)")
        assert set(in_telegram.notified) == {both.bo.id, dee.id}
        assert not in_telegram.is_silent
        await both.press(both.ana, in_slack, "✅ Approve")
        await both.press(bo_too, in_slack, "✅ Approve")
        decided = await both.slack_shows("✅ Approved ·")
        assert set(decided.notified) == {bo_too.id, both.ana.id}, "as it was posted: an edit rings for nobody"
        assert not any(one.notified for one in both.ana.messages(both.channel, thread=in_slack.ts))
        await both.telegram_shows("✅ Approved ·")


async def test_who_has_voted_is_not_mentioned_and_presses_in_cards_with_mentions_count(both: Both) -> None:
    dee = colleague(both, "Dee")
    both.more = {
        "people": named(both, dee=slack_id(both, dee)),
        "policies": policy(("person:dee", "person:ana", "person:bo"), need=3),
    }
    both.telegram.fail(FaultKind.TOO_MANY_REQUESTS, "sendMessage", retry_after=2)
    async with both.running(asking()) as runtime:
        run_id = await runtime.start("team")
        card = await both.slack_card(PROMPT, "waiting for @Dee, @Ana and Bo")
        assert (await both.press(both.ana, card, "✅ Approve")).startswith("Your approval was counted")
        await both.slack_shows("1 of 3 approved", "waiting for @Dee and Bo")
        post = await both.telegram_card(PROMPT, "waiting for Dee and Bo")
        assert post.notified == (both.bo.id,)
        assert (await both.bo.press(post, "✅ Approve")).text == "Your approval was counted: 2 of 3."
        assert (await both.press(dee, card, "✅ Approve")).startswith("Approved.")
        await runtime.wait(run_id)


async def test_names_in_texts_ring_for_nobody(both: Both) -> None:
    """A mention is made of the policy alone: in prompts, details, names and comments it is text."""
    both.more = {"policies": policy((CHANNEL, GROUP))}

    @node
    async def ask(shared: dict[str, Any]) -> None:
        words = f'<@{both.ana.id}> <!channel> @bo_b <a href="tg://user?id={both.bo.id}">Bo</a>'
        await request_approval(words, request_id="drop", details={words: words}, policy="team")
        del shared

    async with both.running(Workflow("team", ask)) as runtime:
        await runtime.start("team")
        assert (await both.slack_shows("<!channel>")).notified == ()
        assert (await both.telegram_shows("<!channel>")).notified == ()


@pytest.mark.parametrize(("ring", "rings"), [("always", True), ("first", True), ("never", False)])
async def test_the_ask_and_its_reminders_ring_unless_a_chat_never_does(
    both: Both, ring: Ring, rings: bool
) -> None:
    both.ring = ring
    both.more = {
        "people": named(both),
        "policies": policy(("person:ana",), ("person:bo",), remind_every=timedelta(seconds=1)),
    }
    async with both.running(asking()) as runtime:
        await runtime.start("team")
        ana, bo = ((both.ana.id,), (both.bo.id,)) if rings else ((), ())
        card = await both.slack_shows(PROMPT, "waiting for @Ana; Bo" if rings else "waiting for Ana; Bo")
        assert card.notified == ana
        await both.telegram_shows(PROMPT)
        # A reminder may have posted the card anew by now, which rings for nobody: the first one is meant.
        post = next(one for one in await both.bo.sees(both.group) if PROMPT in one.text)
        assert (post.notified, post.is_silent) == (bo, not rings)
        assert (await in_thread(both, card, "Still waiting")).notified == ana
        told = await both.telegram_shows("Still waiting")
        assert (told.notified, told.is_silent) == (bo, not rings)
        again = await both.telegram_shows(
            PROMPT, "waiting for", holds=lambda one: one.message_id > told.message_id
        )
        assert (again.notified, again.is_silent) == ((), True), "the card below its reminder rings for nobody"


@pytest.mark.parametrize(("ring", "rings"), [("always", True), ("first", False), ("never", False)])
async def test_a_stage_that_begins_rings_where_a_chat_always_does(
    both: Both, ring: Ring, rings: bool
) -> None:
    both.ring = ring
    dee = both.telegram.add_person("Dee")
    await both.group.add(dee)
    cho = colleague(both, "Cho")
    both.more = {
        "people": {
            **named(both),
            "cho": PersonSettings(accounts=(slack_id(both, cho), f"telegram:{dee.id}"), name="Cho"),
        },
        "policies": policy(("person:ana",), ("person:cho",), ordered=True),
    }
    async with both.running(asking()) as runtime:
        await runtime.start("team")
        post = await both.telegram_shows(PROMPT, "waiting for Ana; then Cho")
        assert post.notified == (), "it is not their turn yet"
        card = await both.slack_card(PROMPT, "; then Cho")
        await both.press(both.ana, card, "✅ Approve")
        line = await in_thread(both, card, "Ana approved:")
        assert line.notified == ((cho.id,) if rings else ())
        await both.telegram_shows("1 of 1 approved")
        if rings:
            told = await both.telegram_shows("Ana approved:", "Waiting for Cho.")
            assert (told.notified, told.is_silent) == ((dee.id,), False)
        await both.press(cho, card, "✅ Approve")
        await both.telegram_shows("✅ Approved ·")
        said = [one for one in await both.bo.sees(both.group) if "approved:" in one.text]
        assert len(said) == (1 if rings else 0), "no message for votes, and none rings once it is decided"


@pytest.mark.parametrize("ring", ["always", "first"])
async def test_a_changed_question_rings_where_a_chat_always_does(both: Both, ring: Ring) -> None:
    both.ring = ring
    both.more = {"people": named(both), "policies": policy(("person:ana", "person:bo"))}

    def asking_this(prompt: str) -> Workflow:
        @node
        async def ask(shared: dict[str, Any]) -> None:
            drop = request_approval(prompt, request_id="drop", policy="team", to=(CHANNEL, GROUP))
            window = request_input("Which window?", ["early", "late"], "select", "window", to=CHANNEL)
            await asyncio.gather(drop, window)
            del shared

        return Workflow("team", ask)

    async with both.running(asking_this(PROMPT)) as runtime:
        run_id = await runtime.start("team")
        card = await both.slack_shows(PROMPT)
        await both.telegram_shows(PROMPT)
        window = await both.slack_card("Which window?")
    async with both.running(asking_this("Drop all?")) as runtime:
        await (await both.ana.press(window, "early")).result()
        changed = await both.slack_shows("Drop all?", "the text below is new")
        assert changed.notified == (both.ana.id,), "as it was posted"
        post = await both.telegram_card("Drop all?", "the text below is new")
        if ring == "always":
            line = await in_thread(both, card, "The question changed: Drop all? Waiting for @Ana or Bo.")
            assert line.notified == (both.ana.id,)
            told = await both.telegram_shows("The question changed: Drop all?", "Bo")
            assert (told.notified, told.is_silent) == ((both.bo.id,), False)
        await both.bo.press(post, "✅ Approve")
        await runtime.wait(run_id)
        await both.telegram_shows("✅ Approved ·")
        said = [one.text for one in await both.bo.sees(both.group) if "The question changed" in one.text]
        assert len(said) == (1 if ring == "always" else 0)


async def test_a_hand_over_rings_for_whom_it_is_for_alone(both: Both) -> None:
    cho, dee = colleague(both, "Cho"), both.telegram.add_person("Dee")
    both.more = {
        "people": {"cho": PersonSettings(accounts=(slack_id(both, cho),), name="Cho")},
        "policies": policy((both.ana_id, both.bo_id, f"telegram:{dee.id}"), need=3),
    }
    async with both.running(asking((CHANNEL,))) as runtime:
        run_id = await runtime.start("team")
        card = await both.slack_shows(PROMPT)
        await both.telegram_shows(PROMPT, direct=True)
        address = f"{(await runtime.pending(run_id))[0].id[:8]}@1"
        await both.sayso(both.ana, f"reassign {address} person:cho")
        line = await in_thread(both, card, "Ana handed this over to @Cho")
        assert line.notified == (cho.id,)
        told = await both.telegram_shows("Ana handed this over to Cho", direct=True)
        assert told.is_silent, "Bo hears of it, and it is not for him"


async def test_every_message_of_a_story_in_telegram_and_whom_it_rings_for(both: Both) -> None:
    """The ask rings, and a reminder; what stands below a card, copies and what comes after do not."""
    cho = both.telegram.add_person("Cho")
    await both.group.add(cho)
    both.more = {
        "policies": policy((both.bo_id, f"telegram:{cho.id}"), need=2, remind_every=timedelta(hours=1))
    }
    long = f"{PROMPT} {'All of it. ' * 400}"

    @node
    async def ask(shared: dict[str, Any]) -> None:
        await request_approval(long, request_id="drop", policy="team", to=(GROUP,))
        del shared

    async with both.running(Workflow("team", ask)) as runtime:
        await runtime.start("team")
        card = await both.telegram_shows(PROMPT, "waiting for")
        await both.telegram_shows(
            "All of it.",
        )
    async with both.running(Workflow("team", ask), later=timedelta(hours=2)):
        told = await both.telegram_shows("Still waiting")
        # The outage and the reminder both post the card anew, once or twice: whoever presses means the last one.
        anew = await both.telegram_card(
            PROMPT, "sayso was offline", holds=lambda one: one.message_id > told.message_id
        )
        await both.bo.press(anew, "✅ Approve")
        await cho.press(anew, "✅ Approve")
        await both.telegram_shows("✅ Approved ·")
    sent: dict[str, set[tuple[bool, tuple[int, ...]]]] = {}
    for one in await both.bo.sees(both.group):
        if one.sender == "sayso":
            name = "ask" if one.message_id == card.message_id else one.text.split()[0]
            sent.setdefault(name, set()).add((one.is_silent, one.notified))
    both_of_them = (both.bo.id, cho.id)
    assert sent == {
        "ask": {(False, both_of_them)},
        "All": {(True, ())},  # the rest of the question, below each card
        "Drop": {(True, ())},  # cards that stood before an outage or a reminder
        "Still": {(False, both_of_them)},  # the reminder
        "✅": {(True, ())},  # the card that was decided
    }
