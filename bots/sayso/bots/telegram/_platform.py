"""Telegram as a platform of sayso. Its library is imported where Telegram is configured alone."""

from __future__ import annotations

from typing import Final


class TelegramPlatform:
    """Telegram, as its entry point names it."""

    name = "telegram"
    title = "Telegram"
    example_person = "telegram:7"
    example_place = "telegram:-100123"

    def is_person(self, rest: str) -> bool:
        """People's ids are above zero, those of groups below (core.telegram.org/bots/api#chat)."""
        return rest.isdecimal()


TELEGRAM: Final = TelegramPlatform()
