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
        description="How Slack connects to sayso: socket (Socket Mode) or http (signed requests).",
    )
    bot_token: SecretStr | None = Field(default=None, description="Bot token, xoxb-...; environment only.")
    bot_token_file: Path | None = Field(default=None, description="File with the bot token.")
    app_token: SecretStr | None = Field(
        default=None, description="App-level token, xapp-..., for socket mode; environment only."
    )
    app_token_file: Path | None = Field(default=None, description="File with the app-level token.")
    signing_secret: SecretStr | None = Field(
        default=None, description="Signing secret, for http mode; environment only."
    )
    signing_secret_file: Path | None = Field(default=None, description="File with the signing secret.")
    api_url: Address = Field(default="https://slack.com/api/", description="Address of Slack's Web API.")
    connections: int = Field(default=2, ge=1, le=10, description="Number of connections in socket mode.")
    posts_per_second: float = Field(
        default=1.0, gt=0, description="Maximum new cards per second in a channel."
    )
    updates_per_minute: int = Field(default=50, ge=1, description="Maximum card edits per minute, in total.")
