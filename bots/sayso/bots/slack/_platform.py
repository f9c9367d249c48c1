"""Slack as a platform of sayso. Slack's own libraries are imported where it is configured alone."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from sayso.bots.slack._settings import SlackSettings
from sayso.config import Place, Text

if TYPE_CHECKING:
    from sayso import config
    from sayso.bots.chats import Finding, Parts
    from sayso.bots.slack._bot import SlackConnection

_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,}")


class SlackPlatform:
    """Slack, as its entry point names it."""

    name = "slack"
    title = "Slack"
    example_person = "slack:T1:U2"
    example_place = "slack:#releases"
    example_ids = ("U0123456", "C0123456")
    place_forms = ("slack:#channel", "slack:@person")
    command_prefix = "/sayso "
    loggers = ("slack_bolt", "slack_sdk", "aiohttp")
    Settings = SlackSettings
    group_id = Annotated[
        Text,
        Field(description="The id of a Slack user group, S0123456: its members, as Slack says at the vote."),
    ]

    def is_person(self, rest: str) -> bool:
        """People are `TEAM:USER`; channels, and names that settings give, have one part."""
        team, _, user = rest.partition(":")
        return bool(team and user)

    def group_words(self, group: str) -> str:
        """A user group has members."""
        return f"the members of Slack's {group}"

    def place(self, rest: str) -> Place:
        """`#channel` and `@person` are aliases; `C0123`, `@U0123` and `T01:U0123` name the id."""
        team, colon, user = rest.partition(":")
        if colon and team and _USER.fullmatch(user):
            return Place(user, is_direct=True)
        if rest.startswith("@"):
            return Place(rest[1:] if _USER.fullmatch(rest[1:]) else None, is_direct=True)
        return Place(rest if _CHANNEL.fullmatch(rest) else None, is_direct=False)

    def own_chats(self, rest: str) -> tuple[str, ...]:
        """`slack:@U0123` needs no settings."""
        return (f"{self.name}:@{rest.rpartition(':')[2]}",)

    def build(self, parts: Parts) -> SlackConnection:
        """See `Platform`."""
        with _extra():
            from sayso.bots.slack._bot import SlackConnection
        return SlackConnection(parts)

    async def check(self, settings: config.Settings) -> list[Finding]:
        """See `Platform`."""
        with _extra():
            from sayso.bots.slack._check import check
        return await check(settings)


@contextmanager
def _extra() -> Generator[None]:
    from sayso.bots.client import MissingExtra

    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra("[slack] in sayso.toml", "slack", error.name) from error


SLACK: Final = SlackPlatform()
