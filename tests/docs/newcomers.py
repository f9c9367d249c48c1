"""People who are new and follow a page against a local platform: they type what it shows, and do in their chat what the
terminal says.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Final

from sayso.testing.platform import FaultKind
from sayso.testing.slack import LocalSlack, Place, SlackPerson
from sayso.testing.slack import SeenMessage as SlackMessage
from sayso.testing.telegram import Group, LocalTelegram, Person

APPROVE: Final = "✅ Approve"
_OPENING = re.compile(r"/start@\w+ [0-9a-f]+")


class Newcomer(ABC):
    """A person with an account. `secrets` are what they type where the page shows nothing, by the question; `tokens`
    are the same as variables of the environment; `named` is what things are called here, by what the page calls them.
    """

    page: ClassVar[str]
    secrets: Mapping[str, str]
    tokens: Mapping[str, str]
    named: Mapping[str, str]
    environment: Mapping[str, str]

    def here(self, text: str) -> str:
        """What a text of the page is here."""
        for name, own in self.named.items():
            text = text.replace(name, own)
        return text

    async def heed(self, line: str, screen: str) -> None:
        """Do what the terminal asks for in this line, if it does; `screen` is all that it has shown."""
        del screen
        if line.startswith("Press Approve"):
            await self.press()

    @abstractmethod
    async def press(self) -> None:
        """Approve on the open card, and see on it that its workflow has ended."""

    @abstractmethod
    async def invite(self) -> None:
        """Have sayso in the chat."""

    @abstractmethod
    def make_app(self, manifest: Any) -> None:
        """Grant what a manifest asks for, and nothing else."""

    @property
    @abstractmethod
    def problems(self) -> list[str]:
        """What the platform found wrong with what sayso sent."""


class NewToSlack(Newcomer):
    """Somebody who may install apps, and a channel without sayso."""

    page = "set-up-slack.md"

    def __init__(self, slack: LocalSlack) -> None:
        self._slack = slack
        self._ana: SlackPerson = slack.add_person("Ana")
        self._channel: Place = slack.add_channel("releases", [self._ana], has_bot=False)
        self.secrets = {
            "Bot token (xoxb-...)": slack.bot_token,
            "App-level token (xapp-...)": slack.app_token,
        }
        self.tokens = {
            "SAYSO_SLACK__BOT_TOKEN": slack.bot_token,
            "SAYSO_SLACK__APP_TOKEN": slack.app_token,
        }
        self.named = {
            "Acme": "Local",
            "T0123456": slack.team_id,
            "U0123456": self._ana.id,
            "C0123456": self._channel.id,
        }
        self.environment = {"SAYSO_SLACK__API_URL": slack.api_url}

    def make_app(self, manifest: Any) -> None:
        """See `Newcomer`."""
        self._slack.scopes = ",".join(manifest["oauth_config"]["scopes"]["bot"])

    async def invite(self) -> None:
        """See `Newcomer`."""
        self._channel.add_bot()

    async def heed(self, line: str, screen: str) -> None:
        """See `Newcomer`."""
        await super().heed(line, screen)
        if line.startswith("Type /invite @sayso"):
            await self.invite()

    async def press(self) -> None:
        """See `Newcomer`."""
        await self._slack.until(lambda: bool(self._open()))
        card = self._open()[-1]
        while not (await (await self._ana.press(card, APPROVE)).result()).is_acknowledged:
            pass  # the card can be quicker than the socket
        await self._slack.until(lambda: _has_ended(self._ana.sees(card).text))

    def _open(self) -> list[SlackMessage]:
        return [one for one in self._ana.messages(self._channel) for row in one.labels if APPROVE in row]

    @property
    def problems(self) -> list[str]:
        """See `Newcomer`."""
        return self._slack.problems


class NewToTelegram(Newcomer):
    """Somebody who has made a bot, and a group without it."""

    page = "set-up-telegram.md"

    def __init__(self, telegram: LocalTelegram, group: Group, bo: Person, cho: Person) -> None:
        self._telegram, self._group, self._bo = telegram, group, bo
        self.secrets = {"Token of the bot": telegram.token}
        self.tokens = {"SAYSO_TELEGRAM__TOKEN": telegram.token}
        self.named = {
            "acme_sayso_bot": "sayso_bot",
            "telegram:1001": f"telegram:{bo.id}",
            "telegram:1002": f"telegram:{cho.id}",
            "-1001234567890": str(group.id),
        }
        self.environment = {"SAYSO_TELEGRAM__API_URL": telegram.url}

    async def invite(self) -> None:
        """See `Newcomer`."""
        await self._group.add_bot()

    def make_app(self, manifest: Any) -> None:
        """Telegram has no manifests."""
        raise NotImplementedError

    async def heed(self, line: str, screen: str) -> None:
        """See `Newcomer`."""
        await super().heed(line, screen)
        if "Add it to the group" in line:
            await self.invite()
        if line == "Waiting for that message.":
            await self._bo.say(self._group, _OPENING.findall(screen)[-1])

    async def press(self) -> None:
        """See `Newcomer`."""
        while True:
            revision = self._telegram.revision
            seen = [one for one in await self._bo.sees(self._group) for row in one.labels if APPROVE in row]
            if seen:
                break
            await self._changed(revision)
        await self._bo.press(seen[-1], APPROVE)
        while True:
            revision = self._telegram.revision
            if _has_ended((await self._bo.now(seen[-1])).text):
                return
            await self._changed(revision)

    async def _changed(self, revision: int) -> None:
        await self._telegram.until(lambda: self._telegram.revision != revision)

    @property
    def problems(self) -> list[str]:
        """See `Newcomer`."""
        return self._telegram.problems


def _has_ended(text: str) -> bool:
    return "Approved" in text and "finished" in text


@asynccontextmanager
async def new_to_slack() -> AsyncGenerator[Newcomer]:
    """Somebody new, and their Slack."""
    async with LocalSlack() as slack:
        yield NewToSlack(slack)


@asynccontextmanager
async def new_to_telegram() -> AsyncGenerator[Newcomer]:
    """Somebody new, and their Telegram, which has the first edit of a card wait."""
    async with LocalTelegram() as telegram:
        telegram.fail(FaultKind.TOO_MANY_REQUESTS, "editMessageText", retry_after=3)
        bo, cho = telegram.add_person("Bo"), telegram.add_person("Cho")
        group = await telegram.add_group("Releases", [bo, cho], has_bot=False)
        yield NewToTelegram(telegram, group, bo, cho)
