"""Who and what the demo's chats hold, and the settings that a service with these people and places has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sayso.bots.demo._release import CHANNEL, CHAT, COMMONS, TEAM_CHATS
from sayso.config import to_toml

if TYPE_CHECKING:
    from sayso.testing.slack import LocalSlack, Place, SlackPerson
    from sayso.testing.telegram import Group, LocalTelegram, Person

ROLES: Mapping[str, str] = {
    "Ana": "asks for the release",
    "Bo": "approver",
    "Chris": "approver",
    "Eve": "not an approver",
}
REQUESTER = "Ana"
TEAM = ("Ana", "Bo", "Chris")
"""Who is in the channel and in the group of the release team."""


@dataclass(frozen=True, slots=True)
class Cast:
    """The people and places of both chats, made where they are missing."""

    slack: LocalSlack
    telegram: LocalTelegram
    in_slack: Mapping[str, SlackPerson]
    in_telegram: Mapping[str, Person]
    channels: Mapping[str, Place]
    group: Group

    @classmethod
    async def gather(cls, slack: LocalSlack, telegram: LocalTelegram) -> Self:
        """Everybody in their places."""
        in_slack = {one.name: one for one in slack.people()}
        in_slack |= {name: slack.add_person(name) for name in ROLES if name not in in_slack}
        in_telegram = {one.name: one for one in telegram.people()}
        in_telegram |= {name: telegram.add_person(name) for name in ROLES if name not in in_telegram}
        channels = {one.name: one for one in slack.channels()}
        for place, names in ((CHANNEL, TEAM), (COMMONS, tuple(ROLES))):
            name = place.partition("#")[2]
            if name not in channels:
                channels[name] = slack.add_channel(name, [in_slack[one] for one in names])
        groups = telegram.groups() or [
            await telegram.add_group("Release team", [in_telegram[one] for one in TEAM])
        ]
        return cls(slack, telegram, in_slack, in_telegram, channels, groups[0])

    def accounts(self, name: str) -> tuple[str, ...]:
        """All accounts of somebody."""
        return (
            f"slack:{self.slack.team_id}:{self.in_slack[name].id}",
            f"telegram:{self.in_telegram[name].id}",
            f"web:{name.lower()}",
        )

    def write_settings(self, path: Path, database: Path, port: int) -> None:
        """Write a service's `sayso.toml`, without the tokens."""
        path.write_text("\n".join(self._lines(database, port)) + "\n", encoding="utf-8")

    @property
    def secrets(self) -> dict[str, str]:
        """The tokens, for the service's environment: they do not belong in a file of settings."""
        return {
            "SAYSO_SLACK__BOT_TOKEN": self.slack.bot_token,
            "SAYSO_SLACK__APP_TOKEN": self.slack.app_token,
            "SAYSO_TELEGRAM__TOKEN": self.telegram.token,
        }

    def _lines(self, database: Path, port: int) -> Iterator[str]:
        team = [account for name in TEAM for account in self.accounts(name)]
        yield "# Written by `sayso demo --chat`. The tokens are in the service's environment."
        yield f"database = {to_toml(str(database))}"
        yield from _table("http", port=port, public_url=f"http://127.0.0.1:{port}")
        yield from _table("slack", api_url=self.slack.api_url)
        yield from _table("telegram", api_url=self.telegram.url)
        yield f"\n[[workflows]]\nworkflow = {to_toml('release:workflow')}"
        yield f"starters = {to_toml(self.accounts(REQUESTER))}"
        for place, channel in ((CHANNEL, "releases"), (COMMONS, "general")):
            yield from _table(
                f"destinations.{to_toml(place)}",
                id=self.channels[channel].id,
                audience=team,
                name=f"#{channel}",
            )
        yield from _table(
            f"destinations.{to_toml(CHAT)}", id=str(self.group.id), audience=team, name=self.group.title
        )
        for name in ROLES:
            yield from _table(f"people.{name.lower()}", accounts=self.accounts(name), name=name)
        members = [name.lower() for name in TEAM]
        yield from _table("groups.release-team", members=members, to=TEAM_CHATS)
        yield from _table("policies.release", exclude_requester=True)
        yield 'stages = [{ approvers = ["group:release-team"], need = 2 }]'


def _table(table: str, **values: Any) -> Iterator[str]:
    yield f"\n[{table}]"
    yield from (f"{key} = {to_toml(value)}" for key, value in values.items())
