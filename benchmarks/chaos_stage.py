"""Who and what plays in a chaos run: people of an Enterprise Grid and of Telegram, their places, and the questions."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.chaos_service import prompt_of
from benchmarks.chat_stage import QUICK_SLACK, QUICK_TELEGRAM
from sayso.testing import slack as local_slack
from sayso.testing import telegram as local_telegram
from sayso.testing.slack import LocalSlack, SlackLimits
from sayso.testing.telegram import LocalTelegram, TelegramLimits

ENTERPRISE = "E0LOCAL01"
CHANNELS, GROUPS = 6, 3
EXPIRES_AFTER = 5.0


@dataclass(eq=False)
class Human:
    """One person with the accounts that they have, who does one thing at a time."""

    name: str
    slack: local_slack.SlackPerson | None = None
    telegram: local_telegram.Person | None = None
    is_approver: bool = True
    organisation: str = ENTERPRISE
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def accounts(self) -> tuple[str, ...]:
        """Their accounts as the store writes them."""
        in_slack = [] if self.slack is None else [f"slack:{self.organisation}:{self.slack.id}"]
        return (*in_slack, *([] if self.telegram is None else [f"telegram:{self.telegram.id}"]))


@dataclass(eq=False)
class Question:
    """One question. `unsure` are those whose vote was handed over, or was to be: the trail has the result.
    `forged` are messages around it that are not sayso's, by their platform's number.
    """

    number: int
    channel: local_slack.Place | None
    group: local_telegram.Group | None
    need: int = 1
    requester: Human | None = None
    named: tuple[Human, ...] = ()
    seconds: float | None = None
    unsure: set[Human] = field(default_factory=set[Human])
    forged: set[str] = field(default_factory=set[str])
    shunned: set[str] = field(default_factory=set[str])
    is_attacked: bool = False
    seen_in_slack: local_slack.SeenMessage | None = None
    seen_in_telegram: local_telegram.SeenMessage | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def run_id(self) -> str:
        """The run that asks it."""
        return f"run-{self.number}"

    @property
    def prompt(self) -> str:
        """What it asks."""
        return prompt_of(self.number)

    def may(self, human: Human, value: str) -> bool | None:
        """Whether their answer counts; None where only the trail can tell."""
        if not human.is_approver:
            return False
        if human in self.unsure:
            return None
        if human is self.requester and value == "approve":
            # Two accounts of somebody who is unlinked are two people, as far as anybody can know.
            return None if len(human.accounts) > 1 else False
        return not self.named or human in self.named


@dataclass
class ChaosStage:
    """Both platforms and everybody on them. Lin links their accounts meanwhile, Zoe's are listed in the settings."""

    slack: LocalSlack
    telegram: LocalTelegram
    folder: Path
    approvers: list[Human]
    others: list[Human]
    channels: list[local_slack.Place]
    groups: list[local_telegram.Group]

    @property
    def database(self) -> Path:
        """The service's file."""
        return self.folder / "chaos.db"

    @property
    def log(self) -> Path:
        """Where steps leave a line."""
        return self.folder / "published"

    @property
    def lin(self) -> Human:
        """Who links and unlinks their accounts."""
        return next(one for one in self.approvers if one.name == "Lin")

    @property
    def zoe(self) -> Human:
        """Whose accounts are one person by the settings."""
        return next(one for one in self.approvers if one.name == "Zoe")

    def settings(self) -> dict[str, Any]:
        """What the service is started with."""
        places = {f"slack:#{one.name}": {"id": one.id, "audience": "members"} for one in self.channels}
        groups = {f"telegram:{one.id}": {"audience": "members"} for one in self.groups}
        return {
            "time_zone": "UTC",
            "destinations": places | groups,
            "people": {"zoe": {"accounts": self.zoe.accounts}},
            "slack": {
                "bot_token": self.slack.bot_token,
                "app_token": self.slack.app_token,
                "api_url": self.slack.api_url,
                **QUICK_SLACK,
            },
            "telegram": {"token": self.telegram.token, "api_url": self.telegram.url, **QUICK_TELEGRAM},
            "http": {"port": 0},
        }

    def question(self, number: int, chance: random.Random) -> Question:
        """A question of some kind, somewhere."""
        channel, group = self.channels[number % CHANNELS], self.groups[number % GROUPS]
        where = chance.random()
        asked = Question(
            number,
            None if where > 0.8 else channel,
            None if where < 0.2 else group,
            seconds=EXPIRES_AFTER if chance.random() < 0.12 else None,
        )
        match chance.choices(["first", "two", "four eyes", "named"], [35, 30, 20, 15])[0]:
            case "two":
                asked.need = 2
            case "four eyes":
                asked.requester, asked.need = chance.choice(self.approvers), chance.choice([1, 2])
            case "named":
                asked.channel, asked.group, asked.need = channel, group, 2
                asked.named = tuple(chance.sample([one for one in self.approvers if one is not self.lin], 3))
            case _:
                pass
        return asked

    def shared(self, asked: Question) -> dict[str, Any]:
        """What the run of a question is started with."""
        to = [] if asked.channel is None else [f"slack:#{asked.channel.name}"]
        to += [] if asked.group is None else [f"telegram:{asked.group.id}"]
        return {
            "number": asked.number,
            "change": f"{asked.number} commits & <{asked.number % 7}> migrations",
            "to": to,
            "approvers": [self.entry(one) for one in asked.named] or to,
            "need": asked.need,
            "four_eyes": asked.requester is not None,
            "seconds": asked.seconds,
            "log": str(self.log),
        }

    def entry(self, human: Human) -> str:
        """Somebody as a policy names them."""
        return "person:zoe" if human is self.zoe else human.accounts[0]


@asynccontextmanager
async def a_chaos_stage(folder: Path, *, is_org_wide: bool) -> AsyncGenerator[ChaosStage]:
    """Both platforms while inside, without their limits."""
    async with (
        LocalSlack(limits=SlackLimits.unlimited(), enterprise=ENTERPRISE, is_org_wide=is_org_wide) as slack,
        LocalTelegram(limits=TelegramLimits.unlimited()) as telegram,
    ):
        at_home = {"Ana": None, "Bo": "T0LOCAL02", "Cho": "T0LOCAL03", "Lin": "T0LOCAL02", "Zoe": None}
        approvers = [Human(name, slack.add_person(name, team=team)) for name, team in at_home.items()]
        for human in approvers:
            if human.name in ("Lin", "Zoe"):
                human.telegram = telegram.add_person(human.name)
        approvers += [Human(name, telegram=telegram.add_person(name)) for name in ("Fay", "Gus", "Hal")]
        stranger = slack.add_person("Max", organisation="T0OTHER01")
        others = [
            Human("Max", stranger, is_approver=False, organisation="T0OTHER01"),
            Human("Guy", slack.add_person("Guy", is_restricted=True), is_approver=False),
            Human("Eve", slack.add_person("Eve"), is_approver=False),
        ]
        present = [one.slack for one in [*approvers, *others[:2]] if one.slack is not None]
        in_telegram = [one.telegram for one in approvers if one.telegram is not None]
        channels = [slack.add_channel(f"team-{at}", present) for at in range(CHANNELS)]
        groups = [
            await telegram.add_group(f"Team {at}", in_telegram, supergroup=False) for at in range(GROUPS)
        ]
        for group in groups:
            await group.promote_bot()
        for person in in_telegram:
            await person.start()
        yield ChaosStage(slack, telegram, folder, approvers, others, channels, groups)
