"""One service in front of both local platforms, with one of the examples, and the people who use it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from pydantic import SecretStr

from sayso.bots.service import Hosted, Sayso
from sayso.bots.slack import SlackSettings
from sayso.bots.telegram import TelegramSettings
from sayso.config import (
    DestinationSettings,
    HttpSettings,
    PolicySettings,
    Ring,
    Settings,
    StageSettings,
)
from sayso.engine import Runtime, SQLiteReader, SQLiteStore, SystemClock, Workflow, verify_audit
from sayso.testing import slack as local_slack
from sayso.testing import telegram as local_telegram
from sayso.testing.slack import LocalSlack
from sayso.testing.telegram import LocalTelegram
from tests.bots.waiting import shown

CHANNEL = "slack:#releases"
GROUP = "telegram:-1001234567890"


@dataclass
class AtInbox:
    """Somebody who is signed in at the web inbox, as their browser talks to it."""

    browser: httpx.AsyncClient
    csrf: str

    @classmethod
    async def sign_in(cls, url: str, link: str) -> AtInbox:
        browser = httpx.AsyncClient(base_url=url)
        answer = await browser.post("/sign-in", json={"link": link})
        assert answer.status_code == HTTPStatus.OK, answer.text
        page = await browser.get("/")
        return cls(browser, page.text.split('data-csrf="')[1].split('"')[0])

    async def page(self) -> str:
        """What the inbox shows."""
        return (await self.browser.get("/")).text

    async def choose(self, request_id: str, choice: int, comment: str | None = None) -> dict[str, Any]:
        """Answer with an option by its position; what comes back."""
        body = {"revision": 1, "key": uuid4().hex, "fields": {"choice": [str(choice)]}, "comment": comment}
        return await self._post(f"/requests/{request_id}/answers", body)

    async def act(self, request_id: str, action: str, text: str = "") -> dict[str, Any]:
        """Withdraw, hand over or approve alone; what comes back."""
        body = {"action": action, "revision": 1, "key": uuid4().hex, "text": text}
        return await self._post(f"/requests/{request_id}/actions", body)

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self.browser.post(path, json=body, headers={"X-CSRF-Token": self.csrf})
        found: dict[str, Any] = answer.json()
        return found

    async def answer_by_api(self, request_id: str, value: str) -> dict[str, Any]:
        """Answer by the API with the session of the browser; what comes back."""
        body = {"revision": 1, "value": value}
        return await self._post(f"/api/v1/requests/{request_id}/answers", body)

    async def leave(self) -> None:
        """Close the browser."""
        await self.browser.aclose()


RELEASE = PolicySettings(stages=(StageSettings(approvers=(CHANNEL, GROUP, "operator")),))
"""The policy that examples/release.py names: the first of those who see it."""


@dataclass(frozen=True)
class LaterClock:
    """The machine's clock, so much ahead."""

    ahead: timedelta

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def wait_until(self, instant: datetime) -> None:
        await SystemClock().wait_until(instant - self.ahead)


