"""The chat platforms that settings ask for; each one's libraries are imported only if it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sayso.bots.chats import Finding
from sayso.bots.client import MissingExtra
from sayso.config import Settings

if TYPE_CHECKING:
    from sayso.bots.answers import Answering
    from sayso.bots.chats import Connection, Parts


def make_platforms(parts: Parts) -> list[Connection[Answering]]:
    """The connections of all configured platforms. Raises `InvalidSettings`, `MissingExtra`."""
    platforms: list[Connection[Answering]] = []
    if parts.settings.slack is not None:
        try:
            from sayso.bots.slack._bot import SlackConnection
        except ModuleNotFoundError as error:
            raise MissingExtra("[slack] in sayso.toml", "slack", error.name) from error
        platforms.append(SlackConnection(parts))
    if parts.settings.telegram is not None:
        try:
            from sayso.bots.telegram._bot import TelegramConnection
        except ModuleNotFoundError as error:
            raise MissingExtra("[telegram] in sayso.toml", "telegram", error.name) from error
        platforms.append(TelegramConnection(parts))
    return platforms


async def check_platforms(settings: Settings) -> list[Finding]:
    """What has to be mended on all configured platforms. Raises `InvalidSettings`, `MissingExtra`."""
    findings: list[Finding] = []
    if settings.slack is not None:
        try:
            from sayso.bots.slack._bot import check as check_slack
        except ModuleNotFoundError as error:
            raise MissingExtra("[slack] in sayso.toml", "slack", error.name) from error
        findings += await check_slack(settings)
    if settings.telegram is not None:
        try:
            from sayso.bots.telegram._bot import check as check_telegram
        except ModuleNotFoundError as error:
            raise MissingExtra("[telegram] in sayso.toml", "telegram", error.name) from error
        findings += await check_telegram(settings)
    return findings


def secrets_of(settings: Settings) -> list[str | None]:
    """Every secret that settings hold or name, so that none of them reaches a log."""
    from sayso.config import read_secret

    http = settings.http
    found = [read_secret(http.proxy_secret, http.proxy_secret_file, "http.proxy_secret")]
    if (slack := settings.slack) is not None:
        found += [
            read_secret(slack.bot_token, slack.bot_token_file, "slack.bot_token"),
            read_secret(slack.app_token, slack.app_token_file, "slack.app_token"),
            read_secret(slack.signing_secret, slack.signing_secret_file, "slack.signing_secret"),
        ]
    if (telegram := settings.telegram) is not None:
        found += [
            read_secret(telegram.token, telegram.token_file, "telegram.token"),
            read_secret(telegram.webhook_secret, telegram.webhook_secret_file, "telegram.webhook_secret"),
        ]
    return found
