"""Telegram's table in sayso.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from sayso.config import Address, Section, Text, split_address


def _webhook(given: str) -> str:
    parts = split_address(given, "https://sayso.example.org/telegram/webhook")
    if not parts.path.strip("/"):
        whole = f"{given.rstrip('/')}/telegram/webhook"
        raise ValueError(
            f"its path is missing; Telegram must reach /telegram/webhook here, such as by {whole}"
        )
    return given


_WebhookAddress = Annotated[Text, AfterValidator(_webhook)]


class TelegramSettings(Section):
    """The Telegram bot. Its token comes from the environment or from a file."""

    mode: Literal["polling", "webhook"] = Field(
        default="polling", description="How Telegram reaches sayso: polling, or webhook."
    )
    token: SecretStr | None = Field(default=None, description="The bot's token; environment only.")
    token_file: Path | None = Field(default=None, description="A file that holds the bot's token.")
    api_url: Address = Field(default="https://api.telegram.org", description="Where the Bot API is.")
    file_url: Address | None = Field(
        default=None, description="Where files are; unset, file/ below the Bot API."
    )
    webhook_url: _WebhookAddress | None = Field(
        default=None, description="The public https address that Telegram calls in webhook mode."
    )
    webhook_secret: SecretStr | None = Field(
        default=None, description="The secret token of the webhook; environment only. Unset, one is made."
    )
    webhook_secret_file: Path | None = Field(
        default=None, description="A file that holds the webhook's secret."
    )
    chat_per_second: float = Field(
        default=1.0, gt=0, description="How many messages a chat gets a second at most."
    )
    group_per_minute: int = Field(
        default=20, ge=1, description="How many messages a group gets a minute at most."
    )
    all_per_second: int = Field(
        default=30, ge=1, description="How many messages are sent a second at most, in all."
    )

    @model_validator(mode="after")
    def _webhook_needs_its_address(self) -> Self:
        if self.mode == "webhook" and self.webhook_url is None:
            raise ValueError("webhook mode needs webhook_url, the public https address that Telegram calls")
        return self
