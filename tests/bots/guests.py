"""A team's own bot with sayso as its guest, as the process that a test kills runs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from telegram import Update
from telegram.ext import TypeHandler

from sayso.bots import slack, telegram
from sayso.bots.answers import Answering
from sayso.bots.chats import Platform
from tests.bots.slack.team import Team
from tests.bots.telegram.team import AnyApplication, Weather, called, started


@dataclass(frozen=True)
class GuestTeam:
    """sayso as the team's bot has it, and the bot itself, which takes what comes while it is entered."""

    platform: Platform[Answering]
    serving: Callable[[], AbstractAsyncContextManager[None]]


def team_of(given: dict[str, Any]) -> GuestTeam:
    """The team's bot, as the test describes it: on `slack` or `telegram`, called at `port` where there is one. With
    `holds` a handler of the team's own, before sayso's, never ends.
    """
    port = given.get("port")
    if given["on"] == "slack":
        team = Team(given["bot_token"], given["api_url"], given["signing_secret"])
        platform = slack.guest(team.app)
        team.listen()
        return GuestTeam(
            platform, lambda: team.connected(given["app_token"]) if port is None else team.called(port)
        )
    application = Weather(given["token"], given["url"]).application(polls=port is None)
    if given.get("holds"):
        application.add_handler(TypeHandler(Update, _hold), -2000)
    return GuestTeam(telegram.guest(application), lambda: _running(application, port))


async def _hold(_: Update, __: object) -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def _running(application: AnyApplication, port: int | None) -> AsyncGenerator[None]:
    async with started(application):
        if port is None:
            yield
            return
        async with called(application, port):
            yield
