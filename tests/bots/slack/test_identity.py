"""Who pressed: one person is one person in every kind of payload, and is known before anything counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sayso.config import PolicySettings, StageSettings
from sayso.engine import CardRecord, OutcomeKind
from sayso.testing.platform import FaultKind
from sayso.testing.slack import LocalSlack, PressResult, SlackLimits, SlackPerson
from tests.bots.slack.stage import PLACE, Stage
from tests.engine.older_file import rewrite_as_before

ENTERPRISE, HOME = "E0LOCAL01", "T0LOCAL02"
WAYS = ("press", "command", "submission", "home")
POLICIES = {
    "two": PolicySettings(
        stages=(StageSettings(approvers=(PLACE,), need=2, reject_at=3),), comment=("reject",)
    ),
    "three": PolicySettings(stages=(StageSettings(approvers=(PLACE,), need=3),)),
    "others": PolicySettings(stages=(StageSettings(approvers=(PLACE,)),), exclude_requester=True),
}


@pytest.fixture(params=["workspace", "organisation"])
async def grid(request: pytest.FixtureRequest) -> AsyncIterator[LocalSlack]:
    """An Enterprise Grid, with the app in one workspace or in the whole organisation."""
    is_org_wide = request.param == "organisation"
    async with LocalSlack(
        limits=SlackLimits.unlimited(), enterprise=ENTERPRISE, is_org_wide=is_org_wide
    ) as server:
        yield server
        assert server.problems == []


@pytest.fixture
def before(grid: LocalSlack, tmp_path: Path) -> Stage:
    """The stage in a Grid, where Ana's home is another workspace than the app's; no service runs."""
    stage = Stage.build(grid, tmp_path / "sayso.db", policies=POLICIES)
    stage.ana = grid.add_person("Ana of Berlin", team=HOME)
    stage.channel.add(stage.ana)
    return stage


@pytest.fixture
async def staged(before: Stage) -> AsyncIterator[Stage]:
    async with before.running():
        yield before


async def answer_by(stage: Stage, person: SlackPerson, way: str, card: CardRecord) -> None:
    """Approve, or reject in a modal, in one of the ways that Slack brings in payloads of different shapes."""
    message = stage.ana.last(stage.channel)
    match way:
        case "press":
            assert (await (await person.press(message, "✅ approve")).result()).is_acknowledged
        case "command":
            text = f"answer {card.request.id[:8]}@{card.request.revision} approve"
            assert (await (await person.command("/sayso", text)).result()).is_acknowledged
        case "home":
            await person.open_home()
            await stage.slack.until(lambda: person.home is not None and "Release" in person.home.text)
            assert (await (await person.press_at_home("✅ approve")).result()).is_acknowledged
        case _:
            await press_until_modal(stage, person, "❌ reject")
            assert (await send_modal(person, "not yet")).is_acknowledged


async def said(stage: Stage, person: SlackPerson, text: str) -> str:
    """What somebody hears behind a command."""
    heard = len(person.words())
    assert (await (await person.command("/sayso", text)).result()).is_acknowledged
    return await stage.told(person, heard, None)


async def press_until_modal(stage: Stage, person: SlackPerson, label: str) -> None:
    """Press a button of the last card, and wait for the modal to be filled."""
    pressed = await (await person.press(stage.ana.last(stage.channel), label)).result()
    assert pressed.is_acknowledged
    await stage.slack.until(lambda: person.view is not None and person.view.inputs != ())


async def send_modal(person: SlackPerson, text: str, **odd: Any) -> PressResult:
    """Fill the modal's one input in and send it."""
    assert person.view is not None
    values = {person.view.inputs[0].label: text}
    return await (await person.submit(values, odd=odd or None)).result()


def person_of(stage: Stage, person: SlackPerson) -> str:
    return f"slack:{ENTERPRISE}:{person.id}"


@pytest.mark.parametrize(
    ("first", "second"),
    [("press", "command"), ("command", "submission"), ("submission", "press"), ("home", "command")],
)
async def test_one_person_is_one_vote_by_every_way(staged: Stage, first: str, second: str) -> None:
    """On a Grid the payloads name the home workspace, the workspace where it was typed, the enterprise, or none."""
    run_id, _ = await staged.ask(policy="two")
    card = await staged.service.card(run_id)
    for way in (first, second):
        await answer_by(staged, staged.ana, way, card)
    voted = await staged.service.card(run_id)
    assert [vote.person for vote in voted.votes] == [person_of(staged, staged.ana)]
    await answer_by(staged, staged.bo, "press", card)
    closed = await staged.service.card(run_id)
    assert closed.request.open == (second == "submission"), "two of two, unless she has changed her mind"