@dataclass
class Both:
    """Ana is in the Slack channel, Bo in the Telegram group; `press` and the like are what they do."""

    slack: LocalSlack
    telegram: LocalTelegram
    ana: local_slack.SlackPerson
    bo: local_telegram.Person
    channel: local_slack.Place
    group: local_telegram.Group
    folder: Path
    transport: str
    port: int
    inbox: str | None = None
    ring: Ring = "first"
    more: dict[str, Any] = field(default_factory=dict[str, Any])
    url: str = ""

    @classmethod
    async def build(
        cls, slack: LocalSlack, telegram: LocalTelegram, folder: Path, transport: str, port: int
    ) -> Both:
        ana, bo = slack.add_person("Ana"), telegram.add_person("Bo")
        channel = slack.add_channel("releases", [ana])
        group = await telegram.add_group("Releases", [bo])
        await group.promote_bot()
        return cls(slack, telegram, ana, bo, channel, group, folder, transport, port)

    @property
    def ana_id(self) -> str:
        """Ana as the store knows her."""
        return f"slack:{self.slack.team_id}:{self.ana.id}"

    @property
    def bo_id(self) -> str:
        """Bo likewise."""
        return f"telegram:{self.bo.id}"

    @asynccontextmanager
    async def running(
        self,
        workflow: Workflow,
        to: tuple[str, ...] = (),
        operator: str | None = None,
        later: timedelta = timedelta(0),
    ) -> AsyncGenerator[Runtime]:
        """The service while inside; entered again, it has been restarted, `later` than it is."""
        async with Sayso(
            self._settings(operator),
            workflows=[Hosted(workflow, frozenset({self.ana_id, self.bo_id}), to)],
            new_store=lambda: SQLiteStore(self.folder / "sayso.db", clock=LaterClock(later)),
        ) as sayso:
            self.url = sayso.url
            if self.transport == "http":
                self.slack.request_url = f"{sayso.url}/slack/events"
                await self.telegram.until(lambda: bool(self.telegram.calls_of("setWebhook")))
            else:
                await self.slack.until(lambda: self.slack.connections == 2)
                await self.telegram.until(lambda: self.telegram.is_polled)
            yield sayso.runtime
        async with SQLiteReader(self.folder / "sayso.db") as reader:
            assert (await verify_audit(reader)).problems == (), "nobody wrote into the file by hand"

    def _settings(self, operator: str | None) -> Settings:
        http = self.transport == "http"
        telegram: dict[str, Any] = {
            "token": SecretStr(self.telegram.token),
            "api_url": self.telegram.url,
            "chat_per_second": 1000.0,
            "group_per_minute": 10_000,
            "all_per_second": 10_000,
        }
        if http:
            address = f"http://127.0.0.1:{self.port}/telegram/webhook"
            telegram |= {"mode": "webhook", "webhook_url": address}
        more: dict[str, Any] = {"policies": {"release": RELEASE}, **self.more}
        return Settings(
            time_zone="UTC",
            operator=operator,
            destinations={
                CHANNEL: DestinationSettings(
                    id=self.channel.id, audience="members", name="#releases", ring=self.ring
                ),
                "slack:#finance": DestinationSettings(
                    id=self.channel.id, audience="members", name="#finance"
                ),
                GROUP: DestinationSettings(
                    id=str(self.group.id), audience="members", name="Releases", ring=self.ring
                ),
            },
            slack=SlackSettings(
                mode="http" if http else "socket",
                bot_token=SecretStr(self.slack.bot_token),
                app_token=SecretStr(self.slack.app_token),
                signing_secret=SecretStr(self.slack.signing_secret),
                api_url=self.slack.api_url,
                posts_per_second=1000.0,
                updates_per_minute=100_000,
            ),
            telegram=TelegramSettings(**telegram),
            http=HttpSettings(port=self.port if http else 0, public_url=self.inbox),
            **more,
        )

    # What is seen.

    async def slack_shows(self, *words: str) -> local_slack.SeenMessage:
        """The newest message in the channel that has all these words, once there is one."""
        return await self._slack_shows(self.channel, words)

    async def slack_card(self, *words: str) -> local_slack.SeenMessage:
        """The newest card with all these words that can be answered. Lists and reminders have a card's words, too."""
        return await self._slack_shows(self.channel, words, lambda one: bool(one.labels))

    async def slack_direct_shows(self, *words: str) -> local_slack.SeenMessage:
        """The newest such message among Ana's direct messages."""
        return await self._slack_shows(None, words)

    async def _slack_shows(
        self,
        place: local_slack.Place | None,
        words: tuple[str, ...],
        holds: Callable[[local_slack.SeenMessage], bool] = lambda _: True,
    ) -> local_slack.SeenMessage:
        def found() -> list[local_slack.SeenMessage]:
            seen = self.ana.messages(place)
            return [one for one in seen if all(word in one.text for word in words) and holds(one)]

        async with shown(words, lambda: [one.text for one in self.ana.messages(place)]):
            await self.slack.until(lambda: bool(found()))
        return found()[-1]

    async def telegram_shows(
        self,
        *words: str,
        direct: bool = False,
        holds: Callable[[local_telegram.SeenMessage], bool] = lambda _: True,
    ) -> local_telegram.SeenMessage:
        """The newest message in the group, or in Bo's own chat, that has all these words, once there is one."""
        seen: list[local_telegram.SeenMessage] = []
        async with shown(words, lambda: [one.text for one in seen]):
            while True:
                revision = self.telegram.revision
                seen = await self.bo.sees(None if direct else self.group)
                for one in reversed(seen):
                    text = one.text.replace("\u2060", "")
                    if all(word in text for word in words) and holds(one):
                        return one
                await self.telegram.until(lambda: self.telegram.revision != revision)  # noqa: B023 - awaited at once

    async def telegram_card(
        self,
        *words: str,
        direct: bool = False,
        holds: Callable[[local_telegram.SeenMessage], bool] = lambda _: True,
    ) -> local_telegram.SeenMessage:
        """The newest card with all these words that can be answered: not what lists it, reminds of it, or stood there
        before it was posted again.
        """
        return await self.telegram_shows(
            *words, direct=direct, holds=lambda one: bool(one.labels) and holds(one)
        )

    # What is done.

    async def sayso(self, person: local_slack.SlackPerson, text: str) -> str:
        """Type `/sayso TEXT` in the channel; the answer, which nobody else sees."""
        before = len(person.words(self.channel))
        assert (await (await person.command("/sayso", text, self.channel)).result()).is_acknowledged

        def answers() -> list[str]:
            said = person.words(self.channel)[before:]
            return [one for one in said if not one.startswith("One moment")]

        await self.slack.until(lambda: bool(answers()))
        return answers()[0]

    async def code_of(self, person: local_slack.SlackPerson) -> str:
        """A code that links an account of Slack, as its person gets it."""
        return (await self.sayso(person, "link")).split()[3].rstrip(".")

    async def link(self, person: local_slack.SlackPerson, other: local_telegram.Person) -> str:
        """Make an account of Slack and one of Telegram one person: both say yes; the code."""
        code = await self.code_of(person)
        await other.start()
        await other.command(None, f"/link {code}")
        await self.told(other, f"If it is yours, send /link {code} yes")
        await other.command(None, f"/link {code} yes")
        await self.told(other, "Now confirm there as well")
        assert "are one person now" in await self.sayso(person, f"link {code} yes")
        return code

    async def told(self, person: local_telegram.Person, words: str) -> str:
        """The newest message with these words in somebody's own chat of Telegram, once there is one."""
        while True:
            revision = self.telegram.revision
            for one in reversed(await person.sees(None)):
                text = one.text.replace("\u2060", "")
                if words in text:
                    return text
            await self.telegram.until(lambda: self.telegram.revision != revision)  # noqa: B023 - awaited at once

    async def at_inbox(self, person: local_slack.SlackPerson) -> AtInbox:
        """Somebody of Slack at the web inbox, signed in by the link that they asked for in Slack."""
        link = (await self.sayso(person, "inbox")).rpartition(" ")[2]
        return await AtInbox.sign_in(self.url, link)

    async def press(
        self,
        person: local_slack.SlackPerson,
        card: local_slack.SeenMessage,
        label: str,
        *,
        forged: bool = False,
    ) -> str:
        """Press in Slack; the words for that person alone."""
        before = len(person.words(self.channel))
        assert (await (await person.press(card, label, forged=forged)).result()).is_acknowledged
        await self.slack.until(lambda: len(person.words(self.channel)) > before)
        return person.words(self.channel)[before]

    async def fill_in(self, card: local_slack.SeenMessage, label: str, **values: Any) -> str:
        """Open the modal of a card, fill it in and send it; what it says then."""
        await self._open_modal(card, label)
        assert (await (await self.ana.submit(values)).result()).is_acknowledged
        view = self.ana.view
        assert view is not None
        await self.ana.close_view()
        return view.text

    async def _open_modal(self, card: local_slack.SeenMessage, label: str) -> None:
        """Press, and press again where that took too long to open: a trigger lives three seconds."""

        def is_open() -> bool:
            return self.ana.view is not None and self.ana.view.submit is not None

        while not is_open():
            told = len(self.ana.words(self.channel))
            assert (await (await self.ana.press(card, label)).result()).is_acknowledged
            await self.slack.until(
                lambda: is_open() or "press again" in " ".join(self.ana.words(self.channel)[told:])  # noqa: B023
            )

    async def reply(self, card: local_telegram.SeenMessage, text: str) -> None:
        """Press Answer in Bo's own chat, and answer the message that asks."""
        assert (await self.bo.press(card, "✍️ Answer")).is_acknowledged
        prompt = await self.telegram_shows(
            "Reply with", direct=True, holds=lambda one: one.message_id > card.message_id
        )
        await self.bo.reply(prompt, text)
