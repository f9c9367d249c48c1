"""Slack as a platform of sayso. Slack's own libraries are imported where it is configured alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from sayso.bots.slack._settings import SlackSettings
from sayso.config import Place, Text, needs_extra

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncApp

    from sayso import config
    from sayso.bots.chats import Finding, Parts, Questions, SetUp
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
        Field(
            description="ID of a Slack user group, S0123456. Its members are checked with Slack at each vote."
        ),
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
        with needs_extra("[slack] in sayso.toml", "slack"):
            from sayso.bots.slack._bot import SlackConnection
        return SlackConnection(parts)

    async def check(self, settings: config.Settings) -> list[Finding]:
        """See `Platform`."""
        with needs_extra("[slack] in sayso.toml", "slack"):
            from sayso.bots.slack._check import check
        return await check(settings)

    async def set_up(self, settings: config.Settings, questions: Questions) -> SetUp:
        """See `HasSetUp`."""
        with needs_extra("Slack", "slack"):
            from sayso.bots.slack._set_up import set_up
        return await set_up(settings, questions)


class SlackGuest(SlackPlatform):
    """Slack through a team's own Bolt app; see `guest`."""

    def __init__(self, app: AsyncApp) -> None:
        with needs_extra("[slack] in sayso.toml", "slack"):
            from sayso.bots.slack._guest import Guest
        self._guest = Guest(app)

    def build(self, parts: Parts) -> SlackConnection:
        """See `Platform`. Of the tokens the bot's alone is needed."""
        from sayso.bots.slack._bot import SlackConnection

        return SlackConnection(parts, guest=self._guest)


class SlackHost(SlackPlatform):
    """Slack, with a team's own Bolt app behind it; see `host`."""

    def __init__(self, app: AsyncApp) -> None:
        self._app = app

    def build(self, parts: Parts) -> SlackConnection:
        """See `Platform`."""
        with needs_extra("[slack] in sayso.toml", "slack"):
            from sayso.bots.slack._bot import SlackConnection
        return SlackConnection(parts, others=self._app)


def guest(app: AsyncApp) -> SlackGuest:
    """The platform for a `Sayso` that is a guest in a team's own Bolt app, which keeps its sockets or its address.

    Adds a middleware to `app`: call it before you add your own, and once. It takes what people do with sayso's cards
    and modals and leaves Home, commands, events and everything else to `app`. Cards are sent with `slack.bot_token`,
    which has to be the token of the same Slack app. docs/how-to/own-bot.md says what a guest can lose. Raises
    `MissingExtra`.
    """
    return SlackGuest(app)


def host(app: AsyncApp) -> SlackHost:
    """The platform for a `Sayso` that keeps the sockets or the address, by its settings, and hands on to `app` whatever
    is not its own: it keeps its cards, its modals, its command and the Home tab. Do not start `app`; its listeners
    answer by the way the payload came.
    """
    return SlackHost(app)


SLACK: Final = SlackPlatform()
