"""`sayso init` against local platforms, as a person with accounts goes through it, and as a script."""

from __future__ import annotations

import asyncio
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from sayso.testing.slack import LocalSlack, SeenMessage
from sayso.testing.telegram import LocalTelegram
from tests.bots.command import SAYSO, TerminalSession, sayso

pytestmark = pytest.mark.slow


def written(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "sayso.toml").read_text())


def test_without_a_chat_it_sets_up_the_web_inbox(tmp_path: Path) -> None:
    ran = sayso(tmp_path, "init", "--platform", "none", "--answer", "name=ana")
    assert ran.code == 0, ran.out + ran.err
    assert written(tmp_path)["workflows"] == [
        {"workflow": "first_workflow:workflow", "starters": ["web:ana"], "to": ["web:ana"]}
    ]
    assert "Wrote first_workflow.py and sayso.toml." in ran.out
    assert "sayso sign-in ana" in ran.out


def test_it_changes_no_file_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "first_workflow.py").write_text("workflow = None\n")
    ran = sayso(tmp_path, "init", "--platform", "none", "--answer", "name=ana")
    assert (tmp_path / "first_workflow.py").read_text() == "workflow = None\n"
    assert "Wrote sayso.toml." in ran.out
    before = (tmp_path / "sayso.toml").read_text()
    assert ran.code == 1
    ran = sayso(tmp_path, "init", "--platform", "none", "--answer", "name=bo")
    assert (tmp_path / "sayso.toml").read_text() == before
    assert "Using the sayso.toml that is here." in ran.out


def test_settings_that_are_there_get_no_other_platform(tmp_path: Path) -> None:
    """It would otherwise go on with what is there, and never set up what was asked for."""
    assert sayso(tmp_path, "init", "--platform", "none", "--answer", "name=ana").code == 0
    ran = sayso(tmp_path, "init", "--platform", "telegram")
    assert ran.code == 2
    assert "sayso.toml is here already, and has no [telegram]" in ran.err


def test_a_script_hears_which_answer_is_missing_and_how_to_give_it(tmp_path: Path) -> None:
    ran = sayso(tmp_path, "init")
    assert ran.code == 1
    assert "add --answer platform=..." in ran.err
    ran = sayso(tmp_path, "init", "--platform", "slack")
    assert "set SAYSO_SLACK__BOT_TOKEN" in ran.err
    assert not (tmp_path / "sayso.toml").exists()


async def _card(slack: LocalSlack, ana: Any, channel: Any, label: str) -> SeenMessage:
    def found() -> list[SeenMessage]:
        return [one for one in ana.messages(channel) for row in one.labels if label in row]

    await slack.until(lambda: bool(found()))
    return found()[-1]


async def _click(ana: Any, card: SeenMessage, label: str) -> None:
    while not (await (await ana.press(card, label)).result()).is_acknowledged:
        pass


async def test_a_person_sets_up_slack_and_presses_the_test_cards(tmp_path: Path) -> None:
    async with LocalSlack() as slack:
        ana = slack.add_person("Ana")
        channel = slack.add_channel("releases", [ana])
        given_before = {"SAYSO_SLACK__API_URL": slack.api_url}
        with TerminalSession(tmp_path, SAYSO, "init", width=200, **given_before) as terminal:
            shown = asyncio.to_thread
            await shown(terminal.wait_for, "Where do people answer?")
            terminal.type("slack")
            await shown(terminal.wait_for, "Bot token (xoxb-...):")
            terminal.type("xoxb-wrong")
            await shown(terminal.wait_for, "Slack refused it", "Bot token (xoxb-...):")
            terminal.type(slack.bot_token)
            await shown(terminal.wait_for, "App-level token (xapp-...):")
            terminal.type(slack.app_token)
            await shown(terminal.wait_for, "Channel", ":")
            terminal.type("nowhere")
            await shown(terminal.wait_for, "No channel #nowhere", "Channel", ":")
            terminal.type("#releases")
            await shown(terminal.wait_for, "You in Slack", ":")
            terminal.type("Ana")
            await shown(terminal.wait_for, "Wrote first_workflow.py and sayso.toml.")
            card = await _card(slack, ana, channel, "✅ Approve")
            await _click(ana, card, "✅ Approve")
            await shown(terminal.wait_for, "Ready.", "sayso serve")
            assert await shown(terminal.end) == 0
            assert "All connected. Next: run sayso serve" in ana.sees(card).text
            assert slack.bot_token not in terminal.text
            assert slack.app_token not in terminal.text
        assert slack.problems == []
    given = written(tmp_path)
    assert given["destinations"]["slack:#releases"] == {
        "id": channel.id,
        "audience": "members",
        "name": "#releases",
    }
    assert given["workflows"][0]["starters"] == [f"slack:{slack.team_id}:{ana.id}"]
    kept = tmp_path / given["slack"]["bot_token_file"]
    assert kept.read_text().strip() == slack.bot_token
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert (kept.parent / ".gitignore").read_text() == "*\n"


async def test_what_was_given_before_it_was_stopped_is_not_asked_again(tmp_path: Path) -> None:
    async with LocalSlack() as slack:
        ana = slack.add_person("Ana")
        slack.add_channel("releases", [ana])
        given_before = {"SAYSO_SLACK__API_URL": slack.api_url}
        with TerminalSession(
            tmp_path, SAYSO, "init", "--platform", "slack", width=200, **given_before
        ) as terminal:
            await asyncio.to_thread(terminal.wait_for, "Bot token (xoxb-...):")
            terminal.type(slack.bot_token)
            await asyncio.to_thread(terminal.wait_for, "App-level token (xapp-...):")
            terminal.press("c")
            await asyncio.to_thread(terminal.wait_for, "run `sayso init` again")
            assert await asyncio.to_thread(terminal.end) == 130
        ran = await asyncio.to_thread(
            sayso,
            tmp_path,
            *("init", "--platform", "slack", "--no-press"),
            *("--answer", "slack.channel=#releases", "--answer", "slack.person=Ana"),
            SAYSO_SLACK__API_URL=slack.api_url,
            SAYSO_SLACK__APP_TOKEN=slack.app_token,
        )
        assert ran.code == 0, ran.out + ran.err
    assert list(written(tmp_path)["slack"]) == ["bot_token_file"]


async def test_the_telegram_group_is_found_by_a_message_that_a_person_writes_there(tmp_path: Path) -> None:
    async with LocalTelegram() as telegram:
        bo = telegram.add_person("Bo")
        group = await telegram.add_group("Releases", [bo])
        given_before = {"SAYSO_TELEGRAM__API_URL": telegram.url, "SAYSO_TELEGRAM__TOKEN": telegram.token}
        with TerminalSession(
            tmp_path, SAYSO, "init", "--platform", "telegram", "--no-press", width=200, **given_before
        ) as terminal:
            said = await asyncio.to_thread(terminal.wait_for, "Waiting for that message.")
            words = re.search(r"/start@\S+ \w+", said)
            assert words is not None
            await bo.say(group, f"/start@{words[0].split()[0].partition('@')[2]} 000000x")
            await bo.say(group, words[0])
            await asyncio.to_thread(terminal.wait_for, "Ready.")
            assert await asyncio.to_thread(terminal.end) == 0
        assert telegram.problems == []
    given = written(tmp_path)
    assert given["destinations"] == {
        f"telegram:{group.id}": {"audience": [f"telegram:{bo.id}"], "name": "Releases"}
    }
    assert given["telegram"] == {}
    assert given["workflows"][0]["starters"] == [f"telegram:{bo.id}"]
