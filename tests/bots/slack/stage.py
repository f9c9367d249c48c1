"""People, a channel and a service: what the tests of the Slack bot play on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from sayso.bots.answers import Answering
from sayso.bots.chats import Platform
from sayso.bots.slack import SlackSettings
from sayso.config import DestinationSettings, HttpSettings, Settings
from sayso.testing.slack import LocalSlack, Place, PressResult, SeenMessage, SeenView, SlackPerson
from tests.bots.chat_service import ChatService, chat_service
from tests.bots.rejecting import modal_of, reject_in_slack
from tests.bots.waiting import shown

PLACE = "slack:#releases"


@dataclass
class Stage:
    """Ana and Bo are in the channel, Eve is not."""

    slack: LocalSlack
    database: Path
    ana: SlackPerson
    bo: SlackPerson
    eve: SlackPerson
    channel: Place
    settings: Settings
    current: ChatService | None = None
    starters: frozenset[str] | None = None

    @classmethod
    def build(cls, platform: LocalSlack, database: Path, **more: Any) -> Stage:
        ana, bo, eve = (platform.add_person(name) for name in ("Ana", "Bo", "Eve"))
        stage = cls(platform, database, ana, bo, eve, platform.add_channel("releases", [ana, bo]), Settings())
        stage.settings = stage.make_settings(**more)
        return stage

    def make_settings(self, **more: Any) -> Settings:
        slack: dict[str, Any] = {
            "bot_token": SecretStr(self.slack.bot_token),
            "app_token": SecretStr(self.slack.app_token),
            "signing_secret": SecretStr(self.slack.signing_secret),
            "api_url": self.slack.api_url,
            "posts_per_second": 1000.0,
            "updates_per_minute": 100_000,
        }
        slack |= more.pop("slack", {})
        place = DestinationSettings(
            id=self.channel.id, audience=more.pop("audience", "members"), name="#releases"
        )
        return Settings(
            time_zone="UTC",
            destinations={PLACE: place},
            slack=SlackSettings(**slack),
            http=HttpSettings(port=0),
            **more,
        )

    def person_id(self, person: SlackPerson) -> str:
        """Somebody as the store knows them."""
        return f"slack:{self.slack.organisation_id}:{person.id}"

    @property
    def service(self) -> ChatService:
        """The service that runs now."""
        assert self.current is not None
        return self.current

    @asynccontextmanager
    async def running(
        self, connections: int = 2, platforms: Sequence[Platform[Answering]] | None = None
    ) -> AsyncGenerator[ChatService]:
        """The service while inside; entered again, it has been restarted."""
        starters = frozenset({self.person_id(self.ana)}) if self.starters is None else self.starters
        async with chat_service(
            self.database, self.settings, starters=starters, platforms=platforms
        ) as service:
            self.current = service
            slack_settings = self.settings.section(SlackSettings)
            assert slack_settings is not None
            if slack_settings.mode == "http":
                self.slack.request_url = f"{service.url}/slack/events"
            else:
                await self.slack.until(lambda: self.slack.connections == connections)
            yield service
        self.current = None

    async def ask(self, *to: str, **question: Any) -> tuple[str, SeenMessage]:
        """Have something asked in the channel, or where it is said; the run, and the card as Ana sees it."""
        run_id = await self.service.ask(list(to) or [PLACE], **question)
        sent = await self.service.sent(run_id)
        seen = (one for one in self.ana.messages(self.channel) if one.ts in sent)
        return run_id, next(seen, None) or self.ana.last(self.channel)

    def count(self) -> int:
        """How many messages the bot has sent."""
        return len(self.slack.calls_of("chat.postMessage"))

    async def press(
        self, person: SlackPerson, card: SeenMessage, label: str, *, old_view: bool = False
    ) -> tuple[PressResult, str]:
        """Press a button; whether it was acknowledged, and what the person was told in private."""
        place = self.place_of(card)
        before = len(person.words(place))
        result = await (await person.press(card, label, old_view=old_view)).result()
        return result, await self.told(person, before, place)

    async def modal(self, person: SlackPerson, card: SeenMessage, label: str = "❌ reject") -> SeenView:
        """Press a button that opens a modal; the modal, once it asks."""
        return await modal_of(self.slack, person, card, label)

    async def reject(
        self, person: SlackPerson, card: SeenMessage, label: str = "❌ reject", reason: str = ""
    ) -> str:
        """Reject with a reason, or without one; what the modal says then."""
        return await reject_in_slack(self.slack, person, card, label, reason)

    async def told(self, person: SlackPerson, before: int, place: Place | None) -> str:
        """The next private word behind so many."""
        await self.slack.until(lambda: len(person.words(place)) > before)
        return person.words(place)[before]

    def place_of(self, card: SeenMessage) -> Place | None:
        """The channel of a message; None for direct messages."""
        return next((one for one in self.slack.channels() if one.id == card.channel), None)

    async def until_shows(self, message: SeenMessage, *words: str) -> SeenMessage:
        """Wait until a message has all these words."""
        async with shown(words, lambda: [self.ana.sees(message).text]):
            return await self.until(message, lambda seen: all(word in seen.text for word in words))

    async def until(self, message: SeenMessage, holds: Callable[[SeenMessage], bool]) -> SeenMessage:
        """Wait until a message is as wanted."""
        await self.slack.until(lambda: holds(self.ana.sees(message)))
        return self.ana.sees(message)
