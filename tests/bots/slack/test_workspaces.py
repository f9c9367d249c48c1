"""Two workspaces may have the same ids for channels, people and messages: what belongs to one is never another's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sayso.adapters.slack import Origin, read_origin
from sayso.testing.slack import SlackPerson
from tests.bots.slack.stage import Stage

ELSEWHERE = "T0OTHER01"
NOT_HERE = "Nothing was counted: sayso isn't set up for this workspace."


async def test_a_press_of_another_workspace_is_refused_though_all_its_ids_are_ours(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """The same channel, message and person, by their ids: whose they are says the team alone."""
    run_id, card = await stage.ask()
    result, words = await stage.press(stage.ana.elsewhere(ELSEWHERE), card, "✅ approve")
    assert result.is_acknowledged
    assert words.startswith(NOT_HERE)
    assert f"refused a payload of {ELSEWHERE}: " in caplog.text
    assert (await stage.service.card(run_id)).request.open
    assert stage.ana.sees(card).labels != [], "and nothing of ours was touched"
    _, words = await stage.press(stage.ana, card, "✅ approve")
    assert words.startswith("Approved.")
    assert await stage.service.answer(run_id) == "approve"


async def test_a_modal_of_another_workspace_is_not_the_one_that_we_filled(stage: Stage) -> None:
    run_id, card = await stage.ask(input_type="text")
    await (await stage.ana.press(card, "✍️ Answer")).result()
    await stage.slack.until(lambda: stage.ana.view is not None and stage.ana.view.inputs != ())
    assert stage.ana.view is not None
    twin = stage.ana.elsewhere(ELSEWHERE)
    result = await (await twin.submit({stage.ana.view.inputs[0].label: "yes"})).result()
    assert result.is_acknowledged
    assert stage.ana.view is not None
    assert stage.ana.view.text.startswith(NOT_HERE)
    assert (await stage.service.card(run_id)).request.open


async def test_at_home_another_workspaces_press_fails_visibly(stage: Stage) -> None:
    """There is no address to tell them by, and no token: Slack says that it did not work."""
    run_id, _ = await stage.ask()
    await stage.ana.open_home()
    await stage.slack.until(lambda: stage.ana.home is not None and "Release" in stage.ana.home.text)
    result = await (await stage.ana.elsewhere(ELSEWHERE).press_at_home("✅ approve")).result()
    assert not result.is_acknowledged
    assert (await stage.service.card(run_id)).request.open


async def test_a_command_and_a_home_of_another_workspace_show_nothing_of_ours(stage: Stage) -> None:
    await stage.ask()
    twin = stage.ana.elsewhere(ELSEWHERE)
    before = len(stage.ana.words(stage.channel))
    assert (await (await twin.command("/sayso", "pending", stage.channel)).result()).is_acknowledged
    assert (await stage.told(stage.ana, before, stage.channel)).startswith(NOT_HERE)
    await twin.open_home()
    await (await stage.ana.command("/sayso", "help", stage.channel)).result()
    assert stage.ana.home is None


@pytest.mark.parametrize("slack_says", ["their workspace", "their workspace and enterprise"])
async def test_in_a_shared_channel_the_card_says_whose_it_is(stage: Stage, slack_says: str) -> None:
    """Cho's organisation shares the channel: a press may name Cho's workspace, but the card is that of our app."""
    cho = stage.slack.add_person("Cho", organisation=ELSEWHERE)
    stage.channel.add(cho)
    run_id, card = await stage.ask()
    enterprise = {"id": "E0OTHER01", "name": "Other"} if "enterprise" in slack_says else None
    odd = {"team": {"id": ELSEWHERE, "domain": "other"}, "enterprise": enterprise}
    before = len(cho.words(stage.channel))
    assert (await (await cho.press(card, "✅ approve", odd=odd)).result()).is_acknowledged
    assert "You belong to another organisation" in await stage.told(cho, before, stage.channel)
    assert (await stage.service.card(run_id)).request.open


def stored(database: Path) -> dict[str, list[str]]:
    """What is stored of messages, homes and modals."""
    with closing(sqlite3.connect(database)) as connection:
        found = {
            "references": "SELECT reference FROM deliveries WHERE reference IS NOT NULL",
            "messages": "SELECT message FROM renderings WHERE message IS NOT NULL",
            "notes": "SELECT key FROM notes WHERE key GLOB 'home:*' OR key GLOB 'view:*'",
        }
        return {name: [str(one) for (one,) in connection.execute(sql)] for name, sql in found.items()}


def write_as_before(database: Path, team: str) -> None:
    """Put a closed database back to how it named messages, homes and modals before they carried their team."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE deliveries SET reference = replace(reference, ? || ':', '')", (team,))
        connection.execute("UPDATE renderings SET message = replace(message, ? || ':', '')", (team,))
        connection.execute("UPDATE notes SET key = replace(key, ':' || ? || ':', ':')", (team,))
        connection.execute("DELETE FROM notes WHERE key = 'adopted'")


