"""Both local platforms with people in them, and the service in front, for the benchmarks of the chats."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from sayso.bots.service import Sayso
from sayso.bots.slack import SlackSettings
from sayso.bots.telegram import TelegramSettings
from sayso.config import DestinationSettings, HttpSettings, Settings
from sayso.engine import Runtime, Workflow, node, request_input
from sayso.testing import slack as local_slack
from sayso.testing import telegram as local_telegram
from sayso.testing.slack import LocalSlack, SlackLimits
from sayso.testing.telegram import LocalTelegram, TelegramLimits

CHANNEL = "slack:#bench"
QUICK_SLACK: dict[str, Any] = {"posts_per_second": 10_000.0, "updates_per_minute": 1_000_000}
QUICK_TELEGRAM: dict[str, Any] = {
    "chat_per_second": 10_000.0,
    "group_per_minute": 1_000_000,
    "all_per_second": 10_000,
}


@node
async def gate(shared: dict[str, Any]) -> None:
    """Ask what the run was started with."""
    shared["answer"] = await request_input(
        f"Release {shared['number']}?",
        options=["approve", "reject", "later"],  # each is one press: only an approval asks why
        input_type="select",
        request_id="gate",
        to=shared["to"],
    )


workflow = Workflow("bench", start=gate)


@dataclass
class Stage:
    """Ana and Bo, on both platforms."""

    slack: LocalSlack
    telegram: LocalTelegram
    in_slack: list[local_slack.SlackPerson]
    in_telegram: list[local_telegram.Person]
    channel: local_slack.Place
    group: local_telegram.Group
    database: Path
    quick: bool

    @property
    def group_name(self) -> str:
        """The group as a destination."""
        return f"telegram:{self.group.id}"

    def settings(self) -> Settings:
        """With the platforms' own limits, or as quick as it goes."""
        slack_people = tuple(f"slack:{self.slack.team_id}:{one.id}" for one in self.in_slack)
        telegram_people = tuple(f"telegram:{one.id}" for one in self.in_telegram)
        return Settings(
            database=str(self.database),
            time_zone="UTC",
            destinations={
                CHANNEL: DestinationSettings(id=self.channel.id, audience=slack_people),
                self.group_name: DestinationSettings(audience=telegram_people),
            },
            slack=SlackSettings(
                bot_token=SecretStr(self.slack.bot_token),
                app_token=SecretStr(self.slack.app_token),
                api_url=self.slack.api_url,
                **(QUICK_SLACK if self.quick else {}),
            ),
            telegram=TelegramSettings(
                token=SecretStr(self.telegram.token),
                api_url=self.telegram.url,
                **(QUICK_TELEGRAM if self.quick else {}),
            ),
            http=HttpSettings(port=0),
        )

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[Runtime]:
        """The service while inside; entered again, it has been restarted."""
        async with Sayso(self.settings(), workflows=[workflow]) as sayso:
            await self.slack.until(lambda: self.slack.connections == 2)
            await self.telegram.until(lambda: self.telegram.is_polled)
            yield sayso.runtime

    async def ask(self, runtime: Runtime, number: int, *places: str) -> str:
        """Start one run; its id."""
        return await runtime.start("bench", {"number": number, "to": list(places)}, f"run-{number}")


@asynccontextmanager
async def a_stage(folder: Path, *, quick: bool) -> AsyncGenerator[Stage]:
    """Both platforms while inside, with or without their limits."""
    async with (
        LocalSlack(limits=SlackLimits.unlimited() if quick else None) as slack,
        LocalTelegram(limits=TelegramLimits.unlimited() if quick else None) as telegram,
    ):
        in_slack = [slack.add_person(name) for name in ("Ana", "Bo")]
        in_telegram = [telegram.add_person(name) for name in ("Ana", "Bo")]
        channel = slack.add_channel("bench", in_slack)
        group = await telegram.add_group("Bench", in_telegram, supergroup=False)
        yield Stage(slack, telegram, in_slack, in_telegram, channel, group, folder / "bench.db", quick)
