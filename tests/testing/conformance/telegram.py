"""The local Telegram as the conformance suite drives it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from sayso.testing.conformance import (
    Budget,
    Chosen,
    Failure,
    FilledIn,
    Given,
    Place,
    Seen,
    Sending,
    Typed,
)
from sayso.testing.platform import Call, FaultKind
from sayso.testing.telegram import Group, LocalTelegram, Person, Press, SeenMessage

METHODS = {Sending.SEND: "sendMessage", Sending.EDIT: "editMessageText"}
SHOWING = {method.lower() for method in METHODS.values()}
KINDS = {
    Failure.SERVER_ERROR: FaultKind.SERVER_ERROR,
    Failure.RESET: FaultKind.RESET_AFTER,
    Failure.SILENCE: FaultKind.HANG_AFTER,
}


@dataclass
class TelegramDriver:
    """People in groups of a local Telegram, which the bot polls, or which calls its webhook."""

    telegram: LocalTelegram
    has_webhook: bool
    budget: Budget = field(default_factory=lambda: Budget(5, timedelta(seconds=1)))
    people: dict[str, Person] = field(default_factory=dict[str, Person])
    groups: dict[str, Group] = field(default_factory=dict[str, Group])
    presses: list[tuple[Person, Press]] = field(default_factory=list[tuple[Person, Press]])
    webhooks: list[str] = field(default_factory=list[str])
    polls_before: int = 0

    @property
    def problems(self) -> Sequence[str]:
        return self.telegram.problems

    # Before the service starts.

    async def add_person(self, name: str) -> str:
        person = self.telegram.add_person(name)
        self.people[f"telegram:{person.id}"] = person
        return f"telegram:{person.id}"

    async def add_place(self, title: str, people: Sequence[str]) -> Place:
        group = await self.telegram.add_group(title, [self.people[one] for one in people])
        self.groups[f"telegram:{group.id}"] = group
        return Place(f"telegram:{group.id}")

    def settings(self, port: int) -> str:
        self.webhooks.append(f"http://127.0.0.1:{port}/telegram/webhook")
        lines = [
            "[telegram]",
            f'api_url = "{self.telegram.url}"',
            f"chat_per_second = {self.budget.count / self.budget.per.total_seconds()}",
            "group_per_minute = 10_000",
            "all_per_second = 1_000",
        ]
        if self.has_webhook:
            lines += ['mode = "webhook"', f'webhook_url = "{self.webhooks[0]}"']
        return "\n".join(lines)

    def environment(self) -> Mapping[str, str]:
        return {"SAYSO_TELEGRAM__TOKEN": self.telegram.token}

    # While it runs.

    async def connected(self, url: str) -> None:
        if not self.has_webhook:
            await self.telegram.until(lambda: self.telegram.is_polled and self._polls() >= self.polls_before)

    async def disconnected(self) -> None:
        """A poll of a killed process stays until the next one begins."""
        self.polls_before = self._polls() + self.telegram.is_polled

    def _polls(self) -> int:
        return len(self.telegram.calls_of("getUpdates"))

    @property
    def revision(self) -> int:
        return self.telegram.revision

    async def changed(self, revision: int) -> None:
        await self.telegram.until(lambda: self.telegram.revision != revision)

    # People.

    async def sees(self, person: str, place: Place) -> Sequence[Seen]:
        return [seen(one) for one in await self.people[person].sees(self.groups[place.entry])]

    async def press(self, person: str, message: Seen, label: str) -> str | None:
        tap = await self.people[person].tap(message.handle, label, old_view=True)
        self.presses.append((self.people[person], tap))
        result = await tap.result()
        return result.text or "" if result.is_acknowledged else None

    async def answer(self, person: str, card: Seen, given: Given) -> str | None:
        who = self.people[person]
        match given:
            case Typed(text):
                asks = await self._begun(who, card, "✍️ Answer")
                return (await self._replied(who, asks, text)).text
            case FilledIn(fields):
                asks = await self._begun(who, card, "✍️ Answer")
                for text in fields.values():
                    asks = await self._replied(who, asks, text)
                return asks.text
            case Chosen(labels, several=True):
                picker = await self._begun(who, card, "☑️ Choose")
                for label in labels:
                    await who.press(picker, f"⬜ {label}")
                    picker = await self._until(who, picker, f"☑️ {label}")
                return await self.press(person, seen(picker), f"Done ({len(labels)})")
            case Chosen((label,)):
                message: SeenMessage = card.handle
                while [label] not in message.labels:
                    await who.press(message, "▶")
                    message = await self._turned(who, message)
                return await self.press(person, seen(message), label)
            case _:
                raise AssertionError(f"nobody chooses one of {given}")

    async def asked_why(self, person: str, card: Seen, label: str) -> SeenMessage:
        return await self._begun(self.people[person], card, label)

    async def explain(self, person: str, asks: SeenMessage, reason: str) -> str | None:
        labels = [one for row in asks.labels for one in row]
        picked = [one for one in labels if one == (reason or "Reject without a reason")]
        if picked:
            return await self.press(person, seen(asks), picked[0])
        return (await self._replied(self.people[person], asks, reason)).text

    async def replay(self) -> None:
        person, press = self.presses[-1]
        await person.press_again(press)
        await self.telegram.until(lambda: not self.telegram.pending_updates)

    async def _begun(self, person: Person, card: Seen, label: str) -> SeenMessage:
        last = (await self._bots(person, card.handle))[-1]
        assert (await person.press(card.handle, label)).is_acknowledged
        return await self._next(person, last)

    async def _replied(self, person: Person, message: SeenMessage, text: str) -> SeenMessage:
        last = (await self._bots(person, message))[-1]
        await person.reply(message, text)
        return await self._next(person, last)

    async def _next(self, person: Person, last: SeenMessage) -> SeenMessage:
        while True:
            revision = self.revision
            newest = (await self._bots(person, last))[-1]
            if newest.message_id > last.message_id:
                return newest
            await self.changed(revision)

    async def _bots(self, person: Person, message: SeenMessage) -> list[SeenMessage]:
        seen = await person.sees(self._group(message))
        return [one for one in seen if one.sender == "sayso" and one.notice is None]

    async def _until(self, person: Person, message: SeenMessage, label: str) -> SeenMessage:
        while [label] not in message.labels:
            revision = self.revision
            message = await person.now(message)
            if [label] not in message.labels:
                await self.changed(revision)
        return message

    async def _turned(self, person: Person, message: SeenMessage) -> SeenMessage:
        while (now := await person.now(message)).version == message.version:
            await self.changed(self.revision)
        return now

    def _group(self, message: SeenMessage) -> Group:
        return self.groups[f"telegram:{message.chat_id}"]

    # Whoever has the bot's token, and whoever has none.

    async def rewrite(self, message: Seen, text: str) -> None:
        await self._call(
            "editMessageText", chat_id=message.handle.chat_id, message_id=message.handle.message_id, text=text,
            reply_markup=self._sent(message)["reply_markup"],
        )  # fmt: skip

    async def copy(self, message: Seen, place: Place) -> None:
        sent = self._sent(message)
        await self._call("sendMessage", **{**sent, "chat_id": self.groups[place.entry].id})

    async def forge(self, person: str, message: Seen, label: str) -> bool | None:
        if not self.has_webhook:
            return None
        buttons = [
            one for row in json.loads(self._sent(message)["reply_markup"])["inline_keyboard"] for one in row
        ]
        chat = {"id": message.handle.chat_id, "type": "supergroup", "title": "Releases"}
        query = {
            "id": "1", "chat_instance": "1",
            "from": {"id": self.people[person].id, "is_bot": False, "first_name": "Ana"},
            "message": {"message_id": message.handle.message_id, "date": 0, "chat": chat},
            "data": next(one["callback_data"] for one in buttons if one["text"] == label),
        }  # fmt: skip
        async with httpx.AsyncClient() as client:
            answer = await client.post(self.webhooks[0], json={"update_id": 1, "callback_query": query})
        return answer.is_success

    async def _call(self, method: str, **fields: Any) -> None:
        data = {name: one if isinstance(one, str) else json.dumps(one) for name, one in fields.items()}
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.telegram.base_url}{self.telegram.token}/{method}", data=data)
        assert answer.is_success, answer.text

    def _sent(self, message: Seen) -> dict[str, Any]:
        """The call with which the bot showed a message as it was seen."""
        for call in reversed(self.telegram.calls):
            if call.method.lower() in SHOWING and _shows(call) == (message.handle.text, message.labels):
                given = {name: call.parameters.get(name) for name in ("text", "parse_mode", "reply_markup")}
                return {name: one if isinstance(one, str) else json.dumps(one) for name, one in given.items()}
        raise AssertionError(f"the bot never showed {message}")

    # What goes wrong.

    def fail(self, sending: Sending, failure: Failure) -> None:
        self.telegram.fail(KINDS[failure], METHODS[sending])

    async def shut(self, place: Place) -> None:
        await self.groups[place.entry].kick_bot()

    async def reopen(self, place: Place) -> None:
        await self.groups[place.entry].add_bot()

    def sent(self, place: Place) -> Sequence[datetime]:
        chat = str(self.groups[place.entry].id)
        calls = self.telegram.calls_of("sendMessage")
        return [call.received_at for call in calls if str(call.parameters.get("chat_id")) == chat]


def seen(message: SeenMessage) -> Seen:
    """A message as the suite knows it."""
    return Seen(message.text, tuple(one for row in message.labels for one in row), message)


def _shows(call: Call) -> tuple[str, tuple[str, ...]]:
    """The text and the labels that a call shows."""
    text = html.unescape(re.sub("<[^>]+>", "", str(call.parameters.get("text", "")))).strip()
    markup = call.parameters.get("reply_markup") or "{}"
    given = json.loads(markup) if isinstance(markup, str) else markup
    return text, tuple(one["text"] for row in given.get("inline_keyboard", ()) for one in row)
