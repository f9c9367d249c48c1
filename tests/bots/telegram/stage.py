"""People, a group and a service: what the tests of the Telegram bot play on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from sayso.bots.telegram import TelegramSettings
from sayso.config import DestinationSettings, HttpSettings, Settings
from sayso.testing.telegram import Group, LocalTelegram, Person, SeenMessage
from tests.bots.chat_service import ChatService, chat_service
from tests.bots.rejecting import asked_why, reject_in_telegram
from tests.bots.waiting import shown


@dataclass
class Stage:
    """Ana and Bo are in the group, Eve is not; all three have started the bot."""

    telegram: LocalTelegram
    database: Path
    ana: Person
    bo: Person
    eve: Person
    group: Group
    settings: Settings
    current: ChatService | None = None

    @classmethod
    async def build(cls, platform: LocalTelegram, database: Path, **more: Any) -> Stage:
        ana, bo, eve = (platform.add_person(name) for name in ("Ana", "Bo", "Eve"))
        group = await platform.add_group("Releases", [ana, bo], supergroup=False)
        stage = cls(platform, database, ana, bo, eve, group, Settings())
        stage.settings = stage.make_settings(**more)
        return stage

    def make_settings(self, **more: Any) -> Settings:
        telegram: dict[str, Any] = {
            "token": SecretStr(self.telegram.token),
            "api_url": self.telegram.url,
            "chat_per_second": 1000.0,
            "group_per_minute": 10_000,
            "all_per_second": 10_000,
        }
        telegram |= more.pop("telegram", {})
        people = (f"telegram:{self.ana.id}", f"telegram:{self.bo.id}")
        place = DestinationSettings(audience=more.pop("audience", people), name="Releases")
        return Settings(
            time_zone="UTC",
            destinations={self.place: place},
            telegram=TelegramSettings(**telegram),
            http=HttpSettings(port=more.pop("port", 0)),
            **more,
        )

    @property
    def place(self) -> str:
        """The group as a destination."""
        return f"telegram:{self.group.id}"

    @property
    def service(self) -> ChatService:
        """The service that runs now."""
        assert self.current is not None
        return self.current

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[ChatService]:
        """The service while inside; entered again, it has been restarted."""
        starters = frozenset({f"telegram:{self.ana.id}"})
        async with chat_service(self.database, self.settings, starters=starters) as service:
            self.current = service
            await self.telegram.until(lambda: self.telegram.is_polled)
            yield service
        self.current = None

    async def ask(self, *to: str, **question: Any) -> tuple[str, SeenMessage]:
        """Have something asked in the group, or where it is said; the run, and the card as Ana sees it."""
        run_id = await self.service.ask(list(to) or [self.place], **question)
        sent = await self.service.sent(run_id)
        seen = (one for one in await self.ana.sees(self.group) if str(one.message_id) in sent)
        return run_id, next(seen, None) or await self.card()

    async def asked_why(self, person: Person, card: SeenMessage, label: str = "❌ reject") -> SeenMessage:
        """Press a button that asks why; the message that asks."""
        return await asked_why(self.telegram, person, card, label, self._group_of(card))

    async def reject(
        self, person: Person, card: SeenMessage, label: str = "❌ reject", reason: str = ""
    ) -> str:
        """Reject with a reason, or without one; what the person hears."""
        return await reject_in_telegram(self.telegram, person, card, label, self._group_of(card), reason)

    def _group_of(self, message: SeenMessage) -> Group | None:
        return self.group if message.chat_id == self.group.id else None

    def count(self) -> int:
        """How many messages the bot has sent."""
        return len(self.telegram.calls_of("sendMessage"))

    async def card(self) -> SeenMessage:
        """The newest message in the group."""
        return await self.ana.last(self.group)

    async def until_shows(self, message: SeenMessage, *words: str) -> SeenMessage:
        """Wait until a message has all these words."""
        last = message

        def holds(seen: SeenMessage) -> bool:
            nonlocal last
            last = seen
            return all(word in seen.text for word in words)

        async with shown(words, lambda: [last.text]):
            return await self.until(message, holds)

    async def until(self, message: SeenMessage, holds: Callable[[SeenMessage], bool]) -> SeenMessage:
        """Wait until a message is as wanted."""
        seen = await self.ana.now(message)
        while not holds(seen):
            await self.until_revision(self.telegram.revision)
            seen = await self.ana.now(message)
        return seen

    async def until_revision(self, revision: int) -> None:
        """Wait until something has changed since."""
        await self.telegram.until(lambda: self.telegram.revision != revision)
