"""Slack's table in sayso.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from sayso.config import Address, Section


class SlackSettings(Section):
    """The Slack app. Tokens come from the environment or from files."""

    mode: Literal["socket", "http"] = Field(
        default="socket",
        description="How Slack reaches sayso: socket (Socket Mode), or http (signed requests).",
    )
    bot_token: SecretStr | None = Field(
        default=None, description="The bot token, xoxb-...; environment only."
    )
    bot_token_file: Path | None = Field(default=None, description="A file that holds the bot token.")
    app_token: SecretStr | None = Field(
        default=None, description="The app-level token, xapp-..., for socket mode; environment only."
    )
    app_token_file: Path | None = Field(default=None, description="A file that holds the app-level token.")
    signing_secret: SecretStr | None = Field(
        default=None, description="The signing secret, for http mode; environment only."
    )
    signing_secret_file: Path | None = Field(
        default=None, description="A file that holds the signing secret."
    )
    api_url: Address = Field(default="https://slack.com/api/", description="Where Slack's Web API is.")
    connections: int = Field(
        default=2, ge=1, le=10, description="How many sockets are kept open in socket mode."
    )
    posts_per_second: float = Field(
        default=1.0, gt=0, description="How many new cards a channel gets a second at most."
    )
    updates_per_minute: int = Field(
        default=50, ge=1, description="How many cards are edited a minute at most, in all."
    )
