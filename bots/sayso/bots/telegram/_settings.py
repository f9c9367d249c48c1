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
        raise ValueError(f"no path; Telegram calls /telegram/webhook, so use {whole}")
    return given


_WebhookAddress = Annotated[Text, AfterValidator(_webhook)]


class TelegramSettings(Section):
    """The Telegram bot. Its token comes from the environment or from a file."""

    mode: Literal["polling", "webhook"] = Field(
        default="polling", description="How Telegram connects to sayso: polling or webhook."
    )
    token: SecretStr | None = Field(default=None, description="Bot token; environment only.")
    token_file: Path | None = Field(default=None, description="File with the bot token.")
    api_url: Address = Field(default="https://api.telegram.org", description="Address of the Bot API.")
    file_url: Address | None = Field(
        default=None, description="Address for file downloads. Default: file/ below the Bot API."
    )
    webhook_url: _WebhookAddress | None = Field(
        default=None, description="Public https address that Telegram calls in webhook mode."
    )
    webhook_secret: SecretStr | None = Field(
        default=None, description="Secret token of the webhook; environment only. Default: generated."
    )
    webhook_secret_file: Path | None = Field(default=None, description="File with the webhook secret.")
    chat_per_second: float = Field(default=1.0, gt=0, description="Maximum messages per second in a chat.")
    group_per_minute: int = Field(default=20, ge=1, description="Maximum messages per minute in a group.")
    all_per_second: int = Field(default=30, ge=1, description="Maximum messages per second, in total.")

    @model_validator(mode="after")
    def _webhook_needs_its_address(self) -> Self:
        if self.mode == "webhook" and self.webhook_url is None:
            raise ValueError("webhook mode needs webhook_url, the public https address that Telegram calls")
        return self
