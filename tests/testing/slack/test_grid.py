"""Enterprise Grid, org-wide installs and shared channels, as Slack describes them to an app."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from sayso.testing.slack import LocalSlack, SlackPress
from tests.testing.slack.client import Client

ENTERPRISE, HOME = "E0LOCAL01", "T0LOCAL02"
CARD = [
    {
        "type": "actions",
        "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "a"}],
    }
]


def where(press: SlackPress) -> dict[str, Any]:
    """What a payload says of who did it and where."""
    payload = press.payload
    return {
        "home": payload["user"]["team_id"],
        "team": payload["team"] and payload["team"]["id"],
        "of": payload["team"] and payload["team"].get("enterprise_id"),
        "enterprise": payload["enterprise"] and payload["enterprise"]["id"],
        "org_wide": payload["is_enterprise_install"],
    }


@pytest.mark.parametrize("is_org_wide", [False, True])
async def test_each_kind_of_payload_names_something_else(
    session: aiohttp.ClientSession, *, is_org_wide: bool
) -> None:
    """A press the home workspace, a command the one in which it was typed, a modal the enterprise within its team, and
    an org-wide install no workspace.
    """
    async with LocalSlack(enterprise=ENTERPRISE, is_org_wide=is_org_wide) as slack:
        client = Client(slack, session)
        ana = slack.add_person("Ana", team=HOME)
        channel = slack.add_channel("releases", [ana])
        await client.ok("chat.postMessage", channel=channel.id, text="x", blocks=CARD)
        press = await ana.press(ana.last(channel), "Go")
        view: dict[str, Any] = {
            "type": "modal",
            "title": {"type": "plain_text", "text": "x"},
            "callback_id": "c",
            "blocks": [{"type": "divider"}],
            "submit": {"type": "plain_text", "text": "Send"},
        }
        await client.ok("views.open", trigger_id=press.payload["trigger_id"], view=view)
        submission = await ana.submit({})
        command = await ana.command("/sayso", "help", channel)
        team = None if is_org_wide else slack.team_id
        of = None if is_org_wide else ENTERPRISE
        around = {"home": HOME, "team": team, "of": of, "org_wide": is_org_wide}
        assert where(press) == {**around, "enterprise": ENTERPRISE}
        assert where(submission) == {**around, "enterprise": ENTERPRISE if is_org_wide else None}
        typed = command.payload
        assert (typed["team_id"], typed["enterprise_id"]) == (slack.team_id, ENTERPRISE)
        assert typed["is_enterprise_install"] == str(is_org_wide).lower()
        assert slack.problems == [], "what the server sends is as Slack describes it"


async def test_an_app_hears_of_its_own_enterprise_and_of_everybodys(session: aiohttp.ClientSession) -> None:
    async with LocalSlack(enterprise=ENTERPRISE) as slack:
        client = Client(slack, session)
        me = await client.ok("auth.test")
        assert (me["team_id"], me["enterprise_id"], me["is_enterprise_install"]) == (
            slack.team_id, ENTERPRISE, False,
        )  # fmt: skip
        ana, cho = slack.add_person("Ana", team=HOME), slack.add_person("Cho", organisation="T0OTHER01")
        user = (await client.ok("users.info", user=ana.id))["user"]
        assert user["team_id"] == HOME
        assert user["enterprise_user"]["enterprise_id"] == ENTERPRISE
        assert set(user["enterprise_user"]["teams"]) == {HOME, slack.team_id}
        other = (await client.ok("users.info", user=cho.id))["user"]
        assert (other["team_id"], other["is_stranger"]) == ("T0OTHER01", False), "they share a channel"
        assert "enterprise_user" not in other


async def test_without_an_enterprise_nothing_is_said_of_one(client: Client, slack: LocalSlack) -> None:
    ana = slack.add_person("Ana")
    assert "enterprise_id" not in await client.ok("auth.test")
    assert "enterprise_user" not in (await client.ok("users.info", user=ana.id))["user"]
    command = await ana.command("/sayso", "help")
    assert "enterprise_id" not in command.payload
