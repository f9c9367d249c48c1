"""Telegram as a platform of sayso. Its library is imported where Telegram is configured alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, StringConstraints

from sayso.bots.telegram._settings import TelegramSettings
from sayso.config import Place, Text, needs_extra

if TYPE_CHECKING:
    from sayso import config
    from sayso.bots.chats import Finding, Parts, Questions, SetUp
    from sayso.bots.telegram._bot import TelegramConnection
    from sayso.bots.telegram._team import AnyApplication

_ID = re.compile(r"-?[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class Team:
    """A bot that a team has already, and whether sayso hands it updates, or is handed them."""

    application: AnyApplication
    is_host: bool


class TelegramPlatform:
    """Telegram, as its entry point names it; with a `team`, beside its bot."""

    name = "telegram"
    title = "Telegram"
    example_person = "telegram:7"
    example_place = "telegram:-100123"
    example_ids = ("123456", "-1001234567890")
    place_forms = ("telegram:ID",)
    command_prefix = "/"
    loggers = ("telegram", "httpx", "httpcore")
    Settings = TelegramSettings
    group_id = Annotated[
        Text,
        StringConstraints(pattern=r"^-\d{1,20}$"),
        Field(description="ID of a Telegram group, -1001234567890. Its administrators are members."),
    ]

    def __init__(self, team: Team | None = None) -> None:
        self._team = team

    def is_person(self, rest: str) -> bool:
        """People's ids are above zero, those of groups below (core.telegram.org/bots/api#chat)."""
        return rest.isdecimal()

    def group_words(self, group: str) -> str:
        """Of a group, Telegram tells who its administrators are."""
        return f"the administrators of Telegram's {group}"

    def place(self, rest: str) -> Place:
        """`-100123` is a group, `5` a person; `#alias` and `@alias` need an id."""
        if _ID.fullmatch(rest):
            return Place(rest, is_direct=not rest.startswith("-"))
        return Place(None, is_direct=rest.startswith("@"))

    def own_chats(self, rest: str) -> tuple[str, ...]:
        """People's chats are called as they are."""
        del rest
        return ()

    def build(self, parts: Parts) -> TelegramConnection:
        """See `Platform`."""
        with needs_extra("[telegram] in sayso.toml", "telegram"):
            from sayso.bots.telegram._bot import TelegramConnection
        return TelegramConnection(parts, self._team)

    async def check(self, settings: config.Settings) -> list[Finding]:
        """See `Platform`."""
        with needs_extra("[telegram] in sayso.toml", "telegram"):
            from sayso.bots.telegram._check import check
        return await check(settings)

    async def set_up(self, settings: config.Settings, questions: Questions) -> SetUp:
        """See `HasSetUp`."""
        with needs_extra("Telegram", "telegram"):
            from sayso.bots.telegram._set_up import set_up
        return await set_up(settings, questions)


TELEGRAM: Final = TelegramPlatform()


def guest(application: AnyApplication) -> TelegramPlatform:
    """Telegram for a sayso that is a guest in a python-telegram-bot application, of the token that the settings name.

    sayso takes presses of its own buttons and replies to its own messages, in a handler of group -1000 that blocks; all
    else is for the application's handlers, and so are commands, webhook and polling. Enter the `Sayso` before the
    application starts, and leave it after the application has stopped. Raises `ValueError` for an application whose bot
    has `arbitrary_callback_data`, which takes every button for its own.
    """
    bot: Any = application.bot
    if getattr(bot, "callback_data_cache", None) is not None:
        raise ValueError(
            "this application's bot has arbitrary_callback_data, which takes sayso's buttons for its own: "
            "leave it out, or have sayso be the host (sayso.bots.telegram.host)"
        )
    return TelegramPlatform(Team(application, is_host=False))


def host(application: AnyApplication) -> TelegramPlatform:
    """Telegram for a sayso that takes the updates of the token that the settings name, by polling or webhook, and puts
    what is not its own into the application's `update_queue`. Start the application, without an `Updater`, before the
    `Sayso` is entered, and stop it after the `Sayso` is left.
    """
    return TelegramPlatform(Team(application, is_host=True))
