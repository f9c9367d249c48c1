"""`sayso doctor` against local platforms: each thing that keeps questions from people is named, with what to do."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sayso.testing import telegram as local_telegram
from sayso.testing.slack import LocalSlack, Place, SeenMessage
from sayso.testing.telegram import Group, LocalTelegram
from tests.bots.command import DEADLINE, Ran, environment, sayso


class Office:
    """A channel and a group, and a configuration that names both."""

    def __init__(self, folder: Path, slack: LocalSlack, telegram: LocalTelegram) -> None:
        self.folder, self.slack, self.telegram = folder, slack, telegram
        self.ana = slack.add_person("Ana")
        self.channel: Place = slack.add_channel("releases", [self.ana])
        self.bo = telegram.add_person("Bo")
        self.tokens = {
            "SAYSO_SLACK__BOT_TOKEN": slack.bot_token,
            "SAYSO_SLACK__APP_TOKEN": slack.app_token,
            "SAYSO_TELEGRAM__TOKEN": telegram.token,
        }
        self.group: Group | None = None

    async def open(self) -> None:
        """Make the group, with the bot as administrator, and write sayso.toml."""
        self.group = await self.telegram.add_group("Releases", [self.bo])
        await self.group.promote_bot()
        (self.folder / "sayso.toml").write_text(f"""
[slack]
api_url = "{self.slack.api_url}"

[telegram]
api_url = "{self.telegram.url}"

[destinations."slack:#releases"]
id = "{self.channel.id}"
audience = "members"