@pytest.mark.parametrize("way", ["press", "command"])
async def test_whoever_asked_may_not_approve_by_any_way(staged: Stage, way: str) -> None:
    run_id, _ = await staged.ask(policy="others", requested_by=person_of(staged, staged.ana))
    card = await staged.service.card(run_id)
    await answer_by(staged, staged.ana, way, card)
    assert (await staged.service.card(run_id)).request.open
    await answer_by(staged, staged.bo, way, card)
    assert not (await staged.service.card(run_id)).request.open


def old_form(stage: Stage, person: SlackPerson, team: str) -> str:
    return f"slack:{team}:{person.id}"


@pytest.mark.parametrize("team", [HOME, ENTERPRISE])
async def test_what_the_previous_release_recorded_is_the_same_persons(before: Stage, team: str) -> None:
    """A vote of two recorded under the other form, and by Bo under the app's own workspace, in the older schema."""
    stage = before
    async with stage.running():
        run_id, _ = await stage.ask(policy="two")
        other_id, _ = await stage.ask(policy="others", requested_by=old_form(stage, stage.ana, team))
        card, other = await stage.service.card(run_id), await stage.service.card(other_id)
        recorded = await stage.service.runtime.answer(
            card.request.id, 1, "approve", person=old_form(stage, stage.ana, team), via=PLACE
        )
        assert recorded.kind is OutcomeKind.COUNTED
    rewrite_as_before(stage.database, "CREATE TABLE account_forms")
    async with stage.running():
        await answer_by(stage, stage.ana, "command", card)
        assert "already approved this" in stage.ana.words()[-1]
        assert (await stage.service.card(run_id)).request.open
        await answer_by(stage, stage.ana, "command", other)
        assert "someone else must approve it" in stage.ana.words()[-1]
        await answer_by(stage, stage.bo, "command", card)
        assert not (await stage.service.card(run_id)).request.open


async def test_two_old_votes_of_one_person_are_one_before_somebody_elses_decides(before: Stage) -> None:
    """Whose the recorded votes are is looked up before a vote is counted beside them."""
    stage = before
    async with stage.running():
        run_id, _ = await stage.ask(policy="three")
        card = await stage.service.card(run_id)
        for team in (HOME, ENTERPRISE):
            await stage.service.runtime.answer(
                card.request.id, 1, "approve", person=old_form(stage, stage.ana, team), via=PLACE
            )
        await answer_by(stage, stage.bo, "command", card)
        assert (await stage.service.card(run_id)).request.open
        assert "2 of 3" in stage.bo.words()[-1]


async def test_starters_and_lists_match_in_the_form_of_the_docs(grid: LocalSlack, tmp_path: Path) -> None:
    """Settings that were written before the workspace's people were known by their enterprise."""
    stage = Stage.build(grid, tmp_path / "sayso.db")
    bo = f"slack:{grid.team_id}:{stage.bo.id}"
    stage.settings = stage.make_settings(
        audience=(bo,),
        policies={"named": PolicySettings(stages=(StageSettings(approvers=(bo,)),))},
    )
    stage.starters = frozenset({bo})
    async with stage.running():
        for question in ({}, {"policy": "named"}):
            run_id, _ = await stage.ask(**question)
            card = await stage.service.card(run_id)
            await answer_by(stage, stage.ana, "command", card)
            assert (await stage.service.card(run_id)).request.open
            await answer_by(stage, stage.bo, "command", card)
            assert not (await stage.service.card(run_id)).request.open
        assert "Started flow" in await said(stage, stage.bo, "start flow {}")
        assert "not a workflow that you may start" in await said(stage, stage.ana, "start flow {}")


@pytest.mark.parametrize("organisation", ["T0OTHER01", "E0OTHER01"])
async def test_people_of_another_organisation_are_no_members(staged: Stage, organisation: str) -> None:
    """Slack does not call them strangers where they share the channel with the app."""
    mallory = staged.slack.add_person("Mallory", organisation=organisation)
    staged.channel.add(mallory)
    run_id, card = await staged.ask()
    result, words = await staged.press(mallory, card, "✅ approve")
    assert result.is_acknowledged
    assert "You belong to another organisation" in words
    assert (await staged.service.card(run_id)).request.open


