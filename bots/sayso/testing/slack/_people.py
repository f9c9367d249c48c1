"""People who use the bot as people do: they see messages, press, pick, fill modals in, write and type commands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from msgspec.structs import replace

from sayso.testing.platform import Impossible
from sayso.testing.slack._delivery import Deliver, Envelope
from sayso.testing.slack._filling import Filling, Values, option_called
from sayso.testing.slack._kept import kept_typed
from sayso.testing.slack._payloads import handle_of, take_view_answer, who_and_where
from sayso.testing.slack._places import Place
from sayso.testing.slack._refusals import Refused
from sayso.testing.slack._schema import check_options
from sayso.testing.slack._state import (
    APP,
    BOT_USER,
    ENTERPRISE_NAME,
    Account,
    Channel,
    Message,
    ViewState,
)
from sayso.testing.slack._view import (
    SELECTS,
    PressResult,
    SeenMessage,
    SeenView,
    blocks_of,
    elements,
    label_of,
    seen_message,
    seen_view,
)
from sayso.testing.slack._world import Said, World

_SENT_BACK = frozenset({"action_id", "type", "text", "value", "style", "placeholder", "initial_option"})
_Control = tuple[int | None, dict[str, Any], dict[str, Any]]
"""The number of the attachment that it is in, its block, and the element itself."""


class Host(Protocol):
    """What people need of the server."""

    @property
    def url(self) -> str:
        """The server's root."""
        ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background."""
        ...

    async def until(self, condition: Callable[[], bool], *, by: datetime | None = None) -> None:
        """Wait for a condition."""
        ...


class SlackPress:
    """Something that somebody did, on its way to the bot. `answered` is what the app does with the answer."""

    def __init__(
        self,
        payload: dict[str, Any],
        kind: str = "interactive",
        answered: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.payload = payload
        self.kind = kind
        self.answered = answered
        self._done: asyncio.Future[PressResult] = asyncio.get_running_loop().create_future()

    async def result(self) -> PressResult:
        """The result, once it is acknowledged or three seconds have passed."""
        return await asyncio.shield(self._done)

    def finish(self, envelope: Envelope, words: tuple[str, ...] = ()) -> None:
        """It is over."""
        end = envelope.acknowledged_at or envelope.sent_at
        took = end - envelope.sent_at if envelope.is_acknowledged else timedelta(seconds=3)
        self._done.set_result(PressResult(envelope.is_acknowledged, took, words))


class SlackPerson:
    """One person. What they cannot do in the app raises `Impossible`."""

    def __init__(self, world: World, account: Account, deliver: Deliver, host: Host) -> None:
        self._world = world
        self._account = account
        self._deliver = deliver
        self._host = host

    @property
    def id(self) -> str:
        """Their id."""
        return self._account.id

    @property
    def name(self) -> str:
        """What they are called."""
        return self._account.name

    def deactivate(self) -> None:
        """Lose the account, as who leaves the company does; what they are signed in to elsewhere stays."""
        self._account.is_deleted = True

    def elsewhere(self, team: str) -> SlackPerson:
        """Who has their id in another workspace of the app, where all ids are as in this one."""
        world, account = self._world.elsewhere(team), replace(self._account, team=team)
        return SlackPerson(world, account, self._deliver, self._host)

    # --- seeing ------------------------------------------------------------------------------------

    def messages(self, place: Place | None = None, *, thread: str | None = None) -> list[SeenMessage]:
        """What they see in a channel, or in the direct messages with the bot; a thread's messages only in it."""
        channel = self._channel(place)
        now = self._world.now()
        return [
            seen_message(self._world.state, channel.id, one, now)
            for one in channel.messages
            if one.only_for in (None, self.id)
            and (one.thread_ts == thread or (thread is None and one.is_broadcast))
        ]

    def last(self, place: Place | None = None) -> SeenMessage:
        """The newest message that is not private."""
        for message in reversed(self.messages(place)):
            if not message.is_ephemeral:
                return message
        raise Impossible(self.name, "sees no message")

    def words(self, place: Place | None = None) -> list[str]:
        """What the bot told them alone, oldest first."""
        return [one.text for one in self.messages(place) if one.is_ephemeral]

    def sees(self, message: SeenMessage) -> SeenMessage:
        """A message as it is now."""
        channel, found = self._find(message)
        return seen_message(self._world.state, channel.id, found, self._world.now())

    @property
    def view(self) -> SeenView | None:
        """The modal on top, if one is open."""
        stack = self._world.state.modals.get(self.id)
        return seen_view(self._world.state, stack[-1], self._world.now()) if stack else None

    @property
    def home(self) -> SeenView | None:
        """The app's home, once it was published."""
        found = self._world.state.homes.get(self.id)
        return None if found is None else seen_view(self._world.state, found, self._world.now())

    # --- pressing ----------------------------------------------------------------------------------

    async def press(
        self,
        message: SeenMessage,
        label: str | None = None,
        *,
        action_id: str | None = None,
        number: int = 0,
        old_view: bool = False,
        forged: bool = False,
        odd: Mapping[str, Any] | None = None,
    ) -> SlackPress:
        """Press a button of the message or of its attachments: the `number`-th that has this label, or this
        `action_id`. With `old_view` they press what they saw, though the message has changed since; `forged` presses
        one that does not show to them, as a client of their own might. `odd` are fields of the payload as Slack does
        not describe them.
        """
        channel, found = self._find(message)
        matching = [
            (attachment, block, element)
            for attachment, block, element in self._controls(message if old_view else found)
            if element["type"] == "button" and _is_meant(element, label, action_id)
            if forged or self.id in element.get("visible_to_user_ids", [self.id])
        ]
        if len(matching) <= number:
            raise Impossible(self.name, f"sees no button {label or action_id!r}")
        attachment, block, element = matching[number]
        return self._act(self._from_message(channel, found, attachment), self._action(block, element), odd)

    async def choose(
        self, message: SeenMessage, label: str, *, action_id: str | None = None, number: int = 0
    ) -> SlackPress:
        """Pick an option from the message's picker (the `number`-th, or the one with this `action_id`), and confirm
        where that is asked.
        """
        channel, found = self._find(message)
        attachment, block, element = self._picker(found, action_id, number)
        around = self._from_message(channel, found, attachment)
        given = element.get("options")
        if given is None:
            given = await self._search(around, block, element, label)
            around = self._from_message(channel, found, attachment)
        return self._act(around, self._picked(block, element, given, label))

    async def search(self, message: SeenMessage, typed: str) -> list[str]:
        """Type into the message's searchable picker; the labels that are shown."""
        channel, found = self._find(message)
        attachment, block, element = self._picker(found, None)
        options = await self._search(self._from_message(channel, found, attachment), block, element, typed)
        return [label_of(one) for one in options]

    async def press_at_home(
        self, label: str, number: int = 0, *, odd: Mapping[str, Any] | None = None
    ) -> SlackPress:
        """Press a button in the app's home, the `number`-th with this label. `odd` are fields of the payload as Slack
        does not describe them.
        """
        view = self._world.state.homes.get(self.id)
        if view is None:
            raise Impossible(self.name, "has no home")
        return self._press_in(view, label, number, odd)

    async def press_in_view(self, label: str, number: int = 0, values: Values | None = None) -> SlackPress:
        """Press a button in the modal on top, the `number`-th with this label, with what inputs hold by then."""
        await self._filling(self._top()).fill(values or {})
        return self._press_in(self._top(), label, number)

    def _press_in(
        self, view: ViewState, label: str, number: int, odd: Mapping[str, Any] | None = None
    ) -> SlackPress:
        matching = [
            self._action(block, element)
            for block, element in elements(view.body["blocks"])
            if element["type"] == "button" and _is_meant(element, label, None)
        ]
        if len(matching) <= number:
            raise Impossible(self.name, f"sees no button {label!r} there")
        container = {"type": "view", "view_id": view.id}
        around = {"container": container, "view": self._world.view_as_sent(view)}
        return self._act(around, matching[number], odd)

    async def press_again(self, press: SlackPress) -> SlackPress:
        """Deliver the same payload again, as a network may."""
        return self._send(press.kind, press.payload, press.answered)

    # --- modals ------------------------------------------------------------------------------------

    async def submit(self, values: Values, *, odd: Mapping[str, Any] | None = None) -> SlackPress:
        """Fill inputs of the modal on top in, by labels, and send it. `odd` are fields of the payload as Slack does
        not describe them.
        """
        view = self._top()
        if "submit" not in view.body:
            raise Impossible(self.name, "there is nothing to send in this modal")
        filling = self._filling(view)
        await filling.fill(values)
        filling.check()
        view.errors = {}
        payload: dict[str, Any] = {
            **who_and_where(self._world, self._account, "view_submission"),
            "view": self._world.view_as_sent(view),
            "response_urls": [],
            **(odd or {}),
        }
        return self._send(
            "interactive",
            payload,
            lambda answer: take_view_answer(self._world, self.id, view, answer),
            is_odd=odd is not None,
        )

    async def close_view(self) -> None:
        """Close the modal on top."""
        self._top()
        self._world.state.modals[self.id].pop()
        self._world.changed()

    # --- writing and commands ----------------------------------------------------------------------

    async def write(self, text: str, place: Place | None = None, *, thread: str | None = None) -> None:
        """Write a message."""
        self._world.post(self._channel(place), self.id, Said(kept_typed(text)), thread_ts=thread)

    async def command(self, command: str, text: str = "", place: Place | None = None) -> SlackPress:
        """Type a slash command."""
        channel = self._channel(place)
        response = self._world.new_response(self.id, channel.id, None)
        state = self._world.state
        payload = {
            "token": "local", "team_id": self._world.team, "team_domain": "local", "channel_id": channel.id,
            "channel_name": channel.name or "directmessage", "user_id": self.id, "user_name": handle_of(self._account),
            "command": command, "text": kept_typed(text), "api_app_id": APP,
            "is_enterprise_install": str(state.is_org_wide).lower(),
            "response_url": f"{self._host.url}/response/{response}", "trigger_id": self._world.new_trigger(self.id),
        }  # fmt: skip
        if (enterprise := state.enterprise_in(self._world.team)) is not None:
            payload |= {"enterprise_id": enterprise, "enterprise_name": ENTERPRISE_NAME}

        def answered(answer: dict[str, Any]) -> None:
            only_for = None if answer.get("response_type") == "in_channel" else self.id
            self._world.post(channel, BOT_USER, self._world.checked(answer), only_for=only_for)

        return self._send("slash_commands", payload, answered)

    async def open_home(self) -> None:
        """Look at the app's home."""
        channel = self._world.direct(self.id).id
        stamp = f"{self._world.now().timestamp():.6f}"
        event = {
            "type": "app_home_opened",
            "user": self.id,
            "channel": channel,
            "tab": "home",
            "event_ts": stamp,
        }
        self._world.send_event(event)

    # --- inside ------------------------------------------------------------------------------------

    def _channel(self, place: Place | None) -> Channel:
        if place is None:
            return self._world.direct(self.id)
        channel = self._world.state.channels[place.id]
        if self.id not in channel.members and channel.is_private:
            raise Impossible(self.name, f"is not in #{channel.name}")
        return channel

    def _find(self, message: SeenMessage) -> tuple[Channel, Message]:
        channel = self._world.state.channels[message.channel]
        for found in channel.messages:
            if found.ts == message.ts and found.only_for in (None, self.id):
                return channel, found
        raise Impossible(self.name, "the message no longer exists")

    @staticmethod
    def _controls(message: SeenMessage | Message) -> Iterator[_Control]:
        for attachment, block in blocks_of(message.blocks, message.attachments):
            for _, element in elements([block]):
                yield attachment, block, element

    def _picker(self, message: Message, action_id: str | None, number: int = 0) -> _Control:
        found = [
            (attachment, block, element)
            for attachment, block, element in self._controls(message)
            if element["type"] in SELECTS and action_id in (None, element["action_id"])
        ]
        if number >= len(found):
            raise Impossible(self.name, "sees no picker" if not found else f"sees only {len(found)} pickers")
        return found[number]

    def _picked(
        self, block: dict[str, Any], element: dict[str, Any], options: list[dict[str, Any]], label: str
    ) -> dict[str, Any]:
        option = option_called(options, label, self.name)
        return {**self._action(block, element), "selected_option": self._world.kept(option)}

    def _action(self, block: dict[str, Any], element: dict[str, Any]) -> dict[str, Any]:
        sent = {key: value for key, value in element.items() if key in _SENT_BACK}
        self._world.stamp += 1
        stamp = f"{self._world.now().timestamp():.6f}{self._world.stamp}"
        return {**self._world.kept(sent), "block_id": block["block_id"], "action_ts": stamp}

    def _from_message(self, channel: Channel, message: Message, attachment: int | None) -> dict[str, Any]:
        """What surrounds an action in a message. An ephemeral message itself is never sent along."""
        if channel.is_archived:
            raise Impossible(self.name, "the channel is archived")
        response = self._world.new_response(self.id, channel.id, message.thread_ts)
        is_ephemeral = message.only_for is not None
        container: dict[str, Any] = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": is_ephemeral,
        }
        if attachment is not None:
            container |= {
                "type": "message_attachment",
                "attachment_id": attachment,
                "is_app_unfurl": False,
            }
        if message.thread_ts is not None:
            container["thread_ts"] = message.thread_ts
        return {
            "container": container,
            "channel": {"id": channel.id, "name": channel.name or "directmessage"},
            **({} if is_ephemeral else {"message": self._world.as_sent(message)}),
            "state": {"values": {}},
            "response_url": f"{self._host.url}/response/{response}",
        }

    def _act(
        self, around: dict[str, Any], action: dict[str, Any], odd: Mapping[str, Any] | None = None
    ) -> SlackPress:
        payload = {
            **who_and_where(self._world, self._account, "block_actions"),
            **around,
            "actions": [action],
            **(odd or {}),
        }
        return self._send("interactive", payload, is_odd=odd is not None)

    def _send(
        self,
        kind: str,
        payload: dict[str, Any],
        answered: Callable[[dict[str, Any]], None] | None = None,
        *,
        is_odd: bool = False,
    ) -> SlackPress:
        press = SlackPress(payload, kind, answered)

        async def send() -> None:
            envelope = await self._deliver(kind, payload, is_odd=is_odd)
            if envelope.is_acknowledged and answered is not None:
                try:
                    answered(envelope.answer or {}) if envelope.answer or kind == "interactive" else None
                except Refused as refused:
                    self._world.problem(f"an acknowledgement of {kind}: {refused}")
            press.finish(envelope)
            self._world.changed()

        self._host.spawn(send())
        return press

    async def _search(
        self, around: dict[str, Any], block: dict[str, Any], element: dict[str, Any], typed: str
    ) -> list[dict[str, Any]]:
        payload = {
            **who_and_where(self._world, self._account, "block_suggestion"),
            **around,
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "value": self._world.typed_in(typed),
        }
        envelope = await self._deliver("interactive", payload)
        answer = envelope.answer or {}
        for problem in check_options(answer):
            self._world.problem(f"options: {problem}")
        found: list[dict[str, Any]] = answer.get("options", [])
        return found

    def _filling(self, view: ViewState) -> Filling:
        async def offered(block: dict[str, Any], element: dict[str, Any], typed: str) -> list[dict[str, Any]]:
            container = {"type": "view", "view_id": view.id}
            around = {"container": container, "view": self._world.view_as_sent(view)}
            return await self._search(around, block, element, typed)

        return Filling(self._world, self._account, view, offered)

    def _top(self) -> ViewState:
        stack = self._world.state.modals.get(self.id)
        if not stack:
            raise Impossible(self.name, "has no modal open")
        return stack[-1]


def _is_meant(button: dict[str, Any], label: str | None, action_id: str | None) -> bool:
    if action_id is not None:
        return bool(button["action_id"] == action_id)
    return label in (label_of(button), button["text"]["text"])
