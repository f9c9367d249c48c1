"""The local Slack as the conformance suite drives it."""

from __future__ import annotations

import json
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
from sayso.testing.platform import FaultKind
from sayso.testing.slack import LocalSlack, SeenMessage, SeenView, SlackPerson, SlackPress
from sayso.testing.slack import Place as Channel

CONNECTIONS = 2
METHODS = {Sending.SEND: "chat.postMessage", Sending.EDIT: "chat.update"}
KINDS = {
    Failure.SERVER_ERROR: FaultKind.SERVER_ERROR,
    Failure.RESET: FaultKind.RESET_AFTER,
    Failure.SILENCE: FaultKind.HANG_AFTER,
}


@dataclass
class SlackDriver:
    """People in channels of a local Slack, which reaches the bot by sockets or by signed requests."""

    slack: LocalSlack
    signs_requests: bool
    budget: Budget = field(default_factory=lambda: Budget(1, timedelta(seconds=0.2)))
    people: dict[str, SlackPerson] = field(default_factory=dict[str, SlackPerson])
    channels: dict[str, Channel] = field(default_factory=dict[str, Channel])
    presses: list[tuple[SlackPerson, SlackPress]] = field(
        default_factory=list[tuple[SlackPerson, SlackPress]]
    )

    @property
    def problems(self) -> Sequence[str]:
        return self.slack.problems

    # Before the service starts.

    async def add_person(self, name: str) -> str:
        person = self.slack.add_person(name)
        entry = f"slack:{self.slack.organisation_id}:{person.id}"
        self.people[entry] = person
        return entry

    async def add_place(self, title: str, people: Sequence[str]) -> Place:
        channel = self.slack.add_channel(title.lower(), [self.people[one] for one in people])
        entry = f"slack:#{channel.name}"
        self.channels[entry] = channel
        return Place(entry, channel.id)

    def settings(self, port: int) -> str:
        return "\n".join(
            [
                "[slack]",
                f'mode = "{"http" if self.signs_requests else "socket"}"',
                f'api_url = "{self.slack.api_url}"',
                f"connections = {CONNECTIONS}",
                f"posts_per_second = {self.budget.count / self.budget.per.total_seconds()}",
                "updates_per_minute = 100_000",
            ]
        )

    def environment(self) -> Mapping[str, str]:
        return {
            "SAYSO_SLACK__BOT_TOKEN": self.slack.bot_token,
            "SAYSO_SLACK__APP_TOKEN": self.slack.app_token,
            "SAYSO_SLACK__SIGNING_SECRET": self.slack.signing_secret,
        }

    # While it runs.

    async def connected(self, url: str) -> None:
        if self.signs_requests:
            self.slack.request_url = f"{url}/slack/events"
        else:
            await self.slack.until(lambda: self.slack.connections == CONNECTIONS)

    async def disconnected(self) -> None:
        await self.slack.until(lambda: self.slack.connections == 0)

    @property
    def revision(self) -> int:
        return self.slack.revision

    async def changed(self, revision: int) -> None:
        await self.slack.until(lambda: self.slack.revision != revision)

    # People.

    async def sees(self, person: str, place: Place) -> Sequence[Seen]:
        found = self.people[person].messages(self.channels[place.entry])
        return [seen(one) for one in found if not one.is_ephemeral]

    async def press(self, person: str, message: Seen, label: str) -> str | None:
        who = self.people[person]
        before = len(self._words(who, message))
        press = await who.press(message.handle, label, old_view=True)
        self.presses.append((who, press))
        return await self._heard(who, message, press, before)

    async def answer(self, person: str, card: Seen, given: Given) -> str | None:
        who = self.people[person]
        match given:
            case Typed(text):
                view = await self.asked_why(person, card, "✍️ Answer")
                return await self._sent(who, {view.inputs[0].label: text})
            case FilledIn(fields):
                await self.asked_why(person, card, "✍️ Answer")
                return await self._sent(who, fields)
            case Chosen(labels, several=True):
                view = await self.asked_why(person, card, "☑️ Choose")
                return await self._sent(who, {view.inputs[0].label: labels})
            case Chosen((label,)):
                before = len(self._words(who, card))
                return await self._heard(who, card, await who.choose(card.handle, label), before)
            case _:
                raise AssertionError(f"nobody chooses one of {given}")

    async def asked_why(self, person: str, card: Seen, label: str) -> SeenView:
        who = self.people[person]
        if who.view is not None:
            await who.close_view()  # one that was left open, so that it is not taken for the new one
        assert (await (await who.press(card.handle, label)).result()).is_acknowledged
        await self.slack.until(lambda: who.view is not None and who.view.submit is not None)
        assert who.view is not None
        return who.view

    async def explain(self, person: str, asks: SeenView, reason: str) -> str | None:
        is_suggested = reason in asks.inputs[0].options
        label = asks.inputs[0 if is_suggested else -1].label
        return await self._sent(self.people[person], {label: reason} if reason else {})

    async def replay(self) -> None:
        person, press = self.presses[-1]
        assert (await (await person.press_again(press)).result()).is_acknowledged

    async def _heard(self, person: SlackPerson, message: Seen, press: SlackPress, before: int) -> str | None:
        if not (await press.result()).is_acknowledged:
            return None
        await self.slack.until(lambda: len(self._words(person, message)) > before)
        return self._words(person, message)[before]

    def _words(self, person: SlackPerson, message: Seen) -> list[str]:
        return person.words(next(one for one in self.channels.values() if one.id == message.handle.channel))

    async def _sent(self, person: SlackPerson, values: Mapping[str, str | Sequence[str]]) -> str | None:
        is_acknowledged = (await (await person.submit(values)).result()).is_acknowledged
        view = person.view
        assert view is not None
        await person.close_view()
        return "\n".join([view.text, *view.errors.values()]) if is_acknowledged else None

    # Whoever has the bot's token, and whoever has none.

    async def rewrite(self, message: Seen, text: str) -> None:
        words = {"type": "section", "text": {"type": "plain_text", "text": text}}
        blocks = [words, *(one for one in message.handle.blocks if one["type"] == "actions")]
        await self._call(
            "chat.update", channel=message.handle.channel, ts=message.handle.ts, text="-", blocks=blocks
        )

    async def copy(self, message: Seen, place: Place) -> None:
        await self._call("chat.postMessage", channel=place.id, text="-", blocks=list(message.handle.blocks))

    async def forge(self, person: str, message: Seen, label: str) -> bool | None:
        if self.slack.request_url is None:
            return None
        shown: SeenMessage = message.handle
        buttons = [one for block in shown.blocks if block["type"] == "actions" for one in block["elements"]]
        (button,) = [
            one for one in buttons if str(one["text"]["text"]).endswith(label.rsplit(maxsplit=1)[-1])
        ]
        payload = {
            "type": "block_actions",
            "user": {"id": person.rpartition(":")[2], "team_id": self.slack.team_id},
            "team": {"id": self.slack.team_id},
            "container": {"type": "message", "channel_id": shown.channel, "message_ts": shown.ts},
            "channel": {"id": shown.channel},
            "message": {"ts": shown.ts, "blocks": list(shown.blocks)},
            "actions": [{**button, "block_id": "b", "action_ts": str(self.slack.now().timestamp())}],
        }
        headers = {
            "X-Slack-Request-Timestamp": str(int(self.slack.now().timestamp())),
            "X-Slack-Signature": f"v0={'0' * 64}",
        }
        async with httpx.AsyncClient(headers=headers) as client:
            answer = await client.post(self.slack.request_url, data={"payload": json.dumps(payload)})
        return answer.is_success

    async def _call(self, method: str, **fields: Any) -> None:
        token = {"Authorization": f"Bearer {self.slack.bot_token}"}
        async with httpx.AsyncClient(headers=token) as client:
            answer = (await client.post(f"{self.slack.api_url}{method}", json=fields)).json()
        assert answer["ok"], answer

    # What goes wrong.

    def fail(self, sending: Sending, failure: Failure) -> None:
        self.slack.fail(KINDS[failure], METHODS[sending])

    async def shut(self, place: Place) -> None:
        self.channels[place.entry].archive()

    async def reopen(self, place: Place) -> None:
        self.channels[place.entry].archive(archived=False)

    def sent(self, place: Place) -> Sequence[datetime]:
        calls = self.slack.calls_of("chat.postMessage")
        return [call.received_at for call in calls if call.parameters.get("channel") == place.id]


def seen(message: SeenMessage) -> Seen:
    """A message as the suite knows it."""
    labels = [*(one for row in message.labels for one in row), *(one.placeholder for one in message.selects)]
    return Seen(message.text, tuple(labels), message)