async def asked_in_every_way(stage: Stage) -> tuple[str, Any, str, SlackPerson]:
    """A card in the channel, a home, and a modal that is open, as the service leaves them when it stops."""
    async with stage.running():
        run_id, card = await stage.ask()
        by_modal, form = await stage.ask(input_type="text")
        await stage.ana.open_home()
        await stage.slack.until(lambda: stage.ana.home is not None and "Release" in stage.ana.home.text)
        await (await stage.bo.press(form, "✍️ Answer")).result()
        await stage.slack.until(lambda: stage.bo.view is not None and stage.bo.view.inputs != ())
        await stage.service.told(run_id)
    return run_id, card, by_modal, stage.bo


@pytest.mark.parametrize("silent", [0, 2])
async def test_a_database_of_the_previous_version_is_put_under_its_team_once(
    stopped: Stage, silent: int
) -> None:
    """Cards, homes and modals that were out there count as before, also while Slack does not say whose the token is."""
    stage = stopped
    run_id, card, by_modal, bo = await asked_in_every_way(stage)
    write_as_before(stage.database, stage.slack.team_id)
    before = stored(stage.database)
    assert all(before.values())
    assert not any(stage.slack.team_id in one for found in before.values() for one in found)
    if silent:
        stage.slack.refuse("internal_error", "auth.test", times=silent)
    async with stage.running():
        assert bo.view is not None
        await (await bo.submit({bo.view.inputs[0].label: "yes"})).result()
        assert await stage.service.answer(by_modal) == "yes"
        result = await (await stage.ana.press_at_home("✅ approve")).result()
        assert result.is_acknowledged
        assert await stage.service.answer(run_id) == "approve"
        assert (await stage.until_shows(card, "✅ Approved ·")).labels == []
    async with stage.running():
        pass
    team = stage.slack.team_id
    after = stored(stage.database)
    assert all(one.startswith(f"{team}:C") for one in after["references"])
    assert {f"home:{team}:{stage.ana.id}"} <= set(after["notes"])
    assert all(one.split(":")[1] == team for one in after["notes"])


async def test_what_another_token_left_behind_is_not_taken_for_ours(stopped: Stage) -> None:
    """A card that was sent to another workspace is sent anew to this one, whatever has its ids here."""
    stage = stopped
    async with stage.running():
        run_id, other = await stage.ask()
        await stage.service.told(run_id)
    with closing(sqlite3.connect(stage.database)) as connection, connection:
        ours = f"{stage.slack.team_id}:"
        connection.execute(
            "UPDATE deliveries SET reference = replace(reference, ?, ?)", (ours, f"{ELSEWHERE}:")
        )
        connection.execute("UPDATE renderings SET message = replace(message, ?, ?)", (ours, f"{ELSEWHERE}:"))
        connection.execute("UPDATE deliveries SET revision_shown = 0")
    shown = stage.ana.sees(other)
    async with stage.running():
        await stage.slack.until(lambda: stage.count() == 2)
        card = stage.ana.last(stage.channel)
        assert (card.ts != other.ts, stage.ana.sees(other)) == (True, shown)
        await stage.press(stage.ana, card, "✅ approve")
        assert await stage.service.answer(run_id) == "approve"


@pytest.mark.parametrize(
    ("payload", "teams", "enterprises"),
    [
        ({"team": {"id": "T1"}, "enterprise": None}, ("T1",), ()),
        ({"team": None, "enterprise": {"id": "E1"}}, (), ("E1",)),
        ({"team": {"id": "T1", "enterprise_id": "E1"}, "enterprise": None}, ("T1",), ("E1",)),
        ({"team_id": "T1", "enterprise_id": "E1"}, ("T1",), ("E1",)),
        ({"team": {"id": "T2"}, "view": {"app_installed_team_id": "T1"}}, ("T1", "T2"), ()),
        ({"team": {"id": "T2"}, "message": {"bot_profile": {"team_id": "T1"}}}, ("T1", "T2"), ()),
        (
            {"team_id": "T2", "authorizations": [{"team_id": "T1", "enterprise_id": None}]},
            ("T1", "T2"),
            (),
        ),
        ({"team": [], "message": "x", "view": None, "authorizations": {}, "enterprise": 3}, (), ()),
    ],
)
def test_a_payload_says_which_installation_it_is_for(
    payload: dict[str, Any], teams: tuple[str, ...], enterprises: tuple[str, ...]
) -> None:
    """In a shared channel the workspace of the one who acts may be named as well, and comes behind."""
    assert read_origin(payload) == Origin(teams, enterprises)