async def test_people_of_another_organisation_answer_where_they_are_named(
    grid: LocalSlack, tmp_path: Path
) -> None:
    stage = Stage.build(grid, tmp_path / "sayso.db")
    cho = grid.add_person("Cho", organisation="T0OTHER01")
    stage.channel.add(cho)
    stage.settings = stage.make_settings(audience=(f"slack:T0OTHER01:{cho.id}",))
    async with stage.running():
        run_id, card = await stage.ask()
        await stage.press(cho, card, "✅ approve")
        assert (await stage.service.card(run_id)).request.resolved_by == f"slack:T0OTHER01:{cho.id}"


@pytest.mark.parametrize(
    ("way", "fault"), [*((way, FaultKind.HANG) for way in WAYS), ("press", FaultKind.TOO_MANY_REQUESTS)]
)
async def test_nobody_counts_under_a_guessed_identity(before: Stage, way: str, fault: FaultKind) -> None:
    """They hear it within Slack's three seconds. The service was restarted, and knows nobody yet."""
    stage, ana = before, before.ana
    async with stage.running():
        run_id, message = await stage.ask(policy="two")
        card = await stage.service.card(run_id)
        if way == "home":
            await ana.open_home()
            await stage.slack.until(lambda: ana.home is not None and "Release" in ana.home.text)
        elif way == "submission":
            await press_until_modal(stage, ana, "❌ reject")
    async with stage.running():
        stage.slack.fail(fault, "users.info", times=2)
        match way:
            case "press":
                result, words = await stage.press(ana, message, "✅ approve")
            case "command":
                heard = len(ana.words())
                result = await (
                    await ana.command("/sayso", f"answer {card.request.id[:8]}@1 approve")
                ).result()
                words = await stage.told(ana, heard, None)
            case "home":
                result = await (await ana.press_at_home("✅ approve")).result()
                await stage.slack.until(lambda: ana.home is not None and "Not counted" in ana.home.text)
                words = ana.home.text if ana.home is not None else ""
            case _:
                result = await send_modal(ana, "not yet")
                words = "" if ana.view is None else str(ana.view.errors)
        assert result.is_acknowledged
        assert "Not counted: Slack did not say who you are" in words
        assert (await stage.service.card(run_id)).votes == ()


async def test_a_payload_that_cannot_be_read_is_told_and_counted(staged: Stage) -> None:
    """A press with its answer's address, without one, in a home, and a modal."""
    stage, bo = staged, staged.bo
    run_id, message = await stage.ask(policy="two")
    place = stage.channel
    shapes: list[dict[str, Any]] = [{"actions": []}, {"actions": [], "response_url": None}]
    for odd in shapes:
        before = len(bo.words(place))
        assert (await (await bo.press(message, "✅ approve", odd=odd)).result()).is_acknowledged
        assert "cannot be read" in await stage.told(bo, before, place)
    await bo.open_home()
    await stage.slack.until(lambda: bo.home is not None and "Release" in bo.home.text)
    await (await bo.press_at_home("✅ approve", odd={"actions": [{}]})).result()
    await stage.slack.until(lambda: bo.view is not None and "cannot be read" in bo.view.text)
    await press_until_modal(stage, bo, "❌ reject")
    assert (await send_modal(bo, "no", user={})).is_acknowledged
    assert bo.view is not None
    assert "cannot be read" in str(bo.view.errors)
    async with aiohttp.ClientSession() as session, session.get(f"{stage.service.url}/metrics") as response:
        assert 'sayso_unreadable_payloads_total{platform="slack"} 4.0' in await response.text()
    assert (await stage.service.card(run_id)).votes == ()


async def test_no_vote_counts_beside_one_that_is_nobodys_yet(before: Stage) -> None:
    """Bo is known, but not whose the recorded votes are, while Slack does not say it."""
    stage = before
    async with stage.running():
        run_id, shown = await stage.ask(policy="three")
        card = await stage.service.card(run_id)
        for team in (HOME, ENTERPRISE):
            await stage.service.runtime.answer(
                card.request.id, 1, "approve", person=old_form(stage, stage.ana, team), via=PLACE
            )
        await said(stage, stage.bo, "accounts")
        shown = await stage.until_shows(shown, "2 of 3")
        stage.slack.fail(FaultKind.SERVER_ERROR, "users.info", times=2)  # Ana, and whether Bo is a guest
        _, words = await stage.press(stage.bo, shown, "✅ approve")
        assert "who else has voted or asked" in words
        assert len((await stage.service.card(run_id)).votes) == 2, "as they were recorded"
