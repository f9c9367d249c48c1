"""Pigeon, a small chat, as a platform of sayso: how its people and places are written, and how it is set up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import Field, SecretStr

from sayso.config import Address, Place, Section

if TYPE_CHECKING:
    from sayso import config
    from sayso.bots.answers import Answering
    from sayso.bots.chats import Finding, Parts, Platform
    from sayso_pigeon._connection import PigeonConnection


class PigeonSettings(Section):
    """`[pigeon]` in sayso.toml, and `SAYSO_PIGEON__...` in the environment."""

    url: Address = Field(description="Address of the server.")
    token: SecretStr | None = Field(default=None, description="The bot's token; environment only.")
    token_file: Path | None = Field(default=None, description="A file that holds the bot's token.")
    posts_per_second: float = Field(
        default=1.0, gt=0, description="Maximum new messages per second in each place."
    )


class PigeonPlatform:
    """People are `pigeon:7`; places that several people read are `pigeon:roof`."""

    name = "pigeon"
    title = "Pigeon"
    example_person = "pigeon:7"
    example_place = "pigeon:roof"
    example_ids = ("7", "roof")
    place_forms = ("pigeon:ID",)
    command_prefix = "!"
    loggers = ("httpx", "httpcore")
    Settings = PigeonSettings
    group_id = None

    def is_person(self, rest: str) -> bool:
        """People have numbers, places have names."""
        return rest.isdecimal()

    def place(self, rest: str) -> Place:
        """Ids never change, so no place needs an `id` in the settings."""
        return Place(rest, is_direct=rest.isdecimal())

    def own_chats(self, rest: str) -> tuple[str, ...]:
        """A private chat has the name of its person."""
        return ()

    def group_words(self, group: str) -> str:
        """There are no groups, so nobody asks."""
        return group

    def build(self, parts: Parts) -> PigeonConnection:
        """Import here what only a service with `[pigeon]` needs."""
        from sayso_pigeon._connection import PigeonConnection

        return PigeonConnection(parts)

    async def check(self, settings: config.Settings) -> list[Finding]:
        """The findings of `sayso doctor`."""
        from sayso_pigeon._connection import check

        return await check(settings)


PIGEON: Final[Platform[Answering]] = PigeonPlatform()