[destinations."telegram:{self.group.id}"]
audience = "members"
""")

    async def doctor(self) -> tuple[int, dict[str, dict[str, Any]]]:
        """The exit code, and what was found by its subject."""
        ran = await asyncio.to_thread(sayso, self.folder, "doctor", "--json", **self.tokens)
        assert not any(token in ran.out + ran.err for token in self.tokens.values())
        return ran.code, {one["subject"]: one for one in ran.json["findings"]}


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """An office where everything is as it should be."""
    async with LocalSlack() as slack, LocalTelegram() as telegram:
        office = Office(tmp_path, slack, telegram)
        await office.open()
        yield office
        assert (slack.problems, telegram.problems) == ([], [])


async def test_where_nothing_is_wrong_it_says_so_of_everything(office: Office) -> None:
    code, found = await office.doctor()
    assert (code, [one["subject"] for one in found.values() if not one["good"]]) == (0, [])
    assert found["Slack scopes"]["what"] == "all granted"
    assert found["slack:#releases"]["what"] == "the app is in #releases"


@pytest.mark.parametrize(
    ("starters", "words"),
    [
        ([], "nobody can start it from a chat or the inbox"),
        (["web:ana"], "1 person can start it from a chat or the inbox"),
        (["web:ana", "slack:T1:U2"], "2 people can start it from a chat or the inbox"),
    ],
)
def test_who_can_start_a_workflow_is_counted(tmp_path: Path, starters: list[str], words: str) -> None:
    (tmp_path / "shop.py").write_text(
        "from sayso.engine import Workflow, node\n\n\n@node\nasync def sell(shared):\n    pass\n\n\n"
        "shop = Workflow('shop', start=sell)\n"
    )
    (tmp_path / "sayso.toml").write_text(f'[[workflows]]\nworkflow = "shop:shop"\nstarters = {starters}\n')
    found = sayso(tmp_path, "doctor", "--json").json["findings"]
    assert {"shop; " + words} <= {one["what"] for one in found}


def test_where_nothing_is_set_up_it_says_how_to_begin(tmp_path: Path) -> None:
    ran = sayso(tmp_path, "doctor", "--json")
    (found,) = ran.json["findings"]
    assert (ran.code, found["subject"], found["good"]) == (1, "sayso.toml", False)
    assert "`sayso init`" in found["remedy"]


def test_a_service_without_workflows_is_right_for_programs_that_ask(tmp_path: Path) -> None:
    (tmp_path / "sayso.toml").write_text('operator = "web:ana"\n')
    ran = sayso(tmp_path, "doctor")
    assert ran.code == 0
    assert "note  workflows  none in sayso.toml; programs can ask (sayso ask, agents, the API)" in ran.out


async def test_it_needs_no_more_than_the_libraries_of_the_chats(office: Office) -> None:
    """The extra `web` is for the service alone."""
    web = ("fastapi", "jinja2", "prometheus_client", "starlette", "structlog", "uvicorn")
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({web})); from sayso.bots.cli import main; "
        "main(['doctor', '--json'])"
    )
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", code],
        cwd=office.folder,
        env=environment(**office.tokens),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    found = {one["subject"] for one in json.loads(done.stdout)["findings"]}
    assert {"Slack scopes", "slack:#releases"} <= found


async def test_wrong_tokens_are_named_with_the_place_where_right_ones_are(office: Office) -> None:
    office.tokens |= {"SAYSO_SLACK__BOT_TOKEN": "xoxb-wrong", "SAYSO_TELEGRAM__TOKEN": "1:wrong"}
    code, found = await office.doctor()
    assert code == 1
    assert "invalid_auth" in found["Slack bot token"]["what"]
    assert "OAuth & Permissions" in found["Slack bot token"]["remedy"]
    assert "@BotFather" in found["Telegram token"]["remedy"]


async def test_an_app_level_token_that_opens_no_socket_is_named(office: Office) -> None:
    office.tokens["SAYSO_SLACK__APP_TOKEN"] = "xapp-wrong"
    code, found = await office.doctor()
    assert code == 1
    assert "connections:write" in found["Slack app-level token"]["remedy"]


async def test_a_scope_that_is_missing_is_named(office: Office) -> None:
    office.slack.scopes = ",".join(one for one in office.slack.scopes.split(",") if one != "commands")
    code, found = await office.doctor()
    assert code == 1
    assert found["Slack scopes"]["what"] == "missing from the bot token: commands"
    assert "sayso manifest slack" in found["Slack scopes"]["remedy"]


async def test_chats_that_the_bot_is_not_in_are_named(office: Office) -> None:
    assert office.group is not None
    office.channel.remove_bot()
    await office.group.kick_bot()
    code, found = await office.doctor()
    assert code == 1
    assert found["slack:#releases"]["remedy"] == "Invite it there: /invite @sayso"
    group = found[f"telegram:{office.group.id}"]
    assert (group["good"], group["remedy"]) == (False, "Add the bot to the group.")


async def test_members_cannot_be_looked_up_by_a_bot_that_is_no_administrator(office: Office) -> None:
    assert office.group is not None
    await office.group.kick_bot()
    await office.group.add_bot()
    code, found = await office.doctor()
    assert code == 1
    assert "Make it an administrator" in found[f"telegram:{office.group.id}"]["remedy"]


async def test_groups_are_looked_up_as_a_vote_would(office: Office) -> None:
    assert office.group is not None
    group = office.slack.add_user_group("sre", [office.ana])
    with (office.folder / "sayso.toml").open("a") as settings:
        settings.write(
            f'[groups.sre]\nslack = "{group.id}"\n[groups.admins]\ntelegram = "{office.group.id}"\n'
        )
    _, found = await office.doctor()
    assert found["group:sre"]["what"] == f"Slack's {group.id} has 1 member"
    assert found["group:admins"]["what"] == f"Telegram's {office.group.id} has 1 administrator"
    group.disable()
    code, found = await office.doctor()
    assert code != 0
    assert "no_such_subteam" in found["group:sre"]["what"]


@pytest.mark.parametrize("enterprise", [None, "E0LOCAL01"])
async def test_how_people_are_written_is_said_and_who_matches_nobody(
    tmp_path: Path, enterprise: str | None
) -> None:
    """Whoever writes the settings sees which form Slack has, and which entries can never be anybody."""
    async with LocalSlack(enterprise=enterprise) as slack, LocalTelegram() as telegram:
        office = Office(tmp_path, slack, telegram)
        await office.open()
        ana, organisation = office.ana.id, enterprise or slack.team_id
        right = [f"slack:{one}:{ana}" for one in dict.fromkeys([organisation, slack.team_id])]
        wrong = [f"slack:T0OTHER01:{ana}", "slack:@ana", f"slack:{ana}", f"slack:{organisation}:U0NOBODY1"]
        with (tmp_path / "sayso.toml").open("a") as settings:
            settings.write(f"[http]\noperators = {[*right, *wrong]}\n".replace("'", '"'))
        code, found = await office.doctor()
        assert found["Slack people"]["what"].startswith(f"they are written slack:{organisation}:USER")
        assert f"slack:{organisation}:{slack.bot_user_id}" in found["Slack people"]["what"]
        assert code == 1
        assert [found[one]["good"] for one in right] == [True] * len(right)
        assert [found[one]["good"] for one in wrong] == [False] * len(wrong)
        assert found[wrong[0]]["remedy"] == f"Use {right[0]}."
        assert (slack.problems, telegram.problems) == ([], [])


async def card_with(office: Office, label: str) -> SeenMessage:
    """The card in the channel that has this button, once there is one."""

    def found() -> list[SeenMessage]:
        return [one for one in office.ana.messages(office.channel) for row in one.labels if label in row]

    await office.slack.until(lambda: bool(found()))
    return found()[-1]


def trying(office: Office, place: str = "slack:#releases") -> asyncio.Task[Ran]:
    command = ("doctor", "--press", place, "--wait", "60s", "--json")
    return asyncio.create_task(asyncio.to_thread(sayso, office.folder, *command, **office.tokens))


async def click(office: Office, card: SeenMessage, label: str) -> None:
    """Press, and again where Slack says that nobody was there yet: the card can be quicker than the sockets."""
    while not (await (await office.ana.press(card, label)).result()).is_acknowledged:
        pass


async def test_presses_and_typed_answers_are_tried_on_the_platform_itself(office: Office) -> None:
    ran = trying(office)
    card = await card_with(office, "❌ No")
    await click(office, card, "❌ No")
    await office.slack.until(lambda: office.ana.sees(card).version > 1)
    await click(office, card, "✅ Yes")
    other = await card_with(office, "✍️ Answer")
    await click(office, other, "✍️ Answer")
    await office.slack.until(lambda: office.ana.view is not None and office.ana.view.submit is not None)
    await (await office.ana.submit({"Your answer": "green"})).result()
    done = await ran
    assert {one["subject"]: one["good"] for one in done.json["findings"]} == {
        "presses": True,
        "typed answers": True,
    }
    assert done.code == 0


async def test_the_same_is_tried_in_telegram(office: Office) -> None:
    assert office.group is not None

    async def shown(label: str) -> local_telegram.SeenMessage:
        """The message in the group that has this button, once there is one."""
        while True:
            revision = office.telegram.revision
            for seen in reversed(await office.bo.sees(office.group)):
                if any(label in row for row in seen.labels):
                    return seen
            await office.telegram.until(lambda: office.telegram.revision != revision)  # noqa: B023 - awaited at once

    ran = trying(office, f"telegram:{office.group.id}")
    card = await shown("❌ No")
    await office.bo.press(card, "❌ No")
    while (await office.bo.now(card)).version == card.version:
        revision = office.telegram.revision
        await office.telegram.until(lambda: office.telegram.revision != revision)  # noqa: B023 - awaited at once
    await office.bo.press(card, "✅ Yes")
    other = await shown("✍️ Answer")
    sent = len(office.telegram.calls_of("sendMessage"))
    await office.bo.press(other, "✍️ Answer")
    await office.telegram.until(lambda: len(office.telegram.calls_of("sendMessage")) > sent)
    await office.bo.reply(await office.bo.last(office.group), "green")
    done = await ran
    assert {one["subject"]: one["good"] for one in done.json["findings"]} == {
        "presses": True,
        "typed answers": True,
    }
    assert done.code == 0


async def test_what_differs_between_an_answer_and_a_press_is_named(office: Office) -> None:
    """As if the workspace gave messages back in a form of its own."""
    ran = trying(office)
    card = await card_with(office, "❌ No")
    blocks = office.slack.calls_of("chat.postMessage")[-1].parameters["blocks"]
    given = json.loads(blocks) if isinstance(blocks, str) else blocks
    body = {"channel": card.channel, "ts": card.ts, "text": "-", "blocks": [given[0], *given]}
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {office.slack.bot_token}"}) as client:
        assert (await client.post(f"{office.slack.api_url}chat.update", json=body)).json()["ok"]
    await click(office, card, "❌ No")
    done = await ran
    (found,) = done.json["findings"]
    assert found["subject"] == "presses"
    assert "text" in found["what"]
    assert done.code == 1


async def test_presses_are_not_tried_at_a_place_that_nobody_configured(office: Office) -> None:
    ran = await asyncio.to_thread(
        sayso, office.folder, "doctor", "--press", "slack:#nowhere", **office.tokens
    )
    assert ran.code != 0
    assert "is not configured" in ran.err
